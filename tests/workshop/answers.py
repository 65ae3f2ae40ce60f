"""What participants type: right answers, and plausible wrong ones with what the check says of them."""

from typing import NamedTuple

from tests.workshop.conftest import Participant

USER, TEAM = "src/domain/models/user.py", "src/domain/models/team.py"
EMAIL = "    email: Mapped"
NICKNAME = "    nickname: Mapped[str | None] = mapped_column(String(50))\n"
ANNOUNCEMENT = '''\
"""What teams tell their members."""

from uuid import UUID

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.models.base import BaseEntity


class Announcement(BaseEntity):
    team_id: Mapped[UUID] = mapped_column(ForeignKey("teams.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
'''
MODULE = "src/domain/models/announcement.py"
FULL = "    full_name: Mapped[str | None] = mapped_column(String(200))\n"
DISPLAY = FULL.replace("full", "display")
LOCALE = "    locale: Mapped[str | None] = mapped_column(Text)\n"
SWAP = "migrations/29990101000000_swap.sql"
SWAPPED = """\
ALTER TABLE users ADD COLUMN display_name varchar(200);
UPDATE users SET display_name = full_name;
ALTER TABLE users DROP COLUMN full_name;
"""
RULE = '        CheckConstraint("username = lower(username)", name="lower_case"),\n'


class Edit(NamedTuple):
    """A text replaced in a file; or, without an old one, a file written."""

    file: str
    old: str
    new: str


Steps = list[Edit | str]


def work(participant: Participant, steps: Steps) -> None:
    """Edit and type, in this order."""
    for step in steps:
        if isinstance(step, str):
            participant.type(step)
        elif step.old:
            participant.edit(*step)
        else:
            (participant.folder / step.file).write_text(step.new, encoding="utf-8")


RIGHT: dict[int, Steps] = {
    1: [
        Edit(USER, EMAIL, NICKNAME + EMAIL),
        'make migrate-create m="add nickname"',
        "make migrate",
        "make migrate-status",
    ],
    2: [
        Edit(MODULE, "", ANNOUNCEMENT),
        'make migrate-create m="add announcements"',
        "make migrate",
    ],
    3: [
        Edit(USER, FULL, FULL + DISPLAY),
        'make migrate-create m="add display name"',
        # Nobody types it within the second of the first one, which is its version.
        "sleep 1.1; echo 'UPDATE users SET display_name = full_name;'"
        " > migrations/$(date -u +%Y%m%d%H%M%S)_copy_full_names.sql",
        "make migrate-hash",
        "make migrate",
        Edit(USER, FULL, ""),
        'make migrate-create m="drop full name"',
        "! make migrate-lint",
        "sed -i '1i -- lint:allow drop-column no code reads it' migrations/*_drop_full_name.sql",
        "make migrate-hash",
        "make migrate-lint",
        "make migrate",
    ],
    4: [
        "make migrate-status",
        "! make schema-drift",
        "make schema-drift fix=adopt",
        "make migrate",
        Edit(USER, EMAIL, LOCALE + EMAIL),
    ],
    5: [
        "make migrate-downgrade dry=1",
        "make migrate-downgrade",
        "rm migrations/*_lower_case_usernames.sql migrations/down/*_lower_case_usernames.sql",
        "make migrate-hash",
        Edit(USER, RULE, ""),
        Edit(USER, "CheckConstraint, ", ""),
    ],
    6: [
        "! make migrate-check base=colleague/6",
        "make migrate-downgrade",
        "! git merge colleague/6",
        "make migrate-rebase base=colleague/6",
        "git add --all migrations",
        "git commit --no-edit",
        "make migrate",
        "make migrate-check base=colleague/6",
    ],
}


class Wrong(NamedTuple):
    """A wrong answer, and a part of what the check says of it."""

    exercise: int
    why: str
    steps: Steps
    said: str


WRONG = [
    Wrong(1, "only the model", [Edit(USER, EMAIL, NICKNAME + EMAIL)], "no migration brings it"),
    Wrong(
        1,
        "nobody may be without one",
        [Edit(USER, EMAIL, NICKNAME.replace(" | None", "") + EMAIL)],
        "have no nickname, and the model does not allow that",
    ),
    Wrong(
        1,
        "not applied",
        [Edit(USER, EMAIL, NICKNAME + EMAIL), 'make migrate-create m="nick"'],
        "_nick.sql yet: it is pending",
    ),
    Wrong(
        1,
        "a model that does not load",
        [Edit(USER, EMAIL, NICKNAME.replace("String(50)", "Sting(50)") + EMAIL)],
        "name 'Sting' is not defined",
    ),
    Wrong(
        2,
        "no index",
        [
            Edit(MODULE, "", ANNOUNCEMENT.replace(", index=True", "")),
            'make migrate-create m="add announcements"',
            "make migrate",
        ],
        "PostgreSQL has to read them all",
    ),
    Wrong(
        2,
        "a number that refers to nothing",
        [
            Edit(MODULE, "", ANNOUNCEMENT.replace('ForeignKey("teams.id"), ', "")),
            'make migrate-create m="add announcements"',
            "make migrate",
        ],
        "accepts an announcement of a team that does not exist",
    ),
    Wrong(
        3,
        "renamed at once",
        [
            Edit(USER, FULL, DISPLAY),
            'make migrate-create m="r" rename=users.full_name:display_name',
        ],
        "from that moment on, old code fails",
    ),
    Wrong(
        3,
        "dropped and added at once",
        [Edit(USER, FULL, DISPLAY), 'make migrate-create m="r" rename=none', "make migrate"],
        "The display_name of ada and grace is not what their full_name was",
    ),
    Wrong(
        3,
        "dropped and added by hand, in one file",
        [Edit(USER, FULL, DISPLAY), Edit(SWAP, "", SWAPPED), "make migrate-hash", "make migrate"],
        "no moment at which old and new code both work",
    ),
    Wrong(
        3,
        "expanded without the names",
        [Edit(USER, FULL, FULL + DISPLAY), 'make migrate-create m="add"', "make migrate"],
        "The display_name of ada and grace is not what their full_name was",
    ),
    Wrong(
        3,
        "contracted although lint refuses",
        [step for step in RIGHT[3] if "sed" not in step and step != "make migrate-lint"],
        "make migrate-lint does not accept a migration of yours",
    ),
    Wrong(4, "reverted", ["make schema-drift fix=revert yes=1 allow-loss=users.locale"], "is gone"),
    Wrong(
        4,
        "adopted, without the model",
        ["make schema-drift fix=adopt", "make migrate"],
        "the next migration would drop it",
    ),
    Wrong(
        5,
        "the files removed first",
        ["rm migrations/*lower* migrations/down/*lower*", "make migrate-hash"],
        "Without them it cannot be rolled back",
    ),
    Wrong(
        5,
        "only the database",
        ["make migrate-downgrade"],
        "The model demands lower case still",
    ),
    Wrong(
        6,
        "the conflict resolved by hash",
        ["! git merge colleague/6", "make migrate-hash"],
        "a database that has the colleague's never gets yours",
    ),
    Wrong(
        6,
        "one side taken",
        ["! git merge colleague/6", "git reset -q --hard colleague/6"],
        "Your own migration is gone",
    ),
]
