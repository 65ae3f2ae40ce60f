"""May the pending migrations be applied now? Expand before a rollout, contract after it."""

from contextlib import closing
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.directory import PHASES, Migration
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.target import Target
from modelmigrate.postgres.connection import connect
from modelmigrate.terminal import indent

# What a service calls itself: `team-directory schema=20260102030405`, the newest version that it knows.
OLDER_PROGRAMS = r"""
    SELECT application_name, count(*), coalesce(host(client_addr), 'this machine') FROM pg_stat_activity
    WHERE datname = current_database() AND substring(application_name FROM 'schema=(\d+)$') < %s
    GROUP BY 1, 3 ORDER BY 1, 3"""


class Gate(NamedTuple):
    """What it lets through."""

    allowed: list[Migration]
    held_back: list[Migration]

    @property
    def note(self) -> str:
        """What waits, and for what; empty where nothing does."""
        if not self.held_back:
            return ""
        names = ", ".join(each.name for each in self.held_back)
        return f"Held back until no older version of the service runs: {names}"


def open_gate(target: Target, phase: str) -> Gate:
    """What may be applied in this phase: with `expand` all before the first contract migration, as long as
    older programs run; with `contract` all, once none is connected any more that does not know them.
    Where nothing is applied yet, there is no program that could fail.

    Raises:
        MigrateError: it may not (exit code 3), there is no such phase, or files and revisions do not match.
    """
    if phase not in PHASES:
        raise MigrateError(
            f"{project.option('phase', phase)} is none of {', '.join(PHASES)}. Nothing was changed."
        )
    pending = target.status.pending
    contracts = [each for each in pending if each.phase == "contract"]
    if not contracts or not target.status.applied:
        return Gate(pending, [])
    first = contracts[0]
    if phase == "contract":
        _require_no_older_programs(target, first)
        return Gate(pending, [])
    place = pending.index(first)
    if behind := [each.name for each in pending[place:] if each.phase == "expand"]:
        raise MigrateError(
            f"{first.name} is a contract migration, and older than what the next rollout needs:\n"
            f"{indent(behind)}\nNothing was changed. Apply it first, once no version of the service runs"
            f" that does not know it: {_apply(target, 'contract')}",
            Exit.REFUSED,
        )
    return Gate(pending[:place], pending[place:])


def ask_gate(target: Target, phase: str) -> str:
    """Whether the gate is open in this phase, what may be applied and how; nothing is changed.

    Raises:
        MigrateError: as for `open_gate`.
    """
    gate = open_gate(target, phase)
    lines = [gate.note] if gate.note else []
    if not gate.allowed:
        return "\n".join([f"open: nothing is to be applied to {target.name} in {phase}", *lines])
    count = f"{len(gate.allowed)} migration(s) may be applied to {target.name} now"
    names = indent([each.name for each in gate.allowed])
    return "\n".join([f"open: {count}:", names, *lines, f"Apply: {_apply(target, phase)}"])


def _require_no_older_programs(target: Target, first: Migration) -> None:
    with closing(connect(target.url)) as connection:
        found = connection.execute(OLDER_PROGRAMS.encode(), [first.version]).fetchall()
    if found:
        sessions = [f"{name}: {count} session(s) from {host}" for name, count, host in found]
        raise MigrateError(
            f"programs are connected to {target.name} that do not know {first.name}, and would fail:\n"
            f"{indent(sessions)}\nNothing was changed. End them, or wait until the rollout has; then:"
            f" {_apply(target, 'contract')}",
            Exit.REFUSED,
        )


def _apply(target: Target, phase: str) -> str:
    confirmed = True if target.option else None
    return project.command("apply", env=target.option, phase=phase, yes=confirmed)
