"""Jinja, which only the documentation needs: an extra of the package."""

from pathlib import Path
from typing import Any

from modelmigrate.errors import MigrateError

HERE = Path(__file__).parent


def require_engine() -> None:
    """Raise MigrateError where Jinja is not installed."""
    try:
        import jinja2  # noqa: F401
    except ImportError:
        raise MigrateError(
            "the pages are made with Jinja, which is not installed. No file was written. Install the"
            " extra modelmigrate[docs]; in a generated project: uv sync"
        ) from None


def template_engine(**names: Any) -> Any:
    """Jinja with the package's templates, which know these names; whatever is put into a page is text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    engine = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    engine.globals.update(names)
    return engine
