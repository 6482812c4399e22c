"""The delivery ledger at Slack's door: record, acknowledge, work.

A middleware of Bolt's that runs before anything is acknowledged: what reached us is committed under its own key, so
that a crash loses nothing and a repetition does nothing.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Literal, cast

from slack_bolt.async_app import AsyncBoltContext, AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.payload import Json, inside, storable
from jobs.model import WorkspaceId
from jobs.ports import Clock
from jobs.store import Deliveries, Delivery

logger = logging.getLogger(__name__)

Kind = Literal["command", "click", "shortcut", "submission", "event"]
Refuse = Callable[[WorkspaceId, Json, str], Coroutine[Any, Any, None]]

PATIENCE_S = 2.0
"""Slack waits three seconds for an acknowledgement; the rest is for the way."""
CONTEXT_KEY = "convotest_delivery"
BUSY = "convotest is busy; nothing was started. Please try again in a moment."
REPEATED = "that was taken up already; nothing new was started."

KEPT: Mapping[Kind, tuple[str, ...]] = {
    "command": (
        "command",
        "text",
        "team_id",
        "enterprise_id",
        "is_enterprise_install",
        "channel_id",
        "user_id",
        "response_url",
        "trigger_id",
    ),
    "click": (
        "type",
        "team",
        "enterprise",
        "is_enterprise_install",
        "user",
        "channel",
        "container",
        "actions",
        "response_url",
        "trigger_id",
    ),
    "shortcut": (
        "type",
        "team",
        "enterprise",
        "is_enterprise_install",
        "user",
        "channel",
        "message_ts",
        "callback_id",
        "response_url",
        "trigger_id",
    ),
    "submission": ("type", "team", "enterprise", "is_enterprise_install", "user", "view"),
    "event": ("type", "team_id", "enterprise_id", "event_id", "event", "authorizations", "is_ext_shared_channel"),
}
"""What handlers need of a payload; tokens and copies of messages are not kept."""


def read_delivery(body: Mapping[str, Any], workspace_id: WorkspaceId) -> Delivery | None:
    """The delivery with its own key, or None for what is not worth recording."""
    if "command" in body:
        return _delivery("command", workspace_id, f"command:{body.get('trigger_id')}", body)
    match body.get("type"):
        case "event_callback":
            return _delivery("event", workspace_id, f"event:{body.get('event_id')}", body)
        case "block_actions":
            return _delivery("click", workspace_id, f"click:{_click_key(body)}", body)
        case "shortcut" | "message_action":
            return _delivery("shortcut", workspace_id, f"shortcut:{body.get('trigger_id')}", body)
        case "view_submission":
            return _delivery("submission", workspace_id, f"view:{_view_key(body)}", body)
        case _:
            return None


def _delivery(kind: Kind, workspace_id: WorkspaceId, key: str, body: Mapping[str, Any]) -> Delivery:
    payload = {name: body[name] for name in KEPT[kind] if name in body}
    return Delivery(workspace_id=workspace_id, key=key, kind=kind, payload=payload)


def _click_key(body: Mapping[str, Any]) -> str:
    action = inside(body["actions"][0])
    container = inside(body, "container")
    place = container.get("message_ts") or container.get("view_id") or ""
    return f"{place}:{action.get('action_ts')}:{action.get('action_id')}"


def _view_key(body: Mapping[str, Any]) -> str:
    """The form as it was filled in: after errors it comes again under the same id and hash with other values."""
    view = inside(body, "view")
    values = json.dumps(inside(view, "state", "values"), sort_keys=True)
    return f"{view.get('id')}:{view.get('hash')}:{hashlib.sha256(values.encode()).hexdigest()[:16]}"


class Ledger:
    """Records deliveries and keeps the work that follows from them.

    Args:
        refuse: tells a member who clicked that nothing happened; the acknowledgement of a click shows nothing.

    Attributes:
        dispatch: brings a recorded delivery to its listener again; the app sets it.
    """

    dispatch: Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]

    def __init__(self, deliveries: Deliveries, clock: Clock, *, refuse: Refuse, patience_s: float = PATIENCE_S) -> None:
        self._deliveries = deliveries
        self._clock = clock
        self._refuse = refuse
        self._patience_s = patience_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._working: set[tuple[str, str]] = set()

    async def middleware(
        self, request: AsyncBoltRequest, context: AsyncBoltContext, next: Callable[[], Awaitable[Any]]
    ) -> BoltResponse | None:
        """Commit the delivery before Bolt acknowledges it; without a commit nothing is done."""
        if CONTEXT_KEY in context:  # an earlier process recorded it
            await next()
            return None
        body = request.body = inside(storable(request.body))
        delivery = read_delivery(body, workspace_of(context))
        if delivery is None:
            await next()
            return None
        is_new = await self._record(delivery)
        if is_new is None:
            return self._busy(delivery, body)
        if not is_new:
            return _repeated(delivery, body)
        context[CONTEXT_KEY] = delivery
        await next()
        return None

    async def _record(self, delivery: Delivery) -> bool | None:
        """Whether it is new; None if that could not be committed in time."""
        recording = asyncio.ensure_future(self._deliveries.record(delivery))
        try:
            return await asyncio.wait_for(asyncio.shield(recording), self._patience_s)
        except TimeoutError:
            self.background(self._committed_late(delivery, recording))
        except Exception:  # whatever the database says, Slack must get an answer
            logger.exception("the delivery %s could not be recorded", delivery.key)
        return None

    async def _committed_late(self, delivery: Delivery, recording: "asyncio.Future[bool]") -> None:
        """We said that nothing was started, so it must not be taken up after a restart; an event Slack sends again."""
        try:
            is_new = await recording
        except Exception:
            logger.exception("the delivery %s could not be recorded", delivery.key)
            return
        if not is_new:
            return
        if delivery.kind == "event":  # Slack's repetition will be taken for one, so it is worked on now
            await self._take_up(delivery)
        else:
            await self._deliveries.finish(delivery.workspace_id, delivery.key)

    def _busy(self, delivery: Delivery, body: Json) -> BoltResponse:
        match delivery.kind:
            case "event":
                return BoltResponse(status=503, body="busy")
            case "submission":
                return _form_error(body, BUSY)
            case "click" | "shortcut":
                self.background(self._refuse(delivery.workspace_id, body, BUSY))
                return BoltResponse(status=200, body="")
            case _:
                return BoltResponse(status=200, body=BUSY)

    # --- the work ---

    def work(self, delivery: Delivery, handler: Coroutine[Any, Any, None]) -> None:
        """Start the work of a recorded delivery; when it has ended, by whatever outcome, the delivery is finished."""
        self._working.add((delivery.workspace_id, delivery.key))
        self.background(self._work(delivery, handler))

    async def _work(self, delivery: Delivery, handler: Coroutine[Any, Any, None]) -> None:
        try:
            await handler
            await self._deliveries.finish(delivery.workspace_id, delivery.key)
        finally:
            self._working.discard((delivery.workspace_id, delivery.key))

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Keep a task until it is done; its failure is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("work in the background failed", exc_info=error)

    async def idle(self) -> None:
        """Return when no work is under way."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def resume(self, workspace_id: WorkspaceId) -> int:
        """Take up what an earlier process acknowledged and did not finish there; how many there were."""
        found = await self._deliveries.unfinished(before=self._clock.now())
        mine = [each for each in found if each.workspace_id == workspace_id]
        left = [each for each in mine if (each.workspace_id, each.key) not in self._working]
        for delivery in left:
            logger.info("taking up %s again", delivery.key)
            try:
                await self._take_up(delivery)
            except Exception:  # one that cannot be read must not keep the others waiting
                logger.exception("%s could not be taken up again", delivery.key)
        return len(left)

    async def _take_up(self, delivery: Delivery) -> None:
        await self.dispatch(
            AsyncBoltRequest(mode="socket_mode", body=dict(delivery.payload), context={CONTEXT_KEY: delivery})
        )

    async def drain(self, *, at_most_s: float) -> None:
        """Let running work end; what does not is taken up by the next process."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=at_most_s)
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def workspace_of(context: AsyncBoltContext) -> WorkspaceId:
    """The workspace a delivery belongs to; an installation for a whole organisation has only that one."""
    return WorkspaceId(context.team_id or context.enterprise_id or "")


def delivery_of(context: AsyncBoltContext) -> Delivery:
    """The recorded delivery behind a listener's payload."""
    return cast(Delivery, context[CONTEXT_KEY])


def _repeated(delivery: Delivery, body: Json) -> BoltResponse:
    match delivery.kind:
        case "command":
            return BoltResponse(status=200, body=REPEATED.capitalize())
        case "submission":
            return _form_error(body, REPEATED)
        case _:
            return BoltResponse(status=200, body="")


def _form_error(body: Json, text: str) -> BoltResponse:
    """Keep a form open with a line under its first field."""
    blocks: list[Json] = inside(body, "view").get("blocks") or []
    first = next((block["block_id"] for block in blocks if block.get("type") == "input"), None)
    if first is None:
        return BoltResponse(status=200, body="")
    return BoltResponse(
        status=200,
        body=json.dumps({"response_action": "errors", "errors": {first: text}}),
        headers={"content-type": ["application/json"]},
    )
