"""A comparison in words that a person who decides understands."""

from collections.abc import Iterator, Sequence

from jobs.experiments.analysis import ALPHA, FEWEST, Comparison, MetricResult, Verdict
from jobs.redact import redact
from jobs.report.as_text import printable
from jobs.report.words import UNKNOWN, dollars, duration, percent

LONGEST_NAME = 60
PRACTICAL = 100_000
"""Pairs; who is told that it takes more does not need the number."""

MANY_METRICS = 5

VERDICTS: dict[Verdict, str] = {
    "b_better": "B is better",
    "b_worse": "B is worse",
    "no_difference_shown": "no difference shown",
    "not_enough_data": "not enough data",
}
SHORT_NAMES = {"latency_ms": "latency", "cost_usd": "cost"}


def recommendation(comparison: Comparison) -> str:
    """What to do, why, and how sure that is."""
    primary = comparison.metrics[comparison.primary] if comparison.primary is not None else None
    if primary is None or comparison.b.n == 0:
        return _nothing_to_compare(comparison)
    if comparison.is_aa:
        return _aa(comparison, primary)
    match primary.verdict:
        case "b_better":
            advice = f"Take {_b(comparison)}: {_contrast(comparison, primary)}."
        case "b_worse":
            advice = f"Keep {_a(comparison)}: {_contrast(comparison, primary)}."
        case "no_difference_shown":
            advice = f"Keep {_a(comparison)} for now: {_no_difference(comparison, primary)}"
        case "not_enough_data":
            return f"No answer yet: {_too_few(comparison, primary)}"
    return " ".join([advice, *_other_metrics(comparison)])


def advice_notes(comparison: Comparison) -> tuple[str, ...]:
    """What a reader must know about how the figures came about."""
    guessed = [each.measure for each in comparison.metrics.values() if each.measure.is_guess]
    notes = [*comparison.notes]
    for better, words in (("higher", "more"), ("lower", "less")):
        names = ", ".join(_safe(each.name) for each in guessed if each.better == better)
        if names:
            notes.append(f"{words} counts as better in: {names}")
    if len(comparison.metrics) > MANY_METRICS:
        count = len(comparison.metrics)
        notes.append(f"{count} metrics share the 5% risk of a false claim; --metric keeps to those that decide")
    return tuple(notes)


def metric_name(name: str) -> str:
    return SHORT_NAMES.get(name) or _safe(name.replace("_", " "))


def variant_name(name: str | None) -> str:
    return UNKNOWN if name is None else _safe(name)


def figure(value: float | None, result: MetricResult) -> str:
    """An arm's mean."""
    if value is None:
        return UNKNOWN
    scales = {"success": percent, "latency": duration, "cost": dollars}
    return scales[result.measure.scale](value) if result.measure.scale in scales else f"{value:.3g}"


def change(value: float | None, result: MetricResult) -> str:
    """A difference, e.g. ``-12 points``, ``+0.21``; of a ratio the change, e.g. ``+18%``."""
    if value is None:
        return UNKNOWN
    match result.measure.scale:
        case "success":
            return f"{100 * value:+.{_digits(100 * value)}f} points"
        case "score":
            return f"{value:+.3g}"
        case _:
            return f"{100 * (value - 1):+.{_digits(100 * (value - 1))}f}%"


def interval(result: MetricResult) -> str:
    """E.g. ``-20 to -4 points``."""
    if result.low is None or result.high is None:
        return UNKNOWN
    low = change(result.low, result).removesuffix(" points").removesuffix("%")
    return f"{low} to {change(result.high, result)}"


def p_value(p: float | None) -> str:
    if p is None:
        return UNKNOWN
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def sample_words(comparison: Comparison, result: MetricResult) -> str:
    """E.g. ``60 pairs``, ``48 pairs in 12 scenarios``, ``50 and 48 results``."""
    if comparison.design == "unpaired":
        return f"{comparison.a.n:,} and {comparison.b.n:,} results, unpaired"
    in_scenarios = f" in {result.units:,} scenarios" if result.units != result.pairs else ""
    return f"{result.pairs:,} pairs{in_scenarios}"


def methods(comparison: Comparison) -> list[str]:
    """How each figure came about."""
    lines = dict[str, list[str]]()
    for name, each in comparison.metrics.items():
        if each.p is not None:
            lines.setdefault(each.method, []).append(metric_name(name))
    methods = [f"{', '.join(names)}: {method}" for method, names in lines.items()]
    return [*methods, "p-values adjusted by Holm's method"] if len(comparison.metrics) > 1 and methods else methods


