"""Migration files run on a copy of the schema, statement by statement, and what each of them did there:
seen in the catalogs, in `pg_locks` and in the statistics of the transaction, not in the text."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import errors

from modelmigrate.atlas.refused_statements import kind_of, runs_outside_transaction
from modelmigrate.lint.catalog import Catalog, read_catalog
from modelmigrate.lint.refresh import first_look, look_at, read_versions, refreshed
from modelmigrate.lint.steps import MODES, STRENGTH, ObservedFile, Step
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import execute_all, require_statement_to_blame
from modelmigrate.sql.statements import split_statements, strip_comments

LOCKS = """
    SELECT relation, mode FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation >= 16384"""
SCANS = "SELECT relid, seq_scan FROM pg_stat_xact_user_tables WHERE seq_scan > 0"
# What later files of the same session run by, and what programs rely on to be checked.
SETTINGS = ("search_path", "role", "session_authorization", "session_replication_role")
# What says who may do what, which counts of what is new, too.
RIGHTS = {
    *("CREATE FUNCTION", "CREATE PROCEDURE", "ALTER FUNCTION", "ALTER PROCEDURE", "ALTER ROUTINE"),
    *("GRANT", "ALTER DEFAULT PRIVILEGES"),
}
# Its plans come as notices, of the functions that a statement calls, too.
AUTO_EXPLAIN = """
    LOAD 'auto_explain'; SET auto_explain.log_level = notice; SET auto_explain.log_format = json;
    SET auto_explain.log_verbose = on; SET auto_explain.log_nested_statements = on"""
PLAN = re.compile(r"duration: .*?plan:\n(.*)", re.DOTALL)
CHANGES_ROWS = re.compile(r"\s*(UPDATE|DELETE|INSERT|MERGE|WITH)\b", re.IGNORECASE)
DELIMITER = re.compile(r"^-- ?atlas:delimiter +(\S.*)$", re.MULTILINE)


def split_with_lines(text: str) -> Iterator[tuple[str, int]]:
    """The statements of a file, with the comments before each, and the line that it begins on."""
    position = 0
    parts = [text]
    if (found := DELIMITER.search(text)) and not re.fullmatch(r"(\\n|--.*)+", found[1].strip()):
        parts = text.split(found[1].strip())
    for statement in (each for part in parts for each in split_statements(part)):
        position = text.index(statement, position)
        code = position + len(statement) - len(strip_comments(statement))
        yield statement, text.count("\n", 0, code) + 1
        position += len(statement)


class Observer:
    """One session on a scratch database that files are run in, one after the other; on a clone of the
    database at the URL `template`, which need not be looked at twice."""

    def __init__(self, url: str, template: str | None = None) -> None:
        self.url, self.template = url, template
        self.cut: list[str] = []
        self.plans: list[str] = []
        self.listening = False

    def __enter__(self) -> "Observer":
        self.closing = closing(connect(self.url, search_path="public"))
        self.connection = self.closing.__enter__()
        self.connection.add_notice_handler(self._notice)
        # Where the library is missing, or the role is no superuser, functions are not looked into.
        self.explains_all = execute_all(self.connection, AUTO_EXPLAIN)
        looked = first_look(self.template) if self.template else look_at(self.connection)
        self.versions, self.old = looked
        self.catalog = self.old
        self.settings = self._settings()
        return self

    def __exit__(self, *reason: object) -> None:
        self.connection.execute("ROLLBACK")
        self.closing.__exit__(*reason)

    def _notice(self, diagnostic: errors.Diagnostic) -> None:
        text = diagnostic.message_primary or ""
        if diagnostic.sqlstate == errors.NameTooLong.sqlstate:
            self.cut.append(text)
        elif self.listening and (found := PLAN.match(text)):
            self.plans.append(found[1])

    def look(self) -> Catalog:
        """What is there after all that was run."""
        if not self.has_old:  # in which case nothing was looked at
            self.catalog = self._look()
        return self.catalog

    def settle(self) -> None:
        """Take all that is there by now for old: a deployment has ended, and another one begins."""
        self.old = self.look()

    def run(self, name: str, text: str) -> ObservedFile:
        """Run a migration; after an error, nothing more can be run."""
        transactional = not runs_outside_transaction(text)
        return self._observe(name, text, transactional=transactional)

    def run_down(self, name: str, text: str) -> ObservedFile:
        """Run a down migration, and take it back."""
        old, self.old = self.old, self.catalog
        settings, versions = self.settings, self.versions
        try:
            with self.connection.transaction(force_rollback=True):
                file = self._observe(name, text, transactional=True)
        finally:
            self.catalog, self.old = self.old, old
            self.settings, self.versions = settings, versions
        return replace(file, is_down=True)

    def _observe(self, name: str, text: str, *, transactional: bool) -> ObservedFile:
        steps: list[Step] = []
        settings = self.settings
        held: dict[int, tuple[str, int]] = {}
        begun = bool(self.connection.info.transaction_status)
        if transactional and not begun:
            self.connection.execute("BEGIN")
        for sql, line in split_with_lines(text):
            step = Step(sql, line, self.catalog, self.catalog, self.old)
            refused = kind_of(sql, transactional=transactional)
            if refused and (begun or not refused.in_transaction_only):
                steps.append(replace(step, refused=refused))
                continue
            if transactional and refused:
                # Run all the same, as if the file had said that it runs outside a transaction.
                self.connection.execute("COMMIT")
            alone = not transactional or bool(refused)
            step = self._run(replace(step, refused=refused), held, alone=alone)
            if transactional and refused:
                held.clear()
                self.connection.execute("BEGIN")
            steps.append(step)
            if step.error:
                break
        failed = steps and steps[-1].error
        if transactional and not begun:
            self.connection.execute("ROLLBACK" if failed else "COMMIT")
        if not (begun and failed):
            self.settings = self._settings()
        kept = {key for key, value in self.settings.items() if value != settings[key]}
        return ObservedFile(name, text, steps, transactional, kept_settings=frozenset(kept))

    def _run(self, step: Step, held: dict[int, tuple[str, int]], *, alone: bool) -> Step:
        """The step with what its statement did; a statement alone is given a transaction of its own,
        where it can be run in one."""
        if alone:
            held.clear()
            self.connection.execute("BEGIN")
        before = self._scans()
        plans = [] if self.explains_all else self._explain(step.sql)
        tag, error = self._execute(step.sql)
        if alone and isinstance(error, errors.ActiveSqlTransaction):
            self.connection.execute("ROLLBACK")
            tag, error = self._execute(step.sql)
            locks, scanned = dict[int, str](), frozenset[int]()
        elif not error:
            locks = self._new_locks(held, step.line)
            scans = {
                table for table, count in self._scans().items() if count > before.get(table, 0)
            }
            scanned = frozenset(scans & self.old.relations.keys())
            if alone:
                self.connection.execute("COMMIT")
        if error:
            if alone:
                self.connection.execute("ROLLBACK")
            return replace(step, error=error)
        settings, self.settings = self.settings, self._settings()
        changed = {each: new for each, new in self.settings.items() if new != settings[each]}
        if self.has_old:
            self.catalog = self._look()
            if self.settings["role"] == "none":  # another one may not look
                self._read_positions(held)
        elif tag in RIGHTS:  # in a first migration there is nothing else to see
            self.catalog = self._look("routines", "privileges")
        plans += [tuple(nodes(json.loads(each)["Plan"])) for each in self.plans]
        cut, self.cut = tuple(self.cut), []
        return replace(
            step, after=self.catalog, tag=tag, locks=locks, held=dict(held), scanned=scanned,
            plans=tuple(plans), cut=cut, settings=changed, in_transaction=not alone,
        )  # fmt: skip

    def _execute(self, sql: str) -> tuple[str, psycopg.Error | None]:
        """Run a statement, with its plans as notices; what it was, or its error."""
        self.plans = []
        try:
            self._explain_all("0")
            tag = self.connection.execute(sql.encode()).statusmessage or ""
            self._explain_all("-1")
        except psycopg.Error as error:
            require_statement_to_blame(error)
            if not self.connection.info.transaction_status:
                self._explain_all("-1")
            return "", error
        return tag, None

    def _explain_all(self, duration: str) -> None:
        """Switch plans on by "0", and off by "-1"; not as another role, once a file has set one."""
        self.listening = duration == "0"
        if self.explains_all and self.connection.info.parameter_status("is_superuser") == "on":
            self.connection.execute(f"SET auto_explain.log_min_duration = {duration}".encode())

    def _explain(self, sql: str) -> list[tuple[dict[str, Any], ...]]:
        """The plan of a statement that may change rows; none where it is none, or cannot be planned."""
        statement = strip_comments(sql)
        if not CHANGES_ROWS.match(statement):
            return []
        try:
            with self.connection.transaction():
                explain = f"EXPLAIN (VERBOSE, FORMAT JSON) {statement}"
                [(plan,)] = self.connection.execute(explain.encode()).fetchall()
        except psycopg.Error:
            return []
        return [tuple(nodes(plan[0]["Plan"]))]

    def _new_locks(self, held: dict[int, tuple[str, int]], line: int) -> dict[int, str]:
        new: dict[int, str] = {}
        for relation, mode in self.connection.execute(LOCKS).fetchall():
            before, _ = held.get(relation, (MODES[0], 0))
            if relation in self.old.relations and STRENGTH.get(mode, 0) > STRENGTH[before]:
                new[relation] = mode
                held[relation] = mode, line
        return new

    def _scans(self) -> dict[int, int]:
        """How often the rows of each table were read one by one: in this transaction, and in those before it
        as far as they are not reported yet."""
        return dict(self.connection.execute(SCANS).fetchall())

    @property
    def has_old(self) -> bool:
        """Whether anything was there before the deployment that it could harm."""
        old = self.old
        return bool(old.relations or old.routines or old.types or old.extensions)

    def _settings(self) -> dict[str, str]:
        """What each of SETTINGS is now."""
        query = f"SELECT {', '.join(f'current_setting({each!r})' for each in SETTINGS)}"
        [values] = self.connection.execute(query.encode()).fetchall()
        return dict(zip(SETTINGS, values, strict=True))

    def _look(self, *names: str) -> Catalog:
        """The catalogs as they are now, or these parts of them beside what is known."""
        # Taken back, so that a path that is set LOCAL stays that.
        with self.connection.transaction(force_rollback=True):
            self.connection.execute("SET LOCAL search_path = ''")
            if names:
                return self.catalog._replace(**read_catalog(self.connection, *names))
            before, self.versions = self.versions, read_versions(self.connection)
            return refreshed(self.connection, self.catalog, before, self.versions)

    def _read_positions(self, held: dict[int, tuple[str, int]]) -> None:
        """Put in where the sequences stand that the transaction may have moved: RESTART and setval can leave
        one as if it had never been used."""
        relations, sequences = self.catalog.relations, self.catalog.sequences
        for oid in held.keys() & sequences.keys():
            query = f"SELECT last_value, is_called FROM {relations[oid].name}"
            for last, called in self.connection.execute(query.encode()).fetchall():
                sequences[oid] = sequences[oid]._replace(last=last, called=called)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan, and the plans below it."""
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)
