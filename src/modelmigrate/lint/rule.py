"""What a rule is: each has a file of its own in `rules/`, and a row in its table."""

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import NamedTuple

from modelmigrate.lint.steps import ObservedFile, Step

# What each lock keeps others from, while it is held.
KEEPS_OUT = {
    "AccessExclusiveLock": ("ACCESS EXCLUSIVE", "reads and writes wait"),
    "ExclusiveLock": ("EXCLUSIVE", "writes wait"),
    "ShareRowExclusiveLock": ("SHARE ROW EXCLUSIVE", "writes wait"),
    "ShareLock": ("SHARE", "writes wait"),
    "ShareUpdateExclusiveLock": ("SHARE UPDATE EXCLUSIVE", "reads and writes go on"),
    "RowExclusiveLock": ("ROW EXCLUSIVE", "reads and writes go on"),
}


class Level(IntEnum):
    """How much a finding weighs: an error ends with exit code 3."""

    OFF = 0
    NOTE = 1
    WARN = 2
    ERROR = 3


class Group(NamedTuple):
    """Rules that are about the same danger."""

    title: str
    local: Level
    """Of its findings, wherever no other level is set."""
    production: Level
    analyzer: str = ""
    """What Atlas calls it, in `-- atlas:nolint`."""


BREAKING = "backward-incompatible"  # which is what contract migrations are for
GROUPS = {
    "destructive": Group("Rows are lost", Level.ERROR, Level.ERROR, "destructive"),
    "data-dependent": Group(
        "It fails where the rows do not allow it", Level.WARN, Level.WARN, "data_depend"
    ),
    BREAKING: Group("Programs that run meanwhile fail", Level.ERROR, Level.ERROR, "incompatible"),
    "concurrent-index": Group(
        "An index that keeps programs waiting", Level.WARN, Level.ERROR, "concurrent_index"
    ),
    "lock": Group("Programs wait, or rows are rewritten", Level.WARN, Level.ERROR),
    "transaction": Group("It cannot run, or not as a whole", Level.ERROR, Level.ERROR),
    "security": Group("Somebody may do more than they should", Level.WARN, Level.ERROR),
    "stale": Group("What is stored no longer matches", Level.WARN, Level.WARN),
}


class Found(NamedTuple):
    """What a rule has seen at a statement."""

    step: Step
    object: str
    """The label of what it is about, such as `COLUMN public.users.nick`."""
    what: str
    """What happens to it, in the words after its name: `is dropped`."""
    table: int = 0
    """The old table whose lock counts; 0 for none."""
    instead: str = ""
    """The safe form as SQL, to be pasted; empty where there is none."""
    level: Level | None = None
    """Where it is not that of the rule."""


class Example(NamedTuple):
    """A schema, and a migration of it; of several files where there are several texts."""

    before: str
    migration: str


class Rule(NamedTuple):
    """A kind of danger."""

    name: str
    group: str
    title: str
    why: str
    """What happens, to whom."""
    instead: str
    """What to do."""
    find: Callable[[ObservedFile], Iterable[Found]]
    fires: tuple[Example, ...]
    """Where it finds something, in the last statement that matters."""
    silent: tuple[Example, ...]
    """What looks like it, and is safe."""
    level: Level | None = None
    """Where it is not that of its group."""
    atlas: tuple[str, ...] = ()
    """The codes of Atlas for the same, in `-- atlas:nolint`."""
    has_safe_form: bool = True
    """Whether a migration can do the same without this finding."""
    can_wait: bool = False
    """Whether it only takes away, so that the next version of the programs runs before it, too: then it
    can wait in a contract migration until no older one runs."""


def lock_line(found: Found) -> str:
    """Which lock, on what, for what time, and who waits; empty where it took none that matters."""
    step, table = found.step, found.table
    mode, line = step.held.get(table, ("", 0))
    if mode not in KEEPS_OUT:
        return ""
    name, effect = KEEPS_OUT[mode]
    if step.is_table_rewritten(table):
        time = "while all of its rows are rewritten"
    elif table in step.scanned:
        time = "while all of its rows are read"
    else:
        time = "for a moment"
    since = f", held since line {line}" if line < step.line else ""
    until = ", and until the file ends" if step.in_transaction else ""
    return f"{name} on {step.before.name(table)}{since} {time}{until}: {effect}"
