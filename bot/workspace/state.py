"""One Slack team: its people, channels, messages, files and views, each change stored and announced."""

import mimetypes
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from .clock import Clock
from .errors import SlackError
from .journal import Journal
from .storage import Storage

Json = dict[str, Any]
BOT_USER, BOT_ID, APP_ID = "U0BOT", "B0BOT", "A0CONVO"
SYSTEM_USER = "USLACKBOT"


def new_id(prefix: str) -> str:
    return prefix + secrets.token_hex(5).upper()


@dataclass(kw_only=True)
class Member:
    """A person or the bot."""

    id: str
    name: str
    real_name: str
    title: str = ""
    is_bot: bool = False
    is_admin: bool = False
    is_restricted: bool = False

    def as_json(self, team: str) -> Json:
        profile = {"real_name": self.real_name, "display_name": self.real_name, "title": self.title, "team": team}
        bot = {"bot_id": BOT_ID, "api_app_id": APP_ID} if self.is_bot else {"email": f"{self.name}@example.com"}
        return {
            "id": self.id,
            "team_id": team,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": False,
            "tz": "Etc/UTC",
            "tz_offset": 0,
            "profile": {**profile, **bot},
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": False,
        }


@dataclass(kw_only=True)
class Channel:
    """A channel, private channel or direct message; `partner` is the person of a direct message."""

    id: str
    name: str
    kind: Literal["public", "private", "im"]
    members: list[str]
    topic: str = ""
    partner: str | None = None
    is_archived: bool = False
    created: int = 0

    @property
    def audience(self) -> list[str] | None:
        return None if self.kind == "public" else self.members

    @property
    def name_in_command(self) -> str:
        return {"public": self.name, "private": "privategroup", "im": "directmessage"}[self.kind]

    def as_json(self) -> Json:
        common: Json = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.is_archived,
            "is_im": self.kind == "im",
        }
        if self.kind == "im":
            return {**common, "user": self.partner, "is_user_deleted": False, "is_open": True}
        return {
            **common,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "public",
            "is_group": self.kind == "private",
            "is_private": self.kind == "private",
            "is_mpim": False,
            "is_general": self.name == "general",
            "is_member": BOT_USER in self.members,
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }


