"""What Kubernetes and Argo CD are given: what kustomize makes of each overlay, and what its pods run."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from modelmigrate.atlas.go import find_go
from tests.conftest import Render, path_without, run
from tests.template.go_programs import go_program
from tests.template.image import stages
from tests.template.readme import free_port, served

Object = dict[str, Any]
Built = Callable[[str], list[Object]]

KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1"
ARGO_CD = "github.com/argoproj/argo-cd/v3@v3.3.0"
# The oldest that the README tells of, and the newest whose schemas are known.
VERSIONS = ("1.31", "1.37")
ENVIRONMENTS = ("production", "staging")
HOOKS = {"migrate": "PreSync", "smoke-test": "PostSync", "sync-failed": "SyncFail"}
SLUG = "team-directory"
PARTS = {
    f"{kind}/{SLUG}"
    for kind in (
        *("Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget"),
        *("Service", "ServiceAccount"),
    )
}
# What connects to PostgreSQL beside the service: the Job, a person, and what a superuser has to himself.
OTHER_CONNECTIONS = 10
KUBECTL = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in *"$FAILS"*) exit 1;; esac
"""


def kustomize(*arguments: str | Path, at: Path) -> str:
    done = run(go_program(KUSTOMIZE), *arguments, at=at)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def deploy(render: Render) -> Path:
    return render(kubernetes=True) / "deploy"


@pytest.fixture
def copy(deploy: Path, tmp_path: Path) -> Path:
    """One that a test may change."""
    return shutil.copytree(deploy, tmp_path / "deploy")


@pytest.fixture(scope="session")
def built(deploy: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """All that Argo CD is given for an environment: its overlay and the hooks."""
    found: dict[str, list[Object]] = {}
    folder = shutil.copytree(deploy, tmp_path_factory.mktemp("built") / "deploy")
    applications = load(folder / "argocd/application-set.yaml")
    components = applications["spec"]["template"]["spec"]["source"]["kustomize"]["components"]

    def built(environment: str) -> list[Object]:
        if environment not in found:
            overlay = folder / "overlays" / environment
            kustomize("edit", "add", "component", *components, at=overlay)
            found[environment] = list(yaml.safe_load_all(kustomize("build", at=overlay)))
        return found[environment]

    return built


@pytest.fixture(params=ENVIRONMENTS)
def objects(built: Built, request: pytest.FixtureRequest) -> list[Object]:
    return built(request.param)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def name(each: Object) -> str:
    return f"{each['kind']}/{each['metadata']['name']}"


def one(objects: list[Object], wanted: str) -> Object:
    [found] = [each for each in objects if name(each) == wanted]
    return found


def deployment(objects: list[Object]) -> Object:
    spec: Object = one(objects, f"Deployment/{SLUG}")["spec"]
    return spec


def job(objects: list[Object], of: str) -> Object:
    return one(objects, f"Job/{SLUG}-{of}")


def pods(objects: list[Object]) -> dict[str, Object]:
    return {
        name(each): each["spec"]["template"]
        for each in objects
        if each["kind"] in {"Deployment", "Job"}
    }


def container(pod: Object) -> Object:
    found: Object
    [found] = pod["spec"]["containers"]
    return found


def matches(selector: Object, pod: Object) -> bool:
    return bool(selector) and selector.items() <= pod["metadata"]["labels"].items()


# What is there


def test_an_overlay_gives_all_parts_in_a_namespace_of_its_own(built: Built) -> None:
    namespaces = {}
    for environment in ENVIRONMENTS:
        objects = built(environment)
        jobs = {f"Job/{SLUG}-{each}" for each in HOOKS}
        [settings] = {name(each) for each in objects} - PARTS - jobs
        assert settings.startswith(f"ConfigMap/{SLUG}-settings-")
        [namespaces[environment]] = {each["metadata"]["namespace"] for each in objects}
    assert namespaces == {each: f"{SLUG}-{each}" for each in ENVIRONMENTS}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(objects: list[Object], version: str) -> None:
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)


