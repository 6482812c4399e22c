"""The poster: everything that leaves for Slack, as a port, and its adapter over the Web API.

What became of a call that did not succeed is told apart by three errors: it certainly did not arrive and may be sent
again (`NotSent`), Slack will never take it (`Refused`), or nobody knows (`Doubtful`).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import aiohttp
from multidict import CIMultiDict
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.blocks import Json, Message
from bot.blocks._parts import clip, without_tables
from bot.payload import inside, text_in
from jobs.errors import UpstreamError
from jobs.permissions import Standing

logger = logging.getLogger(__name__)

EVENT_TYPE = "convotest"
TIMEOUT_S = 5
SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
FILE_HOSTS = frozenset({"files.slack.com", "files.slack-gov.com"})
FILE_TIMEOUT_S = 20
SERVER_ERRORS = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
"""Slack says of these that the call may or may not have been carried out."""
BLOCKS_REFUSED = frozenset(("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"))
READING = frozenset(
    {
        "conversations.history",
        "conversations.info",
        "conversations.replies",
        "files.getUploadURLExternal",
        "chat.getPermalink",
        "files.info",
        "users.info",
    }
)
"""Methods that take a query; the others take a JSON body."""
PAGE = 200
MOST_PAGES = 20

REASONS: Mapping[str, str] = {
    "not_in_channel": "I am not in that channel; write `/invite @convotest` there first",
    "channel_not_found": "I cannot see that channel; write `/invite @convotest` there first",
    "is_archived": "the channel is archived",
    "invalid_auth": "Slack refuses the bot token; the operator should look at SLACK_BOT_TOKEN",
    "account_inactive": "the app was removed from this workspace",
    "token_revoked": "the app was removed from this workspace",
    "token_expired": "the bot token ran out and cannot be renewed; an admin should install the app again",
    "missing_scope": "the app lacks a permission; the operator should install it again with the current manifest",
    "restricted_action": "a rule of this workspace does not let me post there",
    "expired_trigger_id": "it took too long; please press it again",
    "exchanged_trigger_id": "it was used already; please press it again",
    "msg_too_long": "the message was too long for Slack",
    "msg_blocks_too_long": "the message was too long for Slack",
}


class PostError(UpstreamError):
    """Something did not get into Slack as it should have."""


class NotSent(PostError):
    """It certainly did not arrive; trying again later may help."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message, permanent=False, retry_after_s=retry_after_s)


class Refused(PostError):
    """Slack does not take it, now or later; ``code`` is Slack's word, the text is for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(REASONS.get(code, f"Slack answered {code!r}{detail}"), permanent=True)
        self.code = code


class Doubtful(PostError):
    """It may or may not have arrived: look before sending it again."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False)


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file to be shown; ``comment`` stands above it, ``alt_text`` describes a picture."""

    filename: str
    title: str
    content: bytes
    comment: str = ""
    alt_text: str = ""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Where a file is shown; Slack does not always say under which ts."""

    ts: str | None


