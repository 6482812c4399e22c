"""The error tree: who is told, and with which exit code."""

from typing import Literal

from jobs.model import Tokens


class ConvotestError(Exception):
    """Base of every error that convotest raises on purpose; its text is fit to be shown to a person."""

    exit_code = 1


class RequestError(ConvotestError):
    """What was asked cannot be done as asked; the text says why and what to do instead."""

    exit_code = 2


class ConfigurationError(ConvotestError):
    """Something that convotest needs is missing, unreachable or already in use."""

    exit_code = 3


class UpstreamError(ConvotestError):
    """A system that we call failed.

    Args:
        permanent: trying again cannot help.
        retry_after_s: seconds the other side asked us to wait, when it said so.
    """

    exit_code = 3

    def __init__(self, message: str, *, permanent: bool, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class AssistantError(UpstreamError):
    """The assistant under test could not be reached or answered something that is no answer."""


class AssistantTimeout(AssistantError):
    """The assistant under test took longer than it may."""


ModelFault = Literal[
    "rate_limit",
    "quota",
    "auth",
    "not_found",
    "bad_request",
    "server",
    "timeout",
    "connection",
    "bad_reply",
    "empty",
    "refused",
    "too_large",
]


class ModelError(UpstreamError):
    """A language model of ours (simulator or judge) could not be reached or answered something that is no answer.

    ``fault`` says what went wrong with the call; None when the call itself was fine. ``billed`` is what its attempts
    cost in tokens all the same, None when that is not known.
    """

    billed: Tokens | None = None

    def __init__(
        self, message: str, *, permanent: bool, retry_after_s: float | None = None, fault: ModelFault | None = None
    ) -> None:
        super().__init__(message, permanent=permanent, retry_after_s=retry_after_s)
        self.fault: ModelFault | None = fault


class BudgetExhausted(ConvotestError):
    """The money set aside for this run, channel or month is used up."""

    exit_code = 4
