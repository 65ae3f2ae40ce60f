"""The patterns that the migration guide promises, pasted as it writes them (import roots apart)."""

from pathlib import Path

import pytest

from tests.conftest import run
from tests.template.test_commands_of_a_bake import edit, make

MODELS = Path("src/domain/models")
USER = MODELS / "user.py"

PATTERN_1 = """\
    avatar_url: Mapped[str | None] = mapped_column(String(500))
    bio: Mapped[str | None] = mapped_column(Text, nullable=True)
"""
PATTERN_2 = '''\
"""What users write."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.models.base import BaseEntity
from domain.models.user import User


class Post(BaseEntity):
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    author: Mapped["User"] = relationship("User", back_populates="posts")
'''
PATTERN_2_OTHER_SIDE = """\
    posts: Mapped[List["Post"]] = relationship("Post", back_populates="author")
"""
PATTERN_3 = """\
    email: Mapped[str] = mapped_column(
        String(255),
        unique=True,
        index=True,  # Add index
    )
"""


@pytest.mark.long
def test_the_patterns_of_the_guide_work_as_written_and_leave_the_service_green(fork: Path) -> None:
    user = fork / USER
    edit(user, "    email: ", PATTERN_1 + "    email: ")
    assert make(fork, "migrate-create", "m=add_user_bio")[0] == 0
    assert make(fork, "migrate")[0] == 0

    (fork / MODELS / "post.py").write_text(PATTERN_2, encoding="utf-8")
    edit(user, "    email: ", PATTERN_2_OTHER_SIDE + "    email: ")
    edit(user, "mapped_column\n", "mapped_column, relationship\n")
    edit(user, '"""People."""\n\n', '"""People."""\n\nfrom typing import TYPE_CHECKING, List\n\n')
    edit(
        user,
        "SoftDeletable\n\n",
        "SoftDeletable\n\nif TYPE_CHECKING:\n    from domain.models.post import Post\n\n",
    )
    code, sql, said = make(fork, "migrate-create", "m=add_post_author_relationship")
    assert code == 0, said
    assert 'CREATE TABLE "posts"' in sql
    assert 'FOREIGN KEY ("author_id") REFERENCES "users" ("id")' in sql

    edit(user, "    email: Mapped[str] = mapped_column(String(255))\n", PATTERN_3)
    code, sql, said = make(fork, "migrate-create", "m=add_user_email_index")
    assert code == 0, said
    assert 'CREATE UNIQUE INDEX CONCURRENTLY "ix_users_email" ON "users" ("email")' in sql

    make(fork, "migrate")
    # Who may call, how deep a fault reaches and what is traced has nothing to do with columns.
    others = ("bad_days", "callers", "openapi", "problems", "telemetry")
    less = " ".join(f"--ignore=tests/api/test_{each}.py" for each in others)
    checked = run("make", "check", at=fork, env={"PYTEST_ADDOPTS": less})
    assert checked.returncode == 0, checked.stdout + checked.stderr
