"""Domains that stay are changed by ALTER DOMAIN; for another base type or collation they are recreated."""

from contextlib import closing
from typing import NamedTuple

from psycopg import errors

from modelmigrate.planning.context import CannotPlanError, PlanContext
from modelmigrate.planning.recreation import by_cast, recreate, recreation_of
from modelmigrate.postgres.connection import connect
from modelmigrate.schema.diff import Change, diff
from modelmigrate.schema.rebuild import diff_normalized
from modelmigrate.sql.names import quote, split_name, unquote, with_suffix

DOMAIN = """
    SELECT format_type(d.typbasetype, d.typtypmod)
           || CASE WHEN d.typcollation <> b.typcollation THEN ' COLLATE ' || d.typcollation::regcollation
              ELSE '' END,
           coalesce(pg_get_expr(d.typdefaultbin, 0), ''), d.typnotnull
    FROM pg_type d JOIN pg_type b ON b.oid = d.typbasetype WHERE d.oid = %s"""
# NOT NULL is a constraint with a name since PostgreSQL 17.
CONSTRAINTS = """
    SELECT quote_ident(conname), contype = 'n', pg_get_constraintdef(oid)
    FROM pg_constraint WHERE contypid = %s ORDER BY conname"""
NOT_VALID = " NOT VALID"


class Domain(NamedTuple):
    """A domain as the catalogs have it; names are qualified and quoted."""

    base_type: str
    """With its collation, where that is not the type's own."""
    default: str
    not_null: bool
    not_null_name: str
    """Empty where it has none, before PostgreSQL 17."""
    checks: dict[str, str]
    """The definitions by their names; they end with NOT VALID where that is so."""


def read_domain(url: str, name: str) -> Domain:
    """The domain of this name, with its schema, in the database at `url`."""
    with closing(connect(url)) as connection, connection.transaction():
        connection.execute("SET LOCAL search_path = ''")
        [(oid,)] = connection.execute("SELECT to_regtype(%s)::oid", [name]).fetchall()
        [(base, default, not_null)] = connection.execute(DOMAIN, [oid]).fetchall()
        found = connection.execute(CONSTRAINTS, [oid]).fetchall()
    names = [each for each, is_not_null, _ in found if is_not_null]
    checks = {each: text for each, is_not_null, text in found if not is_not_null}
    return Domain(base, default, not_null, "".join(names), checks)


def change_domains(context: PlanContext) -> None:
    """Bring the domains that stay to their desired state, with the columns of them.

    Raises:
        CannotPlanError: PostgreSQL cannot convert the columns.
    """
    changes = diff(context.desired, context.expected())
    if not any(changed_domain(each) for each in changes):
        return
    changes = diff_normalized(context.desired, context.expected())
    for label in dict.fromkeys(map(changed_domain, changes)):
        desired, current = context.desired.get(label), context.current().get(label)
        if not desired or not current:
            continue
        name = desired.quoted_name
        old, new = read_domain(context.current_url, name), read_domain(context.desired_url, name)
        recreates = old.base_type != new.base_type
        for statement in [] if recreates else alter_domain(name, old, new):
            error = context.try_execute(statement)
            recreates = isinstance(error, errors.FeatureNotSupported)  # in an array, for example
            if error:
                break
        if recreates:
            recreation = recreation_of(context, current)
            count = len(context.statements)
            reason = recreate(context, recreation, by_cast)
            if reason and count < len(context.statements):
                used = ", ".join(each.label for each in recreation.columns)
                raise CannotPlanError(
                    f"{label} cannot be made another one where it is in use: {used}\n{reason}"
                )


def changed_domain(change: Change) -> str:
    """The label of the domain that a change is of, itself or a check of it; empty for others."""
    side = change.desired or change.current
    if change.kind == "DOMAIN":
        return change.label
    parents = side.belongs_to if side and "CONSTRAINT" in side.kind else ()
    return next((each for each in parents if each.startswith("DOMAIN ")), "")


def alter_domain(name: str, old: Domain, new: Domain) -> list[str]:
    """The statements that change a domain in its place."""
    alter = f"ALTER DOMAIN {name}"
    renamed = renamed_checks(old.checks, new.checks)
    kept = {renamed.get(each, each): text for each, text in old.checks.items()}
    statements = [f"{alter} RENAME CONSTRAINT {one} TO {other};" for one, other in renamed.items()]
    for each, text in kept.items():
        if text == f"{new.checks.get(each)}{NOT_VALID}":
            statements.append(f"{alter} VALIDATE CONSTRAINT {each};")
        elif text != new.checks.get(each):
            statements.append(f"{alter} DROP CONSTRAINT {each};")
    if old.default != new.default:
        change = f"SET DEFAULT {new.default}" if new.default else "DROP DEFAULT"
        statements.append(f"{alter} {change};")
    statements += alter_not_null(name, old, new)
    return statements + [
        f"{alter} ADD CONSTRAINT {each} {text};"
        for each, text in new.checks.items()
        if kept.get(each) not in (text, f"{text}{NOT_VALID}")
    ]


def renamed_checks(old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """The new names of the checks that differ in their name alone."""
    waiting = {name: text for name, text in new.items() if name not in old}
    renamed = {}
    for name, text in old.items():
        same = [each for each in waiting if name not in new and waiting[each] == text]
        if same:
            renamed[name] = same[0]
            del waiting[same[0]]
    return renamed


def alter_not_null(name: str, old: Domain, new: Domain) -> list[str]:
    """The statements that make a domain NOT NULL or nullable, or rename that constraint."""
    alter = f"ALTER DOMAIN {name}"
    if old.not_null and not new.not_null:
        return [f"{alter} DROP NOT NULL;"]
    # The name that PostgreSQL gives by itself.
    automatic = quote(with_suffix(unquote(split_name(name)[1]), "_not_null"))
    before = old.not_null_name if old.not_null else automatic
    names = [unquote(before), unquote(new.not_null_name)]
    return [
        *([f"{alter} SET NOT NULL;"] if new.not_null and not old.not_null else []),
        *(
            [f"{alter} RENAME CONSTRAINT {before} TO {new.not_null_name};"]
            if new.not_null_name and names[0] != names[1]
            else []
        ),
    ]
