"""What a person does in the workspace and what the bot is told of it; the page and the tests both come in here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .block_kit import check_view, elements_of
from .core import Core
from .delivery import Delivery, Reply
from .elements import Value, Values, action_of, find_element, input_errors, state_values
from .errors import SlackError
from .methods.reactions import reaction_event
from .methods.views import push_view, replace_view
from .posting import MAX_TEXT, answer_person, bot_author
from .state import APP_ID, BOT_ID, BOT_USER, SYSTEM_USER, Channel, File, Json, Team, View, new_id

KEPT = re.compile(r"&lt;((?:@U|#C|!)[A-Za-z0-9|^_-]+|https?://[^\s]+?)&gt;")
TOKEN = re.compile(
    r"(?P<kept><[^<>]+>)|(?P<link>(?<!\w)https?://[^\s<>|]+)"
    r"|(?<!\w)@(?P<member>[a-z0-9._-]+)|(?<![\w&])#(?P<channel>[a-z0-9_-]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """What came back at once from a command: `error` is what Slack shows instead when the bot did not answer."""

    acknowledged: bool
    error: str | None = None
    status: int | None = None
    body: Json | None = None
    shown: tuple[Json, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ActionResult:
    """What came back at once from a click, shortcut or submission; `errors` are a modal's, by block id."""

    acknowledged: bool
    error: str | None = None
    body: Json | None = None
    errors: Mapping[str, str] | None = None


