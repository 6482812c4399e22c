"""Manners in Slack: how much is said, what stands in for a table, where the app is and is not."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import Message
from bot.commands import COMMANDS, Edge, handle_convotest
from bot.installations import SeveralTokens
from bot.memory_poster import MemoryPoster
from bot.outbox import Pace
from bot.poster import Refused, SlackPoster
from bot.wiring import serving
from bot.workspace import LOCAL, OTHER, LocalWorkspace
from jobs.clock import SystemClock
from jobs.model import Verbosity, WorkspaceSettings
from jobs.settings import Settings
from jobs.testing import testing_ports
from tests.unit.test_bot_commands import ASKER, WORKSPACE, Stage

TABLE = {
    "type": "table",
    "rows": [
        [{"type": "raw_text", "text": "Metric"}, {"type": "raw_text", "text": "B vs. A"}],
        [{"type": "raw_text", "text": "Success"}, {"type": "raw_text", "text": "+12 points"}],
    ],
}
SCORES = Message(text="the scores", blocks=(TABLE,))
CHANNEL, ADA = "C0QUALITY", "U0ADA"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with testing_ports(tmp_path) as ports:
        poster = MemoryPoster()
        yield Stage(Edge(ports=ports, poster=poster, commands=COMMANDS), poster)


# --- how much is said -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verbosity", "n", "shown"), [("quiet", 6, 0), ("normal", 6, 6), ("normal", 36, 4), ("full", 36, 36)]
)
async def test_a_thread_shows_as_many_conversations_as_the_workspace_wants(
    verbosity: Verbosity, n: int, shown: int, stage: Stage
) -> None:
    await stage.edge.ports.store.workspaces.save(WORKSPACE, WorkspaceSettings(verbosity=verbosity))
    await stage.type(f"run pizza n={n} seed=7")
    await stage.play()
    thread = stage.thread()

    assert len([text for text in thread if text.split("/")[0].isdecimal()]) == shown
    assert thread[-1].startswith("<@U0ADA>, your run of 'pizza' is finished")  # that is said in any case


async def test_in_a_quiet_thread_a_conversation_can_be_asked_for(stage: Stage) -> None:
    await stage.edge.ports.store.workspaces.save(WORKSPACE, WorkspaceSettings(verbosity="quiet"))
    await stage.type("run pizza n=3 seed=7")
    run = await stage.play()

    await stage.click("run_another", run.id)
    await stage.show()

    assert stage.thread()[-1].startswith("1/3")


# --- tables ---------------------------------------------------------------------------------------------------------


async def test_a_table_that_slack_does_not_know_becomes_a_list() -> None:
    async with LocalWorkspace(rate_limits=False) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[])
        client.proxy = None
        poster = SlackPoster(client)
        ts = await poster.post(CHANNEL, SCORES, key="known")
        workspace.faults.tables_refused = True
        other = await poster.post(CHANNEL, SCORES, key="unknown")
        await poster.update(CHANNEL, ts, SCORES)
        await poster.whisper(CHANNEL, ADA, SCORES)
        messages = workspace.messages(CHANNEL)

        assert [each["ts"] for each in messages] == [ts, other]  # none is there twice
        for each in (*messages, workspace.ephemerals(ADA)[0]):
            assert [block["type"] for block in each["blocks"]] == ["rich_text"]
            assert "Success" in str(each["blocks"]) and "+12 points" in str(each["blocks"])
        with pytest.raises(Refused):
            await poster.post(CHANNEL, Message(text="x", blocks=({"type": "nonsense"},)), key="bad")


async def test_the_scores_of_a_run_stand_in_a_table_for_whoever_asks(stage: Stage) -> None:
    await stage.type("run pizza n=3 seed=7")
    await stage.play()

    shown = await handle_convotest("show last", replace(ASKER, key="show"), stage.edge)

    assert shown is not None
    [table] = [block for block in shown.blocks if block["type"] == "table"]
    assert "Turns to goal" in str(table) and "(95 %)" in str(table)


# --- where the app is -----------------------------------------------------------------------------------------------


async def test_a_workspace_that_is_added_while_the_demo_runs_is_served_too(tmp_path: Path) -> None:
    async with LocalWorkspace(rate_limits=False) as workspace:
        settings = Settings(
            convotest_database_url=f"sqlite:///{tmp_path / 'convotest.db'}",
            slack_api_url=workspace.api_url,
            slack_bot_token=SecretStr(workspace.bot_token),
            slack_signing_secret=SecretStr(workspace.signing_secret),
            convotest_port=0,
        )

        def bots() -> dict[str, AuthorizeResult]:
            return {
                team: AuthorizeResult(
                    enterprise_id=None, team_id=team, bot_token=token, bot_user_id="U0BOT", bot_id="B0BOT"
                )
                for team, token in workspace.bot_tokens.items()
            }

        installed = SeveralTokens(bots)
        pace = Pace(message_s=0.0, burst=100, edit_s=0.05, edit_per_run_s=0.0, poll_s=0.05)
        async with (
            testing_ports(tmp_path, clock=SystemClock(), settings=settings) as ports,
            serving(ports, pace=pace, installed=installed) as bot,
        ):
            workspace.request_url = f"http://127.0.0.1:{bot.port}/slack/events"
            workspace.add_other_workspace()
            for team in (LOCAL, OTHER):
                await workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=1 seed=7", team=team)
                cards = await workspace.wait_for(lambda team=team: workspace.messages(CHANNEL, team=team), 20)
                assert cards[0]["text"].startswith(("Starting", "Running"))
            await workspace.uninstall(team=OTHER)
            refused = await workspace.type_command(CHANNEL, ADA, "/convotest help", team="T0LOCAL")

    assert refused.acknowledged
    assert await installed.workspaces() <= {LOCAL, OTHER}
