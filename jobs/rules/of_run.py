"""The rules of a suite, held against the conversations of its run when it is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.errors import RequestError
from jobs.model import Conversation, ConversationId, Run, Tokens
from jobs.profiles.nearby import NotFoundError
from jobs.recorded import recorded_from_run
from jobs.redact import redact
from jobs.report.rules import MOST_KEPT, BrokenRule, RuleSummary
from jobs.report.summary import JUDGED
from jobs.rules.check import Counts, check_rules
from jobs.rules.explain import Failure
from jobs.rules.files import Reach, Rule, load_rules, rules_stamp
from jobs.rules.values import Question

COUNTED: Mapping[Reach, str] = {1: "conversations", 2: "pairs", "all": "runs"}


@dataclass(frozen=True, kw_only=True)
class RunRules:
    """What came of it.

    Args:
        verdicts: for each conversation what each rule says of it; rules over all of them say nothing of one.
        notes: what a reader must know, e.g. that the rules are others than when the run was started.
        questions: what a model would have to be asked for the verdicts that are unscored.
        tokens, cost_usd: of what was asked.
    """

    rules: Mapping[str, RuleSummary]
    verdicts: Mapping[ConversationId, Mapping[str, str]] = field(
        default_factory=dict[ConversationId, Mapping[str, str]]
    )
    notes: tuple[str, ...] = ()
    questions: frozenset[Question] = frozenset()
    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0


def check_run(
    run: Run,
    conversations: Sequence[Conversation],
    *,
    profiles_dir: Path,
    answers: Mapping[Question, Any] | None = None,
) -> RunRules | None:
    """The verdicts of the rules that the run's suite names; None if it names none.

    Args:
        answers: what a model answered to the questions of an earlier look.

    Only conversations that were played to a verdict are looked at: one that broke off proves nothing.
    """
    if run.rules is None:
        return None
    folder = profiles_dir / run.rules
    try:
        rules, _ = load_rules(folder)
        changed = run.stamps.get("rules") != rules_stamp(folder)
    except (RequestError, NotFoundError) as error:
        message = f"the rules cannot be used: {str(error).splitlines()[0]}"
        return RunRules(rules={run.rules: RuleSummary(of="runs", stopped=redact(message))})
    note = "the rules were changed after the run had been started; it was held against them as they are now"
    return _checked(rules, conversations, notes=(note,) if changed else (), answers=answers)


def _checked(
    rules: Sequence[Rule],
    conversations: Sequence[Conversation],
    *,
    notes: tuple[str, ...],
    answers: Mapping[Question, Any] | None,
) -> RunRules:
    played = [each for each in conversations if each.verdict.outcome in JUDGED]
    report = check_rules(rules, recorded_from_run(played), answers=answers, one_by_one=True)
    stopped = {each.rule.name: f"was stopped: {each.message}; {each.fix}" for each in report.given_up}
    reach: Mapping[str, Reach] = {rule.name: rule.conversations for rule in rules}
    return RunRules(
        rules={
            name: _summary(counts, of=COUNTED[reach[name]], stopped=stopped.get(name))
            for name, counts in report.rules.items()
        },
        verdicts={
            each.id: {
                name: counts.verdicts.get(place, "not_applicable")
                for name, counts in report.rules.items()
                if reach[name] != "all"
            }
            for place, each in enumerate(played)
        },
        notes=notes,
        questions=report.questions,
    )


def _summary(counts: Counts, *, of: str, stopped: str | None) -> RuleSummary:
    return RuleSummary(
        of=of,
        passed=counts.passed,
        failed=counts.failed,
        not_applicable=counts.not_applicable,
        unscored=counts.unscored,
        failures=tuple(_broken(each) for each in counts.failures[:MOST_KEPT]),
        stopped=stopped,
    )


def _broken(failure: Failure) -> BrokenRule:
    return BrokenRule(
        conversations=tuple(int(name.removeprefix("#")) for name in failure.conversations),
        reason=redact(failure.reason),
        values=tuple({name: redact(value) for name, value in values.items()} for values in failure.values),
    )
