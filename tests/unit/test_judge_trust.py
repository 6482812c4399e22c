"""A judge's metric decides only when enough people rated the same conversations and agree with it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.blocks._agreement import judged_lines
from jobs.bundle import Ports
from jobs.experiments.gates import approval
from jobs.feedback.agreement import Agreement, JudgeTrust
from jobs.feedback.rating import About, Rating, Vote
from jobs.feedback.trust import judge_trust
from jobs.model import (
    Assessment,
    Conversation,
    ConversationId,
    Gate,
    Run,
    RunRequest,
    Scenario,
    Score,
    Transcript,
    Turn,
    Verdict,
    WorkspaceId,
)
from jobs.report import RunReport, build_report, exit_code
from jobs.report.as_html import to_html
from jobs.report.as_json import to_json
from jobs.runs import run_report, start_run
from jobs.store._rows import run_row
from jobs.store.runs import RUN
from jobs.testing import testing_ports

TEAM = WorkspaceId("T1")
TRUSTED = Agreement(same=0.6, kappa=0.61, bias=0.1, n=84)
GATE = Gate(measure="helpfulness", at_least=0.99)


def trust(agreement: Agreement | None, floor: float = 0.4) -> JudgeTrust:
    return JudgeTrust(floor=floor, agreement={"helpfulness": agreement} if agreement else {})


@pytest.mark.parametrize(
    ("agreement", "says", "greyed"),
    [
        (TRUSTED, "agrees with your team: κ 0.61, n = 84", False),
        (replace(TRUSTED, kappa=0.2), "does not agree enough with your team: κ 0.20, n = 84", False),
        (replace(TRUSTED, kappa=None), "does not agree enough with your team: κ undefined", False),
        (replace(TRUSTED, n=29), "too few ratings of your team to compare with: κ 0.61, n = 29 of 30", True),
        (None, "nobody of your team has rated these conversations yet (n = 0)", True),
    ],
)
def test_what_stands_beside_a_judges_metric(agreement: Agreement | None, says: str, greyed: bool) -> None:
    assert trust(agreement).words("helpfulness").startswith(says)
    assert trust(agreement).is_shown_greyed("helpfulness") is greyed


@pytest.mark.parametrize(
    ("agreement", "floor", "decides"),
    [
        (TRUSTED, 0.4, True),
        (TRUSTED, 0.7, False),
        (replace(TRUSTED, n=29), 0.4, False),
        (replace(TRUSTED, kappa=None), 0.4, False),
        (None, 0.4, False),
        (None, -1.0, True),
    ],
)
def test_what_a_judges_metric_may_decide(agreement: Agreement | None, floor: float, decides: bool) -> None:
    assert (trust(agreement, floor).objection("helpfulness") is None) is decides


def test_an_experiment_is_not_approved_by_a_metric_that_is_not_trusted() -> None:
    found = approval([], primary="b_better", regressions={}, objection="the judge agrees too little")

    assert found.decision == "INCONCLUSIVE"
    assert "the judge agrees too little" in found.reasons[0]


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncGenerator[Ports]:
    async with testing_ports(tmp_path) as ports:
        yield ports


async def graded_run(ports: Ports, scores: Sequence[float]) -> Run:
    """A finished run of a suite with one gate, whose conversations a judge graded so."""
    request = RunRequest(target="pizza", assistant="pizza@good", n=len(scores), seed=1, workspace_id=TEAM)
    run = await start_run(request, ports)
    graded = replace(run, stamps={**run.stamps, "judge": "judge-1"}, suite="pizza", gates=(GATE,))
    details = run_row(graded, "k")["details"]
    await ports.store.writer.run(lambda connection: connection.execute(RUN.update().values(details=details)))
    planned = await ports.store.runs.to_play(run.id, first=1, last=len(scores))
    for (number, score), each in zip(enumerate(scores, 1), planned, strict=True):
        await ports.store.runs.begin_attempt(each.id)
        await ports.store.runs.finish_conversation(graded_conversation(graded, number, score, each.id))
    return graded


def graded_conversation(run: Run, number: int, score: float, id: str = "") -> Conversation:
    return Conversation(
        id=ConversationId(id),
        run_id=run.id,
        number=number,
        scenario=Scenario(profile="pizza", number=number, seed=1, goals=()),
        transcript=Transcript(turns=(Turn(speaker="user", text="Hi"),), ended_by="goal_reached"),
        verdict=Verdict(outcome="passed"),
        assessment=Assessment(goals=()),
        scores={"helpfulness": Score(value=score, reason="said so")},
    )


def report_of(run: Run, scores: Sequence[float], known: JudgeTrust | None) -> RunReport:
    finished = replace(run, state="finished", suite="pizza", gates=(GATE,))
    conversations = [graded_conversation(run, number, score) for number, score in enumerate(scores, 1)]
    return build_report(finished, conversations, None, known)


async def test_a_gate_on_an_untrusted_judge_decides_nothing_and_says_why(ports: Ports) -> None:
    run = await start_run(RunRequest(target="pizza", assistant="pizza@good", n=2, workspace_id=TEAM), ports)

    broken = report_of(run, [0.5, 0.75], trust(TRUSTED))
    unused = report_of(run, [0.5, 0.75], trust(replace(TRUSTED, n=12)))

    assert unused.summary.gates is not None
    (gate,) = unused.summary.gates
    assert (gate.applies, gate.ok) == (False, None)
    assert "helpfulness decides nothing: a judge's metric decides from 30 conversations" in gate.reason
    assert (exit_code(broken), exit_code(unused)) == (1, 0)


async def test_the_agreement_stands_in_card_page_and_document(ports: Ports) -> None:
    run = await start_run(RunRequest(target="pizza", assistant="pizza@good", n=2, workspace_id=TEAM), ports)
    report = report_of(run, [0.5, 0.75], trust(TRUSTED))

    said = "agrees with your team: κ 0.61, n = 84"
    assert said in str(list(judged_lines(report.summary)))
    assert said in to_html(report).decode()
    assert to_json(report)["agreement"]["helpfulness"] == {
        "same": 0.6, "kappa": 0.61, "bias": 0.1, "n": 84, "enough": True, "may_decide": True,
    }  # fmt: skip
    assert '<span class="quiet">' in to_html(report_of(run, [0.5], trust(None))).decode()


async def test_the_agreement_is_that_of_the_same_judge_with_each_persons_latest_stars(ports: Ports) -> None:
    scores = [0.0, 0.25, 0.5, 0.75, 1.0] * 6
    run = await graded_run(ports, scores)
    conversations = await ports.store.runs.conversations(run.id)
    said = [
        Rating(
            workspace_id=TEAM,
            key=f"{each.number}:{minute}",
            source="run",
            vote=Vote(kind="stars", value=stars),
            at=ports.clock.now().replace(minute=minute),
            about=About(conversation_id=each.id),
            member_id="U1",
        )
        for each in conversations
        for minute, stars in ((1, 1), (2, round(scores[each.number - 1] * 4) + 1))
    ]
    await ports.store.feedback.save(said)

    known = await judge_trust(run, ports)
    other = await judge_trust(replace(run, stamps={"judge": "judge-2"}), ports)

    assert known is not None
    assert other is not None
    assert known.agreement["helpfulness"] == Agreement(same=1.0, kappa=1.0, bias=0.0, n=30)
    assert other.agreement == {}
    assert await judge_trust(replace(run, stamps={}), ports) is None
    assert (await run_report(run, ports)).summary.trust == known
