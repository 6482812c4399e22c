"""What an expression sees while it is evaluated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.recorded import Recorded
from jobs.rules.budget import Budget
from jobs.rules.values import Conversation, Question, Unanswered


@dataclass(frozen=True, kw_only=True)
class World:
    """What lies around one rule.

    Args:
        selected: the conversations that ``exists``, ``num_exist`` and ``is_unique`` look at.
        holds: the value of a condition, given as text, in one conversation.
        answers: what a model said; everything else is unanswered.
    """

    selected: Sequence[Conversation] = ()
    holds: Callable[[str, Conversation, "World", Budget], Any]
    answers: Mapping[Question, Any] = field(default_factory=dict[Question, Any])

    def ask(self, question: Question) -> Any:
        if question not in self.answers:
            raise Unanswered(question)
        return self.answers[question]


class Scope:
    """The names of one evaluation.

    Args:
        conv: the conversations that ``conv[i]`` means; with ``alone`` the names of the only one are bound too.
        hoisted: for each of the two conversations of a pair, the parts of the rule that were evaluated before.
    """

    __slots__ = ("alone", "budget", "conv", "hoisted", "locals", "world")

    def __init__(
        self,
        conv: list[Conversation],
        *,
        world: World,
        alone: Conversation | None = None,
        hoisted: Sequence[Sequence[Any]] = (),
        budget: Budget | None = None,
    ) -> None:
        self.conv = conv
        self.world = world
        self.alone = alone
        self.hoisted = hoisted
        self.budget = budget or Budget()
        self.locals: dict[str, Any] = {}

    def inner(self) -> "Scope":
        """A scope for a loop: it sees everything, and what it binds is seen nowhere else."""
        scope = Scope(self.conv, world=self.world, alone=self.alone, hoisted=self.hoisted, budget=self.budget)
        scope.locals = dict(self.locals)
        return scope

    @property
    def only(self) -> Recorded:
        """The conversation that functions without an argument look at."""
        if self.alone is None:
            raise LookupError("this function needs a rule over one conversation")
        return self.alone.recorded

    @property
    def first(self) -> Recorded:
        """The conversation whose outputs ``data_collected`` and ``missing_slots`` look at."""
        return self.conv[0].recorded
