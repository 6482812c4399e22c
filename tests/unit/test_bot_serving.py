"""The wired bot against the local workspace, by Socket Mode and by signed HTTP: what people see there."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from bot.demo import demo_data, forget_demo
from bot.outbox import Pace, sender_lock
from bot.wiring import serving
from bot.workspace import LocalWorkspace
from jobs.bundle import Ports
from jobs.clock import SystemClock
from jobs.dispatcher import Dispatcher
from jobs.errors import ConfigurationError
from jobs.model import WorkspaceId
from jobs.settings import Settings
from jobs.testing import InlineEngine, testing_ports

QUICK = Pace(message_s=0.0, burst=100, edit_s=0.05, edit_per_run_s=0.0, poll_s=0.05)
CHANNEL, DIRECT = "C0QUALITY", "D0ADA"
ADA = "U0ADA"
Way = Literal["socket mode", "signed HTTP"]


def settings_for(workspace: LocalWorkspace, way: Way, directory: Path) -> Settings:
    return Settings(
        convotest_database_url=f"sqlite:///{directory / 'convotest.db'}",
        slack_api_url=workspace.api_url,
        slack_bot_token=SecretStr(workspace.bot_token),
        slack_app_token=SecretStr(workspace.app_token) if way == "socket mode" else None,
        slack_signing_secret=SecretStr(workspace.signing_secret) if way == "signed HTTP" else None,
        convotest_port=0,
    )


@asynccontextmanager
async def playing(ports: Ports) -> AsyncGenerator[None]:
    dispatcher = Dispatcher(InlineEngine(), ports)
    await dispatcher.start()
    try:
        yield
    finally:
        await dispatcher.stop()


@pytest.fixture(params=["socket mode", "signed HTTP"])
async def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[LocalWorkspace]:
    """A workspace with the bot at work in it."""
    async with LocalWorkspace(rate_limits=False) as workspace:
        settings = settings_for(workspace, request.param, tmp_path)
        async with (
            testing_ports(tmp_path, clock=SystemClock(), settings=settings) as ports,
            playing(ports),
            serving(ports, pace=QUICK) as bot,
        ):
            if request.param == "signed HTTP":
                workspace.request_url = f"http://127.0.0.1:{bot.port}/slack/events"
            async with ClientSession() as session, session.get(f"http://127.0.0.1:{bot.port}/readyz") as ready:
                assert ready.status == 200
            yield workspace


def thread_of(workspace: LocalWorkspace, channel: str) -> list[str]:
    """The texts of the newest run's thread, its card first."""
    cards = [message["ts"] for message in workspace.messages(channel) if message.get("metadata")]
    return [message["text"] for message in workspace.messages(channel, cards[-1])] if cards else []


async def finished(workspace: LocalWorkspace, channel: str) -> list[str]:
    def done() -> list[str]:
        thread = thread_of(workspace, channel)
        is_done = thread and "passed:" in thread[0] and any("is finished" in text for text in thread)
        return thread if is_done else []

    return await workspace.wait_for(done, 20)


async def test_a_command_gives_a_card_and_a_thread(workspace: LocalWorkspace) -> None:
    typed = await workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=3 seed=7 assistant=pizza@faulty")
    thread = await finished(workspace, CHANNEL)

    assert (typed.acknowledged, typed.shown) == (True, ())
    assert thread[0].startswith("0 of 3 passed") and "3/3" in thread[0]
    assert sorted(text[:3] for text in thread if text[:1].isdigit() and text[1] == "/") == ["1/3", "2/3", "3/3"]
    assert thread[-1].startswith(f"<@{ADA}>, your run of 'pizza' is finished")
    assert [file["name"][-4:] for file in workspace.files()] == [".png"]
    assert workspace.ephemerals(ADA) == []


async def test_the_form_starts_a_run_in_the_channel_it_was_opened_in(workspace: LocalWorkspace) -> None:
    await workspace.type_command(CHANNEL, ADA, "/convotest")
    (view,) = await workspace.wait_for(lambda: workspace.views(ADA))

    refused = await workspace.submit_view(ADA, view["id"], {"profile": "pizza", "n": "abc"})
    started = await workspace.submit_view(ADA, view["id"], {"profile": "pizza", "n": "1"})

    assert refused.errors and "not a whole number" in refused.errors["n"]
    assert (started.acknowledged, started.errors) == (True, None)
    assert "1/1" in (await finished(workspace, CHANNEL))[0]


