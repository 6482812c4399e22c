"""The digest: what is news, one message a day, its thread, its page, and a section that breaks."""

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.commands._command import Asker, Edge
from bot.commands._grammar import parse
from bot.commands.digest import handle as ask_for_digest
from bot.commands.history import handle as ask_for_history
from bot.memory_poster import MemoryPoster
from bot.outbox import Sender
from jobs.alerts.watch import send_digest_if_due
from jobs.bundle import Ports
from jobs.cli import cli
from jobs.digest import SECTIONS, Digest, DigestPart, Line, digest_from_json, digest_to_json
from jobs.digest._build import build_digest, digest_announcements, send_digest
from jobs.digest.as_html import Picture, to_html
from jobs.digest.satisfaction import satisfaction_part
from jobs.digest_command import digest_html
from jobs.errors import RequestError
from jobs.feedback.csat import Figures
from jobs.feedback.rating import About, Rating, Vote
from jobs.model import Place, Run, RunId, RunRequest, WorkspaceId, WorkspaceSettings
from jobs.regression import Regression, RegressionId, RegressionSummary, RegressionVerdict
from jobs.runs import close_finished, start_run
from jobs.simulate.run import play_shard, shards_of
from jobs.testing import MovableClock, testing_ports

TEAM = WorkspaceId("T1")
PLACE = Place(workspace_id=TEAM, channel_id="C1")
TODAY = date(2026, 1, 6)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(datetime(2026, 1, 6, 7, 0, tzinfo=UTC))


@pytest.fixture
async def ports(tmp_path: Path, clock: MovableClock) -> AsyncGenerator[Ports]:
    async with testing_ports(tmp_path, clock=clock) as opened:
        yield opened


async def play(ports: Ports, *, variant: str = "good", key: str | None = None) -> None:
    request = RunRequest(
        target="pizza", assistant=f"pizza@{variant}", n=6, seed=7, workspace_id=TEAM, key=key, started_by="U1"
    )
    run = await start_run(request, ports)
    await ports.store.runs.mark_running(run.id)
    for shard in shards_of(run):
        await play_shard(run.id, shard, ports)
    found = await ports.store.runs.get(run.id)
    assert found is not None
    await close_finished(found, ports)


async def rate(ports: Ports, clock: MovableClock, stars: int, times: int, *, name: str, days_ago: int = 0) -> None:
    await ports.store.feedback.add(
        [
            Rating(
                workspace_id=TEAM, key=f"{name}{number}", source="api", vote=Vote(kind="stars", value=stars),
                at=clock.now() - timedelta(days=days_ago, minutes=1), about=About(external_id=f"{name}{number}"),
                member_id=f"{name}{number}",
            )
            for number in range(times)
        ]
    )  # fmt: skip


async def sent(ports: Ports, clock: MovableClock, poster: MemoryPoster) -> list[str]:
    sender = Sender(workspace_id=TEAM, ports=ports, poster=poster)
    await sender.begin()
    for _ in range(20):
        await sender.send_due()
        clock.move(10)
    return [posted.versions[-1].text for posted in poster.posted]


# --- what is news -----------------------------------------------------------------------------------------------------


async def test_a_day_without_anything_is_one_line(ports: Ports, clock: MovableClock) -> None:
    assert await send_digest("daily", PLACE, ports, day=TODAY)

    assert await sent(ports, clock, poster := MemoryPoster()) == ["Digest · Tue 06 Jan: Nothing new"]
    assert len(poster.posted) == 1


async def test_csat_is_news_only_when_the_interval_of_its_change_leaves_nothing_out(
    ports: Ports, clock: MovableClock
) -> None:
    await rate(ports, clock, 5, 30, name="before", days_ago=8)
    await rate(ports, clock, 5, 28, name="now")
    assert (await build_digest("daily", TEAM, ports)).is_quiet

    await rate(ports, clock, 1, 20, name="angry")
    digest = await build_digest("daily", TEAM, ports)

    assert not digest.is_quiet
    assert digest.headline == "CSAT fell"
    [csat, nps, *_] = digest.parts[0].lines
    assert csat.text == "CSAT 58% (44%–71%, n=48), down from 100% (n=30; -42 points, -56 to -25)"
    assert nps.text.startswith("NPS (5-point) +17 (-11 to +42, n=48), was +100 (n=30)")


def test_too_few_ratings_are_counted_and_not_measured() -> None:
    part = satisfaction_part(Figures(stars={5: 3}), Figures())

    assert [line.text for line in part.lines] == ["3 ratings: not enough for a figure"]
    assert not part.is_news


async def test_a_shift_is_news_for_some_days_and_named_in_the_headline(ports: Ports, clock: MovableClock) -> None:
    for number in range(12):
        await play(ports, variant="good" if number < 8 else "faulty", key=f"schedule:x:{number}")
        clock.move(86400)

    digest = await build_digest("daily", TEAM, ports)

    assert "success worse since 14 Jan, 100% → 0%" in digest.headline
    assert digest.tone == "bad"
    clock.move(86400 * 30)
    assert "worse" not in (await build_digest("daily", TEAM, ports)).headline


