"""Implicit signals are read from what was said, and counted as shares of conversations."""

import pytest

from jobs.feedback.signals import read_signals, signal_rates
from jobs.model import EndedBy, Speaker, Transcript, Turn


def played(*said: str, ended_by: EndedBy = "goal_reached", fallback: bool | None = None) -> Transcript:
    speakers: tuple[Speaker, Speaker] = ("user", "assistant")
    turns = tuple(
        Turn(speaker=speakers[place % 2], text=text, fallback=fallback if place % 2 else None)
        for place, text in enumerate(said)
    )
    return Transcript(turns=turns, ended_by=ended_by)


def test_saying_the_same_again_is_a_rephrasing_and_a_new_wish_is_none() -> None:
    again = played(
        "I want a large pizza", "Sorry?", "a LARGE pizza is what I want", "Sorry?", "yes please", "ok", "yes please"
    )
    assert read_signals(again).rephrasings == 1
    assert read_signals(played("I want a large pizza", "Sure.", "And two cans of cola with it")).rephrasings == 0


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Can I talk to a real person please?", True),
        ("get me an agent", True),
        ("Kann ich mit einem Mitarbeiter sprechen? Ich will mit einem Menschen sprechen, einem real person", True),
        ("Is there a human I can chat with", True),
        ("A pizza for one person", False),
        ("The agent was nice", False),
    ],
)
def test_asking_for_a_person_is_heard(text: str, asked: bool) -> None:
    assert read_signals(played(text, "Hello.")).asked_for_human is asked


def test_handing_over_falling_back_and_giving_up_are_told_apart() -> None:
    handed = read_signals(played("help", "I'll connect you with an agent of our team."))
    lost = read_signals(played("help", "I did not get that.", ended_by="fallback_loop", fallback=True))
    assert (handed.escalated, handed.fallbacks, handed.abandoned, handed.completed) == (True, 0, False, True)
    assert (lost.escalated, lost.fallbacks, lost.abandoned, lost.completed) == (False, 1, True, False)


def test_rates_have_their_interval_and_are_undefined_without_conversations() -> None:
    signals = [
        read_signals(played("help", "ok", ended_by=each)) for each in ("goal_reached", "limit", "timeout", "steps")
    ]
    rates = signal_rates(signals)
    completed, abandoned = rates["completed"], rates["abandoned"]
    assert completed is not None
    assert abandoned is not None
    assert (completed.value, abandoned.value, abandoned.n) == (0.25, 0.5, 4)
    assert set(signal_rates([]).values()) == {None}
