"""What participants need and registries would give, in one archive for this system and architecture."""

import hashlib
import platform
import shutil
import sys
import tarfile
import time
from pathlib import Path

from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.errors import MigrateError
from modelmigrate.terminal import note

from workshop.build import PACKAGE, ROOT, WORK, git, nobodys, run

NAME = "workshop-offline"  # of the folder in it, which GNUmakefile looks for beside the project
DOCUMENTS = ("README.md", "UPGRADING.md", "src/modelmigrate/README.md", f"{PACKAGE.name}/sheet.md")
SUMS = "SHA256SUMS"
NOTED_EVERY = 0.5  # seconds


def bundle(folder: Path, project: Path) -> Path:
    """Write the archive into the room's folder: uv and a cache of all that the project locks, with its
    PostgreSQL; Atlas; the template; documents; the checksums of all that.

    Raises:
        MigrateError: a registry does not answer, or uv is not installed.
    """
    made = folder / WORK / NAME
    for old in (made / "bin", made / "docs"):
        shutil.rmtree(old, ignore_errors=True)
        old.mkdir(parents=True)
    warm_cache(project, made / "uv-cache", folder / WORK)
    uv = shutil.which("uv")
    if not uv:
        raise MigrateError("uv is not installed: pip install uv. Then repeat the command.")
    shutil.copy2(uv, made / "bin" / "uv")
    shutil.copy2(atlas_binary(), made / "bin" / "atlas")
    git("bundle", "create", "--quiet", made / "template.bundle", "HEAD", at=ROOT)
    archive = ("archive", "--format=zip", "--prefix=template/", f"--output={made / 'template.zip'}")
    git(*archive, "HEAD", at=ROOT)
    for name in DOCUMENTS:
        shutil.copy2(ROOT / name, made / "docs" / name.replace("/", "-"))
    (made / SUMS).unlink(missing_ok=True)
    files = sorted(path for path in made.rglob("*") if path.is_file() and not path.is_symlink())
    lines = [f"{checksum(file)}  ./{file.relative_to(made).as_posix()}\n" for file in files]
    (made / SUMS).write_text("".join(lines), encoding="utf-8")
    system = f"{platform.system()}-{platform.machine()}-python3.{sys.version_info.minor}"
    return pack(made, folder / f"offline-{system.lower()}.tar.gz")


def warm_cache(project: Path, cache: Path, work: Path) -> None:
    """Have uv put what the project locks, and nothing else, into a cache; it stays there for the next
    build, unless the lock has changed."""
    lock, mark = checksum(project / "uv.lock"), work / "uv-cache.lock"
    if mark.exists() and mark.read_text() == lock:
        return
    shutil.rmtree(cache, ignore_errors=True)
    clone = work / "warm"
    shutil.rmtree(clone, ignore_errors=True)
    git("clone", "--quiet", project, clone, at=work)
    here = {"UV_CACHE_DIR": str(cache), "UV_PROJECT_ENVIRONMENT": str(clone / ".venv")}
    for command in ("lock", "sync"):
        run("uv", command, "--locked", "--quiet", at=clone, env=here)
    shutil.rmtree(clone)
    mark.write_text(lock)


def checksum(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def pack(folder: Path, target: Path) -> Path:
    """Pack a folder, and tell how far that is."""
    unfinished, shown, size = target.with_suffix(".part"), 0.0, 0

    def counted(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        nonlocal shown, size
        size += entry.size
        if sys.stderr.isatty() and time.monotonic() - shown > NOTED_EVERY:
            note(f"  ...   {size >> 20:>5} MB", end="\r")
            shown = time.monotonic()
        return nobodys(entry)

    with tarfile.open(unfinished, "w:gz", compresslevel=1) as tar:
        tar.add(folder, NAME, filter=counted)
    unfinished.replace(target)
    return target
