"""A Rasa assistant behind its REST channel (``POST /webhooks/rest/webhook``)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError, field_validator

from jobs.assistants._connector import ConnectorPorts, ConnectorType, VariantConfig, problems_in
from jobs.assistants._web import problem_of_url
from jobs.assistants.http_json import HttpJsonConnector
from jobs.errors import AssistantError
from jobs.model import Variant
from jobs.ports import AssistantSession, Models


class RasaConfig(VariantConfig):
    """What ``assistants.yaml`` says of such a variant.

    Args:
        url: the server, for example ``http://localhost:5005``, or the whole address of a channel that speaks like REST.
        greeting: what is sent when the assistant is to speak first.
    """

    url: str
    headers: Mapping[str, str] = {}
    greeting: str = "/session_start"

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if problem := problem_of_url(value):
            raise ValueError(f"{value!r} {problem}")
        return value

    @property
    def webhook(self) -> str:
        whole = self.url.rstrip("/")
        return whole if whole.endswith("/webhook") else f"{whole}/webhooks/rest/webhook"

    def as_http(self) -> dict[str, Any]:
        """The same, said to the connector that can do it. Pictures and buttons are no messages: only texts are read."""
        return {
            "url": self.webhook,
            "headers": self.headers,
            "body": {"sender": "{session}", "message": "{message}"},
            "reply": {"messages": "$[*].text"},
            "greeting": self.greeting,
        }


class RasaConnector:
    """Opens conversations with Rasa; each is a sender of its own."""

    def __init__(self, ports: ConnectorPorts) -> None:
        self._http = HttpJsonConnector(ports)

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        try:
            read = RasaConfig.model_validate(dict(config))
        except ValidationError as error:
            return problems_in(error)
        return self._http.check(read.as_http())

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        if problems := self.check(variant.config):
            raise AssistantError(f"variant {variant.label!r} cannot be used: {'; '.join(problems)}", permanent=True)
        read = RasaConfig.model_validate(dict(variant.config))
        return await self._http.open(replace(variant, config=read.as_http()), seed=seed, models=models)


CONNECTOR = ConnectorType(name="rasa", build=RasaConnector, keeps_time=True)
