"""The schema for editors says of a profile what the loader says, as far as a schema can."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from jobs.profiles import ProfileError, check_paths, load_profile
from jobs.profiles.files import profile_files
from jobs.profiles.schema import FILE_NAME, as_file, profile_schema

SHIPPED = Path(__file__).parents[2] / "profiles"
PIZZA = (SHIPPED / "pizza-shop/pizza.yaml").read_text(encoding="utf-8")
VALIDATOR = Draft7Validator(profile_schema())
PROFILES = [path for path in profile_files(SHIPPED) if "test_name:" in path.read_text(encoding="utf-8")]
BESIDE = "# yaml-language-server: $schema=../profile.schema.json"


class EditorLoader(yaml.SafeLoader):
    """Reads as the YAML plugins of editors do (YAML 1.2): a date is a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML asks for an attribute of the class
        first: [each for each in resolvers if not each[0].endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def complaints(text: str) -> list[str]:
    document: Any = yaml.load(text, Loader=EditorLoader)
    return [error.message for error in VALIDATOR.iter_errors(document)]  # pyright: ignore[reportUnknownMemberType] - untyped there


def test_the_shipped_file_is_what_the_tables_of_the_loader_make() -> None:
    Draft7Validator.check_schema(profile_schema())  # pyright: ignore[reportUnknownMemberType] - untyped there
    assert (SHIPPED / FILE_NAME).read_text(encoding="utf-8") == as_file(), "run python -m jobs.profiles.schema"
    assert len(json.dumps(profile_schema())) < 10_000


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_shipped_profile_is_fine_for_the_schema_and_for_the_check(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    [check] = check_paths([path], profiles_dir=SHIPPED)

    assert complaints(text) == []
    assert (check.problems, check.conversations is None) == ((), False)
    if path.parent.name not in ("pizza-shop", "pizza-by-phone"):
        assert text.splitlines()[0] == BESIDE


GOOD = [
    ("number: 20", "number: all_combinations"),
    ("number: 20", "number: sample(0.25)"),
    ("number: 20", "number: sample( 1.0 )"),
    ("number: 20", "number: pairwise"),
    ("limit: 20", "export: true"),
    ("    all_answered:\n      limit: 20", "    random steps: 20"),
    ("\n    all_answered:\n      limit: 20", " default"),
    ("- default", "- random: [long phrase, change language: [italian, german]]"),
    ("- default", "- single questions"),
    ("random(rand)", "random(2)"),
    ("random(rand)", "random"),
    ("forward(drink)", "forward( drink )"),
    ("type: string\n        data: [small, medium, large]", "type: str\n        data: {thin: 1, thick: 2}"),
    ("data: {min: 1, max: 3, step: 1}", "data: [1, 2, 3]"),
    ("  fallback: Sorry, I did not get that. Could you say it another way?", "  fallback:"),
    ("test_name: pizza", "test_name: 007"),
    ("language: English", "language: no"),
    ("  goals:", "  ask_about:"),
    ("type: money", "type: colour"),
    ("  role:", "  rolle:"),
]
BAD = [
    ("test_name: pizza", "test_nam: pizza"),
    ("number: 20", "number: 0"),
    ("number: 20", "number: 2.5"),
    ("number: 20", "number: sample(0)"),
    ("number: 20", "number: sample(1.5)"),
    ("number: 20", "number: many"),
    ("limit: 20", "limit: 0"),
    ("limit: 20", "export: 'yes'"),
    ("    all_answered:\n      limit: 20", "    random steps: 21"),
    ("    all_answered:\n      limit: 20", "    steps: 2\n    random steps: 3"),
    ("- default", "- long frases"),
    ("- default", "- change language"),
    ("- default", "- change language: []"),
    ("random(rand)", "random(0)"),
    ("random(rand)", "rando()"),
    ("another()", "another(2)"),
    ("type: int", "type: whole"),
    ("step: 1", "step: 0"),
    ("max: 3, ", ""),
    ("[small, medium, large]", "[]"),
    ("[small, medium, large]", "12"),
    ("is_starter: false", "is_starter: 'no'"),
    ("user:", "uses:"),
    ("language: English", "language: [English]"),
]


@pytest.mark.parametrize(("before", "after"), GOOD)
def test_what_loads_is_fine_for_the_schema(before: str, after: str, tmp_path: Path) -> None:
    text = PIZZA.replace(before, after)
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")

    assert text != PIZZA
    load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path)
    assert complaints(text) == []


@pytest.mark.parametrize(("before", "after"), BAD)
def test_what_is_refused_is_refused_by_both(before: str, after: str, tmp_path: Path) -> None:
    text = PIZZA.replace(before, after)
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")

    assert text != PIZZA
    with pytest.raises(ProfileError):
        load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path)
    assert complaints(text)


def test_no_two_shipped_profiles_share_a_name() -> None:
    names = [load_profile(path, profiles_dir=SHIPPED).name for path in PROFILES]
    stems = [path.stem for path in PROFILES]

    assert len(PROFILES) >= 13
    assert len({*names, *stems}) == len(names) == len(set(stems))
    assert all(name == stem for name, stem in zip(names, stems, strict=True))
