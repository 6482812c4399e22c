"""Reading JSON that Slack sent: absent and null are the same, and nothing raises."""

from collections.abc import Mapping
from typing import Any, cast

Json = dict[str, Any]


def inside(value: Any, *path: str) -> Json:
    """The object at the end of a path of names; empty if something on the way is missing or no object."""
    for name in path:
        value = cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None
    return cast(Json, value) if isinstance(value, dict) else {}


def text_in(value: Any, name: str) -> str:
    """The text under a name; empty if it is missing or no text."""
    found = inside(value).get(name)
    return found if isinstance(found, str) else ""


def storable(value: Any) -> Any:
    """The same without what no database takes: halves of characters, and NUL."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode().replace("\x00", "")
    if isinstance(value, Mapping):
        given = cast("Mapping[Any, Any]", value)
        return {str(storable(name)): storable(content) for name, content in given.items()}
    if isinstance(value, list):
        return [storable(each) for each in cast("list[Any]", value)]
    return value
