"""Reactions at Slack's door: what counts, what does not, and that nobody is asked twice why."""

import asyncio
import random
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.response import BoltResponse

from bot.poster import NotSent
from jobs.feedback.rating import Message, slack_time
from jobs.feedback.reactions import DEFAULT_REACTIONS, ReactionEvent, current_votes
from jobs.model import WorkspaceId
from tests.contract.shown_messages import show, show_answers
from tests.unit.test_bot_deliveries import Bot, started

TEAM, OTHER = WorkspaceId("T1"), WorkspaceId("T2")
ANSWER = "1700000000.000100"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Bot]:
    async with started(tmp_path) as bot:
        await show_answers(bot.ports.store, bot.ports.clock, [ANSWER], team=TEAM)
        yield bot


def reaction(
    name: str,
    *,
    at: float = 1.0,
    member: str = "U0BEN",
    kind: str = "reaction_added",
    ts: str = ANSWER,
    channel: str = "C1",
    **event: Any,
) -> dict[str, Any]:
    """A reaction event; ``at`` is in seconds, and names the event."""
    said = {
        "type": kind,
        "user": member,
        "reaction": name,
        "item": {"type": "message", "channel": channel, "ts": ts},
        "item_user": "UBOT",
        "event_ts": f"{1_700_000_100 + at:.6f}",
        **event,
    }
    event_id = f"Ev{kind}{member}{name}{ts}{at}"
    return {"type": "event_callback", "team_id": TEAM, "event_id": event_id, "event": said}


async def deliver(bot: Bot, body: dict[str, Any]) -> BoltResponse:
    """Deliver an event and wait for what follows: Bolt acknowledges it before its listener has begun."""
    answer = await bot.deliver(body)
    for _ in range(50):
        await asyncio.sleep(0)
    await bot.settle()
    return answer


async def votes(bot: Bot) -> dict[str, tuple[str, int | None]]:
    """What each member's reactions say now, by member and name; what was taken back is not there."""
    rows = await bot.ports.store.feedback.ratings(TEAM, limit=10_000)
    return {f"{row['member_id']} {row['details']['reaction']}": (row["kind"], row["value"]) for row in rows
            if not row["retracted"] and "reaction" in row["details"]}  # fmt: skip


async def test_a_reaction_on_an_answer_is_a_vote_about_its_conversation(bot: Bot) -> None:
    await deliver(bot, reaction("thumbsup::skin-tone-4"))

    (row,) = await bot.ports.store.feedback.ratings(TEAM, limit=10)
    assert (row["source"], row["kind"], row["value"], row["member_id"]) == ("live", "thumb", 1, "U0BEN")
    assert (row["conversation_id"], row["assistant"], row["variant"]) == (f"live-T1-C1-{ANSWER}", "pizza", "good")
    assert bot.said() == []
    assert await bot.unfinished() == 0


async def test_a_reaction_that_is_taken_back_is_retracted_even_if_the_removal_arrives_first(bot: Bot) -> None:
    await deliver(bot, reaction("+1", kind="reaction_removed", at=2))
    await deliver(bot, reaction("+1", at=1))
    await deliver(bot, reaction("four", at=3))

    assert await votes(bot) == {"U0BEN four": ("stars", 4)}


async def test_the_same_event_delivered_again_changes_nothing(bot: Bot) -> None:
    for _ in range(4):
        assert (await deliver(bot, reaction("-1"))).status == 200

    assert await votes(bot) == {"U0BEN -1": ("thumb", -1)}
    assert len(bot.said()) == 1


@pytest.mark.parametrize(
    "event",
    [
        reaction("pizza"),
        reaction("+1", item_user="U0ADA"),
        reaction("+1", ts="1600000000.000001"),
        reaction("+1", channel="C2"),
        reaction("+1", item={"type": "file", "file": "F1"}),
        reaction("+1", item=None),
        reaction("+1", item="message"),
        reaction("+1", user=None),
        reaction("+1", reaction=""),
        reaction("+1", event_ts="soon"),
        reaction("+1", event_ts=""),
        reaction("+1", member="UBOT"),
    ],
)
async def test_what_is_no_vote_on_a_message_of_ours_leaves_nothing(bot: Bot, event: dict[str, Any]) -> None:
    assert (await deliver(bot, event)).status == 200

    assert await bot.ports.store.feedback.ratings(TEAM, limit=10) == ()
    assert (bot.said(), await bot.unfinished()) == ([], 0)


async def test_a_message_of_another_workspace_under_the_same_ts_is_not_rated(bot: Bot) -> None:
    store, clock = bot.ports.store, bot.ports.clock
    await show_answers(store, clock, ["1700000000.000200"], team=OTHER)

    await deliver(bot, reaction("+1", ts="1700000000.000200"))

    assert await store.feedback.ratings(TEAM, limit=10) == await store.feedback.ratings(OTHER, limit=10) == ()


async def test_a_message_that_shows_no_conversation_is_not_rated(bot: Bot) -> None:
    await show(bot.ports.store, TEAM, "C1", "1700000000.000300", kind="notice", text="hello")

    await deliver(bot, reaction("+1", ts="1700000000.000300"))

    assert await votes(bot) == {}


