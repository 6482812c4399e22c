"""Who did, or was refused, what."""

from bot import blocks
from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge
from bot.commands._grammar import Words, whole_number

USUAL, MOST = 20, 50


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    options = words.only("n")
    words.at_most_one("word")
    wanted = min(whole_number("n", options["n"], least=1), MOST) if "n" in options else USUAL
    return blocks.audit(await edge.ports.store.audit.latest(asker.workspace_id, limit=wanted))


COMMAND = Command(
    name="audit",
    usage="audit [n=20]",
    summary="who did, or was refused, what; for approvers",
    examples=("audit", "audit n=50"),
    options=(("n=20", f"how many entries, the newest first; at most {MOST}"),),
    handle=handle,
    right="approve",
)