def test_every_manifest_is_part_of_it(deploy: Path) -> None:
    for folder in (deploy / "kubernetes", deploy / "argocd"):
        listed = set(load(folder / "kustomization.yaml")["resources"])
        there = {path.name for path in folder.iterdir()}
        assert there - listed <= {"kustomization.yaml", "application-set.yaml"}
    assert {path.name for path in (deploy / "overlays").iterdir()} == set(ENVIRONMENTS)


# Pods


def test_selectors_find_the_pods_of_the_service_and_of_no_job(objects: list[Object]) -> None:
    spec = deployment(objects)
    selectors = {
        "Deployment": spec["selector"]["matchLabels"],
        "Service": one(objects, f"Service/{SLUG}")["spec"]["selector"],
        "budget": one(objects, f"PodDisruptionBudget/{SLUG}")["spec"]["selector"]["matchLabels"],
    }
    for constraint in spec["template"]["spec"]["topologySpreadConstraints"]:
        selectors[constraint["topologyKey"]] = constraint["labelSelector"]["matchLabels"]
    assert len(selectors) == 5
    for who, selector in selectors.items():
        found = [each for each, pod in pods(objects).items() if matches(selector, pod)]
        assert found == [f"Deployment/{SLUG}"], who
    policy = one(objects, f"NetworkPolicy/{SLUG}")["spec"]
    assert all(matches(policy["podSelector"]["matchLabels"], pod) for pod in pods(objects).values())


