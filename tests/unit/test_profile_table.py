"""The table of what is supported names tests that exist; here are those that have no better place."""

import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from jobs.model import (
    Assessment,
    Conversation,
    ConversationId,
    Ending,
    GoalProgress,
    Run,
    RunId,
    Scenario,
    Transcript,
    Verdict,
)
from jobs.profiles import Profile, draw_scenarios, load_profile
from jobs.report.as_csv import COLUMNS

ROOT = Path(__file__).parents[2]
PIZZA = (ROOT / "profiles/pizza-shop/pizza.yaml").read_text(encoding="utf-8")


def loaded(before: str, after: str, tmp_path: Path) -> Profile:
    text = PIZZA.replace(before, after)
    assert text != PIZZA
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    return load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path)


def test_every_test_of_the_table_exists() -> None:
    table = (ROOT / "docs/profiles.md").read_text(encoding="utf-8").partition("## What is supported")[2]
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", table)) - {"test_name"}

    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in tests} == set()


@pytest.mark.parametrize(
    ("kind", "data", "values"),
    [
        ("int", "{min: 1, max: 6, step: 2}", (1, 3, 5, 6)),
        ("int", "{min: 1, max: 5, step: 2}", (1, 3, 5)),
        ("int", "{min: 1, max: 4}", (1, 2, 3)),
        ("int", "{min: 2, max: 2, step: 1}", (2,)),
        ("float", "{min: 0, max: 1, step: 0.3}", (0.0, 0.3, 0.6, 0.9, 1.0)),
        ("float", "{min: 1, max: 2, linspace: 5}", (1.0, 1.25, 1.5, 1.75, 2.0)),
        ("date", "{min: 2024-02-28, max: 2024-03-01}", ("2024-02-28", "2024-02-29")),
    ],
)
def test_ranges_go_from_min_by_step_below_max_and_end_with_max(
    kind: str, data: str, values: tuple[object, ...], tmp_path: Path
) -> None:
    before = "type: int\n        data: {min: 1, max: 3, step: 1}"

    assert loaded(before, f"type: {kind}\n        data: {data}", tmp_path).variables["cans"].values == values


@pytest.mark.parametrize(
    ("function", "amount"), [("random()", 1), ("random(1)", 1), ("random(3)", 3), ("random(5)", 5)]
)
def test_random_picks_that_many_different_values(function: str, amount: int, tmp_path: Path) -> None:
    profile = loaded("random(rand)", function, tmp_path)
    drawn = [each.goals[0].slots[1].values for each in draw_scenarios(profile, seed=4, n=40)]

    assert {len(values) for values in drawn} == {len(set(values)) for values in drawn} == {amount}
    assert len(set(drawn)) > 1 or amount == 5


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("long phrase", "long_phrases"),
        ("long phrases", "long_phrases"),
        ("Long_Phrases", "long_phrases"),
        ("change your mind", "change_your_mind"),
        ("change language: [french]", "change_language"),
        ("make spelling mistakes", "spelling_mistakes"),
        ("single question", "single_question"),
        ("single questions", "single_question"),
        ("all questions", "all_questions"),
    ],
)
def test_every_style_is_read_in_each_of_its_spellings(written: str, name: str, tmp_path: Path) -> None:
    assert [style.name for style in loaded("- default", f"- {written}", tmp_path).styles] == [name]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("data: {min: 1, max: 3, step: 1}", "data: {date: {min: today}}", "dates made by a generator"),
        ("    all_answered:\n      limit: 20", "    cost: 0.1", "by its cost"),
        ("user:\n", "llm: {format: {type: speech}}\nuser:\n", "speech"),
        ("user:\n", "llm: {model_prov: openai}\nuser:\n", "a provider"),
        ("role: you order", "role: you order {{size}}", "variables outside goals"),
    ],
)
def test_what_is_not_supported_says_so(before: str, after: str, said: str, tmp_path: Path) -> None:
    [note] = loaded(before, after, tmp_path).unsupported

    assert "not supported yet" in note
    assert said in note


def test_a_profile_that_exports_its_goals_has_them_in_the_table(tmp_path: Path) -> None:
    scenario = Scenario(profile="p", number=1, seed=1, goals=(), ending=Ending(export=True))
    goals = (
        GoalProgress(text="a small pizza", asked=True, answered=True, turn=3),
        GoalProgress(text="the price", asked=True, answered=False, turn=None),
        GoalProgress(text="the time", asked=False, answered=None, turn=None),
    )
    conversation = Conversation(
        id=ConversationId("c"),
        run_id=RunId("r"),
        number=1,
        scenario=scenario,
        transcript=Transcript(turns=(), ended_by="limit"),
        verdict=Verdict(outcome="failed"),
        assessment=Assessment(goals=goals),
    )
    silent = replace(conversation, scenario=replace(scenario, ending=Ending()))
    column, any_run = COLUMNS["goals"], cast("Run", None)  # the column looks at the conversation only

    assert column(conversation, any_run) == (
        "a small pizza: answered in turn 4; the price: asked, not answered; the time: not asked"
    )
    assert column(silent, any_run) is None
