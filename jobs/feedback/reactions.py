"""Reactions as votes: names folded, and a fold of events whose result does not depend on their order."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from jobs.errors import ConfigurationError
from jobs.feedback.rating import DOWN, UP, Message, Vote

ReactionMap = Mapping[str, Vote]
"""Votes by folded name."""

_TONE = re.compile(r"(?:::skin-tone-[2-6]|_tone[1-5])$")
_ALIASES = {
    "thumbsup": "+1",
    "thumbs_up": "+1",
    "thumbsdown": "-1",
    "thumbs_down": "-1",
    "keycap_1": "one",
    "keycap_2": "two",
    "keycap_3": "three",
    "keycap_4": "four",
    "keycap_5": "five",
    "medium_star": "star",
    "white_medium_star": "star",
}

DEFAULT_REACTIONS: ReactionMap = {
    "+1": Vote(kind="thumb", value=UP),
    "-1": Vote(kind="thumb", value=DOWN),
    "star": Vote(kind="stars", value=5),
    **{name: Vote(kind="stars", value=n) for n, name in enumerate(("one", "two", "three", "four", "five"), 1)},
}

_VOTES = {
    "up": Vote(kind="thumb", value=UP),
    "down": Vote(kind="thumb", value=DOWN),
    **{str(stars): Vote(kind="stars", value=stars) for stars in range(1, 6)},
}


@dataclass(frozen=True, kw_only=True)
class ReactionEvent:
    """A member put a reaction on a message or took it away; ``at`` is the event's own time, not that of its arrival."""

    type: Literal["added", "removed"]
    member_id: str
    message: Message
    name: str
    at: datetime


def fold_name(name: str) -> str:
    """The reaction's one name: no colons, no skin tone, no alias."""
    plain = _TONE.sub("", name.strip().strip(":").lower())
    return _ALIASES.get(plain, plain)


def parse_reactions(text: str | None) -> ReactionMap:
    """The map that ``CONVOTEST_REACTIONS`` describes, e.g. ``tada=5, eyes=off``, laid over the usual one.

    Raises:
        ConfigurationError: a part of it cannot be read.
    """
    votes = dict(DEFAULT_REACTIONS)
    for part in (text or "").replace(",", " ").split():
        name, _, value = part.partition("=")
        if not name or value not in (*_VOTES, "off"):
            raise ConfigurationError(
                f"CONVOTEST_REACTIONS: {part!r} cannot be read; write NAME=up, NAME=down, NAME=1 to 5 or NAME=off"
            )
        votes.pop(fold_name(name), None)
        if value != "off":
            votes[fold_name(name)] = _VOTES[value]
    return votes


def current_votes(events: Iterable[ReactionEvent], reactions: ReactionMap) -> dict[tuple[Message, str], Vote]:
    """The vote of each member on each message after all these events, in whatever order and however often they came.

    Of one reaction its latest event counts, and a removal if two are of the same moment; of the reactions that are
    there, the latest. This is a last-writer-wins register: the store keeps the same state row by row.
    """
    latest: dict[tuple[Message, str, str], tuple[datetime, bool]] = {}
    for event in events:
        name = fold_name(event.name)
        if name in reactions:
            key, state = (event.message, event.member_id, name), (event.at, event.type == "removed")
            latest[key] = max(latest.get(key, state), state)
    votes: dict[tuple[Message, str], tuple[datetime, str]] = {}
    for (message, member_id, name), (at, removed) in latest.items():
        if not removed:
            votes[message, member_id] = max(votes.get((message, member_id), (at, name)), (at, name))
    return {who: reactions[name] for who, (_, name) in votes.items()}
