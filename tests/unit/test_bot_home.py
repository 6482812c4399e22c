"""The Home tab, the form for settings and the shortcut, in the local workspace over signed HTTP."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.blocks.home import home_satisfaction
from bot.outbox import Pace
from bot.wiring import serving
from bot.workspace import LocalWorkspace
from jobs.bundle import Ports
from jobs.clock import SystemClock
from jobs.dispatcher import Dispatcher
from jobs.feedback.csat import Figures
from jobs.model import WorkspaceId, WorkspaceSettings
from jobs.settings import Settings
from jobs.testing import InlineEngine, testing_ports

QUICK = Pace(message_s=0.0, burst=100, edit_s=0.05, edit_per_run_s=0.0, poll_s=0.05)
CHANNEL, ADA, BEN = "C0QUALITY", "U0ADA", "U0BEN"
TEAM = WorkspaceId("T0LOCAL")


class Stage:
    """A workspace with the bot in it; Ada is an admin, Ben a member."""

    def __init__(self, workspace: LocalWorkspace, ports: Ports) -> None:
        self.workspace = workspace
        self.ports = ports

    async def home(self, member: str, *, shows: str) -> dict[str, Any]:
        """The Home tab of a member, once it shows something."""
        await self.workspace.open_home(member)
        return await self.workspace.wait_for(lambda: self.now(member, shows), 10)

    def now(self, member: str, shows: str) -> dict[str, Any]:
        view = self.workspace.home(member) or {}
        return view if shows in str(view) else {}

    async def press(self, member: str, action_id: str) -> dict[str, Any]:
        """Press a button of the Home tab; the form that opens."""
        view = await self.home(member, shows=action_id)
        await self.workspace.click_in_view(member, view["id"], action_id)
        return (await self.workspace.wait_for(lambda: self.workspace.views(member)))[-1]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with LocalWorkspace(rate_limits=False) as workspace:
        settings = Settings(
            convotest_database_url=f"sqlite:///{tmp_path / 'convotest.db'}",
            slack_api_url=workspace.api_url,
            slack_bot_token=SecretStr(workspace.bot_token),
            slack_signing_secret=SecretStr(workspace.signing_secret),
            convotest_port=0,
        )
        async with testing_ports(tmp_path, clock=SystemClock(), settings=settings) as ports:
            dispatcher = Dispatcher(InlineEngine(), ports)
            await dispatcher.start()
            try:
                async with serving(ports, pace=QUICK) as bot:
                    workspace.request_url = f"http://127.0.0.1:{bot.port}/slack/events"
                    yield Stage(workspace, ports)
            finally:
                await dispatcher.stop()


async def test_an_empty_home_says_how_to_begin_and_only_approvers_get_settings(stage: Stage) -> None:
    of_ada = str(await stage.home(ADA, shows="Nothing was run here yet"))
    of_ben = str(await stage.home(BEN, shows="Nothing was run here yet"))

    assert "/invite @convotest" in of_ada and "admins of the workspace" in of_ada
    for teaches in (
        "Runs that fail propose",
        "/convotest schedule nightly",
        "convotest feedback import",
        "no daily digest",
    ):
        assert teaches in of_ada
    assert ("home_settings" in of_ada, "home_settings" in of_ben) == (True, False)


async def test_a_run_from_home_reports_in_a_direct_message_and_home_links_to_its_card(stage: Stage) -> None:
    form = await stage.press(BEN, "home_run")
    started = await stage.workspace.submit_view(BEN, form["id"], {"profile": "pizza", "n": "1", "seed": "7"})
    direct = stage.workspace.team().direct_channel(BEN).id
    await stage.workspace.wait_for(
        lambda: any("your run of" in str(each) for card in stage.workspace.messages(direct)
                    for each in stage.workspace.messages(direct, card["ts"])), 20,
    )  # fmt: skip

    view = str(await stage.home(BEN, shows="of 1 passed"))

    card = stage.workspace.messages(direct)[0]
    assert started.acknowledged
    assert card["ts"].replace(".", "") in view
    assert "$0 spent this month on 1 run" in view


async def test_settings_are_saved_recorded_and_at_once_in_force(stage: Stage) -> None:
    form = await stage.press(ADA, "home_settings")

    wrong = await stage.workspace.submit_view(ADA, form["id"], {"budget": "lots"})
    await stage.workspace.submit_view(ADA, form["id"], {"budget": "0", "channel": CHANNEL, "approvers": [BEN]})
    await stage.workspace.wait_for(lambda: stage.now(ADA, "monthly budget"), 10)
    await stage.workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=1")
    told = await stage.workspace.wait_for(lambda: stage.workspace.ephemerals(ADA))

    assert wrong.errors and "Write dollars" in wrong.errors["budget"]
    assert await stage.ports.store.workspaces.settings(TEAM) == WorkspaceSettings(
        approvers=(BEN,), channel_id=CHANNEL, budget_usd=0.0
    )
    assert "budget of $0.00 is used up" in told[0]["text"]
    assert await stage.ports.store.runs.recent(TEAM, limit=1) == ()
    (entry,) = await stage.ports.store.audit.latest(TEAM)
    assert (entry.member_id, entry.verb, entry.outcome) == (ADA, "settings", "done")
    assert "budget: none → $0" in entry.detail and f"approvers: none → {BEN}" in entry.detail
    assert "home_settings" in str(await stage.home(BEN, shows="home_settings"))
    assert "home_settings" not in str(stage.workspace.home(ADA))


async def test_threads_digest_and_time_zone_are_set_and_shown(stage: Stage) -> None:
    form = await stage.press(ADA, "home_settings")
    values = {"verbosity": "quiet", "digest_hour": "8", "time_zone": "europe/berln"}

    wrong = await stage.workspace.submit_view(ADA, form["id"], values)
    await stage.workspace.submit_view(ADA, form["id"], {**values, "time_zone": "europe/berlin"})
    home = str(await stage.workspace.wait_for(lambda: stage.now(ADA, "08:00"), 10))
    again = await stage.press(ADA, "home_settings")
    await stage.workspace.submit_view(ADA, again["id"], {"digest_hour": "none"})
    await stage.workspace.wait_for(lambda: stage.now(ADA, "no daily digest"), 10)

    assert wrong.errors == {"time_zone": "There is no time zone 'europe/berln'. Did you mean Europe/Berlin?"}
    assert "The daily digest comes at 08:00 (Europe/Berlin)" in home and "quiet: only the summary" in home
    saved = await stage.ports.store.workspaces.settings(TEAM)
    assert (saved.verbosity, saved.digest_hour, saved.time_zone) == ("quiet", None, "Europe/Berlin")
    details = [entry.detail for entry in await stage.ports.store.audit.latest(TEAM)]
    assert details == [
        "digest hour: 08:00 → none",
        "conversations in threads: normal → quiet; digest hour: none → 08:00; time zone: UTC → Europe/Berlin",
    ]


def test_satisfaction_has_its_interval_once_there_are_enough_ratings() -> None:
    few, some = (home_satisfaction(Figures(stars=stars, up=3, down=1), days=30) for stars in ({5: 2}, {5: 6, 2: 2}))

    assert "2 ratings so far, too few for a figure" in str(few) and "%" not in str(few)
    assert "CSAT 75 %" in str(some) and "(41 % to 93 %, n = 8)" in str(some) and "👍 3   👎 1" in str(some)


async def test_a_form_that_was_open_when_the_right_was_lost_changes_nothing(stage: Stage) -> None:
    form = await stage.press(ADA, "home_settings")
    await stage.ports.store.workspaces.save(TEAM, WorkspaceSettings(approvers=(BEN,)))

    await stage.workspace.submit_view(ADA, form["id"], {"budget": "50"})
    direct = stage.workspace.team().direct_channel(ADA).id
    told = await stage.workspace.wait_for(lambda: stage.workspace.messages(direct))

    assert "needs an approver" in told[-1]["text"]
    assert (await stage.ports.store.workspaces.settings(TEAM)).budget_usd is None


async def test_the_shortcut_opens_the_form_and_unknown_ones_do_nothing(stage: Stage) -> None:
    await stage.workspace.shortcut(BEN, "run_test")
    (form,) = await stage.workspace.wait_for(lambda: stage.workspace.views(BEN))
    unknown = await stage.workspace.shortcut(BEN, "from_last_year")

    assert form["callback_id"] == "run_picker"
    assert (unknown.acknowledged, unknown.error) == (True, None)
