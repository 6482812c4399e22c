"""What it has cost, and what is left of the budget."""

from jobs.bundle import Ports
from jobs.digest._digest import DigestPart, Line
from jobs.digest._section import DigestScope, DigestSection
from jobs.report.words import dollars
from jobs.spending import month_of

NEARLY_USED_UP = 0.9


async def build(scope: DigestScope, ports: Ports) -> DigestPart | None:
    store = ports.store
    costs = await store.runs.costs_since(scope.workspace_id, scope.since)
    month = await store.runs.costs_since(scope.workspace_id, month_of(scope.until))
    if not costs and not month:
        return None
    budget = (await store.workspaces.settings(scope.workspace_id)).budget_usd
    spent = _sum(month)
    unknown = sum(cost is None for cost in costs)
    told = f"{dollars(_sum(costs))} for {len(costs)} run{'' if len(costs) == 1 else 's'}"
    told += f", {unknown} of them at an unknown price" if unknown else ""
    told += f"; {dollars(spent)} this month" + (f" of {dollars(budget)}" if budget is not None else "")
    scarce = budget is not None and spent >= NEARLY_USED_UP * budget
    return DigestPart(
        name=SECTION.name,
        title=SECTION.title,
        lines=(Line(text=told, tone="bad" if scarce else "plain"),),
        is_news=scarce,
        verdict="the month's budget is nearly used up" if scarce else None,
        tone="unsure" if scarce else "plain",
    )


def _sum(costs: tuple[float | None, ...]) -> float:
    return sum(cost for cost in costs if cost is not None)


SECTION = DigestSection(name="cost", title="Cost", build=build)
