"""Conversations as they may leave the house: the same, with secrets taken out of everything that was said."""

from dataclasses import replace

from jobs.model import Conversation, SlotValue, ToolCall, Turn
from jobs.redact import redact, redact_values


def redacted(conversation: Conversation) -> Conversation:
    """The conversation without secrets in its turns, tool calls, outputs, reasons and error."""
    transcript, verdict, assessment = conversation.transcript, conversation.verdict, conversation.assessment
    return replace(
        conversation,
        transcript=replace(
            transcript,
            turns=tuple(_turn(turn) for turn in transcript.turns),
            context=tuple(_turn(turn) for turn in transcript.context),
            error=redact(transcript.error) if transcript.error else transcript.error,
        ),
        verdict=replace(verdict, reasons=tuple(redact(reason) for reason in verdict.reasons)),
        assessment=replace(
            assessment,
            checks=tuple(replace(check, reason=redact(check.reason)) for check in assessment.checks),
            goals=tuple(replace(goal, reason=redact(goal.reason)) for goal in assessment.goals),
            understood=tuple(replace(each, evidence=redact(each.evidence)) for each in assessment.understood),
            outputs={name: _output(value) for name, value in assessment.outputs.items()},
        ),
    )


def _turn(turn: Turn) -> Turn:
    return replace(turn, text=redact(turn.text), tool_calls=tuple(_tool_call(call) for call in turn.tool_calls))


def _tool_call(call: ToolCall) -> ToolCall:
    return replace(
        call, arguments=redact_values(dict(call.arguments)), error=redact(call.error) if call.error else call.error
    )


def _output(value: SlotValue | None) -> SlotValue | None:
    return redact(value) if isinstance(value, str) else value
