"""Actions that wait for somebody's decision."""

from jobs.announce import action_card_key
from jobs.bundle import Ports
from jobs.digest._digest import DigestPart, Line
from jobs.digest._section import DigestScope, DigestSection

MOST_LINES = 3


async def build(scope: DigestScope, ports: Ports) -> DigestPart | None:
    waiting = await ports.store.actions.waiting(scope.workspace_id)
    if not waiting:
        return None
    lines = [
        Line(
            text=f"{each.content.title} ({each.content.priority} priority, waits since {each.created_at:%d %b})",
            key=action_card_key(each.id),
        )
        for each in waiting
    ]
    new = [each for each in waiting if each.created_at >= scope.since]
    number = f"{len(waiting)} action{' waits' if len(waiting) == 1 else 's wait'} for a decision"
    return DigestPart(
        name=SECTION.name,
        title=number,
        lines=tuple(lines[:MOST_LINES]),
        details=tuple(lines) if len(lines) > MOST_LINES else (),
        is_news=bool(new),
        verdict=number if new else None,
        brief=number,
    )


SECTION = DigestSection(name="actions", title="Actions", build=build)
