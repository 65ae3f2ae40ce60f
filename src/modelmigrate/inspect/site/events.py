"""Which migration added, changed, renamed or dropped what."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from modelmigrate.inspect.site.facts import Fact, Key


class Event(NamedTuple):
    """What a migration did to an object."""

    verb: str
    """`added`, `changed`, `renamed` or `dropped`."""
    kind: str
    table: str
    """That it belongs to, as SQL names it after the migration; empty for what belongs to none."""
    name: str
    old: str = ""
    """Its name before it was renamed."""


History = dict[tuple[str, str, str], list[tuple[str, str]]]
"""Version and verb of each event, the oldest first, by an object's kind, table and name of today."""


def compare(before: dict[Key, Fact], after: dict[Key, Fact]) -> Iterator[Event]:
    """The events that lead from one to the other, in the order of names."""
    gone = {each.identity: each for key, each in before.items() if key not in after}
    made = {each.identity: each for key, each in after.items() if key not in before}
    events = []
    for identity, fact in made.items():
        if identity not in gone:
            if ("table", "", fact.table) not in made:  # else it came with its table
                events.append(Event("added", *identity))
        elif gone[identity].definition != fact.definition:
            events.append(Event("changed", *identity))
    events += [
        Event("dropped", *identity)
        for identity, fact in gone.items()
        if identity not in made and ("table", "", fact.table) not in gone
    ]
    for key in before.keys() & after.keys():
        old, new = before[key], after[key]
        if old.name != new.name:
            events.append(Event("renamed", *new.identity, old.name))
        if old.definition != new.definition:
            events.append(Event("changed", *new.identity))
    yield from sorted(events, key=lambda event: (event.kind != "table", event.table, event))


def fold(versions: Iterable[str], events: Iterable[list[Event]]) -> History:
    """What happened to each object that is there today."""
    history: defaultdict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for version, done in zip(versions, events, strict=True):
        # What is renamed may take a name that another object gives up in the same migration.
        for event in sorted(done, key=lambda event: ORDER.index(event.verb)):
            _take(history, version, event)
    return dict(history)


ORDER = ("dropped", "renamed", "added", "changed")


def _take(history: History, version: str, event: Event) -> None:
    key = (event.kind, event.table, event.name)
    if event.kind == "table" and event.verb in ("dropped", "renamed"):
        old = event.old or event.name
        for kind, table, name in [each for each in history if each[1] == old]:
            events = history.pop((kind, table, name))
            if event.verb == "renamed":
                history[kind, event.name, name] = events
    if event.verb == "dropped":
        history.pop(key, None)
    elif event.verb == "renamed":
        history[key] = history.pop((event.kind, event.table, event.old), [])
    elif event.verb == "added":
        history[key] = []
    if event.verb != "dropped":
        history[key].append((version, event.verb))
    if event.table:
        whole = history["table", "", event.table]
        if not whole or whole[-1][0] != version:
            whole.append((version, "changed"))
