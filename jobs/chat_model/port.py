"""What a call to a chat model asks for, what comes back, and the port that every adapter fulfils."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal, Protocol, Required, TypedDict
from urllib.parse import urlsplit

from jobs.errors import ConfigurationError, ModelError, ModelFault
from jobs.model import Tokens
from jobs.settings import real_models_forbidden

Caller = Literal["simulator", "judge", "assistant"]
ChatClient = Literal["lean", "openai"]

STOPS_A_RUN: frozenset[ModelFault] = frozenset({"auth", "quota", "not_found"})
"""Faults that meet every further call too: a run that goes on would only repeat them."""


class Message(TypedDict, total=False):
    """One message as the chat-completions format has it; a plain dict, since histories are long and sent every turn."""

    role: Required[Literal["system", "user", "assistant", "tool"]]
    content: Required[str | None]
    tool_calls: Sequence[Mapping[str, Any]]
    tool_call_id: str


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool the model may ask for; ``parameters`` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The shape a structured answer must have: a JSON schema of an object, under a name."""

    name: str
    json_schema: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """One call. ``None`` leaves a choice to the provider.

    Args:
        role: who asks. An empty answer of the assistant under test is its own doing and is not asked for again.
    """

    model: str
    messages: Sequence[Message]
    role: Caller
    temperature: float | None = None
    max_tokens: int | None = None
    tools: tuple[Tool, ...] = ()
    schema: Schema | None = None
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one or several calls as the provider counted them; ``cached`` is the part of ``input`` read from its
    cache."""

    input: int = 0
    output: int = 0
    cached: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=self.input + other.input, output=self.output + other.output, cached=self.cached + other.cached
        )

    @property
    def tokens(self) -> Tokens:
        return Tokens(input=self.input, output=self.output)


@dataclass(frozen=True, kw_only=True)
class RequestedTool:
    """A tool the model asks for. ``error`` says why its arguments could not be read; they are then empty."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChatReply:
    """What a model answered.

    Args:
        text: may be empty only if tools are asked for.
        parsed: the structured answer, of the shape that was asked for.
        usage: all that was billed for this answer, failed attempts included; None = the provider does not say.
        cost_usd: None = not known.
        latency_ms: how long the attempt took that gave the answer, without waiting for our own gate.
        message: the answer as it goes into the history of the next call.
    """

    text: str
    model: str
    message: Message
    usage: Usage | None
    finish_reason: str | None = None
    tool_calls: tuple[RequestedTool, ...] = ()
    parsed: Mapping[str, Any] | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None

    @property
    def tokens(self) -> Tokens:
        return self.usage.tokens if self.usage else Tokens()


class UnusableReply(ModelError):
    """An answer came and was billed, and it is no answer."""

    def __init__(self, message: str, *, permanent: bool, fault: ModelFault, usage: Usage | None) -> None:
        super().__init__(message, permanent=permanent, fault=fault)
        self.usage = usage


class ChatModel(Protocol):
    """Answers chats. Every failure is a ModelError (or BudgetExhausted, where money is counted)."""

    async def complete(self, request: ChatRequest, *, deadline_s: float) -> ChatReply:
        """The answer, or a ModelError after at most ``deadline_s`` seconds of calling and retrying."""
        ...


class Adapter(ChatModel, Protocol):
    """Speaks to one endpoint: one call, one attempt."""

    async def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a model answers and with which key; the same pair shares one gate.

    Raises:
        ConfigurationError: the URL cannot be used, or it leaves this machine although real models are forbidden.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if problem := _problem_of_url(self.base_url):
            raise ConfigurationError(f"the model's base URL {problem}")
        if real_models_forbidden() and not self._on_this_machine:
            raise ConfigurationError(
                f"CONVOTEST_FORBID_REAL_MODELS is set, and {self.host!r} is not on this machine: no call was made"
            )

    @property
    def url(self) -> str:
        return self.base_url.rstrip("/") + "/chat/completions"

    @property
    def host(self) -> str:
        """The host as messages may show it."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def _on_this_machine(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def _problem_of_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "must begin with https:// or http:// and name a host, for example https://api.openai.com/v1"
    if parts.username or parts.password or parts.query:
        return "must not contain a password or a query; the key belongs in its own setting"
    return None
