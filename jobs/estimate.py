"""What a run will roughly cost, said before it begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.model import Scenario
from jobs.pricing import Prices

LETTERS_A_TOKEN = 4
TOKENS_A_MESSAGE = 45
INSTRUCTIONS = 450
"""Tokens of what a simulated customer is told about itself."""
RUBRIC = 500
JUDGEMENT = 120
EXCHANGES_A_GOAL = 1.6
"""With a greeting and a goodbye on top; a rule of thumb, since nobody knows before how much an assistant asks back."""


@dataclass(frozen=True, kw_only=True)
class ModelUse:
    """Which models a run uses; None = that part is played without a model of ours.

    Args:
        assistants: the assistant's models; ``prompt`` is how many letters its instructions have.
        judgements: how many things a judge decides in each conversation.
    """

    simulator: str | None = None
    assistants: Sequence[str] = ()
    prompt: int = 0
    judge: str | None = None
    judgements: int = 0

    @property
    def models(self) -> tuple[str, ...]:
        named = (self.simulator, *self.assistants, self.judge)
        return tuple(dict.fromkeys(name for name in named if name))


def estimate_usd(use: ModelUse, sample: Sequence[Scenario], n: int, prices: Prices, *, at: datetime) -> float | None:
    """Dollars for ``n`` conversations like those of the sample; None when a price is not known."""
    costs = [_of_one(use, scenario, prices, at) for scenario in sample]
    known = [cost for cost in costs if cost is not None]
    return n * sum(known) / len(known) if known and len(known) == len(costs) else None


def _of_one(use: ModelUse, scenario: Scenario, prices: Prices, at: datetime) -> float | None:
    exchanges = _exchanges(scenario)
    said_before = TOKENS_A_MESSAGE * exchanges * (exchanges - 1)  # both sides read all of it again, every time
    own = INSTRUCTIONS + len(" ".join((scenario.role, *scenario.context, *scenario.persona_traits))) // LETTERS_A_TOKEN
    read, spoken = exchanges * own + said_before, exchanges * TOKENS_A_MESSAGE
    simulated = use.simulator if scenario.case is None else None
    costs = [prices.price(simulated, read, spoken, at=at)] if simulated else []
    for model in use.assistants:
        read = exchanges * (use.prompt // LETTERS_A_TOKEN + TOKENS_A_MESSAGE) + said_before
        costs.append(prices.price(model, read, spoken, at=at))
    if use.judge:
        judgements = use.judgements + _own_judgements(scenario)
        read = judgements * (RUBRIC + 2 * TOKENS_A_MESSAGE * exchanges)
        costs.append(prices.price(use.judge, read, judgements * JUDGEMENT, at=at))
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _own_judgements(scenario: Scenario) -> int:
    """What a judge is asked about this conversation beside what it is asked about each."""
    expected = scenario.case.turns if scenario.case else ()
    understood = any(turn.intent is not None or turn.entities for turn in expected)
    return len(scenario.rubrics) + bool(scenario.outputs) + understood


def _exchanges(scenario: Scenario) -> int:
    if scenario.ending.style == "steps":
        return scenario.ending.limit
    return min(scenario.ending.limit, round(2 + EXCHANGES_A_GOAL * len(scenario.goals)))
