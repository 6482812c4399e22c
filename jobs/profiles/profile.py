"""A profile: which customers to simulate, as its author wrote it down, checked and ready to draw scenarios from."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Literal

from jobs.errors import RequestError
from jobs.model import Ending, OutputSpec, SlotType, SlotValue, Style

FunctionName = Literal["default", "random", "another", "forward"]


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
class Variable:
    """A variable of the goals.

    Args:
        count: how many values there are; None while a model would have to make some up.
        unplayable: why no value is known, None when there is one.
    """

    name: str
    type: SlotType
    function: Function
    values: tuple[SlotValue, ...]
    count: int | None
    unplayable: str | None = None


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
        number: how many conversations it asks for, or which share of the combinations (1 = ``all_combinations``).
        styles, random_styles: those of every customer, and those of which each customer draws some.
        warnings, unsupported: what its author should know; ``unsupported`` begins each with "not supported yet".
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
    number: int | Fraction = 1
    goal_style: GoalStyle = GoalStyle()
    styles: tuple[Style, ...] = ()
    random_styles: tuple[Style, ...] = ()
    model: str | None = None
    temperature: float | None = None
    warnings: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()

    @property
    def combinations(self) -> int | None:
        """How many different conversations ``forward()`` makes; None when no variable moves forward."""
        return count_combinations(self.variables)

    def planned(self, seed: int = 0) -> int:
        """How many conversations the profile asks for; no form of ``number`` depends on the seed so far.

        Raises:
            RequestError: a share of the combinations is asked for and their number is not known.
        """
        if isinstance(self.number, int):
            return self.number
        if self.combinations is None:
            raise RequestError(f"profile {self.stem!r}: the number of combinations is not known; write a plain number")
        return max(1, round(self.number * self.combinations))


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