def _contrast(comparison: Comparison, result: MetricResult) -> str:
    """E.g. ``success is 62% with it and 90% with A (-28 points, 95% interval ...)``."""
    return (
        f"{metric_name(result.measure.name)} is {figure(result.a, result)} with {_a(comparison)} and "
        f"{figure(result.b, result)} with {_b(comparison)} ({_evidence(comparison, result)})"
    )


def _evidence(comparison: Comparison, result: MetricResult) -> str:
    parts = [change(result.difference, result)] if result.difference is not None else []
    if result.low is not None:
        parts.append(f"95% interval {interval(result)}")
    p = p_value(result.p_adjusted)
    return ", ".join([*parts, f"p {p}" if p.startswith("<") else f"p = {p}", sample_words(comparison, result)])


def _no_difference(comparison: Comparison, result: MetricResult) -> str:
    name, text = metric_name(result.measure.name), ""
    if result.direction == 0:
        text = f"{name} is the same in both, {figure(result.a, result)} ({_evidence(comparison, result)})."
    else:
        contrast = _contrast(comparison, result)
        text = f"no difference in {name} was shown. {contrast[:1].upper()}{contrast[1:]}."
    if result.p is not None and result.p < ALPHA:
        text += f" Alone it would count (p = {p_value(result.p)}), but not as one of several metrics."
    if result.needs_n is not None:
        text += f" {_effort(comparison, result.needs_n)}"
    return text


def _effort(comparison: Comparison, needs_n: int) -> str:
    what = "pairs" if comparison.design == "paired" else "results of each variant"
    if needs_n > PRACTICAL:
        return f"A difference this small takes more than {PRACTICAL:,} {what} to show."
    return f"It takes about {needs_n:,} {what} to show a difference of this size."


def _too_few(comparison: Comparison, result: MetricResult) -> str:
    name, scenarios = metric_name(result.measure.name), _count(result.units, "scenario")
    if comparison.design == "paired" and result.pairs >= FEWEST:
        return (
            f"the {result.pairs:,} pairs with {name} come from {scenarios}. Repeating a scenario does not say how "
            f"others would go; at least {FEWEST} different ones are needed."
        )
    if comparison.design == "paired":
        return f"only {_count(result.pairs, 'complete pair')} with {name}; at least {FEWEST} are needed."
    if min(comparison.a.n, comparison.b.n) >= FEWEST and result.units:
        return (
            f"the results with {name} of one variant come from {scenarios}; at least {FEWEST} different ones are "
            "needed, best with the same scenarios and seeds for both variants."
        )
    return f"one variant has only {_count(result.units, 'result')} with {name}; each needs at least {FEWEST}."


def _nothing_to_compare(comparison: Comparison) -> str:
    if comparison.a.variant is None:
        return "No answer: there are no results."
    if comparison.b.variant is None:
        return f"No answer: all results are of {_a(comparison)}; a second variant is needed to compare it with."
    return "No answer: nothing was measured; every value is missing."


def _aa(comparison: Comparison, result: MetricResult) -> str:
    start = f"An A/A test: {_a(comparison)} was compared with itself, so any difference is chance."
    match result.verdict:
        case "no_difference_shown":
            return f"{start} None was shown in {metric_name(result.measure.name)}, as it should be."
        case "not_enough_data":
            return f"{start} No answer yet: {_too_few(comparison, result)}"
        case _:
            return (
                f"{start} Yet {metric_name(result.measure.name)} differs ({_evidence(comparison, result)}). One in "
                "twenty such tests does; if it happens again, something besides the variant differs between the arms."
            )


def _other_metrics(comparison: Comparison) -> Iterator[str]:
    others = [each for name, each in comparison.metrics.items() if name != comparison.primary]
    for verdict, words in (("b_better", "better"), ("b_worse", "worse")):
        names = _listed([f"{metric_name(m.measure.name)} ({_short(m)})" for m in others if m.verdict == verdict])
        if names:
            yield f"{_b(comparison)} is {words} in {names}."


def _short(result: MetricResult) -> str:
    if result.difference is None:
        return f"{figure(result.a, result)} and {figure(result.b, result)}"
    return change(result.difference, result)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _digits(value: float) -> int:
    """Decimals that a share of a hundred needs: small ones would look alike without."""
    return 1 if 0 < abs(value) < 9.95 and not value.is_integer() else 0


def _a(comparison: Comparison) -> str:
    return variant_name(comparison.a.variant)


def _b(comparison: Comparison) -> str:
    return variant_name(comparison.b.variant)


def _safe(text: str) -> str:
    """Text from outside on one line, bounded, without secrets and control characters."""
    return printable(redact(text), at_most=LONGEST_NAME).replace("\n", " ")
