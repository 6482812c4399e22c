"""What replies of odd shapes come to, byte by byte."""

from typing import Any

import orjson
import pytest

from jobs.chat_model import ChatReply, ChatRequest, Endpoint, Schema, Usage
from jobs.chat_model.wire import body_of, excerpt, refusal, reply_of, retry_after_s
from jobs.errors import ModelError, ModelFault

AT = Endpoint(base_url="http://127.0.0.1:1/v1", api_key="my-very-own-key")
HELLO = ChatRequest(model="tiny", messages=({"role": "user", "content": "hello"},), role="simulator")
JUDGE = ChatRequest(
    model="tiny", messages=HELLO.messages, role="judge", schema=Schema(name="any", json_schema={"type": "object"})
)


def reply(answer: Any, request: ChatRequest = HELLO) -> ChatReply:
    return reply_of(200, {}, orjson.dumps(answer), request, AT)


def saying(message: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"choices": [{"message": message, **fields}]}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ([], "bad_reply"),
        ("text", "bad_reply"),
        ({}, "empty"),
        ({"choices": {}}, "empty"),
        ({"choices": [None]}, "bad_reply"),
        ({"choices": [{"message": "text"}]}, "bad_reply"),
        (saying({"content": None}), "empty"),
        (saying({"content": " \n"}), "empty"),
        (saying({"content": 7}), "empty"),
        (saying({"content": None, "tool_calls": [{"function": None}, 3]}), "empty"),
        (saying({"content": None}, finish_reason="content_filter"), "refused"),
        ({"error": {"message": "upstream is busy", "code": 429}}, "rate_limit"),
        ({"error": {"message": "who are you", "code": 401}}, "auth"),
        ({"error": {"message": "something"}}, "bad_reply"),
    ],
)
def test_a_reply_that_is_none_is_a_fault(answer: Any, fault: ModelFault) -> None:
    with pytest.raises(ModelError) as caught:
        reply(answer)
    assert caught.value.fault == fault


def test_a_text_in_parts_is_put_together() -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}, {"type": "other"}, 3]
    assert reply(saying({"content": parts})).text == "one two"


def test_what_a_model_says_when_it_declines_is_its_answer_unless_a_shape_was_asked_for() -> None:
    declining = saying({"content": None, "refusal": "I will not."})

    assert reply(declining).text == "I will not."
    with pytest.raises(ModelError, match=r"declined to answer: I will not\.") as caught:
        reply(declining, JUDGE)
    assert (caught.value.fault, caught.value.permanent) == ("refused", True)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2}, Usage(input=5, output=2)),
        (
            {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 9}},
            Usage(input=5, output=2, cached=5),
        ),
        (
            {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": None}},
            Usage(input=5, output=2),
        ),
        ({"prompt_tokens": -5, "completion_tokens": 2}, None),
        ({"prompt_tokens": True, "completion_tokens": 2}, None),
        ({"prompt_tokens": "5", "completion_tokens": 2}, None),
        (None, None),
    ],
)
def test_a_count_that_is_none_is_not_taken_for_zero(usage: Any, counted: Usage | None) -> None:
    assert reply({**saying({"content": "hi"}), "usage": usage}).usage == counted


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (429, b"", "rate_limit"),
        (429, b'{"error": {"type": "insufficient_quota"}}', "quota"),
        (402, b"pay", "quota"),
        (403, b"{}", "auth"),
        (422, b'{"error": "odd"}', "bad_request"),
        (413, b"[]", "too_large"),
        (529, b"<html>", "server"),
        (301, b"", "bad_reply"),
    ],
)
def test_refusals_are_told_apart_even_without_the_usual_body(status: int, body: bytes, fault: ModelFault) -> None:
    error = refusal(status, {}, body, AT)
    assert error.fault == fault
    assert f"HTTP {status}" in str(error)


def test_a_providers_words_come_on_one_short_line_without_any_key() -> None:
    hostile = "line\nbreak\x00 my-very-own-key sk-proj-abcdefghijklmnop1234567890 ab****yz " + "my-very-own-key" * 99

    words = excerpt(hostile, AT)

    assert words.startswith("line break [redacted] [redacted] [redacted]")
    assert "very" not in words
    assert len(words) <= 200


def test_openai_itself_is_told_the_limit_under_its_new_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONVOTEST_FORBID_REAL_MODELS", raising=False)
    request = ChatRequest(model="m", messages=(), role="judge", max_tokens=5)

    assert body_of(request, Endpoint(base_url="https://api.openai.com/v1"))["max_completion_tokens"] == 5
    assert body_of(request, AT)["max_tokens"] == 5
