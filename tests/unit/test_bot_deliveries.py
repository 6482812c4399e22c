"""Record, acknowledge, work: at the door of the real Bolt app, over the real store."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt.async_app import AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot import blocks
from bot.app import create_app, tell_by_click
from bot.commands import COMMANDS, Edge
from bot.deliveries import BUSY, CONTEXT_KEY, Ledger
from bot.installations import OneWorkspace
from bot.memory_poster import MemoryPoster
from jobs.bundle import Ports
from jobs.model import Run, WorkspaceId
from jobs.store import Deliveries, Delivery
from jobs.testing import testing_ports

SECRET = "a-signing-secret"
WORKSPACE = WorkspaceId("T1")
INSTALLATION = AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_user_id="UBOT", bot_id="B1")


class SlowDeliveries:
    """A ledger table that does not answer until it is let go, or that is broken."""

    def __init__(self, real: Deliveries) -> None:
        self._real = real
        self.is_broken = False
        self.let_go = asyncio.Event()
        self.let_go.set()

    async def record(self, delivery: Delivery) -> bool:
        if self.is_broken:
            raise OSError("disk full")
        await self.let_go.wait()
        return await self._real.record(delivery)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Bot:
    """The app with everything it stands on."""

    def __init__(self, ports: Ports, patience_s: float) -> None:
        self.ports = ports
        self.poster = MemoryPoster()
        self.forgotten: list[WorkspaceId] = []
        self.deliveries = SlowDeliveries(ports.store.deliveries)
        edge = Edge(ports=ports, poster=self.poster, commands=COMMANDS)
        table: Any = self.deliveries
        self.ledger = Ledger(table, ports.clock, refuse=tell_by_click(lambda _: edge), patience_s=patience_s)
        self.app = create_app(
            edge_of=lambda _: edge,
            ledger=self.ledger,
            installed=OneWorkspace(INSTALLATION),
            forget=self.forget,
            client=AsyncWebClient(base_url="http://127.0.0.1:9/api/"),
            signing_secret=SECRET,
        )

    async def forget(self, workspace_id: WorkspaceId) -> None:
        self.forgotten.append(workspace_id)

    async def deliver(self, body: Mapping[str, Any]) -> BoltResponse:
        answer = await self.app.async_dispatch(signed(body))
        await self.settle()
        return answer

    async def settle(self) -> None:
        await self.ledger.idle()

    async def runs(self) -> tuple[Run, ...]:
        return await self.ports.store.runs.recent(WORKSPACE, limit=10)

    async def unfinished(self) -> int:
        self.ports.clock.move(1)  # type: ignore[attr-defined]  # the movable clock of testing_ports
        return len(await self.ports.store.deliveries.unfinished(before=self.ports.clock.now()))

    def said(self) -> list[str]:
        return [message.text for _, message in self.poster.responses] + [
            message.text for _, _, message in self.poster.whispers
        ]


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Bot]:
    async with started(tmp_path) as bot:
        yield bot


@asynccontextmanager
async def started(directory: Path, *, patience_s: float = 10) -> AsyncGenerator[Bot]:
    async with testing_ports(directory) as ports:
        bot = Bot(ports, patience_s)
        yield bot
        bot.deliveries.let_go.set()
        await bot.ledger.drain(at_most_s=1)


def signed(body: Mapping[str, Any]) -> AsyncBoltRequest:
    """A request as Slack sends it: commands as a form, interactions as a form with JSON, events as JSON."""
    if "command" in body:
        raw, kind = urlencode(body), "application/x-www-form-urlencoded"
    elif body.get("type") == "event_callback":
        raw, kind = json.dumps(body), "application/json"
    else:
        raw, kind = urlencode({"payload": json.dumps(body)}), "application/x-www-form-urlencoded"
    timestamp = str(int(time.time()))  # Bolt's own verification looks at the machine's clock
    digest = hmac.new(SECRET.encode(), f"v0:{timestamp}:{raw}".encode(), hashlib.sha256).hexdigest()
    headers = {
        "content-type": kind,
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": f"v0={digest}",
    }
    return AsyncBoltRequest(body=raw, headers=headers)  # type: ignore[arg-type]  # plain strings are accepted


def command(text: str, *, trigger: str = "t1", channel: str = "C1") -> dict[str, Any]:
    return {
        "token": "verification",
        "team_id": "T1",
        "channel_id": channel,
        "user_id": "U0ADA",
        "command": "/convotest",
        "text": text,
        "response_url": "https://hooks.slack.com/commands/1",
        "trigger_id": trigger,
    }


def click(action_id: str, value: str, *, action_ts: str = "1.1") -> dict[str, Any]:
    return {
        "type": "block_actions",
        "token": "verification",
        "team": {"id": "T1"},
        "user": {"id": "U0ADA", "team_id": "T1"},
        "channel": {"id": "C1"},
        "container": {"type": "message", "message_ts": "1.0", "channel_id": "C1"},
        "message": {"ts": "1.0", "text": "a copy of a message"},
        "response_url": "https://hooks.slack.com/actions/1",
        "trigger_id": "t2",
        "actions": [
            {"type": "button", "action_id": action_id, "value": value, "action_ts": action_ts, "block_id": "b"}
        ],
    }


def mention(text: str, *, event_id: str = "Ev1") -> dict[str, Any]:
    return {
        "type": "event_callback",
        "token": "verification",
        "team_id": "T1",
        "event_id": event_id,
        "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True, "is_enterprise_install": False}],
        "event": {"type": "app_mention", "user": "U0ADA", "channel": "C1", "text": f"<@UBOT> {text}", "ts": "5.0"},
    }


def submission(values: Mapping[str, str], *, hash: str = "h1") -> dict[str, Any]:
    fields = {
        name: {name: {"type": "plain_text_input", "value": value}}
        if name in ("n", "seed")
        else {name: {"type": "static_select", "selected_option": {"value": value}}}
        for name, value in values.items()
    }
    return {
        "type": "view_submission",
        "team": {"id": "T1"},
        "user": {"id": "U0ADA", "team_id": "T1"},
        "view": {
            "id": "V1",
            "hash": hash,
            "type": "modal",
            "callback_id": blocks.PICKER,
            "private_metadata": "C1",
            "blocks": [{"type": "input", "block_id": "profile"}],
            "state": {"values": fields},
        },
    }


async def test_a_command_starts_one_run_and_repeats_of_it_none(bot: Bot) -> None:
    first = await bot.deliver(command("run pizza n=2 seed=7 assistant=pizza@faulty"))
    again = await bot.deliver(command("run pizza n=2 seed=7 assistant=pizza@faulty"))

    (run,) = await bot.runs()
    assert (run.planned, run.seed, run.variant, run.started_by) == (2, 7, "faulty", "U0ADA")
    assert (first.status, first.body) == (200, "")
    assert (again.status, "nothing new was started" in again.body) == (200, True)
    assert bot.said() == []
    assert await bot.unfinished() == 0


async def test_the_same_words_typed_twice_are_two_runs(bot: Bot) -> None:
    await bot.deliver(command("run pizza n=1", trigger="t1"))
    await bot.deliver(command("run pizza n=1", trigger="t2"))

    assert len(await bot.runs()) == 2


async def test_a_mention_is_a_command_and_its_repetition_does_nothing(bot: Bot) -> None:
    for _ in range(4):
        answer = await bot.deliver(mention("run pizza n=1"))
        assert answer.status == 200

    assert len(await bot.runs()) == 1


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncGenerator[Bot]:
    async with started(tmp_path, patience_s=0.3) as bot:
        yield bot


async def test_without_a_commit_in_time_a_command_is_told_that_nothing_was_started(impatient: Bot) -> None:
    bot = impatient
    bot.deliveries.let_go.clear()

    answer = await bot.app.async_dispatch(signed(command("run pizza n=1")))

    assert (answer.status, answer.body) == (200, BUSY)
    bot.deliveries.let_go.set()  # the commit comes late
    await bot.settle()
    assert await bot.runs() == ()
    assert await bot.unfinished() == 0


async def test_without_a_commit_in_time_an_event_is_sent_again_and_done_once(impatient: Bot) -> None:
    bot = impatient
    bot.deliveries.let_go.clear()
    answer = await bot.app.async_dispatch(signed(mention("run pizza n=1")))
    assert answer.status == 503

    bot.deliveries.let_go.set()
    await bot.settle()
    assert (await bot.deliver(mention("run pizza n=1"))).status == 200

    assert len(await bot.runs()) == 1
    assert await bot.unfinished() == 0


async def test_with_a_broken_store_everybody_is_told_and_nothing_starts(bot: Bot) -> None:
    bot.deliveries.is_broken = True

    assert (await bot.deliver(command("run pizza n=1"))).body == BUSY
    assert (await bot.deliver(mention("run pizza n=1"))).status == 503
    assert (await bot.deliver(click(blocks.RERUN, "x"))).status == 200
    errors = json.loads((await bot.deliver(submission({"profile": "pizza"}))).body)

    assert errors == {"response_action": "errors", "errors": {"profile": BUSY}}
    assert bot.said() == [BUSY]  # the click: its acknowledgement shows nothing
    bot.deliveries.is_broken = False
    assert await bot.runs() == ()


async def test_what_a_killed_process_acknowledged_is_done_by_the_next(tmp_path: Path) -> None:
    async with started(tmp_path) as killed:
        for delivery_key, text in (("command:t1", "run pizza n=1"), ("command:t2", "help")):
            await killed.ports.store.deliveries.record(
                Delivery(workspace_id=WORKSPACE, key=delivery_key, kind="command", payload=command(text, trigger="t"))
            )
    async with started(tmp_path) as bot:
        bot.ports.clock.move(5)  # type: ignore[attr-defined]

        assert await bot.ledger.resume(WORKSPACE) == 2
        await bot.settle()

        assert len(await bot.runs()) == 1
        assert "You can type" in bot.said()[0]
        assert await bot.unfinished() == 0
        assert await bot.ledger.resume(WORKSPACE) == 0


async def test_a_run_started_before_the_kill_is_not_started_again(tmp_path: Path) -> None:
    async with started(tmp_path) as killed:
        await killed.deliver(command("run pizza n=1"))
        delivery = Delivery(workspace_id=WORKSPACE, key="command:t1", kind="command", payload=command("run pizza n=1"))
        await killed.app.async_dispatch(
            AsyncBoltRequest(mode="socket_mode", body=dict(delivery.payload), context={CONTEXT_KEY: delivery})
        )
        await killed.settle()

        assert len(await killed.runs()) == 1


async def test_what_is_kept_of_a_delivery_has_no_token_and_no_copy_of_a_message(bot: Bot) -> None:
    kept: list[Delivery] = []
    record = bot.ports.store.deliveries.record

    async def remember(delivery: Delivery) -> bool:
        kept.append(delivery)
        return await record(delivery)

    bot.deliveries.record = remember  # type: ignore[method-assign]
    for body in (command("help"), click("old_button", "x"), mention("help"), submission({"profile": "nope"})):
        await bot.deliver(body)

    assert [each.kind for each in kept] == ["command", "click", "event", "submission"]
    assert all("token" not in each.payload and "message" not in each.payload for each in kept)


async def test_a_form_with_a_bad_field_stays_open_and_the_mended_one_starts_the_run(bot: Bot) -> None:
    refused = await bot.deliver(submission({"profile": "pizza", "n": "abc"}))
    started = await bot.deliver(submission({"profile": "pizza", "n": "3", "assistant": "pizza@good"}))
    twice = await bot.deliver(submission({"profile": "pizza", "n": "3", "assistant": "pizza@good"}))

    assert "not a whole number" in json.loads(refused.body)["errors"]["n"]
    assert (started.status, started.body) == (200, "")
    assert "nothing new was started" in twice.body
    (run,) = await bot.runs()
    assert (run.planned, run.variant, run.place and run.place.channel_id) == (3, "good", "C1")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"profile": "pizza", "n": "0"}, "n"),
        ({"profile": "pizza", "seed": "x"}, "seed"),
        ({"profile": "pizza", "seed": "99999999999"}, "seed"),
        ({"profile": "pizzza"}, "profile"),
        ({"profile": "pizza", "assistant": "pizza@worse"}, "assistant"),
    ],
)
async def test_a_form_says_under_the_right_field_what_is_wrong(bot: Bot, values: Mapping[str, str], field: str) -> None:
    answer = json.loads((await bot.deliver(submission(values))).body)

    assert list(answer["errors"]) == [field]


async def test_an_unexpected_failure_is_told_with_a_reference_and_logged(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(channel_id: str, member_id: str) -> bool:
        raise ZeroDivisionError("the reason")

    bot.poster.can_post = breaks  # type: ignore[method-assign]
    await bot.deliver(command("run pizza n=1"))

    (said,) = bot.said()
    reference = said.partition("reference ")[2][:6]
    assert said.startswith("Something went wrong on our side")
    assert "reason" not in said
    assert reference in caplog.text
    assert await bot.runs() == ()


async def test_an_unsigned_request_is_refused_and_leaves_nothing_behind(bot: Bot) -> None:
    request = signed(command("run pizza n=1"))
    request.headers["x-slack-signature"] = ["v0=" + "0" * 64]

    answer = await bot.app.async_dispatch(request)

    assert answer.status == 401
    assert await bot.runs() == ()
    assert await bot.unfinished() == 0


async def test_another_workspace_is_not_served(bot: Bot) -> None:
    body = {**command("run pizza n=1"), "team_id": "T2"}

    await bot.deliver(body)

    assert await bot.ports.store.runs.recent(WorkspaceId("T2"), limit=1) == ()


async def test_the_environment_cannot_make_the_app_look_for_oauth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "secret")
    async with started(tmp_path) as bot:
        await bot.deliver(command("run pizza n=1"))

        assert len(await bot.runs()) == 1
