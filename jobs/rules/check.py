"""Holds rules against conversations and counts the verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from jobs.recorded import Recorded
from jobs.rules.budget import Budget
from jobs.rules.evaluate import Step, compiled_once, holds
from jobs.rules.explain import Failure, failure
from jobs.rules.files import Rule
from jobs.rules.pairs import PairPlan
from jobs.rules.scope import Scope, World
from jobs.rules.values import Conversation, Question, Stopped, Unanswered

Verdict = Literal["pass", "fail", "not_applicable", "unscored"]

_WORSE: Sequence[Verdict] = ("not_applicable", "pass", "unscored", "fail")
MOST_FAILURES = 1_000
"""Failures of one rule that are kept with their reasons; all are counted."""


@dataclass(kw_only=True)
class Counts:
    """How often a rule came to which verdict."""

    passed: int = 0
    failed: int = 0
    not_applicable: int = 0
    unscored: int = 0
    failures: list[Failure] = field(default_factory=list[Failure])
    verdicts: dict[int, Verdict] = field(default_factory=dict[int, Verdict])
    """What it comes to for each conversation by its place, the worst where it is in several pairs."""

    def add(self, verdict: Verdict, count: int = 1) -> None:
        match verdict:
            case "pass":
                self.passed += count
            case "fail":
                self.failed += count
            case "not_applicable":
                self.not_applicable += count
            case "unscored":
                self.unscored += count

    def note(self, place: int, verdict: Verdict) -> None:
        """A verdict that one conversation took part in."""
        known = self.verdicts.get(place, verdict)
        self.verdicts[place] = verdict if _WORSE.index(verdict) > _WORSE.index(known) else known

    def merge(self, other: "Counts") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.not_applicable += other.not_applicable
        self.unscored += other.unscored
        self.failures += other.failures
        for place, verdict in other.verdicts.items():
            self.note(place, verdict)


@dataclass(frozen=True, kw_only=True)
class GivenUp:
    """A rule that asked for more than a rule may do; it was given up and its verdicts are not counted."""

    rule: Rule
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.rule.path}: rule {self.rule.name!r} was stopped: {self.message}; {self.fix}"


@dataclass(frozen=True, kw_only=True)
class RulesReport:
    """What came of it.

    Args:
        rules: counts by the name of the rule; files that share a name share the counts.
        questions: what a model would have to be asked for the verdicts that are unscored.
    """

    conversations: int
    rules: Mapping[str, Counts]
    given_up: tuple[GivenUp, ...] = ()
    questions: frozenset[Question] = frozenset()

    @property
    def exit_code(self) -> int:
        """2 a rule was given up, 1 any failure, 4 something is unscored, 0 otherwise."""
        counts = self.rules.values()
        if self.given_up:
            return 2
        if any(each.failed for each in counts):
            return 1
        return 4 if any(each.unscored for each in counts) else 0


def check_rules(
    rules: Sequence[Rule],
    recordings: Sequence[Recorded],
    *,
    answers: Mapping[Question, Any] | None = None,
    one_by_one: bool = False,
) -> RulesReport:
    """Holds every rule against every conversation, pair of conversations, or all of them, as the rule says.

    Args:
        answers: what a model answered to the questions of an earlier report.
        one_by_one: whether the counts also say what each rule comes to for each conversation.
    """
    conversations = [Conversation(each) for each in recordings]
    counts: dict[str, Counts] = {}
    given_up: list[GivenUp] = []
    questions: set[Question] = set()
    for rule in rules:
        world = World(selected=conversations, holds=holds, answers=answers or {})
        found = counts.setdefault(rule.name, Counts())
        try:
            found.merge(_Check(rule, world, questions, one_by_one=one_by_one).counts())
        except Stopped as error:
            given_up.append(GivenUp(rule=rule, message=error.message, fix=error.fix))
    return RulesReport(
        conversations=len(conversations), rules=counts, given_up=tuple(given_up), questions=frozenset(questions)
    )


def verdict_for(rule: Rule, recorded: Recorded) -> Verdict:
    """What a rule over one conversation says of this one, without a model; a rule that is given up is unscored."""
    conversation = Conversation(recorded)
    world = World(selected=[conversation], holds=holds)
    try:
        return _Check(rule, world, set()).verdict(Scope([conversation], world=world, alone=conversation))
    except Stopped:
        return "unscored"


class _Check:
    """One rule against the conversations of its world."""

    def __init__(self, rule: Rule, world: World, questions: set[Question], *, one_by_one: bool = False) -> None:
        self._one_by_one = one_by_one
        self._rule = rule
        self._world = world
        self._questions = questions

    def counts(self) -> Counts:
        match self._rule.conversations:
            case 1:
                return self._over_each()
            case 2:
                return self._over_pairs()
            case "all":
                return self._over_all()

    def _over_each(self) -> Counts:
        counts = Counts()
        for place, each in enumerate(self._world.selected):
            verdict = self.verdict(self._scope(each))
            counts.add(verdict)
            if self._one_by_one:
                counts.note(place, verdict)
            if verdict == "fail" and len(counts.failures) < MOST_FAILURES:
                counts.failures.append(failure(self._rule, self._scope(each)))
        return counts

    def _over_pairs(self) -> Counts:
        counts, plan, conversations = Counts(), PairPlan(self._rule), self._world.selected
        failed: list[tuple[int, int]] = []
        scope = Scope([], world=self._world)
        for group in plan.groups(conversations, self._world):
            scope.conv = [conversations[index] for index in group.example()]
            scope.hoisted = group.hoisted
            scope.budget.renew()
            verdict = self._judge(plan.conditions, plan.then, scope)
            counts.add(verdict, group.count)
            for place in {*group.firsts, *group.seconds} if self._one_by_one else ():
                counts.note(place, verdict)
            if verdict == "fail" and len(failed) < MOST_FAILURES:
                failed += islice(group.pairs(), MOST_FAILURES - len(failed))
        every = len(conversations) * (len(conversations) - 1)
        counts.not_applicable = every - counts.passed - counts.failed - counts.unscored
        counts.failures = [failure(self._rule, self._pair(one, other)) for one, other in sorted(failed)]
        return counts

    def _over_all(self) -> Counts:
        """One verdict for the set of those conversations that ``when`` and ``if`` select."""
        counts, selected = Counts(), list[Conversation]()
        for each in self._world.selected:
            match self._applies(self._conditions(), self._scope(each)):
                case "pass":
                    selected.append(each)
                case "unscored":
                    counts.add("unscored")
                    return counts
                case _:
                    pass
        if not selected:
            counts.add("not_applicable")
            return counts
        world = World(selected=selected, holds=holds, answers=self._world.answers)
        scope = Scope(selected, world=world, budget=Budget(len(selected)))
        verdict = self._judge((), compiled_once(self._rule.then), scope)
        counts.add(verdict)
        if verdict == "fail":
            counts.failures.append(failure(self._rule, Scope(selected, world=world, budget=Budget(len(selected)))))
        return counts

    def verdict(self, scope: Scope) -> Verdict:
        return self._judge(self._conditions(), compiled_once(self._rule.then), scope)

    def _conditions(self) -> Sequence[Step]:
        return (compiled_once(self._rule.when), compiled_once(self._rule.condition))

    def _judge(self, conditions: Sequence[Step], then: Step, scope: Scope) -> Verdict:
        applies = self._applies(conditions, scope)
        if applies != "pass":
            return applies
        verdict, value = self._outcome(then, scope)
        return ("pass" if value is True else "fail") if verdict == "pass" else verdict

    def _applies(self, conditions: Sequence[Step], scope: Scope) -> Verdict:
        """``pass`` if all conditions hold; one that is false or fails outweighs one that only a model can tell."""
        applies: Verdict = "pass"
        for condition in conditions:
            verdict, value = self._outcome(condition, scope)
            if verdict == "unscored":
                applies = "unscored"
            elif verdict == "not_applicable" or not value:
                return "not_applicable"
        return applies

    def _outcome(self, step: Step, scope: Scope) -> tuple[Verdict, Any]:
        """A value (``pass``: there is one), or why there is none."""
        try:
            return "pass", step(scope)
        except Unanswered as error:
            self._questions.add(error.question)
            return "unscored", None
        except Stopped:
            raise
        except Exception:  # noqa: BLE001 - by the definition of rules: whatever goes wrong in one, it does not apply
            return "not_applicable", None

    def _scope(self, conversation: Conversation) -> Scope:
        return Scope([conversation], world=self._world, alone=conversation)

    def _pair(self, one: int, other: int) -> Scope:
        conversations = self._world.selected
        return Scope([conversations[one], conversations[other]], world=self._world)
