"""How an Atlas binary is found or built. The fixture `atlas` is a real build; where the subject is
our own care (order, locks, interruptions, messages), a stand-in for Go makes it quick."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelmigrate.atlas.binary import Atlas, atlas_binary, find_atlas
from modelmigrate.atlas.build import _prepare_source, build_atlas, cached_binary, reported_version
from modelmigrate.atlas.go import find_go, go_environment
from modelmigrate.atlas.recipe import CLI, FILES, STAMP
from modelmigrate.errors import MigrateError
from modelmigrate.postgres import binaries
from modelmigrate.postgres.binaries import installation
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.postgres.server import stop_servers
from modelmigrate.service.meanwhile import NEEDS, atlas_meanwhile, notes_on_atlas
from tests.conftest import ROOT, TREE, run

PATH = os.environ["PATH"]
COMMAND = (sys.executable, "-B", "-m", "modelmigrate", "atlas")
MODULE = f"{CLI['module']}@{CLI['version']}"
PIN = next(line for line in FILES["go.sum"].splitlines() if MODULE.split("@")[0] in line)

# Answers as Go does. While the file `hold` lies beside it, its build does not end.
GO = """\
import json, os, sys, time
from pathlib import Path
home, arguments = Path(__file__).parents[1], sys.argv[1:]
if arguments[0] == "-C":
    del arguments[:2]
with (home / "calls").open("a") as calls:
    print(json.dumps([arguments, dict(os.environ)]), file=calls)
if arguments[0] == "env":
    print((home / "version").read_text(), home, sep="\\n")
if arguments[0] == "mod":
    print(json.dumps({"Zip": str(home / "cli.zip"), "Sum": (home / "sum").read_text()}))
if arguments[0] == "list":
    print("go: downloading one v1.0.0", file=sys.stderr)
    print("one", "two", sep="\\n")
if arguments[0] == "build":
    print("one", "two", sep="\\n", file=sys.stderr, flush=True)
    (home / "building").touch()
    while (home / "hold").exists():
        time.sleep(0.02)
    if (home / "failure").exists():
        sys.exit((home / "failure").read_text())
    binary = Path(arguments[arguments.index("-o") + 1])
    stamp = arguments[arguments.index("-ldflags") + 1].rpartition("=")[2]
    binary.write_text(f"#!/bin/sh\\necho atlas version {stamp}\\n")
    binary.chmod(0o755)
"""


class Go:
    """A stand-in for Go on PATH, and what it was called for."""

    def __init__(self, home: Path) -> None:
        self.home = home
        program(home / "bin" / "go", GO, interpreter=sys.executable)
        (home / "version").write_text("go1.99.1")
        (home / "sum").write_text(PIN.split()[-1])
        self.source({})

    def source(self, changed: dict[str, str]) -> None:
        """Lay down the CLI's source, some texts of which have `changed`."""
        files = dict.fromkeys(CLI["files"].values(), "")
        for edit in CLI["edit"]:
            text = changed.get(edit["old"], edit["old"]) * edit["times"]
            files[edit["file"]] = files.get(edit["file"], "") + text
        with zipfile.ZipFile(self.home / "cli.zip", "w") as archive:
            for name, text in files.items():
                archive.writestr(f"{MODULE}/{name}", text)

    def calls(self, verb: str) -> list[dict[str, str]]:
        """The environments of its calls for `verb`."""
        lines = (self.home / "calls").read_text().splitlines()
        return [environment for [name, *_], environment in map(json.loads, lines) if name == verb]


def program(path: Path, text: str, interpreter: str = "/bin/sh") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{interpreter}\n{text}")
    path.chmod(0o755)
    return path


def says(path: Path, version: str) -> Path:
    """A program that answers `version` so."""
    return program(path, f"echo '{version}'")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def atlas() -> Path:
    """Really built on a machine that is new to it, from the user's cache on any other."""
    return build_atlas()


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing: its folder `bin` is PATH, its folder `cache` the cache."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("ATLAS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV", str(tmp_path / "no-uv"))
    monkeypatch.delenv("ATLAS", raising=False)
    return tmp_path


