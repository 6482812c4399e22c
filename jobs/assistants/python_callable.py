"""An assistant that is a Python function in this process; only the operator's ``assistants.yaml`` can name one."""

import asyncio
import importlib
import inspect
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from jobs.assistants._connector import ConnectorPorts, ConnectorType, VariantConfig, problems_in
from jobs.errors import AssistantError
from jobs.model import ToolCall, Variant
from jobs.ports import AssistantSession, Models, Reply

LONGEST_ANSWER = 1_000_000
MOST_MESSAGES = 50
OFFERED = ("history", "session", "seed")
"""What a function gets beside the message, if it has a parameter of that name."""


class CallableConfig(VariantConfig):
    """What ``assistants.yaml`` says of such a variant.

    Args:
        callable: ``package.module:function``, sync or async, found beside convotest or in the working directory.
        arguments: passed by name with every message, so that variants of one function can differ.
        greeting: what is sent when the assistant is to speak first.
    """

    callable: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
    arguments: Mapping[str, Any] = {}
    greeting: str = ""


class AnswerMapping(BaseModel):
    """What a function may return instead of a text or a list of texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    messages: StrictStr | list[StrictStr]
    intent: str | None = None
    entities: dict[str, str] = {}
    tool_calls: list[ToolCall] = []
    fallback: bool | None = None


class PythonCallableConnector:
    """Opens conversations with functions."""

    def __init__(self, ports: ConnectorPorts) -> None:
        """Functions need none of the ports."""

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        try:
            read = CallableConfig.model_validate(dict(config))
            _bound(read, _found(read.callable))
        except ValidationError as error:
            return problems_in(error)
        except AssistantError as error:
            return [str(error)]
        return []

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        if problems := self.check(variant.config):
            raise AssistantError(f"variant {variant.label!r} cannot be used: {'; '.join(problems)}", permanent=True)
        config = CallableConfig.model_validate(dict(variant.config))
        return PythonCallableSession(config, seed=seed)


class PythonCallableSession:
    """One conversation."""

    def __init__(self, config: CallableConfig, *, seed: str) -> None:
        self._config = config
        self._function = _found(config.callable)
        self._offered = _bound(config, self._function)
        self._session = str(uuid.uuid4())
        self._seed = seed
        self._history: list[dict[str, str]] = []

    async def greet(self) -> Reply:
        return await self.send(self._config.greeting)

    async def send(self, text: str) -> Reply:
        said = [*self._history, {"role": "user", "content": text}]
        values = {"history": list(said), "session": self._session, "seed": self._seed}
        named = {name: values[name] for name in self._offered} | dict(self._config.arguments)
        try:
            answer = await _called(self._function, text, named)
        except Exception as error:  # whatever it raises, the assistant failed and we go on
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise AssistantError(f"{self._config.callable} failed ({reason[:300]})", permanent=True) from error
        reply = _reply(answer, self._config.callable)
        self._history = [*said, {"role": "assistant", "content": "\n\n".join(reply.messages)}]
        return reply

    async def close(self) -> None:
        """Nothing to let go of."""


# --- the function ----------------------------------------------------------------------------------------------------


def _found(dotted: str) -> Callable[..., Any]:
    """The function of that name.

    Raises:
        AssistantError: there is none.
    """
    module, _, names = dotted.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # at the end: nothing there may hide a module of Python's or ours
    try:
        found: Any = importlib.import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
    except Exception as error:  # importing runs the operator's code, which may raise anything
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        raise AssistantError(
            f"{dotted!r} cannot be imported ({reason[:300]}); correct `callable`", permanent=True
        ) from error
    if not callable(found):
        raise AssistantError(f"{dotted!r} is no function; correct `callable`", permanent=True)
    return found


def _bound(config: CallableConfig, function: Callable[..., Any]) -> tuple[str, ...]:
    """What of ``OFFERED`` the function takes, once it is sure that it can be called as configured."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions written in C do not tell
        return ()
    offered = tuple(name for name in OFFERED if name in signature.parameters and name not in config.arguments)
    try:
        signature.bind("a message", **dict.fromkeys(offered), **config.arguments)
    except TypeError as error:
        message = f"{config.callable!r} cannot be called with a message and `arguments` ({error}); correct one of them"
        raise AssistantError(message, permanent=True) from error
    return offered


async def _called(function: Callable[..., Any], text: str, named: Mapping[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        return await function(text, **named)
    answer = await _in_a_thread(lambda: function(text, **named))
    return await answer if inspect.isawaitable(answer) else answer


async def _in_a_thread(work: Callable[[], Any]) -> Any:
    """What ``work`` returns. Each has its own thread: one that hangs neither fills a pool nor keeps us from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: Exception | None) -> None:
        if future.done():  # nobody waits any more
            return
        if error:
            future.set_exception(error)
        else:
            future.set_result(result)

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except StopIteration as error:  # a future cannot carry it
            failure = RuntimeError(f"StopIteration: {error}")
        except Exception as error:  # noqa: BLE001 - it is raised again where the answer is awaited
            failure = error
        with suppress(RuntimeError):  # the loop is closed, and so is the conversation
            loop.call_soon_threadsafe(settle, result, failure)

    Thread(target=run, name="python_callable", daemon=True).start()
    return await future


def _reply(answer: Any, name: str) -> Reply:
    """The answer as a reply; a text, texts, or a mapping with ``messages`` and what else is known."""
    known = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {"messages": answer}
    said = known.get("messages")
    if isinstance(said, tuple):
        said = list(cast("tuple[Any, ...]", said))
    try:
        read = AnswerMapping.model_validate({**known, "messages": said})
    except ValidationError as error:
        message = f"{name} returned something that is no answer: {'; '.join(problems_in(error)[:3])}"
        raise AssistantError(message, permanent=True) from error
    messages = (read.messages,) if isinstance(read.messages, str) else tuple(read.messages)
    if sum(map(len, messages)) > LONGEST_ANSWER:
        raise AssistantError(f"{name} returned more than {LONGEST_ANSWER // 1_000_000} MB", permanent=True)
    return Reply(
        messages=messages[:MOST_MESSAGES],
        intent=read.intent,
        entities=read.entities,
        tool_calls=tuple(read.tool_calls),
        fallback=read.fallback,
    )


CONNECTOR = ConnectorType(name="python_callable", build=PythonCallableConnector)
