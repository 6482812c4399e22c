"""The JSON Schema of profiles, for editors: ``python -m jobs.profiles.schema`` writes it anew.

It says what can be said of single values; what depends on several (nesting, amounts, files) only ``convotest check``
knows. Names come from the tables that the loader itself reads with.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.profiles.conversation import MOST_CONVERSATIONS, MOST_RANDOM_STEPS, MOST_STEPS, OTHER_SPELLINGS, STYLES
from jobs.profiles.reading import OUTPUT_TYPES
from jobs.profiles.rubrics import MOST_GRADES
from jobs.profiles.variables import FUNCTIONS, OLDER_TYPES, TYPES
from jobs.settings import shipped_profiles

FILE_NAME = "profile.schema.json"

Schema = dict[str, Any]


def profile_schema() -> Schema:
    sections = {name: _one_of(_ref(name), _list_of(_ref(name))) for name in ("llm", "user", "chatbot", "conversation")}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",  # the newest that the YAML plugins of editors know well
        "title": "convotest profile",
        "description": "Which customers to simulate. docs/profiles.md says what each field means.",
        **_section({"test_name": _ref("text"), **sections, **_older_places()}, required=["test_name"]),
        "additionalProperties": False,
        "definitions": _definitions(),
    }


def as_file() -> str:
    """The schema as the shipped file has it."""
    return json.dumps(profile_schema(), indent=1, ensure_ascii=False) + "\n"


def _older_places() -> Mapping[str, Schema]:
    """What older profiles write at the top."""
    conversation = _ref("conversation")
    return {
        "conversations": _one_of(conversation, _list_of(conversation)),
        "temperature": _ref("temperature"),
        **_user_fields(),
        **_chatbot_fields(),
    }


def _definitions() -> Mapping[str, Schema]:
    return {
        # YAML takes 1.10 and no for something else than a text; the loader keeps them as they are written
        "text": {"type": ["string", "number", "boolean"]},
        "temperature": {"type": "number", "minimum": 0, "maximum": 1},
        "llm": _section({"model": _ref("text"), "temperature": _ref("temperature")}),
        "user": _section(_user_fields()),
        "goals": _goals(),
        "variable": _variable(),
        "values": {"type": "array", "minItems": 1, "items": _ref("text")},
        "chatbot": _section({**_chatbot_fields(), "rubrics": _one_of(_ref("rubrics"), _list_of(_ref("rubrics")))}),
        "rubrics": {"type": "object", "additionalProperties": _ref("rubric")},
        "rubric": _rubric(),
        "outputs": {"type": "object", "additionalProperties": _ref("output")},
        "output": _section({"type": {**_ref("text"), "examples": list(OUTPUT_TYPES)}, "description": _ref("text")}),
        "conversation": _section(
            {"number": _number(), "goal_style": _goal_style(), "interaction_style": _ref("styles")}
        ),
        "styles": _one_of(_ref("style"), _list_of(_ref("style"))),
        "style": _style(),
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _one_of(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _section(fields: Mapping[str, Schema], *, required: Sequence[str] = ()) -> Schema:
    """A mapping whose other fields may be left empty. Unknown ones are allowed: the loader only warns of them."""
    empty: Schema = {"type": "null"}
    properties = {name: field if name in required else _one_of(field, empty) for name, field in fields.items()}
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _whole(most: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": most}


# --- user ------------------------------------------------------------------------------------------------------------


def _user_fields() -> Mapping[str, Schema]:
    personality: Schema = {**_section({"personality": _ref("text")}), "additionalProperties": False}
    item = _one_of(_ref("text"), personality)
    return {
        "language": _ref("text"),
        "role": _ref("text"),
        "personality": _ref("text"),
        "context": _one_of(item, _list_of(item)),
        "goals": _ref("goals"),
        "ask_about": _ref("goals"),
    }


def _goals() -> Schema:
    variables: Schema = {"type": "object", "additionalProperties": _ref("variable")}
    return _one_of(_ref("text"), {**_list_of(_one_of(_ref("text"), variables)), "minItems": 1})


def _variable() -> Schema:
    names = "|".join(FUNCTIONS)
    plain, random, nested = rf"({names})(\s*\(\s*\))?", r"random\s*\(\s*(rand|0*[1-9]\d{0,5})\s*\)", r"forward\s*\(.+\)"
    described = _section(
        {
            "function": {"type": "string", "pattern": rf"^\s*({plain}|{random}|{nested})\s*$"},
            "type": {"enum": [*TYPES, *OLDER_TYPES]},
            "data": _one_of(_ref("values"), _range(), _file(), _keys()),
        },
        required=["data"],
    )
    return _one_of(described, _ref("values"))


def _range() -> Schema:
    bound: Schema = {"type": ["number", "string"]}  # a text for dates
    width: Schema = {"type": "number", "exclusiveMinimum": 0}
    points: Schema = {"type": "integer", "minimum": 1}
    fields = {"min": bound, "max": bound, "step": width, "steps": width, "linspace": points}
    return _section(fields, required=["min", "max"])


def _file() -> Schema:
    return _section({"file": _ref("text"), "function_name": _ref("text"), "args": {}}, required=["file"])


def _keys() -> Schema:
    """A mapping of no known form: its keys are the values."""
    known = [{"required": [name]} for name in ("min", "max", "file")]
    return {"type": "object", "minProperties": 1, "not": _one_of(*known)}


# --- chatbot and conversation ----------------------------------------------------------------------------------------


def _chatbot_fields() -> Mapping[str, Schema]:
    return {
        "is_starter": {"type": "boolean"},
        "isstarter": {"type": "boolean"},
        "fallback": _ref("text"),
        "output": _one_of(_ref("outputs"), _list_of(_ref("outputs"))),
    }


def _rubric() -> Schema:
    meanings: Schema = {**_list_of(_ref("text")), "minItems": 2, "maxItems": MOST_GRADES}
    grades: Schema = {"type": "integer", "minimum": 2, "maximum": MOST_GRADES}
    return _section({"description": _ref("text"), "scale": _one_of(grades, meanings)}, required=["description"])


def _number() -> Schema:
    share = r"^\s*sample\(\s*\+?(0?\.\d*[1-9]\d*|0*1(\.0*)?)\s*\)\s*$"
    combinations: Schema = {"enum": ["all_combinations", "all_combinations()", "pairwise"]}
    return _one_of(_whole(MOST_CONVERSATIONS), combinations, {"type": "string", "pattern": share})


def _goal_style() -> Schema:
    answered = _section({"export": {"type": "boolean"}, "limit": _whole(MOST_STEPS)})
    ways = {
        "steps": _whole(MOST_STEPS),
        "random steps": _whole(MOST_RANDOM_STEPS),
        "random_steps": _whole(MOST_RANDOM_STEPS),
        "all_answered": answered,
    }
    two: list[Schema] = [{"required": [one, other]} for one in ways for other in ways if one < other]
    one_way: Schema = {**_section(ways), "not": _one_of(*two)}
    return _one_of({"enum": ["default", "all_answered"]}, one_way)


def _style() -> Schema:
    """A style by its name, or a mapping from names to what they need."""
    spellings = (*STYLES, *OTHER_SPELLINGS)
    names = [*spellings, *(name.replace(" ", "_") for name in spellings), "default"]
    changes = [name for name in names if name.startswith("change") and "lang" in name]
    languages = _one_of(_ref("text"), {**_list_of(_ref("text")), "minItems": 1})
    named: Schema = {
        "type": "object",
        "propertyNames": {"enum": [*names, "random"]},
        "properties": {**dict.fromkeys(changes, languages), "random": _ref("styles")},
    }
    return _one_of({"enum": [name for name in names if name not in changes]}, named)


if __name__ == "__main__":
    (shipped_profiles() / FILE_NAME).write_text(as_file(), encoding="utf-8")
