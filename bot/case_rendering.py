"""A test case made from a message: which conversation it was, and the file."""

from bot.blocks import Message, note
from bot.poster import Upload
from jobs.bundle import Ports
from jobs.model import OutboxItem, RunId, Turn, WorkspaceId, short_id
from jobs.suites.from_transcript import case_of_run, case_of_thread

GONE = "The conversation that this test case was made from was deleted."


async def render_case(item: OutboxItem, ports: Ports) -> Message | Upload:
    made = await case_file(item, item.announcement.place.workspace_id, ports)
    if made is None:
        return note(GONE)
    name, text = made
    return Upload(
        filename=f"{name}.yaml",
        title="Test case",
        content=text.encode(errors="replace"),
        comment="The conversation as a test case: say what is expected, and put it into a suite",
    )


async def case_file(item: OutboxItem, workspace_id: WorkspaceId, ports: Ports) -> tuple[str, str] | None:
    """Name and text of the case for what a message of ours shows; None if it shows no conversation."""
    ref = item.announcement.ref
    if "run_id" in ref and "number" in ref:
        run = await ports.store.runs.get(RunId(str(ref["run_id"])))
        if run is None or run.workspace_id != workspace_id:
            return None
        conversation = await ports.store.runs.conversation(run.id, int(ref["number"]))
        if conversation is None or not any(turn.speaker == "user" for turn in conversation.transcript.turns):
            return None
        name = f"case-{short_id(conversation.id)}"
        return name, await ports.helper.call(case_of_run, conversation, name=name)
    if "conversation_id" in ref:
        live = await ports.store.live.find(str(ref["conversation_id"]))
        if live is None or live.workspace_id != workspace_id:
            return None
        said = [Turn(speaker=turn.speaker, text=turn.text) for turn in live.turns if turn.text]
        shown = said[: int(ref.get("position", len(said))) + 1]
        if not any(turn.speaker == "user" for turn in shown):
            return None
        name = f"case-{short_id(live.id)}"
        return name, await ports.helper.call(case_of_thread, shown, name=name)
    return None
