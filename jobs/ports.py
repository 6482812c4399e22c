"""The edges of the work: what it needs from the world, as protocols that a double and a real adapter both fulfil."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from jobs.model import Assessment, Limits, Scenario, SimulatorName, Tokens, ToolCall, Transcript, Turn, Variant

if TYPE_CHECKING:
    from jobs.chat_model import ChatModel  # it needs the clock from here


class Clock(Protocol):
    """Time. ``now`` is aware (UTC); ``monotonic`` is in seconds and only good for differences."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Models(Protocol):
    """The chat models as one conversation may call them: in its run's line, on its budget, at its prices."""

    def model(
        self, *, base_url: str | None = None, api_key: str | None = None, limits: Limits | None = None
    ) -> "ChatModel":
        """The models at that address with that key; without both, those of the settings.

        A key alone goes with the address of the settings, an address alone without any key. The pace of ``limits``
        is kept by all who use that address and key, if this is the first time that it is used.
        """
        ...


# --- the assistant under test ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an assistant answered in one turn: one message or several, and what it said about itself.

    ``fallback`` is None when the assistant does not tell whether it understood; ``cost_usd`` None = price unknown.
    ``latency_ms`` is how long the assistant took, where the connector knows better than the clock around it.
    """

    messages: tuple[str, ...]
    intent: str | None = None
    entities: Mapping[str, str] = field(default_factory=dict[str, str])
    tool_calls: tuple[ToolCall, ...] = ()
    fallback: bool | None = None
    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0
    latency_ms: float | None = None


class AssistantSession(Protocol):
    """One conversation with an assistant. Every failure is an AssistantError."""

    async def greet(self) -> Reply:
        """What the assistant says first, for assistants that start."""
        ...

    async def send(self, text: str) -> Reply:
        """The assistant's answer to one user turn."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class RecallingSession(AssistantSession, Protocol):
    """A session that can be put where an earlier one was."""

    async def recall(self, turns: Sequence[Turn]) -> bool:
        """Go on as if these turns had been said in this session, without asking the assistant again; False if what
        the assistant knows is kept elsewhere."""
        ...


class Connector(Protocol):
    """Knows how to talk to one kind of assistant."""

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        """What is wrong with a variant's configuration, each a sentence with its mend; empty when it can be used."""
        ...

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        """A fresh session. ``seed`` (variant, scenario, repeat) drives whatever the connector does by chance;
        ``models`` are for assistants that are a model with a prompt."""
        ...


# --- the user simulator ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """What the simulated customer says next. ``ends`` only proposes: the runner decides when it is over.

    ``canary`` is a mark in the simulator's own instructions: a text that has it gives them away and is never sent.
    ``verbatim``: it stands in a file just so, and whether a customer would say it is not asked.
    """

    text: str
    ends: bool = False
    canary: str | None = None
    verbatim: bool = False
    intent: str | None = None
    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0


class SimulatedUser(Protocol):
    """One customer in one conversation."""

    async def speak(self, turns: Sequence[Turn]) -> Utterance:
        """The next utterance, given all turns so far (the last one is the assistant's, or there is none)."""
        ...

    async def assess(self, transcript: Transcript) -> Assessment:
        """What became of the goals, read from the finished transcript."""
        ...


class UserSimulator(Protocol):
    """Plays customers."""

    @property
    def name(self) -> SimulatorName: ...

    def begin(self, scenario: Scenario, *, models: Models | None = None) -> SimulatedUser: ...
