"""The service as a process of its own, and what it sends to a collector of OpenTelemetry."""

import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from os import environ
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from httpx2 import Client
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pydantic import SecretStr
from structlog.typing import EventDict

from infrastructure.settings import Settings
from main import assemble
from make_token import bearer

SRC = Path(__file__).parents[2] / "src"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
URL = SecretStr("postgresql://127.0.0.1:1/nowhere")

Lines = list[dict[str, Any]]


class Collector(HTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.bodies: defaultdict[str, list[bytes]] = defaultdict(list)

    def spans(self) -> dict[bytes, Span]:
        requests = map(ExportTraceServiceRequest.FromString, self.bodies["/v1/traces"])
        resources = [each for request in requests for each in request.resource_spans]
        assert {told(each.resource)["service.name"] for each in resources} == {"observed"}
        scopes = [scope for each in resources for scope in each.scope_spans]
        return {span.span_id: span for scope in scopes for span in scope.spans}

    def metrics(self) -> dict[str, Metric]:
        requests = map(ExportMetricsServiceRequest.FromString, self.bodies["/v1/metrics"])
        resources = [each for request in requests for each in request.resource_metrics]
        scopes = [scope for each in resources for scope in each.scope_metrics]
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def connections(self) -> dict[str, int]:
        metric = self.metrics().get("db.client.connection.count", Metric())
        points = metric.sum.data_points
        return {told(each)["db.client.connection.state"]: each.as_int for each in points}


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies[self.path].append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def told(it: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in it.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = Thread(target=collector.serve_forever, args=(0.01,))
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


@contextmanager
def running(settings: Settings, **variables: str) -> Iterator[tuple[Client, Lines]]:
    """What is logged is complete when the process has ended, and so is what was sent."""
    ours = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "SERVICE_NAME": "observed",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "main:create_app", "--factory", "--port", "0"],
        cwd=SRC,
        env=environ | ours | variables,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    lines: Lines = []
    try:
        for line in process.stdout:
            lines.append(json.loads(line))
            if (event := lines[-1]["event"]).startswith("Uvicorn running on "):
                with Client(base_url=event.split()[3], headers=bearer("ada")) as client:
                    yield client, lines
                break
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=60)
        lines += map(json.loads, said.splitlines())


def test_a_request_is_a_span_with_its_statements_below_it_metrics_and_a_line_of_the_log(
    settings: Settings, collector: Collector
) -> None:
    traced = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    ada = {"username": "lovelace", "email": "lovelace@example.com"}
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_METRIC_EXPORT_INTERVAL": "100"}
    with running(settings, **there) as (service, lines):
        location = service.post("/users", json=ada).headers["location"]
        assert service.post("/users", json=ada, headers=bearer("bob")).status_code == 409
        assert service.get(location, headers=traced).status_code == 200
        assert service.get("/teams?search=Lovelace").status_code == 200
        assert service.get("/healthz").status_code == service.get("/readyz").status_code == 200
        while collector.connections() != {"used": 0, "idle": 1}:
            time.sleep(0.01)

    spans = collector.spans()
    requests = {span.name: span for span in spans.values() if span.kind == Span.SPAN_KIND_SERVER}
    assert requests.keys() == {"POST /users", "GET /users/{user_id}", "GET /teams"}
    read = requests["GET /users/{user_id}"]
    assert (read.trace_id.hex(), read.parent_span_id.hex()) == (TRACE, PARENT)
    [select] = [span for span in spans.values() if span.parent_span_id == read.span_id]
    assert (select.name, select.kind) == ("SELECT", Span.SPAN_KIND_CLIENT)
    assert told(select)["db.query.text"].startswith("SELECT users.id")
    [line] = [line for line in lines if line.get("trace_id") == TRACE]
    assert (line["event"], line["span_id"]) == ("request", read.span_id.hex())

    [failed] = [span for span in spans.values() if span.status.code == Status.STATUS_CODE_ERROR]
    assert told(failed)["error.type"] == "23505"
    assert told(requests["GET /teams"])["url.query"] == "REDACTED"
    sent = b"".join(body for bodies in collector.bodies.values() for body in bodies)
    password = settings.database_url.get_secret_value().partition("@")[0].rpartition(":")[2]
    for value in ("ovelace", password, bearer("ada")["Authorization"].split(".")[1]):
        assert value.encode() not in sent

    durations = collector.metrics()["http.server.request.duration"].histogram.data_points
    by_route: Counter[str] = Counter()
    for each in durations:
        by_route[told(each)["http.route"]] += each.count
    assert by_route == {"/users": 2, "/users/{user_id}": 1, "/teams": 1}


def test_a_service_whose_collector_is_gone_serves_on_and_says_so_without_tracebacks(
    settings: Settings,
) -> None:
    nobody = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with running(settings, **nobody) as (service, lines):
        assert [service.get("/users").status_code for _ in range(20)] == [200] * 20

    assert [line for line in lines if "exception" in line] == []
    said = [line for line in lines if line["logger"].startswith("opentelemetry")]
    assert {line["level"] for line in said} <= {"warning", "error"}
    assert 0 < len(said) < 20


def test_a_service_that_lacks_the_packages_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, logs: list[EventDict]
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    assemble(Settings(database_url=URL, otel_exporter_otlp_endpoint="http://127.0.0.1:1"))

    [log] = logs
    assert "uv sync --extra telemetry" in log["event"]


def test_what_makes_telemetry_is_not_loaded_where_nobody_wants_it() -> None:
    program = "import sys, main; main.create_app(); print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=SRC,
        env=environ | {"DATABASE_URL": URL.get_secret_value()},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert "fastapi.telemetry" in loaded
    assert not {"opentelemetry.sdk", "infrastructure.telemetry"} & {*loaded}
