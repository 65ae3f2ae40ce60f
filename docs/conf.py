"""How Sphinx builds these pages: `make docs`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from generated import Generated
from pygments.lexers.sql import PostgresLexer
from sphinx.highlighting import lexers

if TYPE_CHECKING:
    from sphinx.application import Sphinx

REPOSITORY = "https://github.com/org/template"

project = "modelmigrate"
html_title = "Service template and modelmigrate"
html_theme = "furo"
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}
html_show_copyright = False
html_static_path: list[str] = []
html_copy_source = False
templates_path: list[str] = []
exclude_patterns = ["_build"]

extensions = ["myst_parser"]
smartquotes = False  # --option is no dash
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Where a page names a file of the repository: [the wheel](repo:wheel.py).
myst_url_schemes = {
    "https": None,
    "repo": {"url": f"{REPOSITORY}/blob/main/{{{{path}}}}", "classes": ["external"]},
}
nitpicky = True
# Which knows $$ and ::, as the one of standard SQL does not.
lexers["sql"] = PostgresLexer()


def setup(app: "Sphinx") -> None:
    """Add the directive `generated`."""
    app.add_directive("generated", Generated)
