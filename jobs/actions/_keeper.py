"""Keeps actions moving: makes what was approved, verifies what was made, follows what is rolled out.

Everything it knows is found in the store and each step is one transaction, so it makes no difference which process
takes it, how often, or when one was interrupted; what it remembers only saves work.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

from jobs.actions import ACTION_TYPES
from jobs.actions._action import CONVOTEST, Action, ActionState, Outcome
from jobs.actions._faults import reached
from jobs.actions._lifecycle import cards_of, parent_of, roll_out, standing_window
from jobs.actions._propose import check_change
from jobs.actions._tell import tell_owner
from jobs.actions._verify import experiments_of, outcome_of, start_experiments
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.experiments.experiment import OVER
from jobs.model import MadeVariant
from jobs.rollout.lifecycle import RolloutKeeper
from jobs.rollout.rollout import Measure, Rollout
from jobs.store.rollouts import Audited
from jobs.store.variants import in_force_number, make_variant
from jobs.variants import free_name, new_variant

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


class ActionKeeper:
    """Looks after the actions and rollouts of all workspaces, in each process that plays."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._rollouts = RolloutKeeper(ports)
        self._played: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve(), name="actions")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _serve(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the actions could not be looked after; it is tried again")
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Do what is to be done for each action and rollout, now."""
        await self._rollouts.look()
        for action in await self._ports.store.actions.overdue():
            await self._move(action, "expired", "action expire", note="nobody decided in time")
        for action in await self._ports.store.actions.awake():
            await self._move(action, None, None, asleep_until=None)
        for action in await self._ports.store.actions.under_way():
            await self._look_after(action)

    async def _look_after(self, action: Action) -> None:
        try:
            match action.state:
                case "approved" if ACTION_TYPES[action.kind].is_ours:
                    await self._make(action)
                case "approved":
                    await tell_owner(action, self._ports)
                case "applied" if action.candidate is not None:
                    await self._verify(action)
                case "verified":
                    await self._follow(action)
                case _:
                    return
        except RequestError as error:  # it cannot be done any more, which only whoever proposes anew can change
            log.info("%s cannot go on: %s", action.name, error)
            if action.state in ("approved", "applied"):
                await self._move(action, "expired", "action expire", note=str(error)[:500])

    async def _make(self, action: Action) -> None:
        """The change as a variant of its own; if another one came into force meanwhile, nothing happens this time."""
        ports = self._ports
        number = await self._in_force_number(action)
        parent = await parent_of(action, ports)
        changed = check_change(action, parent, ports)
        assert changed is not None
        name = await free_name(parent, action.workspace_id, ports)
        candidate = new_variant(parent, name, changed.config, ports)
        made = MadeVariant(
            variant=candidate,
            parent=parent.name,
            parent_hash=parent.hash,
            diff="\n".join(action.content.diff),
            author=action.decided_by or "",
            reason=action.content.title,
            action_id=action.id,
            made_at=ports.clock.now(),
        )
        what = self._audited(action, "action apply", f"made {candidate.label} from {parent.label}")
        await ports.store.actions.move(
            action,
            "applied",
            what,
            cards=cards_of(action),
            also=lambda connection: (
                in_force_number(connection, action.workspace_id, action.assistant) == number
                and make_variant(connection, action.workspace_id, made)
            ),
            candidate=name,
            progress=replace(action.progress, attempt=1),
        )
        reached("made")
        ports.bell.ring()

    async def _in_force_number(self, action: Action) -> int:
        decided = await self._ports.store.variants.in_force(action.workspace_id, action.assistant)
        return decided.number if decided else 0

    async def _verify(self, action: Action) -> None:
        progress = action.progress
        if progress.outcome is not None:
            return  # what it leaves open is for people to decide
        experiments = await experiments_of(action, self._ports)
        if not await self._has_begun(action):
            await self._begin(action)
            return
        await self._show(action)
        if any(each.state not in OVER for each in experiments):
            return
        if any(each.state == "cancelled" for each in experiments):
            outcome = Outcome(decision="INCONCLUSIVE", reasons=("its A/B test was cancelled",), pairs=0)
        else:
            outcome = await outcome_of(action, experiments, self._ports)
        reached("judged")
        state: dict[str, ActionState | None] = {"APPROVE": "verified", "REJECT": "rejected", "INCONCLUSIVE": None}
        notes = {"APPROVE": None, "REJECT": f"verification: {outcome.reasons[0]}", "INCONCLUSIVE": None}
        detail = f"{outcome.decision}: {outcome.reasons[0]}"
        moved = await self._move(
            action,
            state[outcome.decision],
            "action verify",
            detail=detail,
            progress=replace(progress, outcome=outcome),
            note=notes[outcome.decision],
        )
        if moved and outcome.decision == "APPROVE" and standing_window(self._ports):
            verified = await self._ports.store.actions.get(action.id)
            if verified is not None:
                with suppress(RequestError):  # another rollout is under way: the button is there
                    await roll_out(verified, by=CONVOTEST, ports=self._ports)

    async def _has_begun(self, action: Action) -> bool:
        """Whether the current attempt has its experiments."""
        key = f"action:{action.id}:{action.progress.attempt}:main"
        main = await self._ports.store.experiments.by_key(action.workspace_id, key)
        return main is not None and main.id in action.progress.experiments

    async def _begin(self, action: Action) -> None:
        candidate = action.candidate or ""
        made = await self._ports.store.variants.made(action.workspace_id, action.assistant, candidate)
        # a change that its owner has made is a variant of the file, with what was tested as its parent
        parent = made.parent if made else action.content.base
        started = await start_experiments(action, parent, candidate, self._ports)
        reached("experiment-started")
        known = dict.fromkeys((*action.progress.experiments, *started))
        await self._move(action, None, None, progress=replace(action.progress, experiments=tuple(known)))

    async def _show(self, action: Action) -> None:
        """The card counts what is played."""
        runs = [each.run.id for every in await experiments_of(action, self._ports) for each in every.runs]
        outcomes = await self._ports.store.experiments.outcomes(runs)
        played = sum(len(each) for each in outcomes.values())
        if self._played.get(action.id) != played:
            self._played[action.id] = played
            for card in cards_of(action):
                await self._ports.store.outbox.want_edit(action.workspace_id, card)
            self._ports.bell.ring()

    async def _follow(self, action: Action) -> None:
        rollout = await self._ports.store.rollouts.get(action.rollout_id or "")
        if rollout is None:
            return
        if rollout.state == "rolled_back":
            await self._move(
                action, "rolled_back", "action roll back", detail=rollout.note or "", note=rollout.note,
                progress=replace(action.progress, live=live_words(rollout)),
            )  # fmt: skip
        elif (said := live_words(rollout)) != action.progress.live:
            await self._move(action, None, None, progress=replace(action.progress, live=said))

    async def _move(
        self, action: Action, state: ActionState | None, verb: str | None, *, detail: str = "", **values: Any
    ) -> bool:
        what = self._audited(action, verb, detail or str(values.get("note") or "")) if verb else None
        moved = await self._ports.store.actions.move(action, state, what, cards=cards_of(action), **values)
        self._ports.bell.ring()
        return moved

    def _audited(self, action: Action, verb: str, detail: str) -> Audited:
        return Audited(member_id=CONVOTEST, verb=verb, detail=f"{action.name} ({action.content.title}): {detail}")


def live_words(rollout: Rollout) -> str:
    """How live customers fared, people and simulated ones apart; empty before anybody said anything."""
    return "; ".join(_measure_words(each) for each in rollout.look.measures if each.name != "errors")


def _measure_words(measure: Measure) -> str:
    who = "people" if measure.crowd == "people" else "simulated customers"
    name = "CSAT" if measure.name == "csat" else "thumbs up"
    shares = [
        f"{1 - each.bad / each.n:.0%} (n={each.n})" if each.n else "– (n=0)"
        for each in (measure.baseline, measure.candidate)
    ]
    return f"{name} of {who}: {shares[0]} → {shares[1]}"
