"""How a live thread looks: questions, answers, the choice of an assistant, and the question at its end."""

from collections.abc import Sequence

from bot.blocks._parts import (
    Json,
    Message,
    actions,
    button,
    context,
    dollars,
    escape,
    excerpt,
    fallback,
    line,
    marked,
    member,
    mention,
    milliseconds,
    one_line,
    plain,
    quote,
    rich_text,
    words,
)
from bot.blocks.feedback import feedback_buttons
from jobs.ask.announce import LONGEST_PART, parts_of
from jobs.ask.conversation import LiveConversation, LiveTurn

REPLY, DONE, MORE, CHOOSE = "ask_reply", "ask_done", "ask_more", "ask_choose"
CSAT = tuple(f"ask_csat_{stars}" for stars in range(1, 6))
REPLY_FORM = "ask_reply_form"
KEEP = "keep"
SATISFIED = ("very dissatisfied", "dissatisfied", "neither", "satisfied", "very satisfied")
MOST_QUOTED = 2_900
MOST_OPTIONS = 100


def asked(conversation: LiveConversation, text: str) -> Message:
    """What somebody typed where others did not see it."""
    who = one_line(conversation.assistant, 60) or "an assistant"
    said = excerpt(text, MOST_QUOTED)
    return Message(
        text=fallback(f"{mention(conversation.member_id)} asks {escape(who)}: {escape(said)}"),
        blocks=(rich_text(line(member(conversation.member_id), words(f" asks {who}:")), quote(words(said or "–"))),),
    )


def answer(conversation: LiveConversation, position: int, part: int = 0) -> Message:
    """One message of an answer; the last of them has the buttons."""
    turn = conversation.turns[position]
    if turn.error is not None:
        return _failed(conversation, turn)
    text = turn.text[part * LONGEST_PART : (part + 1) * LONGEST_PART]
    shown = excerpt(text, LONGEST_PART + 100) or "–"
    blocks: list[Json] = []
    if turn.forgot and part == 0:
        blocks.append(context(plain(_forgotten(conversation), 300)))
    blocks.append(rich_text(line(words(shown))))
    is_last = part == parts_of(turn.text) - 1
    if is_last and conversation.exchange_of(position)[-1].position == position:
        blocks += [context(marked(_facts(conversation, position))), feedback_buttons(conversation.id, position)]
        blocks.append(_buttons(conversation, position))
    return Message(text=fallback(escape(shown)), blocks=tuple(blocks))


def _failed(conversation: LiveConversation, turn: LiveTurn) -> Message:
    who = one_line(conversation.assistant, 60)
    reason = one_line(turn.error or "", 600)
    sentence = f"{who} could not answer: {reason}"
    parts = rich_text(
        line(words("⚠️ "), words(f"{who} could not answer: ", bold=True), words(reason)),
        line(words("Nothing is lost: you can ask again.", italic=True)),
    )
    blocks: list[Json] = [parts]
    if not conversation.is_direct:
        blocks.append(context(marked(f"for {mention(conversation.member_id)}")))
    blocks.append(_buttons(conversation, turn.position, can_be_kept=False))
    return Message(text=fallback(escape(sentence)), blocks=tuple(blocks))


def _forgotten(conversation: LiveConversation) -> str:
    who = one_line(conversation.assistant, 60)
    return (
        f"convotest was started anew, and {who} has forgotten what was said before. "
        "It knows only what is said from here on."
    )


def _facts(conversation: LiveConversation, position: int) -> str:
    """Whom the answer is for, who gave it, how long it took and what it cost."""
    first = conversation.exchange_of(position)[1]
    facts = [] if conversation.is_direct else [f"for {mention(conversation.member_id)}"]
    facts.append(escape(one_line(conversation.assistant, 60)))
    if first.latency_ms is not None:
        facts.append(milliseconds(first.latency_ms))
    tools = ", ".join(escape(one_line(call.name, 60)) for call in first.tool_calls[:5])
    if tools:
        facts.append(f"used {tools}")
    if first.cost_usd is None or first.cost_usd > 0:
        facts.append(dollars(first.cost_usd) if first.cost_usd is not None else "price unknown")
    return " · ".join(facts)


