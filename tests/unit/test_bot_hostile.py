"""Whatever reaches the door: no 5xx, no traceback, no effect."""

import copy
import hashlib
import hmac
import json
import logging
import random
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import TestClient, TestServer
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import create_app, tell_by_click
from bot.commands import COMMANDS, Edge
from bot.deliveries import Ledger
from bot.http import SlackRequests, create_web_app
from bot.installations import OneWorkspace
from bot.memory_poster import MemoryPoster
from bot.poster import Refused
from jobs.bundle import Ports
from jobs.clock import SystemClock
from jobs.model import WorkspaceId, WorkspaceSettings
from jobs.permissions import Standing
from jobs.testing import testing_ports

SECRET = "a-signing-secret"
TEAM = WorkspaceId("T1")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
Client = TestClient[Any, Any]
JUNK: tuple[Any, ...] = (
    None, [], {}, 0, -1, 1.5, True, "", "x" * 5_000, "\u202e\x00\ud83d", [[]], [None], {"id": None}, {"": {"": []}},
    "<!channel>", "../../etc/passwd", "%s%n{0}", 10**30, [{}], {"type": "block_actions"},
)  # fmt: skip

PERSON: dict[str, Any] = {"user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"}, "trigger_id": "1.2"}
CLICK: dict[str, Any] = {
    "type": "block_actions",
    **PERSON,
    "container": {"type": "message", "message_ts": "1.1", "channel_id": "C1"},
    "channel": {"id": "C1"},
    "response_url": "https://hooks.slack.com/actions/1",
    "actions": [{"type": "button", "action_id": "run_rerun", "value": "unknown", "action_ts": "2.2", "block_id": "b"}],
}
FILLED = {"profile": {"profile": {"type": "static_select", "selected_option": {"value": "piza"}}}}
COMMAND: dict[str, Any] = {
    "command": "/convotest", "text": "show last", "team_id": "T1", "user_id": "U1", "channel_id": "C1",
    "trigger_id": "1.2", "response_url": "https://hooks.slack.com/commands/1",
}  # fmt: skip
GOOD: tuple[dict[str, Any], ...] = (
    COMMAND,
    CLICK,
    {"type": "view_submission", **PERSON, "view": {
        "type": "modal", "id": "V1", "callback_id": "run_picker", "hash": "h", "private_metadata": "C1",
        "state": {"values": FILLED},
        "blocks": [{"type": "input", "block_id": "profile"}]}},
    {"type": "view_submission", **PERSON, "view": {
        "type": "modal", "id": "V2", "callback_id": "settings_form",
        "state": {"values": {"budget": {"budget": {"value": "5"}}}}}},
    {"type": "shortcut", **PERSON, "callback_id": "from_last_year"},
    {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": {
        "type": "app_mention", "user": "U1", "channel": "C1", "text": "<@UBOT> show last", "ts": "1.1"}},
    {"type": "event_callback", "team_id": "T1", "event_id": "Ev2", "event": {
        "type": "message", "user": "U1", "channel": "D1", "channel_type": "im", "text": "show last", "ts": "1.1"}},
    {"type": "event_callback", "team_id": "T1", "event_id": "Ev3", "event": {
        "type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home"}},
    {"type": "event_callback", "team_id": "T1", "event_id": "Ev4", "event": {
        "type": "reaction_added", "user": "U1", "reaction": "+1", "item": {"type": "message", "channel": "C1"}}},
)  # fmt: skip


class Door:
    """The whole edge behind its HTTP door, over a double of Slack."""

    def __init__(self, ports: Ports, poster: MemoryPoster, ledger: Ledger, client: Client) -> None:
        self.ports = ports
        self.poster = poster
        self.ledger = ledger
        self.client = client

    async def post(self, body: bytes, kind: str, **headers: str) -> int:
        answer = await self.client.post("/slack/events", data=body, headers={**signed(body, kind), **headers})
        assert "Traceback" not in await answer.text()
        return answer.status

    async def deliver(self, payload: dict[str, Any]) -> int:
        status = await self.post(*encoded(payload))
        await self.ledger.idle()
        return status

    async def effects(self) -> tuple[Any, ...]:
        store = self.ports.store
        done = [each for each in await store.audit.latest(TEAM, limit=50) if each.outcome == "done"]
        return (*await store.runs.recent(TEAM, limit=9), *done, *self.poster.posted)

    def told(self) -> list[str]:
        return [message.text for *_, message in (*self.poster.whispers, *self.poster.responses)]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncGenerator[Door]:
    installed = OneWorkspace(
        AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_user_id="UBOT", bot_id="B1")
    )
    async with testing_ports(tmp_path) as ports:
        poster = MemoryPoster()
        edge = Edge(ports=ports, poster=poster, commands=COMMANDS)
        ledger = Ledger(ports.store.deliveries, ports.clock, refuse=tell_by_click(lambda _: edge))
        app = create_app(
            edge_of=lambda _: edge,
            ledger=ledger,
            installed=installed,
            forget=installed.forget,
            client=AsyncWebClient(base_url="http://127.0.0.1:9/api/"),
            signing_secret=SECRET,
        )

        async def ready() -> None:
            return None

        web_app = create_web_app(ready, SlackRequests(app, SECRET, SystemClock()))
        async with TestClient(TestServer(web_app)) as client:
            yield Door(ports, poster, ledger, client)
            await ledger.idle()