def test_ports_and_probes_are_those_of_the_service(objects: list[Object], deploy: Path) -> None:
    api = container(deployment(objects)["template"])
    [port] = api["ports"]
    number = port["containerPort"]
    [public] = one(objects, f"Service/{SLUG}")["spec"]["ports"]
    assert public["targetPort"] == port["name"]
    started = json.loads(dict(stages(deploy.parent / "Dockerfile")["service"])["CMD"])
    assert started[started.index("--port") + 1] == str(number)
    policy = one(objects, f"NetworkPolicy/{SLUG}")["spec"]
    assert policy["ingress"] == [{"ports": [{"port": number}]}]
    source = (deploy.parent / "src/presentation/api/health.py").read_text(encoding="utf-8")
    probes = {
        probe: api[probe]["httpGet"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert {each["port"] for each in probes.values()} == {port["name"]}
    paths = [each["path"] for each in probes.values()]
    assert paths == ["/healthz", "/healthz", "/readyz"]
    for path in paths:
        assert f'@router.get("{path}")' in source


def test_no_pod_has_privileges_or_a_token_and_each_has_limits(objects: list[Object]) -> None:
    found = pods(objects)
    assert len(found) == 1 + len(HOOKS)
    for pod in found.values():
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container(pod)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= container(pod)["resources"]["requests"].keys()
        assert "memory" in container(pod)["resources"]["limits"]
    assert one(objects, f"ServiceAccount/{SLUG}")["automountServiceAccountToken"] is False


def test_who_needs_the_database_takes_it_from_the_same_secret(objects: list[Object]) -> None:
    variables = {
        (each["name"], *each["valueFrom"]["secretKeyRef"].values())
        for pod in pods(objects).values()
        for each in container(pod).get("env", [])
        if "valueFrom" in each
    }
    assert {variable for variable, *_ in variables} == {"DATABASE_URL", "PRODUCTION_DATABASE_URL"}
    assert len({tuple(sorted(where)) for _, *where in variables}) == 1


def test_a_pod_that_stops_has_time_for_its_longest_request(
    objects: list[Object], deploy: Path
) -> None:
    pod = deployment(objects)["template"]["spec"]
    started = json.loads(dict(stages(deploy.parent / "Dockerfile")["service"])["CMD"])
    graceful = int(started[started.index("--timeout-graceful-shutdown") + 1])
    telling = container({"spec": pod})["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert telling + graceful + stop_of_telemetry(deploy) < pod["terminationGracePeriodSeconds"]
    wait = sum(
        default(deploy, f"database_{which}_timeout") for which in ("pool", "connect", "statement")
    )
    assert wait < graceful


def stop_of_telemetry(deploy: Path) -> int:
    """How long the README says that it may take to stop while no collector answers, in seconds."""
    [seconds] = re.findall(r"takes up to (\d+) seconds more", readme(deploy))
    return int(seconds)


def readme(deploy: Path) -> str:
    return " ".join((deploy.parent / "README.md").read_text(encoding="utf-8").split())


def default(deploy: Path, setting: str) -> int:
    text = (deploy.parent / "src/infrastructure/settings.py").read_text(encoding="utf-8")
    [value] = re.findall(rf"^    {setting}: \w+ = (\d+)$", text, re.MULTILINE)
    return int(value)


def test_all_pods_of_a_rollout_fit_into_the_connections_of_postgresql(
    objects: list[Object], deploy: Path
) -> None:
    scaled = one(objects, f"HorizontalPodAutoscaler/{SLUG}")["spec"]
    target = scaled["scaleTargetRef"]
    assert f"{target['kind']}/{target['name']}" == f"Deployment/{SLUG}"
    assert "replicas" not in deployment(objects), "it would undo what the autoscaler does"
    rollout = deployment(objects)["strategy"]["rollingUpdate"]
    assert rollout["maxUnavailable"] == 0
    each = default(deploy, "database_pool_size") + default(deploy, "database_max_overflow") + 1
    most = (scaled["maxReplicas"] + rollout["maxSurge"]) * each
    assert most + OTHER_CONNECTIONS <= 100
    if scaled["maxReplicas"] == 6:
        assert f"may take {most} connections" in readme(deploy)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_service_starts_with_the_settings_of_the_overlay(
    built: Built, service: Path, environment: str
) -> None:
    objects = built(environment)
    [settings] = [each for each in objects if each["kind"] == "ConfigMap"]
    api = container(deployment(objects)["template"])
    assert api["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
    read = "from infrastructure.settings import read_settings; print(read_settings().environment)"
    given = {"DATABASE_URL": "postgresql://app@db/app", "PYTHONPATH": str(service / "src")}
    python = service / ".venv" / "bin" / "python"
    started = run(python, "-B", "-c", read, at=service, env=settings["data"] | given)
    assert started.stdout.strip() == environment, started.stderr


# Releases


def test_a_release_by_the_words_of_the_readme_sets_two_digests_and_changes_nothing_else(
    copy: Path, deploy: Path
) -> None:
    overlay = copy / "overlays" / "production"
    before = kustomize("build", at=overlay)
    images = [f"registry.example.com/{SLUG}{part}" for part in ("", "-migrate")]
    used = {container(pod)["image"] for pod in pods(list(yaml.safe_load_all(before))).values()}
    assert used == {f"{image}@sha256:{'0' * 64}" for image in images}

    text = (deploy.parent / "README.md").read_text(encoding="utf-8").replace("\\\n", "")
    [command] = re.findall(r"^kustomize (edit set image .*)", text, re.MULTILINE)
    for image, digit in zip(images, "ab", strict=True):
        command = command.replace(f"{image}@sha256:...", f"{image}@sha256:{digit * 64}")
        before = before.replace(f"{image}@sha256:{'0' * 64}", f"{image}@sha256:{digit * 64}")
    kustomize(*command.split(), at=overlay)
    assert kustomize("build", at=overlay) == before
    text = (overlay / "kustomization.yaml").read_text(encoding="utf-8")
    assert "a release sets both digests.\nimages:\n" in text, "comments stay where they belong"
    assert "\nconfigMapGenerator:\n- behavior: merge\n  literals:\n" in text


def release(
    copy: Path, environment: str, *images: str, fails: str = "nothing"
) -> tuple[int, list[str], str]:
    """What comes of release.sh: its exit code, the calls of a kubectl that only takes notes, and
    what it said."""
    (copy / "bin").mkdir()
    kubectl, calls = copy / "bin" / "kubectl", copy / "calls"
    kubectl.write_text(KUBECTL, encoding="utf-8")
    kubectl.chmod(0o755)
    calls.touch()
    path = os.pathsep.join([str(kubectl.parent), os.environ["PATH"]])
    env = {"PATH": path, "CALLS": str(calls), "FAILS": fails}
    done = run("deploy/release.sh", environment, *images, at=copy.parent, env=env)
    return done.returncode, calls.read_text(encoding="utf-8").splitlines(), done.stderr


def test_kubectl_migrates_first_and_replaces_the_job_of_the_last_release(
    copy: Path, built: Built
) -> None:
    code, calls, said = release(copy, "production")
    assert code == 0, said
    here, migrate = f"--namespace {SLUG}-production", f"job/{SLUG}-migrate"
    without_api = "--selector app.kubernetes.io/component!=api"
    assert calls == [
        f"{here} delete {migrate} --ignore-not-found",
        f"apply -k deploy/overlays/production {without_api}",
        f"{here} wait {migrate} --for=jsonpath={{.status.conditions}} --timeout=11m",
        f"{here} wait {migrate} --for=condition=complete --timeout=30s",
        "apply -k deploy/overlays/production",
        f"{here} rollout status deployment/{SLUG} --timeout=11m",
    ]
    held = [
        name(each)
        for each in built("production")
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "api"
    ]
    assert held == [f"Deployment/{SLUG}"]
    assert job(built("production"), "migrate")["spec"]["activeDeadlineSeconds"] < 11 * 60


def test_kubectl_leaves_the_service_alone_when_migrations_fail(copy: Path) -> None:
    code, calls, said = release(copy, "production", fails="condition=complete")
    assert code == 1
    assert calls[-1].endswith(f"logs job/{SLUG}-migrate")
    assert sum(call.startswith("apply") for call in calls) == 1
    assert "the migrations were not applied; the service still runs as before" in said


@pytest.mark.parametrize(
    "images",
    [
        ("registry.example.com/a@sha256:1",),
        ("registry.example.com/a:v1", "registry.example.com/b:v1"),
        ("registry.example.com/a@sha256:1", ""),
    ],
)
def test_a_release_names_both_images_by_digest_or_changes_nothing(
    copy: Path, images: tuple[str, ...]
) -> None:
    overlay = copy / "overlays/production/kustomization.yaml"
    before = overlay.read_bytes()
    code, calls, said = release(copy, "production", *images)
    assert (code, calls) == (1, [])
    assert "names both images by digest: ...@sha256:... Nothing was deployed." in said
    assert overlay.read_bytes() == before


@pytest.mark.parametrize("tool", ["kubectl", "kustomize"])
def test_a_tool_that_is_missing_is_named_before_anything_is_changed(
    copy: Path, tmp_path: Path, tool: str
) -> None:
    programs_folder = tmp_path / "programs"
    programs_folder.mkdir()
    programs = path_without(programs_folder, "kubectl", "kustomize")
    [other] = {"kubectl", "kustomize"} - {tool}
    (programs_folder / other).write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    (programs_folder / other).chmod(0o755)
    images = [f"registry.example.com/{each}@sha256:1" for each in "ab"]
    done = run("deploy/release.sh", "staging", *images, at=copy.parent, env=programs)
    assert done.returncode == 1
    assert f"error: {tool} is not installed. Nothing was deployed." in done.stderr


@pytest.mark.parametrize("environment", ["", "prod", "../kubernetes"])
def test_an_unknown_environment_is_refused_and_the_known_are_named(
    copy: Path, environment: str
) -> None:
    code, calls, said = release(copy, environment)
    assert (code, calls) == (1, [])
    assert "one of: production staging" in said


# Argo CD


@pytest.fixture(scope="session")
def application_sets() -> Object:
    """The schema of an ApplicationSet, which allows nothing that it does not name."""
    downloaded = run(find_go(), "mod", "download", "-json", ARGO_CD, at=Path("/"))
    assert downloaded.returncode == 0, downloaded.stdout + downloaded.stderr
    folder = Path(json.loads(downloaded.stdout)["Dir"], "manifests", "crds")
    text = (folder / "applicationset-crd.yaml").read_text(encoding="utf-8")
    [version] = yaml.load(text, yaml.CSafeLoader)["spec"]["versions"]
    schema: Object = version["schema"]["openAPIV3Schema"]
    for each in nested(schema):
        if "properties" in each and not each.get("x-kubernetes-preserve-unknown-fields"):
            each["additionalProperties"] = False
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def nested(schema: Object) -> Iterator[Object]:
    """It, and all schemas in it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), schema.get("items", {})]
    for each in inner:
        yield from nested(each) if each else ()


def test_the_application_set_is_valid_and_a_misspelt_field_would_be_seen(
    deploy: Path, application_sets: Object
) -> None:
    validator = jsonschema.Draft202012Validator(application_sets)
    text = (deploy / "argocd/application-set.yaml").read_text(encoding="utf-8")
    assert [each.message for each in validator.iter_errors(yaml.safe_load(text))] == []
    misspelt = yaml.safe_load(text.replace(" selfHeal:", " selfHeals:"))
    [error] = validator.iter_errors(misspelt)
    assert "'selfHeals' was unexpected" in error.message


def test_argo_cd_has_an_application_for_each_overlay(deploy: Path, built: Built) -> None:
    spec = load(deploy / "argocd/application-set.yaml")["spec"]
    [generator] = spec["generators"]
    elements = generator["list"]["elements"]
    assert {each["environment"] for each in elements} == set(ENVIRONMENTS)
    for element in elements:
        text = json.dumps(spec["template"])
        for parameter, value in element.items():
            text = text.replace(f"{{{{ .{parameter} }}}}", value)
        assert "{{" not in text
        application = json.loads(text)
        source = application["spec"]["source"]
        overlay = deploy.parent / source["path"]
        assert (overlay / "kustomization.yaml").is_file()
        for component in source["kustomize"]["components"]:
            assert load(overlay / component / "kustomization.yaml")["kind"] == "Component"
        namespaces = {each["metadata"]["namespace"] for each in built(element["environment"])}
        assert namespaces == {application["spec"]["destination"]["namespace"]}


def test_argo_cd_migrates_before_it_deploys_and_tests_the_service_after(
    objects: list[Object],
) -> None:
    hook = "argocd.argoproj.io/hook"
    for each, phase in HOOKS.items():
        assert job(objects, each)["metadata"]["annotations"] == {
            hook: phase,
            f"{hook}-delete-policy": "BeforeHookCreation",
        }
    assert job(objects, "migrate")["spec"]["backoffLimit"] == 0


def test_the_jobs_need_nothing_that_the_first_sync_has_not_made_yet(objects: list[Object]) -> None:
    for each in ("migrate", "sync-failed"):
        pod = job(objects, each)["spec"]["template"]
        assert {"serviceAccountName", "volumes"} & pod["spec"].keys() == set()
        assert "envFrom" not in container(pod)


def test_the_smoke_test_passes_once_the_service_is_ready(fork: Path, built: Built) -> None:
    smoke = container(job(built("production"), "smoke-test")["spec"]["template"])
    [variable] = smoke["env"]
    assert variable == {"name": "SERVICE_URL", "value": f"http://{SLUG}"}
    python, *arguments = smoke["command"]
    assert python == "python"
    port = free_port()

    def smoke_test() -> tuple[int, str]:
        env = {"SERVICE_URL": f"http://127.0.0.1:{port}"}
        done = run(sys.executable, *arguments, at=fork, env=env)
        return done.returncode, done.stdout + done.stderr

    with served(fork, port):
        code, said = smoke_test()
        assert code == 1
        assert said.splitlines() == ["/readyz 503", "/readyz: expected 200"]
        run("make", "migrate", at=fork).check_returncode()
        code, said = smoke_test()
        assert (code, said.splitlines()) == (0, ["/readyz 200", "/users 401"])
