"""Reactions become votes, whatever order Slack's events arrive in and however often."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from jobs.errors import ConfigurationError
from jobs.feedback.rating import Message, Vote, slack_time
from jobs.feedback.reactions import DEFAULT_REACTIONS, ReactionEvent, current_votes, fold_name, parse_reactions

NAMES = ("+1", "-1", "star", "one", "two", "three", "four", "five", "pizza")
SPELLINGS = {"+1": ("+1", "thumbsup", "+1::skin-tone-3"), "-1": ("-1", "thumbsdown", "-1::skin-tone-6")}
UP, DOWN = Vote(kind="thumb", value=1), Vote(kind="thumb", value=-1)
M = Message(channel_id="C1", ts="1700000000.000001")


class Channel:
    """What is really on the messages while members put reactions on and take them off, and the events of it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.there: dict[tuple[Message, str], list[str]] = {}
        self.events: list[ReactionEvent] = []

    def act(self) -> None:
        message = Message(channel_id="C1", ts=f"1700000000.{self.chance.randrange(300):06}")
        member = f"U{self.chance.randrange(20)}"
        there = self.there.setdefault((message, member), [])
        name = self.chance.choice(NAMES)
        if there and self.chance.random() < 0.6:
            name = self.chance.choice(there)
        removed = name in there
        there.remove(name) if removed else there.append(name)
        self.events.append(
            ReactionEvent(
                type="removed" if removed else "added",
                member_id=member,
                message=message,
                name=self.chance.choice(SPELLINGS.get(name, (name,))),
                at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=len(self.events)),
            )
        )

    def votes(self) -> dict[tuple[Message, str], Vote]:
        """The oracle: the last reaction that is there and is a vote."""
        voted = {who: [name for name in names if name in DEFAULT_REACTIONS] for who, names in self.there.items()}
        return {who: DEFAULT_REACTIONS[names[-1]] for who, names in voted.items() if names}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_twenty_thousand_events_in_any_order_with_duplicates_give_the_votes_that_are_there(seed: int) -> None:
    channel = Channel(seed)
    for _ in range(14_000):
        channel.act()
    delivered = channel.events + channel.chance.choices(channel.events, k=6_000)
    channel.chance.shuffle(delivered)

    assert len(delivered) == 20_000
    assert sum(event.type == "removed" for event in delivered) > 0.3 * len(delivered)
    assert current_votes(delivered, DEFAULT_REACTIONS) == channel.votes()


def event(kind: str, name: str, second: int) -> ReactionEvent:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    return ReactionEvent(type="removed" if kind == "-" else "added", member_id="U1", message=M, name=name, at=at)


def test_a_removal_that_arrives_first_still_retracts() -> None:
    assert current_votes([event("-", "+1", 2), event("+", "+1", 1)], DEFAULT_REACTIONS) == {}


def test_taking_the_last_reaction_back_brings_the_one_before_to_the_fore() -> None:
    events = [event("+", "+1", 1), event("+", "-1", 2), event("-", "-1", 3)]
    assert current_votes(events[:2], DEFAULT_REACTIONS) == {(M, "U1"): DOWN}
    assert current_votes(events, DEFAULT_REACTIONS) == {(M, "U1"): UP}


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("+1", "+1"),
        ("+1::skin-tone-2", "+1"),
        (":thumbsup::skin-tone-6:", "+1"),
        ("thumbsdown", "-1"),
        ("Star", "star"),
        ("five", "five"),
        ("skin-tone-2", "skin-tone-2"),
    ],
)
def test_names_are_folded(name: str, folded: str) -> None:
    assert fold_name(name) == folded


def test_the_map_can_be_changed() -> None:
    reactions = parse_reactions("tada=5, star=off :eyes:=down")
    assert (reactions["tada"], reactions["eyes"]) == (Vote(kind="stars", value=5), DOWN)
    assert "star" not in reactions
    assert reactions["+1"] == UP
    assert parse_reactions(None) == DEFAULT_REACTIONS


@pytest.mark.parametrize("text", ["tada", "tada=6", "=up", "tada=UP"])
def test_a_map_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="CONVOTEST_REACTIONS"):
        parse_reactions(text)


def test_a_time_of_slacks_is_exact_to_the_microsecond() -> None:
    assert slack_time("1700000000.123457").microsecond == 123457
    assert slack_time("1700000000.1").microsecond == 100000
    assert slack_time("1700000000") == datetime.fromtimestamp(1_700_000_000, UTC)
    for wrong in ("", "soon", "-1.0", "1e9", "17000000000000.0"):
        with pytest.raises(ValueError, match="no time"):
            slack_time(wrong)
