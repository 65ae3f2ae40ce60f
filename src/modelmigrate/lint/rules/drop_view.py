"""A view is dropped, or gives other columns."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Catalog
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old views that are gone in the end, and the columns that one of the same name lacks."""
    after = {each.name: each for each in file.end.relations.values() if each.kind in "vm"}
    for step in file.steps:
        changed = [before for before, _ in step.changed(lambda each: each.relations)]
        for view in [*step.gone(lambda each: each.relations), *changed]:
            if view.kind not in "vm" or view.oid in file.end.relations:
                continue
            label = f"{'MATERIALIZED ' * (view.kind == 'm')}VIEW {view.name}"
            if view.name not in after:
                yield Found(step, label, "is dropped")
                continue
            columns = columns_of(file.end, after[view.name].oid)
            for name, kind in columns_of(step.before, view.oid).items():
                if name not in columns:
                    yield Found(step, f"COLUMN {view.name}.{name}", "is dropped")
                elif columns[name] != kind:
                    what = f"changes from {kind} to {columns[name]}"
                    yield Found(step, f"COLUMN {view.name}.{name}", what)


def columns_of(catalog: Catalog, view: int) -> dict[str, str]:
    """The types of a view's columns, by their names."""
    return {each.name: each.type for each in catalog.columns.values() if each.table == view}


RULE = Rule(
    name="drop-view",
    group="backward-incompatible",
    title="A view is dropped, or gives other columns",
    why="Programs that read it fail.",
    instead="Deploy the programs without it first. Columns that are added at the end break nobody.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example("CREATE VIEW a AS SELECT 1 AS x", "DROP VIEW a"),
        Example("CREATE MATERIALIZED VIEW a AS SELECT 1 AS x", "DROP MATERIALIZED VIEW a"),
        Example(
            "CREATE VIEW a AS SELECT 1 AS x, 2 AS y", "DROP VIEW a; CREATE VIEW a AS SELECT 1 AS x"
        ),
        Example(
            "CREATE VIEW a AS SELECT 1 AS x", "DROP VIEW a; CREATE VIEW a AS SELECT '1'::text AS x"
        ),
    ),
    silent=(
        Example(
            "CREATE VIEW a AS SELECT 1 AS x", "CREATE OR REPLACE VIEW a AS SELECT 2 AS x, 3 AS y"
        ),
        Example(
            "CREATE VIEW a AS SELECT 1 AS x", "DROP VIEW a; CREATE VIEW a AS SELECT 0 AS y, 2 AS x"
        ),
    ),
)
