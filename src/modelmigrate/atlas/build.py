"""Builds Atlas from source: needs the Go module proxy, no login and no Docker.

The recipe joins the last CLI that was released as a module to a newer engine. Its go.sum holds the
hash of every module, the CLI's too, so that no source is used that the recipe does not vouch for.

To move to another engine, in a copy of the CLI's source (`go mod download -json MODULE@VERSION`
tells where it is) with go.mod and the edits of recipe.toml in place:
  1. go get ariga.io/atlas@vX.Y.Z golang.org/x/tools@latest && go mod tidy
  2. go build .    (what does not compile becomes another edit)
  3. rm go.sum; for GOOS in linux, darwin, windows: GOFLAGS=-mod=mod go list -deps .
  4. copy go.mod and go.sum here, and put the line of the CLI back into go.sum
"""

import functools
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from modelmigrate.atlas.go import _EXE, _answer, _environment, _failure, _go, _run, _say
from modelmigrate.atlas.recipe import _CLI, _RECIPE, STAMP
from modelmigrate.errors import ToolError

_ANSWER = f"atlas version {STAMP}"
_temporary = functools.partial(
    tempfile.TemporaryDirectory, prefix="building-", ignore_cleanup_errors=True
)


def cached() -> Path:
    """Where the binary of this recipe is kept, whether it is there yet or not.

    In a folder of the user's that all projects share; `ATLAS_CACHE_DIR` names another one.
    """
    wish = os.environ.get("ATLAS_CACHE_DIR")
    folder = Path(wish).expanduser() if wish else user_cache_path("atlas-build", appauthor=False)
    return folder.absolute() / f"atlas-{STAMP}{_EXE}"


def ask(program: str | Path) -> str:
    """The first line of what `atlas version` prints, or why there is none."""
    answer = _answer(program, "version", timeout=60, ATLAS_NO_UPDATE_NOTIFIER="1")
    return "".join((answer.stdout + answer.stderr).splitlines()[:1]) or "it prints nothing"


def build() -> Path:
    """Build Atlas into the cache, unless another process does or did; return its path.

    Raises:
        ToolError: it cannot be built; the cache holds no more than before.
    """
    result = cached()
    try:
        result.parent.mkdir(parents=True, exist_ok=True)
        with _alone(result.parent):
            if ask(result) != _ANSWER:
                _build(result)
    except OSError as error:
        raise ToolError(
            f"cannot build Atlas in {result.parent}: {error}\nNothing was left there."
            " Set ATLAS_CACHE_DIR to a folder that you can write to, with 2 GB free."
        ) from error
    return result


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Hold the cache's lock, which the system releases when the process dies."""
    lock = FileLock(cache / "build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _say("Another process is building Atlas; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _build(result: Path) -> None:
    started = time.monotonic()
    _say(f"Building Atlas {STAMP}: once per machine, 1-2 minutes.")
    _sweep(result.parent)
    go = _go()
    with _temporary(dir=result.parent) as folder:
        work = Path(folder)
        binary = work / result.name
        environment = _environment(work)
        source = _source(go, work, environment)
        modules = sum("/go.mod " not in line for line in _RECIPE["go.sum"].splitlines())
        listed = _run(
            "downloading modules",
            [go, "-C", source, "list", "-deps", "."],
            environment,
            counts="go: downloading",
            of=modules,
        )
        linking = f"-s -w -X {_CLI['module']}/internal/cmdapi.version={STAMP}"
        _run(
            "compiling packages",
            [go, "-C", source, "build", "-v", "-ldflags", linking, "-o", binary, "."],
            environment,
            counts=r"\S+$",
            of=len(listed.splitlines()),
        )
        if (answer := ask(binary)) != _ANSWER:
            raise _failure("trying the binary", answer)
        with binary.open("rb+") as file:
            os.fsync(file.fileno())
        binary.replace(result)
    _say(f"Built in {time.monotonic() - started:.0f} s: {result}")


def _sweep(cache: Path) -> None:
    """Remove what killed builds left: moved first, so that a compiler that lives on loses it."""
    leftovers = list(cache.glob("building-*"))
    with _temporary(dir=cache) as trash:
        for leftover in leftovers:
            leftover.rename(Path(trash, leftover.name))


def _source(go: str, work: Path, environment: dict[str, str]) -> Path:
    """The CLI's source in a folder of `work`: verified, then changed as the recipe says."""
    module, version = _CLI["module"], _CLI["version"]
    fetch = [go, "mod", "download"]
    name = f"{module}@{version}"
    _run("downloading the source", [*fetch, name], environment)
    download = json.loads(_run("verifying the source", [*fetch, "-json", name], environment))
    pin = f"{module} {version} {download['Sum']}"
    if pin not in _RECIPE["go.sum"].splitlines():
        raise _failure("verifying the source", f"checksum mismatch, not in go.sum: {pin}")
    with zipfile.ZipFile(download["Zip"]) as archive:
        archive.extractall(work)
    source = work / name
    for file_name in ("go.mod", "go.sum"):
        (source / file_name).write_text(_RECIPE[file_name], encoding="utf-8", newline="\n")
    for edit in _CLI["edit"]:
        file = source / edit["file"]
        text = file.read_text(encoding="utf-8")
        if (times := text.count(edit["old"])) != edit["times"]:
            raise _failure(
                f"editing {edit['file']}",
                f"found {times} times, not {edit['times']}: {edit['old'].strip()}",
            )
        file.write_text(text.replace(edit["old"], edit["new"]), encoding="utf-8", newline="\n")
    return source
