"""From a failed run to better live customers, and everything that may come between, with the real use cases."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.actions._action import Action, Shown
from jobs.actions._by_hand import propose_file
from jobs.actions._edits import parse_edits
from jobs.actions._keeper import ActionKeeper
from jobs.actions._lifecycle import approve, edit, put_off, reject, roll_out, verify_more
from jobs.actions._propose import propose_for_feedback
from jobs.bundle import Ports
from jobs.dispatcher import Dispatcher
from jobs.errors import RequestError
from jobs.feedback.given import GivenFeedback
from jobs.feedback.record import ratings_of
from jobs.feedback.report import report_feedback
from jobs.model import Run, RunRequest, WorkspaceId
from jobs.rollout import variant_for
from jobs.rollout.lifecycle import advance_rollout, begin_rollout, existing_rollout, roll_back
from jobs.rollout.rollout import Rollout, arm_of
from jobs.rollout.traffic import send_customers
from jobs.runs import start_run
from jobs.settings import Settings
from jobs.store.votes import Scope
from jobs.testing import InlineEngine, MovableClock, testing_ports
from jobs.variants import find_variant, known_variants, put_in_force, variant_in_force

WORKSPACE = WorkspaceId("T1")
BEN = "U0BEN"


class Stage:
    """The work with doubles at its edges, an engine that plays here, and people who decide."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.keeper = ActionKeeper(ports)

    async def run(self, **request: Any) -> Run:
        """A finished run of the pizza profile."""
        wanted: dict[str, Any] = {
            "target": "pizza",
            "n": 10,
            "seed": 7,
            "started_by": "U0ADA",
            "workspace_id": WORKSPACE,
        } | request
        run = await start_run(RunRequest(**wanted), self.ports)
        while (found := await self.ports.store.runs.get(run.id)) is not None and found.state != "finished":
            await self.ports.bell.wait(at_most_s=0.05)
        return run

    async def proposed(self, words: str) -> Action:
        actions = await self.ports.store.actions.recent(WORKSPACE)
        return next(each for each in actions if words in each.content.title)

    async def fresh(self, action: Action) -> Action:
        found = await self.ports.store.actions.get(action.id)
        assert found is not None
        return found

    async def approve(self, action: Action, by: str = BEN) -> Action:
        async def may_approve(_: str) -> bool:
            return True

        shown = Shown.of(action)
        approved, _ = await approve(shown, by=by, workspace_id=WORKSPACE, ports=self.ports, may_approve=may_approve)
        return approved

    async def settled(self, action: Action) -> Action:
        """The action once its verification has said something."""
        while True:
            await self.keeper.look()
            action = await self.fresh(action)
            if action.state not in ("approved", "applied") or action.progress.outcome:
                return action
            await self.ports.bell.wait(at_most_s=0.05)

    async def made(self, action: Action) -> Action:
        """The action with its variant, whose verification is only beginning."""
        await self.keeper.look()
        return await self.fresh(action)

    async def verified(self, action: Action) -> Action:
        """The action as if its verification had passed."""
        action = await self.made(await self.approve(action))
        await self.ports.store.actions.move(action, "verified", None)
        return await self.fresh(action)

    async def customers(self, rollout: Rollout, n: int = 40, *, target: str | None = None, key: str = "k") -> Rollout:
        """The rollout after simulated customers came and said what they think."""
        await send_customers(rollout, n, by="U0ADA", key=f"{key}{rollout.stage}", ports=self.ports, target=target)
        while await self.ports.store.rollouts.traffic_left(rollout.id):
            await self.keeper.look()
            await self.ports.bell.wait(at_most_s=0.05)
        await self.keeper.look()
        return await existing_rollout(rollout.id, WORKSPACE, self.ports)

    async def audit(self) -> list[tuple[str, str, str]]:
        return [
            (each.member_id, each.verb, each.outcome)
            for each in await self.ports.store.audit.latest(WORKSPACE, limit=100)
        ]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with on_stage(tmp_path) as stage:
        yield stage


