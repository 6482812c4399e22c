"""Who is served by which variant, and that it was noted."""

from jobs.bundle import Ports
from jobs.model import Variant, WorkspaceId
from jobs.rollout.rollout import Source, arm_of, customer_of
from jobs.variants import variant_in_force


async def assign(assistant: str, key: str, workspace_id: WorkspaceId, ports: Ports, *, source: Source) -> Variant:
    """The variant that serves the customer; during a rollout it is noted that they were met."""
    rollout = await ports.store.rollouts.open_for(workspace_id, assistant)
    if rollout is None:
        return await variant_in_force(assistant, workspace_id, ports)
    ports.catalogue.assistant(assistant, workspace_id=workspace_id)  # raises for an assistant of somebody else's
    arm = arm_of(rollout.id, key, rollout.share)
    await ports.store.rollouts.meet(rollout, customer_of(rollout.id, key), source=source, arm=arm)
    return rollout.variant(arm)


async def note_failure(assistant: str, key: str, workspace_id: WorkspaceId, ports: Ports) -> None:
    rollout = await ports.store.rollouts.open_for(workspace_id, assistant)
    if rollout is not None:
        await ports.store.rollouts.failed(rollout, customer_of(rollout.id, key))
