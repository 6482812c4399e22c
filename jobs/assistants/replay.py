"""An assistant that says what was recorded, whatever it is told, up to some turn; from there another can go on."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from errno import EACCES, EFBIG
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jobs.assistants._connector import ConnectorPorts, ConnectorType, VariantConfig, problems_in
from jobs.errors import AssistantError
from jobs.model import Tokens, Turn, Variant
from jobs.ports import AssistantSession, Connector, Models, RecallingSession, Reply
from jobs.recorded import UnreadableError, parse_recorded

LARGEST_FILE = 1_000_000
OVER = "This is where the recording ends."


def _names_a_connector(then: Mapping[str, Any]) -> Mapping[str, Any]:
    from jobs.assistants import CONNECTORS  # the shelf has this module too

    name = then.get("connector")
    if name == "replay" or not isinstance(name, str) or name not in CONNECTORS:
        known = ", ".join(each for each in CONNECTORS if each != "replay")
        raise ValueError(f"`connector` must name who goes on, one of {known}")
    return then


class ReplayConfig(VariantConfig):
    """What ``assistants.yaml`` says of such a variant.

    Args:
        file: below the profiles directory: a recorded conversation as YAML of three documents, or a JSON list of
            ``{"role": "user" | "assistant", "content": "…"}``.
        turns: so many answers of the recording are said; None = all of them.
        afterwards: what is said from then on, each time marked as not understood, so that the conversation ends soon.
        then: the assistant that goes on instead: its ``connector`` with that connector's own fields.
    """

    file: str
    turns: Annotated[int, Field(ge=1)] | None = None
    afterwards: str = OVER
    then: Annotated[Mapping[str, Any], AfterValidator(_names_a_connector)] | None = None


class Line(BaseModel):
    """One message of a JSON recording."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    role: Literal["user", "assistant"]
    content: str


LINES = TypeAdapter(list[Line])


class ReplayConnector:
    """Opens conversations with recordings."""

    def __init__(self, ports: ConnectorPorts) -> None:
        self._ports = ports
        self._profiles_dir = ports.profiles_dir

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        try:
            read = ReplayConfig.model_validate(dict(config))
            self._recording(read)
        except ValidationError as error:
            return problems_in(error)
        except AssistantError as error:
            return [str(error)]
        if read.then is None:
            return []
        connector, own = self._who_goes_on(read.then)
        return [f"`then`: {problem}" for problem in connector.check(own)]

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        if problems := self.check(variant.config):
            raise AssistantError(f"variant {variant.label!r} cannot be used: {'; '.join(problems)}", permanent=True)
        config = ReplayConfig.model_validate(dict(variant.config))
        greeting, answers = self._recording(config)

        async def goes_on() -> AssistantSession:
            connector, own = self._who_goes_on(config.then or {})
            return await connector.open(replace(variant, config=own), seed=seed, models=models)

        return ReplaySession(
            greeting, answers[: config.turns], afterwards=config.afterwards, goes_on=goes_on if config.then else None
        )

    def _who_goes_on(self, then: Mapping[str, Any]) -> tuple[Connector, dict[str, Any]]:
        from jobs.assistants import CONNECTORS

        own = {name: value for name, value in then.items() if name != "connector"}
        return CONNECTORS[then["connector"]].build(self._ports), own

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
    """One conversation; ``goes_on`` opens the session of whoever answers once the recording is over."""

    def __init__(
        self,
        greeting: Sequence[str],
        answers: Sequence[Sequence[str]],
        *,
        afterwards: str,
        goes_on: Callable[[], Awaitable[AssistantSession]] | None = None,
    ) -> None:
        self._greeting = greeting
        self._answers = list(answers)
        self._afterwards = afterwards
        self._goes_on = goes_on
        self._said: list[Turn] = []
        self._live: AssistantSession | None = None

    async def greet(self) -> Reply:
        self._said.append(Turn(speaker="assistant", text="\n\n".join(self._greeting)))
        return Reply(messages=tuple(self._greeting))

    async def send(self, text: str) -> Reply:
        if not self._answers and self._goes_on:
            return await self._from_here(self._goes_on, text)
        if not self._answers:
            return Reply(messages=(self._afterwards,), fallback=True)
        answer = tuple(self._answers.pop(0))
        self._said += [Turn(speaker="user", text=text), Turn(speaker="assistant", text="\n\n".join(answer))]
        return Reply(messages=answer)

    async def close(self) -> None:
        if self._live is not None:
            await self._live.close()

    async def _from_here(self, goes_on: Callable[[], Awaitable[AssistantSession]], text: str) -> Reply:
        if self._live is not None:
            return await self._live.send(text)
        live = await goes_on()
        try:
            caught_up = await self._catch_up(live)
            answer = await live.send(text)
        except BaseException:
            await live.close()  # asked again, it begins anew
            raise
        self._live = live
        return replace(
            answer, tokens=answer.tokens + caught_up.tokens, cost_usd=_together(answer.cost_usd, caught_up.cost_usd)
        )

    async def _catch_up(self, live: AssistantSession) -> Reply:
        """Puts what was said so far into the session: as it was said, where the session can be told, else the customer
        says it again, and what is answered is dropped. The result has what that cost."""
        if isinstance(live, RecallingSession) and await live.recall(self._said):
            return Reply(messages=())
        tokens, cost_usd = Tokens(), 0.0
        for turn in self._said:
            if turn.speaker == "user":
                dropped = await live.send(turn.text)
                tokens, cost_usd = tokens + dropped.tokens, _together(cost_usd, dropped.cost_usd)
        return Reply(messages=(), tokens=tokens, cost_usd=cost_usd)


def _together(one: float | None, other: float | None) -> float | None:
    """The sum, unknown as soon as one part is."""
    return None if one is None or other is None else one + other


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


def _models(config: Mapping[str, Any]) -> Sequence[str]:
    """Those of whoever goes on."""
    from jobs.assistants import CONNECTORS

    then: Mapping[str, Any] = config.get("then") or {}
    name = then.get("connector")
    return CONNECTORS[name].models(then) if isinstance(name, str) and name in CONNECTORS else ()


CONNECTOR = ConnectorType(name="replay", build=ReplayConnector, models=_models)
