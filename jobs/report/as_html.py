"""A report as one page that needs nothing else: figures, charts, filters and every transcript."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jobs.metrics import METRICS
from jobs.model import Conversation, Outcome, Turn
from jobs.report.as_text import WHO
from jobs.report.build import RunReport
from jobs.report.groups import DropOff, StyleSummary
from jobs.report.markup import Markup, element, together
from jobs.report.redacted import redacted
from jobs.report.rules import BrokenRule, RuleSummary, broken, rule_sentence
from jobs.report.summary import (
    ERRORS,
    Comparison,
    GateVerdict,
    Group,
    MetricSummary,
    ResponseTimes,
    RunSummary,
    Totals,
    answer_times,
    output_values,
)
from jobs.report.words import UNKNOWN, dollars, duration, percent
from jobs.stats import MeanInterval, Proportion

CSS = Path(__file__).with_name("page.css")
SCRIPT = Path(__file__).with_name("page.js")


def to_html(report: RunReport) -> bytes:
    """The page. Nothing is fetched, nothing that was said is executed, and it works without its script too."""
    css, script = CSS.read_text("utf-8"), SCRIPT.read_text("utf-8")
    summary = report.summary
    title = f"{summary.suite or summary.profile}: {summary.assistant}@{summary.variant}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(css, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(css)),
    )
    body = element(
        "body", _header(report, title), element("main", *_sections(report)), element("script", Markup(script))
    )
    page = f"<!doctype html>\n{element('html', head, body, lang='en')}\n"
    return page.encode("utf-8", errors="replace")


def _policy(css: str, script: str) -> str:
    """Only this style and this script; no request to anywhere."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (css, script)
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _header(report: RunReport, title: str) -> Markup:
    run, summary = report.run, report.summary
    started = (run.started_at or run.created_at).strftime("%Y-%m-%d %H:%M UTC")
    took = f", took {summary.duration_s:.0f} s" if summary.duration_s is not None else ""
    facts = f"Run {run.id} of {started}{took}; {summary.simulator} simulator, seed {summary.seed}; {run.state}"
    notes = [element("p", note, class_="quiet") for note in (*run.notes, run.note) if note]
    return element("header", element("h1", title), element("p", facts, class_="quiet"), *notes)


def _sections(report: RunReport) -> Iterable[Markup]:
    summary = report.summary
    yield _summary_section(summary)
    yield _section("Gates", _gates(summary.gates)) if summary.gates else Markup()
    yield _section("Rules", *_rules(summary.rules)) if summary.rules else Markup()
    yield _section("Why conversations failed", _groups(summary.failures)) if summary.failures else Markup()
    yield _section("Errors", _groups(summary.errors)) if summary.errors else Markup()
    yield _section("Why conversations could not be judged", _groups(summary.doubts)) if summary.doubts else Markup()
    yield _section("Metrics", _metrics(summary))
    yield _section("Personas", _personas(summary)) if summary.personas else Markup()
    yield _section("Interaction styles", _styles(summary.styles)) if summary.styles else Markup()
    yield _section("Where customers were lost", *_drop_off(summary.drop_off)) if summary.drop_off else Markup()
    yield _section("Response times", _times_chart(summary.latency), _times_table(summary))
    yield _section("Tokens and cost", _costs(summary))
    yield _section("Tags", _tags(summary)) if summary.by_tag else Markup()
    yield _section("Intents", _confusion(summary)) if summary.confusion else Markup()
    yield _conversations_section(report)


def _section(title: str, *content: Markup) -> Markup:
    return element("section", element("h2", title), *content)


# --- figures ----------------------------------------------------------------------------------------------------------


def _summary_section(summary: RunSummary) -> Markup:
    success, latency, cost = summary.success, summary.latency, summary.costs.total
    figures = element(
        "dl",
        _figure("Success", percent(success.value if success else None), _interval(success)),
        _figure(
            "Response time, half within",
            duration(latency.p50 if latency else None),
            f"95% within {duration(latency.p95)}, {latency.n} answers" if latency else "no answer was timed",
        ),
        _figure("Cost", dollars(cost), "a price is not known" if cost is None else "simulator, assistant, judge"),
        class_="figures",
    )
    return _section("Summary", _outcome_chart(summary.totals), figures, *_comparison(summary.comparison))