async def test_a_suite_that_was_worse_and_is_not_any_more_is_news_once(ports: Ports, clock: MovableClock) -> None:
    told: list[tuple[str, bool]] = []
    for number, verdict in enumerate(("REJECT", "INCONCLUSIVE", "INCONCLUSIVE")):
        await a_night(ports, number, verdict)
        clock.move(3600)
        digest = await build_digest("daily", TEAM, ports)
        told.append((digest.headline, digest.is_quiet))
        clock.move(86400 - 3600)

    assert told == [
        ("1 of 1 suite regressed: pizza-nightly", False),
        ("Not worse any more: pizza-nightly", False),
        ("Nothing got worse in 1 suite, as far as can be told", True),
    ]


async def a_night(ports: Ports, number: int, verdict: RegressionVerdict) -> None:
    now = ports.clock.now()
    run = Run(
        id=RunId(f"r{number}"), workspace_id=TEAM, state="planned", target="pizza-nightly", profile="pizza-nightly",
        suite="pizza-nightly", assistant="pizza", variant="good", simulator="agenda", seed=1, planned=0, stamps={},
        notes=(), started_by="U1", place=None, created_at=now,
    )  # fmt: skip
    regression = Regression(
        id=RegressionId(f"e{number}"), workspace_id=TEAM, suite="pizza-nightly", assistant="pizza", variant="good",
        baseline=1, baseline_run_id=None, run_id=run.id, created_at=now,
    )  # fmt: skip
    summary = RegressionSummary(
        verdict=verdict, headline="", conversations=1, passed=1, failed=0, errors=0, unclear=0, success=None,
        baseline_success=None, pairs=1, cost_usd=0.0, p50_ms=None, p95_ms=None,
    )  # fmt: skip
    await ports.store.regressions.create(regression, run, (), key=f"k{number}")
    await ports.store.regressions.finish(replace(regression, state="finished", summary=summary))


async def test_a_section_that_breaks_says_so_and_the_others_are_there(
    ports: Ports, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rate(ports, clock, 5, 30, name="now")

    async def breaks(*_: object) -> DigestPart | None:
        raise ZeroDivisionError

    monkeypatch.setitem(SECTIONS._items, "cost", replace(SECTIONS["cost"], build=breaks))  # pyright: ignore[reportPrivateUsage]
    digest = await build_digest("daily", TEAM, ports)

    assert [part.name for part in digest.parts] == ["satisfaction", "cost"]
    assert "Cost could not be made" in digest.headline


# --- once a day -------------------------------------------------------------------------------------------------------


async def test_a_channel_gets_one_digest_a_day(ports: Ports, clock: MovableClock) -> None:
    elsewhere = Place(workspace_id=TEAM, channel_id="C2")
    told = [
        await send_digest("daily", PLACE, ports, day=TODAY),
        await send_digest("daily", PLACE, ports, day=TODAY),
        await send_digest("daily", elsewhere, ports, day=TODAY),
        await send_digest("daily", PLACE, ports, day=TODAY + timedelta(days=1)),
    ]

    assert told == [True, False, True, True]
    assert len(await sent(ports, clock, MemoryPoster())) == 3


async def test_the_hour_of_the_workspace_is_by_its_own_clock(ports: Ports, clock: MovableClock) -> None:
    berlin = WorkspaceSettings(channel_id="C1", digest_hour=9, time_zone="Europe/Berlin")

    assert not await send_digest_if_due(TEAM, berlin, ports)
    clock.move(3600)
    assert await send_digest_if_due(TEAM, berlin, ports)
    assert not await send_digest_if_due(TEAM, berlin, ports)
    clock.move(86400)
    assert await send_digest_if_due(TEAM, berlin, ports)
    assert not await send_digest_if_due(TEAM, replace(berlin, digest_hour=None), ports)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
async def test_both_clock_changes_bring_one_digest(tmp_path: Path, day: date) -> None:
    """02:00 does not exist on one of the days and comes twice on the other."""
    clock = MovableClock(datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=3))
    berlin = WorkspaceSettings(channel_id="C1", digest_hour=2, time_zone="Europe/Berlin")
    async with testing_ports(tmp_path, clock=clock) as ports:
        count = 0
        for _ in range(24 * 4):
            count += await send_digest_if_due(TEAM, berlin, ports)
            clock.move(900)

    assert count == 1


async def test_mondays_bring_the_week_and_what_is_due_for_a_look(ports: Ports, clock: MovableClock) -> None:
    clock.move(86400 * 6)

    assert await send_digest_if_due(TEAM, WorkspaceSettings(channel_id="C1", digest_hour=7), ports)
    assert await ports.store.incidents.digest("weekly", "2026-01-12", PLACE) is not None


async def test_what_was_said_of_a_day_stays_as_it_was(ports: Ports, clock: MovableClock) -> None:
    digest = await build_digest("daily", TEAM, ports)

    assert digest_from_json(json.loads(json.dumps(digest_to_json(digest)))) == digest


# --- its looks --------------------------------------------------------------------------------------------------------


