"""What a branch changes, as Markdown that git hosts draw: for the summary of a pipeline or a comment."""

from modelmigrate import project
from modelmigrate.atlas.directory import read_migrations
from modelmigrate.inspect.changed import changed_tables
from modelmigrate.inspect.mermaid import draw_mermaid
from modelmigrate.inspect.model import Table
from modelmigrate.inspect.pages import MERMAID_LIMIT, boxes_of, escape_markdown
from modelmigrate.inspect.read import read_tables
from modelmigrate.lint.findings import find_all
from modelmigrate.lint.levels import level_of
from modelmigrate.lint.report import as_markdown
from modelmigrate.lint.run import observe
from modelmigrate.migrations.branch import compare_branches
from modelmigrate.schema.diff import Change, describes_another, filter_ignored
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized
from modelmigrate.schema.states import replay_migrations
from modelmigrate.terminal import fenced

HOW = {"extra": "added", "missing": "removed", "changed": "changed"}
LIMIT = 200_000  # characters of SQL; git hosts cut off or refuse a text of a million


def report_branch(base: str) -> str:
    """What the migrations that this branch adds to `base` change, drawn, listed, and linted.

    Raises:
        MigrateError: there is no `base`, or the migrations cannot be applied to an empty database.
    """
    branch = compare_branches(base)
    migrations = read_migrations()
    added = [each for each in migrations if each.name in set(branch.added)]
    if not added:
        return f"## Schema changes\n\nThis branch adds no migration to `{base}`."
    first = migrations.index(added[0])
    with (
        replay_migrations(migrations[:first]) as before_url,
        replay_migrations(migrations) as after_url,
    ):
        changes = diff_normalized(read_schema(before_url), read_schema(after_url))
        before, after = read_tables(before_url), read_tables(after_url)
    findings = [*find_all(observe(migrations, added), level_of(None), {})]
    names = [f"migrations/{each.name}" for each in added]
    parts = [
        f"## Schema changes\n\n{len(added)} new migration(s), compared with `{base}`.",
        picture(changed_tables(before, after)),
        list_changes(filter_ignored(changes, project.settings().ignore)),
        as_markdown(findings, names),
        folded("The whole schema", picture(after)),
    ]
    return "\n\n".join(filter(None, parts))


def picture(tables: list[Table]) -> str:
    """Tables as git hosts draw them; nothing where there are none, or more than they draw. It is no file,
    so that it lacks the line on who has made it."""
    text = draw_mermaid(boxes_of(tables)).partition("\n")[2] if tables else ""
    return fenced("mermaid", text) if len(text) <= MERMAID_LIMIT else ""


def list_changes(changes: list[Change]) -> str:
    """A row for each object, and below it, folded, their SQL."""
    whole = {each.label for each in changes if each.how != "changed"}
    told = [each for each in changes if not _follows(each, whole)]
    if not told:
        return "The schema is the same afterwards."
    rows = [f"| {HOW[each.how]} | {escape_markdown(each.title)} |" for each in told]
    sql = "\n".join(line for each in told for line in (f"@@ {each.title} @@", *each.lines()))
    shown = sql if len(sql) <= LIMIT else f"{sql[:LIMIT]}\n... and more: see the migrations"
    table = ["| change | object |", "| --- | --- |", *rows]
    return "\n".join([*table, "", folded("As SQL", fenced("diff", shown))])


def _follows(change: Change, whole: set[str]) -> bool:
    """Whether it only comes and goes with another object, as its owner and privileges do."""
    side = change.desired or change.current
    return bool(side and describes_another(side) and whole.intersection(side.belongs_to))


def folded(title: str, text: str) -> str:
    """Text that is shown on demand; nothing where there is none."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>" if text else ""
