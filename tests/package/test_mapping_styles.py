"""The documented styles of mapping classes: each is loaded, created, changed, and rolled back."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from modelmigrate.schema.diff import diff
from modelmigrate.schema.dump import read_schema
from tests.conftest import TREE, run
from tests.package.harness import Project, begun_anew, execute, project_of, roll_back
from tests.package.test_create import created, migrated

BASE = """
from datetime import datetime
from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, func
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.declarative import AbstractConcreteBase, ConcreteBase
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase, Mapped, composite, declared_attr,
    mapped_column, relationship,
)

class Base(DeclarativeBase): ...
"""


class Style(NamedTuple):
    """Models, what is replaced in them, a row, and the tables that there are."""

    models: str
    old: str
    new: str
    row: str
    tables: set[str]


STYLES = {
    "joined-table inheritance": Style(
        """
class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

class Clerk(Person):
    __tablename__ = "clerks"
    id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    desk: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "clerk"}
""",
        "    desk: Mapped[str]\n",
        "    desk: Mapped[str | None]\n    floor: Mapped[int | None]\n",
        "INSERT INTO people VALUES (1, 'clerk'); INSERT INTO clerks VALUES (1, 'left')",
        {"people", "clerks"},
    ),
    "single-table inheritance": Style(
        """
class Animal(Base):
    __tablename__ = "animals"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}

class Dog(Animal):
    tricks: Mapped[int] = mapped_column(nullable=True)
    __mapper_args__ = {"polymorphic_identity": "dog"}

class Cat(Animal):
    @declared_attr
    def lives(cls) -> Mapped[int | None]:
        return Animal.__table__.c.get("lives", mapped_column(Integer, nullable=True))
    __mapper_args__ = {"polymorphic_identity": "cat"}
""",
        "    tricks: Mapped[int] = mapped_column(nullable=True)\n",
        "    tricks: Mapped[int] = mapped_column(nullable=True)\n"
        "    collar: Mapped[str | None] = mapped_column(use_existing_column=True)\n",
        "INSERT INTO animals (id, kind, tricks) VALUES (1, 'dog', 3)",
        {"animals"},
    ),
    "concrete inheritance": Style(
        """
class Thing(ConcreteBase, Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "thing", "concrete": True}

class Chair(Thing):
    __tablename__ = "chairs"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    legs: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "chair", "concrete": True}
""",
        "    legs: Mapped[int]\n",
        "    legs: Mapped[int | None]\n    arms: Mapped[int | None]\n",
        "INSERT INTO chairs VALUES (1, 'throne', 4)",
        {"things", "chairs"},
    ),
    "abstract concrete inheritance": Style(
        """
class Employee(AbstractConcreteBase, Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    salary: Mapped[int]

class Manager(Employee):
    __tablename__ = "managers"
    level: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "manager", "concrete": True}

class Engineer(Employee):
    __tablename__ = "engineers"
    language: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "engineer", "concrete": True}
""",
        "    salary: Mapped[int]\n",
        "    salary: Mapped[int | None]\n    since: Mapped[datetime | None]\n",
        "INSERT INTO managers (id, salary, level) VALUES (1, 7, 'top')",
        {"managers", "engineers"},
    ),
    "association objects": Style(
        """
class Membership(Base):
    __tablename__ = "memberships"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    role: Mapped[str]
    team: Mapped["Team"] = relationship(back_populates="memberships")
    user: Mapped["User"] = relationship(back_populates="memberships")

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    memberships: Mapped[list[Membership]] = relationship(back_populates="user")
    teams = association_proxy("memberships", "team")

class Team(Base):
    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(primary_key=True)
    memberships: Mapped[list[Membership]] = relationship(back_populates="team")
""",
        "    role: Mapped[str]\n",
        "    role: Mapped[str | None] = mapped_column(index=True)\n    since: Mapped[datetime | None]\n",
        "INSERT INTO users VALUES (1); INSERT INTO teams VALUES (1);"
        " INSERT INTO memberships VALUES (1, 1, 'lead')",
        {"memberships", "users", "teams"},
    ),
    "hybrid properties and composites": Style(
        """
class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

class Line(Base):
    __tablename__ = "lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    start: Mapped[int]
    end: Mapped[int]
    point: Mapped[Point] = composite(Point, mapped_column("x", Integer), mapped_column("y", Integer))

    @hybrid_property
    def length(self) -> int:
        return self.end - self.start

    __table_args__ = (Index("ix_lines_start", "start"),)
""",
        'Index("ix_lines_start", "start")',
        'Index("ix_lines_start", "start", "end"), UniqueConstraint("x", "y", name="one_place")',
        'INSERT INTO lines (id, start, "end", x, y) VALUES (1, 2, 3, 4, 5)',
        {"lines"},
    ),
    "mixins and declared_attr": Style(
        """
class Stamped:
    created: Mapped[datetime] = mapped_column(server_default=func.now())

class Owned:
    @declared_attr
    def owner_id(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("owners.id"))

    @declared_attr
    def owner(cls) -> Mapped["Owner"]:
        return relationship("Owner", foreign_keys=[cls.owner_id])

    @declared_attr.directive
    def __tablename__(cls) -> str:
        return f"{cls.__name__.lower()}s"

class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)

class House(Stamped, Owned, Base):
    id: Mapped[int] = mapped_column(primary_key=True)

