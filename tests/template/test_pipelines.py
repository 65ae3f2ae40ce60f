"""Each step of each pipeline is executed, in a fresh bake, against a real PostgreSQL: what is not there is the
cloud alone. Programs of others that need one (docker, gh, kubectl) only take notes."""

import inspect
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import psycopg
import pytest
import yaml
from platformdirs import user_cache_path

from modelmigrate.atlas import build
from modelmigrate.postgres.connection import url_of_database
from tests.conftest import (
    SLUG,
    TREE,
    Render,
    borrowing,
    copy_data,
    new_folder,
    once,
    run,
    stop_servers,
)
from tests.template.go_programs import go_program
from tests.template.pipelines import FILES, Known, Ran, jobs, run_job, stand_in
from tests.template.test_kubernetes import KUSTOMIZE

JOBS = {(provider, name): job for provider in FILES for name, job in jobs(TREE, provider).items()}
WITH_STEPS = [key for key, job in JOBS.items() if job.steps]
# What GitLab's template of that name brings; what we say of it is checked by the schema.
WITHOUT_STEPS = {("gitlab", "container_scanning")}
# The same under another name.
KINDS = {
    **{f"{place}{what}": kind for place in ("staging", "production") for what, kind in
       {"": "deploy", "-roll-out": "roll-out", "-contract": "contract"}.items()},
    "images": "image",
}  # fmt: skip
DIGEST = f"sha256:{'7' * 64}"
IMAGES = [f"registry.example.com/shop/{name}@{DIGEST}" for name in ("service", "migrate")]
DOCKER = f"""
test "$1" != login || cat > "$(dirname "$CALLS")/token"
while [ $# -gt 0 ]; do
    test "$1" != --metadata-file || printf '{{\\n  "containerimage.digest": "{DIGEST}"\\n}}\\n' > "$2"
    shift
done
"""
# The one issue is a file.
GH = """
issue="$(dirname "$CALLS")/issue"
case "$1 $2" in
    "issue list") test ! -e "$issue" || echo 7 ;;
    "issue create") touch "$issue" ;;
    "issue close") rm "$issue" ;;
esac
"""
BIO = "29990101000000_add_bio.sql"
LATER = "29990102000000_later.sql"


class Runner(NamedTuple):
    """A project with the pipelines of all providers, in a repository with an `origin`."""

    project: Path
    server: str
    """The URL of a server for the databases of environments."""
    notes: Path
    """Where programs that stand in for others lie, and what they were called with."""
    environment: dict[str, str]

    def git(self, *arguments: str) -> str:
        done = run("git", *arguments, at=self.project)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(
        self,
        provider: str,
        name: str,
        url: str = "",
        cluster: str = "",
        known: Known | None = None,
        env: Known | None = None,
    ) -> Ran:
        """Run a job: with a database for its environment, whichever that is, and a kubeconfig."""
        for each in ("calls", "output", "summary"):
            (self.notes / each).write_text("", encoding="utf-8")
        (self.notes / "cluster").write_text(cluster, encoding="utf-8")
        databases = {f"{each}_DATABASE_URL": url for each in ("STAGING", "PRODUCTION")}
        clusters = {"KUBE_CONFIG": cluster, "KUBECONFIG": str(self.notes / "cluster")}
        job = JOBS[provider, name]
        # GitHub gives secrets to those steps alone that ask for them.
        given = {} if provider == "github" else databases | clusters
        secret = {f"secrets.{key}": value for key, value in (databases | clusters).items()}
        filled = {**self.known(name), **secret, **(known or {})}
        return run_job(job, self.project, filled, {**self.environment, **given, **(env or {})})

    def known(self, name: str) -> dict[str, str]:
        """What the providers put in."""
        environment = "production" if "production" in name else "staging"
        return {
            "github.workspace": str(self.project),
            "github.event.merge_group.base_sha || format('origin/{0}', github.base_ref)": "origin/main",
            "github.token": "t0ken",
            "github.repository": "Acme/Shop",
            "github.server_url": "https://github.example",
            "github.run_id": "1",
            "runner.temp": str(self.notes),
            "matrix.environment": environment,
            "inputs.environment": environment,
            "needs.image.outputs.service": IMAGES[0],
            "needs.image.outputs.migrate": IMAGES[1],
            "parameters.environment": environment,
            "pipeline.parameters.base": "main",
            "pipeline.parameters.drift": environment,
            "pipeline.parameters.contract": environment,
        }

    def calls(self, of: str) -> list[str]:
        """What a program was called with that only takes notes."""
        lines = (self.notes / "calls").read_text(encoding="utf-8").splitlines()
        return [line.removeprefix(f"{of} ") for line in lines if line.startswith(f"{of} ")]

    def summary(self, ran: Ran) -> str:
        """What GitHub shows beside a run, GitLab and CircleCI keep as a file, or else the log."""
        file = self.project / "schema-changes.md"
        report = file.read_text(encoding="utf-8") if file.exists() else ""
        return (self.notes / "summary").read_text(encoding="utf-8") + report + ran.said


