"""What the tests share: the template as users get it, rendered projects, and real bakes."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.proxies import PgBouncer

# Compiled files in the template tree would be baked into projects.
sys.dont_write_bytecode = True

ROOT = Path(__file__).parents[1]
TREE = ROOT / "{{cookiecutter.project_slug}}"
SLUG = "team-directory"
# All that gets in of somebody's environment: where things are on this machine ...
MACHINE = (
    r"PATH|HOME|XDG_(CACHE|CONFIG|DATA)_HOME|LD_LIBRARY_PATH|(PYENV|ASDF|MISE|NIX)_\w+"
    r"|ATLAS(_CACHE_DIR)?|GO(ROOT|PATH|CACHE|MODCACHE)|GIT_EXEC_PATH|PIP_CACHE_DIR"
    r"|UV_(CACHE_DIR|LINK_MODE|PYTHON_INSTALL_(DIR|MIRROR))"
)
# ... how others are reached from it ...
NETWORK = (
    r"(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|\w+_(CA_?BUNDLE|CERTS?|CERT_FILE|CERT_DIR|CAINFO)"
    r"|(UV|PIP)_\w*(INDEX|FIND_LINKS|KEYRING|HTTP|TIMEOUT|RETRIES|HOST|TLS|CONFIG_FILE|OFFLINE)\w*"
    r"|GO(PROXY|NOPROXY|PRIVATE|SUMDB|NOSUMDB|AUTH)"
)
# ... and what the workers of one run tell each other.
RUN = r"PYTEST_XDIST_\w+"
# The same for everybody.
SETTINGS = {
    "GIT_CONFIG_GLOBAL": str(ROOT / "tests" / "gitconfig"),
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "LC_ALL": "C",  # which every machine has; for Python it means UTF-8
    "PSQLRC": os.devnull,
    "PYTEST_XDIST_AUTO_NUM_WORKERS": "0",  # for a bake's own tests: this run is spread already
    "TZ": "UTC",
}


def folders_of_programs() -> Iterator[str]:
    """Where programs are looked for: first what `make` installed, then PATH without what is no folder,
    or another one in every working directory."""
    for folder in (sysconfig.get_path("scripts"), str(ROOT / ".uv" / "bin"), *os.get_exec_path()):
        if os.path.isabs(folder) and os.path.isdir(folder):  # noqa: PTH112, PTH117 an error is a no
            yield folder


def home() -> str:
    """The user's, or one in the checkout where that cannot be written to: caches need a place."""
    theirs, ours = os.environ.get("HOME", ""), ROOT / ".home"
    if os.path.isabs(theirs) and os.access(theirs, os.W_OK | os.X_OK):  # noqa: PTH117
        return theirs
    ours.mkdir(exist_ok=True)
    return str(ours)


def settle() -> None:
    """Make this process, and all that it starts, as it would be on anybody's machine."""
    known = re.compile(f"{MACHINE}|{NETWORK}|{RUN}")
    kept = {name: value for name, value in os.environ.items() if known.fullmatch(name)}
    path = os.pathsep.join(dict.fromkeys(folders_of_programs()))
    places = {"PATH": path, "HOME": home(), "TMPDIR": tempfile.gettempdir()}
    os.environ.clear()
    os.environ.update(kept | SETTINGS | places)
    time.tzset()
    os.umask(0o022)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # below `make test &`
        signal.signal(signal.SIGINT, signal.default_int_handler)


settle()


class Result(Protocol):
    """What came of a bake by pytest-cookies, which has no types of its own."""

    exit_code: int
    exception: BaseException | None

    @property
    def project_path(self) -> Path | None: ...


class Cookies(Protocol):
    """Its fixtures `cookies` and `cookies_session`: a failed bake is a result, not an error."""

    def bake(
        self,
        extra_context: Mapping[str, str | bool] | None = None,
        template: str | None = None,
    ) -> Result: ...


class Render(Protocol):
    """Render the template with these answers; the same answers give the same folder."""

    def __call__(self, **answers: str | bool) -> Path: ...


