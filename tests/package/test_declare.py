"""What only migrations make gets files, which declare it to the letter."""

from collections.abc import Iterator

import pytest

from tests.package.harness import Project, project_with_models
from tests.package.test_create import USERS, models

MORE = """
CREATE EXTENSION pg_trgm;
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION f(a text, b int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
COMMENT ON FUNCTION f(int) IS 'one';
CREATE FUNCTION "My fn"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE PROCEDURE p(a int) LANGUAGE sql AS $$ SELECT 1 $$;
CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION "My fn"();
COMMENT ON TRIGGER touch ON users IS 'why';
ALTER TABLE users DISABLE TRIGGER touch;
CREATE VIEW v AS SELECT id, nick FROM users;
COMMENT ON COLUMN v.id IS 'whose';
CREATE MATERIALIZED VIEW m AS SELECT nick, f(id) FROM v;
CREATE UNIQUE INDEX m_nick ON m (nick);
CREATE RULE r AS ON INSERT TO v DO INSTEAD NOTHING;
CREATE DOMAIN positive AS int CONSTRAINT up CHECK (VALUE > 0);
COMMENT ON CONSTRAINT up ON DOMAIN positive IS 'not zero';
ALTER DOMAIN positive ADD CONSTRAINT odd CHECK (VALUE % 2 = 1) NOT VALID;
CREATE POLICY mine ON users USING (id > 0);
ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
"""
FILES = [
    "domains/positive.sql",
    "extensions/pg_trgm.sql",
    "functions/f.sql",
    "functions/f_2.sql",
    "functions/my_fn.sql",
    "policies/users_mine.sql",
    "procedures/p.sql",
    "triggers/users_touch.sql",
    "views/m.sql",
    "views/v.sql",
]


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with project_with_models("declare") as made:
        models(made, USERS)
        assert made.run("create", message="initial").code == 0
        made.add("29990101000000_more", MORE)
        yield made


def test_files_are_written_for_what_only_migrations_make_and_then_nothing_is_left_to_do(
    project: Project,
) -> None:
    folder = project.folder / "src" / "infrastructure" / "persistence" / "sql"
    (folder / "views").mkdir(parents=True, exist_ok=True)
    (folder / "views" / "v.sql").write_text("CREATE VIEW v AS SELECT id, nick FROM users;\n")

    ran = project.run("declare")

    assert ran.code == 0, ran.said
    written = [file.relative_to(folder).as_posix() for file in folder.rglob("*.sql")]
    assert sorted(written) == FILES
    assert "views/v.sql" not in ran.out
    (folder / "views" / "v.sql").write_text(
        "CREATE VIEW v AS SELECT id, nick FROM users;\nCOMMENT ON COLUMN v.id IS 'whose';\n"
    )
    before = project.names()
    assert "No changes" in project.run("create", message="again").out
    assert project.names() == before
    assert project.run("check").code == 0
    assert "No changes" in project.run("declare").out


def test_no_file_is_written_for_a_domain_of_the_models(project: Project) -> None:
    models(project, "CREATE DOMAIN word AS text;", USERS)
    assert project.run("create", message="word").code == 0
    assert "CREATE DOMAIN public.word" in (project.migrations / project.names()[-1]).read_text()
    assert "No changes" in project.run("declare").out


def test_row_security_without_policies_gets_a_file_of_its_own(project: Project) -> None:
    folder = project.folder / "src" / "infrastructure" / "persistence" / "sql"
    (folder / "policies" / "users_mine.sql").unlink()
    project.add("29990102000000_no_policy", "DROP POLICY mine ON users;")
    assert "policies/users.sql" in project.run("declare").out
    assert (folder / "policies" / "users.sql").read_text().splitlines() == [
        "ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;",
        "",
        "ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;",
    ]
    assert "No changes" in project.run("create", message="again").out


def test_a_file_that_is_wrong_is_an_error_and_nothing_is_written(project: Project) -> None:
    folder = project.folder / "src" / "infrastructure" / "persistence" / "sql"
    (folder / "views").mkdir(parents=True, exist_ok=True)
    bad = folder / "views" / "bad.sql"
    bad.write_text("CREATE FUNCTION g() RETURNS int;\n")
    before = sorted(folder.rglob("*.sql"))
    ran = project.run("declare")
    assert ran.code == 1
    assert "move it to src/infrastructure/persistence/sql/functions/" in ran.err
    assert sorted(folder.rglob("*.sql")) == before
    bad.unlink()
