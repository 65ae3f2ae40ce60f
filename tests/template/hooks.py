"""Load a hook as cookiecutter would: rendered with the answers, then as a module of its own."""

from pathlib import Path
from types import ModuleType
from typing import Any

from cookiecutter.environment import StrictEnvironment
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config

ROOT = Path(__file__).parents[2]
CONTEXT = generate_context(str(ROOT / "cookiecutter.json"))
DEFAULTS: dict[str, Any] = dict(prompt_for_config(CONTEXT, no_input=True))


def load_hook(name: str, answers: dict[str, Any]) -> ModuleType:
    """The hook `hooks/<name>.py` with these answers rendered in, imported but not run."""
    source = (ROOT / "hooks" / f"{name}.py").read_text(encoding="utf-8")
    rendered = StrictEnvironment(context=CONTEXT).from_string(source).render(cookiecutter=answers)
    module = ModuleType(name)
    exec(compile(rendered, f"{name}.py", "exec"), module.__dict__)  # noqa: S102
    return module
