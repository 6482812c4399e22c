"""The Bolt app: which payload goes to which function, and how members hear of errors."""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.ask import begin_pane, follow_pane, hear, read_pane
from bot.blocks import Message, note
from bot.commands import Asker, Edge, EdgeOf, handle_convotest
from bot.deliveries import Ledger, delivery_of
from bot.forms import FieldError, Submission
from bot.home import show_home
from bot.installations import Installed
from bot.interactions import FORMS, Click, handle_click
from bot.payload import Json, inside, text_in
from bot.poster import PostError
from bot.reactions import Reactions, read_reaction
from bot.shortcuts import SHORTCUTS
from bot.uploads import shared_files, take_files
from jobs.errors import ConvotestError
from jobs.model import WorkspaceId

logger = logging.getLogger(__name__)

FOREIGN = "convotest_foreign"
NOT_INSTALLED = "convotest is not installed in this workspace any more; an admin can install it again."
ANYTHING = re.compile(".*", re.DOTALL)
CLICKABLE = ("button", "feedback_buttons", "overflow", "static_select")
MENTIONED = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")


Forget = Callable[[WorkspaceId], Coroutine[Any, Any, None]]


def create_app(
    *,
    edge_of: EdgeOf,
    ledger: Ledger,
    installed: Installed,
    forget: Forget,
    client: AsyncWebClient,
    signing_secret: str | None,
) -> AsyncApp:
    """The app for all the workspaces that it is installed in.

    Args:
        forget: cleans up after the app was removed from a workspace.
        client: names the Web API's address; it carries no token.
        signing_secret: None = Socket Mode, where the app token is the trust and nothing is signed.
    """
    app = AsyncApp(
        client=client,
        # Given explicitly: with SLACK_CLIENT_ID in the environment Bolt would otherwise look for OAuth installations.
        authorize=_authorizing(installed),
        signing_secret=signing_secret or "",
        request_verification_enabled=signing_secret is not None,
        ssl_check_enabled=False,  # it would answer unsigned requests
        logger=logging.getLogger("slack_bolt"),  # without one Bolt takes the root's level, and is talkative
    )
    doors = Doors(edge_of, ledger, forget)
    listen: Any = app  # its registering methods are half typed
    listen.use(_refuse_foreign)
    listen.use(ledger.middleware)
    listen.command(ANYTHING)(doors.command)  # an installation may call it by another name
    listen.action(ANYTHING)(doors.click)
    listen.shortcut(ANYTHING)(doors.shortcut)
    listen.view(ANYTHING)(doors.form)
    listen.event("app_mention")(doors.mention)
    listen.event("message")(doors.message)
    listen.event("reaction_added")(doors.reaction)
    listen.event("reaction_removed")(doors.reaction)
    listen.event("app_home_opened")(doors.home)
    listen.event("assistant_thread_started")(doors.pane)
    listen.event("assistant_thread_context_changed")(doors.pane)
    listen.event("app_uninstalled")(doors.removed)
    listen.event("tokens_revoked")(doors.removed)
    listen.event(ANYTHING)(doors.other_event)
    ledger.dispatch = app.async_dispatch
    return app


def _authorizing(installed: Installed):
    async def authorize(context: AsyncBoltContext) -> AuthorizeResult:  # Bolt takes no method: it counts self
        """Whose bot it is. A foreign workspace gets in as far as `_refuse_foreign`: Bolt's own refusal would call
        whatever address the request names."""
        found = await installed.authorize(context)
        if found is None:
            context[FOREIGN] = True
        return found or AuthorizeResult(enterprise_id=context.enterprise_id, team_id=context.team_id)

    return authorize


async def _refuse_foreign(
    body: Json, context: AsyncBoltContext, next: Callable[[], Awaitable[Any]]
) -> BoltResponse | None:
    if FOREIGN not in context:
        await next()
        return None
    logger.info("a request of %s, where the app is not installed", context.team_id or context.enterprise_id)
    return BoltResponse(status=200, body=NOT_INSTALLED if "command" in body else "")


