"""Feedback is kept, counted and forgotten alike on SQLite and PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlmodel import SQLModel

from jobs.feedback.given import GivenFeedback
from jobs.feedback.privacy import forget_member
from jobs.feedback.rating import About, Message, Rating, Vote
from jobs.feedback.reactions import DEFAULT_REACTIONS, ReactionEvent, current_votes
from jobs.feedback.record import record_answer, record_reaction, record_simulated
from jobs.feedback.report import FeedbackReport, report_feedback, to_json
from jobs.model import ConversationId, WorkspaceId
from jobs.store import Store, open_store
from jobs.store.database import MIGRATIONS, parse_database_url
from jobs.store.feedback import Answered, Example, Request
from jobs.store.votes import Scope
from jobs.testing import MovableClock
from tests.contract.shown_messages import show_answers

TEAM = WorkspaceId("T1")
NOW = MovableClock().now()
OURS = {"rating", "example", "api_token", "answered_request"}


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def store(database_url: str, clock: MovableClock) -> AsyncGenerator[Store]:
    async with open_store(database_url, clock) as opened:
        yield opened


def stars(
    value: int, *, key: str, member: str | None = None, conversation: str | None = None, **more: object
) -> Rating:
    rating = {
        "workspace_id": TEAM,
        "key": key,
        "source": "api",
        "vote": Vote(kind="stars", value=value),
        "at": NOW,
        "about": About(external_id=conversation, assistant="pizza"),
        "member_id": member,
    }
    return Rating(**(rating | more))  # type: ignore[arg-type]


def an_example(kept_by: str, content: dict[str, Any]) -> Example:
    conversation = ConversationId("c")
    return Example(
        workspace_id=TEAM, conversation_id=conversation, position=2, content=content, kept_by=kept_by, kept_at=NOW
    )


async def the_report(store: Store, scope: Scope | None = None, **more: object) -> FeedbackReport:
    return await asyncio.to_thread(report_feedback, store.database_url, scope or Scope(), **more)  # type: ignore[arg-type]


def reaction_events(number: int, seed: int) -> list[ReactionEvent]:
    chance = random.Random(seed)
    events = [
        ReactionEvent(
            type=chance.choice(("added", "added", "removed")),
            member_id=f"U{chance.randrange(6)}",
            message=Message(channel_id="C1", ts=f"1700000000.{chance.randrange(20):06}"),
            name=chance.choice(("+1", "-1", "thumbsup::skin-tone-2", "star", "three", "pizza")),
            at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=place),
        )
        for place in range(number)
    ]
    delivered = events + chance.choices(events, k=number // 3)
    chance.shuffle(delivered)
    return delivered


async def changes(store: Store, event: ReactionEvent) -> bool:
    _, changed = await record_reaction(event, store=store, workspace_id=TEAM, reactions=DEFAULT_REACTIONS)
    return changed


async def record(store: Store, events: Sequence[ReactionEvent]) -> None:
    await show_answers(store, MovableClock(), sorted({event.message.ts for event in events}), team=TEAM)
    await asyncio.gather(*(changes(store, event) for event in events))


async def test_reactions_in_any_order_leave_what_the_pure_fold_says(store: Store) -> None:
    events = reaction_events(900, seed=11)
    await record(store, events)

    live = (await the_report(store)).by_source["live"]
    votes = list(current_votes(events, DEFAULT_REACTIONS).values())
    assert votes
    assert live.n == sum(vote.kind == "stars" for vote in votes)
    assert {each: live.count(each) for each in (3, 5)} == {
        each: votes.count(Vote(kind="stars", value=each)) for each in (3, 5)
    }
    assert (live.up, live.down) == tuple(votes.count(Vote(kind="thumb", value=each)) for each in (1, -1))


async def test_a_reaction_counts_as_a_change_only_once(store: Store) -> None:
    message = Message(channel_id="C1", ts="1700000000.000001")
    await show_answers(store, MovableClock(), [message.ts], team=TEAM)
    added = ReactionEvent(type="added", member_id="U1", message=message, name="+1", at=NOW)
    later = ReactionEvent(type="removed", member_id="U1", message=message, name="+1", at=NOW + timedelta(seconds=1))

    assert [await changes(store, each) for each in (added, added, later, added, later)] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert (await the_report(store)).headline.up == 0


async def test_a_form_sent_again_takes_the_place_of_the_first_and_beats_an_earlier_reaction(store: Store) -> None:
    message = Message(channel_id="C1", ts="1700000000.000001")
    up = ReactionEvent(type="added", member_id="U1", message=message, name="+1", at=NOW)
    await record(store, [up])
    for minute, value in ((1, 2), (3, 4), (2, 1)):
        await record_answer(
            GivenFeedback(rating=value, feedback_text=f"mail me at me{minute}@example.com"),
            About(),
            message,
            door="form",
            member_id="U1",
            at=NOW + timedelta(minutes=minute),
            store=store,
            workspace_id=TEAM,
            source="live",
        )

    report = await the_report(store)
    assert (report.headline.stars, report.headline.up) == ({1: 0, 2: 0, 3: 0, 4: 1, 5: 0}, 0)
    assert [comment.text for comment in report.words.telling] == ["mail me at [email]"]


async def test_the_headline_counts_people_of_conversations_that_were_not_simulated(store: Store) -> None:
    for place, source in enumerate(("live", "run", "api", "cli")):
        await store.feedback.add([stars(place + 2, key=source, member="U1", conversation=source, source=source)])
    simulated = GivenFeedback(rating=1, feedback_text="I am no person", user_id="U1")
    await record_simulated(simulated, About(external_id="live"), store=store, workspace_id=TEAM, at=NOW)

    report = await the_report(store)
    assert {source: figures.n for source, figures in report.by_source.items()} == dict.fromkeys(report.by_source, 1)
    assert (report.headline.n, report.headline.mean) == (3, pytest.approx(11 / 3))
    assert report.by_source["simulated"].mean == 1
    assert report.words.n == 0


async def test_one_person_has_one_vote_a_conversation_and_a_stranger_is_its_customer(store: Store) -> None:
    ratings = [
        stars(1 + n % 5, key=f"{member}{n}", member=member, conversation="c1", at=NOW + timedelta(seconds=n))
        for member in ("ana", None)
        for n in range(40)
    ]
    random.Random(3).shuffle(ratings)
    assert await store.feedback.add(ratings) == 80
    await store.feedback.add([stars(2, key=f"alone{n}") for n in range(3)])

    assert (await the_report(store)).headline.stars == {1: 0, 2: 3, 3: 0, 4: 0, 5: 2}


async def test_workspaces_are_apart(store: Store) -> None:
    same = {"member": "U1", "conversation": "c1"}
    await store.feedback.add([stars(5, key="k", **same), stars(1, key="k", **same, workspace_id=WorkspaceId("T2"))])

    assert (await the_report(store)).headline.n == 2
    assert (await the_report(store, Scope(workspace_id=TEAM))).headline.mean == 5


async def test_the_scope_and_the_groups_are_of_what_was_rated(store: Store) -> None:
    pizza, bank = About(assistant="pizza", variant="good"), About(assistant="bank")
    weeks = (NOW, NOW - timedelta(days=7), NOW - timedelta(days=14))
    await store.feedback.add(
        [stars(5, key=f"p{n}", about=pizza, at=at) for n, at in enumerate(weeks)]
        + [stars(1, key=f"b{n}", about=bank, at=weeks[0]) for n in range(2)]
    )

    by_week = to_json(await the_report(store, by="week"))["by_week"]
    assert {week: figures["n"] for week, figures in by_week.items()} == {"2025-W52": 1, "2026-W01": 1, "2026-W02": 3}
    by_assistant = (await the_report(store, by="assistant")).groups
    assert {name: figures.mean for name, figures in by_assistant.items()} == {"bank": 1, "pizza": 5}
    assert (await the_report(store, Scope(since=NOW - timedelta(days=8)))).headline.n == 4
    assert (await the_report(store, Scope(assistant="pizza", variant="good"))).headline.n == 3
    assert (await the_report(store, Scope(assistant="nobody"))).headline.n == 0


async def test_a_request_with_a_key_is_answered_once_even_if_it_comes_ten_times_at_once(store: Store) -> None:
    request = Request(workspace_id=TEAM, token_id="t", key="k", digest="d1")
    answers = await asyncio.gather(*(store.feedback.add_once(request, [stars(5, key=f"r{n}")]) for n in range(10)))
    other = await store.feedback.add_once(
        Request(workspace_id=TEAM, token_id="t", key="k", digest="d2"), [stars(1, key="x")]
    )

    assert set(answers) == {Answered(same_request=True, stored=1)}
    assert other == Answered(same_request=False, stored=1)
    assert (await the_report(store)).headline.n == 1


async def test_a_member_is_forgotten_beyond_what_the_file_still_shows(store: Store, database_url: str) -> None:
    said = [
        stars(2, key=f"a{n}", member="ana", conversation=f"c{n}", comment=f"unforgettable-{n} " + "x" * 500)
        for n in range(50)
    ]
    await store.feedback.add([*said, stars(5, key="b", member="ben", comment="remember me")])
    await store.feedback.keep([an_example("ana", {"query": "unforgettable"})])

    forgotten = await forget_member("ana", store=store)

    assert (forgotten.ratings, forgotten.examples) == (50, 1)
    report = await the_report(store)
    assert (report.headline.n, [comment.text for comment in report.words.telling]) == (1, ["remember me"])
    if database_url.startswith("sqlite"):
        path = Path(database_url.removeprefix("sqlite:///"))
        files = [path, path.with_name(path.name + "-wal")]
        left = b"".join(file.read_bytes() for file in files if file.exists())
        assert b"remember me" in left
        assert b"unforgettable" not in left


async def test_forgetting_in_one_workspace_leaves_the_others(store: Store) -> None:
    await store.feedback.add(
        [stars(5, key="a", member="U1"), stars(5, key="a", member="U1", workspace_id=WorkspaceId("T2"))]
    )
    assert (await forget_member("U1", store=store, workspace_id=TEAM)).ratings == 1
    assert (await forget_member("U1", store=store)).ratings == 1
    assert (await forget_member("U1", store=store)).ratings == 0


async def test_what_is_too_old_is_forgotten(store: Store) -> None:
    await store.feedback.add([stars(5, key=f"r{days}", at=NOW - timedelta(days=days)) for days in (1, 29, 31, 400)])
    assert (await store.feedback.forget_before(NOW - timedelta(days=30))).ratings == 2
    assert (await the_report(store)).headline.n == 2


async def test_an_example_is_kept_once(store: Store) -> None:
    example = an_example("ana", {"query": "hi", "cost_usd": None})
    assert (await store.feedback.keep([example]), await store.feedback.keep([example])) == (1, 0)
    assert await store.feedback.examples(TEAM) == (example,)
    assert await store.feedback.examples(WorkspaceId("T2")) == ()


def test_the_migration_goes_up_down_and_up_again_and_makes_the_tables_of_the_code(database_url: str) -> None:
    url = parse_database_url(database_url)
    sync = url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = sync
    engine = create_engine(sync)

    tables: list[bool] = []
    for step in ("0002", "0001", "0002"):
        (command.downgrade if step == "0001" else command.upgrade)(config, step)
        tables.append(set(inspect(engine).get_table_names()) >= OURS)
    assert tables == [True, False, True]
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [repr(each) for each in compare_metadata(context, SQLModel.metadata)]
    engine.dispose()
    # tables of later migrations are not there yet; ours are as the code has them
    assert [each for each in differences if any(f"'{name}'" in each for name in OURS)] == []
