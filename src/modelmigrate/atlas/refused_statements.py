"""Statements that no migration may contain, refused before anything runs.

A file runs in a transaction of Atlas's, is replayed on the scratch server again and again, and is compared
by the dump of one database. Its down migration is proven by that dump, too. What reaches beyond any of
these would pass for harmless, and remain.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.sql.statements import pieces, shorten, split_statements

# The file's mode: directives are comments at the very top, with a blank line after them.
OUTSIDE_TRANSACTION = re.compile(r"(--.*\n)*-- ?atlas:txmode none\n(--.*\n)*\n")

ADMINISTRATOR = (
    "Leave it to the administrator, or to the code of your infrastructure, and delete it here"
)


class Kind(NamedTuple):
    """Statements that are refused for the same reason."""

    pattern: re.Pattern[str]
    """Of a statement in capitals, on one line, without comments; a string or a name in quotes is ''."""
    reason: str
    cure: str
    in_transaction_only: bool = False


def kind(words: str, reason: str, cure: str, *, in_transaction_only: bool = False) -> Kind:
    """A row of KINDS; in `words`, a blank is any white space."""
    return Kind(re.compile(words, re.DOTALL), reason, cure, in_transaction_only)


KINDS = (
    # Not a backslash in a string or in a name in quotes; elsewhere, SQL has none.
    kind(r".*\\", "is a command of psql, which Atlas is not", "Write it as SQL, or delete it"),
    # Not BEGIN ATOMIC, nor BEGIN and END in a body: those never begin a statement.
    kind(
        r"(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE TRANSACTION)\b",
        "ends or splits the transaction that Atlas runs the file in: a failure could not be rolled back",
        "Delete it: each file is a transaction already. Begin the file with `-- atlas:txmode none` and"
        " a blank line only if it has a statement that cannot run in one",
    ),
    # Not ALTER USER MAPPING, which is in the dump.
    kind(
        r"(CREATE|ALTER|DROP) (ROLE|GROUP|USER(?! MAPPING))\b",
        "changes the roles of the whole server, which no down migration restores",
        ADMINISTRATOR,
    ),
    # Not GRANT ... ON an object: that is in the dump.
    kind(
        r"(GRANT|REVOKE) (?!.* ON ).* (TO|FROM) ",
        "changes the roles of the whole server, which no down migration restores",
        ADMINISTRATOR,
    ),
    # Not a table or a schema of such a name, after ON.
    kind(
        r"(GRANT|REVOKE) .* ON (DATABASE|TABLESPACE|PARAMETER) [^;]* (TO|FROM) ",
        "changes what the dump of a database does not hold, and no down migration restores",
        ADMINISTRATOR,
    ),
    # Not CREATE TABLE ... TABLESPACE, nor ALTER SYSTEM in a comment.
    kind(
        r"ALTER SYSTEM\b|(CREATE|ALTER|DROP) (DATABASE|TABLESPACE)\b"
        r"|(COMMENT|SECURITY LABEL)( FOR \S+)? ON (DATABASE|ROLE|TABLESPACE)\b",
        "changes the server and not the schema, and no down migration restores it",
        ADMINISTRATOR,
    ),
    # Not CREATE PUBLICATION, which is in the dump.
    kind(
        r"(CREATE|ALTER|DROP) SUBSCRIPTION\b|COMMENT ON SUBSCRIPTION\b",
        "connects this server to another one, and each copy of the database would do so, too",
        ADMINISTRATOR,
    ),
    # Not the views pg_replication_slots and pg_replication_origin_status, nor the body of a function.
    kind(
        r"(SELECT|WITH|VALUES|INSERT|UPDATE)\b.*\bPG_((CREATE|COPY)_(LOGICAL|PHYSICAL)_REPLICATION_SLOT|DROP_REPLICATION_SLOT"
        r"|REPLICATION_ORIGIN_(CREATE|DROP|ADVANCE)|REPLICATION_SLOT_ADVANCE) ?\(",
        "changes the replication of the whole server, which no down migration restores",
        ADMINISTRATOR,
    ),
    # Not REFRESH MATERIALIZED VIEW CONCURRENTLY, which may run in a transaction.
    kind(
        r"VACUUM\b|(CREATE (UNIQUE )?|DROP )INDEX CONCURRENTLY\b|REINDEX\b.*\bCONCURRENTLY\b"
        r"|REINDEX( \([^)]*\))? (SCHEMA|DATABASE|SYSTEM)\b|CLUSTER( \([^)]*\)| VERBOSE)?\s*;?$|DISCARD ALL\b"
        r"|ALTER TABLE .* DETACH PARTITION .* CONCURRENTLY\b",
        "cannot run in a transaction, and Atlas runs this file in one",
        "Put it into a file of its own that begins with `-- atlas:txmode none` and a blank line",
        in_transaction_only=True,
    ),
)


class RefusedStatement(NamedTuple):
    """A statement, and why it is refused."""

    statement: str
    kind: Kind

    @property
    def lines(self) -> str:
        """The statement, the reason and the cure."""
        return f"{shorten(without_values(self.statement))}\n    It {self.kind.reason}. {self.kind.cure}."


@cache
def refused_statements(text: str, *, transactional: bool = True) -> tuple[RefusedStatement, ...]:
    """What the text of a migration, or of a down migration, must not contain, in its order."""
    return tuple(
        RefusedStatement(statement, found)
        for statement in split_statements(text)
        if (found := kind_of(statement, transactional=transactional))
    )


def kind_of(statement: str, *, transactional: bool = True) -> Kind | None:
    """The first of KINDS that a statement is of."""
    code = " ".join(bare(statement).split()).upper()
    return next(
        (
            each
            for each in KINDS
            if (transactional or not each.in_transaction_only) and each.pattern.match(code)
        ),
        None,
    )


def bare(statement: str) -> str:
    """The statement without comments, strings, names in quotes and bodies."""
    return "".join(
        piece.text if piece.is_code else " " if piece.text.startswith(("--", "/*")) else "''"
        for piece in pieces(statement)
    )


def without_values(statement: str) -> str:
    """The statement without what its strings say: one may be a password."""
    return "".join(
        piece.text if piece.is_code or piece.text.startswith(('"', "--", "/*")) else "'...'"
        for piece in pieces(statement)
    )


def runs_outside_transaction(text: str) -> bool:
    """Whether Atlas runs a file with this text outside a transaction."""
    return bool(OUTSIDE_TRANSACTION.match(text))


def refusals(texts: Mapping[str, str]) -> list[str]:
    """What migration files, by their names, must not contain: the file, the statement, the reason and
    the cure."""
    return [
        f"{name}: {refused.lines}"
        for name, text in texts.items()
        for refused in refused_statements(text, transactional=not runs_outside_transaction(text))
    ]


def require_runnable() -> None:
    """Raise MigrateError (exit code 3) where a migration file has a statement that is refused."""
    files = sorted(project.migrations_dir().glob("*.sql"))
    if found := refusals({file.name: file.read_text(encoding="utf-8") for file in files}):
        lines = "\n".join(f"  {each}" for each in found)
        raise MigrateError(
            f"no migration may contain these statements:\n{lines}\nNothing was changed. Correct the"
            f" file, then accept it: {project.command('hash')}",
            Exit.REFUSED,
        )