@dataclass(kw_only=True)
class File:
    """An upload; `shares` says in which messages it appears, as (channel, ts, thread ts or "")."""

    id: str
    name: str
    size: int
    title: str = ""
    alt_text: str = ""
    user: str = BOT_USER
    created: int = 0
    uploaded: bool = False
    complete: bool = False
    shares: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    @property
    def mimetype(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


@dataclass(kw_only=True)
class View:
    """An open modal: who looks at it, and its JSON as Slack returns it."""

    member: str
    body: Json

    @property
    def id(self) -> str:
        return self.body["id"]


class Team:
    """Everything that belongs to one workspace id."""

    def __init__(self, *, id: str, name: str, journal: Journal, storage: Storage, clock: Clock) -> None:
        self.id, self.name = id, name
        self.domain = name.lower().replace(" ", "-")
        self.base_url = ""
        self.members: dict[str, Member] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.homes: dict[str, Json] = {}
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[str]] = {}
        self.ephemerals: list[Json] = []
        self.statuses: dict[tuple[str, str], Json] = {}
        self._messages: dict[str, dict[str, Json]] = {}
        self._replies: dict[tuple[str, str], list[str]] = {}
        self._journal, self._storage, self._clock = journal, storage, clock
        self._last_ts = 0

    # --- loading and announcing -----------------------------------------------------------------------------------

    def load(self) -> None:
        """Read back what an earlier process stored."""
        for key, body in self._storage.load("member", self.id):
            self.members[key] = Member(**body)
        for key, body in self._storage.load("channel", self.id):
            self.channels[key] = Channel(**body)
        for key, body in self._storage.load("file", self.id):
            body["shares"] = [tuple(share) for share in body["shares"]]
            self.files[key] = File(**body)
        for key, body in self._storage.load("home", self.id):
            self.homes[key] = body
        for key, message in self._storage.load("message", self.id):
            self._index(key.partition("/")[0], message)
        for channel, messages in self._messages.items():
            for message in messages.values():
                if not self.parent_ts(message):
                    self._count_replies(channel, message)

    def announce(self, kind: str, audience: Sequence[str] | None, **content: Any) -> None:
        self._journal.record({"type": kind, "team": self.id, "audience": audience, **content})

    def next_ts(self) -> str:
        """A message id: seconds and microseconds, never given twice."""
        self._last_ts = max(int(self._clock.now().timestamp() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def seconds(self) -> int:
        return int(self._clock.now().timestamp())

    # --- people and channels --------------------------------------------------------------------------------------

    def save_member(self, member: Member) -> None:
        self.members[member.id] = member
        self._storage.put("member", self.id, member.id, asdict(member))

    def save_channel(self, channel: Channel) -> None:
        self.channels[channel.id] = channel
        self._storage.put("channel", self.id, channel.id, asdict(channel))
        self.announce("channel", channel.audience, channel=channel_summary(channel))

    def join(self, channel: Channel, member: str) -> bool:
        """Whether the member is new in the channel."""
        if member in channel.members:
            return False
        channel.members.append(member)
        self.save_channel(channel)
        return True

    def direct_channel(self, member: str) -> Channel:
        """The direct message of a person with the bot, opened if need be."""
        for channel in self.channels.values():
            if channel.kind == "im" and channel.partner == member:
                return channel
        channel = Channel(
            id="D" + member.removeprefix("U"),
            name="",
            kind="im",
            members=[member, BOT_USER],
            partner=member,
            created=self.seconds(),
        )
        self.save_channel(channel)
        return channel

    def channel(self, wanted: str) -> Channel:
        """The channel with this id or #name; a member's id means their direct message.

        Raises:
            SlackError: `channel_not_found`.
        """
        if wanted in self.channels:
            return self.channels[wanted]
        if wanted in self.members:
            return self.direct_channel(wanted)
        for channel in self.channels.values():
            if channel.name and channel.name == wanted.removeprefix("#"):
                return channel
        raise SlackError("channel_not_found")

    def member(self, wanted: str) -> Member:
        """Raises: SlackError: `user_not_found`."""
        if wanted not in self.members:
            raise SlackError("user_not_found")
        return self.members[wanted]

    def member_named(self, name: str) -> Member | None:
        return next((member for member in self.members.values() if member.name == name.lower()), None)

    # --- messages -------------------------------------------------------------------------------------------------

    def add_message(self, channel: Channel, message: Json) -> Json:
        """Store and show a message; its `ts` is set here."""
        stored = {"type": "message", **message, "ts": self.next_ts(), "team": self.id}
        self._index(channel.id, stored)
        self._keep(channel, stored)
        if parent_ts := self.parent_ts(stored):
            self._announce_message(channel, self._messages[channel.id][parent_ts])
        return stored

    def change_message(self, channel: Channel, message: Json, **changes: Any) -> None:
        """Overwrite fields of a message; `None` removes a field."""
        for name, value in changes.items():
            message.pop(name, None)
            if value is not None:
                message[name] = value
        self._keep(channel, message)

    def delete_message(self, channel: Channel, message: Json) -> None:
        """Take a message away; a parent with replies leaves a tombstone, as in Slack."""
        ts = message["ts"]
        if self._replies.get((channel.id, ts)):
            gone = dict.fromkeys(("blocks", "attachments", "file_ids", "metadata", "reactions", "bot_id", "app_id"))
            told = {"subtype": "tombstone", "user": SYSTEM_USER, "text": "This message was deleted."}
            self.change_message(channel, message, **gone, **told)
            return
        del self._messages[channel.id][ts]
        self._storage.delete("message", self.id, f"{channel.id}/{ts}")
        self.announce("message_deleted", channel.audience, channel=channel.id, ts=ts)
        if parent_ts := self.parent_ts(message):
            self._replies[channel.id, parent_ts].remove(ts)
            parent = self._messages[channel.id][parent_ts]
            self._count_replies(channel.id, parent)
            self._announce_message(channel, parent)

    def message(self, channel: Channel, ts: str) -> Json:
        """Raises: SlackError: `message_not_found`."""
        found = self._messages.get(channel.id, {}).get(ts)
        if found is None:
            raise SlackError("message_not_found")
        return found

    def history(self, channel: Channel) -> list[Json]:
        """What stands in the channel itself, oldest first: no thread replies except broadcast ones."""
        messages = self._messages.get(channel.id, {}).values()
        return [m for m in messages if not self.parent_ts(m) or m.get("subtype") == "thread_broadcast"]

    def thread(self, channel: Channel, ts: str) -> list[Json]:
        """The parent and its replies, oldest first.

        Raises:
            SlackError: `thread_not_found`.
        """
        messages = self._messages.get(channel.id, {})
        if ts not in messages:
            raise SlackError("thread_not_found")
        parent_ts = self.parent_ts(messages[ts]) or ts
        return [messages[parent_ts], *(messages[reply] for reply in self._replies.get((channel.id, parent_ts), ()))]

    def parent_ts(self, message: Json) -> str | None:
        """The parent of a thread reply, `None` for a message at top level."""
        thread_ts = message.get("thread_ts")
        return thread_ts if thread_ts != message["ts"] else None

    def present(self, message: Json, *, with_metadata: bool = False) -> Json:
        """A message as the Web API returns it."""
        shown = {
            name: value
            for name, value in message.items()
            if name != "file_ids" and (name != "metadata" or with_metadata)
        }
        if ids := message.get("file_ids"):
            files = [self.files[id] for id in ids if id in self.files]
            shown["files"] = [self.present_file(file) for file in files] or [
                {"id": id, "mode": "tombstone"} for id in ids
            ]
        return shown

    def react(self, channel: Channel, message: Json, member: str, name: str) -> None:
        """Raises: SlackError: `already_reacted`."""
        reactions: list[Json] = [dict(reaction) for reaction in message.get("reactions", ())]
        reaction = next((r for r in reactions if r["name"] == name), None)
        if reaction is None:
            reactions.append(reaction := new_reaction(name))
        if member in reaction["users"]:
            raise SlackError("already_reacted")
        reaction["users"] = [*reaction["users"], member]
        reaction["count"] = len(reaction["users"])
        self.change_message(channel, message, reactions=reactions)

    def unreact(self, channel: Channel, message: Json, member: str, name: str) -> None:
        """Raises: SlackError: `no_reaction`."""
        reactions: list[Json] = [dict(reaction) for reaction in message.get("reactions", ())]
        reaction = next((r for r in reactions if r["name"] == name and member in r["users"]), None)
        if reaction is None:
            raise SlackError("no_reaction")
        reaction["users"] = [user for user in reaction["users"] if user != member]
        reaction["count"] = len(reaction["users"])
        self.change_message(channel, message, reactions=[r for r in reactions if r["count"]] or None)

    def add_ephemeral(self, channel: Channel, member: str, message: Json) -> Json:
        """Show a message to one person; it is never stored."""
        shown = {"type": "message", "subtype": "bot_message", **message, "ts": self.next_ts(), "team": self.id}
        shown |= {"is_ephemeral": True, "channel": channel.id, "to": member}
        self.ephemerals.append(shown)
        self.announce("ephemeral", [member], channel=channel.id, message=shown)
        return shown

    def ephemeral(self, channel: Channel, ts: str) -> Json | None:
        return next((m for m in self.ephemerals if m["ts"] == ts and m["channel"] == channel.id), None)

    def change_ephemeral(self, message: Json, **changes: Any) -> None:
        message.update({name: value for name, value in changes.items() if value is not None})
        for name in [name for name, value in changes.items() if value is None]:
            message.pop(name, None)
        self.announce("ephemeral", [message["to"]], channel=message["channel"], message=message)

    def remove_ephemeral(self, message: Json) -> None:
        self.ephemerals.remove(message)
        self.announce("ephemeral_deleted", [message["to"]], channel=message["channel"], ts=message["ts"])

    def _index(self, channel: str, message: Json) -> None:
        self._messages.setdefault(channel, {})[message["ts"]] = message
        self._last_ts = max(self._last_ts, int(message["ts"].replace(".", "")))
        if parent_ts := self.parent_ts(message):
            self._replies.setdefault((channel, parent_ts), []).append(message["ts"])
            self._count_replies(channel, self._messages[channel][parent_ts])

    def _count_replies(self, channel: str, parent: Json) -> None:
        replies = self._replies.get((channel, parent["ts"]), [])
        for name in ("thread_ts", "reply_count", "reply_users_count", "reply_users", "latest_reply"):
            parent.pop(name, None)
        if replies:
            users = list(dict.fromkeys(self._messages[channel][ts]["user"] for ts in replies))
            parent |= {"thread_ts": parent["ts"], "reply_count": len(replies), "latest_reply": replies[-1]}
            parent |= {"reply_users": users[:5], "reply_users_count": len(users)}

    def _keep(self, channel: Channel, message: Json) -> None:
        self._storage.put("message", self.id, f"{channel.id}/{message['ts']}", message)
        self._announce_message(channel, message)

    def _announce_message(self, channel: Channel, message: Json) -> None:
        self.announce("message", channel.audience, channel=channel.id, message=self.present(message))

    # --- files ----------------------------------------------------------------------------------------------------

    def save_file(self, file: File) -> None:
        self.files[file.id] = file
        self._storage.put("file", self.id, file.id, asdict(file))

    def save_content(self, file: File, content: bytes) -> None:
        self._storage.put_content(self.id, file.id, content)
        file.size, file.uploaded = len(content), True
        self.save_file(file)

    def content(self, file: File) -> bytes:
        return self._storage.content(self.id, file.id)

    def file(self, wanted: str) -> File:
        """Raises: SlackError: `file_not_found`."""
        if wanted not in self.files:
            raise SlackError("file_not_found")
        return self.files[wanted]

    def delete_file(self, file: File) -> None:
        del self.files[file.id]
        self._storage.delete("file", self.id, file.id)
        self._storage.delete_content(self.id, file.id)
        for channel_id, ts, _ in file.shares:
            channel = self.channels[channel_id]
            if ts in self._messages.get(channel_id, {}):
                self._announce_message(channel, self._messages[channel_id][ts])

    def present_file(self, file: File) -> Json:
        link = f"{self.base_url}/files/{self.id}/{file.id}/{file.name}"
        shares: dict[str, dict[str, list[Json]]] = {}
        for channel_id, ts, thread_ts in file.shares:
            group = "public" if self.channels[channel_id].kind == "public" else "private"
            share = {"ts": ts, "channel_name": self.channels[channel_id].name, "team_id": self.id}
            share |= {"thread_ts": thread_ts} if thread_ts else {}
            shares.setdefault(group, {}).setdefault(channel_id, []).append(share)
        return {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title or file.name,
            "alt_txt": file.alt_text,
            "mimetype": file.mimetype,
            "filetype": file.name.rpartition(".")[2].lower() if "." in file.name else "binary",
            "user": file.user,
            "user_team": self.id,
            "size": file.size,
            "mode": "hosted",
            "is_external": False,
            "url_private": link,
            "url_private_download": f"{link}?download=1",
            "permalink": f"{self.base_url}/#/file/{file.id}",
            "channels": list(shares.get("public", {})),
            "groups": [id for id in shares.get("private", {}) if not id.startswith("D")],
            "ims": [id for id in shares.get("private", {}) if id.startswith("D")],
            "shares": shares,
        }

    # --- views ----------------------------------------------------------------------------------------------------

    def open_view(self, view: View, *, pushed: bool) -> None:
        stack = self.stacks.setdefault(view.member, [])
        if not pushed:
            for id in stack:
                self.views.pop(id, None)
            stack.clear()
        stack.append(view.id)
        self.views[view.id] = view
        self._announce_views(view.member)

    def update_view(self, view: View) -> None:
        self._announce_views(view.member)

    def close_views(self, member: str, ids: Iterable[str]) -> None:
        for id in list(ids):
            self.views.pop(id, None)
            self.stacks[member].remove(id)
        self._announce_views(member)

    def save_home(self, member: str, body: Json) -> None:
        self.homes[member] = body
        self._storage.put("home", self.id, member, body)
        self.announce("home", [member], view=body)

    def open_views(self, member: str) -> list[Json]:
        return [self.views[id].body for id in self.stacks.get(member, ())]

    def _announce_views(self, member: str) -> None:
        self.announce("views", [member], views=self.open_views(member))

    def set_status(self, channel: Channel, thread_ts: str, status: Json | None) -> None:
        """What the bot says it is doing in a thread, until it posts there."""
        if status is None:
            if self.statuses.pop((channel.id, thread_ts), None) is None:
                return
        else:
            self.statuses[channel.id, thread_ts] = status
        self.announce("status", channel.audience, channel=channel.id, thread_ts=thread_ts, status=status)


def new_reaction(name: str) -> Json:
    return {"name": name, "users": [], "count": 0}


def channel_summary(channel: Channel) -> Json:
    """What the page lists about a channel."""
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "members": list(channel.members),
        "topic": channel.topic,
        "partner": channel.partner,
        "is_archived": channel.is_archived,
        "has_bot": BOT_USER in channel.members,
    }
