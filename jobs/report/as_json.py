"""A report as the JSON document that scripts rely on: unknown is null, no key is ever missing."""

from dataclasses import asdict
from typing import Any

from jobs.model import Conversation, Tokens, Turn
from jobs.report.build import RunReport
from jobs.report.redacted import redacted
from jobs.report.rules import RuleSummary
from jobs.report.summary import GateVerdict, MetricSummary, RunSummary, output_values


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
        "conversations": [_conversation(redacted(each)) for each in report.conversations],
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
    rate = summary.success
    if rate is None:
        return {"rate": None, "low": None, "high": None, "n": 0}
    return {"rate": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}


def _metric(metric: MetricSummary) -> dict[str, Any]:
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
        "turns": [_turn(turn) for turn in conversation.transcript.turns],
        "scores": {name: {"value": score.value, "reason": score.reason} for name, score in conversation.scores.items()},
        "outputs": output_values(conversation),
        "tokens": _tokens(conversation.tokens),
        "cost_usd": conversation.cost_usd,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "speaker": turn.speaker,
        "text": turn.text,
        "latency_ms": turn.latency_ms,
        "intent": turn.intent,
        "tool_calls": [
            {"name": call.name, "arguments": dict(call.arguments), "ok": call.ok, "error": call.error}
            for call in turn.tool_calls
        ],
    }
