"""The files around the service: pipelines, images, licences, and git's own files."""

import ast
import hashlib
import json
import re
import shlex
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import TREE, Render, run
from tests.template.go_programs import go_program
from tests.template.image import instructions, stages
from tests.template.pipelines import FILES

SCHEMAS = {
    "github": "vendor.github-workflows",
    "gitlab": "vendor.gitlab-ci",
    "circleci": "vendor.circle-ci",
}
BOTS = {
    "github": (".github/dependabot.yml", "vendor.dependabot"),
    "gitlab": ("renovate.json", "vendor.renovate"),
    "circleci": ("renovate.json", "vendor.renovate"),
}
LICENCES = {
    "MIT": "MIT License",
    "Apache-2.0": "Apache License",
    "BSD-3-Clause": "BSD 3-Clause License",
    "Proprietary": "Proprietary",
}
APACHE_2_SHA256 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
DEV_CONTAINER = ".devcontainer/devcontainer.json"
MADE_BY_SETUP = {"uv.lock", "migrations"}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def assert_schema(name: str, path: Path) -> None:
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", name, path.name)
    checked = run(*command, at=path.parent)
    assert checked.returncode == 0, checked.stdout + checked.stderr


# Pipelines


@pytest.mark.parametrize("provider", FILES)
def test_pipeline_is_valid_for_its_provider(render: Render, provider: str) -> None:
    project = render(ci_provider=provider)
    for file in FILES[provider]:
        assert_schema(SCHEMAS[provider], project / file)


def test_make_check_runs_every_part_of_the_check(render: Render) -> None:
    planned = run("make", "--dry-run", "check", at=render())
    assert planned.returncode == 0, planned.stderr
    for part in ("ruff format --check", "ruff check", "mypy", "pytest"):
        assert part in planned.stdout
    for part in ("validate", "check"):
        assert f"modelmigrate {part}\n" in planned.stdout


