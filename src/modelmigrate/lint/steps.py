"""What a statement of a migration did to the schema, as rules ask for it."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import psycopg

from modelmigrate.atlas.directory import phase_of
from modelmigrate.atlas.refused_statements import Kind
from modelmigrate.lint.catalog import Catalog, Constraint, Index
from modelmigrate.sql.names import split_name, unquote
from modelmigrate.sql.statements import strip_comments

# From the weakest on, as PostgreSQL's manual has them.
MODES = (
    *("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock"),
    *("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
)
STRENGTH = {mode: number for number, mode in enumerate(MODES)}
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def has_condition(plan: Iterable[dict[str, Any]]) -> bool:
    """Whether a plan leaves any rows out."""
    return any(key.endswith(("Filter", " Cond")) for node in plan for key in node)


@dataclass(frozen=True)
class Step:
    """A statement of a file, and what it did."""

    sql: str
    """With the comments before it."""
    line: int
    """That it begins on, after those comments."""
    before: Catalog
    after: Catalog
    old: Catalog
    """From before the deployment: what programs that run may use, and what may have rows."""
    tag: str = ""
    """What PostgreSQL says that it was, such as `ALTER TABLE`; empty where it did not run."""
    locks: dict[int, str] = field(default_factory=dict)
    """The strongest lock that it took on each old relation, where none as strong was held already."""
    held: dict[int, tuple[str, int]] = field(default_factory=dict)
    """The strongest lock on each old relation that its transaction holds, and the line of the statement
    that took it."""
    scanned: frozenset[int] = frozenset()
    """The old tables whose rows it read one by one."""
    in_transaction: bool = True
    """Whether the locks are held until the file ends."""
    error: psycopg.Error | None = None
    refused: Kind | None = None
    """Why no migration may contain it; it did not run then."""
    plans: tuple[tuple[dict[str, Any], ...], ...] = ()
    """The nodes of each plan that it ran, those of the functions that it called among them."""
    cut: tuple[str, ...] = ()
    """What PostgreSQL says of names that are too long."""
    settings: dict[str, str] = field(default_factory=dict)
    """Those of the session that it changed, such as `search_path`, and what they are since."""

    def gone(self, of: Callable[[Catalog], Mapping[K, V]]) -> list[V]:
        """What was there before the deployment, and is not after this statement."""
        before, after, old = of(self.before), of(self.after), of(self.old)
        if before is after:  # what a statement leaves as it is, is kept
            return []
        return [each for key, each in before.items() if key not in after and key in old]

    def made(self, of: Callable[[Catalog], Mapping[K, V]]) -> list[V]:
        """What is there after this statement only."""
        before, after = of(self.before), of(self.after)
        if before is after:
            return []
        return [each for key, each in after.items() if key not in before]

    def new_constraints(self) -> list[Constraint]:
        """Those that are made, but for those that PostgreSQL recreates by itself."""
        return [each for each in self.made(lambda c: c.constraints) if not self._is_remade(each)]

    def new_indexes(self) -> list[Index]:
        """Those that are made, but for those that PostgreSQL recreates by itself."""
        return [each for each in self.made(lambda c: c.indexes) if not self._is_remade(each)]

    def _is_remade(self, made: Constraint | Index) -> bool:
        """Whether one of its name and table is gone by the same statement, and a column has another type,
        or nothing is different."""
        old: list[Constraint] | list[Index]
        if isinstance(made, Index):
            old = self.gone(lambda each: each.indexes)
        else:
            old = self.gone(lambda each: each.constraints)
        columns = self.changed(lambda each: each.columns)
        retyped = any(b.type != a.type and a.table == made.table for b, a in columns)
        return any(
            each.table == made.table
            and each.name == made.name
            and (retyped or each.definition == made.definition)
            for each in old
        )

    def changed(self, of: Callable[[Catalog], Mapping[K, V]]) -> list[tuple[V, V]]:
        """What was there before the deployment, and is different after this statement; both."""
        before, after, old = of(self.before), of(self.after), of(self.old)
        if before is after:
            return []
        return [
            (each, after[key])
            for key, each in before.items()
            if key in old and key in after and after[key] is not each and after[key] != each
        ]

    def is_old(self, table: int) -> bool:
        """Whether a table was there before the deployment, and is still."""
        return table in self.old.relations and table in self.after.relations

    def is_table(self, oid: int) -> bool:
        """Whether it is a table, and no index or view."""
        return oid in self.before.relations and self.before.relations[oid].is_table

    def is_part(self, oid: int, table: int) -> bool:
        """Whether it is a partition of this table, or of one of its partitions."""
        parent = self.after.relations[oid].parent if oid in self.after.relations else 0
        return bool(parent) and (parent == table or self.is_part(parent, table))

    def follows_parent(self, oid: int) -> bool:
        """Whether it is a partition, and the statement is about the table that it is one of."""
        parent = self.after.relations[oid].parent
        return bool(parent) and (parent in self.locks or self.follows_parent(parent))

    def parent_before(self, oid: int) -> int:
        """The table that it was a partition of before this statement; 0 for none."""
        return self.before.relations[oid].parent if oid in self.before.relations else 0

    def is_rewritten(self, relation: int) -> bool:
        """Whether the rows of an old table or index were rewritten, but not thrown away."""
        return relation in self._rewritten

    @cached_property
    def _rewritten(self) -> list[int]:
        if self.tag == "TRUNCATE TABLE":
            return []
        changed = self.changed(lambda each: each.relations)
        return [after.oid for before, after in changed if before.file != after.file]

    def is_table_rewritten(self, table: int) -> bool:
        """As `is_rewritten`, or that of one of its partitions."""
        return any(each == table or self.is_part(each, table) for each in self._rewritten)

    def changed_by(self, operation: str, *, whole: bool = False) -> list[int]:
        """The old tables whose rows it changes by this operation, such as `Delete`; or the `whole` of
        whose rows, without a condition."""
        if not self.plans:
            return []
        names = {
            tuple(map(unquote, split_name(each.name))): each.oid
            for each in self.after.relations.values()
            if each.oid in self.old.relations
        }
        found = [
            (node.get("Schema", ""), node.get("Relation Name", ""))
            for plan in self.plans
            if not (whole and has_condition(plan))
            for node in plan
            if node.get("Operation") == operation
        ]
        return list(dict.fromkeys(names[each] for each in found if each in names))

    @property
    def statement(self) -> str:
        """Without the comments before it, with a semicolon."""
        return f"{strip_comments(self.sql).rstrip().removesuffix(';')};"


@dataclass(frozen=True)
class ObservedFile:
    """A migration, or a down migration, that was run."""

    name: str
    """As it is shown, such as `migrations/20260101000000_initial.sql`."""
    text: str
    steps: list[Step]
    transactional: bool
    is_down: bool = False
    kept_settings: frozenset[str] = frozenset()
    """Those of the session that are others once the file has run."""
    in_halves: frozenset[str] = frozenset()
    """The labels of what its `create` began or ended on purpose, in two halves."""

    @property
    def phase(self) -> str:
        """When it is applied: before a rollout, or after it."""
        return phase_of(self.text)

    @property
    def ran(self) -> bool:
        """Whether all of it ran."""
        return not any(step.error for step in self.steps)

    @property
    def start(self) -> Catalog:
        """Before its first statement."""
        return self.steps[0].before

    @property
    def end(self) -> Catalog:
        """After its last one."""
        return self.steps[-1].after