@pytest.fixture(scope="session")
def branched(service: Path, run_folder: Path, workshop: Path, render: Render) -> Path:
    """A folder with a project that has the pipelines of all providers and branches, and its `origin`."""

    def make() -> Path:
        parent = Path(new_folder(run_folder))
        project = parent / SLUG
        shutil.copytree(service, project, ignore=shutil.ignore_patterns(".venv", ".postgres"))
        for provider in FILES:
            rendered = render(ci_provider=provider, kubernetes=True)
            shutil.copytree(rendered / "deploy", project / "deploy", dirs_exist_ok=True)
            for file in FILES[provider]:
                (project / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(rendered / file, project / file)
        copy_data(workshop / "servers", project / ".postgres")
        add_branches(project, parent / "origin", borrowing(service))
        run("make", "db-stop", at=project, env=borrowing(service)).check_returncode()
        shutil.rmtree(project / ".postgres")
        return parent

    return once(run_folder, "branched", make)


@pytest.fixture(scope="module")
def module_runner(service: Path, workshop: Path, branched: Path) -> Iterator[Runner]:
    parent = workshop / f"pipelines-{secrets.token_hex(4)}"
    project, notes = parent / SLUG, parent / "notes"
    shutil.copytree(branched, parent)
    run("git", "remote", "set-url", "origin", parent / "origin", at=project).check_returncode()
    copy_data(workshop / "servers", project / ".postgres")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in borrowing(service).items():
            patch.setenv(name, value)
        server = run("make", "-s", "db-url", at=project).stdout.strip()
        yield Runner(project, server, notes, surroundings(notes))
        stop_servers(project)
    shutil.rmtree(parent, ignore_errors=True)


def surroundings(notes: Path) -> dict[str, str]:
    """The environment of a runner: its programs, and what this machine has cached already."""
    programs = notes / "bin"
    notes.mkdir(parents=True)
    for name in ("pip", "pipx"):
        stand_in(programs, name, "uv --version")
    for name, script in {"docker": DOCKER, "gh": GH, "kubectl": ""}.items():
        stand_in(programs, name, script)
    stand_in(programs, "kustomize", f'exec {go_program(KUSTOMIZE)} "$@"')
    return dict(os.environ) | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(notes / "calls"),
        "CI": "true",
        "GITHUB_REPOSITORY": "Acme/Shop",
        "GITHUB_ACTOR": "ada",
        "GITHUB_REF_NAME": "v1.2.3",
        "GITHUB_REF_TYPE": "tag",
        "CI_REGISTRY": "registry.example.com",
        "CI_REGISTRY_IMAGE": "registry.example.com/shop",
        "CI_REGISTRY_USER": "ada",
        "CI_REGISTRY_PASSWORD": "t0ken",
        "CI_COMMIT_TAG": "v1.2.3",
        "CI_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CIRCLE_TAG": "v1.2.3",
        "DRIFT": "staging",
        "REGISTRY": "registry.example.com/shop",
        "REGISTRY_USER": "ada",
        "REGISTRY_PASSWORD": "t0ken",
        "service_image": IMAGES[0],
        "migrate_image": IMAGES[1],
        "GITHUB_OUTPUT": str(notes / "output"),
        "GITHUB_STEP_SUMMARY": str(notes / "summary"),
        "RUNNER_TEMP": str(notes),
        "UV_CACHE_DIR": run("uv", "cache", "dir", at=notes).stdout.strip(),
        "ATLAS_CACHE_DIR": os.environ.get("ATLAS_CACHE_DIR")
        or str(user_cache_path("atlas-build", appauthor=False)),
    }