@pytest.fixture
def go(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Go:
    stand_in = Go(machine / "go")
    monkeypatch.setenv("PATH", str(machine / "go" / "bin"))
    return stand_in


@pytest.fixture
def started(go: Go) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts `modelmigrate atlas` in a session of its own, while Go's builds are held."""
    (go.home / "hold").touch()
    processes: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            COMMAND,
            cwd=TREE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    (go.home / "hold").unlink(missing_ok=True)
    for process in processes:
        process.communicate(timeout=20)


def built() -> list[str]:
    """The binaries in the cache, and whatever builds left there."""
    names = {path.name for path in cached_binary().parent.glob("[!.]*")}
    return sorted(names - {"build.lock"})


# --- the order ---


def test_nothing_is_found_on_a_new_machine() -> None:
    assert find_atlas() is None


@pytest.mark.parametrize(
    "version",
    [
        "atlas version v0.38.0-6ab22a4",
        "atlas version v0.15.0",
        "atlas community version v1.0.0-c1b3d4e-canary",
        "atlas unofficial version v0.30.1",
        f"atlas version {STAMP}",
    ],
)
def test_every_edition_on_the_path_is_used(machine: Path, version: str) -> None:
    path = says(machine / "bin" / "atlas", version)
    assert find_atlas() == Atlas(path, version, "PATH")
    assert atlas_binary() == path


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("atlas version v0.13.1", "too old"),
        ("atlas community version v0.14.2-abc", "too old"),
        ("atlas version - development", "reports no version"),
        ("Apache Atlas 2.3.0", "is not an Atlas"),
        ("", "is not an Atlas"),
    ],
)
def test_an_unusable_atlas_on_the_path_is_passed_over_with_one_note(
    machine: Path, capsys: pytest.CaptureFixture[str], version: str, reason: str
) -> None:
    path = says(machine / "bin" / "atlas", version)
    cached = says(cached_binary(), f"atlas version {STAMP}")
    assert atlas_binary() == atlas_binary() == cached
    notes = capsys.readouterr().err.splitlines()
    assert len(notes) == 1
    assert str(path) in notes[0]
    assert reason in notes[0]