class People:
    """The acts of people, for one bot."""

    def __init__(self, core: Core, delivery: Delivery) -> None:
        self._core, self._delivery = core, delivery

    # --- writing --------------------------------------------------------------------------------------------------

    async def post(self, team: Team, channel: Channel, member: str, text: str, thread_ts: str | None = None) -> Json:
        """Say something in a channel or thread."""
        if member not in channel.members:
            raise SlackError("not_in_channel")
        if thread_ts and team.thread(channel, thread_ts)[0]["ts"] != thread_ts:
            raise SlackError("thread_not_found")
        if not text.strip():
            raise SlackError("no_text")
        if len(text) > MAX_TEXT:
            raise SlackError("msg_too_long")
        place = {"thread_ts": thread_ts} if thread_ts else {}
        written = typed_text(team, text, with_names=False)
        message = team.add_message(channel, {"user": member, "text": written, "client_msg_id": new_id("M"), **place})
        event = {**message, "channel": channel.id, "event_ts": message["ts"]}
        if channel.kind == "im":
            self._delivery.event(team, {**event, "channel_type": "im"})
        elif f"<@{BOT_USER}>" in written and BOT_USER in channel.members:
            self._delivery.event(team, {**event, "type": "app_mention"})
        return message

    async def share_file(self, team: Team, channel: Channel, member: str, name: str, content: bytes) -> Json:
        """Send a file in a channel; the bot is told of those in its direct messages."""
        if member not in channel.members:
            raise SlackError("not_in_channel")
        file = File(id=new_id("F"), name=name.replace("/", "_"), size=len(content), user=member, created=team.seconds())
        team.save_content(file, content)
        file.complete = True
        shared = {"user": member, "text": "", "subtype": "file_share", "upload": True, "file_ids": [file.id]}
        message = team.add_message(channel, shared)
        file.shares.append((channel.id, message["ts"], ""))
        team.save_file(file)
        if channel.kind == "im":
            shown = team.present(message)
            event = {**shown, "type": "message", "channel": channel.id, "channel_type": "im", "event_ts": message["ts"]}
            self._delivery.event(team, event)
        return message

    async def command(self, team: Team, channel: Channel, member: str, text: str) -> CommandResult:
        """Type a slash command at the top level of a channel."""
        name, _, rest = text.strip().partition(" ")
        if name == "/invite":
            return self._invite(team, channel, member)
        if name != self._core.command:
            return self._said_by_slack(team, channel, member, f"`{name}` is not a valid command.", "unknown_command")
        person = team.member(member)
        payload: Json = {
            "token": "local",
            "team_id": team.id,
            "team_domain": team.domain,
            "channel_id": channel.id,
            "channel_name": channel.name_in_command,
            "user_id": member,
            "user_name": person.name,
            "command": name,
            "text": typed_text(team, rest.strip(), with_names=True),
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._core.new_response_url(team, channel, member),
            "trigger_id": self._core.new_trigger(team, member),
        }
        reply = await self._delivery.command(payload)
        if reply.person_sees:
            told = f"{name} failed with the error “{reply.person_sees}”"
            return self._said_by_slack(team, channel, member, told, reply.person_sees, reply.status)
        body = reply.body or {}
        shown = (answer_person(team, channel, member, body),) if body.get("text") or body.get("blocks") else ()
        return CommandResult(acknowledged=True, status=reply.status, body=body, shown=shown)

    def _said_by_slack(
        self, team: Team, channel: Channel, member: str, text: str, error: str, status: int | None = None
    ) -> CommandResult:
        message = team.add_ephemeral(channel, member, {"user": SYSTEM_USER, "username": "Workspace", "text": text})
        return CommandResult(acknowledged=False, error=error, status=status, shown=(message,))

    def _invite(self, team: Team, channel: Channel, member: str) -> CommandResult:
        """The workspace's own `/invite`: brings the bot into a channel."""
        if team.join(channel, BOT_USER):
            text = f"<@{BOT_USER}> was added to the channel by <@{member}>."
            team.add_message(channel, {"user": BOT_USER, "subtype": "channel_join", "inviter": member, "text": text})
            joined = {"type": "member_joined_channel", "user": BOT_USER, "channel": channel.id, "channel_type": "C"}
            self._delivery.event(team, {**joined, "team": team.id, "inviter": member})
        return CommandResult(acknowledged=True)

    # --- reacting -------------------------------------------------------------------------------------------------

    async def react(self, team: Team, channel: Channel, member: str, ts: str, name: str) -> None:
        message = team.message(channel, ts)
        team.react(channel, message, member, name)
        self._announce_reaction("reaction_added", team, channel, message, member, name)

    async def unreact(self, team: Team, channel: Channel, member: str, ts: str, name: str) -> None:
        message = team.message(channel, ts)
        team.unreact(channel, message, member, name)
        self._announce_reaction("reaction_removed", team, channel, message, member, name)

    def _announce_reaction(
        self, kind: str, team: Team, channel: Channel, message: Json, member: str, name: str
    ) -> None:
        if BOT_USER in channel.members:
            self._delivery.event(team, reaction_event(kind, member, channel, message, name))

    # --- clicking -------------------------------------------------------------------------------------------------

    async def click(
        self,
        team: Team,
        channel: Channel,
        member: str,
        ts: str,
        action_id: str,
        value: Value = None,
        *,
        block_id: str | None = None,
        values: Values | None = None,
    ) -> ActionResult:
        """Use an element of a message; `values` is what else stands in its inputs."""
        ephemeral = team.ephemeral(channel, ts)
        message = ephemeral or team.message(channel, ts)
        found = find_element(message.get("blocks", ()), action_id, block_id, value)
        if found is None:
            raise SlackError("action_not_found")
        block, element = found
        container: Json = {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel.id,
            "is_ephemeral": bool(ephemeral),
        }
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        payload: Json = {
            **self._interaction("block_actions", team, member),
            "container": container,
            "channel": {"id": channel.id, "name": channel.name_in_command},
            "state": {"values": state_values(message["blocks"], {**(values or {}), **_own(block, element, value)})},
            "response_url": self._core.new_response_url(team, channel, member, ts, team.parent_ts(message)),
            "actions": [action_of(block, element, value, team.next_ts())],
        }
        if not ephemeral:
            payload["message"] = team.present(message, with_metadata=True)
        return _as_result(await self._delivery.interaction(payload))

    async def click_in_view(
        self,
        team: Team,
        member: str,
        view_id: str,
        action_id: str,
        value: Value = None,
        *,
        block_id: str | None = None,
        values: Values | None = None,
    ) -> ActionResult:
        """Use an element of a modal or of the App Home."""
        home = team.homes.get(member, {})
        body = home if home.get("id") == view_id else self._view(team, member, view_id).body
        found = find_element(body["blocks"], action_id, block_id, value)
        if found is None:
            raise SlackError("action_not_found")
        block, element = found
        body["state"] = {"values": state_values(body["blocks"], {**(values or {}), **_own(block, element, value)})}
        payload: Json = {
            **self._interaction("block_actions", team, member, view=view_id),
            "container": {"type": "view", "view_id": view_id},
            "view": body,
            "actions": [action_of(block, element, value, team.next_ts())],
        }
        return _as_result(await self._delivery.interaction(payload))

    # --- modals ---------------------------------------------------------------------------------------------------

    async def submit_view(self, team: Team, member: str, view_id: str, values: Values) -> ActionResult:
        """Press a modal's submit button; input errors of the client or the bot leave it open."""
        view = self._view(team, member, view_id)
        if errors := input_errors(view.body["blocks"], values):
            return ActionResult(acknowledged=False, error="invalid_input", errors=errors)
        view.body["state"] = {"values": state_values(view.body["blocks"], values)}
        payload: Json = {
            **self._interaction("view_submission", team, member, view=view_id),
            "view": dict(view.body),
            "response_urls": [],
        }
        reply = await self._delivery.interaction(payload)
        if not reply.ok:
            return ActionResult(acknowledged=False, error="We had some trouble connecting. Try again?")
        return self._after_submission(team, view, reply.body or {})

    def _after_submission(self, team: Team, view: View, body: Json) -> ActionResult:
        """Do what the bot's answer says: show errors, change, push or clear views, or just close this one."""
        wanted = body.get("response_action")
        if wanted == "errors":
            return ActionResult(acknowledged=True, body=body, errors=dict(body.get("errors") or {}))
        stack = team.stacks.get(view.member, [])
        try:
            if wanted == "update":
                replace_view(team, view, check_view(body.get("view"), "modal"))
            elif wanted == "push":
                push_view(team, view.member, check_view(body.get("view"), "modal"))
            elif wanted == "clear":
                team.close_views(view.member, stack)
            elif view.id in stack:
                team.close_views(view.member, stack[stack.index(view.id) :])
        except SlackError as error:
            return ActionResult(acknowledged=True, error=error.code, body={**body, "problems": error.messages})
        return ActionResult(acknowledged=True, body=body)

    async def close_view(self, team: Team, member: str, view_id: str, *, everything: bool = False) -> None:
        """Dismiss the top modal, or with `everything` the whole stack."""
        view = self._view(team, member, view_id)
        stack = team.stacks[member]
        everything = everything or bool(view.body["clear_on_close"])
        closing = list(stack) if everything else stack[stack.index(view_id) :]
        told = [team.views[id].body for id in closing if team.views[id].body["notify_on_close"]]
        team.close_views(member, closing)
        for body in told:
            payload = {
                **self._interaction("view_closed", team, member, trigger=False),
                "view": body,
                "is_cleared": everything,
            }
            await self._delivery.interaction(payload)

    # --- the rest -------------------------------------------------------------------------------------------------

    async def open_home(self, team: Team, member: str) -> None:
        """Look at the bot's Home tab."""
        view = {"view": team.homes[member]} if member in team.homes else {}
        channel = team.direct_channel(member).id
        self._delivery.event(
            team, {"type": "app_home_opened", "user": member, "channel": channel, "tab": "home", **view}
        )

    async def start_assistant_thread(self, team: Team, member: str, context_channel: str | None = None) -> Json:
        """Open a new chat with the bot as an AI app; the root message of its thread."""
        channel = team.direct_channel(member)
        root = team.add_message(channel, {**bot_author(), "subtype": "assistant_app_thread", "text": "New chat"})
        context = {"channel_id": context_channel, "team_id": team.id, "enterprise_id": None} if context_channel else {}
        thread = {"user_id": member, "context": context, "channel_id": channel.id, "thread_ts": root["ts"]}
        self._delivery.event(team, {"type": "assistant_thread_started", "assistant_thread": thread})
        return root

    async def shortcut(
        self, team: Team, member: str, callback_id: str, channel: Channel | None = None, ts: str | None = None
    ) -> ActionResult:
        """Use a global shortcut, or with a message's channel and ts a message shortcut."""
        if channel is None or ts is None:
            payload = {
                **self._interaction("shortcut", team, member),
                "callback_id": callback_id,
                "action_ts": team.next_ts(),
            }
            return _as_result(await self._delivery.interaction(payload))
        message = team.message(channel, ts)
        payload = {
            **self._interaction("message_action", team, member),
            "callback_id": callback_id,
            "action_ts": team.next_ts(),
            "message_ts": ts,
            "message": team.present(message, with_metadata=True),
            "channel": {"id": channel.id, "name": channel.name_in_command},
            "response_url": self._core.new_response_url(team, channel, member, None, message.get("thread_ts")),
        }
        return _as_result(await self._delivery.interaction(payload))

    async def uninstall(self, team: Team) -> None:
        """Remove the app from the workspace: its tokens end, and it is told."""
        for key, token in self._core.tokens.items():
            if token.team == team.id and token.kind != "app":
                token.revoked = True
                self._core.save_token(key, token)
        self._delivery.event(team, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})
        self._delivery.event(team, {"type": "app_uninstalled"})

    def _view(self, team: Team, member: str, view_id: str) -> View:
        view = team.views.get(view_id)
        if view is None or view.member != member:
            raise SlackError("view_not_found")
        return view

    def _interaction(
        self, kind: str, team: Team, member: str, *, view: str | None = None, trigger: bool = True
    ) -> Json:
        person = team.member(member)
        common: Json = {
            "type": kind,
            "user": {"id": member, "username": person.name, "name": person.name, "team_id": team.id},
            "api_app_id": APP_ID,
            "token": "local",
            "team": {"id": team.id, "domain": team.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }
        if trigger:
            common["trigger_id"] = self._core.new_trigger(team, member, view)
        return common | ({"bot_id": BOT_ID} if kind == "view_closed" else {})


def named_values(blocks: list[Json], given: Mapping[str, Value]) -> dict[tuple[str, str], Value]:
    """Values given by block id or action id, as the pairs that Slack uses."""
    pairs = [
        (block["block_id"], element["action_id"])
        for block in blocks
        for element in elements_of(block)
        if "action_id" in element
    ]
    values: dict[tuple[str, str], Value] = {}
    for name, value in given.items():
        pair = next((pair for pair in pairs if name in pair), None)
        if pair is None:
            raise ValueError(
                f"no input {name!r} in this view; known: {', '.join(sorted(action for _, action in pairs))}"
            )
        values[pair] = value
    return values


def typed_text(team: Team, text: str, *, with_names: bool) -> str:
    """What a person typed, as the bot receives it: `&<>` escaped, mentions and links in angle brackets.

    Commands carry names in mentions (`should_escape` of the manifest), messages do not.
    """

    def token(found: re.Match[str]) -> str:
        if found["link"]:
            return f"<{found['link']}>"
        if found["member"] and (member := team.member_named(found["member"])):
            return f"<@{member.id}|{member.name}>" if with_names else f"<@{member.id}>"
        named = (found["channel"] or "").lower()
        channel = next((channel for channel in team.channels.values() if channel.name and channel.name == named), None)
        return f"<#{channel.id}|{channel.name}>" if channel else found[0]

    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return TOKEN.sub(token, KEPT.sub(r"<\1>", escaped))


def _own(block: Json, element: Json, value: Value) -> dict[tuple[str, str], Value]:
    """The used element's own value for `state`; buttons have none."""
    return {(block["block_id"], element["action_id"]): value} if value is not None else {}


def _as_result(reply: Reply) -> ActionResult:
    return ActionResult(acknowledged=reply.ok, error=reply.person_sees, body=reply.body)