async def test_a_message_whose_conversation_was_forgotten_is_not_rated(bot: Bot) -> None:
    await bot.ports.store.live.forget_member("U0ASKER", workspace_id=None)

    await deliver(bot, reaction("+1"))

    assert await votes(bot) == {}


@pytest.mark.parametrize(("standing", "counts"), [("guest", True), ("app", False), ("stranger", False)])
async def test_people_of_the_workspace_count_apps_and_strangers_do_not(bot: Bot, standing: Any, counts: bool) -> None:
    bot.poster.standings["U0BEN"] = standing

    await deliver(bot, reaction("+1"))

    assert bool(await votes(bot)) is counts


async def test_who_slack_cannot_tell_about_is_taken_for_a_person(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(member_id: str, workspace_id: str) -> Any:
        raise NotSent("Slack asked us to wait", retry_after_s=30)

    monkeypatch.setattr(bot.poster, "standing", fails)

    await deliver(bot, reaction("+1"))

    assert len(await votes(bot)) == 1


async def test_a_reaction_quicker_than_slacks_answer_waits_until_the_message_has_its_ts(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, ts = bot.ports.store, "1700000000.000400"
    (conversation,) = await show_answers(store, bot.ports.clock, [ts], team=TEAM)
    item = await store.outbox.find(TEAM, f"answer:C1:{ts}")
    assert item is not None
    await store.outbox.mark_sent(item, None)
    await store.outbox.mark_sending(item)  # as it is before Slack has answered
    waited: list[float] = []

    async def slack_answers(seconds: float) -> None:
        waited.append(seconds)
        await store.outbox.mark_sent(item, ts)

    monkeypatch.setattr(bot.ports.clock, "sleep", slack_answers)
    await deliver(bot, reaction("+1", ts=ts))

    (row,) = await store.feedback.ratings(TEAM, limit=10)
    assert (row["conversation_id"], waited) == (conversation, [1])


async def test_after_a_thumb_down_only_that_person_is_asked_why_once(bot: Bot) -> None:
    await deliver(bot, reaction("-1", at=1))
    await deliver(bot, reaction("-1", at=2, kind="reaction_removed"))
    await deliver(bot, reaction("-1", at=3))
    await deliver(bot, reaction("-1", at=4, member="U0CLEO"))

    asked = [(channel, member, message.text) for channel, member, message in bot.poster.whispers]
    assert asked == [("C1", member, "Thanks for the thumb down. What was wrong?") for member in ("U0BEN", "U0CLEO")]


async def test_the_configured_map_counts(tmp_path: Path) -> None:
    async with started(tmp_path) as bot:
        await show_answers(bot.ports.store, bot.ports.clock, [ANSWER], team=TEAM)
        object.__setattr__(bot.ports, "settings", bot.ports.settings.model_copy(
            update={"convotest_reactions": "tada=5 +1=off"}
        ))  # fmt: skip
        for place, name in enumerate(("tada", "+1")):
            await deliver(bot, reaction(name, at=place))

        assert await votes(bot) == {"U0BEN tada": ("stars", 5)}


async def test_events_in_random_order_with_duplicates_leave_what_the_oracle_says(bot: Bot) -> None:
    chance = random.Random(20)
    answers = [f"1700000001.{place:06}" for place in range(40)]
    await show_answers(bot.ports.store, bot.ports.clock, answers, team=TEAM)
    bodies = [
        reaction(
            chance.choice(("+1", "-1", "star", "three", "pizza", "+1::skin-tone-2")),
            at=place / 1000,
            member=f"U{chance.randrange(8)}X",
            kind=chance.choice(("reaction_added", "reaction_added", "reaction_removed")),
            ts=chance.choice(answers),
        )
        for place in range(1_000)
    ]
    delivered = bodies + chance.choices(bodies, k=300)
    chance.shuffle(delivered)

    for start in range(0, len(delivered), 50):
        await asyncio.gather(*(deliver(bot, body) for body in delivered[start : start + 50]))

    assert await current(bot) == oracle(bodies)


async def current(bot: Bot) -> dict[tuple[str, str], tuple[str, int]]:
    """The vote of each member on each message, as the store's rows say it."""
    rows = await bot.ports.store.feedback.ratings(TEAM, limit=100_000)
    latest: dict[tuple[str, str], Any] = {}
    for row in sorted(rows, key=lambda row: (row["at"], row["details"]["reaction"])):
        if not row["retracted"]:
            latest[row["subject"], row["member_id"]] = (row["kind"], row["value"])
    return latest


def oracle(bodies: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[str, int]]:
    events = [
        ReactionEvent(
            type="added" if event["type"] == "reaction_added" else "removed",
            member_id=event["user"],
            message=Message(channel_id=event["item"]["channel"], ts=event["item"]["ts"]),
            name=event["reaction"],
            at=slack_time(event["event_ts"]),
        )
        for event in (body["event"] for body in bodies)
    ]
    votes = current_votes(events, DEFAULT_REACTIONS)
    return {
        (f"slack:{message.channel_id}:{message.ts}", who): (vote.kind, vote.value)
        for (message, who), vote in votes.items()
    }
