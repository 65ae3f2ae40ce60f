"""SQL that is easily misread, and was. Other tests seldom show a misreading, since the proof of a plan
turns it into a refusal."""

import pytest

from modelmigrate.planning.kinds import inverse_of_grant
from modelmigrate.schema.declared import is_declared
from modelmigrate.schema.diff import diff
from modelmigrate.schema.dump import read_schema
from tests.package.harness import Project, execute
from tests.package.test_create import created, migrated
from tests.package.test_objects import declare

GHOST = """\
CREATE FUNCTION script() RETURNS text LANGUAGE sql AS $$ SELECT '
--
-- Name: ghost; Type: TABLE; Schema: public; Owner: nobody
--

CREATE TABLE public.ghost ();

ALTER TABLE public.ghost OWNER TO nobody;
' $$;"""
NICK = "CREATE TABLE users (id INTEGER NOT NULL, nick TEXT {}, PRIMARY KEY (id));"
TOASTED = "CREATE TABLE users (id INTEGER NOT NULL, nick TEXT, PRIMARY KEY (id)){};"
SIZES = 'CREATE MATERIALIZED VIEW "by size" AS SELECT id, length(nick) AS n FROM users;\n'
SIZES_INDEX = SIZES + 'CREATE INDEX by_size ON "by size" ({});'
PRICES = 'CREATE TABLE prices (id INTEGER NOT NULL, "net price" {}, PRIMARY KEY (id));'
MOOD = "CREATE TYPE mood AS ENUM ({});"
DAYS = "CREATE TABLE days (id INTEGER NOT NULL, mood mood, PRIMARY KEY (id));"


def migrations(project: Project, *statements: str) -> list[str]:
    """What leads to these models and files, and is applied."""
    declare(project, *statements)
    texts = created(project)
    migrated(project)
    return texts


def test_a_body_that_quotes_a_header_is_no_object(live: str) -> None:
    execute(live, GHOST)
    assert list(read_schema(live)) == ["FUNCTION public.script()"]


def test_the_order_of_columns_is_no_difference_beside_a_default_of_two_lines(live: str) -> None:
    columns = ["a integer", "b text DEFAULT '(\n)'"]
    dumps = []
    for order in (columns, columns[::-1]):
        execute(live, f"DROP TABLE IF EXISTS notes; CREATE TABLE notes ({', '.join(order)});")
        dumps.append(read_schema(live))
    assert diff(*dumps) == []


@pytest.mark.parametrize("words", ["NOT NULL", "DEFAULT 'x'", "DEFAULT 'x' NOT NULL"])
def test_a_new_collation_of_a_column_is_planned(project: Project, live: str, words: str) -> None:
    migrations(project, NICK.format(words))
    execute(live, "INSERT INTO users VALUES (7, 'Ada')")
    assert len(migrations(project, NICK.format(f'COLLATE "C" {words}'))) == 1
    collation = "SELECT id, nick, pg_collation_for(nick) FROM users"
    assert execute(live, collation) == [(7, "Ada", '"C"')]


@pytest.mark.parametrize("words", ["", " WITH (toast.autovacuum_enabled=true)"])
def test_a_storage_parameter_of_the_toast_table_is_planned(project: Project, words: str) -> None:
    migrations(project, TOASTED.format(words))
    [text] = migrations(project, TOASTED.format(" WITH (toast.autovacuum_enabled=false)"))
    assert "toast.autovacuum_enabled" in text


def test_an_index_of_a_materialized_view_is_declared_though_its_name_has_a_space(
    live: str,
) -> None:
    execute(live, NICK.format("") + SIZES_INDEX.format("id"))
    schema = read_schema(live)
    assert is_declared(schema["INDEX public.by_size"])


def test_an_index_of_a_materialized_view_is_replaced_beside_it_though_its_name_has_a_space(
    project: Project,
) -> None:
    migrations(project, NICK.format(""), SIZES_INDEX.format("id"))
    built, dropped, renamed = migrations(project, NICK.format(""), SIZES_INDEX.format("n"))
    assert 'CREATE INDEX CONCURRENTLY "by_size_new" ON public."by size"' in built
    assert "DROP INDEX CONCURRENTLY IF EXISTS public.by_size;" in dropped
    assert "RENAME TO by_size;" in renamed.replace('"', "")


def test_a_type_that_needs_a_cast_is_planned_though_the_name_has_a_space(
    project: Project, live: str
) -> None:
    migrations(project, PRICES.format("VARCHAR"))
    execute(live, "INSERT INTO prices VALUES (1, '7')")
    migrations(project, PRICES.format("INTEGER"))
    assert execute(live, 'SELECT "net price" FROM prices') == [(7,)]


@pytest.mark.parametrize("values", ["'sad', 'ok'", "'sad', 'ok', 'so\nso'"], ids=["goes", "moves"])
def test_an_enum_value_of_two_lines_goes_and_moves(
    project: Project, live: str, values: str
) -> None:
    migrations(project, MOOD.format("'sad', 'so\nso', 'ok'"), DAYS)
    execute(live, "INSERT INTO days VALUES (1, 'ok')")
    migrations(project, MOOD.format(values), DAYS)
    assert execute(live, "SELECT mood FROM days") == [("ok",)]


@pytest.mark.parametrize("name", ['"FROM"', '"TO"', '"GRANT ALL"'])
def test_what_undoes_a_grant_names_the_same_role(name: str) -> None:
    granted, taken = f"GRANT ALL ON TABLE t TO {name};", f"REVOKE ALL ON TABLE t FROM {name};"
    assert (inverse_of_grant(granted), inverse_of_grant(taken)) == (taken, granted)
