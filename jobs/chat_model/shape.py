"""Whether a structured answer has the shape that was asked for: the part of JSON Schema that providers accept."""

from collections.abc import Callable, Mapping
from typing import Any, cast

_IS_TYPE: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def problem_of_shape(value: Any, schema: Mapping[str, Any], at: str = "the answer") -> str | None:
    """What is wrong with ``value``, in words, or None.

    Knows type, enum, const, anyOf, properties, required, additionalProperties, items, minimum and maximum, which is
    what structured outputs offer; other keywords are not looked at.
    """
    if "anyOf" in schema:
        problems = [problem_of_shape(value, each, at) for each in schema["anyOf"]]
        return None if None in problems else problems[0]
    types = cast("list[str]", schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")])
    if types != [None] and not any(_IS_TYPE[name](value) for name in types):
        return f"{at} is not of type {' or '.join(types)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at} is none of the allowed values"
    if "const" in schema and value != schema["const"]:
        return f"{at} is not {schema['const']!r}"
    if isinstance(value, dict):
        return _problem_of_object(cast("dict[str, Any]", value), schema, at)
    if isinstance(value, list):
        items = enumerate(cast("list[Any]", value))
        checked = (problem_of_shape(item, schema.get("items", {}), f"{at}[{index}]") for index, item in items)
        return next((problem for problem in checked if problem), None)
    return _problem_of_number(value, schema, at) if _IS_TYPE["number"](value) else None


def _problem_of_object(value: Mapping[str, Any], schema: Mapping[str, Any], at: str) -> str | None:
    properties: Mapping[str, Any] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            return f"{at} lacks {name!r}"
    for name, item in value.items():
        if name in properties:
            if problem := problem_of_shape(item, properties[name], f"{at}.{name}"):
                return problem
        elif schema.get("additionalProperties") is False:
            return f"{at} has something that was not asked for: {name[:40]!r}"
    return None


def _problem_of_number(value: float, schema: Mapping[str, Any], at: str) -> str | None:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and not value >= low:
        return f"{at} is below {low:g}"
    if high is not None and not value <= high:
        return f"{at} is above {high:g}"
    return None
