"""Values that fit into another type are told from those that do not: in types, not in their texts."""

from collections.abc import Iterator

import pytest

from modelmigrate.migrations.data_loss import DataLoss, count_rows
from modelmigrate.migrations.not_restored import has_room_for, implicit_casts
from modelmigrate.postgres.scratch import scratch_database
from tests.package.harness import connected, execute, project_of

SETUP = """
    CREATE TYPE small AS ENUM ('a', 'b'); CREATE TYPE large AS ENUM ('a', 'b', 'c');
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);"""
# From a type to another: values that it can hold, and values that it cannot.
PAIRS: list[tuple[str, str, list[str], list[str]]] = [
    ("numeric", "integer", ["11", "11.00", "NULL"], ["11.5"]),
    ("numeric(10,2)", "integer", ["11", "-3.00"], ["0.01"]),
    ("numeric(10,2)", "numeric(10,0)", ["7.00"], ["7.10"]),
    ("numeric(10,2)", "numeric(12,4)", ["7.01"], []),
    ("numeric", "numeric(10,1)", ["1.10"], ["1.15"]),
    ("numeric", "double precision", ["0.1", "11"], ["12345678901234567890.12"]),
    ("double precision", "integer", ["2", "'NaN'::float8 * NULL"], ["2.5"]),
    ("double precision", "real", ["0.5"], ["0.1"]),
    ("real", "double precision", ["0.1"], []),
    ("bigint", "integer", ["1"], ["3000000000"]),
    ("integer", "boolean", ["0", "1"], ["5"]),
    ("integer", "text", ["11"], []),
    ("text", "integer", ["'11'"], ["'eleven'", "'011'"]),
    ("text", "varchar(3)", ["'abc'"], ["'abcd'"]),
    ("varchar(9)", "varchar(3)", ["'abc'"], ["'abcd'"]),
    ("varchar(9)", "char(5)", ["'ab'"], ["'ab '", "'abcdef'"]),
    ("char(9)", "varchar(3)", ["'abc'"], ["'abcd'"]),
    ("char(9)", "char(3)", ["'abc'"], ["'abcd'"]),
    ("char(9)", "text", ["'ab'"], []),
    ("timestamp with time zone", "timestamp without time zone", ["'2024-01-02 03:04:05.6+02'"], []),
    ("timestamp without time zone", "timestamp with time zone", ["'2024-01-02 03:04:05.6'"], []),
    ("timestamp without time zone", "date", ["'2024-01-02'"], ["'2024-01-02 03:04'"]),
    ("timestamp(6) without time zone", "timestamp(0) without time zone", ["'2024-01-02 03:04:05'"],
     ["'2024-01-02 03:04:05.6'"]),
    ("date", "timestamp with time zone", ["'2024-01-02'"], []),
    ("interval", "time without time zone", ["'03:04'"], ["'27:04'"]),
    ("json", "jsonb", ["""'{"b": 1,  "a": [2]}'"""], []),
    ("jsonb", "json", ["""'{"b": 1}'"""], []),
    ("json", "text", ["'{}'"], []),
    ("json[]", "jsonb[]", ["""ARRAY['{"b":  1}']::json[]"""], []),
    ("text", "jsonb", ["""'{"a": 1}'"""], ["""'{"b":1}'""", "'no'"]),
    ("integer[]", "bigint[]", ["'{1,2}'"], []),
    ("numeric[]", "integer[]", ["'{1,2.00}'"], ["'{1,2.5}'"]),
    ("integer[]", "text[]", ["'{1,2}'"], []),
    ("uuid", "text", ["gen_random_uuid()"], []),
    ("public.large", "public.small", ["'a'"], ["'c'"]),
    ("public.small", "public.large", ["'a'", "'b'"], []),
    ("public.small", "text", ["'a'"], []),
    ("text", "public.small", ["'a'"], ["'c'"]),
    ("integer", "public.positive", ["1"], ["-1"]),
    ("inet", "cidr", ["'10.0.0.0/8'"], ["'10.0.0.1/8'"]),
    ("point", "text", ["'(1,2)'"], []),
    ("bytea", "text", ["'x'"], []),
]  # fmt: skip


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with project_of("loss"), scratch_database() as made:
        execute(made, SETUP)
        yield made


def counted(url: str, old: str, new: str, values: list[str]) -> str:
    execute(url, "DROP TABLE IF EXISTS t")
    execute(url, f"CREATE TABLE t (x {old})")
    for value in values:
        execute(url, f"INSERT INTO t VALUES (({value})::{old})")  # noqa: S608
    with connected(url) as connection:
        return count_rows(connection, DataLoss("public.t", "x", old, new))


@pytest.mark.parametrize(("old", "new", "fit", "lost"), PAIRS, ids=lambda each: str(each)[:20])
def test_values_that_fit_are_no_loss_and_others_are(
    url: str, old: str, new: str, fit: list[str], lost: list[str]
) -> None:
    assert counted(url, old, new, fit) == "0"
    for value in lost:
        assert counted(url, old, new, [value]).startswith(("1", "some do not fit"))


def test_a_type_that_the_script_makes_is_not_guessed_at(url: str) -> None:
    assert counted(url, "text", "public.not_yet", ["'a'"]) == "1 may not fit into public.not_yet"


@pytest.mark.parametrize(
    ("old", "new", "has_room"),
    [
        ("integer", "bigint", True),
        ("bigint", "integer", False),
        ("integer[]", "bigint[]", True),
        ("bigint[]", "integer[]", False),
        ("numeric(5,2)", "numeric(9,2)", True),
        ("numeric(9,2)", "numeric(5,2)", False),
        ("numeric(9,2)", "numeric", True),
        ("numeric", "numeric(9,2)", False),
        ("character varying(9)", "character varying(5)", True),  # what is longer is refused
        ("timestamp without time zone", "date", False),
        ("timestamp without time zone", "timestamp(0) without time zone", False),
        ("integer", "text", True),
        ("text", "integer", False),
    ],
)
def test_where_no_rows_can_tell_the_names_of_types_say_whether_values_are_lost(
    url: str, old: str, new: str, has_room: bool
) -> None:
    assert has_room_for(new, old, implicit_casts(url)) is has_room
