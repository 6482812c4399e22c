"""The rules of the alerts: ``alerts.yaml`` in the profiles directory, read strictly."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from jobs.alerts.incident import SEVERITIES, Severity
from jobs.history.figures import OF_FEEDBACK, known_metrics
from jobs.profiles.fields import Field, Section
from jobs.profiles.nearby import NotFoundError, read_bounded
from jobs.profiles.problems import ProfileError, Report
from jobs.profiles.yamltree import Node, parse_tree
from jobs.suites.values import read_choice

FILE_NAME = "alerts.yaml"
MOST_RULES = 100
Direction = Literal["worse", "better", "any"]
By = Literal["point", "interval"]
DIRECTIONS: tuple[Direction, ...] = ("worse", "better", "any")
Runs = Literal["nightly", "all"]
RUNS: tuple[Runs, ...] = ("nightly", "all")
BYS: tuple[By, ...] = ("point", "interval")
_DURATION = re.compile(r"(\d{1,4})\s*(nights?|runs?|d|days?|h|hours?|m|min|minutes?)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """What is watched, and from when somebody is told. Exactly one of limit, ``shift`` and ``anomaly`` is given.

    Args:
        above, below: the figure's limit.
        by: whether the figure itself has to be beyond the limit, or the nearer end of its 95 % interval.
        nights: in so many nights in a row (figures of runs).
        lasting: for so long (figures of feedback).
        over: the time that a figure of feedback is of.
        at_least: cases that a figure must have.
        shift: the direction of a step change of the series: PELT since when, EWMA soon.
        anomaly: a night that does not fit the nights before it.
        runs: which runs are looked at: those that came by themselves, or also what somebody started by hand.
        suites, assistants: only these; none = all.
    """

    name: str
    metric: str
    severity: Severity = "medium"
    above: float | None = None
    below: float | None = None
    by: By = "point"
    nights: int = 1
    lasting: timedelta = timedelta()
    over: timedelta = timedelta(days=7)
    at_least: int = 1
    shift: Direction | None = None
    anomaly: bool = False
    runs: Runs = "nightly"
    suites: tuple[str, ...] = ()
    assistants: tuple[str, ...] = ()

    @property
    def is_of_feedback(self) -> bool:
        return self.metric in OF_FEEDBACK


def load_rules(profiles_dir: Path) -> tuple[AlertRule, ...]:
    """The rules of the installation; none without a file.

    Raises:
        ProfileError: with every problem of the file.
    """
    path = profiles_dir / FILE_NAME
    if not path.is_file():
        return ()
    report = Report()
    try:
        content = read_bounded(path)
    except NotFoundError as error:
        report.problem(None, "", error.message, error.fix)
        raise ProfileError(FILE_NAME, report.ordered()) from error
    root = parse_tree(content, report)
    rules = read_rules(root, report) if root is not None else ()
    if report.problems:
        raise ProfileError(FILE_NAME, report.ordered())
    return rules


def read_rules(root: Node, report: Report) -> tuple[AlertRule, ...]:
    """The rules of a file; what is wrong with them goes to the report."""
    section = Section(Field(node=root, path="", report=report), keys="alerts")
    alerts = section.take("alerts")
    section.close(refuse=True)
    if alerts is None:
        return ()
    if not alerts.is_mapping:
        alerts.problem("this must be a mapping of names to rules", "write, for example, slow: {metric: latency_p95_ms}")
    entries = list(alerts.entries())
    if len(entries) > MOST_RULES:
        alerts.problem(f"these are {len(entries)} rules", f"keep at most {MOST_RULES}")
    return tuple(rule for key, value in entries[:MOST_RULES] if (rule := _rule(key, value)))


def _rule(key: Field, value: Field) -> AlertRule | None:
    problems = len(value.report.problems)
    if not _NAME.fullmatch(key.written):
        key.problem(f"{key.quoted()} cannot be a rule's name", "use letters, digits and hyphens")
    section = Section(value, keys="metric and above")
    metric = _metric(section.take("metric"), value)
    above, below = _number(section.take("above")), _number(section.take("below"))
    shift = read_choice(section.take("shift"), DIRECTIONS)
    anomaly_field = section.take("anomaly")
    anomaly = bool(anomaly_field and anomaly_field.truth())
    is_of_feedback = metric in OF_FEEDBACK
    nights, lasting = _duration(section.take("for"), is_of_feedback=is_of_feedback)
    over_field = section.take("over")
    rule = AlertRule(
        name=key.written,
        metric=metric or "",
        severity=read_choice(section.take("severity"), SEVERITIES) or "medium",
        above=above,
        below=below,
        by=read_choice(section.take("by"), BYS) or "point",
        nights=nights,
        lasting=lasting,
        over=_over(over_field, is_of_feedback=is_of_feedback),
        at_least=_whole(section.take("at_least")) or 1,
        shift=shift,
        anomaly=anomaly,
        runs=read_choice(section.take("runs"), RUNS) or "nightly",
        suites=_names(section.take("suites")),
        assistants=_names(section.take("assistants")),
    )
    section.close(refuse=True)
    asked = [name for name, given in (("above or below", above is not None or below is not None),
                                      ("shift", shift is not None), ("anomaly", anomaly)) if given]  # fmt: skip
    if len(asked) != 1:
        told = " and ".join(asked) or "nothing"
        value.problem(f"a rule looks for one thing, and this one for {told}", "give a limit, or shift, or anomaly")
    if is_of_feedback and not (above is not None or below is not None):
        value.problem("what people say can only have a limit", "give above or below")
    return rule if len(value.report.problems) == problems else None


def _metric(field: Field | None, rule: Field) -> str | None:
    if field is None:
        rule.problem("this rule names no figure", "add metric: and its name, for example success")
        return None
    known = known_metrics()
    if field.written in known:
        return field.written
    guess = field.report.guess(field.written, known)
    fix = f"did you mean {guess!r}?" if guess else "see docs/operations.md for all of them"
    field.problem(f"no figure named {field.quoted()}", fix)
    return None


def _duration(field: Field | None, *, is_of_feedback: bool) -> tuple[int, timedelta]:
    """Nights for figures of runs, a time for figures of feedback."""
    if field is None:
        return 1, timedelta()
    if (found := _DURATION.fullmatch(field.written)) is None or int(found[1]) == 0:
        example = "1d" if is_of_feedback else "2 nights"
        field.problem(f"{field.quoted()} is no duration", f"write for example {example}")
        return 1, timedelta()
    number, is_nights = int(found[1]), found[2].startswith(("night", "run"))
    if is_nights == is_of_feedback:
        fix = "write for example 1d or 12h" if is_of_feedback else "write for example 2 nights"
        field.problem("a figure of runs is watched for nights, what people say for hours or days", fix)
        return 1, timedelta()
    return (number, timedelta()) if is_nights else (1, _time(number, found[2]))


def _over(field: Field | None, *, is_of_feedback: bool) -> timedelta:
    usual = timedelta(days=7)
    if field is None:
        return usual
    found = _DURATION.fullmatch(field.written)
    if not is_of_feedback:
        field.problem("only what people say is taken over a time", "leave it out")
    elif found is None or int(found[1]) == 0 or found[2].startswith(("night", "run")):
        field.problem(f"{field.quoted()} is no time", "write for example 7d")
    else:
        return _time(int(found[1]), found[2])
    return usual


def _time(number: int, unit: str) -> timedelta:
    units: Mapping[str, Callable[[int], timedelta]] = {
        "d": lambda amount: timedelta(days=amount),
        "h": lambda amount: timedelta(hours=amount),
        "m": lambda amount: timedelta(minutes=amount),
    }
    return units[unit[0]](number)


def _number(field: Field | None) -> float | None:
    number = field.number() if field else None
    return float(number) if number is not None else None


def _whole(field: Field | None) -> int | None:
    return field.whole(low=1, high=1_000_000) if field else None


def _names(field: Field | None) -> tuple[str, ...]:
    return tuple(each.written for each in field.items(example="[pizza-nightly]") if each.written) if field else ()
