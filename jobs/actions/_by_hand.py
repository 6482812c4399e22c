"""A change that somebody has thought of, as they wrote it down."""

from typing import Any, cast

import yaml

from jobs.actions import ACTION_TYPES
from jobs.actions._action import Action
from jobs.actions._edits import parse_edits
from jobs.actions._propose import propose_by_hand
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import Place, WorkspaceId
from jobs.variants import find_variant

NEEDED = ("title", "kind", "assistant", "target", "changes")
ALLOWED = (*NEEDED, "why", "reason")


async def propose_file(
    text: str, by: str, workspace_id: WorkspaceId, ports: Ports, *, channel_id: str | None = None
) -> Action:
    """The action that the YAML describes; raises RequestError that says what is wrong with it."""
    try:
        parsed: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RequestError(f"the proposal cannot be read as YAML ({str(error).splitlines()[0]})") from error
    fields = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    missing = [name for name in NEEDED if name not in fields]
    if missing or fields.keys() - set(ALLOWED):
        raise RequestError(f"a proposal has {', '.join(NEEDED)}, and if you like why and reason; missing: {missing}")
    variant = await find_variant(str(fields["assistant"]), workspace_id=workspace_id, ports=ports)
    return await propose_by_hand(
        title=str(fields["title"])[:200],
        kind=ACTION_TYPES.find(str(fields["kind"])).name,
        edits=parse_edits(yaml.safe_dump(fields["changes"]), variant.config),
        assistant=str(fields["assistant"]),
        target=str(fields["target"]),
        by=by,
        workspace_id=workspace_id,
        ports=ports,
        why=str(fields.get("why", ""))[:400],
        reason=str(fields["reason"])[:300] if fields.get("reason") else None,
        place=Place(workspace_id=workspace_id, channel_id=channel_id) if channel_id else None,
    )
