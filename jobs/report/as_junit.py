"""A report as JUnit XML, which every CI system shows: one test case a conversation.

It is valid against both schemas in use: that of Ant (windyroad) and that of Jenkins' xUnit plugin.
"""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from jobs.model import Conversation
from jobs.report.as_text import printable, transcript_text
from jobs.report.build import RunReport
from jobs.report.redacted import redacted
from jobs.report.rules import rule_sentence
from jobs.report.summary import ERRORS, answer_times


def to_junit(report: RunReport) -> bytes:
    """The XML document. A failed conversation is a ``failure``, an error an ``error``, whatever could not be judged
    ``skipped`` with its reason, so that a build neither breaks nor turns green because of it."""
    run, totals = report.run, report.summary.totals
    limits = [("gates", gate.name, gate.ok, gate.reason) for gate in report.summary.gates or ()]
    limits += [("rules", name, rule.ok, rule_sentence(rule)) for name, rule in (report.summary.rules or {}).items()]
    root = Element("testsuites")
    started = run.started_at or run.created_at
    suite = SubElement(
        root,
        "testsuite",
        {
            "name": printable(run.suite or run.profile),
            "package": "convotest",
            "id": "0",
            "hostname": "localhost",
            "timestamp": started.strftime("%Y-%m-%dT%H:%M:%S"),
            "time": f"{report.summary.duration_s or 0:.3f}",
            "tests": str(totals.conversations + len(limits)),
            "failures": str(totals.failed + sum(ok is False for _, _, ok, _ in limits)),
            "errors": str(totals.errors),
            "skipped": str(
                totals.conversations
                - totals.passed
                - totals.failed
                - totals.errors
                + sum(ok is None for _, _, ok, _ in limits)
            ),
        },
    )
    _add_properties(suite, report)
    for conversation in report.conversations:
        _add_case(suite, redacted(conversation), report)
    for limit in limits:
        _add_limit(suite, *limit, report=report)
    SubElement(suite, "system-out").text = "\n".join(printable(note) for note in run.notes)
    SubElement(suite, "system-err").text = printable(run.note or "")
    indent(root)
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _add_properties(suite: Element, report: RunReport) -> None:
    run = report.run
    properties = SubElement(suite, "properties")
    facts = {
        "run": run.id,
        "assistant": f"{run.assistant}@{run.variant}",
        "simulator": run.simulator,
        "seed": str(run.seed),
        **{f"stamp.{name}": stamp for name, stamp in run.stamps.items()},
    }
    for name, value in facts.items():
        SubElement(properties, "property", {"name": printable(name), "value": printable(value)})


def _add_limit(suite: Element, kind: str, name: str, ok: bool | None, reason: str, *, report: RunReport) -> None:
    """A gate or a rule: something that the whole run has to keep."""
    of = f"convotest.{printable(report.run.suite or report.run.profile)}.{kind}"
    case = SubElement(suite, "testcase", {"classname": of, "name": printable(name), "time": "0.000"})
    if ok is False:
        SubElement(case, "failure", {"message": printable(reason), "type": kind.removesuffix("s")})
    elif ok is None:
        SubElement(case, "skipped", {"message": printable(reason)})


def _add_case(suite: Element, conversation: Conversation, report: RunReport) -> None:
    """One test case; its transcript stands in the failure or error, the only place that both schemas allow."""
    verdict = conversation.verdict
    case = SubElement(
        suite,
        "testcase",
        {
            "classname": f"convotest.{printable(report.run.suite or report.run.profile)}",
            "name": f"{conversation.number}{_case_name(conversation)} (seed {conversation.scenario.seed})",
            "time": f"{sum(answer_times(conversation)) / 1000:.3f}",
        },
    )
    if verdict.outcome == "passed":
        return
    message = printable("; ".join(verdict.reasons) or verdict.outcome)
    if verdict.outcome != "failed" and verdict.outcome not in ERRORS:
        SubElement(case, "skipped", {"message": f"{verdict.outcome}: {message}"})
        return
    kind = "failure" if verdict.outcome == "failed" else "error"
    result = SubElement(case, kind, {"message": message, "type": verdict.outcome})
    result.text = transcript_text(conversation, planned=report.run.planned)


def _case_name(conversation: Conversation) -> str:
    case = conversation.scenario.case
    return f" {printable(case.name)}" if case else ""