@asynccontextmanager
async def on_stage(directory: Path, **settings: Any) -> AsyncGenerator[Stage]:
    """A stage on which the faulty shop is in force."""
    url = f"sqlite:///{directory / 'convotest.db'}"
    async with testing_ports(directory, settings=Settings(convotest_database_url=url, **settings)) as ports:
        dispatcher = Dispatcher(InlineEngine(), ports)
        await dispatcher.start()
        try:
            faulty = await find_variant("pizza@faulty", workspace_id=WORKSPACE, ports=ports)
            await put_in_force(faulty, by="U0ADA", reason="to be mended", workspace_id=WORKSPACE, ports=ports)
            yield Stage(ports)
        finally:
            await dispatcher.stop()


# --- the loop -------------------------------------------------------------------------------------------------------


async def test_a_fault_is_proposed_approved_verified_and_rolled_out_and_customers_are_content(stage: Stage) -> None:
    await stage.run()
    for words in ("quoted", "Understand"):  # two of the three faults are mended already
        mended = await stage.verified(await stage.proposed(words))
        candidate = await find_variant(f"pizza@{mended.candidate}", workspace_id=WORKSPACE, ports=stage.ports)
        await put_in_force(candidate, by=BEN, reason="mended", workspace_id=WORKSPACE, ports=stage.ports)

    action = await stage.settled(await stage.approve(await stage.proposed("everything")))

    assert action.state == "verified", action.progress.outcome
    assert action.progress.outcome is not None
    assert (action.progress.outcome.problem_after, action.progress.outcome.decision) == (0, "APPROVE")
    assert action.progress.outcome.success_after == action.progress.outcome.pairs > 50
    _, rollout = await roll_out(action, by=BEN, ports=stage.ports)
    assert rollout is not None
    rollout = await advance_rollout(rollout, by=BEN, ports=stage.ports)
    rollout = await stage.customers(rollout)
    await advance_rollout(rollout, by=BEN, ports=stage.ports)
    await stage.keeper.look()
    assert (await variant_in_force("pizza", WORKSPACE, stage.ports)).name == action.candidate == "faulty-3"
    live = (await stage.fresh(action)).progress.live
    assert live.startswith("CSAT of simulated customers: 0%")
    assert "→ 100% (n=" in live
    report = report_feedback(stage.ports.store.database_url, Scope(workspace_id=WORKSPACE))
    assert report.headline.n == 0, "what simulated customers think is in no figure about people"
    assert report.by_source["simulated"].n == 40


async def test_a_harmful_change_that_was_approved_by_mistake_is_stopped_by_the_gate(stage: Stage) -> None:
    harmful = await propose_file(
        "{title: Charge for every order, kind: flow, assistant: pizza@good, target: pizza, changes: "
        "[{path: flow.charge_when_placing, value: 2.5}]}",
        "U0EVE", WORKSPACE, stage.ports,
    )  # fmt: skip

    refused = await stage.settled(await stage.approve(harmful))

    assert refused.state == "rejected"
    assert refused.note is not None
    assert refused.note.startswith("verification: ")
    with pytest.raises(RequestError, match="only what is verified is rolled out"):
        await roll_out(refused, by=BEN, ports=stage.ports)