def _figure(name: str, value: str, note: str) -> Markup:
    return element(
        "div", element("dt", name), element("dd", value, class_="large"), element("dd", note, class_="quiet")
    )


def _interval(success: Proportion | None) -> str:
    if success is None:
        return "nothing passed or failed"
    return f"{percent(success.low)} to {percent(success.high)} (95% interval), n = {success.n}"


def _comparison(comparison: Comparison | None) -> list[Markup]:
    if comparison is None:
        return []
    caveats = [element("p", caveat, class_="quiet") for caveat in comparison.caveats]
    return [element("p", f"Compared with the last run: {comparison.sentence}."), *caveats]


def _counts(totals: Totals) -> list[tuple[str, int]]:
    names = ("passed", "failed", "inconclusive", "errors", "void", "skipped", "cancelled")
    counts = [(name, getattr(totals, name)) for name in names]
    return [(name, count) for name, count in counts if count]


def _outcome_chart(totals: Totals) -> Markup:
    """One bar, 1000 units wide, with its key; the key says everything that the colours say."""
    counts, x, bars = _counts(totals), 0.0, list[Markup]()
    for name, count in counts:
        width = 1000 * count / totals.conversations
        bars.append(element("rect", x=x, y=0, width=max(width - 3, 2), height=32, class_=f"fill-{name}"))
        x += width
    words = ", ".join(f"{count} {name}" for name, count in counts) or "no conversation was played"
    svg = element(
        "svg", *bars, viewBox="0 0 1000 32", preserveAspectRatio="none", role="img", aria_label=words, class_="bar"
    )
    key = [element("li", element("span", class_=name, aria_hidden="true"), f"{count} {name}") for name, count in counts]
    return together(svg, element("ul", *key, class_="key") if key else element("p", words))


def _groups(groups: Sequence[Group]) -> Markup:
    rows = [(group.name, f"{len(group.numbers)}", _links(group.numbers)) for group in groups]
    return _table("", ("Reason", "Count", "Conversations"), rows, numbers={1})


def _gates(gates: Sequence[GateVerdict]) -> Markup:
    kept = {True: "kept", False: "broken", None: "cannot be told"}
    rows = [(gate.name.replace("_", " "), kept[gate.ok], gate.reason) for gate in gates]
    return _table("", ("Gate", "Kept", "Why"), rows)


def _rules(rules: Mapping[str, RuleSummary]) -> Iterable[Markup]:
    rows = [(name, _held(rule), *_verdict_counts(rule), rule_sentence(rule)) for name, rule in rules.items()]
    header = ("Rule", "Holds", "Pass", "Fail", "Not applicable", "Unscored", "Why")
    yield _table("", header, rows, numbers={2, 3, 4, 5})
    for name, rule in broken(rules):
        yield element("h3", name)
        yield from (part for each in rule.failures for part in _broken_rule(each))


def _held(rule: RuleSummary) -> str:
    if rule.ok and not rule.applied:
        return UNKNOWN
    return "cannot be told" if rule.ok is None else ("holds" if rule.ok else "broken")


def _verdict_counts(rule: RuleSummary) -> Iterable[str]:
    return (f"{count:,}" for count in (rule.passed, rule.failed, rule.not_applicable, rule.unscored))


def _broken_rule(each: BrokenRule) -> Iterable[Markup]:
    """Why it is broken; the conversations of a pair stand side by side."""
    where = [" (", _links(each.conversations), ")"] if each.conversations else []
    yield element("p", each.reason, *where, dir="auto")
    if len(each.values) == 2:
        names = dict.fromkeys(name for values in each.values for name in values)
        rows = [(name, *(values.get(name, "absent") for values in each.values)) for name in names]
        yield _table("", ("", *(f"Conversation {number}" for number in each.conversations)), rows)


def _links(numbers: Sequence[int]) -> Markup:
    links = [element("a", f"{number}", href=f"#c{number}") for number in numbers]
    return together(*(part for link in links for part in (link, " ")))


def _metrics(summary: RunSummary) -> Markup:
    rows = [
        (*cells, together(what, _agreement(name, summary)))
        for name, metric in summary.metrics.items()
        for *cells, what in [_metric_row(name, metric, summary.rubrics.get(name))]
    ]
    return _table(
        "Over the conversations that were played, with 95% t intervals (Wilson's where every value is all or nothing).",
        ("Metric", "Mean", "95% interval", "n", "Unscored", "What it is"),
        rows,
        numbers={1, 2, 3, 4},
    )


