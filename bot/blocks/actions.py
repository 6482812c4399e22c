"""How an action looks while it is decided, verified and rolled out, and the forms that change or refuse it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.blocks._parts import (
    Json,
    Message,
    actions,
    button,
    clean,
    context,
    counted,
    date,
    dollars,
    escape,
    excerpt,
    fallback,
    fields,
    header,
    line,
    marked,
    mention,
    one_line,
    percent,
    plain,
    progress_bar,
    quote,
    rich_text,
    words,
)
from bot.blocks.home import home_list
from jobs.actions import ACTION_TYPES
from jobs.actions._action import Action, Outcome, Quote, Shown
from jobs.model import short_id

ACTION_APPROVE, ACTION_REJECT, ACTION_EDIT, ACTION_LATER = (
    "action_approve",
    "action_reject",
    "action_edit",
    "action_later",
)
ACTION_EVIDENCE, ACTION_MORE, ACTION_ROLL_OUT = "action_evidence", "action_more", "action_roll_out"
REJECT_FORM, EDIT_FORM = "action_reject_form", "action_edit_form"

MOST_DIFF = 1_800
MOST_SHOWN_QUOTES = 2
MOST_MENTIONED = 8
HEADLINES = {
    "proposed": "💡 Proposed",
    "approved": "✅ Approved",
    "applied": "🔬 Being verified",
    "verified": "✅ Verified",
    "rejected": "⛔ Not made",
    "expired": "⌛ Expired",
    "rolled_back": "↩️ Rolled back",
}
MARKS = {
    "APPROVE": "✅ all gates are passed",
    "REJECT": "❌ a gate is not passed",
    "INCONCLUSIVE": "❔ not enough was shown",
}


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """What the card of an action needs to know beside it.

    Args:
        approvers: those who may decide; empty = the admins of the workspace.
        quorum: how many of them have to approve.
        played, planned: conversations of the verification.
    """

    approvers: Sequence[str] = ()
    quorum: int = 1
    played: int = 0
    planned: int = 0


def action_card(action: Action, deciding: Deciding) -> Message:
    """Everything about an action, edited in place as it goes on."""
    headline = f"{HEADLINES[action.state]}: {one_line(action.content.title, 110)}"
    blocks: list[Json] = [header(headline), _wrong(action), _diff(action), _figures(action)]
    blocks += _state(action, deciding)
    buttons = _buttons(action)
    if buttons:
        blocks.append(actions(*buttons))
    blocks.append(_facts(action, deciding))
    who = f" May be approved by {_approvers(deciding)}." if action.state == "proposed" else ""
    said = f"{escape(headline)}: {escape(one_line(action.content.problem.text, 200))}.{who}"
    return Message(text=fallback(said), blocks=tuple(blocks))


def _wrong(action: Action) -> Json:
    problem = action.content.problem
    share = action.content.expected
    touched = (
        f"{problem.touched} of {counted(problem.n, 'conversation')} "
        f"({percent(share.share)}, 95 % interval {share.low * 100:.0f}–{share.high * 100:.0f} %)"
        if share
        else "nobody has counted how often"
    )
    parts = [line(words("What is wrong  ", bold=True), words(one_line(problem.text, 300))), line(words(touched))]
    quotes = [quote(*_quoted(each)) for each in problem.quotes[:MOST_SHOWN_QUOTES]]
    return rich_text(*parts, *quotes)


def _quoted(said: Quote) -> list[Json]:
    where = f"#{said.number}, {said.speaker}: " if said.number is not None else f"{said.speaker}: "
    return [words(where, bold=True), words(one_line(said.text, 200) or "–")]


def _diff(action: Action) -> Json:
    text = "\n".join(one_line(each, 260) for each in action.content.diff) or action.content.instruction
    kind = ACTION_TYPES[action.kind].title
    about = one_line(f"{kind} of {action.assistant}@{action.candidate or action.content.base}", 160)
    shown = {"type": "rich_text_preformatted", "elements": [words(excerpt(clean(text), MOST_DIFF) or "–")]}
    return {
        "type": "rich_text",
        "elements": [line(words("The change  ", bold=True), words(about)), shown],
    }


def _figures(action: Action) -> Json:
    content = action.content
    cost = f"{counted(content.conversations, 'conversation')}, {dollars(content.cost_usd)}"
    targets = ", ".join(each.replace("_", " ") for each in content.targets)
    pairs = [
        ("Expected", escape(_expected(action))),
        ("Priority and effort", f"{content.priority} priority, {content.effort} effort"),
        ("Should get better", escape(one_line(targets, 120)) or "–"),
        ("Verifying it costs", escape(cost)),
    ]
    if content.proof:
        pairs.append(("Seen already", escape(one_line(content.proof, 400))))
    return fields(pairs)


def _expected(action: Action) -> str:
    expected = action.content.expected
    if expected is None:
        return "not known"
    alone = f"; {percent(expected.success)} of all fail by it alone" if expected.n else ""
    share = f"{percent(expected.share)} ({expected.low * 100:.0f}–{expected.high * 100:.0f} %)"
    return f"mends up to {share} of conversations{alone}"


def _state(action: Action, deciding: Deciding) -> Iterator[Json]:
    """What is to be known in this state."""
    progress = action.progress
    match action.state:
        case "proposed":
            approved = f"  {len(progress.votes)} of {deciding.quorum} approvals" if deciding.quorum > 1 else ""
            yield context(marked(f"May be approved by {_approvers(deciding)}{approved}"))
        case "approved" | "applied" if progress.outcome is None and progress.delivery is None:
            bar = f"{progress_bar(deciding.played, deciding.planned)} {deciding.played}/{deciding.planned}"
            what = (
                "old and new variant meet the same customers" if deciding.planned else "the new variant is being made"
            )
            yield rich_text(line(words(f"Verification: {what}", bold=True)), line(words(bar)))
        case "rejected" | "expired" | "rolled_back":
            yield rich_text(line(words("Why  ", bold=True), words(one_line(action.note or "–", 500))))
        case _:
            pass
    if progress.delivery is not None:
        yield _delivery(action)
    if progress.outcome is not None:
        yield _outcome(action, progress.outcome)
    if progress.live:
        yield rich_text(line(words("Live  ", bold=True), words(one_line(progress.live, 600))))


def _delivery(action: Action) -> Json:
    delivery = action.progress.delivery
    assert delivery is not None
    said = {
        "waiting": "the owner is being told",
        "delivered": "the owner was told; waiting for them to say that it is done",
        "applied": "the owner says that it is done",
        "failed": "the owner could not be told, or says that it cannot be done",
    }[delivery.state]
    more = f" ({one_line(delivery.error, 200)})" if delivery.error else ""
    return rich_text(line(words("Owner  ", bold=True), words(f"{said}{more}")))


def _outcome(action: Action, outcome: Outcome) -> Json:
    expected = action.content.expected
    actual = "–"
    if outcome.improvement is not None and outcome.low is not None and outcome.high is not None:
        actual = f"{outcome.improvement * 100:+.0f} points ({outcome.low * 100:.0f} to {outcome.high * 100:.0f})"
    promised = f", expected were up to {expected.share * 100:.0f}" if expected else ""
    parts = [
        line(words(f"Verification: {MARKS[outcome.decision]}", bold=True)),
        line(words(f"Fewer with the problem: {actual}{promised}; {outcome.pairs} pairs of customers")),
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [line(words(one_line(each, 300))) for each in outcome.reasons[:8]],
        },
    ]
    return rich_text(*parts)


def _buttons(action: Action) -> list[Json]:
    value = str(Shown.of(action))
    outcome = action.progress.outcome
    match action.state:
        case "proposed":
            question = "The change is made as a new variant and verified. Nothing changes for customers before that."
            return [
                button(
                    "Approve", ACTION_APPROVE, value, style="primary", confirm=("Approve this?", question, "Approve")
                ),
                button("Reject…", ACTION_REJECT, value, style="danger"),
                button("Edit…", ACTION_EDIT, value),
                button("Later", ACTION_LATER, value),
                button("Evidence", ACTION_EVIDENCE, value),
            ]
        case "applied" if outcome is not None:
            return [
                button("Verify with more", ACTION_MORE, value, style="primary"),
                button("Reject…", ACTION_REJECT, value, style="danger"),
                button("Evidence", ACTION_EVIDENCE, value),
            ]
        case "verified" if action.rollout_id is None:
            question = "One in ten live customers is served by the new variant. It can be taken back at any time."
            confirm = ("Begin the rollout?", question, "Roll out")
            return [
                button("Roll out to 10 %", ACTION_ROLL_OUT, value, style="primary", confirm=confirm),
                button("Evidence", ACTION_EVIDENCE, value),
            ]
        case _:
            return [button("Evidence", ACTION_EVIDENCE, value)]


def _facts(action: Action, deciding: Deciding) -> Json:
    parts = [f"Proposed by {mention(action.proposer)}", f"action `{short_id(action.id)}`"]
    if action.content.editors:
        parts.append(f"edited by {', '.join(mention(each) for each in action.content.editors[:MOST_MENTIONED])}")
    if action.decided_by:
        parts.append(
            f"decided by {', '.join(mention(each) for each in action.decided_by.split(', ')[:MOST_MENTIONED])}"
        )
    if action.candidate:
        parts.append(f"variant `{escape(one_line(action.candidate, 60)).replace('`', '')}`")
    return context(marked(" · ".join(parts)))


def _approvers(deciding: Deciding) -> str:
    if not deciding.approvers:
        return "the admins of this workspace"
    named = " ".join(mention(each) for each in deciding.approvers[:MOST_MENTIONED])
    more = len(deciding.approvers) - MOST_MENTIONED
    return f"{named} and {more} more" if more > 0 else named


# --- what is told in person -----------------------------------------------------------------------------------------


def evidence(action: Action, links: Sequence[tuple[Quote, str | None]]) -> Message:
    """What was said, with the address of each conversation that the thread shows."""
    problem = action.content.problem
    parts = [line(words(f"Evidence: {one_line(problem.text, 200)}", bold=True))]
    for said, link in links[:8]:
        place = [words("  "), {"type": "link", "url": link, "text": "open"}] if link else []
        parts.append(quote(*_quoted(said), *place))
    numbers = ", ".join(f"#{number}" for number in problem.numbers[:30])
    if numbers:
        parts.append(line(words(f"Conversations with it: {numbers}{' …' if len(problem.numbers) > 30 else ''}")))
    return Message(text=fallback(escape(f"Evidence: {one_line(problem.text, 200)}")), blocks=(rich_text(*parts),))


@dataclass(frozen=True, kw_only=True)
class WaitingAction:
    """An action that waits for a decision, with the address of its card."""

    action: Action
    link: str | None


def waiting_actions(waiting: Sequence[WaitingAction]) -> list[Json]:
    """The part of the Home tab that shows what waits for a decision."""
    lines = [
        line(
            words(one_line(f"{each.action.content.priority}: {each.action.content.title}", 140), bold=True),
            words(f"  {one_line(each.action.assistant, 40)}  "),
            date(each.action.created_at),
            *([words("  "), {"type": "link", "url": each.link, "text": "decide"}] if each.link else []),
        )
        for each in waiting
    ]
    nothing = line(words("Nothing waits for a decision. Runs that fail propose here what may mend them."))
    return home_list("Actions waiting for a decision", lines, empty=(nothing,))


# --- forms ----------------------------------------------------------------------------------------------------------


def reject_form(action: Action, metadata: str) -> Json:
    asks = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 500}
    return {
        "type": "modal",
        "callback_id": REJECT_FORM,
        "private_metadata": metadata,
        "title": plain("Reject", 24),
        "submit": plain("Reject", 24),
        "close": plain("Close", 24),
        "blocks": [
            _text(f"{action.content.title}: the same change is not proposed again."),
            _input("reason", "Why not?", "Everybody sees it in the thread.", asks),
        ],
    }


def edit_form(action: Action, metadata: str, written: str) -> Json:
    asks = {
        "type": "plain_text_input", "action_id": "edits", "multiline": True,
        "initial_value": clean(written)[:3000] or " ",
        "max_length": 3000,
    }  # fmt: skip
    return {
        "type": "modal",
        "callback_id": EDIT_FORM,
        "private_metadata": metadata,
        "title": plain("Edit the change", 24),
        "submit": plain("Save", 24),
        "close": plain("Close", 24),
        "blocks": [
            _text("Whoever edits a change cannot approve it, and earlier approvals no longer count."),
            _input("edits", "The change", "One entry a value: path, and value or remove: true.", asks),
        ],
    }


def _text(text: str) -> Json:
    return {"type": "section", "text": plain(one_line(text, 2_000), 2_900)}


def _input(name: str, label: str, hint: str, element: Json) -> Json:
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label, 2_000),
        "hint": plain(hint, 2_000),
        "element": element,
    }
