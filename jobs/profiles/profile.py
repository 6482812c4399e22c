"""A profile: which customers to simulate, as its author wrote it down, checked and ready to draw scenarios from."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, Literal

from jobs.errors import RequestError
from jobs.model import Ending, OutputSpec, Rubric, SlotType, SlotValue, Style
from jobs.profiles.pairwise import MOST_PAIRS, count_pairs, pairwise_rows
from jobs.profiles.problems import Place

FunctionName = Literal["default", "random", "another", "forward"]
Number = int | Fraction | Literal["pairwise"]


@dataclass(frozen=True, kw_only=True)
class Function:
    """How a variable picks from its values.

    Args:
        amount: how many ``random`` picks; ``"rand"`` = a random number of them.
        nests: the variable that ``forward(x)`` runs through for each of its own values.
    """

    name: FunctionName
    amount: int | Literal["rand"] = 1
    nests: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListFunction:
    """A function in a Python file that returns the values of a variable.

    Args:
        file: its path as the profile has it; ``source`` is what stood in it when the profile was read.
        name: None = the only public function of the file, else the one that is called like the file.
    """

    file: str
    source: str
    name: str | None = None
    arguments: tuple[Any, ...] = ()
    named_arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of the goals.

    Args:
        values: those that are known.
        count: how many values there are; None while others have to be made.
        unplayable: why no value is known, None when there is one.
        made_by: the list function that makes its values.
        made_up: what a model is to make up values for, in the words of ``any(...)``.
        open_notes: the notes of the profile that say what is missing as long as they are not made.
        place, field: where its data stands in the file.
    """

    name: str
    type: SlotType
    function: Function
    values: tuple[SlotValue, ...]
    count: int | None
    unplayable: str | None = None
    made_by: ListFunction | None = None
    made_up: tuple[str, ...] = ()
    open_notes: tuple[str, ...] = ()
    place: Place | None = None
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class GoalStyle:
    """How conversations end; ``random_steps`` draws the limit of each scenario from 1 to ``ending.limit``."""

    ending: Ending = Ending()
    random_steps: bool = False


@dataclass(frozen=True, kw_only=True)
class Personality:
    """A way to be, from a file of its own."""

    name: str
    description: str = ""
    traits: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One profile file.

    Args:
        stem, path: the file's name without suffix, alone and relative to the profiles directory.
        name: its ``test_name``.
        stamp: hash of everything it was read from, other files included.
        number: how many conversations it asks for, or which share of the combinations (1 = ``all_combinations``), or
            as many as every pair of values needs.
        styles, random_styles: those of every customer, and those of which each customer draws some.
        warnings, unsupported: what its author should know; ``unsupported`` is what this reading cannot honour.
        made: which values a model made up, for the record.
    """

    stem: str
    path: str
    name: str
    stamp: str
    goals: tuple[str, ...]
    variables: Mapping[str, Variable]
    role: str = ""
    language: str = "English"
    context: tuple[str, ...] = ()
    personality: Personality | None = None
    assistant_starts: bool = False
    fallback: str | None = None
    outputs: tuple[OutputSpec, ...] = ()
    rubrics: tuple[Rubric, ...] = ()
    number: Number = 1
    goal_style: GoalStyle = GoalStyle()
    styles: tuple[Style, ...] = ()
    random_styles: tuple[Style, ...] = ()
    model: str | None = None
    temperature: float | None = None
    warnings: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    made: tuple[str, ...] = ()

    @property
    def combinations(self) -> int | None:
        """How many different conversations ``forward()`` makes; None when no variable moves forward."""
        return count_combinations(self.variables)

    @property
    def pairwise(self) -> int | None:
        """How many conversations have every pair of values of the variables that are nested in each other.

        None without any ``forward()``, and when there are too many pairs to look for the fewest conversations.
        """
        groups = forward_groups(self.variables)
        sizes = [tuple(len(self.variables[name].values) for name in group) for group in groups]
        if self.combinations is None or any(count_pairs(each) > MOST_PAIRS for each in sizes):
            return None
        return max(len(pairwise_rows(each)) for each in sizes)

    def planned(self, seed: int = 0) -> int:
        """How many conversations the profile asks for; no form of ``number`` depends on the seed so far.

        Raises:
            RequestError: combinations are asked for, and their number is not known or their pairs are too many.
        """
        if isinstance(self.number, int):
            return self.number
        if self.combinations is None:
            reasons = (f"{each.name!r}: {each.unplayable}" for each in self.variables.values() if each.unplayable)
            reason = next(reasons, "the number of combinations is not known; write a plain number")
            raise RequestError(f"profile {self.stem!r} cannot be played: {reason}")
        if self.number != "pairwise":
            return max(1, round(self.number * self.combinations))
        if self.pairwise is None:
            raise RequestError(f"profile {self.stem!r} has more than {MOST_PAIRS:,} pairs of values; write sample(0.1)")
        return self.pairwise


def count_combinations(variables: Mapping[str, Variable]) -> int | None:
    """The longest chain of ``forward()``: lengths multiply along a chain, chains run side by side.

    None without any ``forward()``, and when one of them has no known value.
    """
    forward = [variable for variable in variables.values() if variable.function.name == "forward"]
    if not forward or not all(variable.values for variable in forward):
        return None
    return max(len(variable.values) * inner_combinations(variable, variables) for variable in forward)


def inner_combinations(variable: Variable, variables: Mapping[str, Variable]) -> int:
    """How many conversations a ``forward()`` variable keeps its value: the combinations of what it nests."""
    return prod(len(variables[name].values) for name in nested(variable, variables))


def nested(variable: Variable, variables: Mapping[str, Variable]) -> tuple[str, ...]:
    """The names along the chain that begins below ``variable``, outermost first; ends before a name comes twice."""
    chain: list[str] = []
    name = variable.function.nests
    while name is not None and name not in chain and name in variables:
        chain.append(name)
        name = variables[name].function.nests
    return tuple(chain)


def forward_groups(variables: Mapping[str, Variable]) -> tuple[tuple[str, ...], ...]:
    """The ``forward()`` variables, those together that are nested in each other, in the order of the profile."""
    group_of: dict[str, dict[str, None]] = {}
    for variable in variables.values():
        if variable.function.name == "forward":
            together = dict.fromkeys((variable.name, *nested(variable, variables)))
            for name in tuple(together):
                together |= group_of.get(name, {})
            group_of |= dict.fromkeys(together, together)
    unique = {id(group): group for group in group_of.values()}
    return tuple(tuple(name for name in variables if name in group) for group in unique.values())
