"""The build of Atlas from source: it needs the Go module proxy, no login and no Docker.

The recipe joins the last CLI that was released as a module to a newer engine, and leaves out what only
other databases and clouds need, and a parser of all of SQL: two thirds of the work. Its go.sum has the hash
of every module, and of the CLI itself, so that no other source can be built.

To move to another engine, in a copy of the CLI's source (`go mod download -json MODULE@VERSION`
tells where it is) with the files and the edits of recipe.toml in place:
  1. delete what go.mod need not serve: every *_test.go, internal/cmdapi/vercheck,
     internal/sqlparse/{myparse,pgparse,sqliteparse}, internal/migrate/ent/{entc.go,enttest}
  2. go get ariga.io/atlas@vX.Y.Z && go mod tidy
  3. go build .    (what does not compile becomes another edit)
  4. rm go.sum; for GOOS in linux, darwin, windows: GOFLAGS=-mod=mod go list -deps .
  5. copy go.mod and go.sum here, and put the line of the CLI back into go.sum
"""

import functools
import json
import os
import re
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from modelmigrate.atlas.go import EXE, build_error, find_go, go_environment, run_go, try_run
from modelmigrate.atlas.recipe import CLI, FILES, STAMP
from modelmigrate.errors import MigrateError
from modelmigrate.terminal import note

_EXPECTED_VERSION = f"atlas version {STAMP}"
_temporary_folder = functools.partial(
    tempfile.TemporaryDirectory, prefix="building-", ignore_cleanup_errors=True
)


def cached_binary() -> Path:
    """The path of the binary of this recipe, whether it is built yet or not.

    It is in a folder of the user's that all projects share; `ATLAS_CACHE_DIR` names another one.

    Raises:
        MigrateError: it names none, and the user has no home.
    """
    configured = os.environ.get("ATLAS_CACHE_DIR")
    try:
        default = None if configured else user_cache_path("atlas-build", appauthor=False)
    except RuntimeError:
        raise MigrateError(
            "there is no folder for Atlas: HOME is not set, and this process runs as a user that has no"
            " entry in /etc/passwd. Nothing was changed. Set HOME, or ATLAS_CACHE_DIR, to a folder that"
            " it may write to."
        ) from None
    folder = default or Path(str(configured)).expanduser()
    return folder.absolute() / f"atlas-{STAMP}{EXE}"


def reported_version(program: str | Path) -> str:
    """The first line of what `atlas version` prints, or the reason why there is none."""
    finished = try_run(program, "version", timeout=60, ATLAS_NO_UPDATE_NOTIFIER="1")
    return "".join((finished.stdout + finished.stderr).splitlines()[:1]) or "it prints nothing"


def build_atlas() -> Path:
    """Build Atlas into the cache, unless another process did or does so now; return its path.

    Raises:
        MigrateError: it cannot be built; the cache is as it was before.
    """
    result = cached_binary()
    try:
        result.parent.mkdir(parents=True, exist_ok=True)
        with _cache_lock(result.parent):
            if reported_version(result) != _EXPECTED_VERSION:
                _build(result)
    except OSError as error:
        raise MigrateError(
            f"cannot build Atlas in {result.parent}: {error}\nNothing was changed."
            " Set ATLAS_CACHE_DIR to a folder that you can write to, with 1 GB free."
        ) from error
    return result


@contextmanager
def _cache_lock(cache: Path) -> Iterator[None]:
    """Hold the cache's lock, which the system releases when the process dies."""
    lock = FileLock(cache / "build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        note("Another process is building Atlas: waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _build(result: Path) -> None:
    started = time.monotonic()
    note(f"Building Atlas {STAMP}: once per machine, less than a minute.")
    _remove_leftovers(result.parent)
    go = find_go()
    with _temporary_folder(dir=result.parent) as folder:
        work = Path(folder)
        binary = work / result.name
        environment = go_environment(work)
        source = _prepare_source(go, work, environment)
        module_count = sum("/go.mod " not in line for line in FILES["go.sum"].splitlines())
        packages = run_go(
            "downloading modules",
            [go, "-C", source, "list", "-deps", "."],
            environment,
            counted="go: downloading",
            total=module_count,
        )
        link_flags = f"-s -w -X {CLI['module']}/internal/cmdapi.version={STAMP}"
        run_go(
            "compiling packages",
            [
                *(go, "-C", source, "build", "-v", "-gcflags", CLI["gcflags"]),
                *("-ldflags", link_flags, "-o", binary, "."),
            ],
            environment,
            counted=r"\S+$",
            total=len(packages.splitlines()),
        )
        if (version := reported_version(binary)) != _EXPECTED_VERSION:
            raise build_error("trying the binary", version)
        with binary.open("rb+") as file:
            os.fsync(file.fileno())
        binary.replace(result)
    note(f"Built in {time.monotonic() - started:.0f} s: {result}")


def _remove_leftovers(cache: Path) -> None:
    """Remove the folders of killed builds; moved first, so that a compiler that is still running cannot
    write into them any more."""
    leftovers = list(cache.glob("building-*"))
    with _temporary_folder(dir=cache) as trash:
        for leftover in leftovers:
            leftover.rename(Path(trash, leftover.name))


def _prepare_source(go: str, work: Path, environment: dict[str, str]) -> Path:
    """Download the CLI's source into a folder of `work`, verify it, and edit it as the recipe says."""
    module, version = CLI["module"], CLI["version"]
    download = [go, "mod", "download"]
    name = f"{module}@{version}"
    run_go("downloading the source", [*download, name], environment)
    details = json.loads(run_go("verifying the source", [*download, "-json", name], environment))
    sum_line = f"{module} {version} {details['Sum']}"
    if sum_line not in FILES["go.sum"].splitlines():
        raise build_error("verifying the source", f"checksum mismatch, not in go.sum: {sum_line}")
    with zipfile.ZipFile(details["Zip"]) as archive:
        archive.extractall(work)
    source = work / name
    for file_name, target in CLI["files"].items():
        (source / target).write_text(FILES[file_name], encoding="utf-8", newline="\n")
    for edit in CLI["edit"]:
        file = source / edit["file"]
        pattern = re.escape(edit["old"]).replace(re.escape("\n...\n"), r"\n(?s:.*?)\n")
        new = edit["new"].replace("\\", r"\\")
        text, count = re.subn(pattern, new, file.read_text(encoding="utf-8"))
        if count != edit["times"]:
            raise build_error(
                f"editing {edit['file']}",
                f"found {count} times, not {edit['times']}: {edit['old'].strip()}",
            )
        file.write_text(text, encoding="utf-8", newline="\n")
    return source
