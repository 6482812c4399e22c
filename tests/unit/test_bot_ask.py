"""What is said to the bot is told apart, and long answers are shown whole."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import ask
from bot.blocks import ask as blocks
from bot.commands import COMMANDS, Asker, Edge
from bot.commands.ask import spoken
from bot.gallery.ask import a_thread
from bot.memory_poster import MemoryPoster
from bot.outbox import Pace, Sender
from jobs.ask.announce import LONGEST_PART, answered
from jobs.ask.answering import Answerer
from jobs.assistants import CONNECTORS, ConnectorPorts
from jobs.assistants.catalogue import load_catalogue
from jobs.clock import SystemClock
from jobs.errors import RequestError
from jobs.model import Turn, Variant, WorkspaceId
from jobs.ports import RecallingSession
from jobs.settings import shipped_profiles
from jobs.testing import ScriptedAssistant, testing_ports

TEAM = WorkspaceId("T1")
ADA = Asker(workspace_id=TEAM, channel_id="C1", member_id="U0ADA", key="event:1", message_ts="5.0")
FAST = Pace(message_s=0.0, burst=100, edit_s=0.0, edit_per_run_s=0.0)


@pytest.mark.parametrize(
    ("text", "is_command"),
    [
        ("run pizza n=20", True),
        ("run pizza sedd=7", True),
        ("run piza", True),
        ("help", True),
        ("help run", True),
        ("status", True),
        ("show last", True),
        ("rnu pizza", True),
        ("ask what is on the menu?", True),
        ("", True),
        ("show me the menu, please", False),
        ("run me through the menu", False),
        ("cancel my order please", False),
        ("help me to order a pizza", False),
        ("status of my order?", False),
        ("what is on the menu?", False),
        ("don't you have pasta", False),
        ("a large pizza -", False),
    ],
)
def test_commands_and_questions_are_told_apart(text: str, is_command: bool) -> None:
    assert ask.reads_as_command(text, COMMANDS) is is_command


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("is &lt;b&gt; &amp; <https://a.example/x|a.example> ok?", "is <b> & https://a.example/x ok?"),
        ("for <@U0BEN|ben> in <#C0GENERAL|general>", "for @ben in #general"),
        ("<!here> hello", "!here hello"),
    ],
)
def test_the_assistant_hears_what_was_meant(written: str, meant: str) -> None:
    assert spoken(written) == meant


def test_a_long_answer_goes_on_in_further_messages_and_loses_nothing() -> None:
    text = "".join(f"sentence {number}. " for number in range(1500))
    thread = a_thread("pizza", "tell me everything", "x")
    question, answer, _ = thread.turns
    thread = replace(thread, turns=(question, replace(answer, text=text)))

    parts = answered(thread, thread.turns)
    messages = [blocks.answer(thread, 1, int(part.ref.get("part", 0))) for part in parts]

    assert len(messages) == -(-len(text) // LONGEST_PART) > 2
    shown = "".join(str(message.blocks[0]["elements"][0]["elements"][0]["text"]) for message in messages)
    assert shown.replace(" ", "") == text.replace(" ", "")
    assert ["answer_feedback" in str(message.blocks) for message in messages] == [False] * (len(messages) - 1) + [True]


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncGenerator[Edge]:
    known = load_catalogue(shipped_profiles())
    one = replace(known, assistants=(known.assistant("pizza"),))
    async with testing_ports(tmp_path, assistant=ScriptedAssistant("All right."), catalogue=one) as ports:
        yield Edge(ports=ports, poster=MemoryPoster(refuses={"C9": "is_archived"}), commands=COMMANDS)


async def played(edge: Edge) -> MemoryPoster:
    """Answer what waits and send it; what Slack has then."""
    assert isinstance(edge.poster, MemoryPoster)
    answerer = Answerer(TEAM, edge.ports, thinking=ask.thinking(edge.poster, edge.ports.store.live))
    await answerer.answer_all()
    await answerer.stop()
    await Sender(workspace_id=TEAM, ports=edge.ports, poster=edge.poster, pace=FAST).send_due()
    return edge.poster


async def test_a_mention_is_answered_in_the_thread_of_the_message(edge: Edge) -> None:
    await ask.hear("hello there", ADA, edge)
    poster = await played(edge)

    (shown,) = poster.posted
    assert (shown.channel_id, shown.thread_ts, shown.versions[0].text) == ("C1", "5.0", "All right.")


async def test_an_answer_that_cannot_be_shown_is_told_to_the_one_who_asked(edge: Edge) -> None:
    await ask.hear("hello there", replace(ADA, channel_id="C9"), edge)
    poster = await played(edge)

    (told,) = poster.whispers
    assert told[1] == "U0ADA" and "could not be shown, because the channel is archived" in told[2].text


async def test_guests_may_ask_and_strangers_may_not(edge: Edge) -> None:
    with pytest.raises(RequestError, match="Only members of this workspace"):
        await ask.hear("hello", replace(ADA, home_id="T2"), edge)

    assert await edge.ports.store.live.waiting(TEAM) == ()


async def test_a_button_of_another_workspace_is_not_known(edge: Edge) -> None:
    await ask.hear("hello", ADA, edge)
    (conversation_id,) = await edge.ports.store.live.waiting(TEAM)
    stranger = replace(ADA, workspace_id=WorkspaceId("T2"))

    values = {"ask_done": conversation_id, "ask_reply": conversation_id, "ask_more": f"keep:{conversation_id}:1"}
    values |= {"ask_choose": f"{conversation_id}:pizza", "ask_csat_3": f"3:{conversation_id}"}
    for button, value in values.items():
        with pytest.raises(RequestError, match="not known here"):
            await ask.ACTIONS[button][1](value, stranger, edge)


async def test_only_an_assistant_that_is_sent_the_history_can_be_told_what_was_said(tmp_path: Path) -> None:
    connector = CONNECTORS["http_json"].build(ConnectorPorts(clock=SystemClock(), profiles_dir=tmp_path))
    turns = [Turn(speaker="user", text="one"), Turn(speaker="assistant", text="two")]
    can: list[bool] = []
    for body in ({"all": "{history}"}, {"text": "{message}", "id": "{session}"}):
        config = {"url": "http://127.0.0.1:9/chat", "body": body, "reply": {"messages": "$.text"}}
        variant = Variant(assistant="a", name="v", connector="http_json", config=config, hash="h")
        session = await connector.open(variant, seed="s")
        assert isinstance(session, RecallingSession)
        can.append(await session.recall(turns))
        await session.close()

    assert can == [True, False]
