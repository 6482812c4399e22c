"""What the announcements of actions and rollouts look like now: read from the store when they are sent."""

from collections.abc import Awaitable, Callable, Mapping

from bot.blocks import Message, note
from bot.blocks.actions import Deciding, action_card
from bot.blocks.rollout import rollout_card
from bot.poster import Upload
from jobs.actions._action import Action
from jobs.actions._verify import experiments_of
from jobs.bundle import Ports
from jobs.model import AnnouncementKind, OutboxItem
from jobs.permissions import approvers_of

GONE = "This is not known any more."


async def deciding_of(action: Action, ports: Ports) -> Deciding:
    """Who may decide it, and how far its verification is."""
    experiments = await experiments_of(action, ports)
    runs = [each.run for every in experiments for each in every.runs]
    outcomes = await ports.store.experiments.outcomes([each.id for each in runs]) if runs else {}
    return Deciding(
        approvers=sorted(await approvers_of(action.workspace_id, ports)),
        quorum=ports.settings.convotest_quorum,
        played=sum(len(each) for each in outcomes.values()),
        planned=sum(each.planned for each in runs),
    )


async def _action(item: OutboxItem, ports: Ports) -> Message:
    action = await ports.store.actions.get(str(item.announcement.ref["action_id"]))
    if action is None or action.workspace_id != item.announcement.place.workspace_id:
        return note(GONE)
    return action_card(action, await deciding_of(action, ports))


async def _rollout(item: OutboxItem, ports: Ports) -> Message:
    rollout = await ports.store.rollouts.get(str(item.announcement.ref["rollout_id"]))
    if rollout is None or rollout.workspace_id != item.announcement.place.workspace_id:
        return note(GONE)
    return rollout_card(rollout)


ACTION_RENDERERS: Mapping[AnnouncementKind, Callable[[OutboxItem, Ports], Awaitable[Message | Upload]]] = {
    "action_card": _action,
    "rollout_card": _rollout,
}
