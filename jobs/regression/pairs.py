"""The same customers then and now: conversations of a run beside those of the baseline."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from jobs.experiments.experiment import scenario_key
from jobs.model import Conversation, Outcome, Scenario
from jobs.report.summary import ERRORS, JUDGED, answer_times
from jobs.scoring import mean_quality

Key = tuple[str, int]
NO_ANSWER = ERRORS | frozenset[Outcome]({"void"})
"""Outcomes of conversations that broke off; nobody knows how they would have ended."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One customer: the conversation at the baseline (None = the suite had no such customer), now, and again."""

    then: Conversation | None
    now: Conversation
    again: tuple[Conversation, ...] = ()

    @property
    def newly_failed(self) -> bool:
        """It failed now, and not at the baseline."""
        return self.now.verdict.outcome == "failed" and not self.failed_before

    @property
    def newly_broken_off(self) -> bool:
        return self.now.verdict.outcome in NO_ANSWER and not (
            self.then is not None and self.then.verdict.outcome in NO_ANSWER
        )

    @property
    def failed_before(self) -> bool:
        return self.then is not None and self.then.verdict.outcome == "failed"

    @property
    def repeats(self) -> tuple[bool, ...]:
        """Whether the repeats passed, of those that were decided."""
        return tuple(passed for each in self.again if (passed := success(each)) is not None)

    @property
    def is_security(self) -> bool:
        return "security" in self.now.scenario.tags[:1]


def key_of(scenario: Scenario) -> Key:
    """What makes it the same customer with the same dice, wherever in the suite."""
    return scenario_key(scenario), scenario.seed


def paired(
    then: Iterable[Conversation], now: Sequence[Conversation], again: Iterable[Conversation] = ()
) -> tuple[Pair, ...]:
    """Every conversation of now that was begun, by its number."""
    before = {key_of(each.scenario): each for each in then}
    repeats: dict[Key, list[Conversation]] = {}
    for each in again:
        repeats.setdefault(key_of(each.scenario), []).append(each)
    begun = (each for each in now if each.verdict.outcome not in ("skipped", "cancelled"))
    return tuple(
        Pair(
            then=before.get(key_of(each.scenario)),
            now=each,
            again=tuple(repeats.get(key_of(each.scenario), ())),
        )
        for each in sorted(begun, key=lambda conversation: conversation.number)
    )


def success(conversation: Conversation) -> bool | None:
    """None when it was not decided."""
    return {"passed": True, "failed": False}.get(conversation.verdict.outcome)


def value(figure: str, conversation: Conversation) -> float | None:
    """A figure of one conversation; None where it is not known."""
    if conversation.verdict.outcome not in JUDGED:
        return None
    match figure:
        case "success":
            passed = success(conversation)
            return None if passed is None else float(passed)
        case "quality":
            return mean_quality(conversation.scores).value
        case "latency_ms":
            times = answer_times(conversation)
            return fmean(times) if times else None
        case _:
            return conversation.cost_usd


def by_scenario(
    figure: str, pairs: Iterable[Pair], replaced: Mapping[int, float] | None = None
) -> tuple[list[float], list[float]]:
    """The figure then and now, one value a scenario: what comes up repeatedly is no further evidence.

    Args:
        replaced: by number, what is known better than from this run alone.
    """
    known: dict[str, list[tuple[float, float]]] = {}
    for pair in pairs:
        before = value(figure, pair.then) if pair.then else None
        after = (replaced or {}).get(pair.now.number, value(figure, pair.now))
        if before is not None and after is not None:
            known.setdefault(scenario_key(pair.now.scenario), []).append((before, after))
    then = [math.fsum(before for before, _ in values) / len(values) for values in known.values()]
    now = [math.fsum(after for _, after in values) / len(values) for values in known.values()]
    return then, now
