"""A plan in two phases: what older programs live with, and what waits until none of them runs."""

from collections.abc import Callable
from itertools import groupby
from operator import itemgetter

import psycopg

from modelmigrate.planning.context import CannotPlanError, InTransaction
from modelmigrate.planning.expand_contract import DROPPED
from modelmigrate.planning.proof import execute_as_migration
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.sql.alter import parse_alter_table
from modelmigrate.sql.patterns import TAKES_AWAY
from modelmigrate.sql.statements import strip_comments

# The statements that can wait, by the number of their group and their own there.
Place = tuple[int, int]
CanWait = Callable[[str, list[list[str]]], set[Place]]


class Waiting(str):
    """A statement that older programs do not live with: its migration is of the phase `contract`."""

    __slots__ = ()


def split_by_phase(
    groups: list[list[str]], can_wait: CanWait, current_url: str, result: Schema
) -> list[list[str]]:
    """The groups without what can wait, and then that; as they are, where nothing can, or the schema in the
    end would not be the same."""
    if not any(TAKES_AWAY.search(each) for group in groups for each in group):
        return groups
    singles = [
        [(i, single) for i, each in enumerate(group) for single in single_actions(each)]
        for group in groups
    ]
    waiting = can_wait(current_url, [[single for _, single in group] for group in singles])
    drops = {
        (number, i)
        for number, group in enumerate(singles)
        for i, (_, single) in enumerate(group)
        if strip_comments(single).startswith("DROP ")
    }
    # What goes with it, such as the function of a trigger, may have to wait, too.
    for chosen in [waiting, waiting | drops] if waiting else []:
        split = _split(groups, singles, chosen)
        if split and _leads_to(current_url, split, result):
            return split
    return groups


def _split(
    groups: list[list[str]], singles: list[list[tuple[int, str]]], waiting: set[Place]
) -> list[list[str]]:
    """Nothing where a group is to be split whose statements have to share a transaction."""
    phases: dict[bool, list[list[str]]] = {False: [], True: []}
    for number, group in enumerate(singles):
        for later, result_groups in phases.items():
            chosen = [each for i, each in enumerate(group) if ((number, i) in waiting) == later]
            if len(chosen) not in (0, len(group)) and any(
                isinstance(each, InTransaction) for each in groups[number]
            ):
                return []
            statements = [
                rejoined(groups[number][i], [single for _, single in parts], later=later)
                for i, parts in groupby(chosen, key=itemgetter(0))
            ]
            result_groups += [statements] if statements else []
    return [*phases[False], *phases[True]]


def single_actions(statement: str) -> list[str]:
    """An ALTER TABLE for each action of one that has several; any other statement as it is."""
    alter = parse_alter_table(statement)
    if not alter or len(alter.actions) == 1:
        return [statement]
    return [alter._replace(actions=[each]).statement for each in alter.actions]


def rejoined(statement: str, singles: list[str], *, later: bool) -> str:
    """The statement with some of its single actions alone."""
    alter = parse_alter_table(statement)
    if alter and len(singles) < len(alter.actions):
        comments = statement.removesuffix(strip_comments(statement))
        if not later:
            comments = comments.replace(DROPPED, "")
        actions = [
            action for each in singles if (of := parse_alter_table(each)) for action in of.actions
        ]
        text = f"{comments}{alter._replace(actions=actions).statement}"
    else:
        text = statement
    return Waiting(text) if later else type(statement)(text)


def _leads_to(current_url: str, groups: list[list[str]], result: Schema) -> bool:
    with scratch_database(current_url) as url:
        try:
            for group in groups:
                execute_as_migration(url, group)
        except (CannotPlanError, psycopg.Error):
            return False
        return not diff(result, read_schema(url))
