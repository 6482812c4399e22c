"""An assistant that is a chat model with instructions, tools with scripted results, and examples to follow."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from jobs.assistants._connector import ConnectorPorts, ConnectorType, VariantConfig, problems_in
from jobs.chat_model import ChatModel, ChatReply, ChatRequest, Endpoint, Message, RequestedTool, Tool, UnusableReply
from jobs.chat_model.shape import problem_of_shape
from jobs.errors import AssistantError, AssistantTimeout, ConfigurationError, ModelError
from jobs.model import Tokens, ToolCall, Turn, Variant
from jobs.ports import AssistantSession, Models, Reply

OPENING = "(The customer has just arrived. Greet them.)"
LONGEST_TEXT = 100_000
NO_TOOL = "there is no tool of that name"
JSON_TYPES = frozenset({"object", "array", "string", "boolean", "null", "integer", "number"})

Line = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(_Part):
    """What a tool gives when its arguments have these values; one of ``result`` and ``error``."""

    when: Mapping[str, Any] = {}
    result: Any = None
    error: str | None = None

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        return all(name in arguments and _alike(arguments[name], value) for name, value in self.when.items())


class ScriptedTool(_Part):
    """A tool the model may use. What it gives is scripted: the first case that fits, else ``result`` or ``error``."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    description: str = ""
    parameters: Mapping[str, Any] = {"type": "object", "properties": {}}
    cases: tuple[Case, ...] = ()
    result: Any = None
    error: str | None = None

    @field_validator("parameters")
    @classmethod
    def _is_a_schema(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        if value.get("type") != "object":
            raise ValueError("not a JSON schema of an object: its outermost `type` must be `object`")
        if strange := sorted(set(_types(value)) - JSON_TYPES):
            raise ValueError(f"not a JSON schema: there is no type {strange[0]!r}")
        return value

    def outcome(self, arguments: Mapping[str, Any]) -> Case:
        fallback = Case(result=self.result, error=self.error)
        return next((case for case in self.cases if case.fits(arguments)), fallback)


class Example(_Part):
    """One exchange as it should go, shown to the model before the conversation."""

    user: Line
    assistant: Line


class OpenAIChatConfig(VariantConfig, _Part):
    """What ``assistants.yaml`` says of such a variant.

    Args:
        templates: wordings by the situation they are for; the one named ``greeting`` is said as it is.
        most_tool_rounds: how often in one turn the model may ask for tools.
    """

    model: Line
    system_prompt: str = Field(default="", max_length=LONGEST_TEXT)
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    base_url: str | None = None
    api_key: Annotated[str, Field(pattern=r"^env:[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    tools: tuple[ScriptedTool, ...] = ()
    templates: Mapping[str, Line] = {}
    examples: tuple[Example, ...] = ()
    most_tool_rounds: Annotated[int, Field(ge=1, le=20)] = 5

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        try:
            Endpoint(base_url=value) if value is not None else None
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _names_tools_once(self) -> "OpenAIChatConfig":
        names = [tool.name for tool in self.tools]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"`tools` has several of the same name: {', '.join(map(repr, twice))}")
        return self


class OpenAIChatConnector:
    """Opens conversations with such an assistant; the model is reached through the run's models."""

    def __init__(self, ports: ConnectorPorts) -> None:
        self._ports = ports

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        try:
            parsed = OpenAIChatConfig.model_validate(dict(config))
        except ValidationError as error:
            return problems_in(error)
        unset = self._ports.unset(parsed.api_key or "")
        return [f"`api_key`: {name} is not set; put it into the environment" for name in unset]

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        if problems := self.check(variant.config):
            raise AssistantError(f"variant {variant.label!r} cannot be used: {'; '.join(problems)}", permanent=True)
        if models is None:
            raise AssistantError(f"variant {variant.label!r} needs a chat model, and none is offered", permanent=True)
        config = OpenAIChatConfig.model_validate(dict(variant.config))
        key = self._ports.filled_in(config.api_key) if config.api_key else None
        chat = models.model(base_url=config.base_url, api_key=key, limits=variant.limits)
        return OpenAIChatSession(config, chat, timeout_s=variant.limits.timeout_s)


class OpenAIChatSession:
    """One conversation; everything said so far goes along with every call."""

    def __init__(self, config: OpenAIChatConfig, chat: ChatModel, *, timeout_s: float) -> None:
        self._config = config
        self._chat = chat
        self._timeout_s = timeout_s
        self._tools = tuple(
            Tool(name=tool.name, description=tool.description, parameters=tool.parameters) for tool in config.tools
        )
        self._history = _beginning(config)

    async def greet(self) -> Reply:
        if greeting := self._config.templates.get("greeting"):
            self._history.append({"role": "assistant", "content": greeting})
            return Reply(messages=(greeting,), latency_ms=0.0)
        return await self.send(OPENING)

    async def send(self, text: str) -> Reply:
        """The answer; what an answer that failed left in the history is taken back, so that it can be asked again."""
        length = len(self._history)
        self._history.append({"role": "user", "content": text})
        try:
            return await self._answer()
        except BaseException as error:
            if isinstance(error, ModelError) and error.fault == "empty" and error.permanent:
                return self._said_nothing(error)
            del self._history[length:]
            if isinstance(error, ModelError):
                raise _assistant_error(error) from error
            raise

    async def recall(self, turns: Sequence[Turn]) -> bool:
        """The model is told what was said; of the tools that it used, it only sees what it said about them."""
        for turn in turns:
            self._history.append({"role": turn.speaker, "content": turn.text})
        return True

    async def close(self) -> None:
        """Nothing of its own to close."""

    def _said_nothing(self, error: ModelError) -> Reply:
        """An empty text is an answer of sorts; what it cost stands in the conversation's books."""
        self._history.append({"role": "assistant", "content": ""})
        usage = error.usage if isinstance(error, UnusableReply) else None
        return Reply(messages=("",), tokens=usage.tokens if usage else Tokens())

    async def _answer(self) -> Reply:
        replies: list[ChatReply] = []
        used: list[ToolCall] = []
        for _ in range(self._config.most_tool_rounds + 1):
            reply = await self._complete(used_up_s=sum(each.latency_ms or 0.0 for each in replies) / 1000)
            replies.append(reply)
            self._history.append(reply.message)
            if not reply.tool_calls:
                return _summed_up(reply.text, replies, used)
            used += [self._use(call) for call in reply.tool_calls]
        raise AssistantError(
            f"the assistant asked for tools {self._config.most_tool_rounds + 1} times in a row and never answered",
            permanent=True,
        )

    async def _complete(self, *, used_up_s: float) -> ChatReply:
        """One call within what is left of the turn's time; the model's own time counts, not our queue."""
        if used_up_s >= self._timeout_s:
            raise AssistantTimeout(f"the assistant did not answer within {self._timeout_s:g} s", permanent=True)
        return await self._chat.complete(
            ChatRequest(
                model=self._config.model,
                messages=self._history,
                role="assistant",
                temperature=self._config.temperature,
                max_tokens=self._config.max_tokens,
                tools=self._tools,
            ),
            deadline_s=self._timeout_s - used_up_s,
        )

    def _use(self, call: RequestedTool) -> ToolCall:
        """Gives the tool's scripted result to the model and says what came of it."""
        case = self._outcome(call)
        content = _as_text({"error": case.error} if case.error is not None else case.result)
        self._history.append({"role": "tool", "content": content, "tool_call_id": call.id})
        return ToolCall(name=call.name, arguments=call.arguments, ok=case.error is None, error=case.error)

    def _outcome(self, call: RequestedTool) -> Case:
        tool = next((tool for tool in self._config.tools if tool.name == call.name), None)
        if tool is None:
            return Case(error=NO_TOOL)
        problem = call.error or problem_of_shape(call.arguments, tool.parameters, "the arguments")
        return Case(error=problem) if problem else tool.outcome(call.arguments)


def _types(schema: Mapping[str, Any]) -> Iterator[str]:
    """Every type that a schema names, in it and in its parts."""
    own: Any = schema.get("type", ())
    yield from [own] if isinstance(own, str) else map(str, own)
    parts: list[Any] = [schema.get("items"), *schema.get("anyOf", ()), *schema.get("properties", {}).values()]
    for part in parts:
        if isinstance(part, dict):
            yield from _types(cast("Mapping[str, Any]", part))


def _beginning(config: OpenAIChatConfig) -> list[Message]:
    """What the model knows before anybody spoke."""
    told = config.system_prompt.strip()
    if wordings := "\n".join(f"- {name}: {text}" for name, text in config.templates.items()):
        told = f"{told}\n\nUse these wordings where they fit:\n{wordings}".strip()
    history: list[Message] = [{"role": "system", "content": told}] if told else []
    for example in config.examples:
        history.append({"role": "user", "content": example.user})
        history.append({"role": "assistant", "content": example.assistant})
    return history


def _summed_up(text: str, replies: Sequence[ChatReply], used: Sequence[ToolCall]) -> Reply:
    costs = [reply.cost_usd for reply in replies]
    times = [reply.latency_ms for reply in replies]
    return Reply(
        messages=(text,),
        tool_calls=tuple(used),
        tokens=sum((reply.tokens for reply in replies), Tokens()),
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        latency_ms=None if None in times else sum(time for time in times if time is not None),
    )


def _assistant_error(error: ModelError) -> AssistantError:
    """Always permanent: everything that can help was tried already, within the time that an answer may take."""
    kind = AssistantTimeout if error.fault == "timeout" else AssistantError
    return kind(f"the assistant's model failed: {error}", permanent=True)


def _as_text(result: Any) -> str:
    return result if isinstance(result, str) else orjson.dumps(result, default=str).decode()


def _alike(one: Any, other: Any) -> bool:
    """Equal, texts in any case: models write 'Large' for 'large'."""
    if isinstance(one, str) and isinstance(other, str):
        return one.strip().casefold() == other.strip().casefold()
    return one == other


def _models(config: Mapping[str, Any]) -> Sequence[str]:
    model = cast("object", config.get("model"))
    return (model,) if isinstance(model, str) else ()


CONNECTOR = ConnectorType(name="openai_chat", build=OpenAIChatConnector, models=_models, keeps_time=True)
