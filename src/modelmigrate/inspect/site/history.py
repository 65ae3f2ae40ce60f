"""Migrations run one after the other, to see what each of them does: in the catalogs, not in its text. On the
way, each file is linted, since that takes the same run."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from modelmigrate.atlas.directory import Migration, by_create
from modelmigrate.inspect.site.events import Event, compare
from modelmigrate.inspect.site.facts import facts_of, read_texts
from modelmigrate.lint.catalog import Catalog, read_catalog
from modelmigrate.lint.findings import Finding, find_all
from modelmigrate.lint.levels import level_of
from modelmigrate.lint.observe import Observer
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.states import before_and_after, replay_migrations
from modelmigrate.terminal import progress


class Record(NamedTuple):
    """What is known of a migration that was run."""

    events: list[Event]
    findings: list[dict[str, Any]]
    """As `lint --format json` tells them, as far as pages show them."""


def observe_migrations(migrations: list[Migration], known: int) -> Iterator[Record]:
    """A record of each migration but the first `known` ones.

    Raises:
        MigrateError: one of them cannot be applied.
    """
    left = migrations[known:]
    while left:
        count = 0
        for record in _run(migrations[: len(migrations) - len(left)], left):
            count += 1
            yield record
        left = left[count:]


def _run(before: list[Migration], left: list[Migration]) -> Iterator[Record]:
    """Records of the next migrations, until one goes another way than when Atlas runs it."""
    with (
        replay_migrations(before) as before_url,
        scratch_database(before_url) as url,
        Observer(url) as observer,
        closing(connect(url, search_path="")) as connection,
    ):
        facts = facts_of(observer.look(), read_texts(connection))
        level = level_of(None)
        starts = {group[0].version for group in by_create([*before, *left])}
        for migration in left:
            progress(f"looking at {migration.name}")
            if migration.version in starts:
                observer.settle()
            file = observer.run(f"migrations/{migration.name}", migration.sql)
            if not file.ran:
                done = [*before, *left[: left.index(migration) + 1]]
                yield Record(_replayed(done), [])
                return
            facts, old = facts_of(observer.look(), read_texts(connection)), facts
            findings = [_short(each) for each in find_all([file], level, {})]
            yield Record([*compare(old, facts)], findings)


def _replayed(done: list[Migration]) -> list[Event]:
    """What the last of these migrations does when Atlas runs it."""
    with before_and_after(done, 1) as (before_url, after_url):
        facts = []
        for url in (before_url, after_url):
            with closing(connect(url, search_path="")) as connection:
                catalog = Catalog(**read_catalog(connection))
                facts.append(facts_of(catalog, read_texts(connection)))
    return [*compare(*facts)]


def _short(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "level": finding.level.name.lower(),
        "line": finding.line,
        "text": finding.text,
        "why": finding.why,
        "allowed": finding.allowed,
    }
