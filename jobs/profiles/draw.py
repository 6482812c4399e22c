"""Draws scenarios from a profile: the same profile and seed give the same customers on every machine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from jobs.errors import RequestError
from jobs.model import Ending, Goal, Scenario, Slot, SlotValue, Style
from jobs.profiles.chance import Dice
from jobs.profiles.conversation import MOST_CONVERSATIONS
from jobs.profiles.pairwise import pairwise_rows
from jobs.profiles.profile import Profile, Variable, forward_groups, inner_combinations
from jobs.profiles.reading import PLACEHOLDER
from jobs.profiles.variables import MOST_AT_ONCE

_Draw = Callable[[int], tuple[SlotValue, ...]]
"""What a variable is worth in the conversation of that (1-based) number."""


def draw_scenarios(profile: Profile, *, seed: int, n: int | None = None) -> tuple[Scenario, ...]:
    """The first ``n`` scenarios of a profile, without ``n`` as many as it plans; fewer are always the first of more.

    Raises:
        RequestError: a variable of the goals has no known value, or ``n`` is out of range.
    """
    count = profile.planned(seed) if n is None else n
    if not 1 <= count <= MOST_CONVERSATIONS:
        raise RequestError(f"{count:,} conversations are not possible; ask for 1 to {MOST_CONVERSATIONS:,}")
    used = dict.fromkeys(name for template in profile.goals for name in PLACEHOLDER.findall(template))
    variables = {name: _playable(profile.variables[name], profile) for name in used}
    domains = {name: tuple(dict.fromkeys(variable.values)) for name, variable in variables.items()}
    draws = {name: _draw(variable, profile, seed) for name, variable in variables.items()}

    def slots(number: int) -> Mapping[str, Slot]:
        return {
            name: Slot(name=name, type=variable.type, values=draws[name](number), domain=domains[name])
            for name, variable in variables.items()
        }

    return tuple(_scenario(profile, seed, number, slots(number)) for number in range(1, count + 1))


def _playable(variable: Variable, profile: Profile) -> Variable:
    reason, amount = variable.unplayable, variable.function.amount
    if variable.values and amount != "rand" and amount > len(variable.values):
        reason = f"random({amount}) needs the values of any(), and there is no model to make them up"
    if reason:
        raise RequestError(f"profile {profile.stem!r} cannot be played: {variable.name!r}: {reason}")
    return variable


def _scenario(profile: Profile, seed: int, number: int, slots: Mapping[str, Slot]) -> Scenario:
    return Scenario(
        profile=profile.stem,
        number=number,
        seed=Dice(seed, "scenario", number).below(2**53),
        goals=tuple(_goal(template, slots) for template in profile.goals),
        role=profile.role,
        language=profile.language,
        context=profile.context,
        persona=profile.personality.name if profile.personality else None,
        persona_traits=profile.personality.traits if profile.personality else (),
        styles=_styles(profile, Dice(seed, "interaction_style", number)),
        assistant_starts=profile.assistant_starts,
        fallback=profile.fallback,
        outputs=profile.outputs,
        rubrics=profile.rubrics,
        ending=_ending(profile, Dice(seed, "goal_style", number)),
        model=profile.model,
        temperature=profile.temperature,
    )


def _goal(template: str, slots: Mapping[str, Slot]) -> Goal:
    """A goal with its variables filled in; what a value contains is never filled in again."""
    names = dict.fromkeys(PLACEHOLDER.findall(template))
    text = PLACEHOLDER.sub(lambda match: in_english(slots[match[1]].values), template)
    return Goal(text=text, template=template, slots=tuple(slots[name] for name in names))


def in_english(values: Sequence[SlotValue]) -> str:
    """Several values as a sentence has them: ``cheese, mushrooms and pepperoni``."""
    *first, last = [str(value) for value in values]
    return f"{', '.join(first)} and {last}" if first else last


def _styles(profile: Profile, dice: Dice) -> tuple[Style, ...]:
    drawn = profile.random_styles
    if drawn:
        picked = dice.pick(len(drawn), 1 + dice.below(len(drawn)))
        drawn = tuple(drawn[index] for index in sorted(picked))
    styles: dict[str, Style] = {}
    for style in (*profile.styles, *drawn):
        styles.setdefault(style.name, style)
    opposed = [name for name in styles if name in ("single_question", "all_questions")]
    return tuple(style for name, style in styles.items() if name not in opposed[1:])  # nobody can do both


def _ending(profile: Profile, dice: Dice) -> Ending:
    style = profile.goal_style
    return replace(style.ending, limit=1 + dice.below(style.ending.limit)) if style.random_steps else style.ending


# --- one variable ----------------------------------------------------------------------------------------------------


def _draw(variable: Variable, profile: Profile, seed: int) -> _Draw:
    values, size = variable.values, len(variable.values)
    if variable.function.name == "default":
        return lambda number: values
    if variable.function.name == "another":
        return _another(variable, seed)
    if variable.function.name == "forward" and profile.number == "pairwise":
        return _pairwise(variable, profile.variables)
    if variable.function.name == "forward":
        inner = inner_combinations(variable, profile.variables)
        return lambda number: (values[(number - 1) // inner % size],)
    amount = variable.function.amount

    def at_random(number: int) -> tuple[SlotValue, ...]:
        dice = Dice(seed, f"variable:{variable.name}", number)
        several = 1 + dice.below(min(size, MOST_AT_ONCE)) if amount == "rand" else amount
        return tuple(values[index] for index in sorted(dice.pick(size, several)))

    return at_random


def _pairwise(variable: Variable, variables: Mapping[str, Variable]) -> _Draw:
    """From row to row of the combinations that have every pair of values, then from the beginning."""
    [group] = (each for each in forward_groups(variables) if variable.name in each)
    rows = pairwise_rows(tuple(len(variables[name].values) for name in group))
    column = group.index(variable.name)
    return lambda number: (variable.values[rows[(number - 1) % len(rows)][column]],)


def _another(variable: Variable, seed: int) -> _Draw:
    """Every value once in a random order, then every value once again in another."""
    size = len(variable.values)

    @lru_cache(maxsize=1)
    def order(round_: int) -> list[int]:
        return Dice(seed, f"round:{variable.name}", round_).pick(size, size)

    return lambda number: (variable.values[order((number - 1) // size)[(number - 1) % size]],)
