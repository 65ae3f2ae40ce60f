"""Traces and metrics by OpenTelemetry. Imported only where they are sent somewhere, see `main`.

FastAPI makes those of requests, and exports all of them as the variables OTEL_... say; here is what
it cannot know: the name of the service, its statements, and its pool of connections.
"""

from collections.abc import Iterator
from typing import Any, cast

import psycopg
from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import Engine, QueuePool, event
from sqlalchemy.engine import ExceptionContext


def observe(engine: Engine, service_name: str) -> None:
    """Once in a process; the name is one that the standard variables do not give."""
    named = Resource.create().merge(Resource({"service.name": service_name}))
    resource = named.merge(OTELResourceDetector().detect())
    tracing = TracerProvider(resource=resource, shutdown_on_exit=False)  # FastAPI ends what exports
    tracing.add_span_processor(_LeaveOutQueries())
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider(resource=resource, shutdown_on_exit=False))
    _trace_statements(engine)
    _count_connections(engine)


class _LeaveOutQueries(SpanProcessor):
    """What is searched for may be the name of somebody."""

    def on_start(self, span: Span, *_: Any, **_context: Any) -> None:
        if span.attributes and "url.query" in span.attributes:
            span.set_attribute("url.query", "REDACTED")


def _trace_statements(engine: Engine) -> None:
    """A span for each, with its text; the values are no part of that."""
    tracer = trace.get_tracer(__name__)

    @event.listens_for(engine, "before_cursor_execute")
    def begin(_: Any, _cursor: Any, statement: str, _values: Any, execution: Any, _m: Any) -> None:
        operation = statement.split(None, 1)[0].upper()
        attributes = {
            "db.system.name": "postgresql",
            "db.operation.name": operation,
            "db.query.text": statement,
        }
        span = tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)
        execution.telemetry_span = span

    @event.listens_for(engine, "after_cursor_execute")
    def end(_: Any, _cursor: Any, _s: str, _values: Any, execution: Any, _m: Any) -> None:
        execution.telemetry_span.end()

    @event.listens_for(engine, "handle_error")
    def fail(failure: ExceptionContext) -> None:
        span: trace.Span | None = getattr(failure.execution_context, "telemetry_span", None)
        if span:
            error = failure.original_exception
            state = error.sqlstate if isinstance(error, psycopg.Error) else None
            span.set_attribute("error.type", state or type(error).__name__)
            span.set_status(StatusCode.ERROR)
            span.end()


def _count_connections(engine: Engine) -> None:
    """Asked for when metrics are exported: requests pay nothing for it."""

    def count(_: CallbackOptions) -> Iterator[Observation]:
        pool = cast(QueuePool, engine.pool)
        for state, number in (("used", pool.checkedout()), ("idle", pool.checkedin())):
            yield Observation(number, {**of_pool, "db.client.connection.state": state})

    of_pool = {"db.client.connection.pool.name": engine.url.database or ""}
    metrics.get_meter(__name__).create_observable_up_down_counter(
        "db.client.connection.count", callbacks=[count], unit="{connection}"
    )
