"""The one exception of the workspace: a refusal with Slack's own error code."""

from collections.abc import Sequence
from typing import Any


class SlackError(Exception):
    """A call that Slack would answer with `ok: false`."""

    def __init__(self, code: str, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(code, *messages)
        self.code = code
        self.messages = tuple(messages)
        self.extra = extra

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["response_metadata"] = {"messages": list(self.messages)}
            body["errors"] = [message.removeprefix("[ERROR] ") for message in self.messages]
        return body


class RateLimited(Exception):
    """A call refused with HTTP 429; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after
