"""A/B tests whose sessions are recorded by hand: tasks that were solved under two conditions, e.g. cold and warm."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from uuid6 import uuid7

from jobs.errors import RequestError
from jobs.experiments.experiment import Experiment, ExperimentId
from jobs.model import WorkspaceId
from jobs.ports import Clock
from jobs.store import Store

LESS_IS_BETTER = ("completion_time_seconds", "error_rate", "user_corrections", "message_count")
COLUMNS = ("success", "completion_time_seconds", "error_rate", "tool_success_rate", "user_corrections", "message_count")
MOST_SESSIONS = 10_000
LONGEST_FILE = 32 << 20


class SessionResult(BaseModel):
    """One session as it was recorded; what is not known is left out."""

    model_config = ConfigDict(extra="ignore")

    session_id: str = Field(min_length=1, max_length=200)
    session_type: str = Field(min_length=1, max_length=100)
    task_id: str = Field(min_length=1, max_length=200)
    start_time: datetime | None = None
    end_time: datetime | None = None
    message_count: int | None = Field(default=None, ge=0)
    tool_calls: int | None = Field(default=None, ge=0)
    successful_tool_calls: int | None = Field(default=None, ge=0)
    errors: int | None = Field(default=None, ge=0)
    completion_time_seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    user_corrections: int | None = Field(default=None, ge=0)
    success: bool | None = None
    notes: str | None = Field(default=None, max_length=10_000)


async def create_test(name: str, a: str, b: str, store: Store, clock: Clock, workspace_id: WorkspaceId) -> Experiment:
    """A test to which results can be added; raises RequestError if the name is taken."""
    if not name.strip() or len(name) > 100 or a.casefold() == b.casefold():
        raise RequestError("a test needs a name of up to 100 characters and two different conditions")
    test = Experiment(
        id=ExperimentId(str(uuid7())),
        workspace_id=workspace_id,
        kind="recorded",
        target=name,
        a=a,
        b=b,
        started_by="terminal",
        created_at=clock.now(),
    )
    if not await store.experiments.create(test, key=f"test:{name}"):
        raise RequestError(f"there is a test {name!r} already; `ab list` shows them")
    return test


def parse_sessions(text: str) -> list[SessionResult]:
    """Sessions from JSON: an object, a list of objects, or one object a line.

    Raises:
        RequestError: names the first session that cannot be used, and why.
    """
    if len(text) > LONGEST_FILE:
        raise RequestError(f"this is more than {LONGEST_FILE >> 20} MB of sessions")
    try:
        listed = _objects(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"this is not valid JSON: {error}") from error
    return [session_from(each, number) for number, each in enumerate(listed, 1)]


def session_from(fields: Any, number: int = 1) -> SessionResult:
    """A session from its fields; raises RequestError."""
    if not isinstance(fields, dict):
        raise RequestError(f"session {number} is no JSON object")
    values = cast("dict[str, Any]", fields)
    if isinstance(calls := values.get("tool_calls"), list):  # a list of calls counts as so many
        values = {**values, "tool_calls": len(cast("list[Any]", calls))}
    try:
        return SessionResult.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "session"
        raise RequestError(f"session {number}: {field}: {first['msg']}") from error


def _objects(text: str) -> list[Any]:
    stripped = text.strip()
    if "\n{" in stripped and stripped.startswith("{"):
        try:
            return [json.loads(line) for line in stripped.splitlines() if line.strip()]
        except ValueError:
            pass  # one object over several lines
    document: Any = json.loads(stripped)
    return cast("list[Any]", document) if isinstance(document, list) else [document]


async def add_results(test: Experiment, sessions: Sequence[SessionResult], store: Store) -> int:
    """How many sessions were new; raises RequestError if one belongs to neither condition."""
    if test.kind != "recorded":
        raise RequestError(f"the conversations of {test.target!r} are played; nothing can be added by hand")
    conditions = {name.casefold(): name for name in (test.a, test.b)}
    for each in sessions:
        if each.session_type.casefold() not in conditions:
            known = " and ".join(repr(name) for name in (test.a, test.b))
            raise RequestError(f"session {each.session_id!r} has the type {each.session_type!r}; this test has {known}")
    if len(sessions) + len(await store.experiments.results(test.id)) > MOST_SESSIONS:
        raise RequestError(f"a test holds at most {MOST_SESSIONS:,} sessions")
    return await store.experiments.add_results(
        test.id, {each.session_id: each.model_dump(mode="json") for each in sessions}
    )


def rows_of(test: Experiment, stored: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """The sessions as a table of results; A's come first. A rate without calls is not known."""
    sessions = [SessionResult.model_validate(dict(each)) for each in stored]
    names = {name.casefold(): name for name in (test.a, test.b)}
    sessions.sort(key=lambda each: names[each.session_type.casefold()] != test.a)
    rows = [[names[each.session_type.casefold()], each.task_id, *_values(each)] for each in sessions]
    return ["variant", "scenario", *COLUMNS], rows


def _values(session: SessionResult) -> list[float | None]:
    success = None if session.success is None else float(session.success)
    return [
        success,
        _seconds(session),
        _share(session.errors, session.tool_calls),
        _share(session.successful_tool_calls, session.tool_calls),
        session.user_corrections,
        session.message_count,
    ]


def _seconds(session: SessionResult) -> float | None:
    if session.completion_time_seconds is not None:
        return session.completion_time_seconds
    if session.start_time is None or session.end_time is None:
        return None
    if (session.start_time.tzinfo is None) != (session.end_time.tzinfo is None):
        return None  # one in an unknown zone: how long it took is not known
    took = (session.end_time - session.start_time).total_seconds()
    return took if took >= 0 else None


def _share(part: int | None, of: int | None) -> float | None:
    return part / of if part is not None and of else None