def add_branches(project: Path, origin: Path, env: Mapping[str, str]) -> None:
    """Branches that a pipeline finds good, and ones that it does not, each for a reason of its own."""
    migrations = project / "migrations"

    def git(*arguments: str) -> None:
        run("git", *arguments, at=project).check_returncode()

    def commit(branch: str, start: str = "main") -> None:
        run("make", "-s", "migrate-hash", at=project, env=env).check_returncode()
        git("checkout", "-q", "-b", branch, start)
        git("add", "--all")
        git("commit", "-q", "-m", branch)
        git("checkout", "-q", "main")

    git("add", "--all")
    git("commit", "-q", "-m", "pipelines")
    git("clone", "-q", "--bare", ".", str(origin))
    git("remote", "add", "origin", str(origin))
    model = project / "src/domain/models/user.py"
    text = model.read_text(encoding="utf-8")
    email = "    email: Mapped[str] = "
    assert email in text
    model.write_text(text.replace(email, f"    bio: Mapped[str | None]\n{email}"), encoding="utf-8")
    (migrations / BIO).write_text('ALTER TABLE "users" ADD COLUMN "bio" character varying NULL;\n')
    commit("good")
    (migrations / BIO).write_text('ALTER TABLE "users" DROP COLUMN "email";\n')
    commit("hazard")
    [initial] = [file for file in migrations.glob("*.sql") if file.name != BIO]
    initial.write_text(f"-- nicer\n{initial.read_text(encoding='utf-8')}", encoding="utf-8")
    commit("edited")
    (migrations / LATER).write_text('ALTER TABLE "users" ADD COLUMN "later" text;\n')
    commit("busy")
    git("push", "-q", "origin", "busy")
    git("fetch", "-q", "origin")


@pytest.fixture
def runner(module_runner: Runner) -> Iterator[Runner]:
    yield module_runner
    module_runner.git("checkout", "-q", "--force", "main")
    module_runner.git("clean", "-fdq")
    (module_runner.notes / "issue").unlink(missing_ok=True)


