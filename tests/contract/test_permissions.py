"""Every verb and button by every kind of person: who may, who may not, and what is recorded of it."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal

import pytest

from bot.commands import COMMANDS, Asker, Edge, handle_convotest
from bot.interactions import ACTIONS, Click, handle_click
from bot.memory_poster import MemoryPoster
from jobs.errors import RequestError
from jobs.model import WorkspaceId, WorkspaceSettings
from jobs.permissions import NotAllowed, Person, Right, configured_approvers, refusal, require_right
from jobs.settings import Settings
from jobs.testing import testing_ports

WORKSPACE = WorkspaceId("T1")
Kind = Literal["approver", "admin", "member", "guest", "guest approver", "stranger", "deactivated", "app"]
KINDS: tuple[Kind, ...] = (
    "approver", "admin", "member", "guest", "guest approver", "stranger", "deactivated", "app",
)  # fmt: skip
READERS: frozenset[Kind] = frozenset(KINDS) - {"stranger"}
USERS: frozenset[Kind] = frozenset({"approver", "admin", "member", "guest", "guest approver"})
APPROVERS: frozenset[Kind] = frozenset({"approver"})

BY_RIGHT: dict[Right, frozenset[Kind]] = {"read": READERS, "use": USERS, "approve": APPROVERS}
DECLARED: dict[str, Right] = {"run": "use", "ab": "use", "ask": "use", "cancel": "use", "audit": "approve"}
"""What must never become easier; every other verb and button is held to what it declares."""
STRICTER: dict[str, frozenset[Kind]] = {"home_run": USERS}
"""Buttons whose form looks itself, since others may at least see it."""
CHANGES: dict[str, frozenset[Kind]] = {
    "baseline set last": APPROVERS,
    "schedule nightly suite=pizza-nightly at 02:00": APPROVERS,
    "schedule remove nothing": APPROVERS,
    "schedule pause nothing": APPROVERS,
    "schedule list": READERS,
    "actions": READERS,
    "rollout pizza@faulty": APPROVERS,
    "rollout": READERS,
}
"""Verbs that read by themselves and change by their second word."""
MEMBERS: dict[Kind, str] = {kind: f"U{number:03}" for number, kind in enumerate(KINDS)}


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncGenerator[Edge]:
    poster = MemoryPoster(
        standings={
            MEMBERS["admin"]: "admin",
            MEMBERS["guest"]: "guest",
            MEMBERS["guest approver"]: "guest",
            MEMBERS["stranger"]: "stranger",
            MEMBERS["deactivated"]: "deactivated",
            MEMBERS["app"]: "app",
        }
    )
    async with testing_ports(tmp_path) as ports:
        named = (MEMBERS["approver"], MEMBERS["guest approver"])
        await ports.store.workspaces.save(WORKSPACE, WorkspaceSettings(approvers=named))
        yield Edge(ports=ports, poster=poster, commands=COMMANDS)


def asker_of(kind: Kind) -> Asker:
    return Asker(
        workspace_id=WORKSPACE,
        channel_id="C1",
        member_id=MEMBERS[kind],
        key=f"key of {kind}",
        trigger_id="trigger",
        home_id="T2" if kind == "stranger" else "T1",
    )


async def is_allowed(kind: Kind, edge: Edge, *, verb: str = "", button: str = "") -> bool:
    """Whether it is let pass; what becomes of it then is another matter."""
    try:
        if verb:
            await handle_convotest(f"{verb} pizza n=1" if verb == "run" else verb, asker_of(kind), edge)
        else:
            await handle_click(Click(action_id=button, value="unknown"), asker_of(kind), edge)
    except NotAllowed:
        return False
    except RequestError:
        return True
    return True


async def test_every_verb_is_for_whom_it_is_meant(edge: Edge) -> None:
    allowed = {
        verb: frozenset([kind for kind in KINDS if await is_allowed(kind, edge, verb=verb)]) for verb in COMMANDS
    }

    assert allowed == {verb: BY_RIGHT[COMMANDS[verb].right] for verb in COMMANDS}
    assert {verb: COMMANDS[verb].right for verb in DECLARED} == DECLARED
    runs = await edge.ports.store.runs.recent(WORKSPACE, limit=50)
    assert {run.started_by for run in runs} == {MEMBERS[kind] for kind in USERS}


async def test_every_button_is_for_whom_it_is_meant(edge: Edge) -> None:
    allowed = {
        button: frozenset([kind for kind in KINDS if await is_allowed(kind, edge, button=button)]) for button in ACTIONS
    }

    assert allowed == {button: STRICTER.get(button, BY_RIGHT[right]) for button, (right, _) in ACTIONS.items()}


@pytest.mark.parametrize("line", CHANGES)
async def test_what_the_second_word_changes_is_for_whom_it_is_meant(line: str, edge: Edge) -> None:
    assert frozenset([kind for kind in KINDS if await is_allowed(kind, edge, verb=line)]) == CHANGES[line]


async def test_a_refusal_is_recorded_with_who_what_and_where(edge: Edge) -> None:
    assert not await is_allowed("guest approver", edge, verb="audit")

    (entry,) = await edge.ports.store.audit.latest(WORKSPACE)
    assert (entry.member_id, entry.verb, entry.outcome, entry.place) == (
        MEMBERS["guest approver"], "audit", "refused", "C1",
    )  # fmt: skip
    assert "Guests" in entry.detail
    assert await edge.ports.store.audit.latest(WorkspaceId("T2")) == ()


async def test_the_right_is_looked_up_when_it_is_used(edge: Edge) -> None:
    assert await is_allowed("approver", edge, verb="audit")

    assert isinstance(edge.poster, MemoryPoster)
    edge.poster.standings[MEMBERS["approver"]] = "deactivated"
    assert not await is_allowed("approver", edge, verb="audit")
    edge.poster.standings[MEMBERS["approver"]] = "member"
    await edge.ports.store.workspaces.save(WORKSPACE, WorkspaceSettings(approvers=(MEMBERS["member"],)))
    assert not await is_allowed("approver", edge, verb="audit")
    assert await is_allowed("member", edge, verb="audit")


async def test_without_any_approver_the_admins_are(edge: Edge) -> None:
    await edge.ports.store.workspaces.save(WORKSPACE, WorkspaceSettings())

    assert [kind for kind in KINDS if await is_allowed(kind, edge, verb="audit")] == ["admin"]


async def test_whoever_proposed_it_cannot_approve_it(edge: Edge) -> None:
    person = Person(id=MEMBERS["approver"], standing="member")

    with pytest.raises(NotAllowed, match="another approver"):
        await require_right("approve", person, "approve", WORKSPACE, edge.ports, proposer=person.id)
    await require_right("approve", person, "approve", WORKSPACE, edge.ports, proposer="U9")

    assert refusal("approve", person, approvers=frozenset({person.id})) is None


def test_an_approver_of_one_workspace_is_nobody_in_another() -> None:
    alone = Settings(convotest_approvers=("U1", "T2:U2"))
    several = alone.model_copy(update={"slack_client_id": "1.2"})

    assert configured_approvers(alone, WORKSPACE) == {"U1"}
    assert configured_approvers(several, WORKSPACE) == set()
    assert configured_approvers(several, WorkspaceId("T2")) == {"U2"}
