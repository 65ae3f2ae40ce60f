"""The next migration, from what the models say and the migrations do not."""

from pathlib import Path
from typing import NamedTuple

from psycopg import errors

from modelmigrate import project
from modelmigrate.errors import Exit, ToolError
from modelmigrate.migrations import down_files
from modelmigrate.migrations.files import file_name, file_names, write
from modelmigrate.planning.context import NoPlanError
from modelmigrate.planning.plan import plan_models
from modelmigrate.planning.proof import run
from modelmigrate.planning.renames import candidates, decide, renamed
from modelmigrate.planning.transactions import in_pieces
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.project import place
from modelmigrate.schema import declared, dump
from modelmigrate.schema.declared import KINDS
from modelmigrate.schema.diff import Difference, compare
from modelmigrate.schema.states import states
from modelmigrate.sql.patterns import ADD_VALUE
from modelmigrate.sql.statements import code
from modelmigrate.terminal import at

BY_HAND = """Nothing was written. Write a migration by hand for this part, migrations/<YYYYMMDDHHMMSS>_<name>.sql,
then make migrate-hash, and make migrate-create for the rest."""


class Created(NamedTuple):
    """What was written, and what Atlas has no word for."""

    files: list[Path]
    notes: list[str]


def create(message: str, rename: str | None = None) -> Created:
    """Write the migrations that bring the database up to the models, with their down files.

    Raises:
        ToolError: the message gives no file name, the models cannot be loaded, something looks
            renamed and nobody says whether it is, or there is no plan that can be proven. Nothing
            is written then.
    """
    name = file_name(message)
    notes = [note for each in declared.read() for note in each.notes]
    with states() as (old, new):
        before, wanted = dump.read(old), dump.read(new)
        if not (differences := compare(wanted, before)):
            return Created([], notes)
        renames = renamed(old, decide(candidates(old, new), rename), wanted)
        at("planning")
        try:
            statements = plan_models(old, new, wanted, renames)
            if not statements:  # it is spelt in another way, and that is all
                return Created([], notes)
            at("finding the way back, and proving both")
            files = proven(old, in_pieces(statements, before))
        except NoPlanError as error:
            raise ToolError(f"{error}\n{BY_HAND}", Exit.REFUSED) from None
        texts, downs = [text for text, _ in files], [down for _, down in files]
        contents = dict(zip(file_names(name, texts), texts, strict=True))
    return Created(write(contents, downs), notes + undeclared(differences))


def proven(state: str, pieces: list[list[str]]) -> list[tuple[str, str]]:
    """The text of each file as Atlas can run it on the scratch database `state`, and of its way
    back.

    Raises:
        NoPlanError: one of them cannot be run in a transaction.
    """
    if not pieces:
        return []
    piece, *rest = pieces
    with scratch_database(state) as after:
        try:
            text = run(after, piece)
        except errors.UnsafeNewEnumValueUsage as error:
            values = [each for each in piece if ADD_VALUE.match(code(each))]
            others = [each for each in piece if each not in values]
            if not values or not others:
                raise NoPlanError(str(error)) from None
            return proven(state, [values, others, *rest])
        return [(text, down_files.text(state, after)), *proven(after, rest)]


def undeclared(differences: list[Difference]) -> list[str]:
    """What is dropped because no file declares it."""
    return [
        f"note: drops {each.label}, which no file in {place(project.sql_dir())} declares"
        for each in differences
        if each.kind in KINDS and not each.expected
    ]
