"""Simulated customers who are served as live ones are, so that a rollout can be watched before anybody real comes.

What they think is kept with the source ``simulated`` and is in no figure about people.
"""

import asyncio
import hashlib
from dataclasses import replace

from uuid6 import uuid7

from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.feedback.given import GivenFeedback
from jobs.feedback.rating import About
from jobs.feedback.record import record_simulated
from jobs.model import Conversation, ConversationId, Run, RunRequest, Scenario
from jobs.planning import new_run_id, plan_run
from jobs.rollout.rollout import ARMS, Arm, Rollout, arm_of, customer_of
from jobs.store.rollouts import TrafficRun
from jobs.suites import draw_suite

USUAL, MOST = 40, 500
CONTENT, MISUNDERSTOOD, DISCONTENT, LET_DOWN = 5, 4, 3, 1
"""Stars of a customer who got what they came for, who was not understood at first, for whom one thing went wrong (one
less for each further thing), and who got no answer."""


async def send_customers(
    rollout: Rollout, n: int, *, by: str, key: str, ports: Ports, target: str | None = None
) -> int:
    """Let ``n`` simulated customers come; how many the candidate serves.

    Args:
        key: the same key brings the same customers, once.

    Raises:
        RequestError: the rollout is over, or there is no profile to draw them from.
    """
    target = target or rollout.target
    if rollout.state != "running":
        raise RequestError("this rollout is over; nobody was sent")
    if target is None:
        raise RequestError("which customers? Name a profile, for example: target=pizza")
    if not 1 <= n <= MOST:
        raise RequestError(f"n={n} makes no sense here; send 1 to {MOST} customers at a time")
    plans = {
        arm: await plan_run(
            RunRequest(
                target=target,
                assistant=rollout.variant(arm).label,
                n=n,
                started_by=by,
                workspace_id=rollout.workspace_id,
            ),
            ports,
        )
        for arm in ARMS
    }
    scenarios = await asyncio.to_thread(draw_suite, plans["baseline"].suite, seed=_seed(key), n=n)
    keys = [f"simulated:{key}:{number}" for number in range(1, n + 1)]
    arms: list[Arm] = [arm_of(rollout.id, each, rollout.share) for each in keys]
    runs: list[TrafficRun] = []
    for arm in ARMS:
        mine = [scenario for scenario, served in zip(scenarios, arms, strict=True) if served == arm]
        if mine:
            plan = plans[arm]
            await ports.store.variants.save(rollout.workspace_id, plan.variant)
            run = Run(
                id=new_run_id(),
                workspace_id=rollout.workspace_id,
                state="planned",
                target=target,
                profile=plan.suite.stem,
                suite=plan.suite.name and plan.suite.stem,
                assistant=plan.variant.assistant,
                variant=plan.variant.name,
                simulator=plan.simulator,
                seed=_seed(key),
                planned=len(mine),
                stamps=plan.stamps,
                notes=(f"simulated live customers of rollout {rollout.id}",),
                started_by=by,
                place=None,
                created_at=ports.clock.now(),
            )
            runs.append(TrafficRun(run=run, arm=arm, conversations=_with_ids(mine)))
    customers: dict[str, Arm] = dict(zip((customer_of(rollout.id, each) for each in keys), arms, strict=True))
    if not await ports.store.rollouts.add_traffic(rollout, runs, customers, key=f"{rollout.id}:{key}"):
        raise RequestError("these customers were sent already; nothing was started again")
    ports.bell.ring()
    return arms.count("candidate")


async def rate_traffic(ports: Ports) -> None:
    """Let the simulated customers of finished runs say how content they were, once each."""
    for run_id, _, _ in await ports.store.rollouts.unrated_traffic():
        run = await ports.store.runs.get(run_id)
        for conversation in await ports.store.runs.conversations(run_id) if run else ():
            stars = stars_of(conversation)
            if run and stars is not None:
                about = About(
                    conversation_id=conversation.id,
                    assistant=run.assistant,
                    variant=run.variant,
                    profile=run.profile,
                    persona=conversation.scenario.persona,
                )
                said = GivenFeedback(rating=stars, feedback_text="; ".join(conversation.verdict.reasons) or None)
                await record_simulated(
                    said, about, store=ports.store, workspace_id=run.workspace_id, at=ports.clock.now()
                )
        await ports.store.rollouts.mark_rated(run_id)
        ports.bell.ring()


def stars_of(conversation: Conversation) -> int | None:
    """How content the simulated customer was; None where nobody can tell."""
    match conversation.verdict.outcome:
        case "passed":
            turns = conversation.transcript.turns
            return MISUNDERSTOOD if any(turn.fallback for turn in turns) else CONTENT
        case "failed":
            return max(LET_DOWN, DISCONTENT + 1 - max(1, len(conversation.verdict.reasons)))
        case "assistant_error":
            return LET_DOWN
        case _:
            return None


def _seed(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) & (2**31 - 1)


def _with_ids(scenarios: list[Scenario]) -> list[tuple[ConversationId, Scenario]]:
    numbered = (replace(each, number=number) for number, each in enumerate(scenarios, 1))
    return [(ConversationId(str(uuid7())), each) for each in numbered]
