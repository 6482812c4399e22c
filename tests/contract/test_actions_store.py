"""Actions and variants in the store, on both databases: one winner, whoever decides at once."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.actions._action import Action, Progress, Shown, with_content
from jobs.model import MadeVariant, Variant
from jobs.rollout.rollout import SHARES, Rollout, RolloutId, Stage
from jobs.store import Store, open_store
from jobs.store.actions import Vote
from jobs.store.rollouts import Audited, create_rollout
from jobs.store.variants import in_force_number, make_variant
from jobs.testing import MovableClock
from tests.unit.action_samples import WHEN, WORKSPACE, an_action

ROUNDS, PEOPLE = 20, 50


@pytest.fixture
async def clock() -> MovableClock:
    return MovableClock(WHEN)


@pytest.fixture
async def store(database_url: str, clock: MovableClock) -> AsyncGenerator[Store]:
    async with open_store(database_url, clock) as store:
        yield store


@pytest.fixture
async def other(database_url: str, store: Store, clock: MovableClock) -> AsyncGenerator[Store]:
    """The same database in another process: a writer and connections of its own."""
    async with open_store(database_url, clock) as store:
        yield store


def by(member: str) -> Audited:
    return Audited(member_id=member, verb="action approve", detail="x", place="C1")


async def vote(store: Store, action: Action, member: str, *, quorum: int = 1, allowed: tuple[str, ...] = ()) -> Vote:
    return await store.actions.approve(action, member, quorum=quorum, still_allowed=frozenset(allowed), what=by(member))


def variant(name: str, content: str = "x") -> Variant:
    return Variant(assistant="pizza", name=name, connector="demo", config={"shop": content}, hash=content)


def made(name: str, parent: str = "faulty") -> MadeVariant:
    return MadeVariant(
        variant=variant(name, name), parent=parent, parent_hash="x", diff="-", author="U0BEN", reason="why",
        action_id=None, made_at=WHEN,
    )  # fmt: skip


def a_rollout(name: str = "r1") -> Rollout:
    return Rollout(
        id=RolloutId(name), workspace_id=WORKSPACE, assistant="pizza", state="running", stage=0, shares=SHARES,
        baseline=variant("faulty"), candidate=variant("faulty-1", "y"), action_id=None, window_s=None,
        started_by="U0BEN", place=None, parent_key=None, target="pizza",
        stages=(Stage(share=0.1, at=WHEN, by="U0BEN"),), created_at=WHEN, stage_at=WHEN,
    )  # fmt: skip


# --- deciding -------------------------------------------------------------------------------------------------------


async def test_of_fifty_people_who_approve_and_refuse_at_once_one_wins_twenty_times(store: Store, other: Store) -> None:
    for number in range(ROUNDS):
        action = an_action(number, problem=f"problem {number}")
        assert await store.actions.propose(action)

        async def decide(person: int, action: Action = action) -> str:
            at = (store, other)[person % 2]  # half of them through another process
            if person % 5:
                return (await vote(at, action, f"U{person}")).result
            moved = await at.actions.move(action, "rejected", by(f"U{person}"), decided_by=f"U{person}")
            return "rejected" if moved else "decided"

        results = await asyncio.gather(*(decide(person) for person in range(PEOPLE)))
        winners = [result for result in results if result != "decided"]
        now = await store.actions.get(action.id)

        assert len(winners) == 1
        assert now is not None
        assert now.state == winners[0]
    done = [each for each in await store.audit.latest(WORKSPACE, limit=500) if each.verb == "action approve"]
    assert len(done) == ROUNDS


async def test_a_quorum_is_reached_once_however_many_approve_at_once(store: Store, other: Store) -> None:
    action = an_action()
    await store.actions.propose(action)
    people = tuple(f"U{number}" for number in range(20))

    votes = await asyncio.gather(
        *(vote((store, other)[place % 2], action, each, quorum=3, allowed=people) for place, each in enumerate(people))
    )
    now = await store.actions.get(action.id)

    assert sorted(each.result for each in votes) == sorted(["counted"] * 2 + ["approved"] + ["decided"] * 17)
    assert now is not None
    assert now.state == "approved"
    assert len((now.decided_by or "").split(", ")) == 3


async def test_the_same_person_counts_once(store: Store) -> None:
    action = an_action()
    await store.actions.propose(action)

    first = await vote(store, action, "U1", quorum=2, allowed=("U1",))
    second = await vote(store, action, "U1", quorum=2, allowed=("U1",))

    assert (first.result, second.result, second.votes) == ("counted", "known", 1)


async def test_the_approval_of_somebody_who_may_not_approve_any_more_does_not_count(store: Store) -> None:
    action = an_action()
    await store.actions.propose(action)
    await vote(store, action, "U1", quorum=2, allowed=("U1",))

    after_removal = await vote(store, action, "U2", quorum=2, allowed=())

    assert (after_removal.result, after_removal.votes) == ("counted", 1)


async def test_what_was_edited_since_it_was_shown_is_not_approved(store: Store) -> None:
    shown = an_action()
    await store.actions.propose(shown)
    await vote(store, shown, "U1", quorum=2, allowed=("U1",))
    edited = with_content(shown, replace(shown.content, title="Another change"), editor="U9")
    await store.actions.move(shown, None, by("U9"), content=edited.content, version=edited.version, hash=edited.hash)

    stale = await vote(store, shown, "U2")
    fresh = await vote(store, edited, "U2", quorum=2, allowed=("U1", "U2"))

    assert stale.result == "stale"
    assert (fresh.result, fresh.votes) == ("counted", 1)


async def test_what_has_expired_is_not_approved(store: Store, clock: MovableClock) -> None:
    action = an_action()
    await store.actions.propose(action)
    clock.move(timedelta(days=15).total_seconds())

    assert (await vote(store, action, "U1")).result == "expired"
    assert [each.id for each in await store.actions.overdue()] == [action.id]


async def test_a_button_carries_exactly_what_was_shown() -> None:
    shown = Shown.of(an_action())

    assert Shown.parse(str(shown)) == shown
    assert Shown.parse("no:thing") == Shown(action_id="no", version=0, hash="")


# --- proposing ------------------------------------------------------------------------------------------------------


async def test_the_same_problem_is_proposed_once_while_it_is_open_and_again_afterwards(store: Store) -> None:
    first = an_action(1)
    assert await store.actions.propose(first)
    assert not await store.actions.propose(an_action(2))
    assert await store.actions.propose(replace(an_action(3), workspace_id="T2"))

    await store.actions.move(first, "rejected", by("U1"))

    assert await store.actions.propose(an_action(4))


async def test_what_did_not_help_is_known_by_its_change(store: Store) -> None:
    action = an_action()
    await store.actions.propose(action)
    assert await store.actions.did_not_help(WORKSPACE, [action.fingerprint]) == frozenset()

    await store.actions.move(action, "rolled_back", by("U1"))

    assert await store.actions.did_not_help(WORKSPACE, [action.fingerprint, "x"]) == {action.fingerprint}


async def test_what_is_put_off_waits_for_nobody_until_then(store: Store, clock: MovableClock) -> None:
    action = an_action()
    await store.actions.propose(action)
    await store.actions.move(action, None, by("U1"), asleep_until=WHEN + timedelta(days=1))
    assert await store.actions.waiting(WORKSPACE) == ()

    clock.move(timedelta(days=1).total_seconds())

    assert [each.id for each in await store.actions.waiting(WORKSPACE)] == [action.id]


# --- steps ----------------------------------------------------------------------------------------------------------


async def test_a_step_that_cannot_be_taken_as_a_whole_is_not_taken_at_all(store: Store) -> None:
    action = an_action(progress=Progress(pairs=60))
    await store.actions.propose(action)
    approved = replace(action, state="approved")
    await vote(store, action, "U1")
    await store.variants.make(WORKSPACE, made("faulty-1"))

    taken = await store.actions.move(
        approved, "applied", by("convotest"), candidate="faulty-1",
        also=lambda connection: make_variant(connection, WORKSPACE, made("faulty-1", parent="other")),
    )  # fmt: skip
    now = await store.actions.get(action.id)

    assert not taken
    assert now is not None
    assert (now.state, now.candidate) == ("approved", None)
    assert "apply" not in {each.verb for each in await store.audit.latest(WORKSPACE)}


async def test_a_variant_never_changes_once_it_is_made(store: Store) -> None:
    assert await store.variants.make(WORKSPACE, made("faulty-1"))
    assert not await store.variants.make(WORKSPACE, made("faulty-1", parent="good"))

    kept = await store.variants.made(WORKSPACE, "pizza", "faulty-1")
    assert kept is not None
    assert (kept.parent, kept.variant.config) == ("faulty", {"shop": "faulty-1"})
    assert await store.variants.made("T2", "pizza", "faulty-1") is None  # type: ignore[arg-type]


async def test_of_those_who_put_something_in_force_on_what_they_saw_one_wins(store: Store, other: Store) -> None:
    results = await asyncio.gather(
        *(
            (store, other)[n % 2].variants.put_in_force(WORKSPACE, variant(f"v{n}"), by="U1", reason="x", expected=0)
            for n in range(20)
        )
    )
    history = await store.variants.history(WORKSPACE, "pizza")

    assert sum(results) == 1
    assert [each.number for each in history] == [1]


async def test_an_assistant_has_one_rollout_at_a_time(store: Store, other: Store) -> None:
    results = await asyncio.gather(
        *((store, other)[n % 2].rollouts.create(a_rollout(f"r{n}"), by("U1")) for n in range(10))
    )

    assert sum(results) == 1


async def test_of_widening_and_rolling_back_at_once_the_baseline_wins(store: Store, other: Store) -> None:
    """Whatever comes first, a rollback leaves the baseline to everybody."""
    rollout = a_rollout()
    await store.rollouts.create(rollout, by("U1"))

    widened, *rolled = await asyncio.gather(
        store.rollouts.advance(rollout, by("U1"), by="U1"),
        *(other.rollouts.roll_back(rollout, by(f"U{n}"), note="harm") for n in range(10)),
    )
    now = await store.rollouts.get(rollout.id)

    assert sum(rolled) == 1
    assert now is not None
    assert (now.state, now.share) == ("rolled_back", 0.0)
    assert widened in (True, False)


async def test_the_last_stage_puts_the_candidate_in_force_and_a_rollback_takes_it_back(store: Store) -> None:
    rollout = a_rollout()
    await store.rollouts.create(rollout, by("U1"))
    for _ in range(2):
        current = await store.rollouts.get(rollout.id)
        assert current is not None
        assert await store.rollouts.advance(current, by("U1"), by="U1")
    finished = await store.rollouts.get(rollout.id)
    assert finished is not None
    assert (await store.variants.history(WORKSPACE, "pizza"))[0].name == "faulty-1"

    assert await store.rollouts.roll_back(finished, by("U2"), note="people complain")
    assert not await store.rollouts.roll_back(finished, by("U3"), note="again")

    assert [each.name for each in await store.variants.history(WORKSPACE, "pizza")] == ["faulty", "faulty-1"]


async def test_a_rollback_does_not_undo_what_somebody_put_in_force_since(store: Store) -> None:
    rollout = a_rollout()
    await store.rollouts.create(rollout, by("U1"))
    for _ in range(2):
        current = await store.rollouts.get(rollout.id)
        assert current is not None
        await store.rollouts.advance(current, by("U1"), by="U1")
    finished = await store.rollouts.get(rollout.id)
    assert finished is not None
    await store.variants.put_in_force(WORKSPACE, variant("good"), by="U2", reason="better")

    assert not await store.rollouts.roll_back(finished, by("U3"), note="late")
    assert (await store.variants.history(WORKSPACE, "pizza"))[0].name == "good"


async def test_a_rollout_and_its_action_begin_together_or_not_at_all(store: Store) -> None:
    action = an_action()
    await store.actions.propose(action)
    await store.rollouts.create(a_rollout("other"), by("U1"))
    second = a_rollout("mine")

    begun = await store.actions.move(
        action, None, by("U1"), rollout_id="mine",
        also=lambda connection: create_rollout(connection, second, by("U1")),
    )  # fmt: skip
    now = await store.actions.get(action.id)

    assert not begun
    assert now is not None
    assert now.rollout_id is None


async def test_a_customer_is_met_once_in_a_stage(store: Store) -> None:
    rollout = a_rollout()
    await store.rollouts.create(rollout, by("U1"))

    for _ in range(3):
        await store.rollouts.meet(rollout, "c1", source="api", arm="candidate")
    await store.rollouts.failed(rollout, "c1")
    await store.rollouts.failed(rollout, "somebody else")

    assert [(each.arm, each.failed) for each in await store.rollouts.customers(rollout)] == [("candidate", True)]
    number = await store.writer.run(lambda connection: in_force_number(connection, WORKSPACE, "pizza"))
    assert number == 0
