"""Who may do what: decided when it is asked for, never from what a message says."""

from dataclasses import dataclass
from typing import Literal

from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import WorkspaceId
from jobs.settings import Settings

Standing = Literal["admin", "member", "guest", "stranger", "deactivated", "app"]
"""What somebody is in a workspace; a ``stranger`` belongs to another one and is here by a shared channel."""
Right = Literal["read", "use", "approve"]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who asks for something."""

    id: str
    standing: Standing


class NotAllowed(RequestError):
    """Somebody may not do what they asked for; the text says who may."""


async def require_right(
    right: Right,
    person: Person,
    verb: str,
    workspace_id: WorkspaceId,
    ports: Ports,
    *,
    place: str = "",
    proposer: str | None = None,
) -> None:
    """Let it pass, or record the refusal and raise NotAllowed.

    Args:
        verb: what is asked for, as the audit shall have it.
        proposer: who proposed, by hand, what is now to be approved.
    """
    approvers = await approvers_of(workspace_id, ports) if right == "approve" else frozenset[str]()
    reason = refusal(right, person, approvers=approvers, proposer=proposer)
    if reason is None:
        return
    await ports.store.audit.record(workspace_id, person.id, verb, outcome="refused", detail=reason, place=place)
    raise NotAllowed(f"{reason} Nothing was changed.")


def refusal(right: Right, person: Person, *, approvers: frozenset[str], proposer: str | None = None) -> str | None:
    """Why it is not allowed, or None. Without any approver the admins of the workspace are the approvers."""
    match person.standing:
        case "stranger":
            return "Only members of this workspace can do this; you are here from another one."
        case "deactivated":
            return "This account is deactivated."
        case "app":
            return "Only people can do this, apps cannot."
        case "guest" if right == "approve":
            return "Guests cannot do this; an approver can."
        case _:
            pass
    if right != "approve":
        return None
    is_approver = person.id in approvers if approvers else person.standing == "admin"
    if not is_approver:
        return "This needs an approver; convotest's Home tab says who the approvers are."
    if person.id == proposer:
        return "Whoever proposed it cannot approve it; another approver has to."
    return None


async def approvers_of(workspace_id: WorkspaceId, ports: Ports) -> frozenset[str]:
    """Those of the installation's settings and those that the workspace has set."""
    saved = await ports.store.workspaces.settings(workspace_id)
    return configured_approvers(ports.settings, workspace_id) | frozenset(saved.approvers)


def configured_approvers(settings: Settings, workspace_id: WorkspaceId) -> frozenset[str]:
    """CONVOTEST_APPROVERS: with several workspaces only ``WORKSPACE:MEMBER`` counts, since a member's id alone may
    be somebody else's in another workspace."""
    is_alone = settings.slack_client_id is None
    named = (each.rpartition(":") for each in settings.convotest_approvers)
    return frozenset(member for home, _, member in named if home == workspace_id or (is_alone and not home))
