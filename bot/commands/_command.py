"""What a subcommand is, what it gets, and the checks that several of them share."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.blocks import Message, VerbHelp
from bot.commands._grammar import Words
from bot.poster import Poster
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import Place, WorkspaceId
from jobs.shelf import Shelf


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What commands and clicks work with in one workspace."""

    ports: Ports
    poster: Poster
    commands: "Shelf[Command]"


EdgeOf = Callable[[WorkspaceId], Edge]
"""What to work with in a workspace."""


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asked for something, where, and how to answer so that only they see it.

    Args:
        key: the delivery's own: what follows from it is done once under this key.
        trigger_id: leave to open a modal, for three seconds.
    """

    workspace_id: WorkspaceId
    channel_id: str
    member_id: str
    key: str
    trigger_id: str | None = None
    response_url: str | None = None
    thread_ts: str | None = None

    @property
    def place(self) -> Place:
        return Place(workspace_id=self.workspace_id, channel_id=self.channel_id)


Handle = Callable[[Words, Asker, Edge], Awaitable[Message | None]]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A subcommand of ``/convotest``.

    Args:
        usage: what follows ``/convotest``, options in brackets.
        options: each option with what it does.
        handle: the answer that only the asker sees; None when what happened is answer enough.
    """

    name: str
    usage: str
    summary: str
    examples: Sequence[str]
    handle: Handle
    options: Sequence[tuple[str, str]] = ()

    @property
    def help(self) -> VerbHelp:
        return VerbHelp(
            usage=f"/convotest {self.usage}",
            summary=self.summary,
            examples=[f"/convotest {example}" for example in self.examples],
        )


async def require_membership(asker: Asker, edge: Edge) -> None:
    """Nothing starts where its result could not be shown.

    Raises:
        RequestError: says how to invite the bot.
    """
    if await edge.poster.can_post(asker.channel_id, asker.member_id):
        return
    if asker.channel_id.startswith("D"):
        raise RequestError(
            "I am not part of this conversation, so nothing was started. Write to me directly, or use a channel."
        )
    raise RequestError(
        "I am not in this channel, so nothing was started. Invite me with /invite @convotest and try again."
    )
