"""What a run shows of its customers: by persona, by interaction style, and where they were lost."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from jobs.metrics import by_style
from jobs.model import Conversation, GoalProgress
from jobs.stats import MeanInterval, Proportion, mean_interval, wilson_interval


@dataclass(frozen=True, kw_only=True)
class PersonaSummary:
    """The conversations of one persona; ``metrics`` are means over those that were played, None where all are
    unscored."""

    conversations: int
    passed: int
    failed: int
    success: Proportion | None
    metrics: Mapping[str, MeanInterval | None]


@dataclass(frozen=True, kw_only=True)
class StyleSummary:
    """How well the customers kept to one interaction style; ``mean`` None = it could not be measured in any."""

    mean: MeanInterval | None
    unscored: int


@dataclass(frozen=True, kw_only=True)
class GoalDropOff:
    """What became of one goal of the profile: in how many conversations it was to be raised, was raised, answered,
    was raised and not answered; ``unknown`` = raised, and it cannot be told."""

    goal: str
    conversations: int
    asked: int
    answered: int
    unanswered: int
    unknown: int


@dataclass(frozen=True, kw_only=True)
class TurnDropOff:
    """How many conversations came to that turn of the customer's, and how those ended that went no further: with
    everything answered, without, or it cannot be told."""

    turn: int
    reached: int
    completed: int
    left: int
    unknown: int


@dataclass(frozen=True, kw_only=True)
class DropOff:
    """Where customers are lost. Test cases do not count: their customers say what stands in a file."""

    goals: tuple[GoalDropOff, ...]
    turns: tuple[TurnDropOff, ...]


MeanOf = Callable[[str, Sequence[float]], MeanInterval | None]


def by_persona(
    conversations: Sequence[Conversation], played: Sequence[Conversation], names: Iterable[str], mean_of: MeanOf
) -> dict[str, PersonaSummary]:
    """A summary for each persona; empty where nobody has one."""
    metrics = list(names)
    personas = sorted({each.scenario.persona for each in conversations if each.scenario.persona})
    return {persona: _persona(persona, conversations, played, metrics, mean_of) for persona in personas}


def _persona(
    persona: str,
    conversations: Sequence[Conversation],
    played: Sequence[Conversation],
    metrics: Sequence[str],
    mean_of: MeanOf,
) -> PersonaSummary:
    outcomes = Counter(each.verdict.outcome for each in conversations if each.scenario.persona == persona)
    own = [each for each in played if each.scenario.persona == persona]
    return PersonaSummary(
        conversations=outcomes.total(),
        passed=outcomes["passed"],
        failed=outcomes["failed"],
        success=wilson_interval(outcomes["passed"], outcomes["passed"] + outcomes["failed"]),
        metrics={name: mean_of(name, _values(name, own)) for name in metrics},
    )


def _values(name: str, conversations: Sequence[Conversation]) -> list[float]:
    scores = (each.scores.get(name) for each in conversations)
    return [score.value for score in scores if score is not None and score.value is not None]


def styles(played: Sequence[Conversation]) -> dict[str, StyleSummary]:
    """How well each style was kept; empty where none was asked for."""
    found: dict[str, list[float | None]] = {}
    for each in played:
        if each.scenario.case is None and each.scenario.styles:
            for name, score in by_style(each.scenario, each.transcript).items():
                found.setdefault(name, []).append(score.value)
    return {name: _style(values) for name, values in found.items()}


def _style(values: Sequence[float | None]) -> StyleSummary:
    known = [value for value in values if value is not None]
    return StyleSummary(mean=mean_interval(known, lower=0.0, upper=1.0), unscored=len(values) - len(known))


# --- where customers are lost -----------------------------------------------------------------------------------------


def drop_off(played: Sequence[Conversation]) -> DropOff | None:
    """None where no simulated customer had a goal."""
    own = [each for each in played if each.scenario.case is None and each.assessment.goals]
    return DropOff(goals=_goals(own), turns=_turns(own)) if own else None


def goal_title(template: str) -> str:
    """A goal as the profile has it, with the names of its variables."""
    return re.sub(r"\{\{\s*([^{}]+?)\s*\}\}", r"[\1]", template).strip()


def _goals(conversations: Sequence[Conversation]) -> tuple[GoalDropOff, ...]:
    by_goal: dict[str, list[GoalProgress]] = {}
    for each in conversations:
        for goal, progress in zip(each.scenario.goals, each.assessment.goals, strict=False):
            by_goal.setdefault(goal_title(goal.template), []).append(progress)
    return tuple(
        GoalDropOff(
            goal=title,
            conversations=len(all_of),
            asked=sum(goal.asked for goal in all_of),
            answered=sum(goal.answered is True for goal in all_of),
            unanswered=sum(goal.asked and goal.answered is False for goal in all_of),
            unknown=sum(goal.asked and goal.answered is None for goal in all_of),
        )
        for title, all_of in by_goal.items()
    )


def _turns(conversations: Sequence[Conversation]) -> tuple[TurnDropOff, ...]:
    ends = [(sum(turn.speaker == "user" for turn in each.transcript.turns), _ended(each)) for each in conversations]
    counted = Counter(ends)
    return tuple(
        TurnDropOff(
            turn=turn,
            reached=sum(spoken >= turn for spoken, _ in ends),
            completed=counted[turn, "completed"],
            left=counted[turn, "left"],
            unknown=counted[turn, "unknown"],
        )
        for turn in range(1, max((spoken for spoken, _ in ends), default=0) + 1)
    )


def _ended(conversation: Conversation) -> str:
    goals = conversation.assessment.goals
    if all(goal.answered is True for goal in goals):
        return "completed"
    lost = any(goal.answered is False or not goal.asked for goal in goals)
    return "left" if lost else "unknown"