@pytest.fixture
def staging(runner: Runner) -> Iterator[str]:
    """The URL of an empty database of that environment."""
    name = f"staging_{secrets.token_hex(4)}"
    with closing(psycopg.connect(runner.server, autocommit=True)) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield url_of_database(runner.server, name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def tables(url: str) -> int:
    with closing(psycopg.connect(url)) as connection:
        query = "SELECT FROM information_schema.tables WHERE table_schema = 'public'"
        return connection.execute(query).rowcount


def migrate(runner: Runner, url: str) -> None:
    env = {"STAGING_DATABASE_URL": url}
    done = run("make", "-s", "migrate-apply", "env=staging", "yes=1", at=runner.project, env=env)
    assert done.returncode == 0, done.stderr


# --- what is written ---


def text_of(provider: str) -> str:
    return "".join((TREE / file).read_text(encoding="utf-8") for file in FILES[provider])


def workflows() -> dict[str, Any]:
    return {
        Path(file).stem: yaml.safe_load((TREE / file).read_text(encoding="utf-8"))
        for file in FILES["github"]
    }


@pytest.mark.parametrize(("provider", "name"), WITH_STEPS)
def test_a_job_installs_what_is_locked_before_it_uses_it(provider: str, name: str) -> None:
    script = "\n".join(step.script for step in JOBS[provider, name].steps)
    calls = re.findall(r"(?m)^ *(pipx? install uv==[\d.]+|uv sync --locked|make [a-z -]+)", script)
    targets = [call for call in calls if call.startswith("make ")]
    if targets and "template-check" not in targets[0]:  # which runs from the wheel
        assert calls[1] == "uv sync --locked"
    assert not targets or " install uv==" in calls[0]


@pytest.mark.parametrize("provider", FILES)
def test_a_cache_is_known_by_what_it_holds(provider: str) -> None:
    text = text_of(provider)
    keys = {
        "github": r"key: ci-\$\{\{ hashFiles\('uv\.lock'\) \}\}\n",
        "gitlab": r"key:\n      files: \[uv\.lock\]\n",
        "circleci": r"key: ci-\{\{ checksum \"uv\.lock\" \}\}\n",
    }
    assert len(re.findall(keys[provider], text)) == len(re.findall(r"(?m)^ +key:", text)) > 0
    assert re.search(r"paths?: \[?\.cache\]?\n", text)
    assert re.search(r"  UV_CACHE_DIR: \S.*/\.cache/uv\n", text)
    assert re.search(r"  ATLAS_CACHE_DIR: \S.*/\.cache/atlas\n", text)
    assert '"ATLAS_CACHE_DIR"' in inspect.getsource(build)


def test_github_gives_each_job_little_time_and_few_rights() -> None:
    for name, workflow in workflows().items():
        assert workflow["permissions"] == {"contents": "read"}, name
        assert workflow["concurrency"]["group"].startswith(name)
        for job in workflow["jobs"].values():
            assert 10 <= job["timeout-minutes"] <= 60
            written = {right for right, how in job.get("permissions", {}).items() if how == "write"}
            assert written <= {"issues", "packages"}
            for step in job["steps"]:
                used = step.get("uses", "")
                assert re.fullmatch(r"|actions/(checkout|cache)@[0-9a-f]{40}", used)
                if "checkout" in used:
                    assert step["with"]["persist-credentials"] is False


def test_github_checks_pull_requests_of_forks_and_merge_queues_without_any_secret() -> None:
    ci, release, scheduled = workflows().values()
    # PyYAML reads `on` as a boolean.
    assert ci[True].keys() == {"push", "pull_request", "merge_group"}
    assert "secrets." not in (TREE / FILES["github"][0]).read_text(encoding="utf-8")
    assert "permissions" not in str(ci["jobs"])
    for other in (release, scheduled):
        assert not {"pull_request", "pull_request_target", "workflow_run"} & other[True].keys()


def test_a_deployment_waits_for_approval_where_its_provider_has_that() -> None:
    release = workflows()["release"]
    jobs = release["jobs"]
    assert (jobs["staging"]["environment"], jobs["production"]["environment"]) == (
        "staging",
        "production",
    )
    assert jobs["production"]["needs"] == ["image", "staging"]
    assert release["concurrency"]["cancel-in-progress"] is False
    gitlab = yaml.safe_load(text_of("gitlab"))
    assert gitlab["production"]["rules"] == [
        {"if": "$CI_COMMIT_TAG", "when": "manual", "allow_failure": False}
    ]
    circleci = yaml.safe_load(text_of("circleci"))["workflows"]["release"]["jobs"]
    named = {job.get("name", kind): job for each in circleci for kind, job in each.items()}
    assert named["production"]["requires"] == ["approve-production"]
    assert named["approve-production"]["type"] == "approval"


@pytest.mark.parametrize("provider", FILES)
def test_the_template_is_asked_for_every_week(provider: str) -> None:
    text = text_of(provider)
    assert 'cron: "41 4 * * 1"' in text or "Pipeline schedules" in text
    assert re.search(r"make --silent template-check", text)


def test_the_server_of_the_checks_is_the_one_of_compose(render: Render) -> None:
    composed = yaml.safe_load((render() / "compose.yaml").read_text(encoding="utf-8"))
    image = composed["services"]["db"]["image"]
    for provider in FILES:
        assert set(re.findall(r"(?:image|name): (postgres:\S+)", text_of(provider))) == {image}


# --- on a good day ---


def test_no_job_is_without_steps_of_its_own_but_those_that_are_listed() -> None:
    assert set(JOBS) - set(WITH_STEPS) == WITHOUT_STEPS


@pytest.mark.parametrize(("provider", "name"), WITH_STEPS)
def test_a_job_does_what_it_is_for(runner: Runner, staging: str, provider: str, name: str) -> None:
    GOOD_DAYS[KINDS.get(name, name)](runner, staging, provider, name)


def passes(runner: Runner, provider: str, name: str, url: str = "", **env: str) -> Ran:
    ran = runner.run(provider, name, url, "a kubeconfig", env=env)
    assert set(ran.codes) <= {0}, ran.said
    return ran


def checks(runner: Runner, url: str, provider: str, name: str) -> None:
    """That all tests of a bake pass is promised elsewhere; these are run on the server of DATABASE_URL.
    `make check` is the same for all providers, and takes its time: one of them runs it."""
    only = {"PYTEST_ADDOPTS": "tests/unit tests/integration"}
    others = {} if provider == "github" else {"MAKEFLAGS": "n"}
    said = passes(runner, provider, name, DATABASE_URL=url, **only, **others).said
    assert "pytest" in said if others else " passed in " in said


def reports(runner: Runner, _: str, provider: str, name: str) -> None:
    runner.git("checkout", "-q", "good")
    ran = passes(runner, provider, name)
    assert "ok    round trip    1 new down file(s) restore the schema before" in ran.said
    told = runner.summary(ran)
    assert re.search(r"```mermaid\nerDiagram\n(.*\n)*? +varchar bio \"added\"\n", told)
    assert "| changed | TABLE public&#46;users |" in told


def builds(runner: Runner, _: str, provider: str, name: str) -> None:
    passes(runner, provider, name, CI_COMMIT_TAG="")
    built = [call for call in runner.calls("docker") if " --target " in call]
    assert [re.findall(r"--target (\w+)", call) for call in built] == [["migrate"], ["service"]]
    assert not [call for call in runner.calls("docker") if "push" in call or "login" in call]


def pushes(runner: Runner, url: str, provider: str, name: str) -> None:
    passes(runner, provider, name)
    calls = runner.calls("docker")
    assert [call for call in calls if call.startswith("login ") and "t0ken" not in call]
    built = [call for call in calls if "buildx build" in call]
    for call, target in zip(built, ("service", "migrate"), strict=True):
        assert re.search(
            rf"--target {target} --tag \S+/shop/{target}:v1\.2\.3 --push --sbom=true", call
        )
        assert "--provenance=mode=max" in call
    written = (runner.project / "images.env", runner.notes / "output")
    text = "".join(file.read_text(encoding="utf-8") for file in written if file.exists())
    assert re.findall(rf"(?m)^(service|migrate)\S*=\S+/shop/\1@{DIGEST}$", text) == [
        "service",
        "migrate",
    ]
    if provider == "gitlab":
        builds(runner, url, provider, name)


def compares(runner: Runner, url: str, provider: str, name: str) -> None:
    migrate(runner, url)
    with role_that_only_reads(url) as its_url:
        ran = passes(runner, provider, name, its_url)
    assert "No drift: staging matches its migrations." in ran.said
    assert re.search(r"\| staging \| \d{14} \| 1 \| 0 \| none \|", runner.summary(ran))


@contextmanager
def role_that_only_reads(url: str) -> Iterator[str]:
    """The URL of a database, for a role that may read it and no more."""
    role = f"reader_{secrets.token_hex(4)}"
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN IN ROLE pg_read_all_data".encode())
        yield re.sub(r"//\w+@", f"//{role}@", url)
        connection.execute(f"DROP ROLE {role}".encode())


def asks_for_the_template(runner: Runner, _: str, provider: str, name: str) -> None:
    assert "up to date" in passes(runner, provider, name).said


def migrates(runner: Runner, url: str, provider: str, name: str) -> None:
    passes(runner, provider, name, url)
    assert tables(url) > 3


def rolls_out(runner: Runner, url: str, provider: str, name: str) -> None:
    images = [
        f"{name.partition('-')[0]}_image={image}"
        for name, image in zip(("service", "migrate"), IMAGES, strict=True)
    ]
    (runner.project / "images.env").write_text("\n".join(images), encoding="utf-8")
    passes(runner, provider, name)
    assert_rolled_out(runner, name)


def assert_rolled_out(runner: Runner, name: str) -> None:
    environment = "production" if "production" in name else "staging"
    assert runner.calls("kubectl")[-2] == f"apply -k deploy/overlays/{environment}"
    overlay = runner.project / "deploy/overlays" / environment / "kustomization.yaml"
    text = overlay.read_text(encoding="utf-8")
    assert text.count(f"digest: {DIGEST}") == 2
    assert text.count("newName: registry.example.com/shop/") == 2


def deploys(runner: Runner, url: str, provider: str, name: str) -> None:
    migrates(runner, url, provider, name)
    if provider == "github":  # whose one job does both
        assert_rolled_out(runner, name)
    else:
        assert runner.calls("kubectl") == []


GOOD_DAYS: dict[str, Callable[[Runner, str, str, str], None]] = {
    "check": checks,
    "migrations": reports,
    "build": builds,
    "image": pushes,
    "drift": compares,
    "template": asks_for_the_template,
    "deploy": deploys,
    "roll-out": rolls_out,
    "contract": migrates,
}


# --- on a bad day ---

PROVIDERS = list(FILES)
DEPLOY = {"github": "staging", "gitlab": "staging", "circleci": "deploy"}
# What is wrong with a branch, the branch that it is to be merged into, and what is said.
BAD_BRANCHES = {
    "hazard": ("main", r"drop-column"),
    "edited": (
        "main",
        r"this branch modifies migrations of origin/main, which may be applied already",
    ),
    "good": (
        "busy",
        r"out of order: not newer than 29990102000000_later\.sql, which origin/busy has",
    ),
    "main": (
        "nosuch",
        r"(Fetch it: git fetch origin nosuch|the target branch cannot be fetched from)",
    ),
}


def base_is(branch: str) -> tuple[dict[str, str], dict[str, str]]:
    """What the providers put in for the branch that another one is to be merged into."""
    event = "github.event.merge_group.base_sha || format('origin/{0}', github.base_ref)"
    known = {event: f"origin/{branch}", "pipeline.parameters.base": branch}
    return known, {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": branch}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("branch", BAD_BRANCHES)
def test_a_bad_branch_fails_and_what_is_wrong_is_told(
    runner: Runner, provider: str, branch: str
) -> None:
    base, told = BAD_BRANCHES[branch]
    known, env = base_is(base)
    runner.git("checkout", "-q", branch)
    ran = runner.run(provider, "migrations", known=known, env=env)
    assert ran.failed
    quality = runner.project / "gl-code-quality-report.json"
    report = quality.read_text(encoding="utf-8") if quality.exists() else ""
    assert re.search(told, ran.said + report), ran.said
    if branch == "hazard":
        place = {
            "github": f"::error file=migrations/{BIO},line=1,title=drop-column::",
            "gitlab": '"check_name": "drop-column"',
            "circleci": f"migrations/{BIO}:1: error drop-column",
        }
        assert place[provider] in ran.said + report
        # The diagram is there all the same.
        assert '"removed"' in runner.summary(ran)


def test_a_fork_of_gitlab_compares_with_the_project_that_it_wants_to_be_merged_into(
    runner: Runner,
) -> None:
    runner.git("checkout", "-q", "good")
    origin = runner.project.parent / "origin"
    env = {"CI_PROJECT_ID": "2", "CI_MERGE_REQUEST_PROJECT_URL": f"file://{origin}"}
    origin.rename(f"{origin}.git")
    try:
        ran = runner.run("gitlab", "migrations", env=env)
    finally:
        Path(f"{origin}.git").rename(origin)
    assert not ran.failed, ran.said
    refused = runner.run("gitlab", "migrations", env=env)
    assert refused.failed
    assert f"cannot be fetched from file://{origin}.git. Nothing was checked." in refused.said


def test_a_failing_test_fails_the_check(runner: Runner, staging: str) -> None:
    broken = runner.project / "tests/unit/test_broken.py"
    broken.write_text("def test_broken() -> None:\n    assert not __name__\n")
    ran = runner.run(
        "github", "check", env={"PYTEST_ADDOPTS": "tests/unit", "DATABASE_URL": staging}
    )
    assert ran.failed
    assert "1 failed, " in ran.said


def test_gitlab_has_one_note_with_the_report_where_there_is_a_token_for_it(runner: Runner) -> None:
    runner.git("checkout", "-q", "good")
    with notes_of_a_merge_request() as (url, notes):
        env = {"CI_API_V4_URL": url, "CI_MERGE_REQUEST_IID": "3", "REPORT_TOKEN": "s3cret"}
        for _ in range(2):
            ran = runner.run("gitlab", "migrations", env=env)
            assert not ran.failed, ran.said
            assert "s3cret" not in ran.said.replace("$REPORT_TOKEN", "")
        assert list(notes) == ["5", "6"]
        assert notes["5"] == "somebody's"
        assert 'varchar bio "added"' in notes["6"]
        refused = runner.run("gitlab", "migrations", env=env | {"REPORT_TOKEN": "expired"})
    assert refused.failed
    assert (
        "error: GitLab does not take REPORT_TOKEN. Renew it, or delete the variable."
        in refused.said
    )


@contextmanager
def notes_of_a_merge_request() -> Iterator[tuple[str, dict[str, str]]]:
    """What GitLab's API does with the notes of one: they are listed, made and changed."""
    notes = {"5": "somebody's"}
    place = "/projects/1/merge_requests/3/notes"

    class Api(BaseHTTPRequestHandler):
        def answer(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            form = re.split(rb"\r\n\r\n|\r\n--", self.rfile.read(size))
            known = self.headers["PRIVATE-TOKEN"] == "s3cret"
            if self.command == "POST" and self.path == place and known:
                notes[str(max(map(int, notes)) + 1)] = form[1].decode()
            elif self.command == "PUT" and known:
                notes[self.path.removeprefix(f"{place}/")] = form[1].decode()
            elif self.path != f"{place}?per_page=100":
                known = False
            listed = [{"id": int(each), "body": body} for each, body in notes.items()]
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(json.dumps(listed).encode())

        do_GET = do_POST = do_PUT = answer  # noqa: N815 their names are the library's

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", notes
        server.shutdown()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_drift_fails_and_on_github_one_issue_is_open_while_there_is_any(
    runner: Runner, staging: str, provider: str
) -> None:
    migrate(runner, staging)

    def by_hand(statement: str) -> Ran:
        with closing(psycopg.connect(staging, autocommit=True)) as connection:
            connection.execute(statement.encode())
        return runner.run(provider, "drift", staging)

    first = by_hand("ALTER TABLE users ADD by_hand text")
    assert first.failed
    assert "changed TABLE public.users" in first.said
    assert re.search(
        r"\| staging \| .* \| TABLE public.users \(changed\) \|", runner.summary(first)
    )
    if provider != "github":
        return
    assert runner.calls("gh")[-1].startswith("issue create --label drift-staging --title ")
    assert "changed TABLE public.users" in (runner.project / "issue.md").read_text(encoding="utf-8")
    assert by_hand("SELECT 1").failed
    assert runner.calls("gh")[-1] == "issue edit 7 --body-file issue.md"
    assert not by_hand("ALTER TABLE users DROP by_hand").failed
    assert runner.calls("gh")[-1].startswith("issue close 7 --comment ")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_environment_whose_secret_is_missing_or_that_is_unknown_is_told(
    runner: Runner, provider: str
) -> None:
    ran = runner.run(provider, "drift")
    assert ran.failed
    assert "there is no environment staging: STAGING_DATABASE_URL is not set." in ran.said
    places = ("matrix.environment", "pipeline.parameters.drift")
    ran = runner.run(
        provider, "drift", known=dict.fromkeys(places, "nosuch"), env={"DRIFT": "nosuch"}
    )
    assert "there is no environment nosuch: NOSUCH_DATABASE_URL is not set." in ran.said


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_deployment_without_its_secrets_changes_nothing_and_says_what_to_add(
    runner: Runner, staging: str, provider: str
) -> None:
    without_cluster = runner.run(provider, DEPLOY[provider], staging)
    assert without_cluster.failed
    assert re.search(
        r"There is no (\w+ )?KUBE_?CONFIG .* staging\. Nothing was deployed\.\s.*Add it",
        without_cluster.said,
        re.IGNORECASE,
    )
    without_database = runner.run(provider, DEPLOY[provider], cluster="a kubeconfig")
    assert without_database.failed
    assert (
        "there is no environment staging: STAGING_DATABASE_URL is not set." in without_database.said
    )
    assert (tables(staging), runner.calls("kubectl")) == (0, [])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_deployment_stops_at_the_gate_and_at_a_migration_that_fails(
    runner: Runner, staging: str, provider: str
) -> None:
    migrate(runner, staging)
    folder = runner.project / "migrations"
    contract = "-- gate:phase contract\n\nALTER TABLE users DROP COLUMN email;\n"
    for first, said in (
        (contract, "is a contract migration, and older than what the next rollout needs"),
        ("ALTER TABLE users ADD CONSTRAINT no CHECK (version > 5);\n", "no"),
    ):
        (folder / BIO).write_text(first)
        (folder / LATER).write_text("ALTER TABLE users ADD COLUMN later text;\n")
        run("make", "-s", "migrate-hash", at=runner.project).check_returncode()
        with closing(psycopg.connect(staging, autocommit=True)) as connection:
            connection.execute("DELETE FROM users")
            connection.execute(
                "INSERT INTO users (id, username, email, version) VALUES (uuidv7(), 'ada', 'a@b.c', 1)"
            )
        ran = runner.run(provider, DEPLOY[provider], staging, "a kubeconfig")
        assert ran.failed
        assert said in ran.said
        assert runner.calls("kubectl") == []
        with closing(psycopg.connect(staging)) as connection:
            query = "SELECT FROM information_schema.columns WHERE column_name IN ('later', 'email')"
            assert connection.execute(query).rowcount == 1


def test_without_kubernetes_a_deployment_ends_with_the_migrations(
    runner: Runner, staging: str
) -> None:
    shutil.rmtree(runner.project / "deploy")
    for provider in ("github", "circleci"):
        assert not runner.run(provider, DEPLOY[provider], staging).failed
    assert not runner.run("circleci", "roll-out").failed
    assert tables(staging) > 3
    assert runner.calls("kubectl") == []


def test_github_applies_contract_migrations_of_a_tag_alone(runner: Runner, staging: str) -> None:
    branch = {"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main"}
    ran = runner.run("github", "contract", staging, env=branch)
    assert "::error::main is no tag. Nothing was changed." in ran.said
    assert (ran.failed, tables(staging)) == (True, 0)


def test_circleci_pushes_nothing_without_a_registry(runner: Runner) -> None:
    ran = runner.run("circleci", "image", env={"REGISTRY": ""})
    assert "there is no REGISTRY in the context registry. Nothing was pushed." in ran.said
    assert (ran.failed, runner.calls("docker")) == (True, [])


# --- by another's runner ---

CACHE = """\
name: stands in for actions/cache
description: There is none without the cloud
inputs: { path: {}, key: {}, restore-keys: {} }
runs:
  using: composite
  steps:
    - run: echo "known by ${{ inputs.key }}"
      shell: bash
"""


def test_act_runs_the_workflow_of_a_pull_request_as_we_do(runner: Runner) -> None:
    runner.git("checkout", "-q", "hazard")
    parent = runner.project.parent
    action = parent / "cache"
    action.mkdir()
    (action / "action.yml").write_text(CACHE, encoding="utf-8")
    (parent / "event.json").write_text(
        '{"pull_request": {"base": {"ref": "main"}}}', encoding="utf-8"
    )
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "cache")):
        run("git", *command, at=action).check_returncode()
    [cache] = set(re.findall(r"uses: (actions/cache@\w+)", text_of("github")))
    event = ("-e", f"{parent}/event.json", "-P", "ubuntu-24.04=-self-hosted", "--pull=false")
    here = [f"{name}={runner.environment[name]}" for name in ("UV_CACHE_DIR", "ATLAS_CACHE_DIR")]
    given = [word for each in here for word in ("--env", each)]
    ran = run(
        "act", "pull_request", "-W", FILES["github"][0], "-j", "migrations",
        *event, *given, "--local-repository", f"{cache}={action}", at=runner.project,
        env=runner.environment | {"XDG_CACHE_HOME": str(parent / "workspaces")},
    )  # fmt: skip
    said = ran.stdout + ran.stderr
    assert ran.returncode == 1, said
    for step in ("uv sync --locked", "Diagram and list of changes, in the summary"):
        assert re.search(rf"Success - Main {step}", said), said
    for step in (
        "Conflicts with the base, validity, models, round trip",
        "Lint, at the lines of the diff",
    ):
        assert re.search(rf"Failure - Main {step}", said), said
    assert f"file=migrations/{BIO}" in said
    assert "## Schema changes" in said
