"""Profiles are found by path, stem or name, and files are checked as scripts expect it."""

from pathlib import Path

import pytest

from jobs.errors import RequestError
from jobs.profiles import ProfileError, check_paths, find_profile, list_profiles

SHIPPED = Path(__file__).parents[2] / "profiles"
PIZZA = (SHIPPED / "pizza-shop/pizza.yaml").read_text(encoding="utf-8")


def shop(directory: Path, **names: str) -> Path:
    """A profiles directory with a file for each path (``__`` for a slash) and its ``test_name``."""
    for path, name in names.items():
        file = directory / f"{path.replace('__', '/')}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PIZZA.replace("test_name: pizza", f"test_name: {name}"), encoding="utf-8")
    return directory


@pytest.mark.parametrize("target", ["north/pizza", "north/pizza.yaml", "./north/pizza", "margherita"])
def test_a_profile_is_found_by_path_or_name(target: str, tmp_path: Path) -> None:
    shop(tmp_path, north__pizza="margherita", south__pizza="funghi")

    assert find_profile(target, profiles_dir=tmp_path).path == "north/pizza"


def test_a_stem_goes_before_a_name(tmp_path: Path) -> None:
    shop(tmp_path, a="b", b="c")

    assert find_profile("b", profiles_dir=tmp_path).stem == "b"


def test_an_ambiguous_target_is_answered_with_the_candidates(tmp_path: Path) -> None:
    shop(tmp_path, north__pizza="one", south__pizza="two", x="same", y="same")

    with pytest.raises(RequestError, match="'north/pizza', 'south/pizza'"):
        find_profile("pizza", profiles_dir=tmp_path)
    with pytest.raises(RequestError, match="'x', 'y'"):
        find_profile("same", profiles_dir=tmp_path)


@pytest.mark.parametrize("target", ["piza", "PIZZA", "../pizza-shop/pizzza"])
def test_an_unknown_target_is_answered_with_the_nearest_name(target: str) -> None:
    with pytest.raises(RequestError, match="did you mean 'pizza'"):
        find_profile(target, profiles_dir=SHIPPED)


def test_a_broken_profile_that_is_named_says_why(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("test_name: bad\nfoo: 1\n", encoding="utf-8")

    with pytest.raises(ProfileError, match="unknown field 'foo'"):
        find_profile("bad", profiles_dir=tmp_path)


def test_only_profiles_that_load_are_listed(tmp_path: Path) -> None:
    shop(tmp_path, good="good", personalities__p="p", suites__s="s")
    (tmp_path / "bad.yaml").write_text("- 1", encoding="utf-8")

    assert [profile.path for profile in list_profiles(tmp_path)] == ["good"]


def test_the_shipped_files_are_fine_and_sixteen_personalities_are_among_them() -> None:
    checks = check_paths([SHIPPED], profiles_dir=SHIPPED)

    assert [check.path for check in checks if not check.ok] == []
    of_the_format = "pizza-by-phone/pizza_order_test_custom.yaml"  # the format's own example, word for word
    assert [check.path for check in checks if check.warnings] == [(SHIPPED / of_the_format).as_posix()]
    personalities = {Path(check.path).stem for check in checks if check.kind == "personality"}
    assert len(personalities) == 16
    assert {"novice", "expert", "frustrated", "curious", "business", "technical"} <= personalities


def test_a_check_has_every_field_that_scripts_read() -> None:
    check = check_paths([SHIPPED / "pizza-shop/pizza.yaml"], profiles_dir=SHIPPED)[0].to_json()

    assert check == {
        "path": (SHIPPED / "pizza-shop/pizza.yaml").as_posix(),
        "kind": "profile",
        "ok": True,
        "problems": [],
        "warnings": [],
        "profile": "pizza",
        "combinations": 9,
        "conversations": 20,
        "variables": {"size": 3, "toppings": 5, "cans": 3, "drink": 3},
        "estimated_cost_usd": None,
    }


def test_a_problem_of_a_check_has_line_column_field_message_and_fix(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(PIZZA.replace("is_starter: false", "is_starter: maybe"), encoding="utf-8")

    check = check_paths([path], profiles_dir=tmp_path)[0].to_json()

    assert check["ok"] is False
    assert check["problems"] == [
        {
            "line": 37,
            "column": 15,
            "field": "chatbot.is_starter",
            "message": "'maybe' is neither true nor false",
            "fix": "write true or false, without quotes",
        }
    ]


def test_any_keeps_a_check_ok_with_count_null(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(PIZZA.replace("[small, medium, large]", "[any(3 sizes)]"), encoding="utf-8")

    check = check_paths([path], profiles_dir=tmp_path)[0].to_json()

    assert check["ok"] is True
    assert check["variables"]["size"] is None
    assert "needs a model" in check["warnings"][0]


def test_files_of_other_kinds_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    files = {
        "assistants.yaml": "assistants: {}",
        "suites/nightly.yaml": "name: nightly",
        "rules/price.yaml": "name: price\nthen: 1 == 1",
        "elsewhere.yml": "name: calm\ntraits: [you are calm]",
        "sizes.yaml": "- small",
        "prices.yaml": "# empty",
        "broken.yaml": "a: [",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    checks = {Path(check.path).name: check for check in check_paths([tmp_path], profiles_dir=tmp_path)}

    assert {name: check.kind for name, check in checks.items() if check.ok} == {
        "assistants.yaml": "assistants",
        "nightly.yaml": "suite",
        "price.yaml": "rules",
        "elsewhere.yml": "personality",
    }
    assert [name for name, check in checks.items() if not check.ok] == ["broken.yaml"]


def test_a_path_that_does_not_exist_or_is_no_file_is_a_problem(tmp_path: Path) -> None:
    checks = check_paths([tmp_path / "none.yaml", Path("/dev/null"), Path("a\0b")], profiles_dir=tmp_path)

    assert [check.ok for check in checks] == [False, False, False]
    assert "no file" in checks[0].problems[0].message
    assert "not a regular file" in checks[1].problems[0].message
