"""What a run will roughly cost."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jobs.estimate import ModelUse, estimate_usd
from jobs.model import Ending, Goal, Scenario
from jobs.pricing import Override, Prices

AT = datetime(2026, 1, 5, tzinfo=UTC)
PRICES = Prices({"cheap": Override(input=1.0, output=2.0), "dear": Override(input=100.0, output=200.0)})
SCENARIO = Scenario(profile="p", number=1, seed=1, goals=(Goal(text="a", template="a"),) * 3, ending=Ending(limit=20))


def usd(use: ModelUse, *scenarios: Scenario, n: int = 1) -> float | None:
    return estimate_usd(use, scenarios or (SCENARIO,), n, PRICES, at=AT)


def test_a_price_that_is_not_known_makes_the_estimate_unknown() -> None:
    assert usd(ModelUse(simulator="cheap")) is not None
    assert usd(ModelUse(simulator="cheap", judge="nobody-knows", judgements=3)) is None
    assert usd(ModelUse(assistants=("nobody-knows",))) is None


def test_it_grows_with_conversations_goals_prompt_and_price() -> None:
    use = ModelUse(simulator="cheap", assistants=("cheap",), prompt=400)
    base = usd(use)
    assert base
    goals = replace(SCENARIO, goals=SCENARIO.goals * 2)

    assert usd(use, n=10) == pytest.approx(10 * base)
    assert (usd(use, goals) or 0) > base
    assert (usd(replace(use, prompt=40_000)) or 0) > base
    assert (usd(replace(use, simulator="dear")) or 0) > 10 * base
    assert (usd(replace(use, judge="cheap", judgements=3)) or 0) > base


def test_a_profile_of_fixed_steps_is_estimated_by_its_steps() -> None:
    steps = replace(SCENARIO, ending=Ending(style="steps", limit=10))
    few = replace(SCENARIO, ending=Ending(style="all_answered", limit=1))
    use = ModelUse(simulator="cheap")

    assert (usd(use, steps) or 0) > (usd(use) or 0) > (usd(use, few) or 0) > 0


def test_the_models_of_a_run_are_named_once() -> None:
    use = ModelUse(simulator="a", assistants=("b", "a"), judge="b")

    assert use.models == ("a", "b")
    assert ModelUse().models == ()