def signed(body: bytes, kind: str) -> dict[str, str]:
    timestamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"content-type": kind, "x-slack-request-timestamp": timestamp, "x-slack-signature": f"v0={digest}"}


def encoded(payload: dict[str, Any]) -> tuple[bytes, str]:
    if "command" in payload:
        return urlencode({name: str(value) for name, value in payload.items()}, errors="replace").encode(), FORM
    if payload.get("type") == "event_callback":
        return json.dumps(payload).encode(), JSON
    return urlencode({"payload": json.dumps(payload)}).encode(), FORM


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything inside a payload."""
    if at:
        yield at
    inside: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType]
    for name, content in inside:
        yield from paths(content, (*at, name))


def mutated(payload: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The payload with one to three places missing or replaced by junk."""
    changed = copy.deepcopy(payload)
    for _ in range(chance.randint(1, 3)):
        ways: list[tuple[Any, ...]] = [*paths(changed), ()]
        way = chance.choice(ways)
        if not way:
            break
        owner: Any = changed
        for step in way[:-1]:
            owner = owner[step]
        if chance.random() < 0.3:
            del owner[way[-1]]
        else:
            owner[way[-1]] = copy.deepcopy(chance.choice(JUNK))
    return changed


async def test_five_hundred_malformed_payloads_do_nothing(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    chance = random.Random(20260101)
    statuses: list[int] = []

    for number in range(500):
        payload = mutated(GOOD[number % len(GOOD)], chance)
        body, kind = encoded(payload)
        if number % 10 == 9:
            body = body[: chance.randrange(len(body) + 1)]
        status = await door.post(body, kind)
        assert status < 500, (status, payload)
        statuses.append(status)
    await door.ledger.idle()

    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert await door.effects() == ()
    assert await door.ports.store.workspaces.settings(TEAM) == WorkspaceSettings()
    assert sum(status == 400 for status in statuses) > 100


async def test_a_thousand_mutated_signatures_do_nothing(door: Door) -> None:
    chance = random.Random(20260102)
    body, kind = encoded({**COMMAND, "text": "run pizza n=1"})
    good = signed(body, kind)["x-slack-signature"]
    statuses: set[int] = set()

    for _ in range(1_000):
        place = chance.randrange(len(good))
        wrong = good[:place] + chance.choice("0123456789abcdefv=_ Z") + good[place + 1 :]
        cut = wrong[: chance.randrange(len(wrong))] if chance.random() < 0.2 else wrong
        if cut.strip() != good:
            statuses.add(await door.post(body, kind, **{"x-slack-signature": cut}))

    assert statuses <= {401, 429}
    assert await door.effects() == ()
    assert await door.post(body, kind) == 200


async def test_a_button_from_an_older_version_says_that_it_is_one(door: Door) -> None:
    action = {"type": "button", "action_id": "from_last_year", "value": "x", "action_ts": "1.1"}

    assert await door.deliver({**CLICK, "actions": [action]}) == 200

    assert "from an older version" in door.told()[0]
    assert await door.effects() == ()


async def test_a_trigger_that_ran_out_is_said_so(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def too_late(trigger_id: str, view: Any) -> None:
        raise Refused("expired_trigger_id")

    monkeypatch.setattr(door.poster, "open_view", too_late)

    assert await door.deliver({**COMMAND, "text": ""}) == 200

    assert door.told() == ["it took too long; please press it again"]


async def test_members_of_another_workspace_only_hear_that_they_are(door: Door) -> None:
    foreign = {"user": {"id": "U1", "team_id": "T2"}}
    mention = copy.deepcopy(GOOD[5])
    mention["event"] |= {"text": "<@UBOT> run pizza n=1", "user_team": "T2"}

    statuses = [await door.deliver({**CLICK, **foreign}), await door.deliver(mention)]

    assert statuses == [200, 200]
    assert all("from another one" in text for text in door.told()) and len(door.told()) == 2
    assert await door.effects() == ()


@pytest.mark.parametrize(("standing", "says"), [("stranger", "another one"), ("deactivated", "deactivated")])
async def test_people_who_are_not_of_the_workspace_start_nothing(door: Door, standing: Standing, says: str) -> None:
    door.poster.standings["U1"] = standing

    assert await door.deliver({**COMMAND, "text": "run pizza n=1"}) == 200

    assert says in door.told()[0]
    assert await door.effects() == ()


async def test_requests_of_a_workspace_that_is_not_installed_do_nothing(door: Door) -> None:
    answer = await door.deliver({**COMMAND, "team_id": "T9", "response_url": "", "text": "run pizza n=1"})

    assert answer < 500
    assert (await door.effects(), door.told()) == ((), [])
    assert replace(WorkspaceSettings()) == await door.ports.store.workspaces.settings(WorkspaceId("T9"))
