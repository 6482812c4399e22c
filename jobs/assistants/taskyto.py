"""A Taskyto assistant behind its HTTP server: a conversation is opened, and then asked message by message."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError, field_validator

from jobs.assistants._connector import ConnectorPorts, ConnectorType, VariantConfig, problems_in
from jobs.assistants._mapping import Path
from jobs.assistants._web import asked, json_of, problem_of_url, timed_out
from jobs.assistants.http_json import HttpJsonConfig, HttpJsonConnector, HttpJsonSession
from jobs.errors import AssistantError
from jobs.model import Variant
from jobs.ports import AssistantSession, Models, Reply

GREETING = Path("$.message")


class TaskytoConfig(VariantConfig):
    """What ``assistants.yaml`` says of such a variant; ``url`` is the server, for example ``http://localhost:5000``."""

    url: str
    headers: Mapping[str, str] = {}

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if problem := problem_of_url(value):
            raise ValueError(f"{value!r} {problem}")
        return value.rstrip("/")

    def as_http(self) -> dict[str, Any]:
        return {
            "url": f"{self.url}/conversation/user_message",
            "headers": self.headers,
            "body": {"id": "{session}", "message": "{message}"},
            "reply": {"messages": "$.message", "session": "$.id"},
        }


class TaskytoConnector(HttpJsonConnector):
    """Opens conversations with Taskyto."""

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        try:
            read = TaskytoConfig.model_validate(dict(config))
        except ValidationError as error:
            return problems_in(error)
        return super().check(read.as_http())

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        if problems := self.check(variant.config):
            raise AssistantError(f"variant {variant.label!r} cannot be used: {'; '.join(problems)}", permanent=True)
        read = TaskytoConfig.model_validate(dict(variant.config))
        return TaskytoSession(
            HttpJsonConfig.model_validate(read.as_http()),
            self._ports,
            gate=self._gate(variant),
            line=variant.label,
            timeout_s=variant.limits.timeout_s,
            server=read.url,
        )


class TaskytoSession(HttpJsonSession):
    """One conversation; it is opened with the first turn, so that a server that is down fails that turn."""

    def __init__(self, config: HttpJsonConfig, ports: ConnectorPorts, *, server: str, **more: Any) -> None:
        super().__init__(config, ports, **more)
        self._server = server

    async def greet(self) -> Reply:
        """What the server says when it opens the conversation; older servers say nothing."""
        async with self._let_in():
            started = self._clock.monotonic()
            try:
                async with asyncio.timeout(self._timeout_s):
                    document = await self._begin()
            except TimeoutError:
                raise timed_out(self._config.host, self._timeout_s) from None
        greeting = GREETING.first(document)
        return Reply(
            messages=(greeting,) if isinstance(greeting, str) else (),
            latency_ms=(self._clock.monotonic() - started) * 1000,
        )

    async def _documents(self, text: str, said: Sequence[Mapping[str, str]]) -> list[Any]:
        if self._session is None:
            await self._begin()
        return await super()._documents(text, said)

    async def _begin(self) -> Any:
        """Opens the conversation on the server; from then on its id goes with every message."""
        host = self._config.host
        address = f"{self._server}/conversation/new"
        async with asked(self._client, "POST", address, headers=self._headers, body=None, host=host) as response:
            document = await json_of(response, host)
        self._note_session([document])
        if self._session is None:
            raise AssistantError(f"{host} opened a conversation without giving it an id", permanent=True)
        return document


CONNECTOR = ConnectorType(name="taskyto", build=TaskytoConnector, keeps_time=True)
