"""The shapes of Slack's payloads as far as we read them; what does not fit is refused at the door."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from bot.payload import Json, inside, text_in

OtherId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{0,255}$")]
"""One that need not be given."""
Id = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]


class Named(BaseModel):
    """A member, team or channel."""

    id: Id


class Member(Named):
    team_id: OtherId | None = None


class Team(BaseModel):
    id: Id


class Command(BaseModel):
    command: str
    team_id: Id
    channel_id: Id
    user_id: Id
    trigger_id: Id
    text: str = ""
    enterprise_id: OtherId | None = None
    response_url: str | None = None


class Action(BaseModel):
    action_id: Id
    type: str
    value: str | None = None
    action_ts: str | None = None
    block_id: str | None = None


class Container(BaseModel):
    message_ts: str | None = None
    view_id: str | None = None
    thread_ts: str | None = None


class View(BaseModel):
    id: Id
    type: str  # Bolt reads it
    callback_id: str = ""
    private_metadata: str = ""
    hash: str | None = None
    blocks: list[Json] = []
    state: Json | None = None
    app_installed_team_id: OtherId | None = None


class Interaction(BaseModel):
    """What clicks, forms and shortcuts have in common."""

    user: Member
    team: Team | None = None
    enterprise: Named | None = None
    trigger_id: str | None = None
    response_url: str | None = None


class Click(Interaction):
    actions: Annotated[list[Action], Field(min_length=1)]
    container: Container | None = None
    channel: Named | None = None
    view: View | None = None


class Submission(Interaction):
    view: View


class Shortcut(Interaction):
    callback_id: Id
    channel: Named | None = None
    message_ts: str | None = None


class UrlVerification(BaseModel):
    challenge: str


class RateLimited(BaseModel):
    """Slack says that it holds events back."""

    team_id: Id


class AnyEvent(BaseModel):
    type: Id


class SomethingSaid(AnyEvent):
    """A mention or message, or the Home tab being opened."""

    user: OtherId | None = None
    channel: OtherId | None = None
    text: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    thread_ts: str | None = None
    channel_type: str | None = None
    tab: str | None = None
    user_team: OtherId | None = None


class PaneContext(BaseModel):
    """What the member was looking at; nothing of it is sure to be there."""

    channel_id: OtherId | None = None
    team_id: OtherId | None = None


class AssistantThread(BaseModel):
    user_id: OtherId | None = None
    channel_id: OtherId | None = None
    thread_ts: str | None = None
    context: PaneContext | None = None


class PaneUsed(AnyEvent):
    """Slack's assistant pane was opened, or taken somewhere else."""

    assistant_thread: AssistantThread


class Authorization(BaseModel):
    team_id: OtherId | None = None
    enterprise_id: OtherId | None = None
    user_id: OtherId | None = None
    is_enterprise_install: bool | None = None


class Delivered(BaseModel):
    event_id: Id
    team_id: OtherId | None = None
    enterprise_id: OtherId | None = None
    authorizations: list[Authorization] | None = None


class EventDelivery(Delivered):
    event: AnyEvent


class SaidDelivery(Delivered):
    type: Literal["event_callback"]
    event: SomethingSaid


class PaneDelivery(Delivered):
    type: Literal["event_callback"]
    event: PaneUsed


SHAPES: dict[str, type[BaseModel]] = {
    "url_verification": UrlVerification,
    "app_rate_limited": RateLimited,
    "event_callback": EventDelivery,
    "block_actions": Click,
    "view_submission": Submission,
    "view_closed": Submission,
    "block_suggestion": Interaction,
    "shortcut": Shortcut,
    "message_action": Shortcut,
}
SAID = ("app_mention", "message", "app_home_opened")
PANE = ("assistant_thread_started", "assistant_thread_context_changed")


def is_readable(body: Any) -> bool:
    """Whether everything that is read of a payload is there and of its type."""
    shape = _shape_of(inside(body))
    try:
        return shape is not None and bool(shape.model_validate(body, strict=True))
    except ValidationError:
        return False


def _shape_of(body: Json) -> type[BaseModel] | None:
    if "command" in body:
        return Command
    if text_in(inside(body, "event"), "type") in SAID:
        return SaidDelivery
    if text_in(inside(body, "event"), "type") in PANE:
        return PaneDelivery
    return SHAPES.get(text_in(body, "type"))