def in_memory(folder: Path = Path("/dev/shm"), room: int = 12 << 30) -> Path | None:  # noqa: S108
    """A folder where files and servers need not wait for a disk, if there is one with room."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            about = os.statvfs(folder)
    except OSError:
        return None
    roomy = about.f_bavail * about.f_frsize >= room
    return folder if roomy and not about.f_flag & os.ST_NOEXEC else None


SHARED = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Make a folder for all workers of this run, unless this is one of them."""
    if not hasattr(config, "workerinput"):
        config.stash[SHARED] = new_folder(in_memory(), "tests-")
        config.add_cleanup(lambda: shutil.rmtree(config.stash[SHARED], ignore_errors=True))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of it."""
    node.workerinput["shared"] = node.config.stash[SHARED]


@pytest.hookimpl(trylast=True)  # when it is known which are run
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let every worker, which begins with a part of the list, begin with long tests: what is left for
    the end is short, and taken by whoever is idle."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.get_closest_marker("long")]
    short = [item for item in items if not item.get_closest_marker("long")]
    bounds = [len(short) * number // workers for number in range(workers + 1)]
    items[:] = [
        item
        for number in range(workers)
        for item in (*long[number::workers], *short[bounds[number] : bounds[number + 1]])
    ]


def new_folder(within: Path | None, prefix: str = "") -> str:
    """A folder that an unprivileged server may enter too (pytest's own is closed to others). Its name is
    short: so have to be the paths of sockets."""
    folder = tempfile.mkdtemp(prefix=prefix, dir=within)
    Path(folder).chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """The folder of all workers of this run."""
    told = getattr(pytestconfig, "workerinput", {})
    return Path(told.get("shared") or pytestconfig.stash[SHARED])


def once(run_folder: Path, name: str, make: Callable[[], Path]) -> Path:
    """The folder that is made by the first worker to need it, and only read by all."""
    note = run_folder / f"{name}.path"
    with FileLock(f"{note}.lock"):
        if not note.exists():
            note.write_text(str(make()), encoding="utf-8")
    return Path(note.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def workshop(run_folder: Path) -> Iterator[Path]:
    """The folder of this worker."""
    folder = Path(new_folder(run_folder))
    config = folder / "cookiecutter.yaml"
    config.write_text(f"replay_dir: {folder}/replay\ncookiecutters_dir: {folder}/clones\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COOKIECUTTER_CONFIG", str(config))
        # What mypy finds out about FastAPI and SQLAlchemy is found out once.
        patch.setenv("MYPY_CACHE_DIR", str(run_folder / "mypy"))
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(run_folder: Path) -> Path:
    """The template as a clean git clone: what is committed, or will be."""

    def make() -> Path:
        clone = run_folder / "template"
        listing = run(
            "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", at=ROOT
        )
        for name in filter(None, listing.stdout.split("\0")):
            if (ROOT / name).is_file():
                (clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, clone / name)
        for command in (
            ("init", "-q", "-b", "main"),
            ("add", "-A"),
            ("commit", "-q", "-m", "Template"),
        ):
            run("git", *command, at=clone).check_returncode()
        return clone

    return once(run_folder, "template", make)


@pytest.fixture(scope="session")
def render(template: Path, workshop: Path, run_folder: Path, cookies_session: Cookies) -> Render:
    def render(**answers: str | bool) -> Path:
        def make() -> Path:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("TEMPLATE_SETUP", "no")
                result = cookies_session.bake(extra_context=answers, template=str(template))
            assert result.exit_code == 0, result.exception
            assert result.project_path is not None
            made: Path = result.project_path
            return shutil.copytree(made, Path(new_folder(run_folder), made.name))

        given = json.dumps(answers, sort_keys=True)
        return once(run_folder, hashlib.sha256(given.encode()).hexdigest(), make)

    return render


def run(
    *command: str | Path, at: Path, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, and keep what it prints."""
    return subprocess.run(
        command,
        cwd=at,
        env=os.environ | (env or {}),
        capture_output=True,
        encoding="utf-8",
        check=False,
        **options,
    )


def bake(
    template: Path,
    into: Path,
    answers: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Bake with every hook, by the command that a user types."""
    given = [f"{key}={value}" for key, value in (answers or {}).items()]
    return run(
        sys.executable, "-m", "cookiecutter", template, "--no-input", "-o", into, *given,
        at=into.parent, env=env,
    )  # fmt: skip


def programs_in(folder: str) -> list[Path]:
    """What can be run there; nothing in what is no folder, or cannot be listed."""
    try:
        # A link that leads nowhere cannot be run.
        return [each for each in Path(folder).iterdir() if os.access(each, os.X_OK)]
    except OSError:
        return []


def path_without(folder: Path, *missing: str) -> dict[str, str]:
    """A PATH, of links in this folder, with every program of this machine but the ones named."""
    for program in (each for place in os.get_exec_path() for each in programs_in(place)):
        link = folder / program.name
        if program.name not in missing and program.is_file() and not link.exists():
            link.symlink_to(program)
    return {"PATH": str(folder)}


def baked_once(
    name: str, template: Path, run_folder: Path, workshop: Path, answers: Mapping[str, str]
) -> Path:
    """A service baked with every hook, once for all workers: this one's copy, which is as if it had been
    baked here."""

    def make() -> Path:
        folder = Path(new_folder(run_folder))
        baked = bake(template, folder / name, answers)
        assert baked.returncode == 0, baked.stdout + baked.stderr
        return folder

    origin = once(run_folder, name, make)
    run("cp", "-a", origin / name, workshop / name, at=workshop).check_returncode()
    [project] = (workshop / name).iterdir()
    made_at, made_here = os.fsencode(origin), os.fsencode(workshop)  # of the same length
    packages = ".venv/lib/python*/site-packages"
    for pattern in (".venv/bin/*", f"{packages}/_*.pth", f"{packages}/*.dist-info/direct_url.json"):
        for file in project.glob(pattern):
            if not file.is_symlink() and made_at in (text := file.read_bytes()):
                file.write_bytes(text.replace(made_at, made_here))
    if (project / ".postgres").is_symlink():
        (project / ".postgres").unlink()
    return project


@pytest.fixture(scope="session")
def service(template: Path, run_folder: Path, workshop: Path) -> Iterator[Path]:
    """A service baked with the defaults and every hook. Shared: leave it as you found it."""
    project = baked_once("baked", template, run_folder, workshop, {})
    copy_data(project / ".postgres", workshop / "servers")  # which nobody runs yet
    yield project
    stop_servers(project)


def borrowing(service: Path) -> dict[str, str]:
    """What lets another project use that one's environment, into which uv installs whichever of them
    runs a command."""
    return {"UV_PROJECT_ENVIRONMENT": str(service / ".venv")}


def copy_data(source: Path, target: Path) -> None:
    """Copy the data of servers that are down: to create it would take a second each time. Where it is
    a link, since the servers' user cannot enter the folder, each project creates its own."""
    if source.is_dir() and not source.is_symlink():
        subprocess.run(["cp", "-a", source, target], check=True)


def stop_servers(project: Path) -> None:
    """Stop what a test has started for a project, if it has."""
    if any((project / ".postgres").glob("*/postmaster.pid")):
        run("make", "db-stop", at=project)


@pytest.fixture(scope="session")
def pgbouncer(workshop: Path) -> "PgBouncer":
    """That of this machine, or Debian's."""
    from tests.proxies import find_pgbouncer

    return find_pgbouncer(workshop / "pgbouncer")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Debian's Chromium, without a screen."""
    from playwright.sync_api import sync_playwright

    from tests.browser import ARGUMENTS, chromium

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def fork(
    service: Path,
    workshop: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """A copy of the baked service that one test may change. It borrows the service's environment."""
    for name, value in borrowing(service).items():
        monkeypatch.setenv(name, value)
    project = workshop / request.node.name / SLUG
    shutil.copytree(service, project, ignore=shutil.ignore_patterns(".venv", ".postgres"))
    copy_data(workshop / "servers", project / ".postgres")
    yield project
    stop_servers(project)
    shutil.rmtree(project.parent, ignore_errors=True)  # memory is dear
