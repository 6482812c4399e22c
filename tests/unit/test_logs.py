"""What a log line looks like, and that it names its run and leaks nothing."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from jobs.logs import configure_logging, log_context

KEY = "sk-abcdefghijklmnop0123"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, engine = logging.getLogger(), logging.getLogger("dbos")
    before = root.handlers[:], root.level, engine.handlers[:], engine.propagate
    yield
    root.handlers[:], engine.handlers[:] = before[0], before[2]
    root.setLevel(before[1])
    engine.propagate = before[3]


def entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_line_is_a_json_object_with_its_extra_fields() -> None:
    stream = io.StringIO()
    configure_logging("INFO", stream=stream)
    logging.getLogger("jobs.x").info("played %d\nturns", 3, extra={"conversation": 7})
    logging.getLogger("jobs.x").debug("not shown")
    (entry,) = entries(stream)
    assert entry.pop("time").endswith("+00:00")
    assert entry == {"level": "INFO", "logger": "jobs.x", "message": "played 3\nturns", "conversation": 7}


async def test_lines_name_the_run_and_workspace_they_are_about_also_in_tasks() -> None:
    stream = io.StringIO()
    configure_logging("INFO", stream=stream)

    async def work() -> None:
        logging.getLogger("x").info("inside")

    with log_context(workspace_id="T1"), log_context(run_id="r1"):
        await asyncio.create_task(work())
    logging.getLogger("x").info("outside")
    inside, outside = entries(stream)
    assert (inside["run_id"], inside["workspace"]) == ("r1", "T1")
    assert "run_id" not in outside


def test_errors_are_told_with_their_traceback_and_without_secrets() -> None:
    stream = io.StringIO()
    configure_logging("INFO", stream=stream)
    try:
        raise ValueError(f"bad key {KEY}")
    except ValueError:
        logging.getLogger("x").exception("failed with %s", KEY)
    (entry,) = entries(stream)
    assert entry["message"] == "failed with [redacted]"
    assert "ValueError: bad key [redacted]" in entry["error"]
    assert KEY not in stream.getvalue()


def test_configuring_twice_does_not_say_everything_twice() -> None:
    stream = io.StringIO()
    configure_logging("INFO", stream=io.StringIO())
    configure_logging("WARNING", stream=stream)
    logging.getLogger("x").warning("once")
    logging.getLogger("x").info("below the level")
    assert [entry["message"] for entry in entries(stream)] == ["once"]


def test_the_engine_logs_where_everything_logs() -> None:
    stream = io.StringIO()
    logging.getLogger("dbos").handlers.clear()
    configure_logging("INFO", stream=stream)
    logging.getLogger("dbos").warning("key %s", KEY)
    assert [entry["message"] for entry in entries(stream)] == ["key [redacted]"]


def test_on_a_terminal_a_line_is_readable_and_cannot_be_forged() -> None:
    stream = Terminal()
    configure_logging("INFO", stream=stream)
    with log_context(run_id="r1"):
        logging.getLogger("x").warning("hello\n\x1b[31mERROR fake")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("warning hello\\n\\x1b[31mERROR fake  [run_id=r1]")
