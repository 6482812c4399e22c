"""Alerts: what the rules find, one message an incident, edited while it lasts, cleared when it is over, snoozed."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.commands._command import Asker, Edge
from bot.commands.digest import end_snooze, snooze_alert
from bot.memory_poster import MemoryPoster
from bot.outbox import Sender
from jobs.alerts.evaluate import RunRules, find_in_feedback, find_in_runs
from jobs.alerts.incident import Finding, Incident
from jobs.alerts.lifecycle import clear_now, raise_now, settle_findings, wake_snoozed
from jobs.alerts.rules import AlertRule, load_rules
from jobs.alerts.watch import Watch
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.feedback.csat import Figures
from jobs.feedback.rating import About, Rating, Vote
from jobs.history.figures import known_metrics
from jobs.history.point import Figure, HistoryPoint, Night, Tally
from jobs.model import Place, RunId, WorkspaceId, WorkspaceSettings
from jobs.profiles.check import check_paths
from jobs.profiles.problems import ProfileError
from jobs.settings import shipped_profiles
from jobs.testing import MovableClock, testing_ports

TEAM = WorkspaceId("T1")
PLACE = Place(workspace_id=TEAM, channel_id="C1")
SLOW = AlertRule(name="slow", metric="latency_p95_ms", above=3000.0, nights=2, severity="medium")
FEWER = AlertRule(name="fewer", metric="success", shift="worse", severity="high")


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def ports(tmp_path: Path, clock: MovableClock) -> AsyncGenerator[Ports]:
    async with testing_ports(tmp_path, clock=clock) as opened:
        await opened.store.workspaces.save(TEAM, WorkspaceSettings(channel_id="C1"))
        yield opened


def nights(metric: str, values: Sequence[float], *, scheduled: bool = True, n: int = 40) -> tuple[HistoryPoint, ...]:
    began = MovableClock().now() - timedelta(days=len(values))
    return tuple(
        HistoryPoint(
            night=Night(
                run_id=RunId(f"r{number}"), workspace_id=TEAM, subject="pizza", assistant="pizza", variant="good",
                scheduled=scheduled, at=began + timedelta(days=number),
            ),
            figure=Figure(metric=metric, value=value, n=n),
        )
        for number, value in enumerate(values)
    )  # fmt: skip


def find(rule: AlertRule, points: tuple[HistoryPoint, ...]) -> Finding | None:
    found = find_in_runs(RunRules(rules=(rule,), points=points, zone="UTC"))
    assert len(found) <= 1
    return found[0] if found else None


# --- what the rules find ----------------------------------------------------------------------------------------------


def test_a_limit_must_be_broken_in_so_many_nights_in_a_row() -> None:
    assert find(SLOW, nights(SLOW.metric, [4000, 2000, 4000])) is None

    found = find(SLOW, nights(SLOW.metric, [2000, 3500, 4000]))

    assert found is not None
    assert (found.value, found.limit, found.times, found.run_id) == (4000, 3000, 2, "r2")
    assert found.sentence == "answer time p95 4.0 s (n=40), 2 nights in a row; the limit is at most 3.0 s"


def test_by_interval_a_rate_must_be_proved_to_be_beyond_its_limit() -> None:
    rule = AlertRule(name="errors", metric="error_rate", above=0.05, by="interval")
    [point] = nights("error_rate", [0.1], n=10)

    unsure = replace(point, figure=replace(point.figure, low=0.02, high=0.4))
    proved = replace(point, figure=replace(point.figure, low=0.06, high=0.2, n=100))

    assert find(rule, (unsure,)) is None
    assert find(rule, (proved,)) is not None


def test_a_step_change_is_found_and_a_bad_night_is_not() -> None:
    steady = [0.9, 0.92, 0.88, 0.9, 0.91, 0.89] * 4

    assert find(FEWER, nights("success", steady)) is None
    assert find(FEWER, nights("success", [*steady, 0.3])) is None
    found = find(FEWER, nights("success", [*steady, 0.6, 0.62, 0.58, 0.6]))
    assert found is not None
    assert found.sentence.startswith("success is worse since 01 Jan: 90% before, 60% after")
    assert find(FEWER, nights("success", [*steady, 0.99, 0.98, 0.99, 1.0])) is None
    assert find(replace(FEWER, shift="any"), nights("success", [*steady, 0.99, 0.98, 0.99, 1.0])) is not None


def test_a_shift_ends_with_the_next_one_and_becomes_the_level_after_two_weeks() -> None:
    good, bad = [0.9, 0.92, 0.88, 0.9] * 3, [0.6, 0.62, 0.58, 0.6]

    assert find(FEWER, nights("success", [*good, *bad * 2])) is not None
    assert find(FEWER, nights("success", [*good, *bad * 2, *good])) is None
    assert find(FEWER, nights("success", [*good, *bad * 4])) is None


def test_an_odd_night_is_one_that_does_not_fit_the_others() -> None:
    rule = AlertRule(name="odd", metric="cost_usd", anomaly=True)
    usual = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.1, 0.9, 1.0, 1.05, 0.95]

    assert find(rule, nights("cost_usd", [*usual, 1.2])) is None
    assert find(rule, nights("cost_usd", [*usual, 2.5])) is not None
    assert find(rule, nights("cost_usd", [*usual[:6], 2.5])) is None


def test_what_somebody_starts_by_hand_is_watched_only_if_the_rule_says_so() -> None:
    by_hand = nights(SLOW.metric, [4000, 4000], scheduled=False)

    assert find(SLOW, by_hand) is None
    assert find(replace(SLOW, runs="all"), by_hand) is not None
    assert find(replace(SLOW, runs="all", suites=("other",)), by_hand) is None


def test_what_people_say_needs_enough_of_them() -> None:
    rule = AlertRule(name="unhappy", metric="satisfaction", below=3.5, at_least=20)

    assert find_in_feedback(rule, Figures(stars={1: 19})) is None
    assert find_in_feedback(rule, Figures(stars={5: 30})) is None
    found = find_in_feedback(rule, Figures(stars={1: 10, 4: 10}))
    assert found is not None and found.value == 2.5 and found.n == 20
    assert "the limit is at least 3.5" in found.sentence


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_shipped_rules_are_good() -> None:
    rules = {rule.name: rule for rule in load_rules(shipped_profiles())}

    assert rules["slow-answers"].above == 3000 and rules["slow-answers"].nights == 2
    assert rules["many-errors"].above == 0.05
    assert rules["unhappy-people"].below == 3.5
    [check] = check_paths([shipped_profiles() / "alerts.yaml"], profiles_dir=shipped_profiles())
    assert check.ok and check.kind == "alerts"


def test_without_a_file_there_are_no_rules(tmp_path: Path) -> None:
    assert load_rules(tmp_path) == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("metric: sucess, below: 0.9", "did you mean 'success'?"),
        ("metric: success", "a rule looks for one thing, and this one for nothing"),
        ("metric: success, below: 0.9, shift: worse", "for above or below and shift"),
        ("metric: success, below: 0.9, for: 1d", "a figure of runs is watched for nights"),
        ("metric: csat, below: 0.9, for: 2 nights", "what people say for hours or days"),
        ("metric: csat, shift: worse", "what people say can only have a limit"),
        ("metric: success, below: low", "is not a number"),
        ("metric: success, below: 0.9, sverity: high", "did you mean 'severity'?"),
        ("metric: success, below: 0.9, severity: hihg", "high"),
        ("metric: success, below: 0.9, over: 7d", "only what people say is taken over a time"),
        ("below: 0.9", "this rule names no figure"),
    ],
)
def test_a_bad_rule_says_where_and_what_to_do(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "alerts.yaml").write_text(f"alerts:\n  mine: {{{line}}}\n", encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        load_rules(tmp_path)

    assert told in str(caught.value)
    assert "line 2" in str(caught.value)


def test_every_figure_can_be_watched() -> None:
    assert {"success", "quality", "latency_p95_ms", "escalated", "csat", "turns_to_goal"} <= set(known_metrics())


# --- incidents --------------------------------------------------------------------------------------------------------

FOUND = Finding(
    rule="slow", subject="pizza → pizza", severity="high", metric="latency_p95_ms", sentence="4.0 s", value=4000.0,
    limit=3000.0, n=40,
)  # fmt: skip


async def only_incident(ports: Ports) -> Incident:
    [incident] = await ports.store.incidents.live(TEAM)
    return incident


async def settle(ports: Ports, *found: Finding, wait: timedelta = timedelta()) -> None:
    await settle_findings(TEAM, found, ports, looked_at={"slow"}, lasting={"slow": wait})


async def shown(ports: Ports, clock: MovableClock, poster: MemoryPoster) -> list[list[str]]:
    """The texts of each message in the channel, the first version first."""
    sender = Sender(workspace_id=TEAM, ports=ports, poster=poster)
    await sender.begin()
    for _ in range(8):
        await sender.send_due()
        clock.move(10)
    return [[version.text for version in posted.versions] for posted in poster.posted]


async def test_an_incident_has_one_message_that_is_edited_and_cleared(ports: Ports, clock: MovableClock) -> None:
    poster = MemoryPoster()
    await settle(ports, FOUND)
    await settle(ports, FOUND)
    assert len(await shown(ports, clock, poster)) == 1

    await settle(ports, replace(FOUND, sentence="5.0 s", value=5000.0))
    await settle(ports)
    await settle(ports)
    [versions] = await shown(ports, clock, poster)

    assert versions[0] == "alert (high): pizza → pizza: 4.0 s"
    assert versions[-1] == "over: pizza → pizza: 5.0 s"
    assert await ports.store.incidents.live(TEAM) == ()

    await settle(ports, FOUND)
    assert len(await shown(ports, clock, poster)) == 2


async def test_nobody_is_told_of_what_does_not_last(ports: Ports, clock: MovableClock) -> None:
    poster, day = MemoryPoster(), timedelta(days=1)
    await settle(ports, FOUND, wait=day)
    clock.move(3600)
    await settle(ports, wait=day)
    assert await ports.store.incidents.live(TEAM) == ()

    await settle(ports, FOUND, wait=day)
    clock.move(23 * 3600)
    await settle(ports, FOUND, wait=day)
    assert await shown(ports, clock, poster) == []
    clock.move(3600)
    await settle(ports, FOUND, wait=day)
    assert len(await shown(ports, clock, poster)) == 1


async def test_a_rule_that_was_not_looked_at_clears_nothing(ports: Ports) -> None:
    await settle(ports, FOUND)

    await settle_findings(TEAM, (), ports, looked_at={"other"})

    assert (await only_incident(ports)).state == "open"


async def test_the_worst_value_is_kept(ports: Ports) -> None:
    for value in (4000.0, 6000.0, 3500.0):
        await settle(ports, replace(FOUND, value=value))

    assert (await only_incident(ports)).worst == 6000.0


async def test_a_snooze_ends_and_says_so_if_it_is_still_so(ports: Ports, clock: MovableClock) -> None:
    poster = MemoryPoster()
    edge = Edge(ports=ports, poster=poster, commands=None)  # type: ignore[arg-type]  # no command is looked up
    asker = Asker(workspace_id=TEAM, channel_id="C1", member_id="U1", key="k")
    await settle(ports, FOUND)
    incident = await only_incident(ports)

    answer = await snooze_alert(f"{incident.id}:1h", asker, edge)
    assert answer.text == "Snoozed for 1 hour. If it lasts longer, its thread says so then."
    assert (await only_incident(ports)).snoozed_by == "U1"
    clock.move(3601)
    await settle(ports, FOUND)
    await wake_snoozed(TEAM, ports)
    await wake_snoozed(TEAM, ports)

    messages = await shown(ports, clock, poster)
    assert [versions[-1].partition(":")[0] for versions in messages] == [
        "alert (high)",
        "The snooze is over, and it is still so",
    ]
    [entry, *_] = await ports.store.audit.latest(TEAM, limit=5)
    assert entry.verb == "alert snooze"


async def test_a_snooze_can_be_ended_and_what_is_over_cannot_be_snoozed(ports: Ports) -> None:
    edge = Edge(ports=ports, poster=MemoryPoster(), commands=None)  # type: ignore[arg-type]  # no command is looked up
    asker = Asker(workspace_id=TEAM, channel_id="C1", member_id="U1", key="k")
    await settle(ports, FOUND)
    incident = await only_incident(ports)
    await snooze_alert(f"{incident.id}:24h", asker, edge)

    assert (await end_snooze(incident.id, asker, edge)).text == "The snooze is over."
    assert (await only_incident(ports)).snoozed_until is None
    await settle(ports)
    assert "over already" in (await snooze_alert(f"{incident.id}:24h", asker, edge)).text
    elsewhere = replace(asker, workspace_id=WorkspaceId("T2"))
    with pytest.raises(RequestError, match="not known here"):
        await snooze_alert(f"{incident.id}:24h", elsewhere, edge)


async def test_others_raise_and_clear_incidents_of_their_own(ports: Ports, clock: MovableClock) -> None:
    missing = replace(FOUND, rule="did-not-run", metric="", sentence="the nightly did not run", value=None, limit=None)
    await raise_now(TEAM, missing, PLACE, ports)
    await raise_now(TEAM, missing, PLACE, ports)
    await Watch(ports).look()
    assert len(await ports.store.incidents.live(TEAM)) == 1

    await clear_now(TEAM, "did-not-run", FOUND.subject, ports)

    assert await ports.store.incidents.live(TEAM) == ()


# --- watching ---------------------------------------------------------------------------------------------------------


async def test_watching_finds_a_shift_in_the_history_and_its_end(ports: Ports, clock: MovableClock) -> None:
    tally = (Tally(name="test_executions", first="functional", second="passed", value=40),)
    watch = Watch(ports)
    poster = MemoryPoster()
    for number, value in enumerate([0.9, 0.92, 0.88, 0.9] * 3 + [0.6, 0.62, 0.58, 0.6] + [0.9, 0.92, 0.88, 0.9]):
        night = Night(
            run_id=RunId(f"r{number}"), workspace_id=TEAM, subject="pizza", assistant="pizza", variant="good",
            scheduled=True, at=clock.now(),
        )  # fmt: skip
        await ports.store.history.record(night, (Figure(metric="success", value=value, n=40),), tally)
        await watch.look()
        clock.move(86400)

    [versions] = await shown(ports, clock, poster)
    assert "success is worse since" in versions[0]
    assert versions[-1].startswith("over:")


async def test_unhappy_people_are_told_of_once_it_lasts_a_day(ports: Ports, clock: MovableClock) -> None:
    for number in range(30):
        rating = Rating(
            workspace_id=TEAM, key=f"k{number}", source="api", vote=Vote(kind="stars", value=2), at=clock.now(),
            about=About(external_id=f"c{number}", assistant="pizza"), member_id=f"U{number}",
        )  # fmt: skip
        await ports.store.feedback.add([rating])
    clock.move(60)
    watch = Watch(ports)
    await watch.look()
    assert (await only_incident(ports)).state == "pending"
    clock.move(86400)
    await watch.look()

    incident = await only_incident(ports)
    assert incident.state == "open"
    assert (
        incident.finding.sentence.startswith("satisfaction (stars) 2 (2–2, n=30)") or "2" in incident.finding.sentence
    )


async def test_a_broken_file_leaves_the_alerts_as_they_were(
    ports: Ports, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "alerts.yaml").write_text("alerts:\n  mine: {metric: nonsense}\n", encoding="utf-8")
    watch = Watch(replace(ports, profiles_dir=folder))

    await watch.look()
    await watch.look()

    assert caplog.text.count("the alerts go on by the rules as they were") == 1
