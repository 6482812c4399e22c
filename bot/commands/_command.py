"""What a subcommand is, what it gets, and the checks that several of them share."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.blocks import Message, VerbHelp
from bot.commands._grammar import Words
from bot.poster import Poster, Refused
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import Place, WorkspaceId
from jobs.permissions import Person, Right, Standing, require_right
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
        home_id: the workspace that the member belongs to, where Slack says so.
        trigger_id: leave to open a modal, for three seconds.
        message_ts: the message that was written, or whose button was pressed; ``pressed_ts`` is when it was pressed,
            by Slack's clock.
    """

    workspace_id: WorkspaceId
    channel_id: str
    member_id: str
    key: str
    home_id: str | None = None
    trigger_id: str | None = None
    response_url: str | None = None
    thread_ts: str | None = None
    message_ts: str | None = None
    pressed_ts: str | None = None

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
        right: what somebody must be allowed to.
        free_text: what follows is one text, quotes and equals signs included, and the only positional word.
    """

    name: str
    usage: str
    summary: str
    examples: Sequence[str]
    handle: Handle
    options: Sequence[tuple[str, str]] = ()
    right: Right = "read"
    free_text: bool = False

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


async def require(right: Right, verb: str, asker: Asker, edge: Edge, *, proposer: str | None = None) -> None:
    """Whether the asker may do it is looked up in Slack now; reading needs no more than to be of this workspace.

    Raises:
        NotAllowed: the refusal is recorded.
        PostError: Slack cannot tell who they are.
    """
    await require_right(
        right,
        await person_of(right, asker, edge),
        verb,
        asker.workspace_id,
        edge.ports,
        place=asker.channel_id,
        proposer=proposer,
    )


async def person_of(right: Right, asker: Asker, edge: Edge) -> Person:
    """Who the asker is just now, as far as the right needs it; raises PostError."""
    return Person(id=asker.member_id, standing=await _standing(right, asker, edge))


async def _standing(right: Right, asker: Asker, edge: Edge) -> Standing:
    if asker.home_id not in (None, asker.workspace_id):
        return "stranger"
    if right == "read":
        return "member"
    try:
        return await edge.poster.standing(asker.member_id, asker.workspace_id)
    except Refused as error:
        if right == "use" and error.code == "missing_scope":  # an older installation; what it could do it still can
            return "member"
        raise
