import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from main import create_app


@pytest.fixture
def own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is configured is undone after the test."""
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.root.level)
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("own_logging")
def test_each_log_line_is_json_whoever_wrote_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere")
    monkeypatch.setenv("SERVICE_NAME", "demo")

    create_app()
    logging.getLogger("uvicorn.error").info("theirs")
    logging.getLogger("uvicorn.error").debug("too quiet")
    structlog.stdlib.get_logger("ours").error("ours", exc_info=ValueError("cause"))

    theirs, ours = map(json.loads, capsys.readouterr().out.splitlines())
    assert (theirs["event"], theirs["service"], theirs["level"]) == ("theirs", "demo", "info")
    assert (ours["event"], ours["service"], ours["level"]) == ("ours", "demo", "error")
    assert "ValueError: cause" in ours["exception"]
