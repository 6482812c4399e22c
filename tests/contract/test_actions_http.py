"""``GET /api/v1/assignment``, and the word to and from the owner of an assistant that is not ours."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.http_assignment import ASSIGNMENT, PATCH, STATE, add_assignment_routes
from jobs.actions._action import Action, Shown
from jobs.actions._keeper import ActionKeeper
from jobs.actions._lifecycle import approve
from jobs.actions._tell import ATTEMPTS, signature
from jobs.assistants.catalogue import Webhook, read_catalogue
from jobs.bundle import Ports
from jobs.model import WorkspaceId
from jobs.rollout.lifecycle import begin_rollout, existing_rollout, take_look
from jobs.testing import MovableClock, testing_ports
from jobs.tokens import Scope, create_token
from jobs.variants import find_variant
from tests.unit.action_samples import WHEN, an_action

TEAM = WorkspaceId("T1")


@dataclass(frozen=True, kw_only=True)
class Door:
    client: "TestClient[Any, Any]"
    ports: Ports
    tokens: dict[str, str]

    async def get(self, path: str, token: str = "assignment", **query: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens.get(token, token)}"}
        async with self.client.get(path, params=query, headers=headers) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: object, token: str = "actions") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens.get(token, token)}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.client.post(path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def door(tmp_path: Path, database_url: str) -> AsyncGenerator[Door]:
    clock = MovableClock(WHEN)
    async with testing_ports(tmp_path, database_url=database_url, clock=clock) as ports:
        app = web.Application()
        add_assignment_routes(app, ports)
        scopes: tuple[Scope, ...] = ("feedback", "assignment", "actions")
        tokens = {
            each: (await create_token(each, store=ports.store, clock=clock, workspace_id=TEAM, scopes=[each])).text
            for each in scopes
        }
        async with TestClient(TestServer(app)) as client:
            yield Door(client=client, ports=ports, tokens=tokens)


# --- assignment -----------------------------------------------------------------------------------------------------


async def test_without_a_rollout_everybody_gets_the_variant_in_force(door: Door) -> None:
    assert await door.get(ASSIGNMENT, assistant="pizza", key="u1") == (200, {"variant": "good"})


async def test_during_a_rollout_a_stable_share_gets_the_candidate_and_is_counted_once(door: Door) -> None:
    faulty = await find_variant("pizza@faulty", workspace_id=TEAM, ports=door.ports)
    rollout = await begin_rollout(faulty, by="U1", workspace_id=TEAM, ports=door.ports)

    answers = [(await door.get(ASSIGNMENT, assistant="pizza", key=f"u{n % 50}"))[1]["variant"] for n in range(100)]

    assert answers[:50] == answers[50:]
    assert 0 < answers[:50].count("faulty") < 20
    customers = await door.ports.store.rollouts.customers(rollout)
    assert (len(customers), {each.source for each in customers}) == (50, {"api"})


async def test_a_failure_that_is_reported_counts_against_the_variant(door: Door) -> None:
    faulty = await find_variant("pizza@faulty", workspace_id=TEAM, ports=door.ports)
    rollout = await begin_rollout(faulty, by="U1", workspace_id=TEAM, ports=door.ports)
    await door.get(ASSIGNMENT, assistant="pizza", key="u1", failed="true")

    look = await take_look(await existing_rollout(rollout.id, TEAM, door.ports), door.ports)

    assert [(each.name, each.baseline.bad + each.candidate.bad) for each in look.measures] == [("errors", 1)]


@pytest.mark.parametrize(
    ("token", "query", "status"),
    [
        ("nonsense", {"assistant": "pizza", "key": "u1"}, 401),
        ("feedback", {"assistant": "pizza", "key": "u1"}, 403),
        ("assignment", {"assistant": "pizza"}, 422),
        ("assignment", {"key": "u1"}, 422),
        ("assignment", {"assistant": "pizza", "key": "x" * 600}, 422),
        ("assignment", {"assistant": "piza", "key": "u1"}, 404),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_a_reason(
    door: Door, token: str, query: dict[str, str], status: int
) -> None:
    answered, body = await door.get(ASSIGNMENT, token, **query)

    assert answered == status
    assert body["error"]


# --- an assistant that is not ours ----------------------------------------------------------------------------------


@dataclass
class Owner:
    """Where the owner listens; it answers with these statuses in turn, the last one for ever."""

    statuses: list[int] = field(default_factory=lambda: [200])
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])

    async def handle(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        headers = {"Location": "http://127.0.0.1:9/"} if status == 302 else {}
        return web.Response(status=status, headers=headers)


@pytest.fixture
async def owner() -> AsyncGenerator[tuple[Owner, str]]:
    listening = Owner()
    app = web.Application()
    app.router.add_post("/hook", listening.handle)
    async with TestServer(app) as server:
        yield listening, str(server.make_url("/hook"))


def with_webhook(ports: Ports, url: str) -> Ports:
    assistant = replace(ports.catalogue.assistants[0], webhook=Webhook(url=url, secret="env:HOOK_SECRET"))
    return replace(ports, catalogue=replace(ports.catalogue, assistants=(assistant,)))


async def approved(ports: Ports) -> Action:
    """An external action that somebody has approved."""
    action = an_action(kind="external")
    content = replace(action.content, edits=(), instruction="Confirm drinks, too.", diff=("Confirm drinks, too.",))
    action = replace(action, content=content)
    await ports.store.actions.propose(action)

    async def may_approve(_: str) -> bool:
        return True

    found, _ = await approve(Shown.of(action), by="U2", workspace_id=TEAM, ports=ports, may_approve=may_approve)
    return found


async def test_the_owner_is_told_once_with_a_signature_that_holds(
    door: Door, owner: tuple[Owner, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "between us")
    listening, url = owner
    ports = with_webhook(door.ports, url)
    action = await approved(ports)
    keeper = ActionKeeper(ports)

    for _ in range(3):
        await keeper.look()

    [(headers, body)] = listening.received
    assert headers["X-Convotest-Signature"] == signature("between us", headers["X-Convotest-Timestamp"], body)
    assert headers["X-Convotest-Delivery"] == f"{action.id}:1"
    assert json.loads(body)["instruction"] == "Confirm drinks, too."
    now = await ports.store.actions.get(action.id)
    assert now is not None
    assert now.progress.delivery is not None
    assert (now.state, now.progress.delivery.state) == ("approved", "delivered")


async def test_an_owner_who_is_down_is_told_later_and_given_up_in_the_end(
    door: Door, owner: tuple[Owner, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "between us")
    listening, url = owner
    listening.statuses = [503, 302, 500]
    ports = with_webhook(door.ports, url)
    action = await approved(ports)
    keeper = ActionKeeper(ports)
    assert isinstance(ports.clock, MovableClock)

    await keeper.look()
    await keeper.look()
    assert len(listening.received) == 1, "it is not asked again at once"
    for _ in range(20):
        ports.clock.move(timedelta(hours=1).total_seconds())
        await keeper.look()

    now = await ports.store.actions.get(action.id)
    assert len(listening.received) == ATTEMPTS
    assert len({headers["X-Convotest-Delivery"] for headers, _ in listening.received}) == 1
    assert now is not None
    assert now.progress.delivery is not None
    assert (now.progress.delivery.state, now.progress.delivery.error) == ("failed", "HTTP 500")


async def test_without_its_secret_nothing_is_sent(door: Door, owner: tuple[Owner, str]) -> None:
    listening, url = owner
    ports = with_webhook(door.ports, url)
    action = await approved(ports)

    await ActionKeeper(ports).look()

    now = await ports.store.actions.get(action.id)
    assert listening.received == []
    assert now is not None
    assert now.progress.delivery is not None
    assert "HOOK_SECRET is not set" in now.progress.delivery.error


async def test_the_owner_fetches_the_patch_and_says_once_that_it_is_done(door: Door) -> None:
    action = await approved(door.ports)
    status, patch = await door.get(PATCH.format(action=action.id), "actions")
    assert (status, patch["instruction"], patch["approved_by"]) == (200, "Confirm drinks, too.", "U2")

    path, said = STATE.format(action=action.id), {"state": "applied", "note": "in 4.2"}
    answers = await asyncio.gather(*(door.post(path, said) for _ in range(8)))

    assert {status for status, _ in answers} == {200}
    assert sum(body["changed"] for _, body in answers) == 1
    now = await door.ports.store.actions.get(action.id)
    assert now is not None
    assert (now.state, now.note) == ("applied", "in 4.2")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"state": "verified"}, 422),
        ({"state": "applied", "variant": "nobody"}, 422),
        ([], 422),
        (b"{", 400),
        (b"x" * 30_000, 413),
    ],
)
async def test_a_report_that_says_nothing_is_refused(door: Door, body: object, status: int) -> None:
    action = await approved(door.ports)

    assert (await door.post(STATE.format(action=action.id), body))[0] == status


async def test_only_an_approved_action_of_the_tokens_workspace_can_be_reported(door: Door) -> None:
    proposed = an_action(7, problem="other", kind="external")
    await door.ports.store.actions.propose(proposed)
    foreign = replace(an_action(8), workspace_id=WorkspaceId("T2"), kind="external")
    await door.ports.store.actions.propose(foreign)

    assert (await door.get(PATCH.format(action=proposed.id), "actions"))[0] == 409
    assert (await door.get(PATCH.format(action=foreign.id), "actions"))[0] == 404
    assert (await door.get(PATCH.format(action=proposed.id), "feedback"))[0] == 403


@pytest.mark.parametrize(
    ("webhook", "said"),
    [
        ("{url: 'ftp://x', secret: 'env:A'}", "https"),
        ("{url: 'https://x', secret: 'abc'}", "secret"),
        ("{url: 'http://169.254.169.254/x', secret: 'env:A'}", "address"),
    ],
)
def test_a_webhook_names_its_host_and_no_secret(tmp_path: Path, webhook: str, said: str) -> None:
    file = tmp_path / "assistants.yaml"
    file.write_text(f"assistants: {{a: {{connector: demo, webhook: {webhook}, variants: {{v: {{shop: s.yaml}}}}}}}}")

    _, problems = read_catalogue(file)

    assert any(said in f"{each.field} {each.message}" for each in problems)
