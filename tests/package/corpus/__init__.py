"""Changes of a schema as data: the files beside this one, one for each kind of object.

CONTRIBUTING.md says what a case consists of.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from modelmigrate.sql.statements import split_statements, strip_comments

PLACE = Path(__file__).parent
MARK = re.compile(
    r"^-- (?P<word>case|both|old|new|rows|by hand|refused|loss|changes|changes for good|rename|nothing|alone"
    r"|known|adopt refused)(?:: (?P<rest>.*))?$",
    re.MULTILINE,
)
# What stands in a folder of .sql files; where, and what may follow it there.
DECLARED = {
    "DOMAIN": "domains",
    "EXTENSION": "extensions",
    "FUNCTION": "functions",
    "POLICY": "policies",
    "PROCEDURE": "procedures",
    "TRIGGER": "triggers",
    "CONSTRAINT TRIGGER": "triggers",
    "VIEW": "views",
    "RECURSIVE VIEW": "views",
    "MATERIALIZED VIEW": "views",
}
FOLLOWS = {
    "views": r"CREATE (UNIQUE )?INDEX |COMMENT ON ",
    "triggers": r"ALTER TABLE .* TRIGGER |COMMENT ON ",
    "domains": r"ALTER DOMAIN .* ADD |COMMENT ON ",
}
# What models print: all else is for migrations by hand.
OF_MODELS = re.compile(
    r"CREATE (UNLOGGED )?TABLE (?!\S+ PARTITION OF |\w+\.)|CREATE (UNIQUE )?INDEX (?!\S+ ON \w+\.)|CREATE SEQUENCE (?!\w+\.)"
    r"|CREATE TYPE (?!\w+\.).* AS ENUM |ALTER SEQUENCE |COMMENT ON (TABLE|COLUMN) "
    r"|ALTER TABLE (?!.* (ROW LEVEL SECURITY|ATTACH PARTITION|OWNER TO|RULE)\b)(?!\w+\.)",
    re.DOTALL,
)
CREATED = re.compile(
    r"CREATE (?:OR REPLACE )?(?:CONSTRAINT |MATERIALIZED |RECURSIVE |UNIQUE |EVENT |UNLOGGED )?"
    r"(?:TABLE|VIEW|FUNCTION|PROCEDURE|AGGREGATE|TRIGGER|TYPE|DOMAIN|SEQUENCE|INDEX|RULE|POLICY"
    r"|STATISTICS|COLLATION|OPERATOR CLASS|TEXT SEARCH \w+)"
    r" (?:IF NOT EXISTS |CONCURRENTLY |ON )?(?:\w+\.)?([a-z_]\w*)"
)
CONSTRAINTS = re.compile(r"\bCONSTRAINT ([a-z_]\w*)")
# Names that there can be but once beside others.
SHARED = re.compile(r'"[^"]+"|\b(?:EXTENSION|SCHEMA|ROLE)(?: IF NOT EXISTS)? \w+|\b\w{50,}')


class Case(NamedTuple):
    """A change of a schema, and what is expected of it."""

    kind: str
    name: str
    old: list[str]
    new: list[str]
    rows: str = ""
    by_hand: Sequence[str] = ()
    refused: str = ""
    loss: str = ""
    changes: str = ""
    changes_for_good: str = ""
    rename: str = ""
    nothing: bool = False
    alone: bool = False
    known: str = ""
    adopt_refused: str = ""

    @property
    def title(self) -> str:
        return f"{self.kind}: {self.name}"

    @property
    def is_written_by_hand(self) -> bool:
        """Whether migrations by hand make it: what neither models nor files declare, or the change."""
        change = self.by_hand and not self.refused
        return bool(change or parts_of(self.old).by_hand or parts_of(self.new).by_hand)

    @property
    def is_alone(self) -> bool:
        """Whether it cannot be told beside others: what is refused is refused as a whole."""
        return bool(self.alone or self.nothing or self.refused or self.known)

    @property
    def is_adopted_alone(self) -> bool:
        """Whether it cannot be adopted beside others."""
        return bool(self.is_alone or self.adopt_refused)

    @property
    def can_drift(self) -> bool:
        """Whether there is something to type into a live database."""
        return bool(self.by_hand) or not (self.refused or self.nothing or self.known)

    @property
    def names(self) -> set[str]:
        """What it creates, by the names that can be changed."""
        text = "\n".join([*self.old, *self.new, *self.by_hand])
        return {*CREATED.findall(text), *CONSTRAINTS.findall(text)} - {"trigger"}

    @property
    def shared(self) -> set[str]:
        return {*SHARED.findall("\n".join([*self.old, *self.new, *self.by_hand]))}


def read_cases(place: Path = PLACE) -> list[Case]:
    """All of the cases, file by file."""
    return [case for file in sorted(place.glob("*.sql")) for case in read_file(file)]


def read_file(file: Path) -> Iterator[Case]:
    marks = list(MARK.finditer(file.read_text(encoding="utf-8")))
    ends = [each.start() for each in marks[1:]] + [None]
    said: dict[str, str] = {}
    for mark, end in zip(marks, ends, strict=True):
        text = mark.string[mark.end() : end].strip()
        if mark["word"] == "case" and said:
            yield case_of(file.stem, said)
            said = {}
        assert mark["word"] not in said, f"{file}: {said.get('case')} has two `{mark['word']}`"
        said[mark["word"]] = (mark["rest"] or "").strip() or text
    yield case_of(file.stem, said)


def case_of(kind: str, said: dict[str, str]) -> Case:
    both, old, new = (split_statements(said.get(each, "")) for each in ("both", "old", "new"))
    return Case(
        kind.replace("_", " "),
        said["case"],
        [*both, *old],
        [*both, *new],
        rows=said.get("rows", ""),
        by_hand=split_statements(said.get("by hand", "")),
        refused=said.get("refused", ""),
        loss=said.get("loss", ""),
        changes=said.get("changes", ""),
        changes_for_good=said.get("changes for good", ""),
        rename=said.get("rename", ""),
        nothing="nothing" in said,
        alone="alone" in said,
        known=said.get("known", ""),
        adopt_refused=said.get("adopt refused", ""),
    )


# --- what the statements are for ---


class Parts(NamedTuple):
    """The statements of a state by where they are said."""

    models: list[str]
    files: list[tuple[str, str]]
    """The folder and the text of each .sql file."""
    by_hand: list[str]


def parts_of(statements: list[str]) -> Parts:
    """What models print, what files declare, and what only migrations by hand create."""
    parts = Parts([], [], [])
    name = ""
    for each in statements:
        if folder := folder_of(each):
            parts.files.append((folder, each))
            name = (CREATED.findall(each) or re.findall(r'"[^"]+"', each) or [""])[0]
        elif name and follows(parts.files[-1][0], name, each):
            parts.files[-1] = parts.files[-1][0], f"{parts.files[-1][1]}\n{each}"
        elif OF_MODELS.match(each):
            parts.models.append(each)
        else:
            parts.by_hand.append(each)
    return parts


def follows(folder: str, name: str, statement: str) -> bool:
    """Whether a statement belongs into the file, in this folder, of the object with this name."""
    found = re.match(FOLLOWS.get(folder, "COMMENT ON "), statement)
    return bool(found and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", statement))


def folder_of(statement: str) -> str | None:
    """Where a statement is declared; None for those of models and migrations."""
    words = strip_comments(statement).replace("OR REPLACE ", "").removeprefix("CREATE ")
    if re.match(r"ALTER TABLE .* (ENABLE|FORCE) ROW LEVEL SECURITY;", words):
        return "policies"
    return next((DECLARED[kind] for kind in DECLARED if words.startswith(f"{kind} ")), None)


# --- several at once ---


def apart(case: Case, number: int) -> Case:
    """The case with names of its own for all that it creates."""
    if not case.names:
        return case
    rename = renaming(case.names, number)
    return case._replace(
        old=[rename(each) for each in case.old],
        new=[rename(each) for each in case.new],
        by_hand=[rename(each) for each in case.by_hand],
        rows=rename(case.rows),
        loss=rename(case.loss),
        changes=rename(case.changes),
        changes_for_good=rename(case.changes_for_good),
        rename=rename(case.rename),
    )


def renaming(names: set[str], number: int) -> Callable[[str], str]:
    """What gives this number to these names, and to those that PostgreSQL derives from them."""
    longest_first = sorted((each for each in names if len(each) < 50), key=len, reverse=True)
    if not longest_first:
        return str
    begins = r"(?:(?<![\w\"'])|(?<=val\('))"  # in quotes, it is a value, unless nextval gets it
    words = re.compile(rf"{begins}(?:{'|'.join(longest_first)})(?=_|\b)(?!\")")
    return lambda text: words.sub(rf"\g<0>_{number}", text)


def batches(cases: list[Case], size: int, *, adopted: bool = False) -> list[list[Case]]:
    """The cases in groups that can be told side by side, or adopted, with names of their own."""
    alone = [each for each in cases if (each.is_adopted_alone if adopted else each.is_alone)]
    made: list[list[Case]] = []
    for by_hand in (False, True):
        group: list[Case] = []
        for case in cases:
            if case in alone or case.is_written_by_hand is not by_hand:
                continue
            if len(group) == size or any(case.shared & each.shared for each in group):
                made.append(group)
                group = []
            group.append(case)
        made += [group] if group else []
    return made + [[case] for case in alone]


def numbered(cases: list[Case]) -> list[Case]:
    """The cases with names of their own, if there are several."""
    return [apart(case, n) for n, case in enumerate(cases)] if len(cases) > 1 else cases
