"""The summary of a run, for whoever asks."""

from bot import blocks
from bot.blocks import Message
from bot.blocks.run import scores_table
from bot.commands._command import Asker, Command, Edge
from bot.commands._grammar import Words
from jobs.model import short_id
from jobs.runs import find_run, list_runs, run_summary


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    wanted = words.at_most_one("run")
    if wanted in ("all", "runs"):
        return await _latest(asker, edge)
    run = await find_run(wanted or "last", asker.workspace_id, edge.ports)
    progress = await edge.ports.store.runs.progress(run)
    summary = await run_summary(run, edge.ports)
    card = blocks.run_card(run, progress, summary)
    table = scores_table(summary)
    shown = tuple(block for block in card.blocks if block["type"] != "actions")
    return Message(text=card.text, blocks=(*shown, table) if table else shown)


async def _latest(asker: Asker, edge: Edge) -> Message:
    entries = [
        blocks.Entry(
            name=short_id(run.id),
            about=f"{run.profile} → {run.assistant}@{run.variant}, {run.planned} conversations, {run.state}",
        )
        for run in await list_runs(asker.workspace_id, edge.ports)
    ]
    return blocks.listing("The latest runs", entries, empty="There are no runs yet.", hint="More: /convotest show ID")


COMMAND = Command(
    name="show",
    usage="show RUN|last|all",
    summary="the figures of a run, or the latest runs",
    examples=("show last", "show all"),
    handle=handle,
)