async def test_a_change_that_passes_the_gate_but_hurts_live_is_rolled_back_by_itself_and_not_proposed_again(
    stage: Stage,
) -> None:
    """People rate it badly for something that simulated customers do not know."""
    await stage.run()
    action = await stage.verified(await stage.proposed("Understand"))
    _, rollout = await roll_out(action, by=BEN, ports=stage.ports)
    assert rollout is not None
    rollout = await advance_rollout(rollout, by=BEN, ports=stage.ports)
    given = [
        GivenFeedback(rating=1 if n % 2 else 5, assistant="pizza", variant=rollout.variant(arm).name, user_id=f"u{n}")
        for n in range(60)
        for arm in ("candidate" if n % 2 else "baseline",)
    ]
    ratings, _ = await ratings_of(
        given, store=stage.ports.store, clock=stage.ports.clock, workspace_id=WORKSPACE, source="api"
    )
    await stage.ports.store.feedback.add(ratings)

    await stage.keeper.look()
    await stage.keeper.look()

    after = await existing_rollout(rollout.id, WORKSPACE, stage.ports)
    now = await stage.fresh(action)
    assert (after.state, now.state) == ("rolled_back", "rolled_back")
    assert "fewer customers are content with the candidate (people: 30 of 30 discontent" in (after.note or "")
    assert (await variant_in_force("pizza", WORKSPACE, stage.ports)).name == "faulty"
    assert ("convotest", "rollout roll back", "done") in await stage.audit()
    await stage.run(key="again")
    assert "Understand" not in " ".join(
        each.content.title for each in await stage.ports.store.actions.recent(WORKSPACE, states=("proposed",))
    )


# --- proposing ------------------------------------------------------------------------------------------------------


async def test_a_run_proposes_once_and_nothing_that_is_open_already(stage: Stage) -> None:
    await stage.run()
    first = await stage.ports.store.actions.recent(WORKSPACE)
    await stage.run(key="again")

    assert len(first) == 3
    assert await stage.ports.store.actions.recent(WORKSPACE) == first


async def test_a_run_without_failures_proposes_nothing(stage: Stage) -> None:
    await stage.run(assistant="pizza@good")

    assert await stage.ports.store.actions.recent(WORKSPACE) == ()


async def test_what_somebody_refused_is_not_proposed_again(stage: Stage) -> None:
    await stage.run()
    bill = await stage.proposed("quoted")
    await reject(Shown.of(bill), by=BEN, reason="we want that charge", workspace_id=WORKSPACE, ports=stage.ports)
    await stage.run(key="again")

    titles = [each.content.title for each in await stage.ports.store.actions.recent(WORKSPACE, states=("proposed",))]
    assert len(titles) == 2
    assert "Bill what was quoted" not in titles


async def test_low_ratings_with_one_theme_propose_what_mends_it(stage: Stage) -> None:
    texts = ["It forgot the drinks", "forgot the drinks again", "you forgot the drinks", "lovely pizza"]
    given = [
        GivenFeedback(rating=1 if "forgot" in text else 5, feedback_text=text, assistant="pizza", user_id=f"u{n}")
        for n, text in enumerate(texts)
    ]
    ratings, _ = await ratings_of(
        given, store=stage.ports.store, clock=stage.ports.clock, workspace_id=WORKSPACE, source="api"
    )
    await stage.ports.store.feedback.add(ratings)

    [action] = await propose_for_feedback("pizza", WORKSPACE, stage.ports, target="pizza")

    assert action.content.title == "Put everything that was ordered on the order"
    assert (action.content.problem.touched, action.content.problem.n) == (3, 4)
    assert action.content.expected is not None
    assert await propose_for_feedback("pizza", WORKSPACE, stage.ports, target="pizza") == ()


# --- deciding -------------------------------------------------------------------------------------------------------


async def test_whoever_proposed_or_edited_a_change_cannot_approve_it(stage: Stage) -> None:
    await stage.run()
    action = await stage.proposed("everything")
    parent = await find_variant("pizza@faulty", workspace_id=WORKSPACE, ports=stage.ports)
    edits = parse_edits("- path: flow.order\n  value: [drinks, pizza]", parent.config)
    edited = await edit(Shown.of(action), by=BEN, edits=edits, workspace_id=WORKSPACE, ports=stage.ports)

    with pytest.raises(RequestError, match="cannot approve it"):
        await stage.approve(edited)
    with pytest.raises(RequestError, match="was changed after this was shown"):
        await stage.approve(action, by="U0ADA")
    assert (await stage.approve(edited, by="U0ADA")).state == "approved"
    assert (BEN, "action approve", "refused") in await stage.audit()


