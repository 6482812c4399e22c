"""The JSON Schemas of suites, test cases and rules, for editors: ``python -m jobs.suites.schema`` writes them anew.

They say what can be said of single values; whether a profile exists and whether a rule can be understood only
``convotest check`` knows. Names come from the tables that the loaders themselves read with.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from jobs.model import Difficulty, ResponseType
from jobs.report.gates import MEASURES
from jobs.settings import shipped_profiles
from jobs.suites.case import MOST_TURNS
from jobs.suites.values import CATEGORIES, MOST_REPEATS

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"  # the newest that the YAML plugins of editors know well
TEXT: Schema = {"type": ["string", "number", "boolean"]}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0}
TRUTH: Schema = {"type": "boolean"}


def suite_schema() -> Schema:
    return {
        "$schema": DRAFT,
        "title": "convotest suite",
        "description": "What is played together, and which limits it must keep. docs/suites.md explains each field.",
        **_section(
            {
                "suite": TEXT,
                "description": TEXT,
                "assistant": TEXT,
                "repeats": _repeats(),
                "per_minute": POSITIVE,
                "budget_usd": POSITIVE,
                "profiles": _several(_any(TEXT, _suite_profile())),
                "cases": _several(_any(TEXT, _ref("case"))),
                "counts": _mapping(CATEGORIES, {"type": "integer", "minimum": 0, "maximum": MOST_REPEATS}),
                "thresholds": _ref("thresholds"),
                "gates": _mapping(MEASURES, _any({"type": "number"}, _gate())),
                "rules": TEXT,
            },
            required=["suite"],
        ),
        "definitions": _definitions(),
    }


def cases_schema() -> Schema:
    several = _section({"cases": {"type": "array", "items": _ref("case")}}, required=["cases"])
    return {
        "$schema": DRAFT,
        "title": "convotest test cases",
        "description": "One case, or a list of them. docs/suites.md says what each field means.",
        **_any(_ref("case"), {"type": "array", "items": _ref("case")}, several),
        "definitions": _definitions(),
    }


def rule_schema() -> Schema:
    unfinished: Schema = {"properties": {"active": {"const": False}}, "required": ["active"]}
    conditions = dict.fromkeys(("when", "if", "then", "oracle", "yields", "on-error"), TEXT)
    return {
        "$schema": DRAFT,
        "title": "convotest rule",
        "description": "What must hold of conversations. docs/rules.md says what a rule can say.",
        "type": "object",
        "properties": {
            "name": TEXT,
            "description": TEXT,
            "active": TRUTH,
            "conversations": {"enum": [1, 2, "1", "2", "all"]},
            **conditions,
        },
        "required": ["name"],
        "anyOf": [{"required": ["then"]}, {"required": ["oracle"]}, unfinished],
    }


def as_file(schema: Schema) -> str:
    """The schema as the shipped file has it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


# --- parts ------------------------------------------------------------------------------------------------------------


def _definitions() -> Schema:
    return {"case": _case(), "turn": _turn(), "pattern": _pattern(), "thresholds": _thresholds()}


def _case() -> Schema:
    named = dict.fromkeys(("name", "description", "persona", "language", "skip", "fallback", "input"), TEXT)
    return _section(
        {
            **named,
            **_expectations(),
            "turns": {"type": "array", "minItems": 1, "maxItems": MOST_TURNS, "items": _any(TEXT, _ref("turn"))},
            "context": _several(_any(TEXT, _section({"user": TEXT, "assistant": TEXT}))),
            "success_criteria": _several(_any(_ref("pattern"), _section({"judge": TEXT}, required=["judge"]))),
            "failure_conditions": _several(_ref("pattern")),
            "expected_tools": _several(TEXT),
            "category": {"enum": list(CATEGORIES)},
            "difficulty": {"enum": list(get_args(Difficulty))},
            "tags": _several(TEXT),
            "repeats": _repeats(),
            "thresholds": _ref("thresholds"),
            "is_starter": TRUTH,
        }
    )


def _turn() -> Schema:
    return _section({"user": TEXT, **_expectations()}, required=["user"])


def _expectations() -> Schema:
    return {
        "expected_intent": TEXT,
        "expected_entities": {"type": "object", "additionalProperties": _any(TEXT, {"type": "array", "items": TEXT})},
        "expected_response_type": {"enum": list(get_args(ResponseType))},
        "expected_patterns": _several(_ref("pattern")),
    }


def _pattern() -> Schema:
    return _any(TEXT, _section({"matches": TEXT}, required=["matches"]))


def _thresholds() -> Schema:
    return _section({"good_turns": SHARE, "quality": SHARE})


def _suite_profile() -> Schema:
    n = {"type": "integer", "minimum": 1, "maximum": 100_000}
    fields = {"profile": TEXT, "n": n, "category": {"enum": list(CATEGORIES)}, "tags": _several(TEXT)}
    return _section(fields, required=["profile"])


def _gate() -> Schema:
    limits = {"at_least": {"type": "number"}, "at_most": {"type": "number"}, "by": {"enum": ["point", "interval"]}}
    return _section(limits) | {"anyOf": [{"required": ["at_least"]}, {"required": ["at_most"]}]}


def _repeats() -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": MOST_REPEATS}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _several(item: Schema) -> Schema:
    """A list, or one that stands alone."""
    return _any({"type": "array", "items": item}, item)


def _mapping(names: Mapping[str, Any] | tuple[str, ...], value: Schema) -> Schema:
    return _section(dict.fromkeys(names, value))


def _section(fields: Mapping[str, Schema], *, required: list[str] | None = None) -> Schema:
    needed = {"required": required} if required else {}
    return {"type": "object", "properties": dict(fields), "additionalProperties": False, **needed}


FILES: Mapping[str, Schema] = {
    "suite.schema.json": suite_schema(),
    "cases.schema.json": cases_schema(),
    "rule.schema.json": rule_schema(),
}


def write(folder: Path) -> None:
    for name, schema in FILES.items():
        (folder / name).write_text(as_file(schema), encoding="utf-8")


if __name__ == "__main__":
    write(shipped_profiles())