@pytest.mark.parametrize("whose", ["service", "template"])
def test_github_workflow_has_no_known_weakness(render: Render, template: Path, whose: str) -> None:
    folder = render(ci_provider="github") if whose == "service" else template
    for workflow in sorted((folder / ".github" / "workflows").iterdir()):
        assert_schema("vendor.github-workflows", workflow)
    zizmor = Path(sysconfig.get_path("scripts"), "zizmor")
    strict = ("--offline", "--persona=auditor", "--min-severity=low")
    audit = run(zizmor, *strict, ".github", at=folder)
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_workflows_are_valid_for_actionlint(render: Render, template: Path) -> None:
    actionlint = go_program("github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
    for folder in (template, render(ci_provider="github")):
        workflows = sorted((folder / ".github" / "workflows").iterdir())
        assert workflows
        checked = run(actionlint, "-shellcheck=", *workflows, at=folder)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_one_uv_version_everywhere() -> None:
    files = [file for files in FILES.values() for file in files] + ["Dockerfile", DEV_CONTAINER]
    texts = [(TREE / name).read_text(encoding="utf-8") for name in files]
    found = [set(re.findall(r"uv==([\d.]+)", text)) for text in texts]
    assert all(found)
    assert len(set().union(*found)) == 1


# Bots that keep versions up to date


@pytest.mark.parametrize("provider", BOTS)
def test_a_bot_is_configured_as_its_schema_says(render: Render, provider: str) -> None:
    path, schema = BOTS[provider]
    assert_schema(schema, render(ci_provider=provider) / path)


def test_dependabot_updates_the_lock_the_actions_and_the_images() -> None:
    updates = {
        each["package-ecosystem"]: each for each in load(TREE / BOTS["github"][0])["updates"]
    }
    assert set(updates) == {"uv", "github-actions", "docker", "docker-compose"}
    assert [each["dependency-name"] for each in updates["uv"]["ignore"]] == ["modelmigrate"]
    for update in updates.values():
        assert (update["directory"], update["schedule"]["interval"]) == ("/", "weekly")


def test_renovate_updates_the_lock_the_pipeline_and_the_images_by_digest() -> None:
    config = json.loads((TREE / "renovate.json").read_text(encoding="utf-8"))
    assert "docker:pinDigests" in config["extends"]
    managers = {"pep621", "dockerfile", "docker-compose", "gitlabci", "circleci", "devcontainer"}
    assert managers | {"custom.regex"} == set(config["enabledManagers"])
    rules = {tuple(rule.get("matchPackageNames", ())): rule for rule in config["packageRules"]}
    assert rules["modelmigrate",]["enabled"] is False


@pytest.mark.parametrize("provider", ["gitlab", "circleci"])
def test_renovate_finds_the_uv_of_pipeline_image_and_dev_container(
    render: Render, provider: str
) -> None:
    project = render(ci_provider=provider)
    [manager] = load(project / "renovate.json")["customManagers"]
    [pattern] = [each.replace("(?<", "(?P<") for each in manager["matchStrings"]]
    names = [re.compile(each.strip("/")) for each in manager["managerFilePatterns"]]
    for file in (*FILES[provider], "Dockerfile", DEV_CONTAINER):
        assert any(name.search(file) for name in names), file
        text = (project / file).read_text(encoding="utf-8")
        found = [match["currentValue"] for match in re.finditer(pattern, text)]
        assert found == re.findall(r"uv==([\d.]+)", text) != []


def test_bots_find_every_image_where_they_look_for_it(render: Render) -> None:
    built = [rest for word, rest in instructions(render() / "Dockerfile") if word == "FROM"]
    images, own = set(), set()
    for image, _, stage in (each.partition(" AS ") for each in built):
        own.add(stage)
        if image not in own:
            images.add(image)
    assert len(images) == 2
    assert all(re.fullmatch(r"[a-z/]+:[\w.-]+(@sha256:[0-9a-f]{64})?", each) for each in images)


# Editors


def test_the_dev_container_needs_no_other_and_sets_up_what_make_does(render: Render) -> None:
    project = render()
    config = load(project / DEV_CONTAINER)
    assert config.keys() <= {
        "name",
        "image",
        "remoteUser",
        "onCreateCommand",
        "postCreateCommand",
        "forwardPorts",
        "customizations",
    }
    assert re.fullmatch(r"[a-z./]+/python:3\.\d+", config["image"])
    assert re.fullmatch(r"pipx install uv==[\d.]+", config["onCreateCommand"])
    assert config["postCreateCommand"] == "make setup"
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    assert [f"$(or $(port),{port})" in makefile for port in config["forwardPorts"]] == [True]


def test_editors_use_the_tools_of_the_project(render: Render) -> None:
    project = render()
    recommended = load(project / ".vscode" / "extensions.json")["recommendations"]
    customizations = load(project / DEV_CONTAINER)["customizations"]
    assert customizations["vscode"]["extensions"] == recommended == sorted(recommended)

    settings = load(project / ".vscode" / "settings.json")
    dev = (project / "pyproject.toml").read_text(encoding="utf-8").partition("\ndev = [")[2]
    used = {"ruff": "ruff", "mypy-type-checker": "mypy", "python": "pytest"}
    for setting in settings.keys() - {"[python]"}:
        assert f'"{used[setting.partition(".")[0]]}>=' in dev
        assert any(each.endswith("." + setting.partition(".")[0]) for each in recommended), setting
    assert settings["python.testing.pytestEnabled"]
    for folder in settings["python.testing.pytestArgs"] + settings["python.analysis.extraPaths"]:
        assert (project / folder).is_dir()
    python = settings["[python]"]
    assert python["editor.formatOnSave"]
    assert python["editor.defaultFormatter"] in recommended


# Images


def test_the_dockerfile_has_no_known_weakness(render: Render) -> None:
    hadolint = Path(sysconfig.get_path("scripts"), "hadolint")
    audit = run(hadolint, "--failure-threshold", "style", "Dockerfile", at=render())
    assert audit.returncode == 0, audit.stdout + audit.stderr


@pytest.mark.parametrize("stage", ["migrate", "service"])
def test_images_run_as_a_numeric_user_who_is_not_root(render: Render, stage: str) -> None:
    users = [rest for word, rest in stages(render() / "Dockerfile")[stage] if word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_the_service_image_installs_nothing_itself_and_checks_its_health(render: Render) -> None:
    built = stages(render() / "Dockerfile")
    assert list(built)[-1] == "service"
    words = dict(built["service"])
    assert "RUN" not in words
    assert "/healthz" in words["HEALTHCHECK"]
    assert "main:create_app" in words["CMD"]


def test_everybody_starts_the_migrate_image_by_its_own_command_and_names_the_database_to_it(
    render: Render,
) -> None:
    project = render(kubernetes=True)
    command = json.loads(dict(stages(project / "Dockerfile")["migrate"])["CMD"])
    assert command == ["modelmigrate", "apply", "--env", "production", "--phase", "expand", "--yes"]
    composed = load(project / "compose.yaml")["services"]["migrate"]
    job = load(project / "deploy" / "kubernetes" / "migration-job.yaml")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    for started in (composed, container):
        assert not {"command", "entrypoint", "args"} & started.keys()
    named = [*composed["environment"], *(variable["name"] for variable in container["env"])]
    assert named == ["PRODUCTION_DATABASE_URL"] * 2


def test_everybody_gives_the_migrate_image_a_read_only_disk_and_the_same_memory(
    render: Render,
) -> None:
    project = render(kubernetes=True)
    composed = load(project / "compose.yaml")["services"]["migrate"]
    job = load(project / "deploy" / "kubernetes" / "migration-job.yaml")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert composed["read_only"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert "volumes" not in pod
    assert "tmpfs" not in composed
    assert (composed["mem_limit"], container["resources"]["limits"]["memory"]) == ("256m", "256Mi")


def test_whatever_the_images_copy_is_there_and_reaches_the_builder(render: Render) -> None:
    project = render()
    let_in = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [rest for word, rest in instructions(project / "Dockerfile") if word == "COPY"]
    sources = {s for rest in copied if "--from" not in rest for s in shlex.split(rest)[:-1]}
    assert sources
    for source in sources:
        assert source in MADE_BY_SETUP or (project / source).exists(), source
        assert f"!{source}" in let_in


def test_compose_is_valid_and_stays_on_this_machine(render: Render) -> None:
    project = render()
    assert_schema("vendor.compose-spec", project / "compose.yaml")
    services = load(project / "compose.yaml")["services"]
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert service.get("build", {}).get("target", "service") in stages(project / "Dockerfile")


def test_compose_holds_no_secret_and_takes_every_value_from_the_env_file(render: Render) -> None:
    project = render()
    text = (project / "compose.yaml").read_text(encoding="utf-8")
    example = (project / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"PASSWORD: (..)|://\w+:(..)", text)) == {("${", ""), ("", "${")}
    for variable in re.findall(r"\$\{(\w+)", text):
        assert re.search(rf"^(# )?{variable}=", example, re.MULTILINE), variable


# Licence, settings, git


@pytest.mark.parametrize("licence", LICENCES)
def test_licence_is_the_chosen_one_as_tools_recognise_it(render: Render, licence: str) -> None:
    text = (render(license=licence, author_name="Ada O'Neil") / "LICENSE").read_bytes().decode()
    assert text.strip().partition("\n")[0] == LICENCES[licence]
    assert "{" not in text
    assert text.endswith(".\n")
    if licence == "Apache-2.0":
        assert hashlib.sha256(text.encode()).hexdigest() == APACHE_2_SHA256
    else:
        assert "\nCopyright (c) Ada O'Neil" in text


def test_the_env_example_names_every_setting_and_holds_placeholders_for_secrets_alone(
    render: Render,
) -> None:
    project = render()
    example = (project / ".env.example").read_text(encoding="utf-8")
    module = ast.parse((project / "src/infrastructure/settings.py").read_text(encoding="utf-8"))
    settings = {
        field.target.id.upper()
        for node in module.body
        if isinstance(node, ast.ClassDef)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))
    assert settings
    assert settings <= named
    # `make setup` replaces it wherever it stands.
    secrets = re.findall(r"^(\w+)=change-me$", example, re.MULTILINE)
    assert secrets == ["POSTGRES_PASSWORD", "DEVELOPMENT_KEY"]
    assert example.count("change-me") == len(secrets)


@pytest.fixture
def repository(render: Render, tmp_path: Path) -> Path:
    for name in (".gitignore", ".gitattributes"):
        (tmp_path / name).write_bytes((render() / name).read_bytes())
    assert run("git", "init", "--quiet", at=tmp_path).returncode == 0
    return tmp_path


def test_git_ignores_secrets_data_and_caches_and_nothing_else(repository: Path) -> None:
    ignored = [".env", ".venv/bin/python", ".postgres/data/base", ".cache/uv/x", "dist/a.whl"]
    kept = [".env.example", "uv.lock", "migrations/atlas.sum", ".cruft.json", "src/main.py"]
    kept += [DEV_CONTAINER, ".vscode/settings.json", ".vscode/extensions.json"]
    answer = run("git", "check-ignore", "--no-index", *ignored, *kept, at=repository)
    assert answer.stdout.splitlines() == ignored


def test_git_keeps_line_ends_of_code_and_every_byte_of_migrations(repository: Path) -> None:
    answer = run(
        "git", "check-attr", "text", "eol", "--", "a.py", "migrations/1.sql", at=repository
    )
    assert answer.stdout.splitlines() == [
        "a.py: text: auto",
        "a.py: eol: lf",
        "migrations/1.sql: text: unset",
        "migrations/1.sql: eol: lf",
    ]


def test_commit_hooks_are_local_and_run_what_is_locked(render: Render) -> None:
    (repository,) = load(render() / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == [
        "uv run python -m ruff check --fix",
        "uv run python -m ruff format",
    ]
