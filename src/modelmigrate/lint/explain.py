"""What each rule is about, as a page."""

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.lint.rule import GROUPS, Example, Rule
from modelmigrate.lint.rules import BY_NAME, RULES


def explain(name: str) -> str:
    """A rule; or all of them, as a page of Markdown, with `all`.

    Raises:
        MigrateError: there is no such rule.
    """
    if name == "all":
        return page()
    if name not in BY_NAME:
        raise MigrateError(
            f"there is no rule {name}. Rules: {', '.join(BY_NAME)}\n"
            f"All of them: {project.command('lint', explain='all')}"
        )
    return describe(BY_NAME[name])


def page() -> str:
    """All rules, by their groups."""
    parts = ["# Lint rules"]
    for name, group in GROUPS.items():
        local, production = group.local.name.lower(), group.production.name.lower()
        parts.append(f"## {name}\n\n{group.title}. Level: {local}; in production: {production}.")
        parts += [describe(rule) for rule in RULES if rule.group == name]
    return "\n\n".join(parts)


def describe(rule: Rule) -> str:
    """A rule: what it sees, why it hurts, what to do, and examples."""
    level = f" Level: {rule.level.name.lower()}." if rule.level else ""
    return "\n\n".join(
        [
            f"### {rule.name}",
            f"**{rule.title}.** {rule.why}{level}",
            f"Instead: {rule.instead}",
            *(f"It finds:\n\n{_code(each)}" for each in rule.fires[:1]),
            *(f"It is silent about:\n\n{_code(each)}" for each in rule.silent[:1]),
        ]
    )


def _code(example: Example) -> str:
    before = f"-- before: {example.before}\n" if example.before else ""
    return f"```sql\n{before}{example.migration};\n```"