class Poster(Protocol):
    """What the edge says in one workspace. Every failure is a PostError."""

    async def post(self, channel_id: str, message: Message, *, key: str, thread_ts: str | None = None) -> str:
        """Post under a key that `find_keys` finds again; the message's ts."""
        ...

    async def update(self, channel_id: str, ts: str, message: Message) -> None: ...

    async def find_keys(self, channel_id: str, thread_ts: str | None) -> Mapping[str, str]:
        """The ts of each of our messages by key, in a thread or (None) at the top level of a channel."""
        ...

    async def start_upload(self, upload: Upload) -> str:
        """Bring the bytes to Slack without showing them; the file's id. It never fails doubtfully."""
        ...

    async def share_upload(self, file_id: str, upload: Upload, *, channel_id: str, thread_ts: str | None) -> Shared: ...

    async def find_share(self, file_id: str, *, channel_id: str, thread_ts: str | None) -> Shared | None:
        """Where a file is shown, or None if it is not."""
        ...

    async def whisper(self, channel_id: str, member_id: str, message: Message, *, thread_ts: str | None = None) -> None:
        """Say something that only one member sees; in their direct messages if it cannot be said in the channel."""
        ...

    async def respond(self, response_url: str, message: Message) -> None:
        """Answer a command or click so that only the one who asked sees it."""
        ...

    async def download(self, url: str, *, at_most: int) -> bytes:
        """A file that somebody shared with the bot, up to one byte more than ``at_most``, so that too much shows."""
        ...

    async def can_post(self, channel_id: str, member_id: str) -> bool:
        """Whether the bot may post in the channel in which that member asked for it."""
        ...

    async def open_view(self, trigger_id: str, view: Json) -> None: ...

    async def direct_channel(self, member_id: str) -> str:
        """The channel of the member's direct messages with the bot."""
        ...

    async def show_home(self, member_id: str, view: Json) -> None:
        """Show a member the bot's Home tab."""
        ...

    async def link(self, channel_id: str, ts: str) -> str | None:
        """The address of a message, or None if there is none any more."""
        ...

    async def set_status(self, channel_id: str, thread_ts: str, status: str) -> None:
        """Say in a thread what the bot is doing, until it posts there."""
        ...

    async def set_title(self, channel_id: str, thread_ts: str, title: str) -> None:
        """Name a thread of the assistant pane."""
        ...

    async def suggest_prompts(self, channel_id: str, thread_ts: str, prompts: Sequence[str]) -> None:
        """Offer up to four things to say in a thread of the assistant pane."""
        ...

    async def mark(self, channel_id: str, ts: str, emoji: str) -> None:
        """Put a reaction on a message."""
        ...

    async def unmark(self, channel_id: str, ts: str, emoji: str) -> None: ...

    async def is_installed(self) -> bool:
        """Whether Slack still takes the bot's token."""
        ...

    async def standing(self, member_id: str, workspace_id: str) -> Standing:
        """What somebody is in the workspace just now."""
        ...