def test_a_wish_comes_before_path_and_cache(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says(machine / "bin" / "atlas", "atlas version v0.38.0")
    says(cached_binary(), f"atlas version {STAMP}")
    wish = says(machine / "my atlas", "atlas version - development")
    monkeypatch.chdir(machine)
    for spelling in (str(wish), "./my atlas"):
        monkeypatch.setenv("ATLAS", spelling)
        assert find_atlas() == Atlas(wish, "atlas version - development", "$ATLAS")


@pytest.mark.parametrize("kind", ["missing", "not executable", "another program", "too old"])
def test_an_unusable_wish_is_an_error_and_never_replaced(
    machine: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    says(machine / "bin" / "atlas", "atlas version v0.38.0")
    wish = machine / "wish"
    if kind != "missing":
        old = "atlas version v0.13.1" if kind == "too old" else "hello"
        says(wish, old).chmod(0o644 if kind == "not executable" else 0o755)
    monkeypatch.setenv("ATLAS", str(wish))
    for ask in (find_atlas, atlas_binary):
        with pytest.raises(MigrateError, match=r"\$ATLAS cannot be used: .*wish.*unset it"):
            ask()


def test_a_broken_cached_binary_is_built_again(go: Go, capsys: pytest.CaptureFixture[str]) -> None:
    program(cached_binary(), "exit 1")
    assert atlas_binary() == cached_binary()
    assert go.calls("build")
    assert "It is ignored" in capsys.readouterr().err


# --- the build, with a stand-in for Go ---


def test_a_build_leaves_the_binary_alone_and_is_done_once(go: Go) -> None:
    assert atlas_binary() == atlas_binary() == cached_binary()
    assert built() == [cached_binary().name]
    assert len(go.calls("build")) == 1


@pytest.mark.usefixtures("go")
def test_the_command_prints_only_the_path_on_stdout_and_plain_progress_on_stderr() -> None:
    answer = run(*COMMAND, at=TREE)
    assert answer.stdout == f"{cached_binary()}\n", answer.stderr
    assert "compiling packages 2\n" in answer.stderr
    assert "1/2" not in answer.stderr


@pytest.mark.usefixtures("go")
def test_a_terminal_sees_live_counts() -> None:
    ours, theirs = os.openpty()
    subprocess.run(COMMAND, cwd=TREE, stdout=subprocess.DEVNULL, stderr=theirs, check=True)
    seen = os.read(ours, 4096)
    os.close(theirs)
    os.close(ours)
    assert b"\r  compiling packages 1/2\r  compiling packages 2/2\r\n" in seen


def test_the_users_go_settings_do_not_change_the_binary(
    go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOS", "GOARCH", "GOFLAGS", "GOWORK", "GO111MODULE", "GOTOOLCHAIN", "GOSUMDB"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("GOPROXY", "theirs")
    monkeypatch.setenv("GOMODCACHE", "/their/lasting/modules")
    build_atlas()
    (environment,) = go.calls("build")
    theirs = {name for name, value in environment.items() if value == "theirs"}
    assert theirs == {"GOPROXY"}
    assert environment["GOMODCACHE"] == "/their/lasting/modules"
    assert environment["GOCACHE"].startswith(str(cached_binary().parent / "building-"))


def test_of_two_builds_at_once_one_waits_and_uses_the_result(
    go: Go, started: Callable[[], subprocess.Popen[str]]
) -> None:
    first = started()
    until((go.home / "building").exists)
    second = started()
    assert second.stderr
    assert "waiting" in second.stderr.readline()
    (go.home / "hold").unlink()
    assert first.communicate(timeout=20)[0] == second.communicate(timeout=20)[0]
    assert first.returncode == second.returncode == 0
    assert len(go.calls("build")) == 1


def test_a_killed_build_leaves_nothing_that_looks_finished_and_the_next_cleans_up(
    go: Go, started: Callable[[], subprocess.Popen[str]]
) -> None:
    killed = started()
    until((go.home / "building").exists)
    killed.kill()
    killed.wait()
    assert [name.partition("-")[0] for name in built()] == ["building"]
    assert find_atlas() is None
    (go.home / "hold").unlink()  # the orphaned Go goes on while the next build runs
    build_atlas()
    assert built() == [cached_binary().name]


def test_an_interrupted_build_ends_at_once_and_leaves_nothing(
    go: Go, started: Callable[[], subprocess.Popen[str]]
) -> None:
    interrupted = started()
    until((go.home / "building").exists)
    os.killpg(interrupted.pid, signal.SIGINT)
    errors = interrupted.communicate(timeout=20)[1]
    assert interrupted.returncode == 130
    assert "interrupted. Nothing was left" in errors
    assert "Traceback" not in errors
    assert built() == []


# --- a build beside something else ---


@pytest.fixture
def uv(machine: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The real one, in a project where nothing is installed yet."""
    (machine / "atlas.hcl").touch()
    monkeypatch.setenv("MODELMIGRATE_PROJECT", str(machine))
    return shutil.which("uv", path=PATH) or ""


def test_atlas_is_built_once_while_packages_are_installed(go: Go, uv: str) -> None:
    (go.home / "hold").touch()
    with atlas_meanwhile(uv):
        until((go.home / "building").exists)
        assert notes_on_atlas().splitlines()[-1] == "  compiling packages 2"
        (go.home / "hold").unlink()
        assert build_atlas() == cached_binary()
    assert len(go.calls("build")) == 1
    assert notes_on_atlas() == ""


def test_a_build_ends_with_what_it_was_done_beside(go: Go, uv: str) -> None:
    (go.home / "hold").touch()
    with atlas_meanwhile(uv):
        until((go.home / "building").exists)
    assert built() == []


def test_a_build_that_fails_meanwhile_is_tried_again_and_told_once(go: Go, uv: str) -> None:
    (go.home / "failure").write_text("dial tcp: no route to host")
    with atlas_meanwhile(uv):
        until((go.home / "building").exists)
        until(lambda: built() == [] and not notes_on_atlas())
        with pytest.raises(MigrateError, match="Is the Go module proxy reachable"):
            build_atlas()
    assert len(go.calls("build")) == 2


def test_nothing_is_begun_where_packages_are_installed_already(
    go: Go, machine: Path, uv: str
) -> None:
    (machine / ".venv").mkdir()
    with atlas_meanwhile("no-such-uv"):
        assert not (machine / ".cache").exists()


def test_what_the_build_needs_is_what_the_package_asks_for() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(NEEDS) < set(package["dependencies"])


# --- what can go wrong ---


def failure() -> str:
    """What the user reads when the build fails. Nothing may be left in the cache."""
    answer = run(*COMMAND, at=TREE)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    assert built() == []
    message = answer.stderr[answer.stderr.index("error: ") :]
    assert "Nothing was" in message
    return message


def test_without_any_go_the_error_names_every_way_out() -> None:
    message = failure()
    for way_out in ("Go >= 1.26.4", "uv", "Atlas on PATH", "set ATLAS"):
        assert way_out in message


@pytest.mark.parametrize("version", ["go1.25.9", "go1.26.3", "no version is set"])
def test_a_go_too_old_or_a_mere_shim_is_replaced_by_the_wheel(
    go: Go, machine: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    (go.home / "version").write_text(version)
    assert version in failure()
    wheel = Go(machine / "wheel")
    uv = f'[ "$1 $2" = "tool run" ] && shift 7 && exec {wheel.home}/bin/go "$@"'
    monkeypatch.setenv("UV", str(program(machine / "uv", uv)))
    build_atlas()
    assert wheel.calls("build")
    assert not (go.home / "building").exists()


@pytest.mark.parametrize("proxy", ["off", "http://127.0.0.1:1"])
def test_an_unreachable_module_proxy_is_named(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("PATH", PATH)  # the real Go
    monkeypatch.delenv("UV")
    monkeypatch.setenv("GOPROXY", proxy)
    message = failure()
    assert "downloading the source" in message
    assert "Is the Go module proxy reachable" in message


def test_source_that_is_not_the_pinned_one_is_never_built(go: Go) -> None:
    (go.home / "sum").write_text("h1:somebody/elses=")
    assert "checksum mismatch" in failure()
    assert not go.calls("build")


def test_source_without_a_text_to_replace_is_never_built(go: Go) -> None:
    edit = CLI["edit"][0]
    go.source({edit["old"]: "changed upstream"})
    message = failure()
    assert f"editing {edit['file']}" in message
    assert f"found 0 times, not {edit['times']}: {edit['old']}" in message
    assert not go.calls("build")


def test_a_full_disk_is_named_whoever_notices_it(go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
    (go.home / "failure").write_text("write x.a: no space left on device\n" * 99)
    message = failure()
    assert "Free 1 GB" in message
    assert len(message.splitlines()) < 12
    (go.home / "failure").unlink()

    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(MigrateError, match=r"No space left on device[^.]*\. Set ATLAS_CACHE_DIR"):
        build_atlas()
    assert built() == []


def test_a_binary_that_does_not_answer_is_not_kept(go: Go) -> None:
    text = (go.home / "bin" / "go").read_text()
    program(go.home / "bin" / "go", text.replace("atlas version", "hm"), sys.executable)
    assert "trying the binary" in failure()


@pytest.mark.usefixtures("go")
def test_a_cache_that_cannot_be_written_to_is_named(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / "file").touch()
    monkeypatch.setenv("ATLAS_CACHE_DIR", str(machine / "file" / "cache"))
    message = failure()
    assert str(machine / "file" / "cache") in message
    assert "Set ATLAS_CACHE_DIR" in message


# --- the real thing ---


def test_the_recipe_fits_the_released_source(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", PATH)
    monkeypatch.delenv("UV")
    monkeypatch.delenv("GOFLAGS", raising=False)
    go = find_go()
    # Kept, so that only the first run downloads it.
    monkeypatch.setenv("GOMODCACHE", run(go, "env", "GOMODCACHE", at=machine).stdout.strip())
    source = _prepare_source(go, machine, go_environment(machine))
    for edit in CLI["edit"]:
        assert edit["new"] in (source / edit["file"]).read_text()
    assert "ariga.io/atlas v1.2.3\n" in (source / "go.mod").read_text()


def test_the_real_build_tells_its_recipe(atlas: Path) -> None:
    assert reported_version(atlas) == f"atlas version {STAMP}"


def test_the_real_build_reads_postgresql_18_without_token_or_network(
    atlas: Path, workshop: Path, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", PATH)
    (workshop / "atlas.hcl").touch()
    monkeypatch.chdir(workshop)
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1"}
    environment = {**nowhere, "HOME": str(machine), "ATLAS_NO_UPDATE_NOTIFIER": "1"}
    try:
        with scratch_database() as url:
            seen = run(atlas, "schema", "inspect", "--url", url, at=machine, env=environment)
            server_version = binaries.server_version(installation())
    finally:
        stop_servers()
    assert server_version.startswith("18.")
    assert seen.returncode == 0, seen.stderr
    assert seen.stdout.startswith('schema "public" {')


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://root@localhost/shop", "for PostgreSQL alone: MySQL, MariaDB, SQLite"),
        ("mariadb://root@localhost/shop", "for PostgreSQL alone: MySQL, MariaDB, SQLite"),
        ("sqlite://shop.db", "for PostgreSQL alone: MySQL, MariaDB, SQLite"),
        ("libsql://shop.example", "for PostgreSQL alone: MySQL, MariaDB, SQLite"),
        ("docker://mysql/8/shop", 'unsupported docker image "mysql"'),
    ],
)
def test_the_real_build_says_in_one_line_that_another_database_is_left_out(
    atlas: Path, machine: Path, url: str, words: str
) -> None:
    environment = {"HOME": str(machine), "ATLAS_NO_UPDATE_NOTIFIER": "1"}
    seen = run(atlas, "schema", "inspect", "--url", url, at=machine, env=environment)
    assert seen.returncode == 1
    assert words in seen.stderr
    assert len(seen.stderr.splitlines()) == 1
    assert not (machine / "shop.db").exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file://{}/password", 'unknown driver "word"'),
        ("awssecretsmanager://password", "awssecretsmanager:// is left out"),
        ("gcpsecretmanager://projects/p/secrets/s", "gcpsecretmanager:// is left out"),
    ],
)
def test_the_real_build_reads_variables_from_files_and_from_no_cloud(
    atlas: Path, machine: Path, url: str, words: str
) -> None:
    (machine / "password").write_text("word", encoding="utf-8")
    (machine / "atlas.hcl").write_text(
        'data "runtimevar" "password" {\n'
        f'  url = "{url.format(machine)}"\n'
        "}\n"
        'env "local" {\n'
        '  url = "${data.runtimevar.password}://"\n'
        "}\n",
        encoding="utf-8",
    )
    environment = {"HOME": str(machine), "ATLAS_NO_UPDATE_NOTIFIER": "1"}
    seen = run(atlas, "schema", "inspect", "--env", "local", at=machine, env=environment)
    assert seen.returncode == 1
    assert words in seen.stderr


# What `atlas migrate lint` says of a statement that only its text tells, not the schemas around it.
STATEMENTS = {
    "ALTER TABLE users RENAME COLUMN nick TO handle;": ['Renaming column "nick" to "handle"'],
    '/* so */ alter table public."users" rename "nick" to Handle;': [
        'Renaming column "nick" to "handle"'
    ],
    'ALTER TABLE users RENAME nick TO "The Handle";': ['Renaming column "nick" to "The Handle"'],
    "ALTER TABLE ONLY users RENAME TO people;": ['Renaming table "users" to "people"'],
    "ALTER TABLE IF EXISTS public.users -- so\nRENAME TO people;": [
        'Renaming table "users" to "people"'
    ],
    "ALTER INDEX users_nick RENAME TO users_handle;": [],
    "CREATE INDEX CONCURRENTLY added ON users (nick);": [],
    "CREATE UNIQUE INDEX added ON users (nick);": [
        'Adding a unique index "added" on table "users" might fail in case column "nick" contains'
        " duplicate entries"
    ],
    "ALTER TABLE users DROP nick, ADD handle text;": ['Dropping non-virtual column "nick"'],
}


def test_the_real_build_lints_what_a_statement_says(
    atlas: Path, workshop: Path, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", PATH)
    (workshop / "atlas.hcl").touch()
    monkeypatch.chdir(workshop)
    files = machine / "migrations"
    files.mkdir()
    (files / "1_base.sql").write_text(
        "CREATE TABLE users (id integer, nick text);\nCREATE UNIQUE INDEX users_nick ON users (nick);\n"
    )
    environment = {"HOME": str(machine), "ATLAS_NO_UPDATE_NOTIFIER": "1"}
    migrate = (atlas, "migrate")
    directory = ("--dir", f"file://{files}")
    told = {}
    try:
        for statement in STATEMENTS:
            (files / "2_new.sql").write_text(f"-- atlas:txmode none\n\n{statement}\n")
            assert not run(*migrate, "hash", *directory, at=machine, env=environment).returncode
            with scratch_database() as url:
                options = ("--dev-url", url, "--latest", "1", "--format", "{{ json .Files }}")
                seen = run(*migrate, "lint", *directory, *options, at=machine, env=environment)
            [file] = json.loads(seen.stdout)
            reports = file.get("Reports", ())
            told[statement] = [each["Text"] for one in reports for each in one["Diagnostics"]]
    finally:
        stop_servers()
    assert told == STATEMENTS
