"""The Bolt app: which payload goes to which function, and how members hear of errors."""

import logging
import re
import secrets
from collections.abc import Awaitable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import PICKER, Message, note
from bot.commands import Asker, Edge, handle_convotest
from bot.deliveries import Ledger, delivery_of
from bot.interactions import Click, FieldError, handle_click, read_picker, start_picked
from bot.payload import Json, inside, text_in
from bot.poster import PostError
from jobs.errors import ConvotestError
from jobs.model import WorkspaceId

logger = logging.getLogger(__name__)

COMMAND = "/convotest"
ANYTHING = re.compile(".*", re.DOTALL)
MENTIONED = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")


def create_app(
    *, edge: Edge, ledger: Ledger, installation: AuthorizeResult, client: AsyncWebClient, signing_secret: str | None
) -> AsyncApp:
    """The app for one workspace.

    Args:
        installation: the bot token with whose it is.
        client: names the Web API's address; it carries no token.
        signing_secret: None = Socket Mode, where the app token is the trust and nothing is signed.
    """
    authorize: Any = _only(installation)  # Bolt's type leaves out None, by which it knows a workspace that is not ours
    app = AsyncApp(
        client=client,
        # Given explicitly: with SLACK_CLIENT_ID in the environment Bolt would otherwise look for OAuth installations.
        authorize=authorize,
        signing_secret=signing_secret or "",
        request_verification_enabled=signing_secret is not None,
        ssl_check_enabled=False,  # it would answer unsigned requests
    )
    doors = Doors(edge, ledger)
    listen: Any = app  # its registering methods are half typed
    listen.use(ledger.middleware)
    listen.command(COMMAND)(doors.command)
    listen.action(ANYTHING)(doors.click)
    listen.view(PICKER)(doors.picker)
    listen.view(ANYTHING)(doors.other_view)
    listen.event("app_mention")(doors.mention)
    listen.event("message")(doors.message)
    listen.event(ANYTHING)(doors.other_event)
    ledger.dispatch = app.async_dispatch
    return app


def _only(installation: AuthorizeResult):
    async def authorize(context: AsyncBoltContext) -> AuthorizeResult | None:
        """The installation, for its own workspace and no other."""
        known = {installation.team_id, installation.enterprise_id} - {None}
        return installation if known & {context.team_id, context.enterprise_id} else None

    return authorize


class Doors:
    """The listeners: acknowledge, read the payload, hand it on."""

    def __init__(self, edge: Edge, ledger: Ledger) -> None:
        self._edge = edge
        self._ledger = ledger

    async def command(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        await ack()
        asker = _asker(context, body["channel_id"], body["user_id"], body)
        self._begin(context, asker, handle_convotest(body.get("text") or "", asker, self._edge))

    async def click(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        await ack()
        action = inside(body["actions"][0])
        asker = _asker(context, _channel_of(body), body["user"]["id"], body)
        click = Click(action_id=text_in(action, "action_id"), value=text_in(action, "value"))
        if action.get("type") == "button" and not action.get("url"):
            self._begin(context, asker, handle_click(click, asker, self._edge))
        else:
            self._nothing_to_do(context)

    async def picker(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        asker = _asker(context, _channel_of(body), body["user"]["id"], body)
        try:
            request = await read_picker(inside(body, "view", "state", "values"), asker, self._edge)
        except FieldError as error:
            await ack(response_action="errors", errors={error.field: error.message})
            self._nothing_to_do(context)
            return
        await ack()
        self._begin(context, asker, start_picked(request, asker, self._edge))

    async def mention(self, body: Json, context: AsyncBoltContext) -> None:
        """``@convotest run pizza``: the same words, also where slash commands cannot be typed."""
        self._said(body, context)

    async def message(self, body: Json, context: AsyncBoltContext) -> None:
        """A direct message to the bot is taken for a command."""
        event: Json = body["event"]
        is_for_us = event.get("channel_type") == "im" and not event.get("subtype") and not event.get("bot_id")
        if is_for_us:
            self._said(body, context)
        else:
            self._nothing_to_do(context)

    async def other_view(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        await ack()
        self._nothing_to_do(context)

    async def other_event(self, context: AsyncBoltContext) -> None:
        self._nothing_to_do(context)

    def _said(self, body: Json, context: AsyncBoltContext) -> None:
        event: Json = body["event"]
        asker = _asker(context, event["channel"], event["user"], {"thread_ts": event.get("thread_ts")})
        text = MENTIONED.sub("", event.get("text") or "", count=1)
        self._begin(context, asker, handle_convotest(text, asker, self._edge))

    def _begin(self, context: AsyncBoltContext, asker: Asker, work: Awaitable[Message | None]) -> None:
        self._ledger.work(delivery_of(context), self._carry_out(work, asker))

    def _nothing_to_do(self, context: AsyncBoltContext) -> None:
        self._ledger.work(delivery_of(context), _nothing())

    async def _carry_out(self, work: Awaitable[Message | None], asker: Asker) -> None:
        """Do the work and tell the member what is to be told; nobody else sees it."""
        try:
            answer = await work
        except ConvotestError as error:
            answer = note(str(error))
        except Exception:
            reference = secrets.token_hex(3)
            logger.exception("a request failed, reference %s", reference)
            answer = note(f"Something went wrong on our side (reference {reference}).")
        if answer is not None:
            await self._answer(answer, asker)

    async def _answer(self, answer: Message, asker: Asker) -> None:
        poster = self._edge.poster
        try:
            if asker.response_url:
                try:
                    return await poster.respond(asker.response_url, answer)
                except PostError as error:
                    logger.info("the response URL failed: %s", error)
            await poster.whisper(asker.channel_id, asker.member_id, answer, thread_ts=asker.thread_ts)
        except PostError as error:
            logger.warning("an answer to %s could not be shown: %s", asker.member_id, error)


def tell_by_click(edge: Edge):
    """How somebody who clicked hears that nothing happened."""

    async def refuse(body: Json, text: str) -> None:
        if url := body.get("response_url"):
            await edge.poster.respond(str(url), note(text))
        else:
            await edge.poster.whisper(_channel_of(body), body["user"]["id"], note(text))

    return refuse


def _asker(context: AsyncBoltContext, channel_id: str, member_id: str, body: Mapping[str, Any]) -> Asker:
    delivery = delivery_of(context)
    return Asker(
        workspace_id=WorkspaceId(delivery.workspace_id),
        channel_id=channel_id,
        member_id=member_id,
        key=delivery.key,
        trigger_id=body.get("trigger_id"),
        response_url=body.get("response_url"),
        thread_ts=text_in(body, "thread_ts") or text_in(inside(body, "container"), "thread_ts") or None,
    )


def _channel_of(body: Mapping[str, Any]) -> str:
    """Where a click or form belongs to: a form carries its channel along."""
    return text_in(inside(body, "channel"), "id") or text_in(inside(body, "view"), "private_metadata")


async def _nothing() -> None:
    return
