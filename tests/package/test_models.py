"""What models can say beyond plain tables: all of it reaches the database, or nothing is written.

The snippets are SQLAlchemy models; the loader prints them as DDL, as for a service.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from modelmigrate.schema.diff import Change, Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized
from modelmigrate.schema.states import build_desired_state
from modelmigrate.sql.statements import split_statements
from tests.conftest import TREE, run
from tests.package.harness import Project, execute, roll_back
from tests.package.test_create import OUTSIDE, back, created, migrated, models

# Reads snippets, prints the DDL of each, by the parts that load_models.py consists of.
PRINTER = """\
import io, json, sys
from contextlib import redirect_stdout
from pathlib import Path
from atlas_provider_sqlalchemy.ddl import print_ddl
from modelmigrate.models.loader import DIALECT, Models, _check_statements, load_models
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

convention = load_models().metadata.naming_convention
models = Models(Path("src"), "domain.models", "Base")

def ddl(snippet):
    class Base(DeclarativeBase):
        metadata = MetaData(naming_convention=convention)
    exec("from sqlalchemy import *; from sqlalchemy.dialects.postgresql import *\\n" + snippet,
         {"Base": Base, "metadata": Base.metadata})
    _check_statements(models, Base)
    with redirect_stdout(io.StringIO()) as printed:
        print_ddl(DIALECT, [Base])
    return printed.getvalue()