class Car(Stamped, Owned, Base):
    id: Mapped[int] = mapped_column(primary_key=True)
""",
        'mapped_column(ForeignKey("owners.id"))',
        'mapped_column(ForeignKey("owners.id", ondelete="CASCADE"), index=True)',
        "INSERT INTO owners VALUES (1); INSERT INTO houses (id, owner_id) VALUES (1, 1)",
        {"owners", "houses", "cars"},
    ),
    "imperative mapping": Style(
        """
class Address:
    pass

class Contact:
    pass

contacts = Table(
    "contacts", Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(50)),
)
addresses = Table(
    "addresses", Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("contact_id", Integer, ForeignKey("contacts.id")),
)
Base.registry.map_imperatively(Contact, contacts, properties={"addresses": relationship(Address)})
Base.registry.map_imperatively(Address, addresses)
""",
        'Column("name", String(50))',
        'Column("name", String(80), nullable=False, server_default="nobody")',
        "INSERT INTO contacts VALUES (1, 'Ada'); INSERT INTO addresses VALUES (1, 1)",
        {"contacts", "addresses"},
    ),
}
NAMES = list(STYLES)
TOGETHER = 4
# What cannot be mapped, and what is said about it.
UNMAPPED = {
    "a class that nothing maps": (
        "class Wheel(Base):\n    __tablename__ = 'wheels'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    car: Mapped['Carriage'] = relationship()\n",
        "expression 'Carriage' failed to locate a name",
    ),
    "a relationship without a foreign key": (
        "class Hub(Base):\n    __tablename__ = 'hubs'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "class Wheel(Base):\n    __tablename__ = 'wheels'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    hub: Mapped[Hub] = relationship()\n",
        "Could not determine join condition",
    ),
    "a mapping that waits for a database": (
        "from sqlalchemy.ext.declarative import DeferredReflection\n"
        "class Wheel(DeferredReflection, Base):\n    __tablename__ = 'wheels'\n",
        "Wheel' is not mapped",
    ),
    "code of its own that fails": (
        "class Wheel(Base):\n    __tablename__ = 'wheels'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    car: Mapped['Wheel'] = relationship(primaryjoin=lambda: nowhere.id == 1)\n",
        "NameError: name 'nowhere' is not defined",
    ),
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Project]:
    with project_of("styles") as made:
        (made.folder / "load_models.py").write_bytes((TREE / "load_models.py").read_bytes())
        settings = '[project]\nname = "styles"\n[tool.modelmigrate]\nmodels = "models:Base"\nsource = "."\n'
        (made.folder / "pyproject.toml").write_text(settings, encoding="utf-8")
        yield made


@pytest.fixture
def project(shared: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with begun_anew(shared, monkeypatch):
        yield shared


def models(project: Project, *texts: str) -> None:
    """The models are these, and the file of the day before is not taken for them."""
    (project.folder / "models.py").write_text(BASE + "\n".join(texts), encoding="utf-8")


def loaded(folder: Path) -> "subprocess.CompletedProcess[str]":
    return run(sys.executable, "-B", folder / "load_models.py", at=folder)


@pytest.mark.parametrize("names", [NAMES[:TOGETHER], NAMES[TOGETHER:]], ids="; ".join)
def test_a_style_is_created_changed_and_rolled_back(project: Project, names: list[str]) -> None:
    styles = [STYLES[name] for name in names]
    live = os.environ["LIVE_DATABASE_URL"]
    models(project, *(style.models for style in styles))
    assert created(project)
    migrated(project)
    before = read_schema(live)
    tables = {label.removeprefix("TABLE public.") for label in before if label.startswith("TABLE ")}
    assert tables == {table for style in styles for table in style.tables}
    for style in styles:
        assert style.models.count(style.old) == 1
        execute(live, style.row)
    models(project, *(style.models.replace(style.old, style.new) for style in styles))
    assert created(project)
    migrated(project)
    assert created(project) == []
    roll_back(project)
    assert diff(before, read_schema(live)) == []


@pytest.mark.parametrize("what", UNMAPPED)
def test_what_cannot_be_mapped_is_said_in_a_line_that_names_the_file(
    shared: Project, what: str
) -> None:
    text, reason = UNMAPPED[what]
    models(shared, text)
    ran = loaded(shared.folder)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"error: {shared.folder / 'models.py'}: cannot be mapped: ")
    assert reason in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_the_file_is_that_of_the_class_among_several(tmp_path: Path) -> None:
    (tmp_path / "load_models.py").write_bytes((TREE / "load_models.py").read_bytes())
    (tmp_path / "pyproject.toml").write_text(
        '[tool.modelmigrate]\nmodels = "shop:Base"\nsource = "."\n', encoding="utf-8"
    )
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "__init__.py").write_text("from .base import Base\nfrom . import good, wheel\n")
    (shop / "base.py").write_text(BASE)
    table = "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    good = "class Good(Base):\n    __tablename__ = 'goods'\n"
    (shop / "good.py").write_text(f"from .base import *\n{good}{table}")
    (shop / "wheel.py").write_text(
        f"from .base import *\n{UNMAPPED['a class that nothing maps'][0]}"
    )
    ran = loaded(tmp_path)
    assert ran.stderr.startswith(f"error: {shop / 'wheel.py'}: cannot be mapped: ")