async def test_an_edit_that_could_not_be_used_is_refused(stage: Stage) -> None:
    await stage.run()
    action = await stage.proposed("everything")
    for text, said in (
        ("- path: flow.order\n  value: [anchovies]", "could not be used"),
        ("- path: shop\n  value: /etc/passwd", "may not touch 'shop'"),
        ("- path: noise\n  value: 1", "may not touch 'noise'"),
    ):
        parent = await find_variant("pizza@faulty", workspace_id=WORKSPACE, ports=stage.ports)
        with pytest.raises(RequestError, match=said):
            await edit(
                Shown.of(action),
                by=BEN,
                edits=parse_edits(text, parent.config),
                workspace_id=WORKSPACE,
                ports=stage.ports,
            )
    assert (await stage.fresh(action)).version == 1


async def test_an_approval_after_expiry_changes_nothing_and_the_action_is_closed(stage: Stage) -> None:
    await stage.run()
    action = await stage.proposed("everything")
    assert isinstance(stage.ports.clock, MovableClock)
    stage.ports.clock.move(timedelta(days=15).total_seconds())

    with pytest.raises(RequestError, match="has expired"):
        await stage.approve(action)
    await stage.keeper.look()

    assert (await stage.fresh(action)).state == "expired"


async def test_an_approval_after_the_configuration_has_changed_is_refused(stage: Stage) -> None:
    await stage.run()
    action = await stage.proposed("everything")
    assistant = stage.ports.catalogue.assistants[0]
    mended = replace(assistant.variants["faulty"], config={"shop": "pizza-shop/assistant.yaml"}, hash="other")
    catalogue = replace(
        stage.ports.catalogue, assistants=(replace(assistant, variants={**assistant.variants, "faulty": mended}),)
    )
    stage = Stage(replace(stage.ports, catalogue=catalogue))

    with pytest.raises(RequestError, match="is not there any more"):
        await stage.approve(action)
    assert (await stage.fresh(action)).state == "proposed"


async def test_what_was_approved_is_not_made_when_it_no_longer_fits(stage: Stage) -> None:
    await stage.run()
    approved = await stage.approve(await stage.proposed("everything"))
    assistant = stage.ports.catalogue.assistants[0]
    mended = replace(assistant.variants["faulty"], config={"shop": "pizza-shop/assistant.yaml"}, hash="other")
    catalogue = replace(
        stage.ports.catalogue, assistants=(replace(assistant, variants={**assistant.variants, "faulty": mended}),)
    )

    await ActionKeeper(replace(stage.ports, catalogue=catalogue)).look()

    now = await stage.fresh(approved)
    assert (now.state, now.candidate) == ("expired", None)
    assert "is not there any more" in (now.note or "")
    assert await stage.ports.store.variants.all_made(WORKSPACE) == ()


async def test_another_workspace_does_not_know_the_action(stage: Stage) -> None:
    await stage.run()
    action = await stage.proposed("everything")

    async def may_approve(_: str) -> bool:
        return True

    with pytest.raises(RequestError, match="not known here"):
        await approve(
            Shown.of(action), by=BEN, workspace_id=WorkspaceId("T2"), ports=stage.ports, may_approve=may_approve
        )


async def test_what_was_put_off_comes_back_and_can_be_decided_before(stage: Stage) -> None:
    await stage.run()
    action = await stage.proposed("everything")
    asleep = await put_off(Shown.of(action), by=BEN, workspace_id=WORKSPACE, ports=stage.ports)

    assert asleep not in await stage.ports.store.actions.waiting(WORKSPACE)
    assert (await stage.approve(asleep)).state == "approved"


