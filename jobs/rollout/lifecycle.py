"""The use cases around a rollout: begin, widen, take back, keep watch. Nothing heavy is imported here."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from uuid6 import uuid7

from jobs.announce import rollout_card_key, rollout_started
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import Place, Variant, WorkspaceId, short_id
from jobs.rollout.rollout import SHARES, Look, Rollout, RolloutId, Stage
from jobs.rollout.traffic import rate_traffic
from jobs.store.rollouts import Audited
from jobs.variants import variant_in_force

CONVOTEST = "convotest"
"""Who it was when nobody was asked."""
FEWEST_MET = 10
"""Customers that the candidate must have served before a stage ends by itself."""


async def begin_rollout(
    candidate: Variant,
    *,
    by: str,
    workspace_id: WorkspaceId,
    ports: Ports,
    place: Place | None = None,
    action_id: str | None = None,
    parent_key: str | None = None,
    target: str | None = None,
    window: timedelta | None = None,
    key: str | None = None,
) -> Rollout:
    """Let the candidate serve the first share of live customers.

    Args:
        key: the same key is the same rollout.

    Raises:
        RequestError: it is in force already, or another rollout of the assistant is under way.
    """
    rollout = await planned_rollout(
        candidate, by=by, workspace_id=workspace_id, ports=ports, place=place, action_id=action_id,
        parent_key=parent_key, target=target, window=window, key=key,
    )  # fmt: skip
    what = audited(rollout, by, "rollout begin")
    announcements = rollout_started(rollout.id, place, parent_key) if place else ()
    if not await ports.store.rollouts.create(rollout, what, announcements):
        known = await ports.store.rollouts.get(rollout.id)
        if known is None:
            raise RequestError(
                f"a rollout of {candidate.assistant!r} is under way already; finish it or roll it back first"
            )
        return known
    ports.bell.ring()
    return rollout


async def planned_rollout(
    candidate: Variant,
    *,
    by: str,
    workspace_id: WorkspaceId,
    ports: Ports,
    place: Place | None = None,
    action_id: str | None = None,
    parent_key: str | None = None,
    target: str | None = None,
    window: timedelta | None = None,
    key: str | None = None,
) -> Rollout:
    """The rollout as it will begin; raises RequestError if there is nothing to roll out."""
    baseline = await variant_in_force(candidate.assistant, workspace_id, ports)
    if (baseline.name, baseline.hash) == (candidate.name, candidate.hash):
        raise RequestError(f"{candidate.label} is in force already; there is nothing to roll out")
    if window is not None and not timedelta(minutes=1) <= window <= timedelta(days=90):
        raise RequestError("a stage lasts from 1 minute to 90 days")
    now = ports.clock.now()
    return Rollout(
        id=RolloutId(key or str(uuid7())),
        workspace_id=workspace_id,
        assistant=candidate.assistant,
        state="running",
        stage=0,
        shares=SHARES,
        baseline=baseline,
        candidate=candidate,
        action_id=action_id,
        window_s=int(window.total_seconds()) if window else None,
        started_by=by,
        place=place,
        parent_key=parent_key,
        target=target,
        stages=(Stage(share=SHARES[0], at=now, by=by),),
        created_at=now,
        stage_at=now,
    )


async def advance_rollout(
    rollout: Rollout, *, by: str, ports: Ports, expected_stage: int | None = None, place: str = ""
) -> Rollout:
    """Begin the next stage; after the last one the candidate is in force.

    Args:
        expected_stage: the stage that whoever decided was looking at.

    Raises:
        RequestError: it is over, somebody was quicker, harm was found, or the traffic is not split as planned.
    """
    share = rollout.next_share
    if share is None or (expected_stage is not None and rollout.stage != expected_stage):
        raise RequestError(f"{name_of(rollout)} is {state_words(rollout)} already; nothing was changed")
    look = await take_look(rollout, ports)
    if look.harm:
        raise RequestError(f"{look.harm}; it is being rolled back, nothing was widened")
    if not look.is_split_as_planned:
        raise RequestError(
            "the customers are not split as planned (sample-ratio check, p < 0.001), so the figures say nothing; "
            "nothing was widened. Find out why, or roll back"
        )
    what = audited(rollout, by, "rollout widen", detail=f"to {share:.0%}", place=place)
    if not await ports.store.rollouts.advance(rollout, what, by=by, cards=cards_of(rollout)):
        raise RequestError(f"somebody else has just changed {name_of(rollout)}; nothing was changed by you")
    ports.bell.ring()
    return await existing_rollout(rollout.id, rollout.workspace_id, ports)


async def roll_back(rollout: Rollout, *, by: str, reason: str, ports: Ports, place: str = "") -> Rollout:
    """Let the baseline serve everybody again, at once.

    Raises:
        RequestError: it was rolled back already, or another variant is in force since.
    """
    if rollout.state == "rolled_back":
        raise RequestError(f"{name_of(rollout)} was rolled back already; nothing was changed")
    what = audited(rollout, by, "rollout roll back", detail=reason, place=place)
    if not await ports.store.rollouts.roll_back(rollout, what, note=reason, cards=cards_of(rollout)):
        now = await existing_rollout(rollout.id, rollout.workspace_id, ports)
        if now.state == rollout.state:
            raise RequestError(f"another variant is in force since {name_of(rollout)}; nothing was changed")
        if now.state == "finished":  # it was widened to everybody in between: what was asked for still holds
            return await roll_back(now, by=by, reason=reason, ports=ports, place=place)
        raise RequestError(f"{name_of(rollout)} was rolled back already; nothing was changed")
    ports.bell.ring()
    return await existing_rollout(rollout.id, rollout.workspace_id, ports)


async def find_rollout(text: str | None, workspace_id: WorkspaceId, ports: Ports) -> Rollout:
    """The rollout that a person means: an assistant's latest, ``last``, or the end of an id; raises RequestError."""
    recent = await ports.store.rollouts.recent(workspace_id, limit=100)
    if not recent:
        raise RequestError("there was no rollout yet; begin one with: assistants rollout NAME@VARIANT")
    wanted = (text or "last").strip().strip("`").lower()
    if wanted == "last":
        return recent[0]
    of_assistant = [each for each in recent if each.assistant.lower() == wanted]
    found = of_assistant[:1] or [each for each in recent if len(wanted) >= 4 and each.id.endswith(wanted)]
    if len(found) != 1:
        raise RequestError(f"no rollout {text!r}; name an assistant, or a rollout: {_listed(recent[:5])}")
    return found[0]