class Doors:
    """The listeners: acknowledge, read the payload, hand it on."""

    def __init__(self, edge_of: EdgeOf, ledger: Ledger, forget: Forget) -> None:
        self._edge_of = edge_of
        self._ledger = ledger
        self._forget = forget
        self._reactions = Reactions()

    async def command(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        await ack()
        asker = _asker(context, body["channel_id"], body["user_id"], body)
        self._begin(context, asker, handle_convotest(body.get("text") or "", asker, self._edge_for(asker)))

    async def click(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        await ack()
        action = inside(body["actions"][0])
        asker = _asker(context, _channel_of(body), body["user"]["id"], body)
        click = Click(action_id=text_in(action, "action_id"), value=_chosen(action))
        if action.get("type") in CLICKABLE and not action.get("url"):
            self._begin(context, asker, handle_click(click, asker, self._edge_for(asker)))
        else:
            self._nothing_to_do(context)

    async def form(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        """A form that was submitted: what is wrong with it is said beside the field, while it is open."""
        view = inside(body, "view")
        form = FORMS.get(text_in(view, "callback_id"))
        if form is None:
            await ack()
            self._nothing_to_do(context)
            return
        asker = _asker(context, _channel_of(body), body["user"]["id"], body)
        submission = Submission(
            values=inside(view, "state", "values"), about=text_in(view, "private_metadata").partition(" ")[2]
        )
        try:
            request = await form.read(submission, asker, self._edge_for(asker))
        except FieldError as error:
            await ack(response_action="errors", errors={error.field: error.message})
            self._nothing_to_do(context)
            return
        await ack()
        self._begin(context, asker, form.carry_out(request, asker, self._edge_for(asker)))

    async def shortcut(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        """An entry of the lightning menu, or of a message's own menu."""
        await ack()
        shortcut = SHORTCUTS.get(text_in(body, "callback_id"))
        if shortcut is None:
            self._nothing_to_do(context)
            return
        asker = _asker(context, _channel_of(body), body["user"]["id"], body)
        self._begin(context, asker, shortcut(asker, self._edge_for(asker)))

    async def home(self, body: Json, context: AsyncBoltContext) -> None:
        event: Json = body["event"]
        if event.get("tab") != "home" or not event.get("user"):
            self._nothing_to_do(context)
            return
        asker = _asker(context, event.get("channel") or "", event["user"], event)
        self._begin(context, asker, show_home(asker, self._edge_for(asker)))

    async def mention(self, body: Json, context: AsyncBoltContext) -> None:
        """``@convotest run pizza``: a command where slash commands cannot be typed; else it is for an assistant."""
        event = inside(body, "event")
        if event.get("user") and not event.get("bot_id"):  # two bots that mention each other would never stop
            self._said(body, context)
        else:
            self._nothing_to_do(context)

    async def message(self, body: Json, context: AsyncBoltContext) -> None:
        """A direct message to the bot: a command, something for an assistant, or a profile or suite as a file."""
        event: Json = body["event"]
        if files := shared_files(event):
            asker = _asker(context, event["channel"], event["user"], event)
            self._begin(context, asker, take_files(files, asker, self._edge_for(asker)))
            return
        is_said = event.get("user") and not event.get("subtype") and not event.get("bot_id")
        if is_said and event.get("channel_type") == "im":
            self._said(body, context)
        else:
            self._nothing_to_do(context)

    async def reaction(self, body: Json, context: AsyncBoltContext) -> None:
        """Somebody put a reaction on a message or took it away; nobody is told that it counts."""
        delivery = delivery_of(context)
        seen = read_reaction(inside(body, "event"), our_user_id=context.bot_user_id)
        if seen is None:
            self._nothing_to_do(context)
        else:
            edge = self._edge_of(delivery.workspace_id)
            self._ledger.work(delivery, self._reactions.take(seen, delivery.workspace_id, edge))

    async def pane(self, body: Json, context: AsyncBoltContext) -> None:
        """Slack's assistant pane was opened, or the member went somewhere else with it."""
        event = inside(body, "event")
        pane = read_pane(event)
        if pane is None:
            self._nothing_to_do(context)
            return
        asker = _asker(context, pane.channel_id, pane.member_id, event)
        act = begin_pane if event.get("type") == "assistant_thread_started" else follow_pane
        self._begin(context, asker, act(pane, asker, self._edge_for(asker)))

    async def removed(self, body: Json, context: AsyncBoltContext) -> None:
        """The app was removed from a workspace; when only a member's own token was revoked, nothing changes."""
        delivery = delivery_of(context)
        event = inside(body, "event")
        if event.get("type") == "tokens_revoked" and not inside(event, "tokens").get("bot"):
            self._nothing_to_do(context)
        else:
            self._ledger.work(delivery, self._forget(delivery.workspace_id))

    async def other_event(self, context: AsyncBoltContext) -> None:
        self._nothing_to_do(context)

    def _said(self, body: Json, context: AsyncBoltContext) -> None:
        event: Json = body["event"]
        asker = _asker(context, event["channel"], event["user"], event)
        text = MENTIONED.sub("", event.get("text") or "", count=1)
        self._begin(context, asker, hear(text, asker, self._edge_for(asker)))

    def _edge_for(self, asker: Asker) -> Edge:
        return self._edge_of(asker.workspace_id)

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
        poster = self._edge_for(asker).poster
        try:
            if asker.response_url:
                try:
                    return await poster.respond(asker.response_url, answer)
                except PostError as error:
                    logger.info("the response URL failed: %s", error)
            await poster.whisper(asker.channel_id, asker.member_id, answer, thread_ts=asker.thread_ts)
        except PostError as error:
            logger.warning("an answer to %s could not be shown: %s", asker.member_id, error)


def tell_by_click(edge_of: EdgeOf):
    """How somebody who clicked hears that nothing happened."""

    async def refuse(workspace_id: WorkspaceId, body: Json, text: str) -> None:
        edge = edge_of(workspace_id)
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
        home_id=_home_of(body),
        trigger_id=body.get("trigger_id"),
        response_url=body.get("response_url"),
        thread_ts=text_in(body, "thread_ts") or text_in(inside(body, "container"), "thread_ts") or None,
        message_ts=_message_ts(body),
        pressed_ts=_pressed_ts(body),
    )


def _message_ts(body: Mapping[str, Any]) -> str | None:
    """The message that was written, or whose button or menu was used."""
    named = (text_in(inside(body, "container"), "message_ts"), text_in(body, "message_ts"), text_in(body, "ts"))
    return next(filter(None, named), None)


def _pressed_ts(body: Mapping[str, Any]) -> str | None:
    actions: Any = body.get("actions")
    return text_in(actions[0], "action_ts") or None if actions and isinstance(actions, list) else None


def _home_of(body: Mapping[str, Any]) -> str | None:
    """The workspace of whoever did it, as interactions and messages in shared channels tell it.

    Within one enterprise people may act in workspaces that are not their first; users.info knows about those.
    """
    if body.get("enterprise"):
        return None
    return text_in(inside(body, "user"), "team_id") or text_in(body, "user_team") or None


def _channel_of(body: Mapping[str, Any]) -> str:
    """Where a click or form belongs to: a form carries its channel along."""
    return text_in(inside(body, "channel"), "id") or text_in(inside(body, "view"), "private_metadata").partition(" ")[0]


def _chosen(action: Json) -> str:
    """What a button stands for, or what was chosen from a menu."""
    return text_in(action, "value") or text_in(inside(action, "selected_option"), "value")


async def _nothing() -> None:
    return