def _agreement(metric: str, summary: RunSummary) -> Markup:
    """How far the judge agrees with people, greyed as long as there are too few of them."""
    said = summary.agreement_words(metric)
    if said is None or summary.trust is None:
        return Markup()
    return together(" ", element("span", said, class_="quiet" if summary.trust.is_shown_greyed(metric) else "agrees"))


def _metric_row(name: str, metric: MetricSummary, question: str | None) -> tuple[str, ...]:
    known, mean = METRICS.get(name), metric.mean
    unit = "share" if question else _unit(name)
    better = f" ({known.better} is better)" if known else ""
    return (
        name.replace("_", " "),
        _value(unit, mean.value) if mean else UNKNOWN,
        _ends(unit, mean),
        f"{mean.n if mean else 0}",
        f"{metric.unscored}",
        f"{known.description}{better}" if known else f"{question} (a rubric of the profile's)" if question else "",
    )


def _ends(unit: str | None, mean: MeanInterval | None) -> str:
    if mean is None or mean.low is None or mean.high is None:
        return UNKNOWN
    return f"{_value(unit, mean.low)} to {_value(unit, mean.high)}"


def _unit(metric: str) -> str | None:
    return METRICS[metric].unit if metric in METRICS else None


def _personas(summary: RunSummary) -> Markup:
    """A column for each persona: its conversations, its success, and every metric that is scored for any of them."""
    personas = summary.personas
    rows = [
        ("conversations", *(f"{each.conversations}" for each in personas.values())),
        ("success", *(percent(each.success.value if each.success else None) for each in personas.values())),
        ("95% interval", *(_rate_ends(each.success) for each in personas.values())),
    ]
    for name in summary.metrics:
        unit = "share" if name in summary.rubrics else _unit(name)
        means = [each.metrics.get(name) for each in personas.values()]
        if any(means):
            rows.append((name.replace("_", " "), *(_mean_of(unit, mean) for mean in means)))
    columns = set(range(1, len(personas) + 1))
    return _table("Means with the number of conversations.", ("", *personas), rows, numbers=columns)


def _rate_ends(rate: Proportion | None) -> str:
    return f"{percent(rate.low)} to {percent(rate.high)} (n = {rate.n})" if rate else UNKNOWN


def _mean_of(unit: str | None, mean: MeanInterval | None) -> str:
    return f"{_value(unit, mean.value)} (n = {mean.n})" if mean else UNKNOWN


def _styles(styles: Mapping[str, StyleSummary]) -> Markup:
    rows = [
        (
            name.replace("_", " "),
            _value("share", each.mean.value if each.mean else None),
            _ends("share", each.mean),
            f"{each.mean.n if each.mean else 0}",
            f"{each.unscored}",
        )
        for name, each in styles.items()
    ]
    caption = "How well the simulated customers kept to each style that was asked for; this judges the simulator."
    return _table(caption, ("Style", "Kept", "95% interval", "n", "Not measured"), rows, numbers={1, 2, 3, 4})


def _drop_off(lost: DropOff) -> Iterable[Markup]:
    goals = [
        (each.goal, *(f"{n}" for n in (each.conversations, each.asked, each.answered, each.unanswered, each.unknown)))
        for each in lost.goals
    ]
    header = ("Goal", "Conversations", "Raised", "Answered", "Not answered", "Cannot be told")
    yield _table("What became of each goal.", header, goals, numbers={1, 2, 3, 4, 5})
    turns = [
        (f"{each.turn}", *(f"{n}" for n in (each.reached, each.completed, each.left, each.unknown)))
        for each in lost.turns
    ]
    header = ("Customer's turn", "Reached", "Ended with everything", "Ended without", "Cannot be told")
    yield _table(
        "How far conversations went, and how those ended that went no further.", header, turns, numbers={1, 2, 3, 4}
    )


def _value(unit: str | None, value: float | None) -> str:
    if value is None:
        return UNKNOWN
    if unit == "ms":
        return duration(value)
    return percent(value) if unit == "share" else f"{value:.3g}"


