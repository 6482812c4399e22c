"""What each kind of announcement looks like now: read from the store when it is sent, never before."""

from collections.abc import Awaitable, Callable, Mapping

from bot import blocks
from bot.actions_rendering import ACTION_RENDERERS
from bot.ask_rendering import ASK_RENDERERS
from bot.blocks import Message, NextStep
from bot.case_rendering import render_case
from bot.digest_rendering import DIGEST_RENDERERS
from bot.experiment_rendering import EXPERIMENT_RENDERERS
from bot.feedback_rendering import FEEDBACK_RENDERERS
from bot.links import Link, no_link
from bot.poster import Upload
from bot.regression_rendering import REGRESSION_RENDERERS
from jobs.announce import card_key, most_messages, verbosity_of
from jobs.bundle import Ports
from jobs.model import AnnouncementKind, Conversation, OutboxItem, Run, RunId, short_id
from jobs.report import RunSummary, to_csv, to_text, transcript_text
from jobs.report.redacted import redacted
from jobs.runs import run_report, run_summary

OVER = ("finished", "cancelled")
KEPT_FOR_FILES = 2
"""Places in a thread that conversations asked for one by one leave free."""
LONG_CONVERSATION = 50_000
"""Characters from which secrets are looked for in the helper process: patterns on a megabyte would stop the loop."""


class NothingToShow(Exception):
    """What was announced does not exist any more."""


async def render(item: OutboxItem, ports: Ports, link: Link = no_link) -> Message | Upload:
    """The message or file of an announcement; raises NothingToShow.

    Args:
        link: for messages that refer to others.
    """
    kind = item.announcement.kind
    if kind in LINKING_RENDERERS:
        return await LINKING_RENDERERS[kind](item, ports, link)
    return await RENDERERS[kind](item, ports)


async def _run_card(item: OutboxItem, ports: Ports) -> Message:
    run = await _run(item, ports)
    progress = await ports.store.runs.progress(run)
    if run.state not in OVER:
        return blocks.run_card(run, progress, None)
    summary = await run_summary(run, ports)
    return blocks.run_card(run, progress, summary, next_step(run, summary, ports))


async def _conversation(item: OutboxItem, ports: Ports) -> Message:
    run = await _run(item, ports)
    return blocks.conversation_message(run, await _one_conversation(item, run, ports))


async def _failures(item: OutboxItem, ports: Ports) -> Message:
    return blocks.failures(await run_summary(await _run(item, ports), ports))


async def _run_chart(item: OutboxItem, ports: Ports) -> Upload:
    run = await _run(item, ports)
    summary = await run_summary(run, ports)
    return Upload(
        filename=f"run-{short_id(run.id)}.png",
        title="Chart of the run",
        content=await ports.helper.call(draw_chart, summary),
        comment="The run as a chart",
        alt_text=blocks.result_sentence(run, summary)[:1000],
    )


def draw_chart(summary: RunSummary) -> bytes:
    from jobs.charts import run_chart  # in the helper process only: matplotlib would double the bot's memory

    return run_chart(summary)


async def _transcripts(item: OutboxItem, ports: Ports) -> Upload:
    run = await _run(item, ports)
    if "number" in item.announcement.ref:
        conversation = await _one_conversation(item, run, ports)
        return Upload(
            filename=f"run-{short_id(run.id)}-conversation-{conversation.number}.txt",
            title=f"Conversation {conversation.number} of {run.planned}",
            content=(await ports.helper.call(transcript_text, conversation, planned=run.planned)).encode(
                errors="replace"
            ),
            comment=f"The whole transcript of conversation {conversation.number}",
        )
    text = await ports.helper.call(to_text, await run_report(run, ports))
    return Upload(
        filename=f"run-{short_id(run.id)}-transcripts.txt",
        title="All transcripts",
        content=text.encode(errors="replace"),
        comment="Every conversation of the run in one file",
    )


async def _run_csv(item: OutboxItem, ports: Ports) -> Upload:
    run = await _run(item, ports)
    return Upload(
        filename=f"run-{short_id(run.id)}.csv",
        title="Results as CSV",
        content=await ports.helper.call(to_csv, await run_report(run, ports)),
        comment="One row a conversation",
    )


async def _run_finished(item: OutboxItem, ports: Ports) -> Message:
    run = await _run(item, ports)
    summary = await run_summary(run, ports)
    return blocks.run_finished(run, summary, more_to_show=await _has_more_to_show(run, ports))


