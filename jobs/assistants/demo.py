"""A pizza shop to test against without any key or account: slot filling over a YAML file."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from jobs.assistants._connector import ConnectorPorts, ConnectorType
from jobs.assistants._demo.dialogue import Dialogue
from jobs.assistants._demo.hearing import Hearing
from jobs.assistants._demo.shop import DemoConfig, Shop, load_shop
from jobs.errors import AssistantError
from jobs.model import Turn, Variant
from jobs.ports import AssistantSession, Clock, Models, Reply

JITTER = (0.6, 1.4)
"""Thinking takes between so many times ``latency_ms``."""


class DemoConnector:
    """Opens conversations with the shop; one variant's file is read once."""

    def __init__(self, ports: ConnectorPorts) -> None:
        self._ports = ports
        self._opened: dict[str, tuple[DemoConfig, Shop, Hearing]] = {}

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        try:
            load_shop(DemoConfig.model_validate(dict(config)), self._ports.profiles_dir)
        except ValidationError as error:
            return [_sentence(detail) for detail in error.errors()]
        except OSError as error:
            return [f"the shop's file cannot be read ({error.strerror}: {config.get('shop')!r}); correct `shop`"]
        except ValueError as error:
            return [f"{error}; correct the file or `shop`"]
        return []

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        config, shop, hearing = self._read(variant)
        return DemoSession(
            config=config,
            dialogue=Dialogue(shop, hearing, random.Random(f"{seed}:words")),
            seed=seed,
            clock=self._ports.clock,
        )

    def _read(self, variant: Variant) -> tuple[DemoConfig, Shop, Hearing]:
        if variant.hash not in self._opened:
            if problems := self.check(variant.config):
                raise AssistantError(f"variant {variant.label!r} cannot be used: {' '.join(problems)}", permanent=True)
            config = DemoConfig.model_validate(dict(variant.config))
            shop = load_shop(config, self._ports.profiles_dir)
            self._opened[variant.hash] = (config, shop, Hearing(shop))
        return self._opened[variant.hash]


class DemoSession:
    """One conversation with the shop, with its thinking time and its bad hearing."""

    def __init__(self, *, config: DemoConfig, dialogue: Dialogue, seed: str, clock: Clock) -> None:
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
    return f"`{field}`: {message}; correct it in the variant or in the shop's file"


CONNECTOR = ConnectorType(name="demo", build=DemoConnector)
