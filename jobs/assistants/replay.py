"""An assistant that says what was recorded, whatever it is told: the same conversation again, up to some turn."""

from collections.abc import Mapping, Sequence
from errno import EACCES, EFBIG
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jobs.assistants._connector import ConnectorPorts, ConnectorType, VariantConfig, problems_in
from jobs.errors import AssistantError
from jobs.model import Variant
from jobs.ports import AssistantSession, Models, Reply
from jobs.recorded import UnreadableError, parse_recorded

LARGEST_FILE = 1_000_000
OVER = "This is where the recording ends."


class ReplayConfig(VariantConfig):
    """What ``assistants.yaml`` says of such a variant.

    Args:
        file: below the profiles directory: a recorded conversation as YAML of three documents, or a JSON list of
            ``{"role": "user" | "assistant", "content": "…"}``.
        turns: so many answers of the recording are said; None = all of them.
        afterwards: what is said from then on, each time marked as not understood, so that the conversation ends soon.
    """

    file: str
    turns: Annotated[int, Field(ge=1)] | None = None
    afterwards: str = OVER


class Line(BaseModel):
    """One message of a JSON recording."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    role: Literal["user", "assistant"]
    content: str


LINES = TypeAdapter(list[Line])


class ReplayConnector:
    """Opens conversations with recordings."""

    def __init__(self, ports: ConnectorPorts) -> None:
        self._profiles_dir = ports.profiles_dir

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        try:
            self._recording(ReplayConfig.model_validate(dict(config)))
        except ValidationError as error:
            return problems_in(error)
        except AssistantError as error:
            return [str(error)]
        return []

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        if problems := self.check(variant.config):
            raise AssistantError(f"variant {variant.label!r} cannot be used: {'; '.join(problems)}", permanent=True)
        config = ReplayConfig.model_validate(dict(variant.config))
        greeting, answers = self._recording(config)
        return ReplaySession(greeting, answers[: config.turns], afterwards=config.afterwards)

    def _recording(self, config: ReplayConfig) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        """What the assistant said before anybody else did, and its answers.

        Raises:
            AssistantError: the file cannot be used.
        """
        try:
            lines = _lines(_content(self._profiles_dir, config.file), config.file)
        except (OSError, ValueError, UnreadableError) as error:
            message = f"{config.file!r} cannot be replayed ({_reason(error)}); correct `file`"
            raise AssistantError(message, permanent=True) from error
        greeting, *answers = _answers(lines)
        if not any(answers):
            raise AssistantError(f"the assistant answers nothing in {config.file!r}; correct `file`", permanent=True)
        return greeting, answers


class ReplaySession:
    """One conversation."""

    def __init__(self, greeting: Sequence[str], answers: Sequence[Sequence[str]], *, afterwards: str) -> None:
        self._greeting = greeting
        self._answers = list(answers)
        self._afterwards = afterwards

    async def greet(self) -> Reply:
        return Reply(messages=tuple(self._greeting))

    async def send(self, text: str) -> Reply:
        if not self._answers:
            return Reply(messages=(self._afterwards,), fallback=True)
        return Reply(messages=tuple(self._answers.pop(0)))

    async def close(self) -> None:
        """Nothing to let go of."""


def _content(profiles_dir: Path, name: str) -> bytes:
    path = (profiles_dir / name).resolve()
    if not path.is_relative_to(profiles_dir.resolve()):
        raise OSError(EACCES, "it lies outside the profiles directory")
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise OSError(EFBIG, "it is larger than 1 MB")
    return content


def _reason(error: OSError | ValueError | UnreadableError) -> str:
    if isinstance(error, UnreadableError):
        return error.message
    return error.strerror or str(error) if isinstance(error, OSError) else "it is no JSON list of messages"


def _lines(content: bytes, name: str) -> list[Line]:
    if name.endswith(".json"):
        return LINES.validate_python(orjson.loads(content))
    return [
        Line(role="assistant" if speaker == "Assistant" else "user", content=str(text))
        for step in parse_recorded(content, name=name).interaction
        for speaker, text in step.items()
        if speaker in ("User", "Assistant")
    ]


def _answers(lines: Sequence[Line]) -> list[list[str]]:
    """What the assistant said at first, and then after each message of the user's; nothing where it was silent."""
    answers: list[list[str]] = [[]]
    for line in lines:
        if line.role == "user":
            answers.append([])
        else:
            answers[-1].append(line.content)
    return answers


CONNECTOR = ConnectorType(name="replay", build=ReplayConnector)
