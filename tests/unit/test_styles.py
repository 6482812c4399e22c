"""How well a simulated customer keeps to its styles: high for those who were asked to, low for those who were not."""

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from jobs.metrics import METRICS, ScoringContext, by_style
from jobs.model import Assessment, Case, CaseTurn, Goal, Scenario, Slot, Style, StyleName, Transcript, Turn
from jobs.profiles import find_profile
from jobs.profiles.draw import draw_scenarios
from jobs.simulate.agenda import AgendaSimulator
from jobs.simulate.conversation import converse
from jobs.testing import MovableClock, testing_ports

SIZE = Slot(name="size", type="string", values=("small",), domain=("small", "large"))
SCENARIO = Scenario(
    profile="pizza",
    number=1,
    seed=1,
    goals=(
        Goal(text="a small pizza", template="a {{size}} pizza", slots=(SIZE,)),
        Goal(text="how much it costs", template="how much it costs"),
    ),
)


def kept(style: StyleName, *said: str, language: str = "English", languages: tuple[str, ...] = ()) -> float | None:
    scenario = replace(SCENARIO, styles=(Style(name=style, languages=languages),), language=language)
    turns = tuple(
        turn for text in said for turn in (Turn(speaker="user", text=text), Turn(speaker="assistant", text="Fine."))
    )
    return by_style(scenario, Transcript(turns=turns, ended_by="goal_reached"))[style].value


async def played(style: StyleName | None, directory: Path) -> list[tuple[Scenario, Transcript]]:
    """Conversations of the offline customers with the demo shop."""
    talks: list[tuple[Scenario, Transcript]] = []

    async def on_turn(position: int, turn: Turn) -> None:
        return

    async with testing_ports(directory) as ports:
        profile = find_profile("pizza", profiles_dir=ports.profiles_dir)
        variant = ports.catalogue.variant("pizza@good")
        for drawn in draw_scenarios(profile, seed=3, n=20):
            scenario = replace(drawn, styles=(Style(name=style),) if style else ())
            session = await ports.connectors["demo"].open(variant, seed=str(scenario.number))
            customer = AgendaSimulator().begin(scenario)
            transcript = await converse(
                scenario, customer, session, clock=MovableClock(), answer_timeout_s=60, on_turn=on_turn
            )
            talks.append((scenario, transcript))
    return talks


@pytest.mark.parametrize(
    "style", ["long_phrases", "change_your_mind", "spelling_mistakes", "single_question", "all_questions"]
)
async def test_those_who_were_asked_to_keep_a_style_are_told_from_those_who_were_not(
    style: StyleName, tmp_path: Path
) -> None:
    def adherence(talks: list[tuple[Scenario, Transcript]]) -> float:
        scores = [
            by_style(replace(scenario, styles=(Style(name=style),)), transcript)[style]
            for scenario, transcript in talks
        ]
        return fmean(score.value for score in scores if score.value is not None)

    asked = adherence(await played(style, tmp_path))
    plain = adherence(await played(None, tmp_path))

    assert asked >= 0.7
    assert plain <= asked - 0.3


@pytest.mark.parametrize(
    ("style", "said", "value"),
    [
        ("change_your_mind", ("a large pizza please", "no wait, a small one"), 1.0),
        ("change_your_mind", ("a small pizza please", "small, yes"), 0.0),
        ("single_question", ("a small pizza, and how much does it cost?",), 0.0),
        ("single_question", ("a small pizza", "how much does it cost?"), 1.0),
        ("all_questions", ("a small pizza, and how much does it cost?",), 1.0),
        ("all_questions", ("hello", "a small pizza", "how much does it cost?"), 0.5),
        ("spelling_mistakes", ("could you plese make a small pizza", "thank you very much indeed"), 0.5),
        ("spelling_mistakes", ("ok", "yes"), None),
        ("long_phrases", ("ok", "yes"), None),
    ],
)
def test_what_was_said_is_measured(style: StyleName, said: tuple[str, ...], value: float | None) -> None:
    assert kept(style, *said) == value


def test_a_change_of_language_is_heard() -> None:
    italian = "Vorrei una pizza piccola con il formaggio, grazie"

    assert kept("change_language", "I would like the small one", italian, languages=("italian",)) == 1.0
    assert kept("change_language", "I would like the small one", "and with cheese", languages=("italian",)) == 0.0
    assert kept("change_language", "I would like the small one", italian, languages=("klingon",)) is None


def test_mistakes_in_a_language_without_a_list_of_words_are_not_measured() -> None:
    assert kept("spelling_mistakes", "この小さいピザをお願いします", language="Japanese") is None


def test_mistakes_are_told_in_the_language_of_the_customer() -> None:
    assert kept("spelling_mistakes", "eine kleine pizza bitte schnell liefern", language="German") == 0.0
    assert kept("spelling_mistakes", "eine klenie pizza bittte schnell liefern", language="German") == 1.0


async def test_the_metric_is_the_mean_with_a_reason_for_each_style() -> None:
    styles = (Style(name="single_question"), Style(name="change_your_mind"))
    transcript = Transcript(turns=(Turn(speaker="user", text="a small pizza"),), ended_by="limit")
    context = ScoringContext(
        transcript=transcript, scenario=replace(SCENARIO, styles=styles), assessment=Assessment(goals=())
    )

    score = await METRICS["style_adherence"].score(context)

    assert score.value == 0.5
    assert score.reason == (
        "single question: 1 of 1 message bring up one thing alone; "
        "change your mind: wanted the same from the first word to the last"
    )


async def test_without_a_style_and_for_a_test_case_there_is_nothing_to_measure() -> None:
    transcript = Transcript(turns=(Turn(speaker="user", text="hi"),), ended_by="limit")
    case = Case(name="c", turns=(CaseTurn(user="hi"),))
    styled = replace(SCENARIO, styles=(Style(name="single_question"),), case=case)

    for scenario in (SCENARIO, styled):
        context = ScoringContext(transcript=transcript, scenario=scenario, assessment=Assessment(goals=()))
        assert (await METRICS["style_adherence"].score(context)).value is None
