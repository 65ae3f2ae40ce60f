"""Prints the schema of `domain.models` as PostgreSQL DDL, from which Atlas derives migrations.

`load_models` imports every module of the models; whatever is in doubt ends in an error and no DDL.
"""

from pathlib import Path

from atlas_provider_sqlalchemy.ddl import print_ddl  # type: ignore[import-untyped]
from modelmigrate.models.loader import DIALECT, load_models

if __name__ == "__main__":
    print_ddl(DIALECT, [load_models(Path(__file__).parent)])
