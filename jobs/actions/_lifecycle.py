"""What people decide about actions: approve, reject, put off, edit, verify with more pairs, roll out."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from jobs.actions._action import Action, ActionState, Edit, Progress, Shown, with_content
from jobs.actions._edits import diff_of
from jobs.actions._faults import reached
from jobs.actions._propose import check_change
from jobs.announce import action_card_key, card_key, rollout_started
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import RunId, Variant, WorkspaceId
from jobs.rollout.lifecycle import audited, planned_rollout
from jobs.rollout.rollout import Rollout
from jobs.store.actions import Vote
from jobs.store.rollouts import Audited, create_rollout
from jobs.variants import find_variant, variant_in_force

LATER = timedelta(days=1)
LONGEST_REASON = 500

MayApprove = Callable[[str], Awaitable[bool]]
"""Whether somebody may approve now."""


async def find_action(text: str, workspace_id: WorkspaceId, ports: Ports) -> Action:
    """The action that a person means: ``last``, the end of its id, or all of it; raises RequestError."""
    wanted = text.strip().strip("`").lower()
    if wanted == "last":
        newest = next(iter(await ports.store.actions.recent(workspace_id, limit=1)), None)
        if newest is None:
            raise RequestError("nothing has been proposed yet; runs that fail propose what may mend them")
        return newest
    found = await ports.store.actions.by_id_end(workspace_id, wanted) if len(wanted) >= 4 else ()
    if len(found) != 1:
        problem = "fits several actions; give more of its id" if found else "is no action; `actions list` shows them"
        raise RequestError(f"{text!r} {problem}")
    return found[0]


async def existing_action(action_id: str, workspace_id: WorkspaceId, ports: Ports) -> Action:
    action = await ports.store.actions.get(action_id)
    if action is None or action.workspace_id != workspace_id:
        raise RequestError("this action is not known here any more")
    return action


async def approve(
    shown: Shown, *, by: str, workspace_id: WorkspaceId, ports: Ports, may_approve: MayApprove, place: str = ""
) -> tuple[Action, Vote]:
    """Approve exactly what was shown; with enough approvals the change is made.

    Raises:
        RequestError: somebody else has decided, it is not what was shown, or it cannot be made any more.
    """
    action = await existing_action(shown.action_id, workspace_id, ports)
    if by in action.authors:
        reason = "Whoever proposed or edited it cannot approve it; another approver has to."
        await _refused(action, by, "action approve", reason, place, ports)
        raise RequestError(f"{reason} Nothing was changed.")
    if action.state == "proposed" and (action.version, action.hash) == (shown.version, shown.hash):
        check_change(action, await parent_of(action, ports), ports)  # what cannot be made is not approved either
    voters = await ports.store.actions.voters(action)
    allowed = frozenset([each for each in voters if await may_approve(each)])
    quorum = ports.settings.convotest_quorum
    what = Audited(member_id=by, verb="action approve", detail=_said(action), place=place)
    seen = replace(action, version=shown.version, hash=shown.hash)
    vote = await ports.store.actions.approve(
        seen, by, quorum=quorum, still_allowed=allowed, what=what, cards=cards_of(action)
    )
    if vote.result == "approved":
        reached("approved")
        ports.bell.ring()
    if vote.result in ("decided", "stale", "expired"):
        await _refused(action, by, "action approve", vote.result, place, ports)
    match vote.result:
        case "stale":
            raise RequestError(
                f"{action.name} was changed after this was shown; look at it as it is now and decide then"
            )
        case "expired":
            raise RequestError(f"{action.name} has expired; it is proposed again if the problem is still there")
        case "decided":
            now = await existing_action(action.id, workspace_id, ports)
            raise RequestError(f"{action.name} is {_state(now)} already; nothing was changed by you")
        case _:
            return await existing_action(action.id, workspace_id, ports), vote


async def reject(
    shown: Shown, *, by: str, reason: str, workspace_id: WorkspaceId, ports: Ports, place: str = ""
) -> Action:
    """Refuse it; the same change is not proposed again.

    Raises:
        RequestError: it is decided already, or it is not what was shown.
    """
    action = await existing_action(shown.action_id, workspace_id, ports)
    _require_as_shown(action, shown)
    if action.state not in ("proposed", "applied"):
        raise RequestError(f"{action.name} is {_state(action)} already; nothing was changed")
    if action.state == "applied" and action.progress.outcome is None:
        raise RequestError(f"{action.name} is being verified; wait for what it shows")
    note = " ".join(reason.split())[:LONGEST_REASON]
    what = Audited(member_id=by, verb="action reject", detail=f"{_said(action)}: {note}", place=place)
    now = ports.clock.now()
    return await _moved(action, "rejected", what, ports, note=note or "no reason given", decided_at=now, decided_by=by)


async def put_off(shown: Shown, *, by: str, workspace_id: WorkspaceId, ports: Ports, place: str = "") -> Action:
    """Ask again tomorrow."""
    action = await existing_action(shown.action_id, workspace_id, ports)
    _require_proposed(action)
    what = Audited(member_id=by, verb="action later", detail=_said(action), place=place)
    return await _moved(action, None, what, ports, asleep_until=ports.clock.now() + LATER)


async def edit(
    shown: Shown,
    *,
    by: str,
    edits: Sequence[Edit],
    workspace_id: WorkspaceId,
    ports: Ports,
    instruction: str | None = None,
    place: str = "",
) -> Action:
    """Change the proposal: what was approved so far no longer counts, and whoever edited it cannot approve it.

    Raises:
        RequestError: the change could not be made, or somebody has decided already.
    """
    action = await existing_action(shown.action_id, workspace_id, ports)
    _require_as_shown(action, shown)
    _require_proposed(action)
    content = replace(action.content, edits=tuple(edits), diff=diff_of(edits))
    if instruction is not None:
        content = replace(content, instruction=instruction, diff=tuple(instruction.splitlines()))
    edited = with_content(action, content, editor=by)
    check_change(edited, await parent_of(edited, ports), ports)
    what = Audited(
        member_id=by, verb="action edit", detail=f"{_said(action)}, now version {edited.version}", place=place
    )
    return await _moved(
        action, None, what, ports, content=edited.content, version=edited.version, hash=edited.hash,
        fingerprint=edited.fingerprint, progress=replace(action.progress, votes=()),
    )  # fmt: skip


async def verify_more(shown: Shown, *, by: str, workspace_id: WorkspaceId, ports: Ports, place: str = "") -> Action:
    """Let as many further customers come as an open verification had."""
    action = await existing_action(shown.action_id, workspace_id, ports)
    outcome = action.progress.outcome
    if action.state != "applied" or outcome is None or outcome.decision != "INCONCLUSIVE":
        raise RequestError(f"{action.name} is {_state(action)}; there is nothing to add to")
    progress = replace(action.progress, attempt=action.progress.attempt + 1, outcome=None)
    what = Audited(member_id=by, verb="action verify more", detail=_said(action), place=place)
    return await _moved(action, None, what, ports, progress=progress)


async def roll_out(
    action: Action, *, by: str, ports: Ports, window: timedelta | None = None, place: str = ""
) -> tuple[Action, Rollout | None]:
    """Let the verified variant serve the first share of live customers; without a rollout it is verified again first.

    Raises:
        RequestError: it is not verified, or another rollout is under way, or its parent was never in force.
    """
    if action.state != "verified" or action.candidate is None:
        raise RequestError(f"{action.name} is {_state(action)}; only what is verified is rolled out")
    if action.rollout_id is not None:
        raise RequestError(f"{action.name} has its rollout already; nothing was started again")
    made = await ports.store.variants.made(action.workspace_id, action.assistant, action.candidate)
    current = await variant_in_force(action.assistant, action.workspace_id, ports)
    parent = made.parent if made else action.content.base
    if current.name != parent:
        return await _make_again(action, current, parent, by=by, place=place, ports=ports), None
    candidate = await find_variant(
        f"{action.assistant}@{action.candidate}", workspace_id=action.workspace_id, ports=ports
    )
    parent_key = card_key(RunId(action.run_id)) if action.run_id else None
    if parent_key is None and action.place:
        parent_key = action_card_key(action.id)
    rollout = await planned_rollout(
        candidate, by=by, workspace_id=action.workspace_id, ports=ports, place=action.place, action_id=action.id,
        parent_key=parent_key, target=action.content.target, window=window or standing_window(ports),
    )  # fmt: skip
    announcements = rollout_started(rollout.id, action.place, parent_key) if action.place else ()
    moved = await ports.store.actions.move(
        action,
        None,
        Audited(member_id=by, verb="action roll out", detail=_said(action), place=place),
        cards=cards_of(action),
        also=lambda connection: create_rollout(
            connection, rollout, audited(rollout, by, "rollout begin", place=place), announcements
        ),
        rollout_id=rollout.id,
    )
    if not moved:
        raise RequestError(
            f"a rollout of {action.assistant!r} is under way already, or somebody was quicker; nothing was changed"
        )
    reached("rollout-begun")
    ports.bell.ring()
    return await existing_action(action.id, action.workspace_id, ports), rollout


async def _make_again(action: Action, current: Variant, parent: str, *, by: str, place: str, ports: Ports) -> Action:
    """Another change came into force since: the change is made and verified on top of it."""
    if not await _descends(current.name, parent, action, ports):
        raise RequestError(
            f"{current.label} is in force, and this change was made for {action.assistant}@{parent}; nothing was "
            "rolled out. Put its parent in force first, or compare the two with an A/B test"
        )
    note = f"{current.label} came into force since; the change is made and verified again on top of it"
    what = Audited(member_id=by, verb="action make again", detail=f"{_said(action)}: {note}", place=place)
    progress = Progress(pairs=action.progress.pairs, votes=action.progress.votes)
    return await _moved(action, "approved", what, ports, candidate=None, note=note, progress=progress)


# --- shared ---------------------------------------------------------------------------------------------------------


async def parent_of(action: Action, ports: Ports) -> Variant:
    """The variant that the change is made to: the one in force if it is what was tested or came of it, else that."""
    current = await variant_in_force(action.assistant, action.workspace_id, ports)
    if await _descends(current.name, action.content.base, action, ports):
        return current
    label = f"{action.assistant}@{action.content.base}"
    return await find_variant(label, workspace_id=action.workspace_id, ports=ports)


async def _descends(name: str, base: str, action: Action, ports: Ports) -> bool:
    """Whether a variant is the base or was made from it, in however many steps."""
    made = {
        each.variant.name: each.parent
        for each in await ports.store.variants.all_made(action.workspace_id, action.assistant)
    }
    seen: set[str] = set()
    while name != base and name in made and name not in seen:
        seen.add(name)
        name = made[name]
    return name == base


def standing_window(ports: Ports) -> timedelta | None:
    """How long a stage of a rollout lasts if nobody says otherwise; None = until somebody presses the button."""
    hours = ports.settings.convotest_rollout_hours
    return timedelta(hours=hours) if hours else None


def cards_of(action: Action) -> tuple[str, ...]:
    return (action_card_key(action.id),) if action.place else ()


async def _moved(action: Action, state: ActionState | None, what: Audited, ports: Ports, **values: Any) -> Action:
    moved = await ports.store.actions.move(action, state, what, cards=cards_of(action), **values)
    if not moved:
        now = await existing_action(action.id, action.workspace_id, ports)
        await _refused(action, what.member_id, what.verb, f"it was {_state(now)} already", what.place, ports)
        raise RequestError(f"somebody else was quicker: {action.name} is {_state(now)}; nothing was changed by you")
    ports.bell.ring()
    return await existing_action(action.id, action.workspace_id, ports)


async def _refused(action: Action, by: str, verb: str, reason: str, place: str, ports: Ports) -> None:
    await ports.store.audit.record(
        action.workspace_id, by, verb, outcome="refused", detail=f"{_said(action)}: {reason}", place=place
    )


def _require_as_shown(action: Action, shown: Shown) -> None:
    if (action.version, action.hash) != (shown.version, shown.hash):
        raise RequestError(f"{action.name} was changed after this was shown; look at it as it is now and decide then")


def _require_proposed(action: Action) -> None:
    if action.state != "proposed":
        raise RequestError(f"{action.name} is {_state(action)} already; nothing was changed")


def _said(action: Action) -> str:
    return f"{action.name} ({action.content.title})"


def _state(action: Action) -> str:
    return action.state.replace("_", " ")