json.dump([ddl(snippet) for snippet in json.load(sys.stdin)], sys.stdout)
"""


class Kind(NamedTuple):
    """An index of the table `t`, and what PostgreSQL calls it."""

    columns: str
    on: str
    definition: str

    @property
    def story(self) -> "Story":
        """With a new table first, then with one that has a row."""
        new, both = self.snippet("fresh"), self.snippet("fresh", "old")
        return Story([State(new), State(both)], "INSERT INTO old (id) VALUES (7)")

    def snippet(self, *indexed: str) -> str:
        lines = []
        for table in ("fresh", "old"):
            lines.append(
                f"t = Table('{table}', metadata, Column('id', Integer, primary_key=True), {self.columns})"
            )
            if table in indexed:
                lines.append(f"Index('ix_{table}', {self.on})")
        return "\n".join(lines)


NAME = "Column('name', Text)"
NUMBER = "Column('n', Integer)"
DATA = "Column('data', JSONB)"
BOTH = f"{NAME}, {NUMBER}"
SEARCH = f"{NAME}, Column('search', TSVECTOR, Computed(\"to_tsvector('english', name)\", persisted=True))"

KINDS = {
    "gin on a text search expression": Kind(
        NAME,
        "text(\"to_tsvector('english', name)\"), postgresql_using='gin', _table=t",
        "USING gin (to_tsvector('english'::regconfig, name))",
    ),
    "gin on a text search function": Kind(
        NAME,
        "func.to_tsvector(literal('english'), t.c.name), postgresql_using='gin'",
        "USING gin (to_tsvector('english'::regconfig, name))",
    ),
    "gin on a generated column": Kind(
        SEARCH, "t.c.search, postgresql_using='gin'", "USING gin (search)"
    ),
    "gin on jsonb": Kind(DATA, "t.c.data, postgresql_using='gin'", "USING gin (data)"),
    "gin on an array": Kind(
        "Column('tags', ARRAY(Text))", "t.c.tags, postgresql_using='gin'", "USING gin (tags)"
    ),
    "gist on a range": Kind(
        "Column('during', TSTZRANGE)",
        "t.c.during, postgresql_using='gist'",
        "USING gist (during)",
    ),
    "brin": Kind(NUMBER, "t.c.n, postgresql_using='brin'", "USING brin (n)"),
    "brin with a parameter": Kind(
        NUMBER,
        "t.c.n, postgresql_using='brin', postgresql_with={'pages_per_range': 32}",
        "USING brin (n) WITH (pages_per_range='32')",
    ),
    "hash": Kind(NAME, "t.c.name, postgresql_using='hash'", "USING hash (name)"),
    "partial": Kind(
        BOTH,
        "t.c.name, postgresql_where=t.c.n > 0",
        "(name) WHERE (n > 0)",
    ),
    "partial with a list of texts": Kind(
        BOTH,
        "t.c.n, postgresql_where=text(\"name IN ('a', 'b')\")",
        "(n) WHERE (name = ANY (ARRAY['a'::text, 'b'::text]))",
    ),
    "expression": Kind(NAME, "func.lower(t.c.name)", "(lower(name))"),
    "unique expression": Kind(
        "Column('name', String(50))", "func.lower(t.c.name), unique=True", "(lower((name)::text))"
    ),
    "expression with an operator": Kind(
        DATA, "t.c.data['kind'].astext", "((data ->> 'kind'::text))"
    ),
    "covering": Kind(BOTH, "t.c.name, postgresql_include=['n']", "(name) INCLUDE (n)"),
    "partial with a list of varchars": Kind(
        "Column('name', String(5)), Column('n', Integer)",
        "t.c.n, postgresql_where=text(\"name IN ('a', 'b')\")",
        "(n) WHERE ((name)::text = ANY (",
    ),
    "text_pattern_ops": Kind(
        NAME, "t.c.name, postgresql_ops={'name': 'text_pattern_ops'}", "(name text_pattern_ops)"
    ),
    "jsonb_path_ops": Kind(
        DATA,
        "t.c.data, postgresql_using='gin', postgresql_ops={'data': 'jsonb_path_ops'}",
        "USING gin (data jsonb_path_ops)",
    ),
    "descending, nulls last": Kind(NUMBER, "t.c.n.desc().nulls_last()", "(n DESC NULLS LAST)"),
    "ascending, nulls first": Kind(NUMBER, "t.c.n.asc().nulls_first()", "(n NULLS FIRST)"),
    "nulls not distinct": Kind(
        NUMBER,
        "t.c.n, unique=True, postgresql_nulls_not_distinct=True",
        "(n) NULLS NOT DISTINCT",
    ),
    "unique partial": Kind(
        BOTH,
        "t.c.name, unique=True, postgresql_where=t.c.n.is_(None)",
        "(name) WHERE (n IS NULL)",
    ),
    "several columns, mixed": Kind(
        f"{BOTH}, Column('kind', String(5))",
        "t.c.kind, func.lower(t.c.name).label('low'), t.c.n.desc(), unique=True,"
        " postgresql_ops={'low': 'text_pattern_ops'}, postgresql_include=['id'],"
        " postgresql_where=t.c.n > 0",
        "(kind, lower(name) text_pattern_ops, n DESC) INCLUDE (id) WHERE (n > 0)",
    ),
    "collate": Kind(NAME, "t.c.name.collate('C')", '(name COLLATE "C")'),
    "collate of an expression": Kind(
        NAME, "func.lower(t.c.name).collate('C')", '(lower(name) COLLATE "C")'
    ),
    "fillfactor": Kind(
        NAME, "t.c.name, postgresql_with={'fillfactor': 70}", "(name) WITH (fillfactor='70')"
    ),
    "gin without fastupdate": Kind(
        DATA,
        "t.c.data, postgresql_using='gin', postgresql_with={'fastupdate': 'off'}",
        "USING gin (data) WITH (fastupdate=off)",
    ),
}


class State(NamedTuple):
    """Models, with what the database or the migration that leads there says, and does not."""

    snippet: str
    has: str = ""
    lacks: str = ""
    migration: str = ""
    never: str = ""


def table(*more: str, name: str = "things") -> str:
    """Models of one table."""
    parts = ", ".join(["Column('id', Integer, primary_key=True)", *more])
    return f"Table('{name}', metadata, {parts})"


def with_index(*options: str) -> str:
    return f"t = {table(NAME)}\nIndex('ix_name', {', '.join(options)})"


def with_teams(*more: str) -> str:
    return "\n".join([table(name="teams"), table("Column('team_id', Integer)", *more)])


def reference(*options: str) -> str:
    return with_teams(f"ForeignKeyConstraint(['team_id'], ['teams.id'], {', '.join(options)})")


def inheriting(*options: str) -> str:
    child = ", ".join(["Column('extra', Integer)", *options])
    return f"Table('base', metadata, Column('n', Integer))\nTable('child', metadata, {child})"


def excluding(*options: str) -> str:
    arguments = ", ".join(["('during', '&&')", *options, "name='apart'"])
    constraint = f"ExcludeConstraint({arguments})"
    return table("Column('during', INT4RANGE)", NUMBER, constraint)


CHECK = "CheckConstraint('n > 0', name='positive')"
CHECK_NOT_VALID = "CheckConstraint('n > 0', name='positive', postgresql_not_valid=True)"
UNIQUE = "UniqueConstraint('n')"
DEFERRED = "UniqueConstraint('n', deferrable=True, initially='DEFERRED')"
DEFERRABLE = "UniqueConstraint('n', deferrable=True)"
REFERENCE_DEFERRED = "deferrable=True, initially='DEFERRED'"
PLAIN = table(NUMBER)
RANGES = table("Column('during', INT4RANGE)", NUMBER)
REFERENCE_NOT_VALID = "postgresql_not_valid=True"
TWICE = "Column('twice', Integer, Computed('n * 2', persisted=False))"
VIRTUAL = "GENERATED ALWAYS AS ((n * 2))"
STORED = "GENERATED ALWAYS AS ((n * 2)) STORED"
INSERTED = "INSERT INTO things (id) VALUES (7)"
NUMBERED = "INSERT INTO things (id, n) VALUES (7, 7)"


class Story(NamedTuple):
    """Models one after another, rows that are there from the first on, and those fixed later."""

    states: list[State]
    rows: str = ""
    fixed: Mapping[int, str] = {}
    lost: tuple[str, ...] = ()


def identity(*options: str, column: str = "id") -> str:
    key = ", primary_key=True" if column == "id" else ""
    return f"Table('things', metadata, Column('{column}', Integer, Identity({', '.join(options)}){key}), {NAME})"


STORIES = {
    "a deferred unique constraint": Story(
        [
            State(table(NUMBER, DEFERRED), "UNIQUE (n) DEFERRABLE INITIALLY DEFERRED;"),
            State(table(NUMBER, UNIQUE), "UNIQUE (n);", "DEFERR"),
            State(table(NUMBER, DEFERRABLE), "UNIQUE (n) DEFERRABLE;"),
            State(PLAIN, "", "UNIQUE"),
            State(table(NUMBER, DEFERRED), "UNIQUE (n) DEFERRABLE INITIALLY DEFERRED;"),
        ],
        NUMBERED,
    ),
    "a deferred unique constraint of a column that is new": Story(
        [State(table()), State(table(NUMBER, DEFERRED), "DEFERRABLE INITIALLY DEFERRED")], INSERTED
    ),
    "a deferred foreign key": Story(
        [
            State(reference(REFERENCE_DEFERRED), "DEFERRABLE INITIALLY DEFERRED"),
            State(reference(), "REFERENCES public.teams(id);", "DEFERR"),
            State(reference(REFERENCE_DEFERRED), "DEFERRABLE INITIALLY DEFERRED"),
            State(with_teams(), "", "REFERENCES"),
            State(reference(REFERENCE_DEFERRED), "DEFERRABLE INITIALLY DEFERRED"),
        ],
        "INSERT INTO teams VALUES (1); INSERT INTO things VALUES (7, 1)",
    ),
    "a foreign key that sets null or cascades": Story(
        [
            State(reference("ondelete='SET NULL'"), "ON DELETE SET NULL;"),
            State(
                reference("ondelete='CASCADE'", "onupdate='CASCADE'"),
                "ON UPDATE CASCADE ON DELETE CASCADE;",
            ),
            State(reference("match='FULL'"), "MATCH FULL;"),
            State(reference(), "REFERENCES public.teams(id);", "MATCH"),
        ],
        "INSERT INTO teams VALUES (1); INSERT INTO things VALUES (7, 1)",
    ),
    "a check that is not valid, of a new table": Story(
        [
            State(table(NUMBER, CHECK_NOT_VALID), "CHECK ((n > 0)) NOT VALID;"),
            State(
                table(NUMBER, CHECK), "CHECK ((n > 0))", "NOT VALID", "VALIDATE CONSTRAINT", "DROP"
            ),
        ],
        NUMBERED,
    ),
    "a check that rows violate": Story(
        [
            State(PLAIN, "", "CHECK"),
            State(table(NUMBER, CHECK_NOT_VALID), "CHECK ((n > 0)) NOT VALID;"),
            State(
                table(NUMBER, CHECK), "CHECK ((n > 0))", "NOT VALID", "VALIDATE CONSTRAINT", "DROP"
            ),
            State(table(NUMBER, CHECK_NOT_VALID), "CHECK ((n > 0)) NOT VALID;"),
            State(PLAIN, "", "CHECK"),
        ],
        "INSERT INTO things VALUES (7, -7)",
        {2: "UPDATE things SET n = 7"},
    ),
    "a check whose not valid words change": Story(
        [
            State(table(NUMBER, CHECK_NOT_VALID), "CHECK ((n > 0)) NOT VALID;"),
            State(
                table(NUMBER, CHECK_NOT_VALID.replace("> 0", "> 1")), "CHECK ((n > 1)) NOT VALID;"
            ),
        ],
        NUMBERED,
    ),
    "a foreign key that is not valid, of a new table": Story(
        [
            State(reference(REFERENCE_NOT_VALID), "REFERENCES public.teams(id) NOT VALID;"),
            State(
                reference(),
                "REFERENCES public.teams(id);",
                "NOT VALID",
                "VALIDATE CONSTRAINT",
                "DROP",
            ),
        ],
    ),
    "a foreign key that rows violate": Story(
        [
            State(with_teams(), "", "REFERENCES"),
            State(reference(REFERENCE_NOT_VALID), "REFERENCES public.teams(id) NOT VALID;"),
            State(
                reference(),
                "REFERENCES public.teams(id);",
                "NOT VALID",
                "VALIDATE CONSTRAINT",
                "DROP",
            ),
            State(reference(REFERENCE_NOT_VALID), "REFERENCES public.teams(id) NOT VALID;"),
        ],
        "INSERT INTO things VALUES (7, 1)",
        {2: "UPDATE things SET team_id = NULL"},
    ),
    "the collation of an index": Story(
        [
            State(with_index("t.c.name.collate('C')"), '(name COLLATE "C")'),
            State(with_index("t.c.name"), "(name)", "COLLATE"),
            State(with_index("t.c.name.collate('POSIX')"), '(name COLLATE "POSIX")'),
            State(with_index("t.c.name.collate('C')"), '(name COLLATE "C")'),
            State(table(NAME), "", "INDEX"),
        ],
        INSERTED,
    ),
    "the fillfactor of an index": Story(
        [
            State(with_index("t.c.name", "postgresql_with={'fillfactor': 70}"), "fillfactor='70'"),
            State(with_index("t.c.name", "postgresql_with={'fillfactor': 80}"), "fillfactor='80'"),
            State(with_index("t.c.name"), "(name)", "fillfactor"),
            State(with_index("t.c.name", "postgresql_with={'fillfactor': 70}"), "fillfactor='70'"),
        ],
        INSERTED,
    ),
    "the storage parameters of a table": Story(
        [
            State(table("postgresql_with={'fillfactor': 70}"), "WITH (fillfactor='70')"),
            State(
                table("postgresql_with={'fillfactor': 80, 'autovacuum_vacuum_threshold': 500}"),
                "WITH (fillfactor='80', autovacuum_vacuum_threshold='500')",
            ),
            State(table(), "", "WITH"),
            State(table("postgresql_with={'fillfactor': 70}"), "WITH (fillfactor='70')"),
        ],
        INSERTED,
    ),
    "the storage parameters of a table whose columns change": Story(
        [
            State(table()),
            State(table(NUMBER, "postgresql_with={'fillfactor': 70}"), "WITH (fillfactor='70')"),
        ],
        INSERTED,
    ),
    "an exclusion": Story(
        [
            State(excluding("using='gist'"), "EXCLUDE USING gist (during WITH &&)"),
            State(
                excluding("using='gist'", "where=text('n > 0')"),
                "EXCLUDE USING gist (during WITH &&) WHERE ((n > 0))",
            ),
            State(RANGES, "", "EXCLUDE"),
            State(
                excluding("using='gist'", "deferrable=True", "initially='DEFERRED'"),
                "EXCLUDE USING gist (during WITH &&) DEFERRABLE INITIALLY DEFERRED",
            ),
        ],
        "INSERT INTO things VALUES (7, '[1,3)', 1), (8, '[3,5)', 1)",
    ),
    "an unlogged table": Story(
        [
            State(table("prefixes=['UNLOGGED']"), "CREATE UNLOGGED TABLE"),
            State(table(), "CREATE TABLE", "UNLOGGED"),
            State(table("prefixes=['UNLOGGED']"), "CREATE UNLOGGED TABLE"),
        ],
        INSERTED,
    ),
    "a virtual column of a new table": Story([State(table(NUMBER, TWICE), VIRTUAL, "STORED")]),
    "a stored column": Story(
        [
            State(PLAIN, "", "GENERATED"),
            State(table(NUMBER, TWICE.replace("False", "True")), STORED),
            State(table(NUMBER, TWICE), f"{VIRTUAL}\n", "STORED"),
            State(table(NUMBER, TWICE.replace("False", "True")), STORED),
        ],
        NUMBERED,
    ),
    "the options of an identity": Story(
        [
            State(identity("start=100"), "START WITH 100"),
            State(
                identity("start=200", "increment=5", "always=True"),
                "START WITH 200\n    INCREMENT BY 5",
            ),
            State(identity(), "GENERATED BY DEFAULT AS IDENTITY"),
            State(identity("start=100", "cycle=True", "cache=10"), "CACHE 10\n    CYCLE"),
        ],
        "INSERT INTO things (name) VALUES ('one')",
    ),
    "an identity that comes and goes": Story(
        [
            State(identity("start=100"), "START WITH 100"),
            State(
                f"Table('things', metadata, Column('id', Integer, primary_key=True, autoincrement=False), {NAME})",
                "",
                "IDENTITY",
            ),
            State(identity("start=100"), "START WITH 100"),
        ],
        "INSERT INTO things (name) VALUES ('one')",
    ),
    "the collation of a new column": Story(
        [
            State(table("Column('name', Text(collation='C'))"), 'text COLLATE pg_catalog."C"'),
            State(table(), "", "name text"),
            State(table("Column('name', Text(collation='C'))"), 'text COLLATE pg_catalog."C"'),
        ],
        INSERTED,
    ),
    "the comment of a column": Story(
        [
            State(
                table("Column('n', Integer, comment='how many')"),
                "COMMENT ON COLUMN public.things.n IS 'how many';",
            ),
            State(table("Column('n', Integer, comment='it\\'s 100% so')"), "IS 'it''s 100% so';"),
            State(PLAIN, "", "COMMENT"),
            State(table("Column('n', Integer, comment='again')"), "IS 'again';"),
        ],
        NUMBERED,
    ),
    "the comment of a new table": Story(
        [State(table("comment='what there is'"), "COMMENT ON TABLE public.things IS 'what there")],
    ),
    "a unique constraint without distinct nulls": Story(
        [
            State(
                table(NUMBER, "UniqueConstraint('n', postgresql_nulls_not_distinct=True)"),
                "UNIQUE NULLS NOT DISTINCT (n)",
            ),
            State(table(NUMBER, UNIQUE), "UNIQUE (n)"),
            State(PLAIN, "", "UNIQUE"),
            State(
                table(NUMBER, "UniqueConstraint('n', postgresql_nulls_not_distinct=True)"),
                "UNIQUE NULLS NOT DISTINCT (n)",
            ),
        ],
        NUMBERED,
    ),
    "a table that inherits from one that is there": Story(
        [
            State(inheriting().partition("\n")[0], "", "INHERITS"),
            State(inheriting("postgresql_inherits='base'"), "INHERITS (public.base)"),
        ]
    ),
    "a unique constraint that covers more": Story(
        [
            State(PLAIN, "", "UNIQUE"),
            State(
                table(NUMBER, NAME, "UniqueConstraint('n', postgresql_include=['name'])"),
                "UNIQUE (n) INCLUDE (name)",
            ),
        ],
        NUMBERED,
    ),
    "the comment of a table": Story(
        [
            State(
                table("Column('n', Integer, comment='how many')", "comment='what there is'"),
                "COMMENT ON COLUMN public.things.n IS 'how many';",
            ),
            State(
                table("Column('n', Integer, comment='it\\'s 100% so')", "comment='new'"),
                "IS 'it''s 100% so';",
            ),
            State(PLAIN, "", "COMMENT"),
            State(table(NUMBER, "comment='again'"), "COMMENT ON TABLE public.things IS 'again';"),
        ],
        NUMBERED,
    ),
    "a virtual column comes, changes and goes": Story(
        [
            State(PLAIN, "", "GENERATED"),
            State(table(NUMBER, TWICE), VIRTUAL, "STORED"),
            State(table(NUMBER, TWICE.replace("n * 2", "n + n")), "GENERATED ALWAYS AS ((n + n))"),
            State(PLAIN, "", "GENERATED"),
        ],
        NUMBERED,
    ),
    "the collation of a column that is there": Story(
        [
            State(table(NAME), "", "COLLATE"),
            State(table("Column('name', Text(collation='C'))"), 'COLLATE pg_catalog."C"'),
            State(table(NAME), "", "COLLATE"),
        ],
        INSERTED,
    ),
    "a new table that inherits from a new one": Story(
        [State(inheriting("postgresql_inherits='base'"), "INHERITS")]
    ),
    "a precision that is the usual one": Story(
        [
            State(table("Column('at', TIMESTAMP(timezone=True))"), "", "timestamp(6)"),
            State(table("Column('at', TIMESTAMP(timezone=True, precision=6))"), "timestamp(6)"),
        ],
        INSERTED,
    ),
    "an identity goes on where it stood": Story(
        [
            State(identity(), "CACHE 1"),
            State(identity("cache=10"), "CACHE 10"),
            State(identity("cache=10")),
        ],
        "INSERT INTO things (name) VALUES ('one')",
        {2: "INSERT INTO things (name) VALUES ('two')"},
    ),
    "a storage parameter that is a word": Story(
        [
            State(table()),
            State(table("postgresql_with={'autovacuum_enabled': 'off'}"), "autovacuum_enabled=off"),
        ]
    ),
}


class Spelling(NamedTuple):
    """A part of the table `things`, and how a person might have written its migration."""

    part: str
    by_hand: str
    before: str = ""


SPELLINGS = {
    "a list of texts": Spelling(
        "Column('kind', String(5)), CheckConstraint(\"kind IN ('a', 'b')\", name='kind')",
        "kind varchar(5), CONSTRAINT ck_things_kind CHECK (kind = ANY (ARRAY['a', 'b']::varchar[]))",
    ),
    "a number": Spelling(
        "Column('price', Numeric(10, 2), server_default='0.5', nullable=False)",
        "price decimal(10, 2) DEFAULT '0.5' NOT NULL",
    ),
    "a negative number": Spelling(
        "Column('n', Integer, server_default=text('-1'))", "n int DEFAULT (-1)"
    ),
    "a text": Spelling(
        "Column('name', String, server_default=\"it's\")",
        "name character varying DEFAULT 'it''s'::varchar",
    ),
    "a truth": Spelling(
        "Column('active', Boolean, server_default=true(), nullable=False)",
        "active bool NOT NULL DEFAULT 't'",
    ),
    "a quoted truth": Spelling(
        "Column('active', Boolean, server_default='false')",
        "active boolean DEFAULT cast('off' AS bool)",
    ),
    "an enum": Spelling(
        "Column('mood', Enum('sad', 'ok', name='mood'), server_default='ok')",
        "mood public.mood DEFAULT CAST('ok' AS mood)",
        "CREATE TYPE mood AS ENUM ('sad', 'ok');",
    ),
    "the time": Spelling(
        "Column('at', DateTime(timezone=True), server_default=func.now())",
        "at timestamp with time zone DEFAULT pg_catalog.now()",
    ),
    "the current timestamp": Spelling(
        "Column('at', DateTime(timezone=True), server_default=func.current_timestamp())",
        "at timestamptz DEFAULT current_timestamp",
    ),
    "jsonb": Spelling(
        "Column('data', JSONB, server_default='{}')", "data jsonb DEFAULT '{}'::jsonb"
    ),
    "an array": Spelling(
        "Column('tags', ARRAY(Text), server_default='{}')", "tags text[] DEFAULT '{}'"
    ),
}

NAMES = re.compile(r"\b(?:things|teams|base|child|alone|ix_name|ix_fresh|ix_old|fresh|old)\b")
TOGETHER = 12  # several in the same migrations, since a server takes its time for each of these


def named(text: str, number: int) -> str:
    """A text about the tables and indexes of the story that has this number."""
    return NAMES.sub(lambda name: f"{name[0]}_{number}", text)


def of_story(text: str, number: int) -> bool:
    return re.search(rf"(?:{NAMES.pattern[2:-2]})_{number}\b", text) is not None


class Step(NamedTuple):
    """What a change of the models led to."""

    texts: list[str]
    schema: Schema
    differences: list[str]
    back: list[str]


@pytest.fixture(scope="module")
def ddl() -> Callable[[list[str]], list[str]]:
    """Prints the DDL of snippets, with the naming convention of the service's models."""

    def printed(snippets: list[str]) -> list[str]:
        ran = run(sys.executable, "-B", "-c", PRINTER, at=TREE, input=json.dumps(snippets))
        assert ran.returncode == 0, ran.stderr
        return [str(text) for text in json.loads(ran.stdout)]

    return printed


