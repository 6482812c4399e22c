"""A Slack that only remembers: the poster's double, with the failures that a real one has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.blocks import Json, Message
from bot.poster import Doubtful, NotSent, Refused, Shared, Upload
from jobs.permissions import Standing


@dataclass(kw_only=True)
class Posted:
    """A message or shared file as people see it; ``versions`` are what was shown, the present one last."""

    channel_id: str
    thread_ts: str | None
    ts: str
    key: str | None
    versions: list[Message] = field(default_factory=list[Message])
    file_id: str | None = None


@dataclass(kw_only=True)
class MemoryPoster:
    """The port `bot.poster.Poster` over lists.

    Attributes:
        rate_limit_next, fail_next, lose_next: so many of the next posts are refused for now, fail before they are
            stored, or are stored and fail then.
        refuses: Slack's word for why it takes nothing in a channel.
        standings: what people are, if they are not just members.
    """

    rate_limit_next: int = 0
    retry_after_s: float = 3.0
    fail_next: int = 0
    lose_next: int = 0
    refuses: dict[str, str] = field(default_factory=dict[str, str])
    standings: dict[str, Standing] = field(default_factory=dict[str, Standing])
    homes: dict[str, Json] = field(default_factory=dict[str, Json])
    posted: list[Posted] = field(default_factory=list[Posted])
    whispers: list[tuple[str, str, Message]] = field(default_factory=list[tuple[str, str, Message]])
    responses: list[tuple[str, Message]] = field(default_factory=list[tuple[str, Message]])
    views: list[Json] = field(default_factory=list[Json])
    downloads: dict[str, bytes] = field(default_factory=dict[str, bytes])
    uploads: dict[str, Upload] = field(default_factory=dict[str, Upload])
    statuses: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    titles: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    prompts: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict[tuple[str, str], tuple[str, ...]])
    marks: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])

    async def download(self, url: str, *, at_most: int) -> bytes:
        if url not in self.downloads:
            raise Refused("file_refused", ": there is no such file")
        return self.downloads[url][: at_most + 1]

    async def post(self, channel_id: str, message: Message, *, key: str, thread_ts: str | None = None) -> str:
        self._fail_before(channel_id)
        shown = self._store(channel_id, thread_ts, key=key)
        shown.versions.append(message)
        self._fail_after()
        return shown.ts

    async def update(self, channel_id: str, ts: str, message: Message) -> None:
        self._fail_before(channel_id)
        for shown in self.posted:
            if (shown.channel_id, shown.ts) == (channel_id, ts):
                shown.versions.append(message)
                return
        raise Refused("message_not_found")

    async def find_keys(self, channel_id: str, thread_ts: str | None) -> Mapping[str, str]:
        return {
            shown.key: shown.ts
            for shown in self.posted
            if shown.channel_id == channel_id and shown.thread_ts == thread_ts and shown.key
        }

    async def start_upload(self, upload: Upload) -> str:
        file_id = f"F{len(self.uploads) + 1}"
        self.uploads[file_id] = upload
        return file_id

    async def share_upload(self, file_id: str, upload: Upload, *, channel_id: str, thread_ts: str | None) -> Shared:
        self._fail_before(channel_id)
        shown = self._store(channel_id, thread_ts, file_id=file_id)
        shown.versions.append(Message(text=upload.comment))
        self._fail_after()
        return Shared(ts=shown.ts)

    async def find_share(self, file_id: str, *, channel_id: str, thread_ts: str | None) -> Shared | None:
        for shown in self.posted:
            if (shown.file_id, shown.channel_id, shown.thread_ts) == (file_id, channel_id, thread_ts):
                return Shared(ts=shown.ts)
        return None

    async def whisper(self, channel_id: str, member_id: str, message: Message, *, thread_ts: str | None = None) -> None:
        self.whispers.append((channel_id, member_id, message))

    async def respond(self, response_url: str, message: Message) -> None:
        self.responses.append((response_url, message))

    async def can_post(self, channel_id: str, member_id: str) -> bool:
        return channel_id not in self.refuses

    async def open_view(self, trigger_id: str, view: Json) -> None:
        self.views.append(view)

    async def direct_channel(self, member_id: str) -> str:
        return f"D{member_id[1:]}"

    async def show_home(self, member_id: str, view: Json) -> None:
        self.homes[member_id] = view

    async def link(self, channel_id: str, ts: str) -> str | None:
        return f"https://local.example/archives/{channel_id}/p{ts.replace('.', '')}"

    async def set_status(self, channel_id: str, thread_ts: str, status: str) -> None:
        self.statuses.append((channel_id, thread_ts, status))

    async def set_title(self, channel_id: str, thread_ts: str, title: str) -> None:
        self.titles[channel_id, thread_ts] = title

    async def suggest_prompts(self, channel_id: str, thread_ts: str, prompts: Sequence[str]) -> None:
        self.prompts[channel_id, thread_ts] = tuple(prompts)

    async def mark(self, channel_id: str, ts: str, emoji: str) -> None:
        self.marks.append(("mark", channel_id, ts, emoji))

    async def unmark(self, channel_id: str, ts: str, emoji: str) -> None:
        self.marks.append(("unmark", channel_id, ts, emoji))

    async def is_installed(self) -> bool:
        return True

    async def standing(self, member_id: str, workspace_id: str) -> Standing:
        return self.standings.get(member_id, "member")

    def _store(
        self, channel_id: str, thread_ts: str | None, *, key: str | None = None, file_id: str | None = None
    ) -> Posted:
        ts = f"{1_700_000_000 + len(self.posted)}.000100"
        shown = Posted(channel_id=channel_id, thread_ts=thread_ts, ts=ts, key=key, file_id=file_id)
        self.posted.append(shown)
        return shown

    def _fail_before(self, channel_id: str) -> None:
        if code := self.refuses.get(channel_id):
            raise Refused(code)
        if self.rate_limit_next:
            self.rate_limit_next -= 1
            raise NotSent("Slack asked us to wait", retry_after_s=self.retry_after_s)
        if self.fail_next:
            self.fail_next -= 1
            raise Doubtful("the connection was lost")

    def _fail_after(self) -> None:
        if self.lose_next:
            self.lose_next -= 1
            raise Doubtful("the answer was lost")
