"""Assistants to test against without any key or account: a pizza shop and other desks, slot filling over YAML files."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import ValidationError

from jobs.assistants._connector import ConnectorPorts, ConnectorType
from jobs.assistants._demo.desk import DeskConfig, load_desk
from jobs.assistants._demo.desk_dialogue import DeskDialogue
from jobs.assistants._demo.desk_hearing import DeskHearing
from jobs.assistants._demo.dialogue import Dialogue
from jobs.assistants._demo.hearing import Hearing
from jobs.assistants._demo.shop import DemoConfig, load_shop
from jobs.errors import AssistantError
from jobs.model import Turn, Variant
from jobs.ports import AssistantSession, Clock, Models, Reply

JITTER = (0.6, 1.4)
"""Thinking takes between so many times ``latency_ms``."""


class DemoConnector:
    """Opens conversations with a shop or desk; one variant's file is read once."""

    def __init__(self, ports: ConnectorPorts) -> None:
        self._ports = ports
        self._opened: dict[str, _Opened] = {}

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        try:
            _open(config, self._ports.profiles_dir)
        except ValidationError as error:
            return [_sentence(detail) for detail in error.errors()]
        except OSError as error:
            kind = _kind(config)
            return [f"the {kind}'s file cannot be read ({error.strerror}: {config.get(kind)!r}); correct `{kind}`"]
        except ValueError as error:
            return [f"{error}; correct the file or `{_kind(config)}`"]
        return []

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        opened = self._read(variant)
        return DemoSession(
            config=opened.config,
            dialogue=opened.begin(random.Random(f"{seed}:words")),
            seed=seed,
            clock=self._ports.clock,
        )

    def _read(self, variant: Variant) -> "_Opened":
        if variant.hash not in self._opened:
            if problems := self.check(variant.config):
                raise AssistantError(f"variant {variant.label!r} cannot be used: {' '.join(problems)}", permanent=True)
            self._opened[variant.hash] = _open(variant.config, self._ports.profiles_dir)
        return self._opened[variant.hash]


class Talk(Protocol):
    """What a shop or desk says in one conversation."""

    def greet(self) -> Reply: ...

    def answer(self, text: str) -> Reply: ...

    def misheard(self) -> Reply: ...


@dataclass(frozen=True, kw_only=True)
class _Opened:
    """A variant whose file was read; ``begin`` starts one conversation with a stream of chance."""

    config: DemoConfig | DeskConfig
    begin: Callable[[random.Random], Talk]


def _kind(config: Mapping[str, Any]) -> Literal["shop", "desk"]:
    return "desk" if "desk" in config else "shop"


def _open(config: Mapping[str, Any], profiles_dir: Path) -> _Opened:
    """Raises OSError, ValueError (also pydantic's)."""
    if _kind(config) == "desk":
        of_desk = DeskConfig.model_validate(dict(config))
        desk = load_desk(of_desk, profiles_dir)
        return _Opened(config=of_desk, begin=partial(DeskDialogue, desk, DeskHearing(desk)))
    of_shop = DemoConfig.model_validate(dict(config))
    shop = load_shop(of_shop, profiles_dir)
    return _Opened(config=of_shop, begin=partial(Dialogue, shop, Hearing(shop)))


class DemoSession:
    """One conversation with a shop or desk, with its thinking time and its bad hearing."""

    def __init__(self, *, config: DemoConfig | DeskConfig, dialogue: Talk, seed: str, clock: Clock) -> None:
        self._config = config
        self._dialogue = dialogue
        self._clock = clock
        # separate streams: more noise or another latency must not change the words
        self._noise = random.Random(f"{seed}:noise")
        self._latency = random.Random(f"{seed}:latency")

    async def greet(self) -> Reply:
        return await self._after_thinking(self._dialogue.greet())

    async def send(self, text: str) -> Reply:
        if self._noise.random() < self._config.noise:
            return await self._after_thinking(self._dialogue.misheard())
        return await self._after_thinking(self._dialogue.answer(text))

    async def recall(self, turns: Sequence[Turn]) -> bool:
        """What was said is said again, without the thinking: the same words bring the same order about."""
        for turn in turns:
            if turn.speaker == "user" and self._noise.random() >= self._config.noise:
                self._dialogue.answer(turn.text)
        return True

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _after_thinking(self, reply: Reply) -> Reply:
        """The reply with its thinking time, which is known exactly, however busy the machine is."""
        latency_ms = self._config.latency_ms * self._latency.uniform(*JITTER)
        if latency_ms > 0:
            await self._clock.sleep(latency_ms / 1000)
        return replace(reply, latency_ms=latency_ms)


def _sentence(detail: Mapping[str, Any]) -> str:
    field = ".".join(str(part) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"`{field}`: {message}; correct it in the variant or in its file"


CONNECTOR = ConnectorType(name="demo", build=DemoConnector)
