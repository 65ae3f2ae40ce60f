"""Make the wheel of src/modelmigrate that the template carries into every bake: `python wheel.py`.

A bake locks the hash of this file. So the same source gives the same bytes on every machine, and
other bytes have another version. `--check` only says whether the vendored wheel is up to date.
"""

import argparse
import base64
import hashlib
import io
import re
import subprocess
import sys
import tomllib
import zipfile
from email.headerregistry import Address
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENDOR = "{{cookiecutter.project_slug}}/vendor"
WHEEL = "Wheel-Version: 1.0\nGenerator: wheel.py\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# Of one spelling: installers look for a file of the normalized version.
VERSION = r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*((a|b|rc)(0|[1-9]\d*))?"
# What goes into the wheel; a field that is not among these would be left out in silence.
FIELDS = {
    "name", "version", "description", "keywords", "authors", "license", "license-files", "urls",
    "classifiers", "requires-python", "dependencies", "optional-dependencies", "readme",
    "scripts", "entry-points",
}  # fmt: skip


def contents(project: dict[str, Any]) -> dict[str, bytes]:
    """Every file of the wheel by its name in there; `project` is the table of PEP 621."""
    source = ROOT / "src"
    files = {
        path.relative_to(source).as_posix(): read(path)
        for path in (source / "modelmigrate").rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
    }
    about = {"METADATA": metadata(project).encode(), "WHEEL": WHEEL.encode()}
    about["entry_points.txt"] = entry_points(project).encode()
    about |= {f"licenses/{name}": read(ROOT / name) for name in licences(project)}
    info = f"modelmigrate-{project['version']}.dist-info"
    files = dict(sorted(files.items())) | {f"{info}/{name}": about[name] for name in sorted(about)}
    record = "".join(f"{name},{digest(data)},{len(data)}\n" for name, data in files.items())
    return files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}


def read(path: Path) -> bytes:
    """The file as git keeps it: text has LF also where an editor wrote CRLF."""
    data = path.read_bytes()
    return data if b"\0" in data else data.replace(b"\r\n", b"\n")


def digest(data: bytes) -> str:
    """The hash as RECORD spells it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def metadata(project: dict[str, Any]) -> str:
    """METADATA, version 2.4: what installers and package indexes read."""
    authors = project.get("authors", [])
    addresses = [Address(a.get("name", ""), addr_spec=a["email"]) for a in authors if "email" in a]
    lines = {
        "Metadata-Version": ["2.4"],
        "Name": [project["name"]],
        "Version": [project["version"]],
        "Summary": [project.get("description")],
        "Keywords": [",".join(project.get("keywords", []))],
        "Author": [", ".join(a["name"] for a in authors if "email" not in a)],
        "Author-email": [", ".join(map(str, addresses))],
        "License-Expression": [project.get("license")],
        "License-File": licences(project),
        "Classifier": project.get("classifiers", []),
        "Project-URL": [f"{label}, {url}" for label, url in project.get("urls", {}).items()],
        "Requires-Python": [project.get("requires-python")],
        "Requires-Dist": [*project.get("dependencies", [])],
        "Provides-Extra": [],
    }
    for extra, dependencies in project.get("optional-dependencies", {}).items():
        lines["Provides-Extra"].append(extra)
        for dependency in dependencies:
            needed, _, marker = (part.strip() for part in dependency.partition(";"))
            only = f'({marker}) and extra == "{extra}"' if marker else f'extra == "{extra}"'
            lines["Requires-Dist"].append(f"{needed} ; {only}")
    fields = "".join(f"{key}: {line}\n" for key in lines for line in lines[key] if line)
    if readme := project.get("readme"):
        fields += "Description-Content-Type: text/markdown\n\n" + read(ROOT / readme).decode()
    return fields


def licences(project: dict[str, Any]) -> list[str]:
    """The licence files; a pattern that finds none is a mistake, and no licence less."""
    names: set[str] = set()
    for pattern in project.get("license-files", []):
        found = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}
        if not found:
            sys.exit(f"Nothing was written: `license-files` names {pattern}, and no file is that.")
        names |= found
    return sorted(names)


def entry_points(project: dict[str, Any]) -> str:
    """The commands, and what others find by a group's name, as pytest finds its plugins."""
    groups = {"console_scripts": project.get("scripts", {})} | project.get("entry-points", {})
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in groups[group].items())
        for group in groups
    )


def archive(files: dict[str, bytes]) -> bytes:
    """A zip that depends on nothing but the files: no clock, no umask, no compressor's version."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as wheel:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = 0o100644 << 16
            wheel.writestr(entry, data)
    return made.getvalue()


def published(version: str, name: str) -> bytes | None:
    """The wheel that the version's tag holds; None where none does, or nobody can know."""
    wanted = f"refs/tags/v{version}:./{VENDOR}/{name}"
    try:
        shown = subprocess.run(["git", "show", wanted], cwd=ROOT, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return shown.stdout if shown.returncode == 0 else None


def out_of_date(wheel: Path, data: bytes, others: list[Path]) -> str:
    """What is wrong with the vendored wheel; empty if nothing is."""
    if not wheel.is_file():
        return f"{wheel.name} is missing"
    if wheel.read_bytes() != data:
        return f"{wheel.name} is not what the source makes"
    return f"{others[0].name} lies beside {wheel.name}" if others else ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the wheel that the template carries.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if it is old")
    check = parser.parse_args().check
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if unknown := sorted(project.keys() - FIELDS):
        sys.exit(f"Nothing was written: wheel.py does not know `{unknown[0]}` of [project] yet.")
    version = project["version"]
    if not re.fullmatch(VERSION, version):
        sys.exit(f"Nothing was written: write the version {version} like 1.2.0 or 1.2.0rc1.")
    wheel = ROOT / VENDOR / f"modelmigrate-{version}-py3-none-any.whl"
    data = archive(contents(project))
    if published(version, wheel.name) not in (None, data):
        sys.exit(
            f"modelmigrate {version} is published: the tag v{version} has a wheel with other bytes."
            " Nothing was written.\nNext: raise `version` in pyproject.toml, then make wheel"
        )
    others = sorted(set(wheel.parent.glob("modelmigrate-*.whl")) - {wheel})
    problem = out_of_date(wheel, data, others)
    if check and problem:
        sys.exit(f"The vendored wheel is out of date: {problem}. Next: make wheel")
    if problem:
        wheel.parent.mkdir(parents=True, exist_ok=True)
        wheel.write_bytes(data)
        for other in others:
            other.unlink()
    print(f"{wheel.name} is {'made' if problem else 'up to date'} in {VENDOR}")


if __name__ == "__main__":
    main()
