"""The entry "Turn into test case" of a message's own menu."""

from bot.blocks import Message, note
from bot.case_rendering import case_file
from bot.commands import Asker, Edge
from bot.commands._command import require
from jobs.errors import ConvotestError
from jobs.model import Announcement, OutboxItem
from jobs.uploads import save_upload

NOT_A_CONVERSATION = (
    "Only a conversation of a run or an answer in a live thread can be turned into a test case. Use the menu of the "
    "message that shows it."
)


async def make_case(asker: Asker, edge: Edge) -> Message:
    """Puts the conversation that a message shows into its thread, as a suite of one test case."""
    await require("use", "make case", asker, edge)
    item = await edge.ports.store.outbox.find_message(asker.workspace_id, asker.channel_id, asker.message_ts or "")
    made = await case_file(item, asker.workspace_id, edge.ports) if item else None
    if item is None or made is None:
        return note(NOT_A_CONVERSATION)
    name, _ = made
    if await edge.ports.store.outbox.find(asker.workspace_id, _key(item)):
        return note(f"This conversation was turned into a test case already: {name}.yaml in its thread.")
    ref = {name: value for name, value in item.announcement.ref.items() if name != "part"}
    await edge.ports.store.outbox.add(
        Announcement(
            key=_key(item),
            kind="case_file",
            place=item.announcement.place,
            ref=ref,
            parent_key=item.announcement.parent_key,
            thread_ts=item.announcement.thread_ts or (None if item.announcement.parent_key else item.ts),
        )
    )
    edge.ports.bell.ring()
    told = await kept(made, asker, edge)
    return note(f"{name}.yaml is being put into the thread: add what you expect of the answers. {told}")


async def kept(made: tuple[str, str], asker: Asker, edge: Edge) -> str:
    """Keep it as a suite of this workspace; how it is played and changed, or why it could not be kept."""
    name, text = made
    try:
        saved = await save_upload(
            f"{name}.yaml",
            text.encode(errors="replace"),
            by=asker.member_id,
            workspace_id=asker.workspace_id,
            ports=edge.ports,
        )
    except ConvotestError as error:
        return f"It was not kept as a suite: {error}"
    return f"It is kept as a suite: /convotest run {saved.stem} plays it; send me the changed file to replace it."


def _key(item: OutboxItem) -> str:
    return f"case:{item.announcement.key}"