async def test_a_verification_that_shows_nothing_waits_for_people_and_goes_on_when_they_say_so(stage: Stage) -> None:
    useless = await propose_file(
        "{title: Greet differently, kind: template, assistant: pizza@good, target: pizza, changes: "
        "[{path: templates.farewell, value: [Good bye]}]}",
        "U0EVE", WORKSPACE, stage.ports,
    )  # fmt: skip
    open_ = await stage.settled(await stage.approve(useless))
    await stage.keeper.look()

    assert open_.state == "applied"
    assert open_.progress.outcome is not None
    assert open_.progress.outcome.decision == "INCONCLUSIVE"
    assert (await stage.fresh(open_)).state == "applied", "it never passes by itself"
    again = await verify_more(Shown.of(open_), by=BEN, workspace_id=WORKSPACE, ports=stage.ports)
    with pytest.raises(RequestError, match="is being verified"):
        await reject(Shown.of(again), by=BEN, reason="no use", workspace_id=WORKSPACE, ports=stage.ports)
    await stage.keeper.look()
    again = await stage.fresh(again)
    assert again.progress.attempt == 2
    assert len(again.progress.experiments) == len(open_.progress.experiments) + 1


async def test_a_change_that_others_overtook_is_made_and_verified_again_on_top_of_theirs(stage: Stage) -> None:
    await stage.run()
    first = await stage.verified(await stage.proposed("everything"))
    second = await stage.verified(await stage.proposed("quoted"))
    assert {first.candidate, second.candidate} == {"faulty-1", "faulty-2"}
    candidate = await find_variant("pizza@faulty-1", workspace_id=WORKSPACE, ports=stage.ports)
    await put_in_force(candidate, by=BEN, reason="good enough", workspace_id=WORKSPACE, ports=stage.ports)

    again, rollout = await roll_out(second, by=BEN, ports=stage.ports)

    assert (again.state, rollout) == ("approved", None)
    again = await stage.made(again)
    made = await stage.ports.store.variants.made(WORKSPACE, "pizza", again.candidate or "")
    assert again.state == "applied", "it is verified once more"
    assert made is not None
    assert made.parent == "faulty-1"
    assert "flow" not in made.variant.config or "order" not in made.variant.config["flow"]


async def test_a_variant_that_was_made_can_be_named_everywhere(stage: Stage) -> None:
    await stage.run()
    action = await stage.made(await stage.approve(await stage.proposed("everything")))
    run = await stage.run(assistant=f"pizza@{action.candidate}", key="named", n=3)

    assistant = stage.ports.catalogue.assistant("pizza")
    known = {each.variant.name: each for each in await known_variants(assistant, WORKSPACE, stage.ports)}
    assert run.variant == "faulty-1"
    assert known["faulty-1"].source.startswith("made from 'faulty' on 2026-01-05, approved by U0BEN")
    assert known["faulty"].in_force
    with pytest.raises(RequestError, match="did you mean 'faulty-1'"):
        await find_variant("pizza@faulty-11", workspace_id=WORKSPACE, ports=stage.ports)
    with pytest.raises(RequestError, match="no variant"):
        await find_variant("pizza@faulty-1", workspace_id=WorkspaceId("T2"), ports=stage.ports)


# --- rollouts -------------------------------------------------------------------------------------------------------


async def test_during_a_rollout_each_customer_has_one_variant_and_afterwards_the_one_in_force(stage: Stage) -> None:
    good = await find_variant("pizza@good", workspace_id=WORKSPACE, ports=stage.ports)
    rollout = await begin_rollout(good, by=BEN, workspace_id=WORKSPACE, ports=stage.ports)
    keys = [f"thread {n}" for n in range(60)]

    served = {key: (await variant_for("pizza", key, WORKSPACE, stage.ports)).name for key in keys}
    again = {key: (await variant_for("pizza", key, WORKSPACE, stage.ports)).name for key in keys}

    assert served == again
    assert served == {key: "good" if arm_of(rollout.id, key, 0.1) == "candidate" else "faulty" for key in keys}
    assert (await variant_for("pizza", "x", WorkspaceId("T2"), stage.ports)).name == "good", "another workspace's own"
    await roll_back(rollout, by=BEN, reason="enough", ports=stage.ports)
    assert {(await variant_for("pizza", key, WORKSPACE, stage.ports)).name for key in keys} == {"faulty"}


