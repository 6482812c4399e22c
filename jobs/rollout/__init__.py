"""Rollouts: a candidate serves a growing share of live threads, and is taken back when it does harm."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.bundle import Ports
    from jobs.model import Variant, WorkspaceId
    from jobs.rollout.rollout import Source

# Imported inside: the store takes its values from this folder, and what is imported here needs the store.


async def variant_for(
    assistant: str, key: str, workspace_id: "WorkspaceId", ports: "Ports", *, source: "Source" = "live"
) -> "Variant":
    """The variant that serves this customer: during a rollout by a stable share of the keys, else the one in force.

    Args:
        key: what stays the same for one customer or thread, such as the thread's id; it is kept only as a hash.
    """
    from jobs.rollout.assignment import assign

    return await assign(assistant, key, workspace_id, ports, source=source)


async def note_failure(assistant: str, key: str, workspace_id: "WorkspaceId", ports: "Ports") -> None:
    """The assistant failed this customer (no answer, an error): it counts against the variant that served them."""
    from jobs.rollout.assignment import note_failure as note

    await note(assistant, key, workspace_id, ports)