async def _notice(item: OutboxItem, ports: Ports) -> Message:
    return blocks.note(str(item.announcement.ref.get("text", "")))


Renderer = Callable[[OutboxItem, Ports], Awaitable[Message | Upload]]
RENDERERS: Mapping[AnnouncementKind, Renderer] = {
    "run_card": _run_card,
    "conversation": _conversation,
    "failures": _failures,
    "run_chart": _run_chart,
    "transcripts": _transcripts,
    "run_csv": _run_csv,
    "run_finished": _run_finished,
    "notice": _notice,
    **EXPERIMENT_RENDERERS,
    **ACTION_RENDERERS,
    "case_file": render_case,
    **ASK_RENDERERS,
    **FEEDBACK_RENDERERS,
}
LINKING_RENDERERS: Mapping[AnnouncementKind, Callable[[OutboxItem, Ports, Link], Awaitable[Message | Upload]]] = {
    **REGRESSION_RENDERERS,
    **DIGEST_RENDERERS,
}
"""Those that are told how to link to messages."""


# --- the thread's room ----------------------------------------------------------------------------------------------


async def room_in_thread(run: Run, ports: Ports) -> int:
    """How many more messages the run's thread may get; the card is one of them."""
    thread = await ports.store.outbox.in_thread(run.workspace_id, card_key(run.id))
    most = most_messages(await verbosity_of(run, ports))
    return max(0, most - 1 - sum(item.state != "failed" for item in thread))


async def next_not_shown(run: Run, ports: Ports) -> int | None:
    """The number of a played conversation that the thread does not show yet; None if there is none, or no room."""
    if await room_in_thread(run, ports) <= KEPT_FOR_FILES:
        return None
    shown = await _numbers_shown(run, ports)
    for number in range(1, run.planned + 1):
        if number not in shown:
            conversation = await ports.store.runs.conversation(run.id, number)
            if conversation and conversation.verdict.outcome != "cancelled":
                return number
    return None


async def _has_more_to_show(run: Run, ports: Ports) -> bool:
    progress = await ports.store.runs.progress(run)
    played = progress.done - progress.by_outcome.get("cancelled", 0)
    return played > len(await _numbers_shown(run, ports)) and await room_in_thread(run, ports) > KEPT_FOR_FILES


async def _numbers_shown(run: Run, ports: Ports) -> frozenset[int]:
    thread = await ports.store.outbox.in_thread(run.workspace_id, card_key(run.id))
    return frozenset(
        int(item.announcement.ref["number"]) for item in thread if item.announcement.kind == "conversation"
    )


# --- steps ----------------------------------------------------------------------------------------------------------


def next_step(run: Run, summary: RunSummary, ports: Ports) -> NextStep | None:
    """What is worth trying after this run: another variant with the same customers, or the same ones again."""
    target = f'"{run.target}"' if " " in run.target else run.target
    again = f"/convotest run {target} n={run.planned} seed={run.seed}"
    if summary.totals.failed or summary.totals.errors:
        return NextStep(
            reason="after a change, play the same customers again:",
            command=f"{again} assistant={run.assistant}@{run.variant}",
        )
    names = (
        name
        for assistant in ports.catalogue.visible(run.workspace_id)
        if assistant.name == run.assistant
        for name in assistant.variants
    )
    other = next((name for name in names if name != run.variant), None)
    if other is None:
        return None
    return NextStep(
        reason="let another variant serve the same customers:",
        command=f"{again} assistant={run.assistant}@{other}",
    )


async def _run(item: OutboxItem, ports: Ports) -> Run:
    run = await ports.store.runs.get(RunId(str(item.announcement.ref["run_id"])))
    if run is None or run.workspace_id != item.announcement.place.workspace_id:
        raise NothingToShow
    return run


async def _one_conversation(item: OutboxItem, run: Run, ports: Ports) -> Conversation:
    conversation = await ports.store.runs.conversation(run.id, int(item.announcement.ref["number"]))
    if conversation is None:
        raise NothingToShow
    return await without_secrets(conversation, ports)


async def without_secrets(conversation: Conversation, ports: Ports) -> Conversation:
    """The conversation as it may be shown."""
    if sum(len(turn.text) for turn in conversation.transcript.turns) > LONG_CONVERSATION:
        return await ports.helper.call(redacted, conversation)
    return redacted(conversation)
