"""Structured logs on stderr: one JSON object a line, or a readable line when a person is watching."""

import json
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from jobs.redact import RedactingFilter, install_redaction

_context: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - replaced, never changed
_FIELDS_OF_EVERY_RECORD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "context"}
_TALKATIVE = (
    "aiohttp.access",
    "alembic",
    "apscheduler",
    "asyncio",
    "dbos",
    "httpx",
    "matplotlib",
    "slack_bolt",
    "slack_sdk",
)


@contextmanager
def log_context(*, run_id: str | None = None, workspace_id: str | None = None) -> Generator[None]:
    """Inside, every record says which run and workspace it is about; tasks started inside inherit it."""
    named = {"run_id": run_id, "workspace": workspace_id}
    token = _context.set(_context.get() | {name: value for name, value in named.items() if value})
    try:
        yield
    finally:
        _context.reset(token)


def configure_logging(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Sends all logs, redacted, to ``stream`` (stderr); calling it again replaces what the last call set up."""
    out = stream or sys.stderr
    handler = _StructuredHandler(out)
    handler.setFormatter(ReadableFormatter() if out.isatty() else JsonFormatter())
    handler.addFilter(_remember_context)
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _StructuredHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else "WARNING")
    _let_the_engine_propagate()
    install_redaction()


class _StructuredHandler(logging.StreamHandler[TextIO]):
    """Ours, so that a second call finds it."""


def _remember_context(record: logging.LogRecord) -> bool:
    record.context = _context.get()
    return True


def _let_the_engine_propagate() -> None:
    """DBOS gives its logger a console handler of its own, and cuts it off from the root, unless it has one already."""
    engine = logging.getLogger("dbos")
    if not engine.handlers:
        engine.addHandler(logging.NullHandler())


class JsonFormatter(logging.Formatter):
    """One JSON object: time (UTC), level, logger, message, what the record is about, extra fields, error."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_about(record),
        }
        if record.exc_text:
            entry["error"] = record.exc_text
        if record.stack_info:
            entry["stack"] = record.stack_info
        return json.dumps(entry, ensure_ascii=False, default=str)


class ReadableFormatter(logging.Formatter):
    """Time, level, message, then what the record is about."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        about = " ".join(f"{name}={value}" for name, value in _about(record).items())
        line = _one_line(
            f"{time} {record.levelname.lower():7} {record.getMessage()}" + (f"  [{about}]" if about else "")
        )
        return "\n".join(part for part in (line, record.exc_text, record.stack_info) if part)


def _about(record: logging.LogRecord) -> dict[str, Any]:
    extra = {name: value for name, value in record.__dict__.items() if name not in _FIELDS_OF_EVERY_RECORD}
    return {**record.__dict__.get("context", {}), **extra}


def _one_line(text: str) -> str:
    """Control characters made visible: text from outside can neither fake a second line nor paint the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