async def test_buttons_of_the_card_and_of_a_conversation_work(workspace: LocalWorkspace) -> None:
    await workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=1 seed=7")
    await finished(workspace, CHANNEL)
    card = next(message for message in workspace.messages(CHANNEL) if message.get("metadata"))
    conversation = workspace.messages(CHANNEL, card["ts"])[1]

    await workspace.click(ADA, CHANNEL, conversation["ts"], "transcript")
    (view,) = await workspace.wait_for(lambda: workspace.views(ADA))
    await workspace.click_in_view(ADA, view["id"], "transcript_file")
    await workspace.click(ADA, CHANNEL, card["ts"], "run_csv")
    files = await workspace.wait_for(lambda: workspace.files() if len(workspace.files()) == 3 else [])
    await workspace.click(ADA, CHANNEL, card["ts"], "run_csv")
    await workspace.click_in_view(ADA, view["id"], "transcript_file")
    told = await workspace.wait_for(lambda: (len(workspace.ephemerals(ADA)) == 2 and workspace.ephemerals(ADA)) or [])

    assert view["title"]["text"] == "Conversation 1/1"
    assert sorted(str(file["name"])[-3:] for file in files) == ["csv", "png", "txt"]
    assert all("in the run's thread already" in each["text"] for each in told)


async def test_a_channel_without_the_bot_hears_how_to_invite_it(workspace: LocalWorkspace) -> None:
    channel = next(c.id for c in workspace.team().channels.values() if c.name == "without-bot")
    member = next(m for m in workspace.team().channels[channel].members if m != "U0BOT")

    await workspace.type_command(channel, member, "/convotest run pizza n=1")
    told = await workspace.wait_for(lambda: workspace.ephemerals(member))

    assert "/invite @convotest" in told[0]["text"]
    assert workspace.messages(channel) == [m for m in workspace.messages(channel) if not m.get("metadata")]


async def test_a_direct_message_to_the_bot_is_a_command(workspace: LocalWorkspace) -> None:
    direct = workspace.team().direct_channel(ADA).id

    await workspace.post_as_member(ADA, direct, "run pizza n=1")

    assert "1/1" in (await finished(workspace, direct))[0]


async def test_a_mention_in_a_thread_is_answered_there(workspace: LocalWorkspace) -> None:
    root = await workspace.post_as_member(ADA, CHANNEL, "how are we doing?")

    await workspace.post_as_member(ADA, CHANNEL, "@convotest rnu pizza", root["ts"])
    told = await workspace.wait_for(lambda: workspace.ephemerals(ADA))

    assert "did you mean 'run'" in told[0]["text"]
    assert told[0]["thread_ts"] == root["ts"]


async def test_a_taken_port_and_a_refused_token_name_the_setting(tmp_path: Path) -> None:
    async with LocalWorkspace() as workspace, testing_ports(tmp_path) as ports:
        settings = settings_for(workspace, "signed HTTP", tmp_path)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            busy = settings.model_copy(update={"convotest_port": taken.getsockname()[1]})
            with pytest.raises(ConfigurationError, match="CONVOTEST_PORT"):
                async with serving(_with(ports, busy)):
                    pass
        stranger = settings.model_copy(update={"slack_bot_token": SecretStr("xoxb-unknown")})
        with pytest.raises(ConfigurationError, match="SLACK_BOT_TOKEN"):
            async with serving(_with(ports, stranger)):
                pass
        with pytest.raises(ConfigurationError, match="SLACK_BOT_TOKEN is not set"):
            async with serving(ports):
                pass


def _with(ports: Ports, settings: Settings) -> Ports:
    return replace(ports, settings=settings)


@pytest.mark.postgres
async def test_on_postgresql_only_one_process_sends_for_a_workspace(postgres_url: str) -> None:
    async with sender_lock(postgres_url, WorkspaceId("T1")) as first:
        assert first and await first.is_held()
        async with (
            sender_lock(postgres_url, WorkspaceId("T1")) as second,
            sender_lock(postgres_url, WorkspaceId("T2")) as other,
        ):
            assert (second, other is not None) == (None, True)
    async with sender_lock(postgres_url, WorkspaceId("T1")) as again:
        assert again is not None


async def test_forgetting_the_demo_deletes_both_halves_and_nothing_else(tmp_path: Path) -> None:
    settings = Settings(convotest_database_url=f"sqlite:///{tmp_path / 'convotest.db'}")
    ours = ["convotest.db", "convotest.db-wal", "convotest-engine.db", "convotest-workspace.db"]
    for name in (*ours, "profiles.yaml", "other.db"):
        (tmp_path / name).touch()

    await asyncio.to_thread(forget_demo, settings, demo_data(settings))

    assert sorted(path.name for path in tmp_path.iterdir() if path.stat().st_size == 0) == ["other.db", "profiles.yaml"]
