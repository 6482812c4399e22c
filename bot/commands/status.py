"""How busy this installation is."""

from datetime import datetime, timedelta

from bot import blocks
from bot.blocks import Message, Status
from bot.commands._command import Asker, Command, Edge
from bot.commands._grammar import Words
from jobs.experiments.lifecycle import experiment_progress


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    words.at_most_one("word")
    store, now = edge.ports.store, edge.ports.clock.now()
    everything = await store.runs.unfinished()
    progress = {run.id: await store.runs.progress(run) for run in everything}
    left = sum(run.planned - progress[run.id].done for run in everything)
    playing = edge.ports.live.conversations
    tests = [each for each in await store.experiments.unfinished() if each.workspace_id == asker.workspace_id]
    arms = {each.run.id for test in tests for each in test.runs}
    backlog = await store.outbox.backlog(asker.workspace_id)
    oldest = min((run.created_at for run in everything), default=None)
    return blocks.status(
        Status(
            running=[
                (run, progress[run.id])
                for run in everything
                if run.workspace_id == asker.workspace_id and run.id not in arms
            ],
            tests=[(each, await experiment_progress(each, edge.ports)) for each in tests],
            waiting_conversations=max(0, left - playing),
            oldest_job=_since(oldest, now),
            playing=playing,
            unsent=backlog.waiting,
            oldest_unsent=_since(backlog.oldest, now),
        )
    )


def _since(then: datetime | None, now: datetime) -> timedelta | None:
    return now - then if then else None


COMMAND = Command(
    name="status",
    usage="status",
    summary="what is running and what waits",
    examples=("status",),
    handle=handle,
)
