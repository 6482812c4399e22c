"""Feedback as others write it: the fields of an API call, of a line in a file, of a form; checked at the border."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from jobs.errors import RequestError
from jobs.feedback.rating import LONGEST_COMMENT
from jobs.shelf import nearest

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MOST_AHEAD = timedelta(days=1)
"""What a clock elsewhere may be ahead of ours."""
TOLD = 60
"""Characters of a wrong value that are repeated in the message."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with one field; ``field`` is empty if it is the whole."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class FeedbackError(RequestError):
    """What was given is no feedback."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(str(each) for each in faults))
        self.faults = tuple(faults)


def _stars(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5):
        raise ValueError(f"must be a whole number from 1 to 5, not {_told(value)}")
    return value


def _thumb(value: object) -> object:
    if value not in (None, "up", "down"):
        raise ValueError(f"must be 'up' or 'down', not {_told(value)}")
    return value


def _moment(value: object) -> object:
    """An aware datetime from ISO 8601 (without a zone: UTC) or from seconds since 1970."""
    if value is None or isinstance(value, datetime):
        return value
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TypeError
        moment = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise ValueError(f"must be a time like '2026-01-05T09:30:00Z', not {_told(value)}") from None


def _clean(value: object) -> object:
    """Text that every database can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return value


Stars = Annotated[int | None, BeforeValidator(_stars)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), BeforeValidator(_clean)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_COMMENT), BeforeValidator(_clean)]
Names = Annotated[tuple[Name, ...], Field(max_length=20, strict=False)]


class GivenAspects(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    tool_selection: Stars = None
    response_quality: Stars = None
    speed: Stars = None


class GivenFeedback(BaseModel):
    """One piece of feedback; there is a rating, a thumb or a text in it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    conversation_id: Name | None = None
    rating: Stars = None
    thumb: Annotated[Literal["up", "down"] | None, BeforeValidator(_thumb)] = None
    feedback_text: Text | None = None
    user_id: Name | None = None
    timestamp: Annotated[datetime | None, BeforeValidator(_moment)] = None
    tags: Names = ()
    aspects: GivenAspects = GivenAspects()
    suggested_tools: Names = ()
    suggested_response: Text | None = None
    conversation_summary: Text | None = None
    assistant: Name | None = None
    variant: Name | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "GivenFeedback":
        if self.rating is not None and self.thumb is not None:
            raise ValueError("has a rating and a thumb; give one of them")
        if self.rating is None and self.thumb is None and not self.feedback_text:
            raise ValueError("says nothing: give 'rating' (1 to 5), 'thumb' (up or down) or 'feedback_text'")
        return self

    @property
    def digest(self) -> str:
        """The same for the same content, on every machine."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]


FIELDS = tuple(GivenFeedback.model_fields)


def parse_feedback(value: object, *, now: datetime) -> GivenFeedback:
    """The feedback in a JSON-like object.

    Raises:
        FeedbackError: it is none; names every field that is wrong.
    """
    if not isinstance(value, Mapping):
        raise FeedbackError(
            [Fault(field="", message=f"must be an object with fields such as 'rating', not {_told(value)}")]
        )
    try:
        given = GivenFeedback.model_validate(value)
    except ValidationError as error:
        raise FeedbackError([_fault(each) for each in error.errors(include_url=False)]) from None
    if given.timestamp and not EARLIEST <= given.timestamp <= now + MOST_AHEAD:
        raise FeedbackError([Fault(field="timestamp", message=f"{given.timestamp.isoformat()} is not in the past")])
    return given


def _fault(error: Any) -> Fault:
    field, value = ".".join(str(part) for part in error["loc"]), error.get("input")
    context: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            guess = nearest(field.rpartition(".")[2], FIELDS)
            message = "is no field of feedback" + (f"; did you mean {guess!r}?" if guess else "")
        case "string_too_long":
            message = f"has {len(str(value))} characters; at most {context['max_length']} are taken"
        case "string_too_short":
            message = "is empty"
        case "too_long":
            message = f"has {len(value)} parts; at most {context['max_length']} are taken"
        case "string_type" | "tuple_type" | "model_type" | "model_attributes_type":
            wanted = {"s": "a text", "t": "a list of texts"}.get(error["type"][0], "an object")
            message = f"must be {wanted}, not {_told(value)}"
        case _:
            message = str(error["msg"]).removeprefix("Value error, ")
    return Fault(field=field, message=message)


def _told(value: object) -> str:
    """A wrong value, short enough for a message."""
    told = "null" if value is None else repr(value[: TOLD + 1] if isinstance(value, str) else value)
    return told if len(told) <= TOLD else f"{told[:TOLD]}…"
