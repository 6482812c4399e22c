"""Stop a run; what is finished is kept."""

from bot import blocks
from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge
from bot.commands._grammar import Words
from jobs.errors import RequestError
from jobs.model import Run, short_id
from jobs.runs import cancel_run, find_run


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    wanted = words.at_most_one("run")
    if wanted is None:
        raise RequestError("which run? For example: cancel last")
    return await cancel(await find_run(wanted, asker.workspace_id, edge.ports), asker, edge)


async def cancel(run: Run, asker: Asker, edge: Edge) -> Message:
    """Ask the run to stop and say so; one that is over, or already stopping, is left alone and that is said."""
    name = f"run {short_id(run.id)} ({run.profile})"
    if run.state in ("finished", "cancelled"):
        return blocks.note(f"{name} is over already ({run.state}); nothing was changed.")
    if run.state == "cancelling":
        return blocks.note(f"{name} is stopping already.")
    await cancel_run(run.id, edge.ports, by=asker.member_id)
    await edge.ports.store.audit.record(
        asker.workspace_id, asker.member_id, "cancel", outcome="done", detail=name, place=asker.channel_id
    )
    return blocks.note(f"{name} is being stopped; what is finished is kept.")


COMMAND = Command(
    name="cancel",
    usage="cancel RUN|last",
    summary="stop a run; what is finished is kept",
    examples=("cancel last",),
    handle=handle,
    right="use",
)
