"""What the suites of the night have shown against their baselines."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from jobs.announce import card_key
from jobs.bundle import Ports
from jobs.digest._digest import ConversationLink, DigestPart, Line, Tone
from jobs.digest._section import DigestScope, DigestSection
from jobs.regression import Regression, RegressionSummary
from jobs.report.words import dollars, percent

MOST_LINES = 6
MOST_LINKS = 3
MOST_READ = 500
LOOKED_BACK = timedelta(days=7)
TONES: dict[str, Tone] = {"REJECT": "bad", "INCONCLUSIVE": "unsure", "APPROVE": "good"}
MARKS = {"REJECT": "regressed", "INCONCLUSIVE": "not certain", "APPROVE": "as good as the baseline"}


async def build(scope: DigestScope, ports: Ports) -> DigestPart | None:
    found = await ports.store.regressions.recent(
        scope.workspace_id, since=scope.since, before=scope.until, limit=MOST_READ
    )
    over = [each for each in found if each.state == "finished" and each.summary is not None]
    if not over:
        return None
    latest = latest_of_each(over)
    bad = [each for each in latest if each.verdict == "REJECT"]
    unsure = [each for each in latest if each.verdict == "INCONCLUSIVE"]
    mended = await _mended(latest, scope, ports)
    ranked = [*bad, *unsure, *(each for each in latest if each.verdict == "APPROVE")]
    lines = [line for each in ranked for line in _told(each)]
    left_out = len(lines) - MOST_LINES
    if left_out > 0:
        lines = [*lines[:MOST_LINES], Line(text=f"{left_out} more in the thread")]
    before = [each for each in over if each not in latest]
    return DigestPart(
        name=SECTION.name,
        title=SECTION.title,
        lines=tuple(lines),
        details=tuple(line for each in ranked for line in _details(each, before)),
        is_news=bool(bad or mended) or any(_summary(each).is_down for each in latest),
        verdict=_verdict(latest, bad, unsure, mended),
        tone="bad" if bad else "good" if mended or not unsure else "unsure",
        brief=f"{_suites(len(latest))} as good as their baseline" if not bad and not unsure else _brief(latest),
    )


def latest_of_each(found: Sequence[Regression]) -> list[Regression]:
    """The last one of each suite and assistant; the order is that of ``found``, the newest first."""
    latest: dict[tuple[str, str], Regression] = {}
    for each in found:
        latest.setdefault((each.suite, each.assistant), each)
    return list(latest.values())


async def _mended(latest: Sequence[Regression], scope: DigestScope, ports: Ports) -> list[Regression]:
    """Those that were worse when they were last told of, and are not any more."""
    earlier = await ports.store.regressions.recent(
        scope.workspace_id, since=scope.since - LOOKED_BACK, before=scope.since, limit=MOST_READ
    )
    worse = {
        (each.suite, each.assistant)
        for each in latest_of_each([each for each in earlier if each.state == "finished"])
        if each.verdict == "REJECT"
    }
    return [each for each in latest if each.verdict != "REJECT" and (each.suite, each.assistant) in worse]


def _verdict(
    latest: Sequence[Regression],
    bad: Sequence[Regression],
    unsure: Sequence[Regression],
    mended: Sequence[Regression],
) -> str:
    down = [each for each in latest if _summary(each).is_down]
    if down:
        return f"{_names(down)} did not answer all night"
    if bad:
        high = any(_summary(each).severity == "high" for each in bad)
        return f"{len(bad)} of {_suites(len(latest))} regressed: {_names(bad)}" + (" (high)" if high else "")
    if mended:
        return f"Not worse any more: {_names(mended)}"
    if unsure:
        return f"Nothing got worse in {_suites(len(latest))}, as far as can be told"
    return (
        f"{_suites(len(latest))} as good as the baseline"
        if len(latest) == 1
        else (f"All {_suites(len(latest))} as good as their baseline")
    )


def _told(regression: Regression) -> Iterator[Line]:
    """The verdict of one suite, and what regressed."""
    summary, tone = _summary(regression), TONES[_summary(regression).verdict]
    rate = f", success {percent(summary.success.value)} (n={summary.success.n})" if summary.success else ""
    words = "assistant down" if summary.is_down else MARKS[summary.verdict]
    name = f"{regression.suite} → {regression.assistant}@{regression.variant}"
    yield Line(text=f"{name}: {words}{rate}", tone=tone, key=card_key(regression.run_id))
    for each in summary.regressed:
        yield Line(text=f"{each.severity}: {each.sentence}", tone="bad", links=_links(regression, each.conversations))


def _details(regression: Regression, before: Sequence[Regression]) -> Iterator[Line]:
    summary = _summary(regression)
    yield from _told(regression)
    if summary.is_down and summary.down_reason:
        yield Line(text=summary.down_reason)
    yield Line(
        text=f"{summary.passed} passed, {summary.failed} failed, {summary.errors} errors of {summary.conversations}; "
        f"{summary.pairs} pairs; cost {dollars(summary.cost_usd)}"
    )
    for reason in summary.open_reasons:
        yield Line(text=reason, tone="unsure")
    if summary.changes:
        yield Line(text=f"changed since {summary.changes_since or 'the baseline'}: {'; '.join(summary.changes)}")
    if summary.flaky:
        told = ", ".join(f"{each.name} ({each.passed} of {each.played} repeats passed)" for each in summary.flaky)
        numbers = tuple(each.number for each in summary.flaky)
        yield Line(text=f"flaky, not counted: {told}", links=_links(regression, numbers))
    if summary.mended:
        yield Line(text="passes now:", tone="good", links=_links(regression, summary.mended))
    nights = [each for each in before if (each.suite, each.assistant) == (regression.suite, regression.assistant)]
    if nights:
        told = ", ".join(f"{each.created_at:%a} {MARKS[_summary(each).verdict]}" for each in reversed(nights[:7]))
        yield Line(text=f"before: {told}")


def _links(regression: Regression, numbers: Sequence[int]) -> tuple[ConversationLink, ...]:
    return tuple(ConversationLink(run_id=regression.run_id, number=number) for number in numbers[:MOST_LINKS])


def _summary(regression: Regression) -> RegressionSummary:
    assert regression.summary is not None, "only those that are over get here"
    return regression.summary


def _names(regressions: Sequence[Regression]) -> str:
    names = list(dict.fromkeys(each.suite for each in regressions))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _suites(number: int) -> str:
    return f"{number} suite" if number == 1 else f"{number} suites"


def _brief(latest: Sequence[Regression]) -> str:
    return f"nothing got worse in {_suites(len(latest))}, as far as can be told"


SECTION = DigestSection(name="regressions", title="Suites", build=build)
