"""A report as the JSON document that scripts rely on: unknown is null, no key is ever missing."""

from dataclasses import asdict
from typing import Any

from jobs.model import Conversation, Tokens, Turn, Understood
from jobs.report.build import RunReport
from jobs.report.groups import PersonaSummary, StyleSummary
from jobs.report.redacted import redacted
from jobs.report.rules import RuleSummary
from jobs.report.summary import GateVerdict, MetricSummary, RunSummary, output_values
from jobs.stats import Proportion


def to_json(report: RunReport) -> dict[str, Any]:
    """The document of ``run`` and ``show``."""
    summary = report.summary
    return {
        "run": summary.run_id,
        "profile": summary.profile if summary.suite is None else None,
        "suite": summary.suite,
        "assistant": {"name": summary.assistant, "variant": summary.variant},
        "simulator": summary.simulator,
        "seed": summary.seed,
        "stamps": dict(summary.stamps),
        "totals": asdict(summary.totals),
        "success": _success(summary),
        "metrics": {name: _metric(metric) for name, metric in summary.metrics.items()},
        "latency_ms": _latency(summary),
        "tokens": _tokens(summary.tokens),
        "cost_usd": summary.costs.total,
        "gates": None if summary.gates is None else {each.name: _gate(each) for each in summary.gates},
        "rules": None if summary.rules is None else {name: _rule(each) for name, each in summary.rules.items()},
        "confusion": summary.confusion,
        "by_tag": {tag: asdict(counts) for tag, counts in summary.by_tag.items()},
        "by_persona": {name: _persona(each) for name, each in summary.personas.items()},
        "styles": {name: _metric(each) for name, each in summary.styles.items()},
        "drop_off": None if summary.drop_off is None else asdict(summary.drop_off),
        "rubrics": dict(summary.rubrics),
        "agreement": _agreements(summary),
        "conversations": [_conversation(redacted(each)) for each in report.conversations],
    }


def _agreements(summary: RunSummary) -> dict[str, Any] | None:
    """By metric of a judge, how far it agrees with people; None without a judge."""
    if summary.trust is None:
        return None
    known = summary.trust.agreement
    return {
        name: {**asdict(known[name]), "enough": known[name].enough, "may_decide": not summary.trust.objection(name)}
        for name in sorted(summary.judged & set(known))
    }


def _gate(verdict: GateVerdict) -> dict[str, Any]:
    return {name: value for name, value in asdict(verdict).items() if name != "name"}


def _rule(rule: RuleSummary) -> dict[str, Any]:
    return {
        "pass": rule.passed,
        "fail": rule.failed,
        "not_applicable": rule.not_applicable,
        "unscored": rule.unscored,
        "failures": [asdict(each) for each in rule.failures],
        "stopped": rule.stopped,
    }


def _success(summary: RunSummary) -> dict[str, Any]:
    return _rate(summary.success)


def _rate(rate: Proportion | None) -> dict[str, Any]:
    if rate is None:
        return {"rate": None, "low": None, "high": None, "n": 0}
    return {"rate": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}


def _persona(persona: PersonaSummary) -> dict[str, Any]:
    rate = persona.success
    means = {name: None if mean is None else asdict(mean) for name, mean in persona.metrics.items()}
    return {
        "conversations": persona.conversations,
        "passed": persona.passed,
        "failed": persona.failed,
        "success": _rate(rate),
        "metrics": {
            name: {"mean": each["value"], "low": each["low"], "high": each["high"], "n": each["n"]}
            if each
            else {"mean": None, "low": None, "high": None, "n": 0}
            for name, each in means.items()
        },
    }


def _metric(metric: MetricSummary | StyleSummary) -> dict[str, Any]:
    mean = metric.mean
    if mean is None:
        return {"mean": None, "low": None, "high": None, "n": 0, "unscored": metric.unscored}
    return {"mean": mean.value, "low": mean.low, "high": mean.high, "n": mean.n, "unscored": metric.unscored}


def _latency(summary: RunSummary) -> dict[str, Any]:
    times = summary.latency
    return {"p50": times.p50, "p95": times.p95, "n": times.n} if times else {"p50": None, "p95": None, "n": 0}


def _tokens(tokens: Tokens) -> dict[str, int]:
    return {"input": tokens.input, "output": tokens.output}


def _conversation(conversation: Conversation) -> dict[str, Any]:
    scenario, verdict, assessment = conversation.scenario, conversation.verdict, conversation.assessment
    understood = {each.turn: each for each in assessment.understood}
    return {
        "id": conversation.id,
        "number": conversation.number,
        "scenario": f"{scenario.profile}#{scenario.number}",
        "seed": scenario.seed,
        "persona": scenario.persona,
        "tags": list(scenario.tags),
        "outcome": verdict.outcome,
        "blame": verdict.blame,
        "ended_by": conversation.transcript.ended_by,
        "reasons": list(verdict.reasons),
        "warnings": [*conversation.warnings, *assessment.warnings],
        "goals": [
            {"text": goal.text, "asked": goal.asked, "answered": goal.answered, "turn": goal.turn}
            for goal in assessment.goals
        ],
        "checks": [{"name": check.name, "ok": check.ok, "reason": check.reason} for check in assessment.checks],
        "rules": dict(conversation.rules),
        "context": [_turn(turn) for turn in conversation.transcript.context],
        "turns": [_turn(turn, understood.get(place)) for place, turn in enumerate(conversation.transcript.turns)],
        "scores": {name: {"value": score.value, "reason": score.reason} for name, score in conversation.scores.items()},
        "outputs": output_values(conversation),
        "outputs_found": {
            spec.name: {"stated": spec.name in assessment.outputs, "turn": assessment.output_turns.get(spec.name)}
            for spec in scenario.outputs
        },
        "tokens": _tokens(conversation.tokens),
        "cost_usd": conversation.cost_usd,
    }


def _turn(turn: Turn, understood: Understood | None = None) -> dict[str, Any]:
    by_judge = turn.intent is None and understood is not None and understood.intent is not None
    return {
        "speaker": turn.speaker,
        "text": turn.text,
        "latency_ms": turn.latency_ms,
        "intent": understood.intent if understood and by_judge else turn.intent,
        "intent_by": "judge" if by_judge else None if turn.intent is None else turn.speaker,
        "tool_calls": [
            {"name": call.name, "arguments": dict(call.arguments), "ok": call.ok, "error": call.error}
            for call in turn.tool_calls
        ],
    }