async def test_a_rollout_goes_on_by_itself_only_after_its_window_and_with_customers(stage: Stage) -> None:
    good = await find_variant("pizza@good", workspace_id=WORKSPACE, ports=stage.ports)
    rollout = await begin_rollout(
        good, by=BEN, workspace_id=WORKSPACE, ports=stage.ports, window=timedelta(hours=24), target="pizza"
    )
    assert isinstance(stage.ports.clock, MovableClock)
    stage.ports.clock.move(timedelta(hours=25).total_seconds())
    await stage.keeper.look()
    assert (await existing_rollout(rollout.id, WORKSPACE, stage.ports)).stage == 0, "nobody was served yet"

    for n in range(200):
        await variant_for("pizza", f"thread {n}", WORKSPACE, stage.ports)
    await stage.keeper.look()

    widened = await existing_rollout(rollout.id, WORKSPACE, stage.ports)
    assert (widened.stage, widened.share) == (1, 0.5)
    assert [each.by for each in widened.stages] == [BEN, "convotest"]


async def test_a_rollout_whose_customers_are_not_split_as_planned_is_not_widened(stage: Stage) -> None:
    good = await find_variant("pizza@good", workspace_id=WORKSPACE, ports=stage.ports)
    rollout = await begin_rollout(good, by=BEN, workspace_id=WORKSPACE, ports=stage.ports)
    for n in range(60):
        await stage.ports.store.rollouts.meet(rollout, f"c{n}", source="api", arm="candidate")

    with pytest.raises(RequestError, match="not split as planned"):
        await advance_rollout(rollout, by=BEN, ports=stage.ports)


async def test_a_click_on_an_old_card_does_not_widen_again(stage: Stage) -> None:
    good = await find_variant("pizza@good", workspace_id=WORKSPACE, ports=stage.ports)
    rollout = await begin_rollout(good, by=BEN, workspace_id=WORKSPACE, ports=stage.ports)
    await advance_rollout(rollout, by=BEN, ports=stage.ports, expected_stage=0)
    now = await existing_rollout(rollout.id, WORKSPACE, stage.ports)

    with pytest.raises(RequestError, match="is at 50% already"):
        await advance_rollout(now, by="U0ADA", ports=stage.ports, expected_stage=0)
    with pytest.raises(RequestError, match="somebody else has just changed"):
        await advance_rollout(rollout, by="U0ADA", ports=stage.ports)


async def test_nothing_else_is_put_in_force_while_a_rollout_is_under_way(stage: Stage) -> None:
    good = await find_variant("pizza@good", workspace_id=WORKSPACE, ports=stage.ports)
    await begin_rollout(good, by=BEN, workspace_id=WORKSPACE, ports=stage.ports)

    with pytest.raises(RequestError, match="a rollout of 'pizza' is under way"):
        await put_in_force(good, by=BEN, reason="now", workspace_id=WORKSPACE, ports=stage.ports)
    with pytest.raises(RequestError, match="under way already"):
        await begin_rollout(good, by=BEN, workspace_id=WORKSPACE, ports=stage.ports)


async def test_the_same_customers_are_sent_once(stage: Stage) -> None:
    good = await find_variant("pizza@good", workspace_id=WORKSPACE, ports=stage.ports)
    rollout = await begin_rollout(good, by=BEN, workspace_id=WORKSPACE, ports=stage.ports, target="pizza")
    await send_customers(rollout, 5, by="U0ADA", key="click", ports=stage.ports)

    with pytest.raises(RequestError, match="were sent already"):
        await send_customers(rollout, 5, by="U0ADA", key="click", ports=stage.ports)
    assert len(await stage.ports.store.rollouts.customers(rollout)) == 5


async def test_with_a_standing_window_a_verified_change_is_rolled_out_by_itself(tmp_path: Path) -> None:
    async with on_stage(tmp_path, convotest_rollout_hours=24) as stage:
        await stage.run()
        action = await stage.settled(await stage.approve(await stage.proposed("everything")))
        rollout = await stage.ports.store.rollouts.open_for(WORKSPACE, "pizza")

        assert rollout is not None
        assert (rollout.window_s, rollout.action_id, rollout.started_by) == (86_400, action.id, "convotest")
