"""The bot as it is deployed, against a whole workspace: what members type and what they then see."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import CommandResult, LocalWorkspace
from tests.e2e.process import Bot, make_home, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUALITY, GENERAL, RANDOM = "C0QUALITY", "C0GENERAL", "C0RANDOM"
ADA, BEN = "U0ADA", "U0BEN"
PNG = b"\x89PNG\r\n\x1a\n"
LOUD = "Hey <!channel>, <!here>, &lt;!everyone&gt; and <@U0BEN>!"
VARIANTS: dict[str, dict[str, Any]] = {
    "slow": {"latency_ms": 3000},
    "steady": {"latency_ms": 400},
    "loud": {"templates": {"read_back": [f"{LOUD} So that's {{order}}. It comes to {{total}}. Is that right?"]}},
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A workspace with the bot in it, and a client that reads it as a bot would."""

    workspace: LocalWorkspace
    bot: Bot
    client: AsyncWebClient

    async def type(self, text: str, *, channel: str = QUALITY, member: str = ADA) -> CommandResult:
        return await self.workspace.type_command(channel, member, text)

    async def new_card(self, channel: str, known: set[str]) -> str:
        """The ts of the card that was not there before."""

        def look() -> list[str]:
            return [message["ts"] for message in self.workspace.messages(channel) if message["ts"] not in known]

        return (await self.workspace.wait_for(look, 20))[0]

    def cards(self, channel: str) -> set[str]:
        return {message["ts"] for message in self.workspace.messages(channel)}

    async def ended(self, channel: str, card: str, member: str = ADA) -> None:
        """Wait for the last message of a run: the one that mentions who started it."""

        def look() -> bool:
            *_, last = self.workspace.messages(channel, card)
            return f"<@{member}>" in last["text"]

        await self.workspace.wait_for(look, 40)

    async def thread(self, channel: str, card: str) -> list[dict[str, Any]]:
        """The card and its thread, through the Web API."""
        answer: Any = await self.client.conversations_replies(  # pyright: ignore[reportUnknownMemberType] - its keywords are untyped
            channel=channel, ts=card, limit=200, include_all_metadata=True
        )
        return list(answer["messages"])

    async def whispered(self, member: str, part: str) -> str:
        """What only that member sees; the text of the first ephemeral message with these words in it."""

        def look() -> list[str]:
            texts = (message["text"] for message in self.workspace.ephemerals(member))
            return [text for text in texts if part in text]

        return (await self.workspace.wait_for(look, 10))[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["http", "socket"])
async def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Scene]:
    directory: Path = tmp_path_factory.mktemp(f"serve-{request.param}")
    home = make_home(directory, variants=VARIANTS)
    async with LocalWorkspace() as workspace, serving(home, workspace, transport=request.param) as bot:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        client.proxy = None
        yield Scene(workspace=workspace, bot=bot, client=client)


async def test_a_typed_run_is_shown_from_card_to_final_mention(scene: Scene) -> None:
    known = scene.cards(QUALITY)

    acknowledged = await scene.type("/convotest run pizza n=6 seed=7 assistant=pizza@faulty")
    card_ts = await scene.new_card(QUALITY, known)
    await scene.ended(QUALITY, card_ts)
    await scene.workspace.wait_for(lambda: "0 of 6 passed" in scene.workspace.messages(QUALITY, card_ts)[0]["text"], 10)

    card, *replies = await scene.thread(QUALITY, card_ts)
    assert acknowledged.acknowledged
    assert acknowledged.shown == ()
    assert len(scene.cards(QUALITY) - known) == 1  # nothing but the card is at top level
    assert "6/6" in card["text"] and "6/6" in _shown(card) and "pizza@faulty" in _shown(card)
    numbered = [reply for reply in replies if reply["text"].startswith(tuple("123456"))]
    assert sorted(reply["text"].split()[0] for reply in numbered) == [f"{number}/6" for number in range(1, 7)]
    assert all("the price changed between quote and bill" in reply["text"] for reply in numbered)
    [failures] = [reply for reply in replies if reply["text"].startswith("Failures")]
    assert "the confirmed order left out the drink" in failures["text"]
    [chart] = [file for reply in replies for file in reply.get("files", ())]
    assert chart["name"].endswith(".png") and scene.workspace.content(chart["id"]).startswith(PNG)
    assert replies[-1]["text"].startswith(f"<@{ADA}>") and "0 of 6" in replies[-1]["text"]
    keys = [reply["metadata"]["event_payload"]["key"] for reply in replies if reply.get("metadata")]
    assert len(keys) == len(set(keys))
    # six conversations, failures, the end; the chart is found by its file, and what is proposed has cards of its own
    assert len([key for key in keys if not key.startswith("action:")]) == 8


async def test_the_card_shows_how_far_the_run_is(scene: Scene) -> None:
    known, seen = scene.cards(GENERAL), list[str]()
    await scene.type("/convotest run pizza n=3 seed=4 assistant=pizza@steady", channel=GENERAL)
    card_ts = await scene.new_card(GENERAL, known)

    def look() -> bool:
        seen.append(_shown(scene.workspace.messages(GENERAL, card_ts)[0]))
        return "of 3 passed" in seen[-1]

    await scene.workspace.wait_for(look, 30)
    assert "0/3" in seen[0] and "run_cancel" in seen[0]
    assert "3/3" in seen[-1] and "run_rerun" in seen[-1] and "run_csv" in seen[-1]