Printer = Callable[[list[str]], list[str]]


def reached(project: Project, live: str, text: str) -> tuple[list[str], list[str]]:
    """The models are this DDL, and so is the database: the migrations, and what differs still."""
    models(project, text)
    texts = created(project)
    migrated(project)
    with build_desired_state(text, [], {}) as url:
        differences = diff_normalized(read_schema(url), read_schema(live))
    names = project.names()
    assert "No changes" in project.run("create", message="nothing").out
    assert project.names() == names
    return texts, told(differences)


def told(differences: list[Change]) -> list[str]:
    return ["\n".join([each.label, *each.lines()]) for each in differences]


def lived(project: Project, live: str, ddl: Printer, stories: dict[int, Story]) -> list[Step]:
    """Tell stories side by side, in as many migrations as the longest needs, and take them back."""
    length = max(len(story.states) for story in stories.values())
    snippets = [
        "\n".join(
            named(story.states[min(step, len(story.states) - 1)].snippet, number)
            for number, story in stories.items()
        )
        for step in range(length)
    ]
    befores, counts, reports = [], [], []
    for step, text in enumerate(ddl(snippets)):
        befores.append(read_schema(live))
        for number, story in stories.items():
            if step in story.fixed:
                execute(live, named(story.fixed[step], number))
        files = len(project.names())
        reports.append(reached(project, live, text))
        counts.append(len(project.names()) - files)
        for number, story in stories.items():
            if step == 0 and story.rows:
                execute(live, named(story.rows, number))
    after = [*befores[1:], read_schema(live)]
    steps: list[Step] = []
    named_as_lost: set[str] = set()
    for step in reversed(range(length)):
        if counts[step]:
            named_as_lost |= roll_back(project)
        wrong = told(diff(befores[step], read_schema(live)))
        steps.append(Step(reports[step][0], after[step], reports[step][1], wrong))
    assert named_as_lost >= {named(each, n) for n, story in stories.items() for each in story.lost}
    return steps[::-1]