async def test_news_come_with_charts_and_details_in_their_thread(ports: Ports, clock: MovableClock) -> None:
    for number in range(12):
        await play(ports, variant="good" if number < 8 else "faulty", key=f"schedule:x:{number}")
        clock.move(86400)
    await send_digest("daily", PLACE, ports, day=TODAY, zone="Europe/Berlin")
    poster = MemoryPoster()

    texts = await sent(ports, clock, poster)

    [root, *thread] = poster.posted
    assert root.thread_ts is None and {posted.thread_ts for posted in thread} == {root.ts}
    assert texts[0].startswith("Digest · Tue 06 Jan: pizza → pizza: success worse since 14 Jan")
    assert any(text.startswith("Trends, 30 days") for text in texts)
    assert [upload.filename for upload in poster.uploads.values()] == ["trends-2026-01-06.png"]


def test_a_page_needs_nothing_else_and_escapes_what_it_is_given() -> None:
    part = DigestPart(name="x", title="<b>", lines=(Line(text="<script>alert(1)</script>"),), is_news=True, verdict="&")
    digest = Digest(
        kind="daily", workspace_id=TEAM, day=TODAY, zone="UTC", since=datetime(2026, 1, 5, tzinfo=UTC),
        until=datetime(2026, 1, 6, tzinfo=UTC), parts=(part,),
    )  # fmt: skip

    page = to_html(digest, [Picture(text='a "chart"', light=b"1", dark=b"2")])

    assert "<script" not in page and "&lt;script&gt;" in page
    assert not re.search(r"(?:src|href|srcset)=\"(?!data:)", page)
    assert "prefers-color-scheme: dark" in page


async def test_the_page_has_the_pictures_of_the_digest(ports: Ports, clock: MovableClock) -> None:
    for number in range(3):
        await play(ports, key=f"schedule:x:{number}")
        clock.move(86400)

    page = await digest_html(await build_digest("weekly", TEAM, ports), ports)

    assert page.count("data:image/png;base64,") == 2
    assert "The week" not in page and "Week of" in page


def test_every_section_of_the_folder_is_on_the_shelf() -> None:
    folder = Path(__file__).parents[2] / "jobs" / "digest"
    machinery = {"as_html", "as_text", "command", "scheduled"}
    files = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")} - machinery

    assert files == set(SECTIONS)


def test_a_quiet_digest_announces_one_message() -> None:
    digest = Digest(
        kind="daily", workspace_id=TEAM, day=TODAY, zone="UTC", since=datetime(2026, 1, 5, tzinfo=UTC),
        until=datetime(2026, 1, 6, tzinfo=UTC), parts=(), charted=("r1",),
    )  # fmt: skip

    assert [each.kind for each in digest_announcements(digest, PLACE)] == ["digest"]


# --- asked for --------------------------------------------------------------------------------------------------------


def an_edge(ports: Ports) -> tuple[Asker, Edge]:
    asker = Asker(workspace_id=TEAM, channel_id="C1", member_id="U1", key="k1")
    return asker, Edge(ports=ports, poster=MemoryPoster(), commands=None)  # type: ignore[arg-type]  # not looked up


async def test_the_command_shows_it_to_whoever_asks_and_posts_nothing(ports: Ports) -> None:
    asker, edge = an_edge(ports)

    answer = await ask_for_digest(parse("digest weekly"), asker, edge)

    assert answer is not None and answer.text.startswith("The week · Tue 06 Jan")
    assert (await ports.store.outbox.backlog()).waiting == 0
    with pytest.raises(RequestError, match="did you mean 'weekly'"):
        await ask_for_digest(parse("digest weekyl"), asker, edge)
    with pytest.raises(RequestError, match="Europe/Berlin"):
        await ask_for_digest(parse("digest tz=Europe/Berln"), asker, edge)


async def test_the_history_is_posted_with_its_chart(ports: Ports, clock: MovableClock) -> None:
    asker, edge = an_edge(ports)
    for _ in range(2):
        await play(ports)
        clock.move(86400)

    assert await ask_for_history(parse("history success 30d"), asker, edge) is None
    poster = MemoryPoster()
    texts = await sent(ports, clock, poster)

    assert texts[0] == "success in 30 days"
    assert [upload.filename for upload in poster.uploads.values()] == ["history-success.png"]
    with pytest.raises(RequestError, match="did you mean 'success'"):
        await ask_for_history(parse("history sucess"), asker, edge)
    with pytest.raises(RequestError, match="is no period"):
        await ask_for_history(parse("history success soon"), asker, edge)


def test_the_terminal_shows_history_and_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOTEST_DATABASE_URL", f"sqlite:///{tmp_path / 'convotest.db'}")
    page = tmp_path / "digest.html"

    history = CliRunner().invoke(cli, ["history", "success", "--days", "7", "--json"], standalone_mode=False)
    digest = CliRunner().invoke(cli, ["digest", "--html", str(page), "--json"], standalone_mode=False)

    assert json.loads(history.stdout)["series"] == []
    assert json.loads(digest.stdout)["quiet"] is True
    assert "Nothing new" in page.read_text(encoding="utf-8")
