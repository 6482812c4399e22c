"""How one conversation looks: its compact message, and the whole transcript in a modal."""

import json
from collections.abc import Iterator

from bot.blocks._parts import (
    Json,
    Message,
    actions,
    bullets,
    button,
    context,
    counted,
    escape,
    excerpt,
    fallback,
    line,
    milliseconds,
    one_line,
    plain,
    quote,
    rich_text,
    words,
)
from bot.blocks.feedback import rate_button
from bot.blocks.run import ICONS, OUTCOMES
from jobs.model import Conversation, EndedBy, Run, Turn

TRANSCRIPT, SEND_FILE = "transcript", "transcript_file"
SPEAKERS = {"user": "Customer", "assistant": "Assistant"}
ENDINGS: dict[EndedBy, str] = {
    "goal_reached": "the customer got what they came for",
    "steps": "the planned number of turns was played",
    "limit": "the turns were used up",
    "fallback_loop": "the assistant kept saying that it did not understand",
    "goodbye_loop": "both only said goodbye",
    "assistant_error": "the assistant did not work",
    "simulator_error": "the simulated customer misbehaved",
    "harness_error": "convotest itself failed",
    "timeout": "the assistant did not answer in time",
    "budget": "the budget was used up",
    "cancelled": "the run was cancelled",
    "skipped": "it was not to be played",
}
MOST_QUOTED = 280
MOST_REASON = 300
MOST_VIEW_BYTES = 200_000
"""Slack refuses a view of more than 250 kB of JSON."""
MOST_VIEW_BLOCKS = 95
MOST_TURN = 2_900


def conversation_message(run: Run, conversation: Conversation) -> Message:
    """One compact message that begins with the conversation's number."""
    outcome = conversation.verdict.outcome
    place = f"{conversation.number}/{run.planned}"
    verdict = f"{ICONS[outcome]} {OUTCOMES[outcome]}"
    said = (one_line(reason, MOST_REASON) for reason in conversation.verdict.reasons[:5])
    reasons = tuple(reason for reason in said if reason) or (_why(conversation),)
    turns = conversation.transcript.turns
    parts = [
        line(
            words(f"{place} ", bold=True),
            words(verdict, bold=True),
            words(_length(turns) + _scenario(run, conversation)),
        ),
        bullets(line(words(reason)) for reason in reasons),
        *_quotes(turns),
    ]
    blocks: list[Json] = [rich_text(*parts)]
    if turns:
        whole = button("Whole transcript", TRANSCRIPT, f"{run.id}:{conversation.number}")
        blocks.append(actions(whole, rate_button(conversation.id)))
    return Message(text=fallback(f"{place} {verdict}: {escape('; '.join(reasons))}"), blocks=tuple(blocks))


def _length(turns: tuple[Turn, ...]) -> str:
    return f" · {counted(len(turns), 'turn')}" if turns else ""


def _scenario(run: Run, conversation: Conversation) -> str:
    """Which test case or profile of a suite it was."""
    return f" · {one_line(conversation.scenario.profile, 80)}" if run.suite else ""


def _why(conversation: Conversation) -> str:
    """Why it came out so, for verdicts that need no reasons."""
    goals = len(conversation.assessment.goals)
    if conversation.verdict.outcome == "passed" and goals:
        return "everything the customer came for was settled" if goals == 1 else f"all {goals} goals were settled"
    return ENDINGS[conversation.transcript.ended_by]


def _quotes(turns: tuple[Turn, ...]) -> Iterator[Json]:
    """The first and the last turns."""
    if not turns:
        return
    if len(turns) <= 4:
        yield _quoted(turns)
        return
    yield _quoted(turns[:2])
    yield line(words(f"… {counted(len(turns) - 4, 'more turn', 'more turns')} …", italic=True))
    yield _quoted(turns[-2:])


def _quoted(turns: tuple[Turn, ...]) -> Json:
    elements: list[Json] = []
    for turn in turns:
        said = " ".join(excerpt(turn.text, MOST_QUOTED).split()) or "(nothing)"
        start = "\n" if elements else ""
        elements += [words(f"{start}{SPEAKERS[turn.speaker]}: ", bold=True), words(said)]
    return quote(*elements)


# --- the whole transcript -------------------------------------------------------------------------------------------


def transcript_modal(run: Run, conversation: Conversation) -> Json:
    """Every turn, as many as a modal holds; the file has all of them."""
    turns = conversation.transcript.turns
    blocks = [_modal_head(conversation)]
    size = len(json.dumps(blocks))
    for shown, turn in enumerate(turns):
        block = _whole_turn(turn)
        size += len(json.dumps(block))
        if size > MOST_VIEW_BYTES or len(blocks) >= MOST_VIEW_BLOCKS:
            left = counted(len(turns) - shown, "more turn", "more turns")
            whole = ": use “Send as file” for all of it" if run.place else " that do not fit here"
            blocks.append(context(plain(f"… {left}{whole}", 200)))
            break
        blocks.append(block)
    blocks += _modal_end(run, conversation)
    return {
        "type": "modal",
        "callback_id": "transcript_view",
        "private_metadata": run.place.channel_id if run.place else "",
        "title": plain(f"Conversation {conversation.number}/{run.planned}", 24),
        "close": plain("Close", 24),
        "blocks": blocks,
    }


def _modal_head(conversation: Conversation) -> Json:
    outcome = conversation.verdict.outcome
    wanted = [line(words(one_line(goal.text, 300))) for goal in conversation.scenario.goals[:8]]
    reasons = [line(words(one_line(reason, MOST_REASON))) for reason in conversation.verdict.reasons]
    parts = [line(words(f"{ICONS[outcome]} {OUTCOMES[outcome]}", bold=True))]
    if reasons:
        parts.append(bullets(reasons))
    if wanted:
        parts += [line(words("The customer wanted", bold=True)), bullets(wanted)]
    return rich_text(*parts)


def _whole_turn(turn: Turn) -> Json:
    took = f" · {milliseconds(turn.latency_ms)}" if turn.latency_ms is not None else ""
    tools = ", ".join(one_line(call.name, 60) for call in turn.tool_calls[:10])
    used = f" · used {tools}" if tools else ""
    said = excerpt(turn.text, MOST_TURN) or "(nothing)"
    return rich_text(
        line(words(SPEAKERS[turn.speaker], bold=True), words(took + used, italic=True)), quote(words(said))
    )


def _modal_end(run: Run, conversation: Conversation) -> list[Json]:
    """A run of an A/B test has no thread of its own that a file could go to."""
    if run.place is None:
        return []
    return [actions(button("Send as file", SEND_FILE, f"{run.id}:{conversation.number}"))]
