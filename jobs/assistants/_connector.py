"""What a connector module puts on the shelf, and what it gets to build itself with."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jobs.ports import Clock, Connector
from jobs.redact import register_secret

REFERENCE = re.compile(r"\benv:([A-Za-z_][A-Za-z0-9_]*)")
MOST_WARM_UP = 50
WarmUpLine = Annotated[str, Field(min_length=1, max_length=10_000)]


@dataclass(frozen=True, kw_only=True)
class ConnectorPorts:
    """The edges that a connector may use; ``profiles_dir`` is where the files its variants name are found.

    ``environment`` holds the values behind ``env:NAME``.
    """

    clock: Clock
    profiles_dir: Path
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def unset(self, *texts: str) -> tuple[str, ...]:
        """The names that the texts refer to as ``env:NAME`` and that have no value."""
        names = dict.fromkeys(name for text in texts for name in REFERENCE.findall(text))
        return tuple(name for name in names if not self.environment.get(name))

    def filled_in(self, text: str) -> str:
        """The text with the values of its ``env:NAME``, each of which is redacted from now on wherever it appears."""
        return REFERENCE.sub(lambda match: self._secret(match[1]), text)

    def _secret(self, name: str) -> str:
        value = self.environment.get(name, "")
        register_secret(value)
        return value


class VariantConfig(BaseModel):
    """What every variant may say, whatever its connector.

    Args:
        session: ``warm`` = ``warm_up`` is said to it before a customer begins, which is so without this field too;
            ``cold`` = it is not, so that two variants can differ in nothing else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    session: Literal["cold", "warm"] | None = None
    warm_up: Annotated[tuple[WarmUpLine, ...], Field(max_length=MOST_WARM_UP)] = ()

    @model_validator(mode="after")
    def _has_what_warms(self) -> "VariantConfig":
        if self.session == "warm" and not self.warm_up:
            raise ValueError("`session: warm` needs `warm_up`, a list of what is said before a customer begins")
        return self


def no_models(config: Mapping[str, Any]) -> Sequence[str]:
    return ()


@dataclass(frozen=True, kw_only=True)
class ConnectorType:
    """One kind of assistant that can be tested; ``name`` is what ``connector:`` says in ``assistants.yaml``.

    Args:
        models: the models that a configuration makes us pay for.
        keeps_time: it keeps to ``limits.timeout_s`` itself, so that waiting in a queue of ours is not held against the
            assistant.
    """

    name: str
    build: Callable[[ConnectorPorts], Connector]
    models: Callable[[Mapping[str, Any]], Sequence[str]] = no_models
    keeps_time: bool = False


def problems_in(error: ValidationError) -> list[str]:
    """What is wrong with a variant's configuration, each a sentence with its mend."""
    return [_sentence(detail) for detail in error.errors(include_input=False, include_url=False)]


def _sentence(detail: Any) -> str:
    field_name = ".".join(str(part) for part in detail["loc"]) or "the configuration"
    if detail["type"] == "missing":
        return f"`{field_name}` is missing; add it"
    if detail["type"] == "extra_forbidden":
        return f"`{field_name}` is not known; remove it or correct its spelling"
    message = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return f"`{field_name}`: {message}; correct it"
