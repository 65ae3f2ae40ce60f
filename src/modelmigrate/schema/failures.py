"""Why the desired schema cannot be built: what failed first, how much needs that, the extension that is
missing, and the bodies that use what is not there."""

import re
from contextlib import closing

import psycopg

from modelmigrate import project
from modelmigrate.postgres.connection import connect, given_url
from modelmigrate.postgres.execute import try_execute
from modelmigrate.schema.beside import created_names
from modelmigrate.schema.declared import DECLARED_KINDS, file_that_declares
from modelmigrate.sql.statements import shorten

# A table, type, operator class, function or schema that does not exist:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
OF_EXTENSIONS = {"42704", "42883"}
MISSING = OF_EXTENSIONS | {"42P01", "3F000"}
# An extension that the server does not have; older servers miss its file.
NOT_AVAILABLE = {"0A000", "58P01"}
# What an extension is known by, if not by its own name: types, functions, operator classes.
KNOWN_BY = {
    "citext": r"\bcitext_\w+",
    "cube": r"\b(gist_cube_ops|cube_\w+)",
    "earthdistance": r"\b(ll_to_earth|earth_distance|earth_box)",
    "fuzzystrmatch": r"\b(levenshtein\w*|d?metaphone\w*|soundex|difference|daitch_mokotoff)",
    "hstore": r"\b(gin|gist)_hstore_ops",
    "intarray": r"\b(gin|gist)__int\w*_ops",
    "ltree": r"\b(lquery|ltxtquery|gist_ltree_ops|text2ltree)",
    "pg_trgm": r"\b(g\w+_trgm_ops|(word_|strict_word_)?similarity|show_trgm)",
    "pgcrypto": r"\b(gen_salt|crypt|digest|hmac|gen_random_bytes|(pgp|armor|dearmor)\w*)\b",
    "postgis": r"\b(geometry|geography|box2d|box3d|st_\w+)\b",
    "tablefunc": r"\b(crosstab\w*|normal_rand|connectby)",
    "unaccent": r"\bunaccent\b",
    "uuid-ossp": r"\buuid_(generate_v[1345]\w*|nil|ns_\w+)",
    "vector": r"\b(vector|halfvec|sparsevec|hnsw|ivfflat)(_\w+_ops)?\b",
    # Last: a class that has a name is another extension's.
    "btree_gin": r"for access method \W?gin\W?$",
    "btree_gist": r"for access method \W?gist\W?$",
}
AVAILABLE = """
    SELECT name, EXISTS (SELECT FROM pg_extension WHERE extname = name) FROM pg_available_extensions"""

CHECKS_OF_BODIES = """
    SELECT proname, format('SELECT %s(%s)', lanvalidator::regproc, p.oid)
    FROM pg_proc p JOIN pg_language l ON l.oid = prolang JOIN pg_namespace n ON n.oid = pronamespace
    WHERE lanvalidator <> 0 AND prokind <> 'a' AND nspname NOT IN ('pg_catalog', 'information_schema')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')"""


def tell_failures(failed: dict[str, psycopg.Error], files: dict[str, str], url: str) -> list[str]:
    """Lines on the statements that failed for themselves, then on how many only need one of those.

    Args:
        failed: The last error of each statement.
        files: The path of the .sql file, by the text of its statements.
        url: Of the scratch database where they failed.
    """
    with closing(connect(url)) as connection:
        available: dict[str, bool] = dict(connection.execute(AVAILABLE).fetchall())
    causes = [each for each in failed if not waits_for(each, failed)]
    # An extension that cannot be created is what its types and functions are missing for.
    causes = sorted(causes or failed, key=lambda each: "EXTENSION" not in each[:20].upper())
    hints = {each: hint_of(each, failed[each], available) for each in causes}
    # One of those that miss the same.
    shown = {
        hints[each] or what_is_missing(failed[each]) or each: each for each in reversed(causes)
    }
    first = [each for each in causes if each in shown.values()]
    lines = [f"  {files.get(each, shorten(each))}: {failed[each]}" for each in first]
    if followers := len(failed) - len(first):
        need = "more that needs" if followers == 1 else "more that need"
        lines.append(f"  and {followers} {need} {'it' if len(first) == 1 else 'these'}")
    return [*lines, *filter(None, (hints[each] for each in first))]


def what_is_missing(error: psycopg.Error) -> str:
    """The message about an object that does not exist; empty for any other."""
    return (error.diag.message_primary or "") if error.sqlstate in MISSING else ""


def waits_for(statement: str, failed: dict[str, psycopg.Error]) -> bool:
    """Whether a statement failed only since another one did, which would create what it misses."""
    error = failed[statement]
    message = what_is_missing(error)
    others = created_names(each for each in failed if each != statement)
    # The name stands in the message whatever its language.
    names = {name.removeprefix("public.") for _, name in others - created_names([statement])}
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in names)


def hint_of(statement: str, error: psycopg.Error, available: dict[str, bool]) -> str:
    """How to get the extension that a statement misses; empty where it is none that is known."""
    message = error.diag.message_primary or ""
    creates = re.match(r'CREATE\s+EXTENSION\s+"?([\w-]+)', statement, re.IGNORECASE)
    if creates and error.sqlstate in NOT_AVAILABLE:
        return "" if creates[1] in available else not_available(creates[1])
    if error.sqlstate not in OF_EXTENSIONS:
        return ""
    own_names = {name: rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in available}
    for name, words in (*own_names.items(), *KNOWN_BY.items()):
        if not available.get(name) and re.search(words, message, re.IGNORECASE):
            return declare(name) if name in available else not_available(name)
    return ""


def declare(name: str) -> str:
    """What to type where the server has an extension that no file declares."""
    folder = project.relative(project.sql_dir() / DECLARED_KINDS["EXTENSION"])
    file, quoted = re.sub(r"\W", "_", name), f'"{name}"' if "-" in name else name
    return (
        f"That belongs to the extension {name}. Declare it:\n"
        f"  mkdir -p {folder} && echo 'CREATE EXTENSION {quoted};' > {folder}/{file}.sql"
    )


def not_available(name: str) -> str:
    """What to do where the server does not have an extension."""
    server = "the server of DATABASE_URL" if given_url() else "the PostgreSQL of this project"
    return (
        f"That belongs to the extension {name}, which {server} does not have. Set DATABASE_URL, in .env"
        " or in the shell, to a PostgreSQL that has it; its user needs CREATEDB."
    )


def find_broken_bodies(url: str, files: dict[str, str]) -> list[str]:
    """The errors that PostgreSQL finds in the bodies of functions once all that they use exists."""
    with closing(connect(url)) as connection:
        checks = connection.execute(CHECKS_OF_BODIES).fetchall()
        errors = [(name, try_execute(connection, check)) for name, check in checks]
    return [f"  {file_that_declares(name, files)}: {error}" for name, error in errors if error]
