"""Playing the conversations of a run: shard by shard, each conversation to a saved result."""

import asyncio
import logging
from dataclasses import dataclass, replace

from jobs.announce import card_key, conversation_finished, showing
from jobs.bundle import Ports
from jobs.errors import AssistantError, RequestError
from jobs.logs import log_context
from jobs.model import (
    Assessment,
    Conversation,
    GoalProgress,
    Run,
    RunId,
    Tokens,
    Transcript,
    Turn,
    Variant,
)
from jobs.ports import SimulatedUser
from jobs.redact import redact
from jobs.scoring import decide_verdict, score_transcript
from jobs.simulate.conversation import OnTurn, converse
from jobs.store import PlannedConversation

log = logging.getLogger(__name__)

SHARD_SIZE = 25
PLAY_ALONE_FROM = 2
"""Strikes (attempts that took the worker down before their first turn) from which a conversation is played alone."""
TRIES_WHEN_VOID = 2


def shards_of(run: Run) -> range:
    """The shards of a run, 1-based."""
    return range(1, -(-run.planned // SHARD_SIZE) + 1)


async def play_shard(run_id: RunId, shard: int, ports: Ports) -> None:
    """Play what is left of one shard of a run; safe to call again after a crash."""
    run = await ports.store.runs.get(run_id)
    if run is None or run.state not in ("planned", "running"):
        return
    with log_context(run_id=run.id, workspace_id=run.workspace_id):
        waiting = await ports.store.runs.to_play(run_id, first=(shard - 1) * SHARD_SIZE + 1, last=shard * SHARD_SIZE)
        if waiting:
            variant = await _variant_of(run, ports)
            innocent = [each for each in waiting if each.strikes < PLAY_ALONE_FROM]
            suspects = [each for each in waiting if each.strikes >= PLAY_ALONE_FROM]
            await _play_together(run, innocent, variant, ports)
            for planned in suspects:
                async with ports.slots.alone():
                    await _play_saved(run, planned, variant, ports)
    ports.bell.ring()


async def _play_together(run: Run, waiting: list[PlannedConversation], variant: Variant, ports: Ports) -> None:
    async def play(planned: PlannedConversation) -> None:
        async with ports.slots.one(variant):
            await _play_saved(run, planned, variant, ports)

    tasks = [asyncio.create_task(play(planned)) for planned in waiting]
    with ports.live.playing(run.id, tasks):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    broken = [result for result in results if isinstance(result, Exception)]
    if broken:
        raise broken[0]


async def _play_saved(run: Run, planned: PlannedConversation, variant: Variant, ports: Ports) -> None:
    """Play one conversation and save what came of it with what people are shown; void ones are played once more."""
    conversation: Conversation | None = None
    for _ in range(TRIES_WHEN_VOID):
        if planned.strikes > PLAY_ALONE_FROM:
            conversation = _took_the_worker_down(run, planned)
            break
        await ports.store.runs.begin_attempt(planned.id)
        planned = replace(planned, attempt=planned.attempt + 1)
        conversation = await _play(run, planned, variant, ports)
        if conversation.verdict.outcome != "void":
            break
    assert conversation is not None
    await ports.store.runs.finish_conversation(
        conversation,
        announcement=conversation_finished(run, run.place, planned.number) if run.place else None,
        card_key=card_key(run.id),
        showing=showing(run),
    )
    ports.bell.ring()


@dataclass(frozen=True, kw_only=True)
class _Played:
    transcript: Transcript
    assessment: Assessment


async def _play(run: Run, planned: PlannedConversation, variant: Variant, ports: Ports) -> Conversation:
    played = await _play_safely(run, planned, variant, ports)
    turns = played.transcript.turns
    costs = [turn.cost_usd for turn in turns]
    return Conversation(
        id=planned.id,
        run_id=run.id,
        number=planned.number,
        scenario=planned.scenario,
        transcript=played.transcript,
        verdict=decide_verdict(played.transcript, played.assessment),
        assessment=played.assessment,
        scores=await score_transcript(played.transcript, planned.scenario, played.assessment),
        warnings=played.assessment.warnings,
        tokens=sum((turn.tokens for turn in turns), Tokens()),
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        attempts=planned.attempt,
    )


async def _play_safely(run: Run, planned: PlannedConversation, variant: Variant, ports: Ports) -> _Played:
    """Whatever breaks in a simulator or a connector costs one conversation, never the run."""
    user = ports.simulators[run.simulator].begin(planned.scenario)
    writes: list[asyncio.Future[None]] = []
    turns: list[Turn] = []

    async def on_turn(position: int, turn: Turn) -> None:
        turns.append(turn)
        writes.append(await ports.store.runs.add_turn(planned.id, planned.attempt, position, turn))

    try:
        transcript = await _talk(planned, variant, user, on_turn, ports)
        assessment = await user.assess(transcript)
        transcript = _settle(transcript, assessment)
    except AssistantError as error:
        transcript = Transcript(turns=tuple(turns), ended_by="assistant_error", error=redact(str(error)))
        assessment = _nothing_assessed(planned)
    except Exception as error:
        log.exception("conversation %d of run %s broke", planned.number, run.id)
        reason = redact(f"convotest itself failed ({type(error).__name__}); the log has the details")
        transcript = Transcript(turns=tuple(turns), ended_by="harness_error", error=reason)
        assessment = _nothing_assessed(planned)
    await asyncio.gather(*writes)  # a conversation counts only once all of its turns are committed
    return _Played(transcript=transcript, assessment=assessment)


async def _talk(
    planned: PlannedConversation,
    variant: Variant,
    user: SimulatedUser,
    on_turn: OnTurn,
    ports: Ports,
) -> Transcript:
    seed = f"{variant.label}:{planned.scenario.seed}:{planned.number}"
    connector = ports.connectors[variant.connector]
    async with asyncio.timeout(variant.limits.timeout_s):
        session = await connector.open(variant, seed=seed)
    try:
        return await converse(
            planned.scenario,
            user,
            session,
            clock=ports.clock,
            answer_timeout_s=variant.limits.timeout_s,
            on_turn=on_turn,
        )
    finally:
        await session.close()


def _settle(transcript: Transcript, assessment: Assessment) -> Transcript:
    """A customer who left with something unanswered did not reach the goal: patience was the limit."""
    unanswered = any(goal.answered is False for goal in assessment.goals)
    if transcript.ended_by == "goal_reached" and unanswered:
        return replace(transcript, ended_by="limit")
    if transcript.error:
        return replace(transcript, error=redact(transcript.error))
    return transcript


async def _variant_of(run: Run, ports: Ports) -> Variant:
    content_hash = run.stamps["assistant"]
    variant = await ports.store.variants.get(run.workspace_id, run.assistant, run.variant, content_hash)
    if variant is None:
        raise RequestError(f"the variant {run.assistant}@{run.variant} of this run is not in the database")
    return variant


def _took_the_worker_down(run: Run, planned: PlannedConversation) -> Conversation:
    transcript = Transcript(
        turns=(),
        ended_by="harness_error",
        error="this conversation took the worker down three times before its first turn",
    )
    assessment = _nothing_assessed(planned)
    return Conversation(
        id=planned.id,
        run_id=run.id,
        number=planned.number,
        scenario=planned.scenario,
        transcript=transcript,
        verdict=decide_verdict(transcript, assessment),
        assessment=assessment,
        attempts=planned.attempt,
    )


def _nothing_assessed(planned: PlannedConversation) -> Assessment:
    return Assessment(
        goals=tuple(
            GoalProgress(text=goal.text, asked=False, answered=None, turn=None, reason="the conversation broke off")
            for goal in planned.scenario.goals
        )
    )
