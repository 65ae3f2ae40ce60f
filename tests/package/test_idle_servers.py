"""Our servers end by themselves: when nobody needs them, and when their project is gone."""

import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.data import find_data_dir
from modelmigrate.postgres.environments import development_url
from modelmigrate.postgres.server import is_running, server_url, stop_servers
from tests.conftest import run
from tests.package.harness import execute

ROOT = os.name == "posix" and os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
NOBODY: dict[str, Any] = {"user": "nobody", "extra_groups": []} if ROOT else {}
SETTINGS = '[project]\nname = "{name}"\n[tool.modelmigrate]\nidle-timeout = {minutes}\n'


@contextmanager
def project_at(folder: Path, minutes: float = 60) -> Iterator[Path]:
    folder.mkdir(parents=True)
    text = SETTINGS.format(name=folder.name, minutes=minutes)
    (folder / "pyproject.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder
        if folder.exists():
            stop_servers()
            shutil.rmtree((folder / ".postgres").resolve(), ignore_errors=True)
            shutil.rmtree(folder)


@pytest.fixture
def project(open_folder: Path) -> Iterator[Path]:
    with project_at(open_folder / f"p-{secrets.token_hex(3)}") as made:
        yield made


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def watchers(data_dir: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if "modelmigrate.postgres.watcher" in words and str(data_dir) in words:
                found.append(process)
    return found


def postmaster(data_dir: Path, name: str = "dev") -> psutil.Process:
    return psutil.Process(int((data_dir / name / "postmaster.pid").read_text().split()[0]))


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@contextmanager
def grown_up_watcher(project: Path, data_dir: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """What a watcher does after its first seconds."""
    code = (
        "import sys; from pathlib import Path; from modelmigrate.postgres.idle import watch;"
        "watch(Path(sys.argv[1]), Path(sys.argv[2]), 'dev', int(sys.argv[3]))"
    )
    arguments = [str(project), str(data_dir), str(postmaster(data_dir).pid)]
    with subprocess.Popen([sys.executable, "-c", code, *arguments], cwd="/") as watcher:
        yield watcher
        watcher.kill()


def watches(url: str) -> bool:
    """Whether somebody else is connected to the server, as a watcher is all the time."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND datname = 'postgres'"
    )
    return execute(url, query) != [(0,)]


def test_each_server_has_one_watcher_that_ends_with_it(project: Path) -> None:
    data_dir = find_data_dir()
    for _ in range(2):
        server_url("dev")
        server_url("scratch")
    found = watchers(data_dir)
    names = ("dev", "scratch")
    assert sorted(each.cmdline()[-2:] for each in found) == sorted(
        [name, str(postmaster(data_dir, name).pid)] for name in names
    )
    for each in found:
        assert each.terminal() is None
        assert os.getsid(each.pid) != os.getsid(0)
        assert each.cwd() == "/"
        assert not {"DATABASE_URL", "PGHOST", "API_KEY"} & each.environ().keys()
        files = {str(file.readlink()) for file in Path(f"/proc/{each.pid}/fd").glob("*")}
        assert files <= {os.devnull, *(str(data_dir / f"{name}.log") for name in names)}
    stop_servers()
    until(lambda: all(map(gone, found)))


@pytest.fixture(scope="module")
def shared(open_folder: Path) -> Iterator[Path]:
    with project_at(open_folder / "shared") as made:
        yield made


def limit(project: Path, minutes: float) -> None:
    text = SETTINGS.format(name=project.name, minutes=minutes)
    (project / "pyproject.toml").write_text(text)


def test_an_idle_server_stops_and_the_next_command_starts_it_again(shared: Path) -> None:
    limit(shared, 0.03)
    url, data_dir = development_url(), find_data_dir()
    first = postmaster(data_dir)
    with grown_up_watcher(shared, data_dir) as watcher:
        with closing(connect(url)) as client:
            until(lambda: watches(url))
            time.sleep(2.5)  # longer than its limit
            assert client.execute("SELECT 1").fetchall() == [(1,)]
        ends = time.monotonic() + 2.5
        while time.monotonic() < ends:  # nor under clients that come and go
            execute(url, "CREATE TABLE IF NOT EXISTS kept ()")
            time.sleep(0.1)
        assert not gone(first)
        assert watcher.wait(timeout=60) == 0
    assert gone(first)
    assert not is_running("dev")
    with closing(connect(url)) as client:  # a URL that was told before
        assert client.execute("SELECT to_regclass('kept')::text").fetchall() == [("kept",)]
    assert is_running("dev")


def test_a_server_that_recovers_from_a_crash_is_still_watched(shared: Path) -> None:
    limit(shared, 0.02)
    url, data_dir = development_url(), find_data_dir()
    first = postmaster(data_dir)
    with grown_up_watcher(shared, data_dir) as watcher, closing(connect(url)) as client:
        until(lambda: watches(url))
        psutil.Process(client.info.backend_pid).kill()
        assert watcher.wait(timeout=60) == 0
    assert gone(first)
    assert "all server processes terminated; reinitializing" in (data_dir / "dev.log").read_text()


def test_without_a_timeout_a_server_stays_until_there_is_one(shared: Path) -> None:
    limit(shared, 0)
    url, data_dir = development_url(), find_data_dir()
    with grown_up_watcher(shared, data_dir) as watcher:
        until(lambda: watches(url))
        time.sleep(1)
        assert watcher.poll() is None
        limit(shared, 0.01)
        assert watcher.wait(timeout=90) == 0
    assert not is_running("dev")


@pytest.mark.parametrize("grown_up", [False, True])
@pytest.mark.parametrize("moved", [False, True])
def test_a_server_ends_with_its_project(open_folder: Path, moved: bool, grown_up: bool) -> None:
    with project_at(open_folder / "ends") as project:
        url, data_dir = development_url(), find_data_dir()
        first = postmaster(data_dir)
        sockets = Path(url.partition("host=")[2].partition("&")[0])
        new = open_folder / "moved"
        young = watchers(data_dir)
        if grown_up:
            for each in young:
                each.kill()
        with grown_up_watcher(project, data_dir) if grown_up else nullcontext():
            if grown_up:
                until(lambda: watches(url))
            project.rename(new) if moved else shutil.rmtree(project)
            until(lambda: gone(first) and not sockets.exists())
        until(lambda: all(map(gone, young)))
        if moved:
            assert (new / ".postgres" / "dev" / "PG_VERSION").exists()
            shutil.rmtree(new)


# --- data outside its project ---


@pytest.fixture
def closed(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that the server's user cannot enter; data of its projects lies in `state` beside it."""
    folder = open_folder / "closed"
    folder.mkdir(mode=0o700)
    state = open_folder / "state"
    monkeypatch.setattr("platformdirs.user_state_path", lambda label, **_: state / label)
    yield folder
    shutil.rmtree(folder)
    shutil.rmtree(state)


@only_root
@pytest.mark.parametrize("grown_up", [False, True])
def test_data_elsewhere_goes_with_its_project(closed: Path, grown_up: bool) -> None:
    with project_at(closed / "shop") as project:
        development_url()
        data_dir = find_data_dir()
        assert (data_dir / "project").read_text() == f"{project}\n"
        first = postmaster(data_dir)
        for each in watchers(data_dir) if grown_up else ():
            each.kill()
        with grown_up_watcher(project, data_dir) if grown_up else nullcontext():
            shutil.rmtree(project)
            until(lambda: not data_dir.exists())
        assert gone(first)


def data_of(project: Path) -> Path:
    """Where the data of the project in this folder, which is made if need be, lies."""
    project.mkdir(exist_ok=True)
    (project / "atlas.hcl").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        return find_data_dir()


@only_root
def test_data_elsewhere_whose_project_is_gone_goes_with_the_next(closed: Path) -> None:
    data = [data_of(closed / name) for name in ("a", "b", "c")]
    shutil.rmtree(closed / "a")
    for name in ("b", "c"):
        (closed / name / ".postgres").unlink()
    (closed / "c" / ".postgres").mkdir()
    data_of(closed / "next")
    assert [each.exists() for each in data] == [False, False, False]


def moved(project: Path, data_dir: Path) -> None:
    project.rename(project.parent / "moved")


def copied(project: Path, data_dir: Path) -> None:
    shutil.copytree(project, project.parent / "copy", symlinks=True)
    assert data_of(project.parent / "copy") == data_dir


def copied_and_deleted(project: Path, data_dir: Path) -> None:
    copied(project, data_dir)
    shutil.rmtree(project)
    assert data_of(project.parent / "copy") == data_dir


def restored(project: Path, data_dir: Path) -> None:
    """From a backup that knows no hard links."""
    target = (data_dir / "claim").readlink()
    (data_dir / "claim").unlink()
    (data_dir / "claim").symlink_to(target)


def unclaimed(project: Path, data_dir: Path) -> None:
    """As an earlier version has left it, or another file system."""
    (data_dir / "claim").unlink()
    shutil.rmtree(project)


def opened(project: Path, data_dir: Path) -> None:
    data_dir.chmod(0o755)
    shutil.rmtree(project)


def renamed(project: Path, data_dir: Path) -> None:
    data_dir.rename(data_dir.with_name("kept-01234567"))
    shutil.rmtree(project)


@only_root
@pytest.mark.parametrize(
    "happens", [moved, copied, copied_and_deleted, restored, unclaimed, opened, renamed]
)
def test_data_elsewhere_that_is_needed_or_not_provably_ours_stays(
    closed: Path, happens: Callable[[Path, Path], None]
) -> None:
    data_dir = data_of(closed / "shop")
    happens(closed / "shop", data_dir)
    before = sorted(data_dir.parent.iterdir())
    new = data_of(closed / "next")
    assert sorted(data_dir.parent.iterdir()) == sorted([*before, new])


# --- users that the system does not know ---

# Everything is imported as root, whose home may hold the interpreter.
AS_UNKNOWN = """
import os, sys, tomllib
from modelmigrate.errors import MigrateError
from modelmigrate.postgres import server
from modelmigrate.postgres.environments import development_url, server_status
from modelmigrate.service.doctor import diagnose
if not os.environ["HOME"]:
    del os.environ["HOME"]
os.setgroups([])
os.setgid(54321)
os.setuid(54321)
try:
    print(globals()[sys.argv[1]]())
    print(server.stop_servers())
except MigrateError as error:
    print(error)
"""


def as_unknown(project: Path, function: str, **variables: str) -> str:
    """What a function gives, or says, to a user without an entry in /etc/passwd."""
    os.chown(project, 54321, 54321)
    command = [sys.executable, "-c", AS_UNKNOWN, function]
    done = run(*command, at=project, env=variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


@only_root
@pytest.mark.parametrize("function", ["development_url", "server_status", "diagnose"])
@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"PATH": "/nowhere"}, "uid 54321, .* creates no data .*Nothing was changed.*DATABASE_URL"),
        ({"HOME": ""}, "uid 54321, .*, and HOME is not set. Nothing was changed. Set HOME"),
    ],
)
def test_a_user_that_the_system_does_not_know_is_told_before_anything_is_made(
    project: Path, function: str, variables: dict[str, str], says: str
) -> None:
    # Without a PATH there is no unshare, as where a container forbids namespaces.
    assert re.search(says, as_unknown(project, function, **variables), re.DOTALL)
    assert sorted(file.name for file in project.iterdir()) == ["pyproject.toml"]


@only_root
def test_without_a_home_atlas_has_no_place_either_and_says_so(project: Path) -> None:
    said = as_unknown(project, "diagnose", HOME="", ATLAS_CACHE_DIR="")
    assert re.search("FIX  atlas .*HOME is not set.*Set HOME, or ATLAS_CACHE_DIR", said)


@only_root
def test_where_namespaces_are_allowed_such_a_user_has_servers_too(project: Path) -> None:
    probe = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "true"]
    if not shutil.which("unshare") or subprocess.run(probe, check=False, **NOBODY).returncode:
        pytest.skip("namespaces are not allowed here")
    said = as_unknown(project, "development_url")
    assert said.startswith("postgresql://postgres@/")
    assert "dev server in" in said
    assert (project / ".postgres" / "dev").stat().st_uid == 54321
    shutil.rmtree(project / ".postgres")
