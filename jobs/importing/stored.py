"""A recorded conversation as the JSON that the store keeps, and the key that tells it from others by its content."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

from jobs.recorded import Recorded, make_recorded

_DATE, _TIME, _FLOAT = "$date", "$time", "$float"
"""Kinds of values that JSON does not have, each kept as a mapping of one key."""
_NOT_STORED = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL takes neither
_FIELDS = ("serial", "language", "context", "wanted", "settings", "outputs", "interaction", "errors")


def to_stored(recorded: Recorded) -> dict[str, Any]:
    """The conversation without its name: what it was, not where it lay."""
    fields = {name: _plain(getattr(recorded, name)) for name in _FIELDS}
    return fields | {"response_times_s": list(recorded.response_times_s), "duration_s": recorded.duration_s}


def from_stored(stored: Mapping[str, Any], *, name: str) -> Recorded:
    values = {key: _value(value) for key, value in stored.items()}
    return make_recorded(name=name, **values)


def content_key(stored: Mapping[str, Any]) -> str:
    """The same conversation has the same key, whatever its file is called."""
    return hashlib.sha256(json.dumps(stored, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(value: Any) -> Any:
    match value:
        case str():
            return _NOT_STORED.sub("\N{REPLACEMENT CHARACTER}", value)
        case datetime():
            return {_TIME: value.isoformat()}
        case date():
            return {_DATE: value.isoformat()}
        case float() if not math.isfinite(value):
            return {_FLOAT: str(value)}
        case Mapping():
            items = cast("Mapping[Any, Any]", value).items()
            return {_plain(str(key)): _plain(item) for key, item in items}
        case Sequence():
            return [_plain(item) for item in cast("Sequence[Any]", value)]
        case _:
            return value


def _value(stored: Any) -> Any:
    match stored:
        case {"$date": str() as written, **others} if not others:
            return date.fromisoformat(written)
        case {"$time": str() as written, **others} if not others:
            return datetime.fromisoformat(written)
        case {"$float": str() as written, **others} if not others:
            return float(written)
        case dict():
            return {key: _value(item) for key, item in cast("dict[str, Any]", stored).items()}
        case list():
            return [_value(item) for item in cast("list[Any]", stored)]
        case _:
            return stored
