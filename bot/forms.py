"""What forms have in common: a form is read, refused field by field, and then carried out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.blocks import Message
from bot.commands import Asker, Edge


@dataclass(frozen=True, kw_only=True)
class FieldError(Exception):
    """A field of a form cannot be used as it is."""

    field: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What was submitted.

    Args:
        values: the state of the inputs, block id -> action id -> state.
        about: what the form was opened for, as `form_metadata` put it there.
    """

    values: Mapping[str, Any]
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form, by what happens to what was submitted.

    Args:
        read: the request that the form asks for, looked up already; within Slack's three seconds. Raises FieldError.
        carry_out: after the form has closed; the answer for whoever submitted it.
    """

    read: Callable[[Submission, Asker, Edge], Awaitable[Any]]
    carry_out: Callable[[Any, Asker, Edge], Awaitable[Message | None]]


def form_metadata(channel_id: str, about: str = "") -> str:
    """The ``private_metadata`` of a form: the channel that it belongs to, and what it is about."""
    return f"{channel_id} {about}".rstrip()
