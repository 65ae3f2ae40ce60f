"""The table of contents of an archive that `pg_dump --format=custom` writes.

It gives each object's kind, name, CREATE and DROP statement, owner, place in the system catalogs and
dependencies as fields, so that none of them is looked for in text that a user's own strings, bodies
and names are part of.

Source: `ReadHead` and `ReadToc` in src/bin/pg_dump/pg_backup_archiver.c of PostgreSQL.
"""

from typing import NamedTuple

from modelmigrate.errors import MigrateError

MAGIC = b"PGDMP"
# The oldest version that is read, of PostgreSQL 12, and the newest one that was tried, of 18.
VERSIONS = ((1, 14, 0), (1, 16, 0))
CUSTOM_FORMAT = 1


class Entry(NamedTuple):
    """An object of the dump, or a part of one that is created apart from it."""

    number: int
    """As `dependencies` name it; in no order."""
    catalog: tuple[int, int]
    """The oids of its catalog, such as that of `pg_class`, and of its row there; 0 where it has none."""
    kind: str
    """`TABLE`, `FK CONSTRAINT`, `ACL`, and so on."""
    name: str
    """Without quotes; of what belongs to a table after that table's: `users users_pkey`."""
    schema: str
    """Empty for what is in no schema."""
    owner: str
    """A role; empty where it counts for nothing."""
    create_sql: str
    drop_sql: str
    """Empty where there is none: it goes with another object."""
    dependencies: frozenset[int]
    """The numbers of the entries that it needs."""


def read_archive(archive: bytes) -> list[Entry]:
    """The entries, in an order in which they can be created.

    Raises:
        MigrateError: it is no archive, or one of an unknown version.
    """
    reader = _Reader(archive)
    version = reader.read_header()
    return [reader.read_entry(version) for _ in range(reader.read_integer())]


class _Reader:
    """The archive, read from its beginning on."""

    def __init__(self, archive: bytes) -> None:
        self.archive = archive
        self.position = self.integer_size = self.offset_size = 0

    def read_header(self) -> tuple[int, int, int]:
        """The version of the format."""
        if self.read(len(MAGIC)) != MAGIC:
            raise MigrateError("pg_dump wrote no archive. Nothing was changed.")
        major, minor, revision, self.integer_size, self.offset_size, form = self.read(6)
        version = (major, minor, revision)
        if form != CUSTOM_FORMAT or not VERSIONS[0] <= version <= VERSIONS[1]:
            words = ".".join(map(str, version))
            raise MigrateError(
                f"pg_dump writes archives of version {words}, which this version of modelmigrate does"
                " not read. Nothing was changed. Update modelmigrate, or use PostgreSQL 12 to 18."
            )
        # How it is compressed: a byte, and a whole number before 1.15.
        self.read(1) if version >= (1, 15, 0) else self.read_integer()
        for _ in range(7):  # when it was made
            self.read_integer()
        for _ in range(3):  # the database, and the versions of the server and of pg_dump
            self.read_text()
        return version

    def read_entry(self, version: tuple[int, int, int]) -> Entry:
        """The next entry."""
        number = self.read_integer()
        self.read_integer()  # whether it has data
        catalog = (int(self.read_text()), int(self.read_text()))
        name, kind = self.read_text(), self.read_text()
        self.read_integer()  # the section
        create_sql, drop_sql, _copy, schema = (self.read_text() for _ in range(4))
        self.read_text()  # the tablespace
        self.read_text()  # the table access method
        if version >= (1, 16, 0):
            self.read_integer()  # the kind of relation
        owner = self.read_text()
        self.read_text()  # whether it has oids
        dependencies = frozenset(map(int, iter(self.read_text, "")))
        self.read(1 + self.offset_size)  # where its data are
        return Entry(number, catalog, kind, name, schema, owner, create_sql, drop_sql, dependencies)

    def read(self, size: int) -> bytes:
        """The next bytes."""
        start, self.position = self.position, self.position + size
        return self.archive[start : self.position]

    def read_integer(self) -> int:
        """A whole number: its sign, then its bytes, the least significant one first."""
        start, self.position = self.position + 1, self.position + 1 + self.integer_size
        number = int.from_bytes(self.archive[start : self.position], "little")
        return -number if self.archive[start - 1] else number

    def read_text(self) -> str:
        """A string; empty for none, and where its length is negative."""
        # Most of an archive is text: a length as above, and so many bytes.
        sign = self.position
        start = self.position = sign + 1 + self.integer_size
        if self.archive[sign]:
            return ""
        self.position += int.from_bytes(self.archive[sign + 1 : start], "little")
        return self.archive[start : self.position].decode()
