"""The pages of the reference that are made of the code: ```{generated} commands```."""

import ast
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from modelmigrate import project
from modelmigrate.cli import app

ROOT = Path(__file__).parents[1]


class Generated(SphinxDirective):
    """Stands for one of PAGES."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the page, at each build."""
        text = "\n".join(PAGES[self.arguments[0]]())
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def commands() -> Iterator[str]:
    """Every command: what it is for, what to type, its options."""
    for name, command in sorted(_commands(typer.main.get_command(app))):
        yield f"## {name}\n\n{command.help}\n"
        if target := project.TARGETS.get(name):
            yield f"In a service: `make {target}`.\n"
        if command.params:
            yield "| option | meaning |\n| --- | --- |"
        for parameter in command.params:
            yield f"| `{_spelling(parameter)}` | {_cell(parameter.help)}{_default_of(parameter)} |"
        examples = [line.strip() for line in (command.epilog or "").splitlines()[2:]]
        yield "\n```text\n" + "\n".join(examples) + "\n```\n"


def settings() -> Iterator[str]:
    """What `[tool.modelmigrate]` may say, with its defaults."""
    tree = ast.walk(ast.parse(inspect.getsource(project.Settings)))
    [body] = [node.body for node in tree if isinstance(node, ast.ClassDef)]
    meanings = [ast.literal_eval(each.value) for each in body[1:] if isinstance(each, ast.Expr)]
    yield "| setting | default | meaning |\n| --- | --- | --- |"
    defaults = project.Settings._field_defaults.items()
    for (name, default), meaning in zip(defaults, meanings, strict=True):
        yield f"| `{name.replace('_', '-')}` | `{json.dumps(default)}` | {_cell(meaning)} |"


def questions() -> Iterator[str]:
    """What cookiecutter asks."""
    asked = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    yield "| question | default | asked as |\n| --- | --- | --- |"
    for name, default in asked.items():
        if not name.startswith("_"):
            text = asked["__prompts__"][name]
            prompt = text["__prompt__"] if isinstance(text, dict) else text
            yield f"| `{name}` | {_shown(default)} | {_cell(prompt)} |"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(f"`{each}`" for each in value)
    return "derived" if isinstance(value, str) and "{{" in value else f"`{json.dumps(value)}`"


def _commands(group: Any, *names: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, *names, name)
        else:
            yield " ".join([*names, name]), command


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name.upper())
    is_number = parameter.type.name.startswith(("int", "float"))
    value = parameter.metavar or ("NUMBER" if is_number else "NAME")
    return str(parameter.opts[0] if parameter.is_flag else f"{parameter.opts[0]} {value}")


def _default_of(parameter: Any) -> str:
    if parameter.param_type_name == "option" and parameter.required:
        return " Required."
    is_told = parameter.default in (None, False, "") or "[default" in parameter.help
    return "" if is_told else f" [default: {parameter.default}]"


def _cell(text: str) -> str:
    return re.sub(r"([<|])", r"\\\1", " ".join(text.split()))


PAGES: Mapping[str, Callable[[], Iterator[str]]] = MappingProxyType(
    {"commands": commands, "settings": settings, "questions": questions}
)
