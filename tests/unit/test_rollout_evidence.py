"""What live figures show of a candidate, however often one looks at them."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.model import Variant, WorkspaceId
from jobs.rollout.evidence import ALPHA, MEASURES, Observation, evidence_of_harm, look_at
from jobs.rollout.rollout import Arm, Rollout, RolloutId, Source, Stage, arm_of, customer_of, share_at
from jobs.store.rollouts import LiveVote, MetCustomer

WHEN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
THRESHOLD = MEASURES / ALPHA


def variant(name: str) -> Variant:
    return Variant(assistant="pizza", name=name, connector="demo", config={}, hash=name)


ROLLOUT = Rollout(
    id=RolloutId("r1"), workspace_id=WorkspaceId("T1"), assistant="pizza", state="running", stage=1,
    shares=(0.1, 0.5, 1.0), baseline=variant("good"), candidate=variant("new"), action_id=None, window_s=None,
    started_by="U0ADA", place=None, parent_key=None, target="pizza",
    stages=(Stage(share=0.1, at=WHEN, by="U0ADA"), Stage(share=0.5, at=WHEN + timedelta(hours=1), by="U0ADA")),
    created_at=WHEN, stage_at=WHEN + timedelta(hours=1),
)  # fmt: skip


def traffic(seed: int, n: int, *, share: float, bad: dict[Arm, float]) -> list[Observation]:
    dice = random.Random(seed)
    arms: list[Arm] = ["candidate" if dice.random() < share else "baseline" for _ in range(n)]
    return [Observation(arm=arm, bad=dice.random() < bad[arm], share=share) for arm in arms]


def vote(number: int, name: str, value: int, *, source: str = "live", kind: str = "stars", voter: str = "") -> LiveVote:
    return LiveVote(
        source=source, kind=kind, value=value, voter=voter or f"v{number}", conversation=f"c{number}", variant=name,
        at=WHEN + timedelta(hours=2, seconds=number),
    )  # fmt: skip


def met(arm: Arm, *, source: Source = "live", failed: bool = False, stage: int = 1) -> MetCustomer:
    return MetCustomer(stage=stage, source=source, arm=arm, failed=failed, met_at=WHEN)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_candidate_that_is_as_good_is_hardly_ever_taken_back_although_one_looks_after_every_customer(
    share: float,
) -> None:
    """At most 1 in 60 for each figure; 1 000 rollouts of 200 customers, seeds 0 to 999."""
    alarms = sum(
        evidence_of_harm(traffic(seed, 200, share=share, bad={"baseline": 0.3, "candidate": 0.3})) >= THRESHOLD
        for seed in range(1_000)
    )

    assert alarms <= 30


def test_a_candidate_that_is_much_worse_is_taken_back_within_a_hundred_customers() -> None:
    found = [
        evidence_of_harm(traffic(seed, 100, share=0.5, bad={"baseline": 0.1, "candidate": 0.6})) >= THRESHOLD
        for seed in range(100)
    ]

    assert sum(found) >= 90


def test_a_better_candidate_leaves_no_evidence_of_harm() -> None:
    found = [
        evidence_of_harm(traffic(seed, 300, share=0.5, bad={"baseline": 0.6, "candidate": 0.1})) >= THRESHOLD
        for seed in range(200)
    ]

    assert sum(found) <= 2


def test_the_evidence_of_one_customer_is_1_on_the_average_whatever_the_rate_is() -> None:
    """An e-value: its mean over what can happen next is 1 while both arms are alike."""
    before = traffic(3, 40, share=0.1, bad={"baseline": 0.2, "candidate": 0.7})
    now = evidence_of_harm(before)
    mean = 0.0
    for arm, chance in (("baseline", 0.9), ("candidate", 0.1)):
        for bad, rate in ((True, 0.3), (False, 0.7)):
            then = _last(before, Observation(arm=arm, bad=bad, share=0.1))  # type: ignore[arg-type]  # both are arms
            mean += chance * rate * then

    assert now > 0
    assert math.isclose(mean, _last(before[:-1], before[-1]), rel_tol=1e-9)


def _last(before: list[Observation], following: Observation) -> float:
    """The evidence after one more customer, not its highest so far."""
    bad: dict[Arm, float] = {"baseline": 0.5, "candidate": 0.5}
    n: dict[Arm, float] = {"baseline": 1.0, "candidate": 1.0}
    value = 1.0
    for each in (*before, following):
        rates = {arm: bad[arm] / n[arm] for arm in n}
        if rates["candidate"] > rates["baseline"]:
            likely = {arm: rate if each.bad else 1 - rate for arm, rate in rates.items()}
            value *= likely[each.arm] / (each.share * likely["candidate"] + (1 - each.share) * likely["baseline"])
        bad[each.arm] += each.bad
        n[each.arm] += 1
    return value


def test_people_and_simulated_customers_are_never_mixed() -> None:
    votes = [vote(n, "new", 1, source="simulated") for n in range(30)]
    votes += [vote(n + 30, "good", 5, source="simulated") for n in range(30)]
    votes += [vote(100, "new", 5), vote(101, "good", 4)]

    look = look_at(ROLLOUT, votes, [])
    people, simulated = look.measures

    assert (people.crowd, people.candidate.n, people.candidate.bad) == ("people", 1, 0)
    assert (simulated.crowd, simulated.candidate.n, simulated.candidate.bad) == ("simulated", 30, 30)
    assert look.harm is not None
    assert "simulated customers: 30 of 30 discontent" in look.harm


def test_of_what_one_person_says_of_a_conversation_the_latest_counts() -> None:
    votes = [vote(1, "new", 1, voter="ana"), replace(vote(1, "new", 5, voter="ana"), at=WHEN + timedelta(hours=3))]

    [csat] = look_at(ROLLOUT, votes, []).measures

    assert (csat.candidate.n, csat.candidate.bad) == (1, 0)


def test_three_stars_are_not_content_and_a_thumb_counts_for_itself() -> None:
    look = look_at(ROLLOUT, [vote(1, "new", 3), vote(2, "new", -1, kind="thumb"), vote(3, "good", 1, kind="thumb")], [])

    assert {each.name: (each.candidate.bad, each.candidate.n) for each in look.measures} == {
        "csat": (1, 1),
        "thumbs": (1, 1),
    }


def test_customers_who_are_failed_count_against_the_variant_that_served_them() -> None:
    customers = [met("candidate", failed=True) for _ in range(25)] + [met("baseline") for _ in range(25)]

    look = look_at(ROLLOUT, [], customers)

    assert look.harm is not None
    assert "more customers are failed" in look.harm


def test_a_split_that_is_no_accident_makes_the_figures_worthless() -> None:
    customers = [met("baseline") for _ in range(30)] + [met("candidate") for _ in range(90)]

    look = look_at(ROLLOUT, [], customers)

    assert not look.is_split_as_planned
    assert look.harm is None
    [split] = look.splits
    assert split.p is not None
    assert split.p < 0.001


def test_a_usual_split_is_valid_at_every_share() -> None:
    for stage, share in enumerate((0.1, 0.5)):
        arms: list[Arm] = [arm_of("r1", f"customer {n}", share) for n in range(2_000)]
        look = look_at(ROLLOUT, [], [met(arm, stage=stage) for arm in arms])
        assert look.is_split_as_planned


def test_whoever_has_the_candidate_keeps_it_as_the_share_grows() -> None:
    keys = [f"key {n}" for n in range(500)]
    small = {key for key in keys if arm_of("r1", key, 0.1) == "candidate"}
    large = {key for key in keys if arm_of("r1", key, 0.5) == "candidate"}

    assert small < large
    assert all(arm_of("r1", key, 1.0) == "candidate" for key in keys)
    assert {key for key in keys if arm_of("r2", key, 0.1) == "candidate"} != small


def test_who_a_customer_is_cannot_be_read_from_what_is_kept() -> None:
    assert "ana" not in customer_of("r1", "ana@example.com")
    assert customer_of("r1", "ana@example.com") != customer_of("r2", "ana@example.com")


def test_a_vote_is_weighed_by_the_share_of_its_time() -> None:
    assert share_at(ROLLOUT.stages, WHEN + timedelta(minutes=5)) == 0.1
    assert share_at(ROLLOUT.stages, WHEN + timedelta(hours=5)) == 0.5
