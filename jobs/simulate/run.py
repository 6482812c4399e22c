"""Playing the conversations of a run: shard by shard, each conversation to a saved result."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from jobs.announce import card_key, conversation_finished, showing
from jobs.assistants import CONNECTORS
from jobs.bundle import Ports
from jobs.errors import AssistantError, ConfigurationError, RequestError
from jobs.judge import Judge
from jobs.logs import log_context
from jobs.model import (
    Assessment,
    Conversation,
    EndedBy,
    GoalProgress,
    Run,
    RunId,
    Transcript,
    Turn,
    Variant,
)
from jobs.ports import SimulatedUser, UserSimulator
from jobs.redact import redact
from jobs.run_models import ConversationModels, RunModels
from jobs.scoring import decide_verdict, score_transcript, with_quality
from jobs.simulate.conversation import OnTurn, converse, warm_up
from jobs.simulate.judged import assessed
from jobs.simulate.pace import its_turn
from jobs.simulate.scripted import ScriptedUser
from jobs.store import PlannedConversation, Showing

log = logging.getLogger(__name__)

Place = Callable[[], AbstractAsyncContextManager[None]]
"""Waits until there is a place to talk in, and gives it back."""
OnTalked = Callable[[], Awaitable[None]]

SHARD_SIZE = 25
MOST_UNSCORED = 25
"""Conversations that wait to be scored from which one keeps its place until it is: talking must not outrun scoring."""
PLAY_ALONE_FROM = 2
"""Strikes (attempts that took the worker down before their first turn) from which a conversation is played alone."""
TRIES_WHEN_VOID = 2
TOOK_THE_WORKER_DOWN = "this conversation took the worker down three times before its first turn"
LONGEST_QUEUE_S = 900.0


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
            of = _Shard(
                run=run,
                variant=await _variant_of(run, ports),
                models=await _models_of(run, ports),
                showing=await showing(run, ports),
            )
            innocent = [each for each in waiting if each.strikes < PLAY_ALONE_FROM]
            suspects = [each for each in waiting if each.strikes >= PLAY_ALONE_FROM]
            await _play_together(of, innocent, ports)
            for planned in suspects:
                async with ports.slots.alone():
                    await _play_saved(of, planned, ports, place=nullcontext)
    ports.bell.ring()


async def _models_of(run: Run, ports: Ports) -> RunModels:
    """The models for this run; its budget goes on where an earlier process left it."""
    spent_usd = 0.0
    is_limited = ports.models.budget_usd is not None or run.budget_usd is not None
    if is_limited and not ports.models.plays(run.id):
        spent_usd = sum(each.cost_usd or 0.0 for each in await ports.store.runs.conversations(run.id))
    if "prices" in run.stamps:
        await ports.models.prepare()
    return ports.models.of_run(run.id, spent_usd=spent_usd, limit_usd=run.budget_usd)


@dataclass(frozen=True, kw_only=True)
class _Shard:
    """What the conversations of a shard have in common."""

    run: Run
    variant: Variant
    models: RunModels
    showing: Showing | None


async def _play_together(of: _Shard, waiting: list[PlannedConversation], ports: Ports) -> None:
    place = partial(ports.slots.one, of.run.id, of.variant)
    tasks = [asyncio.create_task(_play_in_turn(of, planned, ports, place=place)) for planned in waiting]
    with ports.live.playing(of.run.id, tasks):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    broken = [result for result in results if isinstance(result, Exception)]
    if broken:
        raise broken[0]


async def _play_in_turn(of: _Shard, planned: PlannedConversation, ports: Ports, *, place: Place) -> None:
    await its_turn(of.run, planned.number, ports.clock)
    await _play_saved(of, planned, ports, place=place)


async def _play_saved(of: _Shard, planned: PlannedConversation, ports: Ports, *, place: Place) -> None:
    """Play one conversation and save what came of it with what people are shown; void ones are played once more."""
    run, models = of.run, of.models
    conversation: Conversation | None = None
    attempt: _Attempt | None = None
    of_conversation = models.conversation()
    case = planned.scenario.case
    for _ in range(TRIES_WHEN_VOID):
        async with AsyncExitStack() as held:
            await held.enter_async_context(place())
            if case and case.skip:
                conversation = _unplayed(run, planned, "skipped", case.skip)
                break
            if planned.strikes > PLAY_ALONE_FROM:
                conversation = _unplayed(run, planned, "harness_error", TOOK_THE_WORKER_DOWN)
                break
            if models.stopped:
                conversation = conversation or _unplayed(run, planned, models.stopped.ended_by, models.stopped.reason)
                break
            if not await ports.store.runs.begin_attempt(planned.id):
                return
            planned = replace(planned, attempt=planned.attempt + 1)
            # the next one may talk while this one is scored and saved
            attempt = _Attempt(planned=planned, models=of_conversation, on_talked=held.aclose)
            conversation = await _play(run, of.variant, attempt, ports)
        if conversation.verdict.outcome != "void":
            break
    assert conversation is not None
    if models.stopped:
        await ports.store.runs.note_end(run.id, redact(f"stopped: {models.stopped.reason}"))
    await ports.store.runs.finish_conversation(
        conversation,
        announcement=conversation_finished(run, run.place, planned.number) if run.place else None,
        card_key=card_key(run.id),
        showing=of.showing,
    )
    for write in attempt.writes if attempt else ():  # in the same commit or an earlier one
        await write
    ports.bell.ring()


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """One attempt at a conversation.

    Args:
        on_talked: to be called when the last word is spoken.
        writes: resolve when the turns are committed.
    """

    planned: PlannedConversation
    models: ConversationModels
    on_talked: OnTalked
    writes: list["asyncio.Future[None]"] = field(default_factory=list["asyncio.Future[None]"])


@dataclass(frozen=True, kw_only=True)
class _Played:
    transcript: Transcript
    assessment: Assessment


async def _play(run: Run, variant: Variant, attempt: _Attempt, ports: Ports) -> Conversation:
    planned, models = attempt.planned, attempt.models
    judge = _judge(models, ports)
    played = await _play_safely(run, variant, attempt, judge, ports)
    await ports.slots.scoring.turn()
    scores = await score_transcript(played.transcript, planned.scenario, played.assessment, judge=judge)
    assessment = with_quality(played.assessment, planned.scenario, scores)
    tokens, cost_usd = models.spent((*played.transcript.context, *played.transcript.turns))
    return Conversation(
        id=planned.id,
        run_id=run.id,
        number=planned.number,
        scenario=planned.scenario,
        transcript=played.transcript,
        verdict=decide_verdict(played.transcript, assessment),
        assessment=assessment,
        scores=scores,
        warnings=assessment.warnings,
        tokens=tokens,
        cost_usd=cost_usd,
        attempts=planned.attempt,
    )


def _judge(models: ConversationModels, ports: Ports) -> Judge | None:
    model = ports.settings.convotest_judge_model
    if model is None or not ports.models.configured:
        return None
    try:
        return Judge(models.model(), model=model, judgements=ports.judgements)
    except ConfigurationError as error:
        log.error("there is no judge: %s", error)  # a run may outlive the settings it was planned with
        return None


def _customer(run: Run, planned: PlannedConversation, models: ConversationModels, ports: Ports) -> SimulatedUser:
    """Whoever talks: a test case says what stands in it, everybody else is simulated."""
    if case := planned.scenario.case:
        return ScriptedUser(planned.scenario, case)
    return _simulator(run, ports).begin(planned.scenario, models=models)


def _simulator(run: Run, ports: Ports) -> UserSimulator:
    if run.simulator not in ports.simulators:
        raise ConfigurationError(
            f"this run's customers are played by {run.simulator!r}, which cannot be used here: set OPENAI_API_KEY or "
            "OPENAI_BASE_URL as when it was started"
        )
    return ports.simulators[run.simulator]


async def _play_safely(run: Run, variant: Variant, attempt: _Attempt, judge: Judge | None, ports: Ports) -> _Played:
    """Whatever breaks in a simulator or a connector costs one conversation, never the run."""
    planned, models = attempt.planned, attempt.models
    turns: list[Turn] = []
    context: list[Turn] = []

    async def on_turn(position: int, turn: Turn) -> None:
        (turns if position >= 0 else context).append(turn)
        attempt.writes.append(await ports.store.runs.add_turn(planned.id, planned.attempt, position, turn))

    try:
        user = _customer(run, planned, models, ports)
        transcript = await _talk(planned, variant, user, models, on_turn, ports)
        if ports.slots.scoring.waiting < MOST_UNSCORED:
            await attempt.on_talked()
        await ports.slots.scoring.turn()
        assessment = await assessed(user, transcript, planned.scenario, judge)
        transcript = _settle(transcript, assessment)
    except (AssistantError, ConfigurationError) as error:
        ended_by: EndedBy = "assistant_error" if isinstance(error, AssistantError) else "harness_error"
        transcript = Transcript(turns=tuple(turns), ended_by=ended_by, error=redact(str(error)), context=tuple(context))
        assessment = _nothing_assessed(planned)
    except Exception as error:
        log.exception("conversation %d of run %s broke", planned.number, run.id)
        reason = redact(f"convotest itself failed ({type(error).__name__}); the log has the details")
        transcript = Transcript(turns=tuple(turns), ended_by="harness_error", error=reason, context=tuple(context))
        assessment = _nothing_assessed(planned)
    return _Played(transcript=transcript, assessment=assessment)


async def _talk(
    planned: PlannedConversation,
    variant: Variant,
    user: SimulatedUser,
    models: ConversationModels,
    on_turn: OnTurn,
    ports: Ports,
) -> Transcript:
    seed = f"{variant.label}:{planned.scenario.seed}:{planned.number}"
    connector = ports.connectors[variant.connector]
    try:
        async with asyncio.timeout(variant.limits.timeout_s):
            session = await connector.open(variant, seed=seed, models=models)
    except TimeoutError as error:
        raise AssistantError(
            f"no conversation could be opened within {variant.limits.timeout_s:g} s", permanent=False
        ) from error
    try:
        context: tuple[Turn, ...] = ()
        scenario, patience_s = planned.scenario, _patience_s(variant)
        if variant.warm_up:
            warmed = await warm_up(
                variant.warm_up, scenario, session, clock=ports.clock, answer_timeout_s=patience_s, on_turn=on_turn
            )
            if warmed.ended_by is not None:
                return Transcript(turns=(), ended_by=warmed.ended_by, error=warmed.error, context=warmed.turns)
            context, scenario = warmed.turns, replace(scenario, assistant_starts=False)
        transcript = await converse(
            scenario, user, session, clock=ports.clock, answer_timeout_s=patience_s, on_turn=on_turn
        )
        return replace(transcript, context=context) if context else transcript
    finally:
        await session.close()


def _patience_s(variant: Variant) -> float:
    """How long an answer may take at most; a connector that keeps time itself leaves out the wait in our own queue."""
    queue_s = LONGEST_QUEUE_S if CONNECTORS[variant.connector].keeps_time else 0.0
    return variant.limits.timeout_s + queue_s


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


def _unplayed(run: Run, planned: PlannedConversation, ended_by: EndedBy, error: str) -> Conversation:
    transcript = Transcript(turns=(), ended_by=ended_by, error=redact(error))
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
