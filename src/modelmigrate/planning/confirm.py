"""Which of the possible renames are meant: by the option `rename`, or by the person at the terminal."""

import re

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.planning.renames import Rename
from modelmigrate.terminal import ask, is_interactive


def confirm_renames(possible: list[Rename], answer: str | None) -> list[Rename]:
    """Those of the possible renames that are meant: by the answer, which is the option `rename`, or
    else by the person at the terminal.

    Raises:
        MigrateError: the answer matches none of them; or there is neither an answer nor a terminal
            (exit code 3).
    """
    if answer is not None:
        return _match_answer(possible, answer)
    if possible and not is_interactive():
        raise _unconfirmed(possible)
    confirmed: list[Rename] = []
    for rename in possible:
        decided = any(
            (rename.what, rename.parent) == (each.what, each.parent)
            and {rename.old, rename.new} & {each.old, each.new}
            for each in confirmed
        )
        if not decided and is_possible(rename, confirmed) and _ask_whether(rename):
            confirmed.append(rename)
    return confirmed


def _match_answer(possible: list[Rename], answer: str) -> list[Rename]:
    labels = [] if answer == "none" else re.findall(r'(?:[^,"]|"[^"]*")+', answer) or [answer]
    renames = [next((r for r in possible if matches(label, r)), None) for label in labels]
    if None in renames:
        options = ", ".join(each.label for each in possible) or "none"
        raise MigrateError(
            f"{project.option('rename', answer)} matches no possible rename. Possible: {options}."
            " No file was written."
        )
    confirmed = [each for each in renames if each]
    for each in confirmed:
        if not is_possible(each, confirmed):
            raise MigrateError(
                f"{each.label} is a rename only together with {each.after}: name both, with a comma"
                " between. No file was written."
            )
    return confirmed


def is_possible(rename: Rename, confirmed: list[Rename]) -> bool:
    """Whether the table of a renamed column is the same one, under another name perhaps."""
    return not rename.after or rename.after in {each.label for each in confirmed}


def _unconfirmed(possible: list[Rename]) -> MigrateError:
    removals = [
        f"Possible rename: {each.old_name} was removed and {each.new_name} added, {each.reason}."
        for each in possible
    ]
    options = [f"  {project.option('rename', each.label)}" for each in possible]
    return MigrateError(
        "\n".join(
            [
                *removals,
                "Renaming keeps the data, drop and add loses it. No file was written. Choose:",
                *options,
                f"  {project.option('rename', 'none')}    (several: {project.option('rename', 'a:b,c:d')})",
            ]
        ),
        Exit.REFUSED,
    )


def _ask_whether(rename: Rename) -> bool:
    question = f"Was the {rename.what} {rename.old_name} renamed to {rename.new}? [y/N] "
    return ask(question).lower() in ("y", "yes")


def matches(label: str, rename: Rename) -> bool:
    """Whether a label means this rename: `users.nick:nickname`, `users.nick:users.nickname` or, without
    the table, `nick:nickname`; with or without quotes."""
    labels = {
        f"{old}:{new}"
        for old in (rename.old, rename.old_name)
        for new in (rename.new, rename.new_name)
    }
    return label.strip() in labels | {each.replace('"', "") for each in labels}