async def existing_rollout(rollout_id: str, workspace_id: WorkspaceId, ports: Ports) -> Rollout:
    rollout = await ports.store.rollouts.get(rollout_id)
    if rollout is None or rollout.workspace_id != workspace_id:
        raise RequestError("this rollout is not known here any more")
    return rollout


async def take_look(rollout: Rollout, ports: Ports) -> Look:
    """What the live figures say now; computed in the helper process."""
    votes = await ports.store.rollouts.votes(rollout)
    customers = await ports.store.rollouts.customers(rollout)
    return await ports.helper.call(_look, rollout, votes, customers)


def _look(*args: object) -> Look:
    from jobs.rollout.evidence import look_at  # in the helper process only: scipy

    return partial(look_at, *args)()  # type: ignore[arg-type]  # handed on as they came


class RolloutKeeper:
    """Watches rollouts: rates what simulated customers went through, takes back what does harm, widens when the time
    has come. Everything it knows is found in the store; what it remembers only saves work."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._seen: dict[RolloutId, tuple[int, ...]] = {}

    async def look(self) -> None:
        await rate_traffic(self._ports)
        for rollout in await self._ports.store.rollouts.running():
            await self._watch(rollout)

    async def _watch(self, rollout: Rollout) -> None:
        seen = (rollout.stage, *await self._ports.store.rollouts.change_count(rollout))
        if self._seen.get(rollout.id) != seen:
            look = await take_look(rollout, self._ports)
            await self._ports.store.rollouts.save_look(rollout, look, cards=cards_of(rollout))
            rollout = replace(rollout, look=look)
            self._seen[rollout.id] = seen
            self._ports.bell.ring()
        if rollout.look.harm:
            await self._take_back(rollout, rollout.look.harm)
        elif self._is_time(rollout):
            await self._widen(rollout)

    async def _take_back(self, rollout: Rollout, harm: str) -> None:
        what = audited(rollout, CONVOTEST, "rollout roll back", detail=harm)
        await self._ports.store.rollouts.roll_back(rollout, what, note=harm, cards=cards_of(rollout))
        self._ports.bell.ring()

    def _is_time(self, rollout: Rollout) -> bool:
        """Whether the stage has lasted long enough, met enough customers, and its figures can be trusted."""
        if rollout.window_s is None:
            return False
        lasted = self._ports.clock.now() - rollout.stage_at >= timedelta(seconds=rollout.window_s)
        enough = rollout.look.met(rollout.stage, "candidate") >= FEWEST_MET
        return lasted and enough and rollout.look.is_split_as_planned

    async def _widen(self, rollout: Rollout) -> None:
        what = audited(rollout, CONVOTEST, "rollout widen", detail=f"to {rollout.next_share:.0%}")
        await self._ports.store.rollouts.advance(rollout, what, by=CONVOTEST, cards=cards_of(rollout))
        self._ports.bell.ring()


def cards_of(rollout: Rollout) -> tuple[str, ...]:
    """The messages that show how it stands."""
    return (rollout_card_key(rollout.id),) if rollout.place else ()


def audited(rollout: Rollout, by: str, verb: str, *, detail: str = "", place: str = "") -> Audited:
    said = f"{name_of(rollout)}{': ' if detail else ''}{detail}"
    return Audited(member_id=by, verb=verb, detail=said, place=place)


def name_of(rollout: Rollout) -> str:
    return f"rollout {short_id(rollout.id)} of {rollout.candidate.label}"


def state_words(rollout: Rollout) -> str:
    match rollout.state:
        case "running":
            return f"at {rollout.share:.0%}"
        case "finished":
            return "finished"
        case "rolled_back":
            return "rolled back"


def _listed(rollouts: tuple[Rollout, ...]) -> str:
    return ", ".join(f"{short_id(each.id)} ({each.candidate.label})" for each in rollouts)