def _times_chart(times: ResponseTimes | None) -> Markup:
    if times is None:
        return element("p", "no answer was timed")
    width, tallest = 1000 / len(times.bins), max(times.bins)
    scale = 1000 / (times.bin_width * len(times.bins))
    bars = [
        element("rect", x=place * width, y=150 - 140 * count / tallest, width=width * 0.9, height=140 * count / tallest)
        for place, count in enumerate(times.bins)
    ]
    marks = [
        element("rect", x=min(time * scale, 997), y=0, width=3, height=150, class_="fill-ink")
        for time in (times.p50, times.p95)
    ]
    words = f"Histogram of response times: half within {duration(times.p50)}, 95% within {duration(times.p95)}"
    content = (element("g", *bars, class_="fill-times"), element("rect", x=0, y=150, width=1000, height=2), *marks)
    return element("svg", *content, viewBox="0 0 1000 154", role="img", aria_label=words, class_="fill-line")


def _times_table(summary: RunSummary) -> Markup:
    measured = (("an answer", summary.latency), ("a conversation's answers together", summary.conversation_times))
    rows = [
        (name, *(duration(each) for each in (times.p50, times.p95, times.longest)), f"{times.n}")
        for name, times in measured
        if times
    ]
    return _table("", ("Time of", "p50", "p95", "Longest", "n"), rows, numbers={1, 2, 3, 4}) if rows else Markup()


def _costs(summary: RunSummary) -> Markup:
    costs = summary.costs
    roles = {
        "simulator": costs.simulator,
        "assistant": costs.assistant,
        "judge and repeated attempts": costs.other,
        "together": costs.total,
    }
    rows = [(role, dollars(cost)) for role, cost in roles.items()]
    tokens = element("p", f"{summary.tokens.input:,} tokens in, {summary.tokens.output:,} out", class_="quiet")
    return together(tokens, _table("", ("Who", "Cost"), rows, numbers={1}))


def _tags(summary: RunSummary) -> Markup:
    rows = [(tag, f"{counts.passed}", f"{counts.failed}") for tag, counts in summary.by_tag.items()]
    return _table("", ("Tag", "Passed", "Failed"), rows, numbers={1, 2})


def _confusion(summary: RunSummary) -> Markup:
    rows = [
        (meant, taken_for, f"{times}")
        for meant, row in (summary.confusion or {}).items()
        for taken_for, times in sorted(row.items(), key=lambda item: -item[1])
    ]
    return _table("", ("The customer meant", "The assistant took it for", "Turns"), rows, numbers={2})


# --- conversations ----------------------------------------------------------------------------------------------------


def _conversations_section(report: RunReport) -> Markup:
    items = [_conversation(redacted(each), report.summary.planned) for each in report.conversations]
    shown = element("p", f"{len(items)} conversations", id="shown", role="status", class_="quiet")
    return _section("Conversations", _filters(report), shown, *items)


def _filters(report: RunReport) -> Markup:
    """Hidden until the script shows it, since without the script it does nothing."""
    outcomes = {_shown_outcome(each.verdict.outcome) for each in report.conversations}
    return element(
        "form",
        element("label", "Outcome", _choice("outcome", sorted(outcomes))),
        element("label", "Tag", _choice("tag", list(report.summary.by_tag))),
        element("label", "Words", element("input", type="search", name="words")),
        hidden=True,
        aria_label="Filter conversations",
    )


def _choice(name: str, values: Sequence[str]) -> Markup:
    return element(
        "select", element("option", "all", value=""), *(element("option", each) for each in values), name=name
    )


def _conversation(conversation: Conversation, planned: int) -> Markup:
    verdict, outcome = conversation.verdict, _shown_outcome(conversation.verdict.outcome)
    heading = element(
        "summary",
        f"{conversation.number}/{planned}",
        element("b", outcome, class_="errors" if verdict.outcome in ERRORS else verdict.outcome),
        "; ".join(verdict.reasons),
        dir="auto",
    )
    return element(
        "details",
        heading,
        *_facts(conversation),
        *_warm_up(conversation.transcript.context),
        element("h3", "Transcript"),
        element("ol", *(_turn(turn) for turn in conversation.transcript.turns), class_="turns"),
        element("p", _ending(conversation), class_="quiet"),
        element("h3", "Scores"),
        _scores(conversation),
        id=f"c{conversation.number}",
        data_outcome=outcome,
        data_tags=json.dumps(conversation.scenario.tags),
    )


