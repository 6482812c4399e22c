"""The schemas for editors say of suites, cases and rules what the loaders say, as far as a schema can."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from jobs.profiles.check import check_paths
from jobs.rules import files as rule_files
from jobs.rules.files import read_rule_file
from jobs.settings import shipped_profiles
from jobs.suites import case, check_suite, reading, values
from jobs.suites.files import suite_files
from jobs.suites.schema import FILES, as_file, cases_schema, rule_schema, suite_schema

SHIPPED = shipped_profiles()
SUITES = suite_files(SHIPPED)
CASES = sorted((SHIPPED / "cases").rglob("*.*"))
RULES = sorted((SHIPPED / "rules").rglob("*.yaml"))


def complaints(schema: dict[str, Any], text: str) -> list[str]:
    document: Any = yaml.safe_load(text)
    return [error.message for error in Draft7Validator(schema).iter_errors(document)]  # pyright: ignore[reportUnknownMemberType] - untyped there


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_file_is_what_the_tables_of_the_loader_make(name: str) -> None:
    Draft7Validator.check_schema(FILES[name])  # pyright: ignore[reportUnknownMemberType] - untyped there
    assert (SHIPPED / name).read_text(encoding="utf-8") == as_file(FILES[name]), "run python -m jobs.suites.schema"
    assert json.loads(as_file(FILES[name])) == FILES[name]


def test_every_field_that_a_loader_takes_is_in_its_schema() -> None:
    written = json.dumps(list(FILES.values()))
    sources = [Path(module.__file__ or "").read_text() for module in (reading, case, values, rule_files)]
    taken = {name for source in sources for name in re.findall(r'\.take\("([^"]+)"\)', source)}

    assert len(taken) > 35
    assert {name for name in taken if f'"{name}"' not in written} == set()


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_shipped_suite_is_fine(path: Path) -> None:
    assert complaints(suite_schema(), path.read_text()) == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_shipped_case_is_fine(path: Path) -> None:
    assert complaints(cases_schema(), path.read_text()) == []


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_shipped_rule_is_fine(path: Path) -> None:
    assert complaints(rule_schema(), path.read_text()) == []


GOOD_SUITE = "suite: s\ncases: [{name: a, input: hi}]\n"


@pytest.mark.parametrize(
    "text",
    [
        "cases: [{name: a, input: hi}]",
        f"{GOOD_SUITE}gates: {{sucess: 1}}",
        f"{GOOD_SUITE}gates: {{success: {{by: point}}}}",
        f"{GOOD_SUITE}repeats: 0",
        f"{GOOD_SUITE}counts: {{securty: 1}}",
        f"{GOOD_SUITE}thresholds: {{good_turns: 2}}",
        f"{GOOD_SUITE}nonsense: 1",
        "suite: s\ncases: [{name: a, input: hi, categry: x}]",
        "suite: s\ncases: [{name: a, turns: []}]",
        "suite: s\ncases: [{name: a, input: hi, difficulty: impossible}]",
        "suite: s\ncases: [{name: a, input: hi, expected_patterns: [{match: x}]}]",
    ],
)
def test_what_is_refused_is_refused_by_both(tmp_path: Path, text: str) -> None:
    path = tmp_path / "suites" / "s.yaml"
    path.parent.mkdir()
    path.write_text(text)
    [check] = [check_suite(each, profiles_dir=tmp_path) for each in check_paths([path], profiles_dir=tmp_path)]

    assert complaints(suite_schema(), text)
    assert not check.ok


@pytest.mark.parametrize(
    "text", ["then: x > 1", "name: a", "name: a\nthen: x > 1\nconversations: 3", "name: a\nactive: maybe\nthen: x > 1"]
)
def test_a_rule_that_is_refused_is_refused_by_both(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rule.yaml"
    path.write_text(text)

    assert complaints(rule_schema(), text)
    assert read_rule_file(path).problems


def test_an_inactive_rule_may_be_unfinished() -> None:
    assert complaints(rule_schema(), "name: a\nactive: false\n") == []