def together(book: Mapping[str, object]) -> list[dict[int, str]]:
    """The names of a book's stories, by their numbers, a few at a time."""
    names = dict(enumerate(book))
    starts = range(0, len(names), TOGETHER)
    return [{n: names[n] for n in list(names)[start : start + TOGETHER]} for start in starts]


def names_of(stories: Mapping[int, str]) -> str:
    return "; ".join(stories.values())


@pytest.mark.parametrize("names", together(KINDS), ids=names_of)
def test_an_index_is_made_with_its_table_and_concurrently_where_that_is_there(
    project: Project, live: str, ddl: Printer, names: dict[int, str]
) -> None:
    steps = lived(project, live, ddl, {n: KINDS[name].story for n, name in names.items()})
    with_table, later = steps
    for number, name in names.items():
        definition = KINDS[name].definition
        assert definition in with_table.schema[f"INDEX public.ix_fresh_{number}"].create_sql, name
        assert definition in later.schema[f"INDEX public.ix_old_{number}"].create_sql, name
        [text] = [text for text in with_table.texts if of_story(text, number)]
        assert "CONCURRENTLY" not in text, name
        [text] = [text for text in later.texts if of_story(text, number)]
        assert re.match(rf"{OUTSIDE}CREATE (UNIQUE )?INDEX CONCURRENTLY .*;\n\Z", text), name
        assert not [line for step in steps for line in step.differences if of_story(line, number)]
        assert not [line for step in steps for line in step.back if of_story(line, number)]