def _buttons(conversation: LiveConversation, position: int, *, can_be_kept: bool = True) -> Json:
    buttons = [] if conversation.is_direct else [button("Reply", REPLY, conversation.id)]
    buttons.append(button("Done", DONE, conversation.id))
    if can_be_kept:
        keep: Json = {"text": plain("Keep as example", 75), "value": f"{KEEP}:{conversation.id}:{position}"}
        buttons.append({"type": "overflow", "action_id": MORE, "options": [keep]})
    return actions(*buttons)


# --- which assistant ------------------------------------------------------------------------------------------------


def choice(conversation: LiveConversation, names: Sequence[str]) -> Message:
    """The beginning of a thread in which nobody has said yet whom they want to speak to, or in which it is settled."""
    if conversation.assistant:
        who = one_line(conversation.assistant, 60)
        how = "Ask anything" if conversation.is_direct else "Go on by mentioning me or with Reply"
        said = fallback(escape(f"You are talking to {who}. {how}; write done when you have finished."))
        shown = line(
            words("You are talking to "),
            words(who, bold=True),
            words(f". {how}; write "),
            words("done", code=True),
            words(" when you have finished."),
        )
        return Message(text=said, blocks=(rich_text(shown),))
    if conversation.state == "ended":
        over = "Nobody chose an assistant, so nothing was asked. Ask again whenever you like."
        return Message(text=over, blocks=(rich_text(line(words(over))),))
    question = "Which assistant do you want to speak to?"
    hint = "What you asked is put to the one that you choose. Next time you can write assistant=NAME."
    menu = (actions(_names(conversation, names)),) if names else ()
    asking = rich_text(line(words(question, bold=True), words(f" {hint}")))
    return Message(text=f"{question} {hint}", blocks=(asking, *menu))


def _names(conversation: LiveConversation, names: Sequence[str]) -> Json:
    return {
        "type": "static_select",
        "action_id": CHOOSE,
        "placeholder": plain("Choose an assistant", 150),
        "options": [
            {"text": plain(one_line(name, 75), 75), "value": f"{conversation.id}:{name}"}
            for name in names[:MOST_OPTIONS]
        ],
    }


# --- the end --------------------------------------------------------------------------------------------------------


def ended(conversation: LiveConversation, stars: int | None) -> Message:
    """That it is over; with a question of one click, and afterwards with its answer."""
    who = one_line(conversation.assistant, 60)
    if not conversation.answers:
        return Message(text="Done.", blocks=(rich_text(line(words("Done. Ask again whenever you like."))),))
    if stars is not None:
        thanks = f"Thank you. You gave {who} {'★' * stars}{'☆' * (5 - stars)} ({stars} of 5: {SATISFIED[stars - 1]})."
        return Message(text=fallback(escape(thanks)), blocks=(rich_text(line(words(thanks))),))
    why = "Nothing was said for a while, so this conversation is over." if conversation.ended_by == "idle" else "Done."
    question = f"How satisfied are you with {who}?"
    parts = rich_text(
        line(
            *(() if conversation.is_direct else (member(conversation.member_id), words(": "))),
            words(f"{why} "),
            words(question, bold=True),
        )
    )
    buttons = [
        button(f"{stars} ★", CSAT[stars - 1], f"{stars}:{conversation.id}") | {"accessibility_label": _said(stars)}
        for stars in range(1, 6)
    ]
    scale = context(plain("1 = very dissatisfied, 5 = very satisfied. One click is enough.", 200))
    return Message(text=fallback(escape(f"{why} {question}")), blocks=(parts, actions(*buttons), scale))


def _said(stars: int) -> str:
    return f"{stars} of 5, {SATISFIED[stars - 1]}"


# --- continuing in a channel ----------------------------------------------------------------------------------------


def reply_form(conversation: LiveConversation, metadata: str) -> Json:
    """A form for the next question."""
    who = one_line(conversation.assistant, 60)
    return {
        "type": "modal",
        "callback_id": REPLY_FORM,
        "title": plain("Reply", 24),
        "submit": plain("Send", 24),
        "close": plain("Close", 24),
        "private_metadata": metadata,
        "blocks": [
            {
                "type": "input",
                "block_id": "text",
                "label": plain(f"To {who}", 2_000),
                "hint": plain("Others see it in the thread. Write done to end the conversation.", 2_000),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "text",
                    "multiline": True,
                    "min_length": 1,
                    "max_length": 3_000,
                    "placeholder": plain("What do you want to ask?", 150),
                },
            }
        ],
    }
