"""The vendored wheel: bytes that depend on the source alone, and never change once published."""

import base64
import csv
import hashlib
import io
import os
import shutil
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from tests.conftest import ROOT, TREE, path_without, run

PROJECT = """
[project]
name = "modelmigrate"
version = "1.2.0"
description = "Migrations from models"
readme = "README.md"
requires-python = ">=3.11"
license = "MIT"
license-files = ["LICENSE"]
authors = [{ name = "Ada" }, { name = "Löve, Bo", email = "bo@example.com" }]
keywords = ["schema", "migrations"]
classifiers = ["Typing :: Typed"]
dependencies = ["first>=2,<3", 'second>=1; sys_platform == "linux"']

[project.optional-dependencies]
server = ["third>=18", 'fourth>=1; python_version < "3.12"']

[project.urls]
Source = "https://example.com/source"

[project.scripts]
modelmigrate = "modelmigrate.cli:main"

[project.entry-points.pytest11]
modelmigrate = "modelmigrate.pytest_plugin"
"""
SOURCE = {
    "src/modelmigrate/__init__.py": b"",
    "src/modelmigrate/cli.py": b'def main() -> None:\n    print("it runs")\n',
    "src/modelmigrate/py.typed": b"",
    "src/modelmigrate/atlas/edit.patch": b"--- a\n+++ b\n",
    "src/modelmigrate/atlas/picture.bin": b"\0\r\n",
    "pyproject.toml": PROJECT.encode(),
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder with all that the wheel is made of, and no repository yet."""
    folder = tmp_path / "repository"
    for name, content in SOURCE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for name in ("wheel.py", "LICENSE", "README.md"):
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def make(at: Path, *options: str, umask: int = -1) -> CompletedProcess[str]:
    return run(sys.executable, "wheel.py", *options, at=at, umask=umask)


def made(at: Path) -> Path:
    """The wheel, made again, of the only version that there may be."""
    finished = make(at)
    assert finished.returncode == 0, finished.stderr
    (wheel,) = vendor(at).iterdir()
    return wheel


def vendor(at: Path) -> Path:
    return at / TREE.name / "vendor"


def vendored(at: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in vendor(at).iterdir()}


def change(at: Path, old: str = "it runs", new: str = "it walks") -> None:
    for path in (at / "pyproject.toml", at / "src/modelmigrate/cli.py"):
        path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))


def publish(at: Path, tag: str) -> None:
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "Release"), ("tag", tag)):
        run("git", *command, at=at).check_returncode()


def test_the_vendored_wheel_is_what_the_source_makes() -> None:
    checked = run(sys.executable, "wheel.py", "--check", at=ROOT)
    assert checked.returncode == 0, checked.stderr


def test_the_same_source_makes_the_same_bytes(repository: Path) -> None:
    first = made(repository).read_bytes()
    shutil.rmtree(vendor(repository))
    cache = repository / "src/modelmigrate/__pycache__"
    cache.mkdir()
    (cache / "cli.cpython-311.pyc.4711").write_bytes(b"half compiled")
    (repository / "src/modelmigrate/stray.pyc").write_bytes(b"compiled")
    for path in repository.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        path.chmod(0o700)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert make(repository, umask=0o077).returncode == 0
    assert list(vendored(repository).values()) == [first]


def test_the_files_are_the_package_s_and_what_the_wheel_says_of_itself(repository: Path) -> None:
    with zipfile.ZipFile(made(repository)) as wheel:
        assert wheel.testzip() is None
        package = [(f"src/{name}", wheel.read(name)) for name in wheel.namelist()[:5]]
        assert package == sorted(item for item in SOURCE.items() if item[0].startswith("src/"))
        assert [name.partition(".dist-info/")[2] for name in wheel.namelist()[5:]] == [
            "METADATA",
            "WHEEL",
            "entry_points.txt",
            "licenses/LICENSE",
            "RECORD",
        ]
        for entry in wheel.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert entry.external_attr >> 16 == 0o100644


def test_record_has_the_size_and_the_hash_of_every_file_but_itself(repository: Path) -> None:
    with zipfile.ZipFile(made(repository)) as wheel:
        files = {name: wheel.read(name) for name in wheel.namelist()}
    *others, record = files
    *lines, own = csv.reader(io.StringIO(files[record].decode()))
    assert own == [record, "", ""]
    assert [name for name, _, _ in lines] == others
    for name, recorded, size in lines:
        method, _, value = recorded.partition("=")
        assert method == "sha256"
        assert base64.urlsafe_b64decode(value + "=") == hashlib.sha256(files[name]).digest()
        assert "=" not in value
        assert int(size) == len(files[name])


def test_the_metadata_is_valid_and_says_what_the_project_says(repository: Path) -> None:
    with zipfile.ZipFile(made(repository)) as wheel:
        raw = wheel.read("modelmigrate-1.2.0.dist-info/METADATA")
    told = Metadata.from_email(raw, validate=True)
    assert (told.metadata_version, told.name) == ("2.4", "modelmigrate")
    assert (str(told.version), str(told.requires_python)) == ("1.2.0", ">=3.11")
    assert told.summary == "Migrations from models"
    assert (told.license_expression, told.license_files) == ("MIT", ["LICENSE"])
    assert (told.author, told.author_email) == ("Ada", '"Löve, Bo" <bo@example.com>')
    assert told.keywords == ["schema", "migrations"]
    assert told.classifiers == ["Typing :: Typed"]
    assert told.project_urls == {"Source": "https://example.com/source"}
    assert told.provides_extra == ["server"]
    assert told.requires_dist == [
        Requirement("first>=2,<3"),
        Requirement('second>=1; sys_platform == "linux"'),
        Requirement('third>=18; extra == "server"'),
        Requirement('fourth>=1; python_version < "3.12" and extra == "server"'),
    ]
    assert told.description_content_type == "text/markdown"
    assert told.description == (ROOT / "README.md").read_text(encoding="utf-8")


def test_an_installed_wheel_has_the_command_and_the_pytest_plugin(
    repository: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    installed = run(
        "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python", sys.executable,
        "--target", site, made(repository), at=tmp_path,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    declared = PathDistribution(site / "modelmigrate-1.2.0.dist-info").entry_points
    assert {(point.group, point.name, point.value) for point in declared} == {
        ("console_scripts", "modelmigrate", "modelmigrate.cli:main"),
        ("pytest11", "modelmigrate", "modelmigrate.pytest_plugin"),
    }
    ran = run(site / "bin/modelmigrate", at=tmp_path, env={"PYTHONPATH": str(site)})
    assert ran.stdout == "it runs\n", ran.stderr


def test_a_raised_version_replaces_the_wheel_before(repository: Path) -> None:
    assert made(repository).name == "modelmigrate-1.2.0-py3-none-any.whl"
    change(repository, "1.2.0", "1.10.0")
    assert made(repository).name == "modelmigrate-1.10.0-py3-none-any.whl"


def test_a_check_is_content_with_a_fresh_wheel_and_writes_nothing(repository: Path) -> None:
    wheel = made(repository)
    before = wheel.stat().st_mtime_ns
    checked = make(repository, "--check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert wheel.stat().st_mtime_ns == before


def test_a_check_notices_a_changed_source(repository: Path) -> None:
    made(repository)
    change(repository)
    assert_out_of_date(repository, "is not what the source makes")


def test_a_check_notices_a_missing_wheel(repository: Path) -> None:
    vendor(repository).mkdir(parents=True)
    assert_out_of_date(repository, "is missing")


def test_a_check_notices_a_second_wheel(repository: Path) -> None:
    wheel = made(repository)
    shutil.copyfile(wheel, wheel.with_name("modelmigrate-1.1.0-py3-none-any.whl"))
    assert_out_of_date(repository, "modelmigrate-1.1.0-py3-none-any.whl lies beside")


def assert_out_of_date(at: Path, what: str) -> None:
    before = vendored(at)
    checked = make(at, "--check")
    assert checked.returncode == 1
    assert what in checked.stderr
    assert checked.stderr.endswith("Next: make wheel\n")
    assert checked.stderr.count("\n") == 1
    assert vendored(at) == before
    make(at).check_returncode()
    assert make(at, "--check").returncode == 0


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_other_bytes_for_a_published_version_are_refused(
    options: tuple[str, ...], repository: Path
) -> None:
    made(repository)
    publish(repository, "v1.2.0")
    (vendor(repository) / "modelmigrate-1.1.0-py3-none-any.whl").write_bytes(b"older")
    before = vendored(repository)
    change(repository)
    refused = make(repository, *options)
    assert refused.returncode == 1
    assert "modelmigrate 1.2.0 is published" in refused.stderr
    assert refused.stderr.endswith("Next: raise `version` in pyproject.toml, then make wheel\n")
    assert vendored(repository) == before
    change(repository, "1.2.0", "1.2.1")
    assert made(repository).name == "modelmigrate-1.2.1-py3-none-any.whl"


def test_the_bytes_of_a_published_version_can_be_made_again(repository: Path) -> None:
    published = made(repository).read_bytes()
    publish(repository, "v1.2.0")
    shutil.rmtree(vendor(repository))
    assert made(repository).read_bytes() == published


def test_a_tag_from_before_there_was_a_wheel_publishes_none(repository: Path) -> None:
    publish(repository, "v1.2.0")
    assert made(repository).is_file()


def test_without_git_it_is_made_all_the_same(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    without = path_without(tmp_path / "bin", "git")
    finished = run(sys.executable, "wheel.py", at=repository, env=without)
    assert finished.returncode == 0, finished.stderr
    assert len(vendored(repository)) == 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"1.2.0"', '"1.2-final"', "write the version 1.2-final like 1.2.0"),
        ("keywords", "dynamic", "does not know `dynamic`"),
        ('["LICENSE"]', '["LICENSE", "NOTICE"]', "names NOTICE"),
    ],
)
def test_what_would_make_a_wrong_wheel_is_refused(
    old: str, new: str, why: str, repository: Path
) -> None:
    change(repository, old, new)
    refused = make(repository)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Nothing was written: ")
    assert why in refused.stderr
    assert not vendor(repository).exists()