@pytest.mark.parametrize("names", together(STORIES), ids=names_of)
def test_what_atlas_misses_reaches_the_database_and_is_rolled_back(
    project: Project, live: str, ddl: Printer, names: dict[int, str]
) -> None:
    steps = lived(project, live, ddl, {n: STORIES[name] for n, name in names.items()})
    for number, name in names.items():
        for state, step in zip(STORIES[name].states, steps, strict=False):
            created = (each.create_sql for each in step.schema.values())
            schema = "\n".join(sql for sql in created if of_story(sql, number))
            statements = [each for text in step.texts for each in split_statements(text)]
            text = "\n".join(each for each in statements if of_story(each, number))
            assert named(state.has, number) in schema, name
            assert not state.lacks or state.lacks not in schema, name
            assert state.migration in text, name
            assert not state.never or state.never not in text, name
        assert not [line for step in steps for line in step.differences if of_story(line, number)]
        assert not [line for step in steps for line in step.back if of_story(line, number)]


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_another_spelling_of_the_same_is_no_difference(
    project: Project, live: str, ddl: Printer, spelling: Spelling
) -> None:
    [text] = ddl([table(spelling.part)])
    reached(project, live, text)
    back(project, 1)
    for file in (*project.migrations.rglob("*.sql"), project.migrations / "atlas.sum"):
        file.unlink()
    project.add(
        "20260101000000_by_hand",
        f"{spelling.before}\nCREATE TABLE things (id serial PRIMARY KEY, {spelling.by_hand});\n",
    )
    assert created(project) == []
    migrated(project)
    assert project.run("drift", env="live", against="models").code == 0
