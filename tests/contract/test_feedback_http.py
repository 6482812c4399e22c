"""``POST /api/v1/feedback``: all of a request is stored once, or nothing and the answer says why."""

import asyncio
import io
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from uuid6 import uuid7

from bot.http_feedback import MOST_AT_ONCE, MOST_BODY, PATH, REFUSED_PER_MINUTE, add_feedback_routes
from jobs.bundle import Ports
from jobs.feedback.rating import LONGEST_COMMENT
from jobs.feedback.report import report_feedback, to_json
from jobs.model import ConversationId, Goal, Run, RunId, Scenario, WorkspaceId
from jobs.store.votes import Scope
from jobs.testing import MovableClock, testing_ports
from jobs.tokens import create_token, revoke_token

TEAM = WorkspaceId("T1")


@dataclass(frozen=True, kw_only=True)
class Door:
    """A served interface, and a token that opens it."""

    client: "TestClient[Any, Any]"
    ports: Ports
    clock: MovableClock
    token: str

    async def post(self, body: object, *, token: str | None = None, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {token or self.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        async with self.client.post(PATH, data=data, headers=sent) as answer:
            return answer.status, await answer.json()

    async def report(self) -> dict[str, Any]:
        return to_json(
            await asyncio.to_thread(report_feedback, self.ports.store.database_url, Scope(workspace_id=TEAM))
        )


@pytest.fixture
async def door(tmp_path: Path, database_url: str) -> AsyncGenerator[Door]:
    clock = MovableClock()
    async with testing_ports(tmp_path, database_url=database_url, clock=clock) as ports:
        app = web.Application()
        add_feedback_routes(app, ports)
        made = await create_token("helpdesk", store=ports.store, clock=clock, workspace_id=TEAM)
        async with TestClient(TestServer(app)) as client:
            yield Door(client=client, ports=ports, clock=clock, token=made.text)


async def test_feedback_is_stored_in_the_workspace_of_the_token(door: Door) -> None:
    full = {
        "conversation_id": "ticket-1",
        "rating": 4,
        "feedback_text": "Quick, but call me at +1 212 555 2368",
        "user_id": "ana",
        "timestamp": "2026-01-04T10:00:00Z",
        "tags": ["delivery"],
        "aspects": {"tool_selection": 5, "speed": 2},
        "suggested_tools": ["track_order"],
        "suggested_response": "It arrives at 7.",
    }
    assert await door.post(full) == (201, {"stored": 1, "known": 0})

    [row] = await door.ports.store.feedback.ratings(TEAM, limit=9)
    assert (row["source"], row["value"], row["member_id"], row["conversation"]) == ("api", 4, "ana", "ext:ticket-1")
    assert row["comment"] == "Quick, but call me at [phone]"
    assert row["details"] == {
        "tags": ["delivery"],
        "aspects": {"tool_selection": 5, "speed": 2},
        "suggested_tools": ["track_order"],
        "suggested_response": "It arrives at 7.",
    }


async def test_the_same_feedback_with_its_time_is_stored_once_and_a_thousand_at_a_time(door: Door) -> None:
    many = [
        {"conversation_id": f"c{n}", "rating": 1 + n % 5, "timestamp": 1_767_000_000 + n} for n in range(MOST_AT_ONCE)
    ]
    assert await door.post(many) == (201, {"stored": 1000, "known": 0})
    assert await door.post(many) == (200, {"stored": 0, "known": 1000})

    report = await door.report()
    assert (report["n"], report["mean"], report["csat"]["value"]) == (1000, 3.0, 0.4)
    assert report["by_source"]["api"]["distribution"] == {str(stars): 200 for stars in range(1, 6)}


async def test_an_idempotency_key_makes_a_repeated_request_the_same_one(door: Door) -> None:
    answers = await asyncio.gather(*(door.post({"rating": 5}, Idempotency_Key="k1") for _ in range(8)))

    assert answers == [(201, {"stored": 1, "known": 0})] * 8
    assert (await door.report())["n"] == 1
    status, answer = await door.post({"rating": 1}, Idempotency_Key="k1")
    assert (status, "another request" in answer["error"]) == (409, True)
    assert (await door.post({"rating": 1}, Idempotency_Key="k2"))[0] == 201
    assert (await door.report())["n"] == 2


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b'{"rating": NaN}', 400, "no JSON"),
        (b"\xff\xfe", 400, "no JSON"),
        ([], 422, "1 to 1000"),
        ([{"rating": 5}] * 1001, 422, "not 1001"),
        (5, 422, "must be an object"),
        ({"rating": 0}, 422, "rating: must be a whole number from 1 to 5, not 0"),
        ({"rating": 6}, 422, "not 6"),
        ({"rating": "4.5"}, 422, "not '4.5'"),
        ({"rating": 4.5}, 422, "not 4.5"),
        ({"rating": True}, 422, "not True"),
        ({"rating": None}, 422, "says nothing"),
        ({}, 422, "says nothing"),
        ({"rating": 5, "thumb": "up"}, 422, "one of them"),
        ({"thumb": "sideways"}, 422, "'up' or 'down'"),
        ({"ratng": 5}, 422, "did you mean 'rating'?"),
        ({"rating": 5, "feedback_text": "x" * (LONGEST_COMMENT + 1)}, 422, "has 4001 characters"),
        ({"rating": 5, "timestamp": "soon"}, 422, "timestamp: must be a time"),
        ({"rating": 5, "timestamp": "2036-01-01"}, 422, "not in the past"),
        ({"rating": 5, "timestamp": 1e300}, 422, "timestamp"),
        ({"rating": 5, "aspects": {"speed": 9}}, 422, "aspects.speed"),
        ({"rating": 5, "tags": "x"}, 422, "tags: must be a list of texts"),
        ({"rating": 5, "user_id": 7}, 422, "user_id: must be a text"),
        ({"rating": 5, "conversation_id": "01a1fba3-cf6f-7c9c-9710-fcda08a60927"}, 422, "no conversation"),
    ],
)
async def test_what_is_no_feedback_is_refused_and_said_so(door: Door, body: object, status: int, said: str) -> None:
    code, answer = await door.post(body)
    assert (code, said in answer["error"]) == (status, True), answer
    assert (await door.report())["n"] == 0


