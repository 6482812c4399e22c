"""What a workspace has spent this calendar month (UTC), and whether that leaves room for another run."""

from dataclasses import dataclass
from datetime import datetime

from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import WorkspaceId


@dataclass(frozen=True, kw_only=True)
class Spending:
    """Dollars of a month over all ``runs`` and live ``threads``; ``unknown`` is how many of them had a price that is
    not known."""

    total_usd: float
    runs: int
    unknown: int
    threads: int = 0


async def spent_this_month(workspace_id: WorkspaceId, ports: Ports) -> Spending:
    """What the finished runs and the live threads of this month have cost."""
    since = month_of(ports.clock.now())
    of_runs = await ports.store.runs.costs_since(workspace_id, since)
    of_threads = await ports.store.live.costs_since(workspace_id, since)
    costs = (*of_runs, *of_threads.values())
    known = [cost for cost in costs if cost is not None]
    return Spending(total_usd=sum(known), runs=len(of_runs), unknown=len(costs) - len(known), threads=len(of_threads))


async def require_budget(workspace_id: WorkspaceId, ports: Ports) -> None:
    """Raises RequestError when this month's budget of the workspace is used up."""
    budget = (await ports.store.workspaces.settings(workspace_id)).budget_usd
    if budget is None:
        return
    spent = await spent_this_month(workspace_id, ports)
    if spent.total_usd >= budget:
        raise RequestError(
            f"this month's budget of ${budget:.2f} is used up (${spent.total_usd:.2f} spent), so nothing was started; "
            "an approver can change it in convotest's Home tab"
        )


def month_of(now: datetime) -> datetime:
    """The beginning of the month."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
