"""The chat-completions format: a request as its body, a reply's bytes as a ChatReply, a refusal as its ModelError."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard, cast

import orjson

from jobs.chat_model.port import ChatReply, ChatRequest, Endpoint, Message, RequestedTool, Tool, UnusableReply, Usage
from jobs.chat_model.shape import problem_of_shape
from jobs.errors import ModelError, ModelFault
from jobs.redact import redact

LARGEST_REPLY_BYTES = 4_000_000
LONGEST_EXCERPT = 200
QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "access_terminated"})

Json = Mapping[str, Any]


# --- the request ----------------------------------------------------------------------------------------------------


def body_of(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    """The request as JSON-able fields; what is None is left to the provider."""
    body: dict[str, Any] = {"model": request.model, "messages": request.messages}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body[_limit_field(endpoint)] = request.max_tokens
    if request.seed is not None:
        body["seed"] = request.seed
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.schema is not None:
        shape = {"name": request.schema.name, "schema": request.schema.json_schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    return body


def _limit_field(endpoint: Endpoint) -> str:
    # OpenAI's reasoning models refuse the old name, and many compatible servers do not know the new one.
    return "max_completion_tokens" if endpoint.host.endswith(("openai.com", "openai.azure.com")) else "max_tokens"


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


# --- the reply ------------------------------------------------------------------------------------------------------


def reply_of(status: int, headers: Mapping[str, str], body: bytes, request: ChatRequest, at: Endpoint) -> ChatReply:
    """The answer in a finished HTTP reply; raises the ModelError that says what is wrong with it."""
    if status != 200:
        raise refusal(status, headers, body, at)
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        kind = "a web page" if body.lstrip()[:1] == b"<" else "something that is not JSON"
        raise _unusable(f"{at.host} answered with {kind} instead of a chat completion", at) from None
    if not isinstance(answer, dict):
        raise _unusable(f"{at.host} answered with JSON that is no chat completion", at)
    answer = cast("dict[str, Any]", answer)
    usage = _usage(answer.get("usage"))
    if "choices" not in answer and (code := _code_in(answer)):
        raise refusal(code, headers, body, at)  # some gateways put the real status into a reply with status 200
    message, finish_reason = _first_choice(answer, usage, at)
    text = _text(message.get("content"))
    tools = _requested_tools(message.get("tool_calls"))
    if not text and not tools:
        text = _refused_text(message, finish_reason, request, usage, at)
    model = answer.get("model")
    return ChatReply(
        text=text,
        model=model if isinstance(model, str) else request.model,
        message=_history_entry(text, message.get("tool_calls") if tools else None),
        usage=usage,
        finish_reason=finish_reason,
        tool_calls=tools,
        parsed=None if request.schema is None or tools else _parsed(text, request.schema.json_schema, usage, at),
    )


def _first_choice(answer: Json, usage: Usage | None, at: Endpoint) -> tuple[Json, str | None]:
    choices = answer.get("choices")
    if not choices and isinstance(error := answer.get("error"), dict):
        raise _unusable(f"{at.host} answered with an error: {excerpt(_said(error), at)}", at, usage=usage)
    if not isinstance(choices, list) or not choices:
        raise _unusable(f"{at.host} answered without any choice", at, fault="empty", usage=usage)
    choice: Any = cast("list[Any]", choices)[0]
    message: Any = cast("dict[str, Any]", choice).get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise _unusable(f"{at.host} answered without a message", at, usage=usage)
    reason: Any = cast("dict[str, Any]", choice).get("finish_reason")
    return cast("Json", message), reason if isinstance(reason, str) else None


def _text(content: Any) -> str:
    """The text of a message; some providers send it in parts."""
    if isinstance(content, str):
        return content if not content.isspace() else ""
    if isinstance(content, list):
        parts = cast("list[Any]", content)
        texts = (cast("Json", part).get("text") for part in parts if isinstance(part, dict))
        return "".join(text for text in texts if isinstance(text, str)).strip()
    return ""


def _refused_text(
    message: Json, finish_reason: str | None, request: ChatRequest, usage: Usage | None, at: Endpoint
) -> str:
    """What a model says when it declines. For a caller who needs a shape, and where nothing is said, it is a fault."""
    declined = _text(message.get("refusal"))
    if declined and request.schema is None:
        return declined
    if declined or finish_reason == "content_filter":
        why = f": {excerpt(declined, at)}" if declined else " (content filter)"
        raise _unusable(f"the model declined to answer{why}", at, fault="refused", permanent=True, usage=usage)
    why = "; its limit of tokens was used up before it said anything" if finish_reason == "length" else ""
    permanent = request.role == "assistant"
    raise _unusable(f"{at.host} answered with an empty text{why}", at, fault="empty", permanent=permanent, usage=usage)


def _usage(found: Any) -> Usage | None:
    if not isinstance(found, dict):
        return None
    counted = cast("Json", found)
    prompt, completion = counted.get("prompt_tokens"), counted.get("completion_tokens")
    if not _is_count(prompt) or not _is_count(completion):
        return None
    details = counted.get("prompt_tokens_details")
    cached: Any = cast("Json", details).get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(input=prompt, output=completion, cached=min(cached, prompt) if _is_count(cached) else 0)


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and value >= 0  # a JSON true is an int to Python


def _requested_tools(found: Any) -> tuple[RequestedTool, ...]:
    if not isinstance(found, list):
        return ()
    calls = (_requested_tool(cast("Json", call)) for call in cast("list[Any]", found) if isinstance(call, dict))
    return tuple(call for call in calls if call is not None)


def _requested_tool(call: Json) -> RequestedTool | None:
    function = call.get("function")
    name = cast("Json", function).get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        return None
    arguments, error = _arguments(cast("Json", function).get("arguments"))
    return RequestedTool(id=str(call.get("id") or ""), name=name, arguments=arguments, error=error)


def _arguments(written: Any) -> tuple[Json, str | None]:
    if written is None or written == "":
        return {}, None
    try:
        arguments: Any = orjson.loads(written) if isinstance(written, str) else written
    except orjson.JSONDecodeError:
        return {}, "the arguments are not valid JSON"
    return (cast("Json", arguments), None) if isinstance(arguments, dict) else ({}, "the arguments are not an object")


def _history_entry(text: str, tool_calls: Any) -> Message:
    if tool_calls:
        return {"role": "assistant", "content": text or None, "tool_calls": tool_calls}
    return {"role": "assistant", "content": text}


_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)


def _parsed(text: str, schema: Json, usage: Usage | None, at: Endpoint) -> Json:
    """The structured answer; models without real support for it like to put the whole of it into one fence."""
    fenced = _FENCE.match(text) if text.lstrip().startswith("```") else None
    try:
        value: Any = orjson.loads(fenced.group(1) if fenced else text)
    except orjson.JSONDecodeError:
        raise _unusable("the model's structured answer is not valid JSON", at, usage=usage) from None
    if problem := problem_of_shape(value, schema):
        raise _unusable(f"the model's structured answer has the wrong shape: {excerpt(problem, at)}", at, usage=usage)
    return cast("Json", value)


def _unusable(
    message: str,
    at: Endpoint,
    *,
    fault: ModelFault = "bad_reply",
    permanent: bool = False,
    usage: Usage | None = None,
) -> ModelError:
    """What was billed is carried along; without a usage nothing is known to have been billed."""
    text = excerpt(message, at, longest=2 * LONGEST_EXCERPT)
    if usage is None:
        return ModelError(text, permanent=permanent, fault=fault)
    return UnusableReply(text, permanent=permanent, fault=fault, usage=usage)


def too_large(at: Endpoint) -> ModelError:
    return ModelError(
        f"{at.host} answered with more than {LARGEST_REPLY_BYTES // 1_000_000} MB", permanent=True, fault="too_large"
    )


def unsendable() -> ModelError:
    return ModelError(
        "the conversation contains text that cannot be sent (half of a character)", permanent=True, fault="bad_request"
    )


def timed_out(at: Endpoint, deadline_s: float) -> ModelError:
    return ModelError(f"{at.host} did not answer within {deadline_s:g} s", permanent=False, fault="timeout")


def cut_off(at: Endpoint, error: BaseException) -> ModelError:
    """The connection failed; only the kind of failure is told, since its text may quote what was sent."""
    return ModelError(
        f"the connection to {at.host} failed ({type(error).__name__})", permanent=False, fault="connection"
    )


# --- refusals -------------------------------------------------------------------------------------------------------


def refusal(status: int, headers: Mapping[str, str], body: bytes, at: Endpoint) -> ModelError:
    """What an HTTP status other than 200 means, told apart by whether and when it helps to try again."""
    said, code = _error_in(body)
    fault = _fault_of(status, code)
    what = _MEANING[fault].format(host=at.host)
    said = f": {excerpt(said, at)}" if said else ""
    return ModelError(
        f"{what} (HTTP {status}){said}",
        permanent=fault not in ("rate_limit", "server"),
        retry_after_s=retry_after_s(headers) if fault in ("rate_limit", "server") else None,
        fault=fault,
    )


_MEANING: Mapping[ModelFault, str] = {
    "rate_limit": "{host} asks for a slower pace",
    "quota": "the quota or credit at {host} is used up",
    "auth": "{host} does not accept the API key",
    "not_found": "{host} does not know this address or model; check the base URL and the model's name",
    "bad_request": "{host} does not accept the request",
    "too_large": "the request is too large for {host}",
    "bad_reply": "{host} answered with a redirect, which is not followed; check the base URL",
    "server": "{host} has a problem of its own",
}

_FAULT_OF_STATUS: Mapping[int, ModelFault] = {
    401: "auth",
    402: "quota",
    403: "auth",
    404: "not_found",
    408: "server",
    409: "server",
    413: "too_large",
    425: "server",
    429: "rate_limit",
}


def _fault_of(status: int, code: str) -> ModelFault:
    if status in (403, 429) and code in QUOTA_CODES:
        return "quota"
    if status in _FAULT_OF_STATUS:
        return _FAULT_OF_STATUS[status]
    if status >= 500:
        return "server"
    return "bad_reply" if status < 400 else "bad_request"


def _error_in(body: bytes) -> tuple[str, str]:
    """What the provider says about its refusal, and its code; ("", "") when there is nothing of the known shape."""
    try:
        answer: Any = orjson.loads(body[:65_536])
    except orjson.JSONDecodeError:
        return "", ""
    error: Any = cast("Json", answer).get("error") if isinstance(answer, dict) else None
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return "", ""
    error = cast("Json", error)
    codes = [value for value in (error.get("code"), error.get("type")) if isinstance(value, str)]
    return _said(error), next((code for code in codes if code in QUOTA_CODES), "")


def _code_in(answer: Json) -> int | None:
    error: Any = answer.get("error")
    code: Any = cast("Json", error).get("code") if isinstance(error, dict) else None
    return code if _is_count(code) and 400 <= code < 600 else None


def _said(error: Any) -> str:
    message = cast("Json", error).get("message")
    return message if isinstance(message, str) else ""


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long we are asked to wait: milliseconds, seconds, or a date, which is measured against the reply's own."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after") or ""
    if (seconds := _number(asked)) is not None:
        return seconds
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date") or "")
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < 1e9 else None


_MASKED_KEY = re.compile(r"\S*\*{3,}\S*")
"""A key the provider masked itself: its first and last letters are still there."""


def excerpt(text: str, at: Endpoint, *, longest: int = LONGEST_EXCERPT) -> str:
    """A provider's words on one short line, without our key or anything else that is secret."""
    if at.api_key:
        text = text.replace(at.api_key, "[redacted]")  # before it is cut, which could leave half of the key
    text = text[: 4 * LONGEST_EXCERPT]
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    words = _MASKED_KEY.sub("[redacted]", redact(words))
    return words if len(words) <= longest else words[: longest - 1] + "…"
