"""History, tallies, incidents and digests in the store, on every database."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql, sqlite

from jobs.alerts.incident import Finding, Incident, IncidentId, alert_key
from jobs.history.point import Figure, HistoryScope, Night, Tally
from jobs.model import Announcement, Place, Run, RunId, WorkspaceId
from jobs.store import Store, open_store
from jobs.store.history import HISTORY, points_query
from jobs.testing import MovableClock

TEAM = WorkspaceId("T1")
PLACE = Place(workspace_id=TEAM, channel_id="C1")
NOW = MovableClock().now()
NIGHTS = 400
METRICS = ("success", "quality", "latency_p95_ms", "error_rate", "cost_usd")


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with open_store(database_url, MovableClock()) as opened:
        yield opened


def a_night(number: int, *, workspace_id: WorkspaceId = TEAM) -> Night:
    return Night(
        run_id=RunId(f"{workspace_id}-{number}"), workspace_id=workspace_id, subject="pizza", assistant="pizza",
        variant="good", scheduled=True, at=NOW - timedelta(days=number),
    )  # fmt: skip


def scope(days: int, metric: str = "success", part: str = "", variant: str | None = None) -> HistoryScope:
    since, until = NOW - timedelta(days=days), NOW + timedelta(seconds=1)
    return HistoryScope(workspace_id=TEAM, since=since, until=until, metric=metric, part=part, variant=variant)


FIGURE = Figure(metric="success", value=0.9, low=0.8, high=0.95, n=40)
UNDEFINED = Figure(metric="accuracy", value=None, unscored=40)
NOVICES = replace(FIGURE, part="persona:novice", n=10)
TALLIES = (Tally(name="test_executions", first="functional", second="passed", value=36.0),)


async def test_a_run_is_recorded_once_with_what_it_counts(store: Store) -> None:
    first = await store.history.record(a_night(1), (FIGURE, UNDEFINED, NOVICES), TALLIES)
    again = await store.history.record(a_night(1), (FIGURE,), TALLIES)
    other = await store.history.record(a_night(2), (FIGURE,), TALLIES)

    assert (first, again, other) == (True, False, True)
    assert await store.history.tallies() == (replace(TALLIES[0], value=72.0),)
    assert await store.history.counted(TEAM, "test_executions") == 72.0
    assert await store.history.workspaces() == {TEAM}


async def test_points_are_read_by_window_figure_and_part_oldest_first(store: Store) -> None:
    for number in (3, 1, 2, 9):
        await store.history.record(a_night(number), (FIGURE, UNDEFINED, NOVICES))
    await store.history.record(a_night(1, workspace_id=WorkspaceId("T2")), (FIGURE,))

    points = await store.history.points(scope(5))

    assert [point.night for point in points] == [a_night(3), a_night(2), a_night(1)]
    assert {point.figure for point in points} == {FIGURE}
    [undefined, *_] = await store.history.points(scope(5, metric="accuracy"))
    assert undefined.figure == UNDEFINED
    assert len(await store.history.points(scope(5, part="persona:novice"))) == 3
    assert await store.history.points(scope(5, variant="faulty")) == ()


async def test_reading_grows_with_the_window_and_not_with_all_history(store: Store) -> None:
    """The plan searches an index by the window: it does not scan the table."""
    rows = [
        {
            "run_id": f"{number}", "metric": metric, "part": "", "workspace_id": TEAM, "subject": "pizza",
            "assistant": "pizza", "variant": "good", "scheduled": True, "at": NOW - timedelta(days=number),
            "value": 0.9, "low": 0.8, "high": 0.95, "n": 40, "unscored": 0,
        }
        for number in range(NIGHTS)
        for metric in METRICS
    ]  # fmt: skip
    await store.writer.run(lambda connection: connection.execute(HISTORY.insert(), rows) and None)

    is_sqlite = store.database_url.startswith("sqlite")
    dialect = sqlite.dialect() if is_sqlite else postgresql.dialect()
    query = str(points_query(scope(30)).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    explain = f"EXPLAIN QUERY PLAN {query}" if is_sqlite else f"EXPLAIN {query}"
    statements = [] if is_sqlite else ["ANALYZE history"]

    def plan(connection: Connection) -> str:
        for statement in statements:
            connection.execute(text(statement))
        return "\n".join(str(row) for row in connection.execute(text(explain)))

    told = await store.writer.run(plan)

    assert "ix_history" in told, told
    assert "SCAN history" not in told and "Seq Scan" not in told, told


async def test_runs_whose_figures_were_never_written_are_found(store: Store) -> None:
    for name, key in (("r1", "a"), ("r2", "schedule:x:2026-01-05"), ("r3", "regression:e:again")):
        await store.runs.create(a_run(name), (), key=key)
        await store.runs.finish(a_run(name), state="finished", summary={})
    await store.runs.create(a_run("r4"), (), key="d")
    await store.history.record(replace(a_night(0), run_id=RunId("r1")), (FIGURE,))

    assert await store.history.not_recorded(TEAM, NOW - timedelta(days=1)) == (RunId("r2"),)
    assert await store.history.not_recorded(TEAM, NOW + timedelta(days=1)) == ()
    origins = [await store.history.origin(RunId(name)) for name in ("r1", "r2", "r3")]
    assert origins == ["hand", "night", "again"]


def a_run(name: str) -> Run:
    return Run(
        id=RunId(name), workspace_id=TEAM, state="planned", target="pizza", profile="pizza", suite=None,
        assistant="pizza", variant="good", simulator="agenda", seed=1, planned=0, stamps={}, notes=(),
        started_by="U1", place=None, created_at=NOW,
    )  # fmt: skip


# --- incidents --------------------------------------------------------------------------------------------------------

FOUND = Finding(
    rule="slow", subject="pizza", severity="high", metric="latency_p95_ms", sentence="4.2 s", value=4200.0,
    limit=3000.0, n=40, run_id=RunId("r1"),
)  # fmt: skip
INCIDENT = Incident(
    id=IncidentId("i1"), workspace_id=TEAM, state="open", finding=FOUND, since=NOW, worst=4200.0, place=PLACE,
    opened_at=NOW,
)  # fmt: skip
TOLD = Announcement(key=alert_key(INCIDENT.id), kind="alert", place=PLACE, ref={"incident_id": INCIDENT.id})


async def test_of_one_rule_and_subject_there_is_one_incident_at_a_time(store: Store) -> None:
    first = await store.incidents.begin(INCIDENT, (TOLD,))
    second = await store.incidents.begin(replace(INCIDENT, id=IncidentId("i2")), (replace(TOLD, key="alert:i2"),))

    assert (first, second) == (True, False)
    assert await store.incidents.live(TEAM) == (INCIDENT,)
    assert await store.incidents.live(WorkspaceId("T2")) == ()
    assert [item.announcement.key for item in await store.outbox.due(TEAM)] == ["alert:i1"]

    cleared = replace(INCIDENT, state="cleared", cleared_at=NOW)
    assert await store.incidents.change(cleared, was="open")
    assert await store.incidents.get(INCIDENT.id) == cleared
    assert await store.incidents.begin(replace(INCIDENT, id=IncidentId("i2")))


async def test_a_change_counts_only_in_the_state_it_was_decided_in(store: Store) -> None:
    await store.incidents.begin(INCIDENT)
    snoozed = replace(INCIDENT, snoozed_until=NOW + timedelta(hours=1), snoozed_by="U1")

    assert not await store.incidents.change(snoozed, was="pending")
    assert await store.incidents.get(INCIDENT.id) == INCIDENT
    assert await store.incidents.change(snoozed, was="open")
    assert await store.incidents.get(INCIDENT.id) == snoozed


async def test_what_was_told_in_a_time_is_found(store: Store) -> None:
    day = timedelta(days=1)
    old = replace(INCIDENT, id=IncidentId("old"), opened_at=NOW - 9 * day)
    await store.incidents.begin(old)
    await store.incidents.change(replace(old, state="cleared", cleared_at=NOW - 8 * day), was="open")
    await store.incidents.begin(replace(INCIDENT, opened_at=NOW - 3 * day))
    waiting = replace(INCIDENT, id=IncidentId("w"), state="pending", opened_at=None, finding=replace(FOUND, rule="b"))
    await store.incidents.begin(waiting)

    told = await store.incidents.told_between(TEAM, NOW - day, NOW + day)

    assert [each.id for each in told] == [INCIDENT.id]
    assert await store.incidents.open_by_severity() == {"high": 1}
    await store.incidents.drop(waiting)
    assert await store.incidents.get(waiting.id) is None
    assert await store.incidents.forget_before(NOW - 7 * day) == 1
    assert await store.incidents.get(old.id) is None


async def test_a_digest_is_saved_once_a_day_and_channel_with_its_messages(store: Store) -> None:
    message = Announcement(key="digest:daily:2026-01-05:C1", kind="digest", place=PLACE)
    elsewhere = Place(workspace_id=TEAM, channel_id="C2")

    first = await store.incidents.save_digest("daily", "2026-01-05", PLACE, {"a": 1}, (message,))
    second = await store.incidents.save_digest("daily", "2026-01-05", PLACE, {"a": 2}, (message,))
    others = [
        await store.incidents.save_digest("daily", "2026-01-05", elsewhere, {"a": 3}, ()),
        await store.incidents.save_digest("weekly", "2026-01-05", PLACE, {"a": 4}, ()),
        await store.incidents.save_digest("daily", "2026-01-06", PLACE, {"a": 5}, ()),
    ]

    assert (first, second, others) == (True, False, [True] * 3)
    assert await store.incidents.digest("daily", "2026-01-05", PLACE) == {"a": 1}
    assert await store.incidents.digest("daily", "2026-01-07", PLACE) is None
    assert len(await store.outbox.due(TEAM)) == 1
    assert await store.incidents.last_digest_at(TEAM, "daily", "C1") == NOW
