"""Live threads as people have them: the wired bot in the local workspace, by Socket Mode and by signed HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.ask import HOURGLASS
from bot.outbox import Pace
from bot.wiring import serving
from bot.workspace import LocalWorkspace
from bot.workspace.block_kit import check_message_blocks
from jobs.assistants.catalogue import load_catalogue
from jobs.bundle import Ports
from jobs.clock import SystemClock
from jobs.settings import Settings, shipped_profiles
from jobs.testing import ScriptedAssistant, testing_ports

QUICK = Pace(message_s=0.0, burst=100, edit_s=0.05, edit_per_run_s=0.0, poll_s=0.05)
CHANNEL, DIRECT = "C0QUALITY", "D0ADA"
ADA, BEN = "U0ADA", "U0BEN"


@dataclass
class Place:
    """A workspace with the bot at work in it."""

    workspace: LocalWorkspace
    ports: Ports
    assistant: ScriptedAssistant

    async def answers(self, channel: str, root: str | None, count: int) -> list[dict[str, Any]]:
        """The messages with thumbs there, as soon as there are so many."""

        def found() -> list[dict[str, Any]]:
            messages = self.workspace.messages(channel, root) if root else self.workspace.messages(channel)
            answers = [each for each in messages if "answer_feedback" in str(each.get("blocks"))]
            return answers if len(answers) >= count else []

        return await self.workspace.wait_for(found)

    async def asked_at_the_end(self, channel: str, root: str | None) -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            messages = self.workspace.messages(channel, root) if root else self.workspace.messages(channel)
            return [each for each in messages if "How satisfied are you" in each["text"]]

        return (await self.workspace.wait_for(found))[-1]


@pytest.fixture(params=["socket mode", "signed HTTP"])
def by_sockets(request: pytest.FixtureRequest) -> bool:
    return request.param == "socket mode"


@pytest.fixture
def assistants() -> tuple[str, ...]:
    return ("pizza",)


@pytest.fixture
async def place(by_sockets: bool, assistants: tuple[str, ...], tmp_path: Path) -> AsyncGenerator[Place]:
    async with LocalWorkspace(rate_limits=False) as workspace:
        settings = Settings(
            convotest_database_url=f"sqlite:///{tmp_path / 'convotest.db'}",
            slack_api_url=workspace.api_url,
            slack_bot_token=SecretStr(workspace.bot_token),
            slack_app_token=SecretStr(workspace.app_token) if by_sockets else None,
            slack_signing_secret=None if by_sockets else SecretStr(workspace.signing_secret),
            convotest_port=0,
        )
        assistant = ScriptedAssistant("Hello, what can I do?", "That is <!channel> & *fine*.", "Anything else?")
        known = load_catalogue(shipped_profiles())
        catalogue = replace(
            known, assistants=tuple(replace(known.assistant("pizza"), name=name) for name in assistants)
        )
        async with (
            testing_ports(
                tmp_path, clock=SystemClock(), settings=settings, assistant=assistant, catalogue=_named(catalogue)
            ) as ports,
            serving(ports, pace=QUICK) as bot,
        ):
            if not by_sockets:
                workspace.request_url = f"http://127.0.0.1:{bot.port}/slack/events"
            yield Place(workspace, ports, assistant)


def _named(catalogue: Any) -> Any:
    """Variants that know whose they are."""
    renamed = [
        replace(each, variants={name: replace(one, assistant=each.name) for name, one in each.variants.items()})
        for each in catalogue.assistants
    ]
    return replace(catalogue, assistants=tuple(renamed))


async def test_a_mention_opens_a_thread_that_goes_on_by_mention_and_by_the_reply_form(place: Place) -> None:
    workspace = place.workspace
    root = await workspace.post_as_member(ADA, CHANNEL, "@convotest what can you do &amp; <why>?")
    (first,) = await place.answers(CHANNEL, root["ts"], 1)
    await workspace.post_as_member(ADA, CHANNEL, "@convotest go on", root["ts"])
    second = (await place.answers(CHANNEL, root["ts"], 2))[1]

    await workspace.click(ADA, CHANNEL, second["ts"], "ask_reply")
    view = (await workspace.wait_for(lambda: workspace.views(ADA)))[-1]
    refused = await workspace.submit_view(ADA, view["id"], {"text": "   "})
    sent = await workspace.submit_view(ADA, view["id"], {"text": "and a cola"})
    third = (await place.answers(CHANNEL, root["ts"], 3))[2]

    assert place.assistant.heard == ["what can you do &amp; <why>?", "go on", "and a cola"]
    assert first["text"] == "Hello, what can I do?"
    assert second["text"] == "That is &lt;!channel&gt; &amp; *fine*."
    assert f"<@{ADA}>" in str(first["blocks"])
    assert refused.errors == {"text": "Write what you want to ask."}
    assert (sent.acknowledged, sent.errors) == (True, None)
    thread = [message["text"] for message in workspace.messages(CHANNEL, root["ts"])]
    assert f"<@{ADA}> asks pizza: and a cola" in thread
    assert thread[-1] == third["text"] == "Anything else?"
    assert place.assistant.sessions == 1
    for answer in (first, second, third):
        check_message_blocks(answer["blocks"])


async def test_the_command_begins_a_thread_with_the_question_and_quotes_survive(place: Place) -> None:
    workspace = place.workspace
    typed = await workspace.type_command(
        CHANNEL, ADA, "/convotest ask assistant=pizza@faulty don't you have “gluten-free=yes”?"
    )
    (root,) = await workspace.wait_for(lambda: [m for m in workspace.messages(CHANNEL) if "asks pizza" in m["text"]])
    await place.answers(CHANNEL, root["ts"], 1)

    assert (typed.acknowledged, typed.shown) == (True, ())
    assert place.assistant.heard == ["don't you have “gluten-free=yes”?"]
    await workspace.post_as_member(ADA, CHANNEL, "@convotest and pasta?", root["ts"])
    await place.answers(CHANNEL, root["ts"], 2)
    found = await place.ports.store.live.in_thread(workspace.team().id, CHANNEL, root["ts"], member_id=ADA)  # type: ignore[arg-type]
    assert found is not None
    assert (found.variant, place.assistant.sessions) == ("faulty", 1)


async def test_two_people_in_one_thread_are_told_apart(place: Place) -> None:
    workspace = place.workspace
    root = await workspace.post_as_member(ADA, CHANNEL, "@convotest a pizza")
    await place.answers(CHANNEL, root["ts"], 1)
    await workspace.post_as_member(BEN, CHANNEL, "@convotest a pasta", root["ts"])
    for_ada, for_ben = await place.answers(CHANNEL, root["ts"], 2)

    assert (f"<@{ADA}>" in str(for_ada["blocks"]), f"<@{BEN}>" in str(for_ben["blocks"])) == (True, True)
    assert place.assistant.sessions == 2
    await workspace.click(BEN, CHANNEL, for_ada["ts"], "ask_done")
    told = await workspace.wait_for(lambda: workspace.ephemerals(BEN))
    assert "Only the one whose conversation it is" in told[0]["text"]


async def test_direct_messages_go_on_freely_and_commands_still_work_there(place: Place) -> None:
    workspace = place.workspace
    first = await workspace.post_as_member(ADA, DIRECT, "show me the menu, please")
    await place.answers(DIRECT, None, 1)
    await workspace.post_as_member(ADA, DIRECT, "run")
    told = await workspace.wait_for(lambda: workspace.ephemerals(ADA))
    await workspace.post_as_member(ADA, DIRECT, "and a pizza")
    second = (await place.answers(DIRECT, None, 2))[1]

    assert "which profile" in told[0]["text"]
    assert place.assistant.heard == ["show me the menu, please", "and a pizza"]
    assert "thread_ts" not in second and "ask_reply" not in str(second["blocks"])
    marked = [each for each in workspace.messages(DIRECT) if each["ts"] == first["ts"]]
    assert HOURGLASS not in str(marked[0].get("reactions"))  # taken away when the answer came


async def test_a_conversation_ends_with_one_click_and_the_message_is_edited(place: Place) -> None:
    workspace = place.workspace
    root = await workspace.post_as_member(ADA, CHANNEL, "@convotest a pizza")
    (answer,) = await place.answers(CHANNEL, root["ts"], 1)
    await workspace.click(ADA, CHANNEL, answer["ts"], "ask_done")
    asked = await place.asked_at_the_end(CHANNEL, root["ts"])
    await workspace.click(BEN, CHANNEL, asked["ts"], "ask_csat_1")
    refused = await workspace.wait_for(lambda: workspace.ephemerals(BEN))
    await workspace.click(ADA, CHANNEL, asked["ts"], "ask_csat_4")

    def thanked() -> list[str]:
        texts = [message["text"] for message in workspace.messages(CHANNEL, root["ts"])]
        return [text for text in texts if "★★★★☆" in text]

    assert await workspace.wait_for(thanked)
    assert "only the one whose conversation it was" in refused[0]["text"]
    (rating,) = await place.ports.store.feedback.ratings(workspace.team().id, limit=5)  # type: ignore[arg-type]
    assert (rating["source"], rating["value"], rating["member_id"]) == ("live", 4, ADA)
    last = workspace.messages(CHANNEL, root["ts"])[-1]
    assert "ask_csat_4" not in str(last["blocks"])


async def test_the_pane_greets_suggests_shows_a_status_and_a_title(place: Place) -> None:
    workspace = place.workspace
    pane = await workspace.start_assistant_thread(ADA)

    def greeted() -> list[dict[str, Any]]:
        root = workspace.messages(DIRECT, pane["ts"])
        return root if len(root) > 1 and root[0].get("assistant_prompts") else []

    root, greeting = await workspace.wait_for(greeted)
    await workspace.post_as_member(ADA, DIRECT, "What is on the menu?", pane["ts"])
    await place.answers(DIRECT, pane["ts"], 1)

    assert greeting["text"].startswith("You are talking to pizza.")
    assert root["assistant_prompts"]["prompts"][0]["message"] == "What is on the menu?"
    titled = await workspace.wait_for(lambda: workspace.messages(DIRECT, pane["ts"])[0].get("assistant_title"))
    assert titled == "What is on the menu?"


async def test_an_answer_is_kept_from_its_menu_and_from_the_messages_own(place: Place) -> None:
    workspace = place.workspace
    root = await workspace.post_as_member(ADA, CHANNEL, "@convotest a pizza")
    (answer,) = await place.answers(CHANNEL, root["ts"], 1)
    [menu] = [e for b in answer["blocks"] for e in b.get("elements", []) if e.get("action_id") == "ask_more"]

    await workspace.click(ADA, CHANNEL, answer["ts"], "ask_more", menu["options"][0]["value"])
    await workspace.shortcut(ADA, "keep_example", channel=CHANNEL, ts=answer["ts"])
    await workspace.shortcut(ADA, "keep_example", channel=CHANNEL, ts=root["ts"])
    told = await workspace.wait_for(lambda: (len(workspace.ephemerals(ADA)) == 3 and workspace.ephemerals(ADA)) or [])

    assert sorted("This exchange is kept" in each["text"] for each in told) == [False, True, True]
    (example,) = await place.ports.store.feedback.examples(workspace.team().id)  # type: ignore[arg-type]
    assert (example.content["query"], example.content["response"]) == ("a pizza", "Hello, what can I do?")


async def test_what_bots_say_is_not_answered(place: Place) -> None:
    workspace, before = place.workspace, place.assistant.sessions
    channel = workspace.team().channels[CHANNEL]
    event = {"type": "app_mention", "user": "U0OTHERBOT", "bot_id": "B9", "text": "<@U0BOT> hello", "ts": "9.9"}
    workspace.delivery.event(workspace.team(), {**event, "channel": channel.id, "event_ts": "9.9"})
    await workspace.delivery.idle()

    assert await place.ports.store.live.in_thread(workspace.team().id, CHANNEL, "9.9") is None  # type: ignore[arg-type]
    assert place.assistant.sessions == before


@pytest.mark.parametrize("assistants", [("pizza", "bank")], ids=["two assistants"])
async def test_with_several_assistants_one_is_chosen_and_the_question_is_not_lost(place: Place) -> None:
    workspace = place.workspace
    root = await workspace.post_as_member(ADA, CHANNEL, "@convotest what do I owe you?")

    def offered() -> list[dict[str, Any]]:
        return [m for m in workspace.messages(CHANNEL, root["ts"]) if "Which assistant" in m["text"]]

    (choice,) = await workspace.wait_for(offered)
    [menu] = [e for b in choice["blocks"] for e in b.get("elements", []) if e.get("action_id") == "ask_choose"]
    await workspace.click(ADA, CHANNEL, choice["ts"], "ask_choose", menu["options"][1]["value"])
    await place.answers(CHANNEL, root["ts"], 1)

    assert place.assistant.heard == ["what do I owe you?"]

    def settled() -> list[str]:
        texts = [message["text"] for message in workspace.messages(CHANNEL, root["ts"])]
        return [text for text in texts if text.startswith("You are talking to bank")]

    assert await workspace.wait_for(settled)
