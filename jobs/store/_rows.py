"""From values to rows and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, Table
from sqlmodel import SQLModel

from jobs.model import (
    Announcement,
    Assessment,
    Conversation,
    ConversationId,
    Gate,
    OutboxItem,
    Place,
    Run,
    RunId,
    Scenario,
    Score,
    Tokens,
    ToolCall,
    Transcript,
    Turn,
    Verdict,
    WorkspaceId,
)

ResultT = TypeVar("ResultT")
Row = RowMapping | Mapping[str, Any]


def table_of(model: type[SQLModel]) -> Table:
    return cast(Table, model.__table__)  # type: ignore[attr-defined]  # set by SQLModel for table=True


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the ``result`` column of a conversation holds."""

    ended_by: str
    verdict: Verdict
    assessment: Assessment
    error: str | None = None
    scores: Mapping[str, Score] = field(default_factory=dict[str, Score])
    rules: Mapping[str, str] = field(default_factory=dict[str, str])
    warnings: tuple[str, ...] = ()
    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0


@dataclass(frozen=True, kw_only=True)
class TurnDetails:
    """What the ``details`` column of a turn holds."""

    intent: str | None = None
    entities: Mapping[str, str] = field(default_factory=dict[str, str])
    tool_calls: tuple[ToolCall, ...] = ()
    fallback: bool | None = None
    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0


@dataclass(frozen=True, kw_only=True)
class RunDetails:
    """What the ``details`` column of a run holds."""

    stamps: Mapping[str, str]
    notes: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    rules: str | None = None
    per_minute: float | None = None
    budget_usd: float | None = None


_SCENARIO = TypeAdapter(Scenario)
_RESULT = TypeAdapter(Result)
_TURN = TypeAdapter(TurnDetails)
_RUN = TypeAdapter(RunDetails)


def result_of(conversation: Conversation) -> Result:
    return Result(
        ended_by=conversation.transcript.ended_by,
        error=conversation.transcript.error,
        verdict=conversation.verdict,
        assessment=conversation.assessment,
        scores=conversation.scores,
        rules=conversation.rules,
        warnings=conversation.warnings,
        tokens=conversation.tokens,
        cost_usd=conversation.cost_usd,
    )


def turn_row(conversation_id: str, attempt: int, position: int, turn: Turn) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id,
        "attempt": attempt,
        "position": position,
        "speaker": turn.speaker,
        "text": turn.text.replace("\x00", "\N{REPLACEMENT CHARACTER}"),  # PostgreSQL refuses NUL in text
        "latency_ms": turn.latency_ms,
        "details": TurnDetails(
            intent=turn.intent,
            entities=turn.entities,
            tool_calls=turn.tool_calls,
            fallback=turn.fallback,
            tokens=turn.tokens,
            cost_usd=turn.cost_usd,
        ),
    }


def turn_from(row: Row) -> Turn:
    details = _TURN.validate_python(row["details"])
    return Turn(
        speaker=row["speaker"],
        text=row["text"],
        latency_ms=row["latency_ms"],
        intent=details.intent,
        entities=details.entities,
        tool_calls=details.tool_calls,
        fallback=details.fallback,
        tokens=details.tokens,
        cost_usd=details.cost_usd,
    )


def scenario_from(value: Any) -> Scenario:
    return _SCENARIO.validate_python(value)


def conversation_from(row: Row, turns: tuple[Turn, ...], *, context: tuple[Turn, ...] = ()) -> Conversation:
    result = _RESULT.validate_python(row["result"])
    return Conversation(
        id=ConversationId(row["id"]),
        run_id=RunId(row["run_id"]),
        number=row["number"],
        scenario=scenario_from(row["scenario"]),
        transcript=Transcript(turns=turns, ended_by=cast(Any, result.ended_by), error=result.error, context=context),
        verdict=result.verdict,
        assessment=result.assessment,
        scores=result.scores,
        rules=result.rules,
        warnings=result.warnings,
        tokens=result.tokens,
        cost_usd=result.cost_usd,
        attempts=row["attempt"],
    )


def run_row(run: Run, key: str) -> dict[str, Any]:
    return {
        "id": run.id,
        "workspace_id": run.workspace_id,
        "key": key,
        "state": run.state,
        "target": run.target,
        "profile": run.profile,
        "suite": run.suite,
        "assistant": run.assistant,
        "variant": run.variant,
        "simulator": run.simulator,
        "seed": run.seed,
        "planned": run.planned,
        "details": RunDetails(
            stamps=run.stamps,
            notes=run.notes,
            gates=run.gates,
            rules=run.rules,
            per_minute=run.per_minute,
            budget_usd=run.budget_usd,
        ),
        "started_by": run.started_by,
        "channel_id": run.place.channel_id if run.place else None,
        "created_at": run.created_at,
    }


def run_from(row: Row) -> Run:
    details = _RUN.validate_python(row["details"])
    workspace_id = WorkspaceId(row["workspace_id"])
    return Run(
        id=RunId(row["id"]),
        workspace_id=workspace_id,
        state=row["state"],
        target=row["target"],
        profile=row["profile"],
        suite=row["suite"],
        assistant=row["assistant"],
        variant=row["variant"],
        simulator=row["simulator"],
        seed=row["seed"],
        planned=row["planned"],
        stamps=details.stamps,
        notes=details.notes,
        started_by=row["started_by"],
        place=Place(workspace_id=workspace_id, channel_id=row["channel_id"]) if row["channel_id"] else None,
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        note=row["note"],
        gates=details.gates,
        rules=details.rules,
        per_minute=details.per_minute,
        budget_usd=details.budget_usd,
    )


def outbox_item_from(row: Row) -> OutboxItem:
    place = Place(workspace_id=WorkspaceId(row["workspace_id"]), channel_id=row["channel_id"])
    return OutboxItem(
        id=row["id"],
        announcement=Announcement(
            key=row["key"],
            kind=row["kind"],
            place=place,
            ref=row["ref"],
            parent_key=row["parent_key"],
            thread_ts=row["thread_ts"],
            last=row["last"],
        ),
        state=row["state"],
        ts=row["ts"],
        parent_ts=row["parent_ts"],
        file_id=row["file_id"],
        wanted=row["wanted"],
        shown=row["shown"],
        attempts=row["attempts"],
    )
