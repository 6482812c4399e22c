"""An assistant behind an HTTP interface of its own: requests and replies are mapped by its configuration."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from jobs.assistants._connector import ConnectorPorts, ConnectorType, VariantConfig, problems_in
from jobs.assistants._mapping import Path, filled, filled_url, places_in
from jobs.assistants._web import (
    LARGEST_REPLY_BYTES,
    asked,
    json_of,
    open_session,
    parsed,
    problem_of_url,
    timed_out,
    too_large,
)
from jobs.chat_model import Gate, GateLimits
from jobs.errors import AssistantError
from jobs.model import ToolCall, Turn, Variant
from jobs.ports import AssistantSession, Clock, Models, Reply
from jobs.shelf import unknown

PLACES = frozenset({"message", "session", "history"})
MOST_MESSAGES = 50
MOST_TOOL_CALLS = 50
LONGEST_NAME = 200
UNLIMITED = 10_000
CONTENT_TYPE = "Content-Type"

JsonPath = Annotated[Path, BeforeValidator(lambda value: Path(value) if isinstance(value, str) else value)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class ToolCallMapping(_Part):
    """Where the assistant says which tools it used; the paths are those inside one item of ``each``."""

    each: JsonPath
    name: JsonPath
    arguments: JsonPath | None = None
    ok: JsonPath | None = None
    error: JsonPath | None = None


class ReplyMapping(_Part):
    """Where things stand in a reply.

    Args:
        messages: one text or several.
        entities: an object of names and values, or a path for each name.
        fallback: true when the assistant did not understand.
        session: the id that the assistant gives the conversation; it is sent back from then on.
    """

    messages: JsonPath
    intent: JsonPath | None = None
    entities: JsonPath | Mapping[str, JsonPath] | None = None
    fallback: JsonPath | None = None
    session: JsonPath | None = None
    tool_calls: ToolCallMapping | None = None


class Polling(_Part):
    """Where messages are fetched that come after the reply. A turn is over ``quiet_s`` after the last new one.

    Args:
        shows: whether the address shows all messages of the conversation every time, or only those not fetched yet.
    """

    url: str
    headers: Mapping[str, str] | None = None
    every_s: Annotated[float, Field(ge=0.05, le=60)] = 0.5
    quiet_s: Annotated[float, Field(ge=0.05, le=120)] = 2.0
    shows: Literal["all", "new"] = "all"


class HttpJsonConfig(VariantConfig, _Part):
    """What ``assistants.yaml`` says of such a variant.

    Args:
        body: any JSON with the places ``{message}``, ``{session}`` and ``{history}``.
        greeting: what is sent as the message when the assistant is to speak first.
        stream: ``lines`` = the reply is a line of JSON (or a ``data:`` event) for each message.
        quiet_s: a streamed turn is over so long after its last message, even if the line stays open.
    """

    url: str
    method: Literal["POST", "PUT", "PATCH", "GET"] = "POST"
    headers: Mapping[str, str] = {}
    body: Any = None
    reply: ReplyMapping
    greeting: str = ""
    stream: Literal["lines"] | None = None
    quiet_s: Annotated[float, Field(ge=0.05, le=120)] = 2.0
    poll: Polling | None = None

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if problem := problem_of_url(value):
            raise ValueError(f"{value!r} {problem}")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "HttpJsonConfig":
        used = places_in([self.url, self.body, self.poll.url if self.poll else ""])
        if strange := sorted(used - PLACES):
            raise ValueError(unknown("place", strange[0], PLACES))
        if not used & {"message", "history"}:
            raise ValueError("neither `body` nor `url` has a place {message} or {history} for what the customer says")
        if self.method == "GET" and self.body is not None:
            raise ValueError("a GET has no `body`; put {message} into `url` or use POST")
        if self.poll and urlsplit(self.poll.url)[:2] != urlsplit(self.url)[:2]:
            raise ValueError("`poll.url` must begin with the same scheme and host as `url`")
        return self

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def written_headers(self) -> tuple[str, ...]:
        polling = self.poll.headers if self.poll else None
        return (*self.headers.values(), *(polling or self.headers).values())


class HttpJsonConnector:
    """Opens conversations with such assistants; each has its own connection."""

    def __init__(self, ports: ConnectorPorts) -> None:
        self._ports = ports
        self._gates: dict[tuple[str, int], Gate] = {}

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        try:
            read = HttpJsonConfig.model_validate(dict(config))
        except ValidationError as error:
            return problems_in(error)
        unset = self._ports.unset(*read.written_headers)
        return [f"`headers`: {name} is not set; put it into the environment" for name in unset]

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        if problems := self.check(variant.config):
            raise AssistantError(f"variant {variant.label!r} cannot be used: {'; '.join(problems)}", permanent=True)
        config = HttpJsonConfig.model_validate(dict(variant.config))
        return HttpJsonSession(
            config, self._ports, gate=self._gate(variant), line=variant.label, timeout_s=variant.limits.timeout_s
        )

    def _gate(self, variant: Variant) -> Gate | None:
        """What keeps the pace that the assistant can bear; all its variants stand before the same one."""
        per_minute = variant.limits.per_minute
        if per_minute is None:
            return None
        key = (variant.assistant, per_minute)
        if key not in self._gates:
            limits = GateLimits(concurrency=variant.limits.concurrency or UNLIMITED, per_minute=per_minute)
            self._gates[key] = Gate(limits, clock=self._ports.clock)
        return self._gates[key]


class HttpJsonSession:
    """One conversation."""

    def __init__(
        self, config: HttpJsonConfig, ports: ConnectorPorts, *, gate: Gate | None, line: str, timeout_s: float
    ) -> None:
        self._config = config
        self._clock: Clock = ports.clock
        self._headers = _headers(config.headers, ports)
        polling = config.poll.headers if config.poll else None
        self._poll_headers = self._headers if polling is None else _headers(polling, ports)
        self._gate = gate
        self._line = line
        self._timeout_s = timeout_s
        self._http: aiohttp.ClientSession | None = None
        self._session: str | None = None if config.reply.session else str(uuid.uuid4())
        self._history: list[dict[str, str]] = []
        self._polled = 0
        self._answered_at = 0.0

    async def greet(self) -> Reply:
        return await self.send(self._config.greeting)

    async def send(self, text: str) -> Reply:
        said = [*self._history, {"role": "user", "content": text}]
        async with self._let_in():
            started = self._clock.monotonic()
            try:
                async with asyncio.timeout(self._timeout_s):
                    documents = await self._documents(text, said)
            except TimeoutError:
                raise timed_out(self._config.host, self._timeout_s) from None
        latency_ms = max(0.0, self._answered_at - started) * 1000  # without the quiet that ends a turn
        reply = _reply(documents, self._config, latency_ms)
        self._history = [*said, {"role": "assistant", "content": "\n\n".join(reply.messages)}]
        return reply

    async def recall(self, turns: Sequence[Turn]) -> bool:
        """Possible for an assistant that is sent the whole history every time; others keep it under their own id."""
        if "history" not in places_in([self._config.url, self._config.body]) or self._config.reply.session:
            return False
        self._history = [{"role": turn.speaker, "content": turn.text} for turn in turns]
        return True

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    @asynccontextmanager
    async def _let_in(self) -> AsyncGenerator[None]:
        if self._gate is None:
            yield
            return
        place = await self._gate.enter(self._line)
        try:
            yield
        finally:
            self._gate.leave(place)

    async def _documents(self, text: str, said: Sequence[Mapping[str, str]]) -> list[Any]:
        """Every JSON document of this turn: the reply, its lines, or what was fetched after it."""
        config = self._config
        values = {"message": text, "session": self._session, "history": list(said)}
        async with asked(
            self._client,
            config.method,
            filled_url(config.url, values),
            headers=self._headers,
            body=None if config.method == "GET" else filled(config.body, values),
            host=config.host,
        ) as response:
            if config.stream:
                documents = [document async for document in self._lines(response)]
            else:
                documents = [] if config.poll and response.status == 204 else [await json_of(response, config.host)]
                self._answered_at = self._clock.monotonic()
        self._note_session(documents)
        if config.poll:
            documents += [document async for document in self._fetched(config.poll, values)]
        return documents

    @property
    def _client(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = open_session()
        return self._http

    def _note_session(self, documents: Sequence[Any]) -> None:
        path = self._config.reply.session
        for document in documents if path else ():
            given = path.first(document) if path else None
            if isinstance(given, str | int) and not isinstance(given, bool):
                self._session = str(given)[:LONGEST_NAME]

    async def _lines(self, response: aiohttp.ClientResponse) -> AsyncIterator[Any]:
        """Each line as it comes, until the stream ends or is quiet after a message."""
        rest, size, heard = b"", 0, False
        while True:
            try:
                async with asyncio.timeout(self._config.quiet_s if heard else None):
                    part = await response.content.readany()
            except TimeoutError:
                return
            size += len(part)
            if size > LARGEST_REPLY_BYTES:
                raise too_large(self._config.host)
            *lines, rest = (rest + part).split(b"\n")
            for line in lines if part else [rest]:
                if (content := _event(line)) is not None:
                    document = parsed(content, self._config.host)
                    heard = heard or bool(self._config.reply.messages.find(document))
                    self._answered_at = self._clock.monotonic()
                    yield document
            if not part:
                return

    async def _fetched(self, poll: Polling, values: Mapping[str, Any]) -> AsyncIterator[Any]:
        """What is new at the address of later messages, until it is quiet there."""
        waited = 0.0
        heard = False
        while not heard or waited < poll.quiet_s:
            await self._clock.sleep(poll.every_s)
            waited += poll.every_s
            document = await self._look(filled_url(poll.url, {**values, "session": self._session}))
            self._note_session([document])
            if self._has_news(document, poll):
                heard, waited = True, 0.0
                self._answered_at = self._clock.monotonic()
                yield _News(document, skip=self._polled if poll.shows == "all" else 0)
                self._polled = len(self._config.reply.messages.find(document) or ())

    async def _look(self, url: str) -> Any:
        """What is there now; None for nothing, and for a failure that may pass: looking again does no harm."""
        host = self._config.host
        try:
            async with asked(self._client, "GET", url, headers=self._poll_headers, body=None, host=host) as response:
                return None if response.status == 204 else await json_of(response, host)
        except AssistantError as error:
            if error.permanent:
                raise
            return None

    def _has_news(self, document: Any, poll: Polling) -> bool:
        found = self._config.reply.messages.find(document) or ()
        return len(found) > (self._polled if poll.shows == "all" else 0)


class _News:
    """A document of which the first messages were known already."""

    def __init__(self, document: Any, *, skip: int) -> None:
        self.document = document
        self.skip = skip


def _event(line: bytes) -> bytes | None:
    """What a line carries: JSON, or the data of a server-sent event; None for the lines around it."""
    line = line.strip()
    if line.startswith(b"data:"):
        line = line[5:].strip()
    elif line.startswith((b"event:", b"id:", b"retry:", b":")):
        return None
    return None if line in (b"", b"[DONE]") else line


def _headers(written: Mapping[str, str], ports: ConnectorPorts) -> dict[str, str]:
    headers = {name: ports.filled_in(value) for name, value in written.items()}
    names = {name.lower() for name in headers}
    defaults = {CONTENT_TYPE: "application/json", "Accept-Encoding": "identity"}
    return headers | {name: value for name, value in defaults.items() if name.lower() not in names}


# --- reading a turn's documents ---------------------------------------------------------------------------------------


def _reply(documents: Iterable[Any], config: HttpJsonConfig, latency_ms: float) -> Reply:
    mapping = config.reply
    plain: list[Any] = []
    messages: list[str] = []
    for each in documents:
        document, skip = (each.document, each.skip) if isinstance(each, _News) else (each, 0)
        plain.append(document)
        found = mapping.messages.find(document)
        if found is None and not (config.stream or config.poll):
            raise AssistantError(f"{config.host}: the reply has nothing at {mapping.messages.text}", permanent=True)
        messages += [_message(value, config) for value in (found or ())[skip:] if value is not None]
    fallback = _last(mapping.fallback, plain)
    intent = _last(mapping.intent, plain)
    return Reply(
        messages=tuple(messages[:MOST_MESSAGES]),
        intent=str(intent)[:LONGEST_NAME] if isinstance(intent, str | int) else None,
        entities={name: value for document in plain for name, value in _entities(mapping, document)},
        tool_calls=tuple(call for document in plain for call in _tool_calls(mapping, document))[:MOST_TOOL_CALLS],
        fallback=fallback if isinstance(fallback, bool) else None,
        latency_ms=latency_ms,
    )


def _message(value: Any, config: HttpJsonConfig) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise AssistantError(f"{config.host}: what is at {config.reply.messages.text} is no text", permanent=True)


def _last(path: Path | None, documents: Sequence[Any]) -> Any:
    """The value in the last document that has one."""
    found = (path.first(document) for document in reversed(documents)) if path else ()
    return next((value for value in found if value is not None), None)


def _entities(mapping: ReplyMapping, document: Any) -> Iterable[tuple[str, str]]:
    if isinstance(mapping.entities, Path):
        found = mapping.entities.first(document)
        named = list(cast("dict[str, Any]", found).items()) if isinstance(found, dict) else []
    else:
        named = [(name, path.first(document)) for name, path in (mapping.entities or {}).items()]
    return [(name[:LONGEST_NAME], str(value)[:LONGEST_NAME]) for name, value in named[:100] if value is not None]


def _tool_calls(mapping: ReplyMapping, document: Any) -> Iterable[ToolCall]:
    tools = mapping.tool_calls
    for item in (tools.each.find(document) or ())[:MOST_TOOL_CALLS] if tools else ():
        assert tools is not None
        name = tools.name.first(item)
        if not isinstance(name, str):
            continue
        arguments = tools.arguments.first(item) if tools.arguments else None
        error = tools.error.first(item) if tools.error else None
        ok = tools.ok.first(item) if tools.ok else None
        yield ToolCall(
            name=name[:LONGEST_NAME],
            arguments=cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else {},
            ok=ok if isinstance(ok, bool) else False if error else None,
            error=str(error)[:LONGEST_NAME] if error else None,
        )


CONNECTOR = ConnectorType(name="http_json", build=HttpJsonConnector, keeps_time=True)
