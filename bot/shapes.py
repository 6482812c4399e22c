"""The shapes of Slack's payloads as far as we read them; what does not fit is refused at the door."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from bot.payload import Json, text_in

Id = Annotated[str, Field(min_length=1, max_length=255)]


class Named(BaseModel):
    """A member, team or channel."""

    id: Id


class Member(Named):
    team_id: str | None = None


class Team(BaseModel):
    id: Id


class Command(BaseModel):
    command: str
    team_id: Id
    channel_id: Id
    user_id: Id
    trigger_id: Id
    text: str = ""
    enterprise_id: str | None = None
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
    app_installed_team_id: str | None = None


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
    trigger_id: Id


class AnyEvent(BaseModel):
    type: Id


class SomethingSaid(AnyEvent):
    """A mention or message, or the Home tab being opened."""

    user: str | None = None
    channel: str | None = None
    text: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    thread_ts: str | None = None
    channel_type: str | None = None
    tab: str | None = None
    user_team: str | None = None


class Authorization(BaseModel):
    team_id: str | None = None
    enterprise_id: str | None = None
    user_id: str | None = None
    is_enterprise_install: bool | None = None


class EventDelivery(BaseModel):
    event_id: Id
    event: AnyEvent
    team_id: str | None = None
    enterprise_id: str | None = None
    authorizations: list[Authorization] | None = None


class SaidDelivery(EventDelivery):
    event: SomethingSaid


INTERACTIONS: dict[str, type[BaseModel]] = {
    "block_actions": Click,
    "view_submission": Submission,
    "shortcut": Shortcut,
    "message_action": Shortcut,
}
SAID = ("app_mention", "message", "app_home_opened")


def is_readable(body: Any) -> bool:
    """Whether everything that is read of a payload is there and of its type."""
    shape = _shape_of(body)
    try:
        return shape is None or bool(shape.model_validate(body, strict=True))
    except ValidationError:
        return False


def _shape_of(body: Any) -> type[BaseModel] | None:
    if not isinstance(body, dict):
        return Command
    given: Json = body
    if "command" in given:
        return Command
    kind: Any = given.get("type")
    if kind == "event_callback":
        return SaidDelivery if text_in(given.get("event"), "type") in SAID else EventDelivery
    return INTERACTIONS.get(str(kind))
