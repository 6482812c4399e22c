"""Transcripts as files for people: plain text, and Markdown in which nothing that was said is markup."""

import re
from collections.abc import Iterator, Sequence

from jobs.model import Conversation, Turn
from jobs.report.build import RunReport
from jobs.report.redacted import redacted

WHO = {"user": "Customer", "assistant": "Assistant"}
LONGEST_TURN = 20_000
"""Characters of one utterance that a file shows; the database keeps the whole."""

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Characters that no file format wants: controls, overrides of the writing direction, halves of pairs."""

MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&:@=])")


def printable(text: str, *, at_most: int = LONGEST_TURN) -> str:
    """The text without what cannot be shown, cut with a note when it is longer than ``at_most`` characters."""
    shown = CONTROL.sub("\N{REPLACEMENT CHARACTER}", text[:at_most].replace("\r\n", "\n").replace("\r", "\n"))
    cut = len(text) - at_most
    return f"{shown} … ({cut} more characters)" if cut > 0 else shown


def to_text(report: RunReport) -> str:
    """Every transcript of a run in one plain text file."""
    summary = report.summary
    title = f"{summary.profile}: {summary.assistant}@{summary.variant}, run {summary.run_id}, seed {summary.seed}"
    parts = [transcript_text(each, planned=summary.planned) for each in report.conversations]
    return f"\n\n{'=' * 72}\n\n".join([title, *parts]) + "\n"


def transcript_text(conversation: Conversation, *, planned: int) -> str:
    """One conversation as plain text; further lines of an utterance are indented below its first."""
    return "\n".join(_text_lines(redacted(conversation), planned))


def transcript_markdown(conversation: Conversation, *, planned: int) -> str:
    """One conversation as Markdown, with everything that was said escaped."""
    return "\n\n".join(_markdown_blocks(redacted(conversation), planned)) + "\n"


def _text_lines(conversation: Conversation, planned: int) -> Iterator[str]:
    verdict = conversation.verdict
    yield f"Conversation {conversation.number}/{planned}: {verdict.outcome.replace('_', ' ')}"
    yield from (f"  because {printable(reason)}" for reason in verdict.reasons)
    yield from (f"Test case: {printable(case.name)}" for case in [conversation.scenario.case] if case)
    yield from (f"Goal: {printable(goal.text)}" for goal in conversation.scenario.goals)
    yield ""
    if conversation.transcript.context:
        yield "(warm-up, before the customer began)"
        yield from _spoken(conversation.transcript.context)
        yield "(the customer begins)"
    yield from _spoken(conversation.transcript.turns)
    yield f"(ended by {_ending(conversation)})"


def _spoken(turns: Sequence[Turn]) -> Iterator[str]:
    for turn in turns:
        first, *rest = printable(turn.text).split("\n")
        yield f"{WHO[turn.speaker]}{_took(turn)}: {first}"
        yield from (f"    {line}".rstrip() for line in rest)


def _markdown_blocks(conversation: Conversation, planned: int) -> Iterator[str]:
    verdict = conversation.verdict
    yield f"## Conversation {conversation.number}/{planned}: {verdict.outcome.replace('_', ' ')}"
    case = conversation.scenario.case
    facts = [*verdict.reasons, *(f"goal: {goal.text}" for goal in conversation.scenario.goals)]
    facts += [f"test case: {case.name}"] if case else []
    if facts:
        yield "\n".join(f"- {_escaped(fact)}" for fact in facts)
    for turn in conversation.transcript.turns:
        yield f"**{WHO[turn.speaker]}**{_took(turn)}"
        yield "\n".join(f"> {_escaped(line)}" for line in printable(turn.text).split("\n"))
    yield f"*ended by {_escaped(_ending(conversation))}*"


def _took(turn: Turn) -> str:
    return "" if turn.latency_ms is None else f" ({turn.latency_ms:.0f} ms)"


def _ending(conversation: Conversation) -> str:
    transcript = conversation.transcript
    ending = transcript.ended_by.replace("_", " ")
    return f"{ending}: {printable(transcript.error)}" if transcript.error else ending


def _escaped(text: str) -> str:
    """Text that Markdown shows as it stands; leading spaces go, four of them would make it code."""
    return MARKDOWN.sub(r"\\\1", printable(text).strip())
