"""Actions and rollouts for the gallery."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.blocks import Json
from bot.blocks.actions import Deciding, WaitingAction
from jobs.actions._action import (
    Action,
    ActionId,
    ActionState,
    Content,
    Delivery,
    Edit,
    Expected,
    Outcome,
    Problem,
    Progress,
    Quote,
)
from jobs.actions._edits import diff_of
from jobs.model import Place, Variant, WorkspaceId
from jobs.rollout.rollout import ArmFigures, Look, Measure, Rollout, RolloutId, RolloutState, Split, Stage

WORKSPACE = WorkspaceId("T0LOCAL")
WHEN = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
DECIDING = Deciding(approvers=("U0ADA",), quorum=2, played=40, planned=120)


def an_action(name: str, said: str, reason: str, count: int, state: ActionState) -> Action:
    paths = [("templates", f"{name[:200]}{n}") for n in range(min(count, 30))]
    edits = tuple(Edit(path=path, before=said, after=reason) for path in paths)
    quotes = tuple(Quote(text=said, speaker="assistant", run_id="r", number=n) for n in range(1, min(count, 4)))
    problem = Problem(
        kind="reason", key=reason[:100], text=reason, touched=count, alone=count // 2, n=count, quotes=quotes,
        numbers=tuple(range(1, count + 1)),
    )  # fmt: skip
    expected = Expected(share=0.8, low=0.6, high=0.9, n=count, success=0.3) if count else None
    content = Content(
        title=name, problem=problem, edits=edits, diff=diff_of(edits), base=name, base_hash="0" * 64, expected=expected,
        priority="high", effort="low", targets=("success", "completeness"), target=name, seed=7, conversations=120,
        cost_usd=None if count > 10 else 0.25, proof=reason,
    )  # fmt: skip
    return Action(
        id=ActionId("0199aaaa-0000-7000-8000-00001234abcd"), workspace_id=WORKSPACE, assistant=name, kind="template",
        state=state, version=1, hash="abcd", proposer="convotest", content=content, run_id=None,
        place=Place(workspace_id=WORKSPACE, channel_id="C0QUALITY"), created_at=WHEN,
        expires_at=WHEN + timedelta(days=14), decided_by="U0ADA" if state != "proposed" else None,
        candidate=f"{name[:50]}-1" if state in ("applied", "verified") else None,
        note=reason if state in ("rejected", "rolled_back") else None, progress=Progress(votes=("U0ADA",)),
    )  # fmt: skip


def judged(action: Action, reason: str) -> Action:
    """With what its verification has shown."""
    decision = "INCONCLUSIVE" if action.state == "applied" else "APPROVE"
    outcome = Outcome(
        decision=decision, reasons=(reason,) * 6, pairs=58, problem_before=50, problem_after=3, success_before=5,
        success_after=52, improvement=0.81, low=0.7, high=0.9,
    )  # fmt: skip
    return replace(action, progress=replace(action.progress, outcome=outcome, live=reason))


def told(action: Action, reason: str) -> Action:
    """One whose owner has to be told."""
    progress = replace(action.progress, delivery=Delivery(state="waiting", attempts=2, error=reason))
    return replace(action, kind="external", progress=progress)


def waiting(action: Action, count: int) -> list[WaitingAction]:
    return [WaitingAction(action=action, link="https://slack.com/archives/C0/p1")] * count


def a_rollout(name: str, reason: str, count: int, state: RolloutState) -> Rollout:
    def variant(suffix: str) -> Variant:
        return Variant(assistant=name, name=f"{name}{suffix}", connector="demo", config={}, hash="0" * 64)

    def figures(bad: int) -> ArmFigures:
        return ArmFigures(bad=min(bad, count), n=count)

    measures = tuple(
        Measure(crowd=crowd, name=what, baseline=figures(3), candidate=figures(1), evidence=1.0)
        for crowd in ("people", "simulated")
        for what in ("csat", "thumbs", "errors")
    )
    split = Split(crowd="people", stage=0, share=0.1, baseline=9 * count, candidate=count, p=0.0001)
    return Rollout(
        id=RolloutId("0199aaaa-0000-7000-8000-00001234abcd"), workspace_id=WORKSPACE, assistant=name, state=state,
        stage=0 if state == "running" else 2, shares=(0.1, 0.5, 1.0), baseline=variant(""), candidate=variant("-1"),
        action_id=None, window_s=86_400, started_by="U0ADA", place=None, parent_key=None, target=name,
        stages=(Stage(share=0.1, at=WHEN, by="U0ADA"),), created_at=WHEN, stage_at=WHEN,
        note=reason if state == "rolled_back" else None,
        look=Look(measures=measures, splits=(split,)) if count else Look(),
    )  # fmt: skip


def as_home(section: list[Json]) -> Json:
    return {"type": "home", "blocks": section}
