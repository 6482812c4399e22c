"""Exchanges that are kept to learn from: chosen by a person, without personal data, exported line by line."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from jobs.ask.conversation import LiveConversation
from jobs.errors import RequestError
from jobs.feedback.rating import About
from jobs.model import Conversation, Outcome, Turn, WorkspaceId
from jobs.ports import Clock
from jobs.redact import redact_personal, redact_values
from jobs.store import Store
from jobs.store.feedback import Example, KnownConversation

SHORTEST_END = 8
"""Characters of an id's end that are enough to look for it."""


async def find_conversation(text: str, *, store: Store, workspace_id: WorkspaceId | None) -> KnownConversation:
    """The conversation with that id, or the only one whose id ends so.

    Raises:
        RequestError: there is none, or several.
    """
    long_enough = len(text) >= SHORTEST_END
    found = await store.feedback.conversations_ending(text, workspace_id=workspace_id) if long_enough else []
    if not found:
        raise RequestError(
            f"no conversation {text!r}; 'convotest show RUN --json' lists the ids of a run's conversations"
        )
    if len(found) > 1:
        raise RequestError(f"several conversations end in {text!r}; write more of the id")
    return found[0]


async def keep_examples(
    named: str,
    *,
    store: Store,
    clock: Clock,
    workspace_id: WorkspaceId | None,
    kept_by: str,
    turn: int | None = None,
    position: int | None = None,
    labels: Sequence[str] = (),
) -> tuple[Example, ...]:
    """Keeps the exchanges of a conversation, or only one of them; again changes nothing.

    Args:
        turn: only the exchange of that answer (1-based).
        position: only the exchange that the turn at this place (0-based) belongs to.

    Raises:
        RequestError: there is no such conversation or answer, or it is not finished.
    """
    known = await find_conversation(named, store=store, workspace_id=workspace_id)
    examples = await _all_examples(named, known, store, kept_by=kept_by, at=clock.now(), labels=labels)
    if position is not None:
        examples = tuple(each for each in examples if each.position <= position)[-1:]
    if turn is not None:
        if not 1 <= turn <= len(examples):
            raise RequestError(f"conversation {named!r} has {len(examples)} answers; there is no answer {turn}")
        examples = examples[turn - 1 : turn]
    if not examples:
        raise RequestError(f"conversation {named!r} has no answers to keep")
    await store.feedback.keep(examples)
    return examples


async def _all_examples(
    named: str, known: KnownConversation, store: Store, *, kept_by: str, at: datetime, labels: Sequence[str]
) -> tuple[Example, ...]:
    if known.run_id is None or known.number is None:
        live = await store.live.find(str(known.about.conversation_id))
        if live is None:
            raise RequestError(f"conversation {named!r} is not known any more")
        return live_examples_of(live, known.about, kept_by=kept_by, at=at, labels=labels)
    conversation = await store.runs.conversation(known.run_id, known.number)
    if conversation is None:
        raise RequestError(f"conversation {named!r} is not finished")
    return examples_of(
        conversation, known.about, workspace_id=known.workspace_id, kept_by=kept_by, at=at, labels=labels
    )


def examples_of(
    conversation: Conversation,
    about: About,
    *,
    workspace_id: WorkspaceId,
    kept_by: str,
    at: datetime,
    labels: Sequence[str] = (),
) -> tuple[Example, ...]:
    """One example for each thing the user said and what the assistant answered to it."""
    return _examples(
        conversation.transcript.turns,
        replace(about, conversation_id=conversation.id),
        conversation.verdict.outcome,
        workspace_id=workspace_id,
        kept_by=kept_by,
        at=at,
        labels=labels,
    )


def live_examples_of(
    live: LiveConversation, about: About, *, kept_by: str, at: datetime, labels: Sequence[str] = ()
) -> tuple[Example, ...]:
    """One example for each question of a live thread that was answered; nobody has judged the outcome."""
    failed = {turn.position for turn in live.turns if turn.error is not None}
    examples = _examples(
        [turn.as_turn for turn in live.turns],
        about,
        None,
        workspace_id=live.workspace_id,
        kept_by=kept_by,
        at=at,
        labels=labels,
    )
    return tuple(each for each in examples if each.position + 1 not in failed)


def _examples(
    turns: Sequence[Turn],
    about: About,
    outcome: Outcome | None,
    *,
    workspace_id: WorkspaceId,
    kept_by: str,
    at: datetime,
    labels: Sequence[str],
) -> tuple[Example, ...]:
    assert about.conversation_id is not None
    asked = [place for place, turn in enumerate(turns) if turn.speaker == "user"]
    examples: list[Example] = []
    for place, following in zip(asked, [*asked[1:], len(turns)], strict=True):
        answers = turns[place + 1 : following]
        if answers:
            content = _content(about, outcome, turns[:place], turns[place], answers, labels)
            examples.append(
                Example(
                    workspace_id=workspace_id,
                    conversation_id=about.conversation_id,
                    position=place,
                    content=content,
                    kept_by=kept_by,
                    kept_at=at,
                )
            )
    return tuple(examples)


def _content(
    about: About,
    outcome: Outcome | None,
    before: Sequence[Turn],
    question: Turn,
    answers: Sequence[Turn],
    labels: Sequence[str],
) -> dict[str, Any]:
    latencies = [turn.latency_ms for turn in answers if turn.latency_ms is not None]
    costs = [turn.cost_usd for turn in answers]
    return {
        "conversation_id": about.conversation_id,
        "assistant": about.assistant,
        "variant": about.variant,
        "profile": about.profile,
        "query": redact_personal(question.text),
        "context": [{"speaker": turn.speaker, "text": redact_personal(turn.text)} for turn in before],
        "response": redact_personal("\n".join(turn.text for turn in answers)),
        "tools_used": [
            {"name": call.name, "arguments": redact_values(dict(call.arguments)), "ok": call.ok}
            for turn in answers
            for call in turn.tool_calls
        ],
        "labels": {"outcome": outcome, "tags": list(labels)},
        "latency_ms": sum(latencies) if latencies else None,
        "tokens": {
            "input": sum(turn.tokens.input for turn in answers),
            "output": sum(turn.tokens.output for turn in answers),
        },
        "cost_usd": None if None in costs else sum(cost for cost in costs if cost is not None),
    }