async def test_the_cancel_button_stops_a_run_and_keeps_what_is_finished(scene: Scene) -> None:
    known = scene.cards(GENERAL)
    await scene.type("/convotest run pizza n=8 seed=1 assistant=pizza@slow", channel=GENERAL)
    card_ts = await scene.new_card(GENERAL, known)

    clicked = await scene.workspace.click(BEN, GENERAL, card_ts, "run_cancel")
    told = await scene.whispered(BEN, "is being stopped")
    await scene.ended(GENERAL, card_ts)
    await scene.workspace.wait_for(lambda: "Cancelled" in scene.workspace.messages(GENERAL, card_ts)[0]["text"], 10)

    card, *replies = await scene.thread(GENERAL, card_ts)
    assert clicked.acknowledged
    assert "what is finished is kept" in told
    assert "8/8" in card["text"]
    assert "was cancelled" in replies[-1]["text"]
    assert "run_cancel" not in _shown(card)


async def test_words_of_an_assistant_ping_nobody(scene: Scene) -> None:
    known = scene.cards(QUALITY)

    await scene.type("/convotest run pizza n=2 seed=3 assistant=pizza@loud")
    card_ts = await scene.new_card(QUALITY, known)
    await scene.ended(QUALITY, card_ts)

    messages = await scene.thread(QUALITY, card_ts)
    conversations = [message for message in messages if message["text"].startswith(("1/2", "2/2"))]
    assert any("<!channel>" in element for element in _literal_texts(conversations)), "the words themselves are shown"
    assert not [text for text in _live_texts(messages) if "<!" in text or f"<@{BEN}>" in text]
    assert not _elements(messages, "broadcast")
    assert {element["user_id"] for element in _elements(messages, "user")} == {ADA}


async def test_the_same_command_delivered_four_times_is_one_run(scene: Scene) -> None:
    known = scene.cards(GENERAL)
    await scene.type("/convotest run pizza n=1 seed=5", channel=GENERAL)
    payload = scene.workspace.attempts[-1].payload

    replies = [await scene.workspace.delivery.command(payload) for _ in range(3)]
    card_ts = await scene.new_card(GENERAL, known)
    await scene.ended(GENERAL, card_ts)

    assert all(reply.ok for reply in replies)
    assert all("nothing new was started" in str(reply.body) for reply in replies)
    assert scene.cards(GENERAL) == known | {card_ts}


async def test_four_commands_at_once_with_one_trigger_are_one_run(scene: Scene) -> None:
    known = scene.cards(GENERAL)
    await scene.type("/convotest status", channel=GENERAL)
    payload = {**scene.workspace.attempts[-1].payload, "text": "run pizza n=1 seed=6", "trigger_id": "1.2.four-at-once"}

    await asyncio.gather(*(scene.workspace.delivery.command(payload) for _ in range(4)))
    card_ts = await scene.new_card(GENERAL, known)
    await scene.ended(GENERAL, card_ts)

    assert scene.cards(GENERAL) == known | {card_ts}


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("run piza", "'pizza'"),
        ("run pizza assistant=pizza@fualty", "faulty"),
        ("rum pizza", "'run'"),
        ("run pizza n=abc", "whole number"),
        ("run pizza n=0", "at least 1"),
        ("run pizza sed=7", "'seed'"),
        ("run “pizza” n=0", "at least 1"),
        ("run pizza's", "pizza"),
    ],
)
async def test_a_mistake_is_answered_to_its_author_only_and_starts_nothing(
    scene: Scene, typed: str, answer: str
) -> None:
    known, heard = scene.cards(QUALITY), len(scene.workspace.ephemerals(BEN))

    result = await scene.type(f"/convotest {typed}", member=BEN)
    await scene.workspace.wait_for(lambda: len(scene.workspace.ephemerals(BEN)) > heard, 10)

    assert result.acknowledged
    assert answer in scene.workspace.ephemerals(BEN)[-1]["text"]
    assert scene.cards(QUALITY) == known


async def test_in_a_channel_without_the_bot_it_says_how_to_be_invited(scene: Scene) -> None:
    known = scene.cards(RANDOM)

    await scene.type("/convotest run pizza n=1", channel=RANDOM)

    assert "/invite @convotest" in await scene.whispered(ADA, "not in this channel")
    assert scene.cards(RANDOM) == known


async def test_too_many_conversations_are_cut_and_that_is_said(scene: Scene) -> None:
    known = scene.cards(GENERAL)

    await scene.type("/convotest run pizza n=100000 seed=2 assistant=pizza@slow", channel=GENERAL)
    card_ts = await scene.new_card(GENERAL, known)
    await scene.workspace.click(ADA, GENERAL, card_ts, "run_cancel")
    await scene.ended(GENERAL, card_ts)

    [card, *_] = await scene.thread(GENERAL, card_ts)
    assert "n=100000 was cut to 1000" in _shown(card)


def _shown(message: dict[str, Any]) -> str:
    return str(message.get("blocks", ""))


def _elements(tree: Any, kind: str) -> list[dict[str, Any]]:
    """Every object of a type, however deep."""
    if isinstance(tree, dict):
        mine: list[dict[str, Any]] = [tree] if tree.get("type") == kind else []  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
        return mine + [found for value in tree.values() for found in _elements(value, kind)]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(tree, list):
        return [found for value in tree for found in _elements(value, kind)]  # pyright: ignore[reportUnknownVariableType]
    return []


def _literal_texts(messages: list[dict[str, Any]]) -> list[str]:
    """Texts that Slack shows letter by letter."""
    return [element["text"] for element in _elements([m.get("blocks") for m in messages], "text")]


def _live_texts(messages: list[dict[str, Any]]) -> list[str]:
    """Texts in which Slack looks for mentions."""
    marked = [element["text"] for element in _elements([m.get("blocks") for m in messages], "mrkdwn")]
    return marked + [message["text"] for message in messages]
