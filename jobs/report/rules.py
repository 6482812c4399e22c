"""What the rules of a suite say of its run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_KEPT = 20
"""Failures of one rule that are kept with the run; all are counted."""


@dataclass(frozen=True, kw_only=True)
class BrokenRule:
    """One broken expectation.

    Args:
        conversations: their numbers: one, the two of a pair, or none for a rule over all of them.
        values: for each of these conversations, what the rule looked at.
    """

    conversations: tuple[int, ...]
    reason: str
    values: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RuleSummary:
    """How often a rule came to which verdict: conversations, ordered pairs, or once for the whole run.

    Args:
        of: what is counted, ``conversations``, ``pairs`` or ``runs``.
        stopped: why the rule has no verdicts, if it was given up or its file cannot be used.
    """

    of: str
    passed: int = 0
    failed: int = 0
    not_applicable: int = 0
    unscored: int = 0
    failures: tuple[BrokenRule, ...] = ()
    stopped: str | None = None

    @property
    def applied(self) -> bool:
        return self.passed + self.failed > 0

    @property
    def ok(self) -> bool | None:
        """None = it cannot be told: only a model could say, or the rule was given up."""
        if self.failed:
            return False
        return None if self.unscored or self.stopped else True


def rule_sentence(rule: RuleSummary) -> str:
    """E.g. ``2 of 30 pairs break it: …``."""
    if rule.stopped and not rule.failed:
        return rule.stopped
    decided = rule.passed + rule.failed
    if rule.failed:
        first = f": {rule.failures[0].reason}" if rule.failures else ""
        if rule.of == "runs":
            return f"is broken{first}"
        return f"{rule.failed:,} of {decided:,} {rule.of} {'breaks' if rule.failed == 1 else 'break'} it{first}"
    if rule.unscored:
        return f"only a model can tell, and none was asked ({rule.unscored:,} {rule.of})"
    if not decided:
        return "did not apply"
    return "holds" if rule.of == "runs" else f"holds for all {decided:,} {rule.of}"


def broken(rules: Mapping[str, RuleSummary] | None) -> Iterable[tuple[str, RuleSummary]]:
    """The rules that do not hold, in their order."""
    return ((name, rule) for name, rule in (rules or {}).items() if rule.ok is False)
