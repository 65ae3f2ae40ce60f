"""The one exception that the command line prints as a message instead of a traceback."""

from enum import IntEnum


class Exit(IntEnum):
    """What the exit code of every command means."""

    OK = 0
    ERROR = 1
    DRIFT = 2
    REFUSED = 3
    HISTORY_MISMATCH = 4
    BUSY = 5


class MigrateError(Exception):
    """A failure that a person can act on: what happened, what was left, what to type next."""

    def __init__(self, message: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(message)
        self.code = code


class SchemaRefusedError(MigrateError):
    """PostgreSQL or Atlas does not accept the schema that the models and the .sql files declare."""