def _facts(conversation: Conversation) -> Iterable[Markup]:
    scenario = conversation.scenario
    about = {
        "Test case": scenario.case.name if scenario.case else None,
        "Persona": scenario.persona,
        "Tags": ", ".join(scenario.tags),
        "Seed": f"{scenario.seed}",
    }
    times = answer_times(conversation)
    about["Response time"] = f"{duration(sum(times))} in {len(times)} answers" if times else None
    yield element("p", "; ".join(f"{name}: {value}" for name, value in about.items() if value), class_="quiet")
    goals = [
        (goal.text, _yes(goal.asked), _yes(goal.answered), _at(goal.turn), goal.reason)
        for goal in conversation.assessment.goals
    ]
    if goals:
        yield _table("", ("Goal", "Asked", "Answered", "Turn", "Why"), goals, numbers={3})
    checks = [(check.name, _yes(check.ok), check.reason) for check in conversation.assessment.checks]
    if checks:
        yield _table("", ("Check", "Holds", "Why"), checks)
    if conversation.rules:
        yield _table("", ("Rule", "Verdict"), list(conversation.rules.items()))
    stated, turns = conversation.assessment.outputs, conversation.assessment.output_turns
    unstated = {
        name: "stated: there is none" if name in stated else "not stated" for name in output_values(conversation)
    }
    outputs = [
        (name, unstated[name] if value is None else f"{value}", _at(turns.get(name)))
        for name, value in output_values(conversation).items()
    ]
    if outputs:
        yield _table("", ("Output", "Value", "Turn"), outputs, numbers={2})
    warnings = [*conversation.warnings, *conversation.assessment.warnings]
    yield from (element("p", f"Warning: {warning}") for warning in warnings)


def _at(turn: int | None) -> str:
    """A turn's number as the transcript counts it, from 1."""
    return UNKNOWN if turn is None else f"{turn + 1}"


def _warm_up(turns: Sequence[Turn]) -> Iterable[Markup]:
    if turns:
        yield element("h3", "Warm-up")
        yield element("p", "Said before the customer began; nobody judges it.", class_="quiet")
        yield element("ol", *(_turn(turn) for turn in turns), class_="turns")


def _turn(turn: Turn) -> Markup:
    took = f", {duration(turn.latency_ms)}" if turn.latency_ms is not None else ""
    tools = [
        f"{call.name} {'' if call.ok is None else ('worked' if call.ok else 'failed')}" for call in turn.tool_calls
    ]
    used = f"; tools: {', '.join(tool.strip() for tool in tools)}" if tools else ""
    return element(
        "li",
        element("span", f"{WHO[turn.speaker]}{took}{used}", class_="who"),
        element("p", turn.text or "(nothing)", class_="said", dir="auto"),
        class_=turn.speaker,
    )


def _ending(conversation: Conversation) -> str:
    transcript = conversation.transcript
    ending = f"Ended by: {transcript.ended_by.replace('_', ' ')}"
    return f"{ending} ({transcript.error})" if transcript.error else ending


def _scores(conversation: Conversation) -> Markup:
    rubrics = {rubric.name for rubric in conversation.scenario.rubrics}
    rows = [
        (
            name.replace("_", " "),
            "not scored" if score.value is None else _value("share" if name in rubrics else _unit(name), score.value),
            score.reason,
        )
        for name, score in conversation.scores.items()
    ]
    return _table("", ("Metric", "Value", "Why"), rows, numbers={1})


# --- words ------------------------------------------------------------------------------------------------------------


def _table(
    caption: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: frozenset[int] | set[int] = frozenset(),
) -> Markup:
    """A table whose first column names its rows; ``numbers`` are the columns of figures."""
    kinds = ["number" if column in numbers else None for column in range(len(header))]
    head = [element("th", name, scope="col", class_=kind) for name, kind in zip(header, kinds, strict=True)]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", dir="auto"),
            *(element("td", cell, class_=kind, dir="auto") for cell, kind in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in rows
    ]
    table = element(
        "table",
        element("caption", caption) if caption else None,
        element("thead", element("tr", *head)),
        element("tbody", *body),
        class_="wide" if len(header) > 5 else None,
    )
    # a table that scrolls must be reachable with the keyboard
    return element("div", table, class_="scroll", tabindex="0", role="group", aria_label=f"Table: {', '.join(header)}")


def _shown_outcome(outcome: Outcome) -> str:
    return outcome.replace("_", " ")


def _yes(answer: bool | None) -> str:
    return "cannot be told" if answer is None else ("yes" if answer else "no")