async def test_of_a_batch_with_bad_items_nothing_is_stored_and_each_is_named(door: Door) -> None:
    status, answer = await door.post([{"rating": 5}, {"rating": 9}, {"thumb": "up"}, {"rating": 0, "tag": "x"}])

    assert status == 422
    assert [(fault["index"], fault["field"]) for fault in answer["faults"]] == [
        (1, "rating"),
        (3, "rating"),
        (3, "tag"),
    ]
    assert (await door.report())["n"] == 0


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_not_read_to_its_end(door: Door, chunked: bool) -> None:
    async def parts() -> AsyncGenerator[bytes]:
        for _ in range(6):
            yield b" " * 1_000_000

    data: Any = parts() if chunked else io.BytesIO(b'{"feedback_text": "' + b"x" * 5_000_000 + b'"}')
    async with door.client.post(PATH, data=data, headers={"Authorization": f"Bearer {door.token}"}) as answer:
        assert answer.status == 413
        assert str(MOST_BODY) in (await answer.json())["error"]


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "Basic abc", "Bearer cvt_000000000000_" + "x" * 43]
)
async def test_without_a_token_of_ours_nothing_is_stored(door: Door, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with door.client.post(PATH, data=b'{"rating": 5}', headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await door.report())["n"] == 0


async def test_an_expired_a_revoked_and_a_foreign_token_open_nothing(door: Door) -> None:
    store, clock = door.ports.store, door.clock
    short = await create_token("short", store=store, clock=clock, workspace_id=TEAM, life=timedelta(hours=1))
    other = await create_token("rollout", store=store, clock=clock, workspace_id=TEAM, scopes=("assignment",))
    assert (await door.post({"rating": 5}, token=short.text))[0] == 201
    clock.move(3600)
    status, answer = await door.post({"rating": 5}, token=short.text)
    assert (status, "expired" in answer["error"]) == (401, True)
    await revoke_token("helpdesk", store=store, clock=clock, workspace_id=TEAM)
    status, answer = await door.post({"rating": 5})
    assert (status, "revoked" in answer["error"]) == (401, True)
    status, answer = await door.post({"rating": 5}, token=other.text)
    assert (status, "not for feedback" in answer["error"]) == (403, True)
    assert (await door.report())["n"] == 1


async def test_a_token_that_goes_too_fast_is_told_when_to_come_again(door: Door) -> None:
    slow = await create_token("slow", store=door.ports.store, clock=door.clock, workspace_id=TEAM, per_minute=3)
    statuses = [(await door.post({"rating": 5}, token=slow.text))[0] for _ in range(5)]
    assert statuses == [201, 201, 201, 429, 429]
    headers = {"Authorization": f"Bearer {slow.text}"}
    async with door.client.post(PATH, data=b'{"rating": 5}', headers=headers) as answer:
        wait = int(answer.headers["Retry-After"])
    assert 1 <= wait <= 21
    door.clock.move(wait)
    assert (await door.post({"rating": 5}, token=slow.text))[0] == 201
    assert (await door.report())["n"] == 4


async def test_guessing_tokens_is_slowed_down_and_a_good_token_still_opens(door: Door) -> None:
    statuses = [(await door.post({"rating": 5}, token="cvt_nonsense"))[0] for _ in range(REFUSED_PER_MINUTE + 2)]
    assert statuses == [401] * REFUSED_PER_MINUTE + [429] * 2
    assert (await door.post({"rating": 5}))[0] == 201


async def test_a_rating_of_our_conversation_knows_what_was_rated(door: Door) -> None:
    conversation = await a_conversation(door, TEAM)
    foreign = await a_conversation(door, WorkspaceId("T2"))

    assert (await door.post({"conversation_id": conversation, "rating": 2}))[0] == 201
    assert (await door.post({"conversation_id": foreign, "rating": 2}))[0] == 422
    assert (await door.post({"conversation_id": f"ext:{foreign}", "rating": 2}))[0] == 201
    theirs, ours = await door.ports.store.feedback.ratings(TEAM, limit=9)
    assert (ours["assistant"], ours["variant"], ours["profile"], ours["persona"]) == (
        "pizza",
        "good",
        "pizza",
        "novice",
    )
    assert (ours["conversation_id"], theirs["conversation"]) == (conversation, f"ext:{foreign}")


async def a_conversation(door: Door, workspace_id: WorkspaceId) -> str:
    run_id, conversation_id = RunId(str(uuid7())), ConversationId(str(uuid7()))
    run = Run(
        id=run_id,
        workspace_id=workspace_id,
        state="planned",
        target="pizza",
        profile="pizza",
        suite=None,
        assistant="pizza",
        variant="good",
        simulator="agenda",
        seed=1,
        planned=1,
        stamps={},
        notes=(),
        started_by="U1",
        place=None,
        created_at=door.clock.now(),
    )
    scenario = Scenario(profile="pizza", number=1, seed=1, goals=(Goal(text="x", template="x"),), persona="novice")
    await door.ports.store.runs.create(run, [(conversation_id, scenario)], key=run_id)
    return conversation_id
