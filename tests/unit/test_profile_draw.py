"""The same profile and seed give the same customers."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import RequestError
from jobs.model import Scenario
from jobs.profiles import Profile, Variable, draw_scenarios, load_profile
from jobs.profiles.draw import in_english
from jobs.profiles.profile import Function, GoalStyle, count_combinations

CHECKOUT = Path(__file__).parents[2]
SHIPPED = CHECKOUT / "profiles"


def pizza() -> Profile:
    return load_profile(SHIPPED / "pizza-shop/pizza.yaml", profiles_dir=SHIPPED)


def profile_of(tmp_path: Path, variables: str, goals: str, *, number: str = "4", more: str = "") -> Profile:
    path = tmp_path / "p.yaml"
    text = f"test_name: t\nuser:\n  role: r\n  goals:\n{goals}{variables}conversation:\n  number: {number}\n{more}"
    path.write_text(text, encoding="utf-8")
    return load_profile(path, profiles_dir=tmp_path)


def drawn(scenarios: tuple[Scenario, ...], name: str) -> list[tuple[object, ...]]:
    return [slot.values for each in scenarios for goal in each.goals for slot in goal.slots if slot.name == name]


def test_forward_runs_through_the_combinations_and_begins_again() -> None:
    scenarios = draw_scenarios(pizza(), seed=1)

    pairs = list(zip(drawn(scenarios, "cans"), drawn(scenarios, "drink"), strict=True))
    assert len(scenarios) == 20
    assert pairs[:4] == [((1,), ("cola",)), ((1,), ("lemonade",)), ((1,), ("orange soda",)), ((2,), ("cola",))]
    assert len(set(pairs[:9])) == 9
    assert pairs[9:18] == pairs[:9]


def test_another_repeats_no_value_before_all_were_drawn() -> None:
    sizes = drawn(draw_scenarios(pizza(), seed=5, n=18), "size")

    rounds = [sizes[start : start + 3] for start in range(0, 18, 3)]
    assert all(len(set(each)) == 3 for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1


def test_random_rand_draws_different_amounts_without_repeats() -> None:
    toppings = drawn(draw_scenarios(pizza(), seed=5, n=60), "toppings")

    assert {len(each) for each in toppings} == {1, 2, 3, 4, 5}
    assert all(len(set(each)) == len(each) for each in toppings)


@given(seed=st.integers(-(2**40), 2**40), few=st.integers(1, 20), many=st.integers(20, 40))
@settings(max_examples=30, deadline=None)
def test_fewer_scenarios_are_the_first_of_more(seed: int, few: int, many: int) -> None:
    profile = pizza()

    assert draw_scenarios(profile, seed=seed, n=few) == draw_scenarios(profile, seed=seed, n=many)[:few]


def test_another_seed_draws_other_customers() -> None:
    assert draw_scenarios(pizza(), seed=1) != draw_scenarios(pizza(), seed=2)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 9))
def test_combinations_multiply_along_a_chain_and_chains_run_side_by_side(chain: list[int], alone: int) -> None:
    variables = {
        f"v{place}": _forward(f"v{place}", size, nests=f"v{place + 1}" if place + 1 < len(chain) else None)
        for place, size in enumerate(chain)
    }
    product = 1
    for size in chain:
        product *= size

    assert count_combinations(variables) == product
    assert count_combinations({**variables, "alone": _forward("alone", alone)}) == max(product, alone)
    profile = Profile(
        stem="p", path="p", name="p", stamp="", variables=variables, number=1,
        goals=(" ".join(f"{{{{{name}}}}}" for name in variables),),
    )  # fmt: skip
    if product <= 500:
        texts = [scenario.goals[0].text for scenario in draw_scenarios(profile, seed=0, n=product)]
        assert len(set(texts)) == product


def _forward(name: str, size: int, nests: str | None = None) -> Variable:
    function = Function(name="forward", nests=nests)
    return Variable(name=name, type="int", function=function, values=tuple(range(size)), count=size)


@pytest.mark.parametrize(
    ("number", "planned"),
    [("7", 7), ("all_combinations", 9), ("sample(0.2)", 2), ("sample(0.5)", 4), ("sample(0.01)", 1), ("sample(1)", 9)],
)
def test_the_number_of_conversations_is_a_count_or_a_share_rounded_half_to_even(
    number: str, planned: int, tmp_path: Path
) -> None:
    text = (SHIPPED / "pizza-shop/pizza.yaml").read_text(encoding="utf-8").replace("number: 20", f"number: {number}")
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")

    assert load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path).planned(1) == planned


def test_values_are_never_filled_in_again(tmp_path: Path) -> None:
    variables = '    - a: {function: default(), type: string, data: ["{{b}}", "{0.__class__}"]}\n    - b: {function: forward(), type: string, data: [x]}\n'  # noqa: E501
    profile = profile_of(tmp_path, variables, '    - "{{a}} and {{ b }}"\n')

    goal = draw_scenarios(profile, seed=1)[0].goals[0]

    assert goal.text == "{{b}} and {0.__class__} and x"
    assert [slot.name for slot in goal.slots] == ["a", "b"]


def test_several_values_read_as_english() -> None:
    assert in_english(("cheese",)) == "cheese"
    assert in_english(("cheese", "mushrooms", "pepperoni")) == "cheese, mushrooms and pepperoni"
    assert in_english((1, 2.5)) == "1 and 2.5"


def test_random_steps_and_random_styles_are_drawn_for_each_customer(tmp_path: Path) -> None:
    more = "  goal_style: {random steps: 8}\n  interaction_style:\n    - random: [long phrase, single questions, all questions]\n"  # noqa: E501
    scenarios = draw_scenarios(profile_of(tmp_path, "", "    - order\n", number="80", more=more), seed=3)

    assert {scenario.ending.limit for scenario in scenarios} == set(range(1, 9))
    assert {scenario.ending.style for scenario in scenarios} == {"steps"}
    drawn_styles = {tuple(style.name for style in scenario.styles) for scenario in scenarios}
    assert len(drawn_styles) > 3
    assert not any({"single_question", "all_questions"} <= set(names) for names in drawn_styles)


def test_a_variable_that_needs_a_model_cannot_be_played(tmp_path: Path) -> None:
    variables = "    - a: {function: another(), type: string, data: [any(3 drinks)]}\n"
    profile = profile_of(tmp_path, variables, '    - "a {{a}}"\n')

    assert profile.variables["a"].count is None
    assert "needs a model" in profile.unsupported[0]
    with pytest.raises(RequestError, match="any"):
        draw_scenarios(profile, seed=1)


@pytest.mark.parametrize("n", [0, -1, 1_000_001])
def test_an_impossible_number_of_conversations_is_refused(n: int) -> None:
    with pytest.raises(RequestError, match="not possible"):
        draw_scenarios(pizza(), seed=1, n=n)


def test_goal_style_default_is_all_answered_within_thirty_turns() -> None:
    ending = GoalStyle().ending

    assert (ending.style, ending.limit, ending.export) == ("all_answered", 30, False)


DRAW = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from jobs.profiles import draw_scenarios, find_profile
scenarios = draw_scenarios(find_profile("pizza", profiles_dir=Path(sys.argv[1])), seed=42)
print(json.dumps([asdict(scenario) for scenario in scenarios]))
"""


def test_two_processes_with_different_hash_seeds_draw_the_same_bytes() -> None:
    answers = {
        subprocess.run(
            [sys.executable, "-c", DRAW, str(SHIPPED)],
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }

    assert len(answers) == 1
    here = json.dumps([asdict(scenario) for scenario in draw_scenarios(pizza(), seed=42)]) + "\n"
    assert answers == {here.encode()}


def test_scenario_seeds_stay_what_they_were() -> None:
    assert [scenario.seed for scenario in draw_scenarios(pizza(), seed=42, n=2)] == [48525809740302, 1004191151408661]
