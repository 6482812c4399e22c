"""Keeps regressions moving: plays again what is in doubt, judges, and closes them.

Everything here is found in the store and safe to do twice, so it makes no difference which process does it.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from uuid6 import uuid7

from jobs.announce import card_key
from jobs.bundle import Ports
from jobs.model import Announcement, ConversationId, Run, RunId, Scenario, short_id
from jobs.planning import new_run_id
from jobs.regression.lifecycle import AGAIN, changes_since, finished_announcements
from jobs.regression.night import Night
from jobs.regression.regression import Regression, RegressionId, RegressionSummary
from jobs.runs import run_summary
from jobs.schedule.schedule import ScheduleId

log = logging.getLogger(__name__)

MOST_FAILURES = 3
PLAYED = ("finished", "cancelled")


class RegressionKeeper:
    """Runs beside the dispatcher, in each process that plays."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._shown: dict[RegressionId, int] = {}
        self._failures: dict[RegressionId, int] = {}

    async def look(self) -> None:
        """Do what is to be done for each unfinished regression, now; one that cannot be judged ends without a
        verdict, and the others go on."""
        for regression in await self._ports.store.regressions.unfinished():
            try:
                await self._look_after(regression)
            except Exception:
                log.exception("regression %s could not be looked after", regression.id)
                self._failures[regression.id] = self._failures.get(regression.id, 0) + 1
                if self._failures[regression.id] >= MOST_FAILURES:
                    note = "convotest itself failed to judge it; its log has the details"
                    await self._close(replace(regression, state="cancelled", note=note))

    async def _look_after(self, regression: Regression) -> None:
        run = await self._run(regression.run_id)
        again = await self._run(regression.confirming_run_id) if regression.confirming_run_id else None
        played = [each for each in (run, again) if each is not None]
        if any(each.state not in PLAYED for each in played):
            await self._show_progress(regression, played)
        elif any(each.state == "cancelled" for each in played):
            note = next((each.note for each in played if each.note), None)
            await self._close(replace(regression, state="cancelled", note=note))
        elif regression.state == "running" and (scenarios := await self._in_doubt(regression, run)):
            await self._play_again(regression, run, scenarios)
        else:
            await self._judge(regression, run)

    # --- in doubt ---

    async def _in_doubt(self, regression: Regression, run: Run) -> list[Scenario]:
        """The customers of conversations that are played again, each as often as it is."""
        chosen = await self._ports.helper.call(_to_play_again, await self._night(regression, run), AGAIN)
        scenarios = await self._ports.store.experiments.scenarios(run.id)
        return [scenarios[number] for number, times in chosen for _ in range(times)]

    async def _play_again(self, regression: Regression, run: Run, scenarios: Sequence[Scenario]) -> None:
        now = self._ports.clock.now()
        again = replace(
            run,
            id=new_run_id(),
            state="planned",
            planned=len(scenarios),
            notes=(f"plays again what is in doubt in run {short_id(run.id)}",),
            note=None,
            gates=(),
            created_at=now,
            started_at=None,
            finished_at=None,
        )
        conversations = [
            (ConversationId(str(uuid7())), replace(scenario, number=number))
            for number, scenario in enumerate(scenarios, 1)
        ]
        await self._ports.store.regressions.confirm(regression, again, conversations)
        self._ports.bell.ring()

    # --- the end ---

    async def _judge(self, regression: Regression, run: Run) -> None:
        changes, since = await changes_since(regression, self._ports)
        night = await self._night(regression, run)
        summary = await self._ports.helper.call(_judged, night, changes, since)
        await self._close(replace(regression, state="finished", summary=summary, note=run.note))

    async def _close(self, regression: Regression) -> None:
        announcements: tuple[Announcement, ...] = ()
        if regression.place and regression.summary:
            run = await self._run(regression.run_id)
            announcements = finished_announcements(regression, run, regression.place)
            await self._mind_the_channel(regression)
        await self._ports.store.regressions.finish(
            regression, announcements=announcements, card_key=card_key(regression.run_id) if regression.place else None
        )
        self._ports.bell.ring()

    async def _mind_the_channel(self, regression: Regression) -> None:
        """Where nothing can be shown any more a schedule is paused, and whoever made it is told directly, once."""
        store = self._ports.store
        card = await store.outbox.find(regression.workspace_id, card_key(regression.run_id))
        if card is None or card.state != "failed" or regression.schedule_id is None:
            return
        schedule = await store.schedules.get(ScheduleId(regression.schedule_id))
        if schedule is None:
            return
        note = (
            "its channel does not take messages any more (it is archived, or convotest was removed from it). The last "
            f"result is kept: /convotest show {short_id(regression.run_id)}. Schedule it again in another channel, or "
            "resume it when the channel is back"
        )
        told: tuple[Announcement, ...] = ()
        if schedule.direct_place:
            ref: dict[str, str | int] = {"schedule_id": schedule.id, "slot": regression.slot or "", "dates": 0}
            key = f"regression:{regression.id}:no_channel"
            told = (Announcement(key=key, kind="schedule_trouble", place=schedule.direct_place, ref=ref),)
        await store.schedules.pause_with(schedule.id, note, told)

    async def _night(self, regression: Regression, run: Run) -> Night:
        store = self._ports.store
        then = await store.runs.get(regression.baseline_run_id) if regression.baseline_run_id else None
        again = await self._run(regression.confirming_run_id) if regression.confirming_run_id else None
        return Night(
            run=run,
            run_then=then,
            now=await store.runs.conversations(run.id),
            then=await store.runs.conversations(then.id) if then else (),
            again=await store.runs.conversations(again.id) if again else (),
            summary=await run_summary(run, self._ports),
            summary_then=await run_summary(then, self._ports) if then else None,
            summary_again=await run_summary(again, self._ports) if again else None,
        )

    # --- where it is shown ---

    async def _show_progress(self, regression: Regression, runs: Sequence[Run]) -> None:
        if regression.place is None:
            return
        done = sum([(await self._ports.store.runs.progress(run)).done for run in runs])
        if self._shown.get(regression.id) != done:
            self._shown[regression.id] = done
            await self._ports.store.outbox.want_edit(regression.workspace_id, card_key(regression.run_id))
            self._ports.bell.ring()

    async def _run(self, run_id: RunId) -> Run:
        run = await self._ports.store.runs.get(run_id)
        assert run is not None, "a regression and its run are saved together"
        return run


def _to_play_again(night: Night, times: int) -> tuple[tuple[int, int], ...]:
    from jobs.regression.evaluate import to_play_again  # in the helper process only: numpy and scipy

    return to_play_again(night, times)


def _judged(night: Night, changes: tuple[str, ...], since: str | None) -> RegressionSummary:
    from jobs.regression.evaluate import judge_night

    return judge_night(night, changes=changes, changes_since=since)
