"""An action to test with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.actions._action import Action, ActionId, Content, Edit, Problem, Progress, shown_hash
from jobs.model import WorkspaceId

WHEN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WORKSPACE = WorkspaceId("T1")
DRINK = "the confirmed order left out the drink"
EDIT = Edit(path=("flow", "order"), before=["pizza"], removes=True)


def an_action(number: int = 1, *, problem: str = DRINK, progress: Progress | None = None, **values: Any) -> Action:
    content = Content(
        title="Put everything on the order",
        problem=Problem(kind="reason", key=problem, text=problem, touched=10, alone=4, n=10),
        edits=(EDIT,), diff=('- flow.order: ["pizza"]',), base="faulty", base_hash="x", expected=None, priority="high",
        effort="low", targets=("success",), target="pizza", seed=7, conversations=120, cost_usd=0.0,
    )  # fmt: skip
    action = Action(
        id=ActionId(f"0199aaaa-0000-7000-8000-{number:012x}"), workspace_id=WORKSPACE, assistant="pizza", kind="flow",
        state="proposed", version=1, hash=shown_hash(content, 1), proposer="convotest", content=content, run_id=None,
        place=None, created_at=WHEN, expires_at=WHEN + timedelta(days=14), progress=progress or Progress(pairs=60),
    )  # fmt: skip
    return replace(action, **values)
