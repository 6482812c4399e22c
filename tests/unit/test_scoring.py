"""The verdict on a conversation, and its scores."""

# ruff: noqa: FBT003 - goal(True) reads better than goal(answered=True) thirty times over

import logging

import pytest

import jobs.scoring
from jobs.metrics import METRICS, Metric, ScoringContext
from jobs.model import Assessment, Check, EndedBy, GoalProgress, Outcome, Scenario, Score, Transcript, Turn, Verdict
from jobs.scoring import decide_verdict, score_transcript
from jobs.shelf import Shelf


def goal(answered: bool | None, *, asked: bool = True, reason: str = "") -> GoalProgress:
    return GoalProgress(text="a large pizza", asked=asked, answered=answered, turn=None, reason=reason)


def check(ok: bool | None, reason: str = "") -> Check:
    return Check(name="order", ok=ok, reason=reason)


def verdict(ended_by: EndedBy, *found: GoalProgress | Check, error: str | None = None) -> Verdict:
    transcript = Transcript(turns=(), ended_by=ended_by, error=error)
    goals = tuple(each for each in found if isinstance(each, GoalProgress))
    checks = tuple(each for each in found if isinstance(each, Check))
    return decide_verdict(transcript, Assessment(goals=goals, checks=checks))


@pytest.mark.parametrize(
    ("ended_by", "found", "outcome"),
    [
        ("goal_reached", (goal(True),), "passed"),
        ("goal_reached", (goal(True), check(True)), "passed"),
        ("goal_reached", (check(True),), "passed"),
        ("goal_reached", (goal(True), check(False)), "failed"),
        ("goal_reached", (goal(True), check(None)), "inconclusive"),
        ("goal_reached", (goal(None),), "inconclusive"),
        ("goal_reached", (), "inconclusive"),
        ("limit", (goal(False),), "failed"),
        ("limit", (goal(True), goal(None)), "inconclusive"),
        ("limit", (goal(False), goal(None)), "failed"),
        ("steps", (goal(True), goal(False, asked=False)), "inconclusive"),
        ("steps", (goal(False), goal(False, asked=False)), "failed"),
        ("steps", (goal(True),), "passed"),
        ("fallback_loop", (goal(None),), "failed"),
        ("fallback_loop", (goal(False, asked=False),), "failed"),
        ("fallback_loop", (goal(True),), "passed"),
        ("goodbye_loop", (goal(None),), "inconclusive"),
        ("goodbye_loop", (goal(True), goal(None, asked=False)), "failed"),
        ("goodbye_loop", (goal(True),), "passed"),
        ("budget", (goal(False),), "inconclusive"),
        ("cancelled", (goal(False),), "cancelled"),
        ("simulator_error", (goal(True),), "void"),
        ("assistant_error", (goal(True),), "assistant_error"),
        ("timeout", (goal(True),), "assistant_error"),
        ("harness_error", (goal(False),), "harness_error"),
    ],
)
def test_the_outcome(ended_by: EndedBy, found: tuple[GoalProgress | Check, ...], outcome: Outcome) -> None:
    assert verdict(ended_by, *found).outcome == outcome


@pytest.mark.parametrize(
    ("ended_by", "blame"),
    [("simulator_error", "simulator"), ("timeout", "assistant"), ("harness_error", "harness"), ("limit", "assistant")],
)
def test_the_blame(ended_by: EndedBy, blame: str) -> None:
    assert verdict(ended_by, goal(False)).blame == blame


def test_nobody_is_to_blame_for_what_cannot_be_told() -> None:
    assert verdict("limit", goal(None)).blame is None


def test_only_a_pass_has_no_reason() -> None:
    assert verdict("goal_reached", goal(True)).reasons == ()
    assert verdict("limit", goal(False)).reasons == ("not answered: a large pizza",)
    assert verdict("goal_reached").reasons == ("nothing could be checked: there are no goals and no checks",)
    assert verdict("budget").reasons == ("stopped: the budget is used up",)


def test_an_error_speaks_for_itself() -> None:
    assert verdict("timeout", error="no answer within 60 s").reasons == ("no answer within 60 s",)


def test_what_is_known_to_be_wrong_comes_first_and_nothing_twice() -> None:
    found = verdict(
        "fallback_loop",
        goal(False, reason="no pizza"),
        goal(False, reason="no pizza"),
        check(False, "wrong size"),
        goal(None),
    )

    assert found.reasons == ("wrong size", "the assistant kept answering that it did not understand", "no pizza")


def test_there_are_at_most_five_reasons() -> None:
    assert len(verdict("limit", *(goal(False, reason=f"goal {letter}") for letter in "abcdefgh")).reasons) == 5


# --- scores -----------------------------------------------------------------------------------------------------------

TRANSCRIPT = Transcript(turns=(Turn(speaker="user", text="hi"),), ended_by="limit")
SCENARIO = Scenario(profile="pizza", number=1, seed=1, goals=())


async def test_every_metric_of_the_shelf_gives_a_score() -> None:
    scores = await score_transcript(TRANSCRIPT, SCENARIO, Assessment(goals=()))

    assert list(scores) == list(METRICS)
    assert scores["user_turns"].value == 1


@pytest.mark.parametrize("broken", [ZeroDivisionError("a secret detail"), float("nan")])
async def test_a_broken_metric_is_logged_and_unscored_and_the_others_go_on(
    broken: Exception | float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def score(_: ScoringContext) -> Score:
        if isinstance(broken, Exception):
            raise broken
        return Score(value=broken, reason="?")

    metric = Metric(name="broken", better="higher", unit="share", description="Breaks.", score=score)
    monkeypatch.setattr(jobs.scoring, "METRICS", Shelf("metric", [metric, METRICS["user_turns"]]))

    with caplog.at_level(logging.ERROR):
        scores = await score_transcript(TRANSCRIPT, SCENARIO, Assessment(goals=()))

    assert scores["broken"].value is None
    assert "secret detail" not in scores["broken"].reason
    assert scores["user_turns"].value == 1
    assert "'broken'" in caplog.text
