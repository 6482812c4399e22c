"""From conversations to the answer: pairs, missing data, declared metrics, further looks, the picture."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest

from jobs.experiments.chart import experiment_chart
from jobs.experiments.experiment import ARMS, ArmRun, Experiment, ExperimentId, completed_pairs
from jobs.experiments.verdict import Played, judge_experiment
from jobs.model import (
    LOCAL_WORKSPACE,
    Assessment,
    Conversation,
    ConversationId,
    Goal,
    Outcome,
    Run,
    RunId,
    Scenario,
    Transcript,
    Turn,
    Verdict,
)

NOW = datetime(2026, 1, 5, tzinfo=UTC)
TEST = Experiment(
    id=ExperimentId("1"), workspace_id=LOCAL_WORKSPACE, target="pizza", a="a@1", b="b@2", state="finished",
    planned=40, created_at=NOW,
)  # fmt: skip
P, F, BROKEN = "passed", "failed", "assistant_error"


def played(
    outcomes: Sequence[str], *, repeats: int = 1, latency_ms: float = 100.0, personas: Sequence[str] = ("",)
) -> list[Played]:
    """One conversation an outcome; ``repeats`` of them share a scenario."""
    return [
        Played(round=1, conversation=_conversation(number, outcome, repeats, latency_ms, personas))
        for number, outcome in enumerate(outcomes, 1)
    ]


def _conversation(number: int, outcome: str, repeats: int, latency_ms: float, personas: Sequence[str]) -> Conversation:
    goal = f"pizza {(number - 1) // repeats}"
    turns = (
        Turn(speaker="user", text=goal),
        Turn(speaker="assistant", text="xoxb-123456789012-secretsecret", latency_ms=latency_ms + number),
    )
    return Conversation(
        id=ConversationId(str(number)),
        run_id=RunId("r"),
        number=number,
        scenario=Scenario(
            profile="pizza",
            number=number,
            seed=number,
            goals=(Goal(text=goal, template=goal),),
            persona=personas[number % len(personas)] or None,
        ),
        transcript=Transcript(turns=turns, ended_by="goal_reached"),
        verdict=Verdict(
            outcome=cast(Outcome, outcome), reasons=() if outcome == "passed" else ("the order was wrong",)
        ),
        assessment=Assessment(goals=()),
    )


def test_errors_are_missing_and_neither_failed_nor_hidden() -> None:
    a, b = played([P] * 40), played([BROKEN] * 4 + [P] * 36)
    summary = judge_experiment(TEST, a, b)

    assert summary.document["metrics"]["success"]["missing"] == 4
    assert summary.verdict == "no_difference_shown"
    assert any("4 of 40 conversations of B (b@2) neither passed nor failed" in note for note in summary.notes)


def test_repeats_of_a_scenario_are_not_more_scenarios() -> None:
    """Nine scenarios played four times are nine facts: too few."""
    summary = judge_experiment(TEST, played([P] * 36, repeats=4), played([F] * 36, repeats=4))

    assert summary.document["metrics"]["success"]["n"] == 9
    assert summary.verdict == "not_enough_data"
    assert summary.decision == "INCONCLUSIVE"


def test_flaky_scenarios_are_told() -> None:
    summary = judge_experiment(TEST, played([P, F] * 20, repeats=2), played([P] * 40, repeats=2))

    assert summary.flaky[0] == (
        "a@1: 20 scenarios came up more than once; two in a row pass in 0%, 20 sometimes pass and sometimes do not"
    )


def test_the_declared_metric_is_not_adjusted_for_the_others() -> None:
    a, b = played([P] * 34 + [F] * 6), played([P] * 40, latency_ms=200)
    success = judge_experiment(TEST, a, b).document["metrics"]["success"]

    assert success["p"] == success["p_adjusted"] < 0.05
    assert success["verdict"] == "b_better"


def test_a_further_look_has_to_be_clearer() -> None:
    a, b = played([P] * 34 + [F] * 6), played([P] * 40)
    first, second = [
        judge_experiment(replace(TEST, looks=looks), a, b).document["metrics"]["success"] for looks in (0, 1)
    ]

    assert second["p_adjusted"] == pytest.approx(2 * first["p_adjusted"])


def test_another_metric_can_be_declared() -> None:
    a, b = played([P] * 40, latency_ms=400), played([P] * 40)
    summary = judge_experiment(replace(TEST, metric="latency_ms"), a, b)

    assert summary.verdict == "b_better"
    assert summary.metrics[0].name == "latency"


def test_an_improvement_within_all_gates_is_approved() -> None:
    a, b = played([P] * 60 + [F] * 20), played([P] * 80)
    summary = judge_experiment(TEST, a, b)

    assert (summary.verdict, summary.decision) == ("b_better", "APPROVE")
    assert any("latency less than 110%" in gate for gate in summary.gates)


def test_a_broken_rule_rejects() -> None:
    a, b = played([P] * 60 + [F] * 20), played([P] * 80)
    a[0], b[0] = (
        Played(round=1, conversation=replace(each.conversation, rules={"never_rude": verdict}))
        for each, verdict in ((a[0], "pass"), (b[0], "fail"))
    )
    summary = judge_experiment(TEST, a, b)

    assert summary.decision == "REJECT"
    assert summary.gates == ("regression case 'never_rude': fail",)


def test_a_winner_found_early_is_the_verdict() -> None:
    stopped = replace(TEST, early_stop=True, early_winner="b", note="stopped early")
    summary = judge_experiment(stopped, played([F] * 10), played([P] * 10))

    assert summary.verdict == "b_better"
    assert summary.sentence.startswith("Stopped early in favour of b@2")


def test_with_looks_the_end_is_judged_by_the_test_that_allows_them() -> None:
    a, b = played([P] * 34 + [F] * 6), played([P] * 40)

    assert judge_experiment(TEST, a, b).verdict == "b_better"
    assert judge_experiment(replace(TEST, early_stop=True), a, b).verdict == "no_difference_shown"


def test_secrets_in_what_was_said_are_not_shown() -> None:
    summary = judge_experiment(TEST, played([P] * 12), played([F] * 12))

    assert len(summary.disagreements) == 3
    assert "xoxb" not in str(summary.disagreements)


@pytest.mark.parametrize("n", [0, 1, 12])
def test_nothing_and_next_to_nothing_is_an_answer_too(n: int) -> None:
    for a, b in ((played([P] * n), played([])), (played([P] * n), played([BROKEN] * n))):
        summary = judge_experiment(TEST, a, b)

        assert summary.verdict == "not_enough_data"
        assert summary.sentence
        assert experiment_chart(TEST, summary).startswith(b"\x89PNG")


def test_the_picture_shows_personas_and_fits_whatever_the_names() -> None:
    a, b = (played(o, personas=("curious", "rude", "漢" * 90)) for o in ([P] * 30, [P, F] * 15))
    summary = judge_experiment(replace(TEST, a="x" * 300), a, b)

    assert [group.name for group in summary.personas][:2] == ["curious", "rude"]
    for dark in (False, True):
        assert experiment_chart(replace(TEST, target="y" * 300), summary, dark=dark).startswith(b"\x89PNG")


def test_only_pairs_of_which_both_halves_are_judged_are_complete() -> None:
    runs = tuple(ArmRun(arm=arm, round=1, run=_run(arm)) for arm in ARMS)
    outcomes = {
        RunId("a"): {1: "passed", 2: "passed", 3: "failed", 4: "passed", 5: "passed"},
        RunId("b"): {1: "passed", 2: "failed", 3: "passed", 4: "assistant_error"},
    }

    assert completed_pairs(outcomes, runs) == {(1, 1): "both", (1, 2): "a", (1, 3): "b"}


def _run(name: str) -> Run:
    return Run(
        id=RunId(name), workspace_id=LOCAL_WORKSPACE, state="finished", target="pizza", profile="pizza", suite=None,
        assistant="pizza", variant=name, simulator="agenda", seed=1, planned=5, stamps={}, notes=(), started_by="",
        place=None, created_at=NOW,
    )  # fmt: skip


# --- several candidates ---------------------------------------------------------------------------------------------

SEVERAL = replace(TEST, more=("c@3", "d@4"))


def test_each_candidate_is_compared_with_the_baseline_and_the_risk_is_shared() -> None:
    a, b, c, d = played([P, F] * 20), played([P] * 33 + [F] * 7), played([P] * 33 + [F] * 7), played([F] * 40)
    alone = judge_experiment(TEST, a, b).document["metrics"]["success"]
    summary = judge_experiment(SEVERAL, a, b, c, d)

    assert [each.arm for each in summary.contrasts] == ["b", "c", "d"]
    assert [each.verdict for each in summary.contrasts] == ["b_better", "b_better", "b_worse"]
    assert summary.document["metrics"]["success"]["p"] == alone["p"] == alone["p_adjusted"]
    assert summary.document["metrics"]["success"]["p_adjusted"] == 2 * alone["p"]  # Holm: D's is smaller by far
    assert [each["b"]["variant"] for each in summary.document["others"]] == ["c@3", "d@4"]


def test_the_answer_leads_with_the_best_candidate_and_names_the_others() -> None:
    summary = judge_experiment(SEVERAL, played([P, F] * 20), played([F] * 40), played([P] * 40), played([P, F] * 20))

    assert (summary.leading.arm, summary.overall) == ("c", "b_better")
    assert summary.sentence.startswith("Take c@3: success is 50% with a@1 and 100% with c@3")
    assert summary.sentence.endswith(
        "Of the other candidates: b@2 is worse than the baseline; d@4 shows no difference from the baseline."
    )


def test_when_every_candidate_is_worse_that_is_the_verdict() -> None:
    summary = judge_experiment(SEVERAL, played([P] * 40), played([F] * 40), played([F] * 40), played([F] * 40))

    assert summary.overall == "b_worse"
    assert {each.decision for each in summary.contrasts} == {"REJECT"}


def test_the_pairs_that_disagree_know_both_conversations() -> None:
    summary = judge_experiment(SEVERAL, played([P] * 40), played([P] * 40), played([F] * 40), played([P] * 40))
    [_, of_c, _] = summary.contrasts

    assert (of_c.only_a, of_c.only_candidate) == (40, 0)
    first = of_c.disagreements[0]
    assert (first.passed, first.failed, first.of_a, first.of_candidate) == ("a", "c", "r:1", "r:1")


def test_the_picture_has_a_place_for_six_arms() -> None:
    personas = ("curious", "rude")
    arms = [played([P, F, P] * 10, personas=personas) for _ in range(6)]
    summary = judge_experiment(replace(TEST, more=("c@3", "d@4", "e@5", "f@6")), *arms[:2], *arms[2:])

    assert experiment_chart(replace(TEST, more=("c@3", "d@4", "e@5", "f@6")), summary).startswith(b"\x89PNG")


def test_arms_that_share_few_customers_get_the_gates_of_independent_arms() -> None:
    a, b = played([P] * 40), [replace(each, round=2) for each in played([F] * 40)]
    summary = judge_experiment(TEST, a, b)

    assert summary.document["design"] == "unpaired"
    assert summary.decision == "REJECT"
    assert any("in 40 results an arm" in gate for gate in summary.gates)


def test_flaky_scenarios_are_named_with_how_often_they_pass() -> None:
    summary = judge_experiment(TEST, played([P, F, P] * 10, repeats=3), played([P] * 30, repeats=3))

    assert "two in a row pass in 33%, 3 in a row in 0% of 10, 10 sometimes pass" in summary.flaky[0]
    assert summary.flaky[1].startswith("flaky with a@1: pizza 0 (2 of 3 passed); ")
    assert summary.flaky[1].endswith("and 5 more")