class SlackPoster:
    """The poster over Slack's Web API.

    Args:
        client: without transport retries, because a repeated `chat.postMessage` is a second message.
        token: asked before every call, since tokens may be renewed at any time; None = the client has one.
        response_hosts: hosts besides Slack's own that a response URL may name.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        token: Callable[[], Awaitable[str]] | None = None,
        response_hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._client = client
        self._token = token
        self._response_hosts = SLACK_HOSTS | response_hosts

    # --- messages ---

    async def post(self, channel_id: str, message: Message, *, key: str, thread_ts: str | None = None) -> str:
        answer = await self._show(
            message,
            "chat.postMessage",
            channel=channel_id,
            thread_ts=thread_ts,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"key": key}},
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer["ts"])

    async def update(self, channel_id: str, ts: str, message: Message) -> None:
        await self._show(message, "chat.update", channel=channel_id, ts=ts)

    async def _show(self, message: Message, method: str, **arguments: Any) -> dict[str, Any]:
        """A message with a table goes once more with a list in its place, where Slack knows no tables: it has refused
        the first one, so that nothing is said twice."""
        try:
            return await self._call(method, **arguments, **_content(message))
        except Refused as error:
            plain = without_tables(message)
            if plain is None or error.code not in BLOCKS_REFUSED:
                raise
            return await self._call(method, **arguments, **_content(plain))

    async def find_keys(self, channel_id: str, thread_ts: str | None) -> Mapping[str, str]:
        method, where = (
            ("conversations.replies", {"ts": thread_ts}) if thread_ts else ("conversations.history", dict[str, Any]())
        )
        found: dict[str, str] = {}
        cursor = ""
        for _ in range(MOST_PAGES):
            page = await self._call(
                method, channel=channel_id, limit=PAGE, cursor=cursor, include_all_metadata=True, **where
            )
            found |= {key: message["ts"] for message in page["messages"] if (key := _key_of(message))}
            cursor = text_in(inside(page, "response_metadata"), "next_cursor")
            if not cursor:
                break
        return found

    # --- files ---

    async def start_upload(self, upload: Upload) -> str:
        try:
            ticket = await self._call(
                "files.getUploadURLExternal",
                filename=upload.filename,
                length=len(upload.content),
                alt_txt=upload.alt_text or None,
            )
            await _put_bytes(ticket["upload_url"], upload)
        except Doubtful as error:  # as long as it is not completed, nobody sees the file
            raise NotSent(str(error)) from error
        return str(ticket["file_id"])

    async def share_upload(self, file_id: str, upload: Upload, *, channel_id: str, thread_ts: str | None) -> Shared:
        answer = await self._call(
            "files.completeUploadExternal",
            files=[{"id": file_id, "title": upload.title}],
            channel_id=channel_id,
            thread_ts=thread_ts,
            initial_comment=upload.comment or None,
        )
        return _share_in(answer["files"][0], channel_id, thread_ts) or Shared(ts=None)

    async def find_share(self, file_id: str, *, channel_id: str, thread_ts: str | None) -> Shared | None:
        try:
            answer = await self._call("files.info", file=file_id)
        except Refused as error:
            if error.code in ("file_not_found", "file_deleted"):
                return None
            raise
        return _share_in(answer["file"], channel_id, thread_ts)

    # --- to one member ---

    async def whisper(self, channel_id: str, member_id: str, message: Message, *, thread_ts: str | None = None) -> None:
        try:
            await self._show(message, "chat.postEphemeral", channel=channel_id, user=member_id, thread_ts=thread_ts)
        except Refused:
            await self._show(
                message,
                "chat.postMessage",
                channel=await self.direct_channel(member_id),
                unfurl_links=False,
                unfurl_media=False,
            )

    async def respond(self, response_url: str, message: Message) -> None:
        address = urlsplit(response_url)
        host = address.hostname if address.port is None else f"{address.hostname}:{address.port}"
        if host not in self._response_hosts:
            raise Refused("response_url_refused", f": the answer was not sent to {host!r}, which is not Slack's")
        webhook = AsyncWebhookClient(response_url, timeout=TIMEOUT_S, retry_handlers=[])
        try:
            answer = await webhook.send(
                response_type="ephemeral", replace_original=False, unfurl_links=False, unfurl_media=False,
                **_content(message),
            )  # fmt: skip
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Doubtful(f"the answer may not have arrived ({type(error).__name__})") from error
        if answer.status_code >= 500:
            raise Doubtful(f"the answer may not have arrived (HTTP {answer.status_code})")
        if answer.status_code != 200:
            raise Refused("response_url_refused", f" (HTTP {answer.status_code})")

    async def download(self, url: str, *, at_most: int) -> bytes:
        address = urlsplit(url)
        if not self._is_slacks(address):
            raise Refused("file_refused", f": nothing is fetched from {address.hostname!r}, which is not Slack's")
        token = await self._token() if self._token else self._client.token
        headers = {"Authorization": f"Bearer {token}"}
        timeout = aiohttp.ClientTimeout(total=FILE_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                if answer.status != 200 or answer.content_type == "text/html":  # the page to log in
                    raise Refused("file_refused", f" (HTTP {answer.status}): the app needs the scope files:read")
                content = b""
                async for chunk in answer.content.iter_chunked(64 * 1024):
                    content += chunk
                    if len(content) > at_most:
                        break
                return content[: at_most + 1]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotSent(f"the file could not be fetched from Slack ({type(error).__name__})") from error

    def _is_slacks(self, address: SplitResult) -> bool:
        """Slack's own hosts over HTTPS, and that of a configured Web API; the token goes nowhere else."""
        if address.netloc in self._response_hosts - SLACK_HOSTS:
            return True
        host = address.hostname or ""
        return address.scheme == "https" and address.port in (None, 443) and host in FILE_HOSTS

    async def can_post(self, channel_id: str, member_id: str) -> bool:
        try:
            if channel_id.startswith("D"):
                return await self.direct_channel(member_id) == channel_id
            channel = (await self._call("conversations.info", channel=channel_id))["channel"]
        except Refused as error:
            if error.code == "missing_scope":  # a group message: only the post itself will show
                return True
            if error.code in ("channel_not_found", "not_in_channel"):
                return False
            raise
        return bool(channel.get("is_member") or channel.get("is_im") or channel.get("is_mpim"))

    async def open_view(self, trigger_id: str, view: Json) -> None:
        await self._call("views.open", trigger_id=trigger_id, view=view)

    async def direct_channel(self, member_id: str) -> str:
        return str((await self._call("conversations.open", users=member_id))["channel"]["id"])

    async def show_home(self, member_id: str, view: Json) -> None:
        await self._call("views.publish", user_id=member_id, view=view)

    async def link(self, channel_id: str, ts: str) -> str | None:
        try:
            answer = await self._call("chat.getPermalink", channel=channel_id, message_ts=ts)
        except PostError as error:
            logger.info("no link to %s: %s", ts, error)
            return None
        return text_in(answer, "permalink") or None

    async def set_status(self, channel_id: str, thread_ts: str, status: str) -> None:
        await self._call("assistant.threads.setStatus", channel_id=channel_id, thread_ts=thread_ts, status=status)

    async def set_title(self, channel_id: str, thread_ts: str, title: str) -> None:
        await self._call("assistant.threads.setTitle", channel_id=channel_id, thread_ts=thread_ts, title=title)

    async def suggest_prompts(self, channel_id: str, thread_ts: str, prompts: Sequence[str]) -> None:
        await self._call(
            "assistant.threads.setSuggestedPrompts",
            channel_id=channel_id,
            thread_ts=thread_ts,
            prompts=[{"title": clip(prompt, 70), "message": prompt} for prompt in prompts[:4]],
        )

    async def mark(self, channel_id: str, ts: str, emoji: str) -> None:
        await self._call("reactions.add", channel=channel_id, timestamp=ts, name=emoji)

    async def unmark(self, channel_id: str, ts: str, emoji: str) -> None:
        await self._call("reactions.remove", channel=channel_id, timestamp=ts, name=emoji)

    async def is_installed(self) -> bool:
        try:
            await self._call("auth.test")
        except Refused:
            return False
        return True

    async def standing(self, member_id: str, workspace_id: str) -> Standing:
        try:
            user = inside(await self._call("users.info", user=member_id), "user")
        except Refused as error:
            if error.code in ("user_not_found", "user_not_visible"):
                return "stranger"
            raise
        return _standing(user, workspace_id)

    async def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One call of the Web API; raises NotSent, Refused or Doubtful."""
        given = {name: value for name, value in arguments.items() if value is not None and value != ""}
        if self._token is not None:
            given["token"] = await self._token()
        client: Any = self._client  # its keywords are half typed
        try:
            if method in READING:
                answer = await client.api_call(method, http_verb="GET", params=given)
            else:
                answer = await client.api_call(method, json=given)
        except SlackApiError as error:
            raise _refusal(method, error) from error
        except aiohttp.ClientConnectorError as error:  # the connection never came about
            raise NotSent(f"Slack cannot be reached ({type(error).__name__})") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Doubtful(f"{method} was not answered ({type(error).__name__})") from error
        except SlackClientError as error:
            raise Refused("request_error", f": {error}") from error
        return inside(answer.data)


def _standing(user: Mapping[str, Any], workspace_id: str) -> Standing:
    teams = {text_in(user, "team_id"), *inside(user, "enterprise_user").get("teams", ())} - {""}
    if user.get("is_stranger") or (teams and workspace_id not in teams):
        return "stranger"
    if user.get("deleted"):
        return "deactivated"
    if user.get("is_bot"):
        return "app"
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "guest"
    return "admin" if user.get("is_admin") or user.get("is_owner") else "member"


def _refusal(method: str, error: SlackApiError) -> PostError:
    """What an answer other than ``ok`` means."""
    response: Any = error.response
    status = int(getattr(response, "status_code", 200))
    body = inside(getattr(response, "data", None))
    code = text_in(body, "error") or f"http_{status}"
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return NotSent("Slack asked us to wait", retry_after_s=_retry_after(response))
    if status >= 500 or code in SERVER_ERRORS or not body:
        return Doubtful(f"{method}: Slack failed ({code})")
    logger.warning("Slack refused %s: %s %s", method, code, inside(body, "response_metadata").get("messages", ""))
    return Refused(code)


def _retry_after(response: Any) -> float:
    headers = CIMultiDict[str](getattr(response, "headers", None) or {})
    try:
        return max(1.0, float(headers.get("Retry-After", "1")))
    except ValueError:
        return 1.0


def _content(message: Message) -> dict[str, Any]:
    return {"text": message.text, **({"blocks": list(message.blocks)} if message.blocks else {})}


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata = inside(message, "metadata")
    is_ours = metadata.get("event_type") == EVENT_TYPE
    return text_in(inside(metadata, "event_payload"), "key") or None if is_ours else None


def _share_in(file: Mapping[str, Any], channel_id: str, thread_ts: str | None) -> Shared | None:
    for visibility in ("public", "private"):
        for place in inside(file, "shares", visibility).get(channel_id, ()):
            if (text_in(place, "thread_ts") or None) == thread_ts:
                return Shared(ts=text_in(place, "ts") or None)
    return None


async def _put_bytes(url: str, upload: Upload) -> None:
    """POST the bytes to the address that Slack gave; raises NotSent."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
            session.post(url, data=upload.content, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise NotSent(f"the upload was answered with HTTP {response.status}")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NotSent(f"the upload did not get through ({type(error).__name__})") from error
