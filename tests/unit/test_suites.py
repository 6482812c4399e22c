"""Suites and test cases as files: what is read, what is refused with its place, and what is drawn from them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.errors import RequestError
from jobs.model import Gate, Pattern
from jobs.profiles import FileCheck, ProfileError, check_paths
from jobs.settings import shipped_profiles
from jobs.suites import Suite, check_suite, draw_suite, find_target, list_suites, load_suite, planned

SHIPPED = shipped_profiles()
SHOP = """
test_name: shop
user: {goals: [a pizza]}
chatbot: {is_starter: false}
conversation: {number: 3, goal_style: default, interaction_style: [default]}
"""
CASE = """
name: large
category: conversation-flow
difficulty: hard
persona: novice
tags: [a, b]
context: [hello, {user: hi again, assistant: Hi!}]
turns:
  - user: a large one
    expected_intent: order
    expected_entities: {size: large, toppings: [x, y]}
    expected_response_type: question
    expected_patterns: [which, {matches: "\\\\d+"}]
  - thanks
expected_tools: []
success_criteria: [ready, {matches: "a|b"}, {judge: it is friendly}]
failure_conditions: [sorry]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("suites", "cases", "shop"):
        (tmp_path / name).mkdir()
    (tmp_path / "shop/shop.yaml").write_text(SHOP)
    (tmp_path / "cases/large.yaml").write_text(CASE)
    return tmp_path


def write(folder: Path, text: str, name: str = "smoke") -> Path:
    path = folder / f"suites/{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def suite(folder: Path, text: str) -> Suite:
    return load_suite(write(folder, text), profiles_dir=folder)


def checked(path: Path, folder: Path) -> FileCheck:
    [found] = check_paths([path], profiles_dir=folder)
    return check_suite(found, profiles_dir=folder)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_case_is_read_with_everything_it_says(folder: Path) -> None:
    [each] = suite(folder, "suite: s\ncases: [cases/large]").cases
    case, turn = each.case, each.case.turns[0]

    assert (each.category, each.difficulty, each.persona, each.tags) == (
        "conversation_flow",
        "hard",
        "novice",
        ("a", "b"),
    )
    assert (case.name, case.context) == ("large", ("hello", "hi again"))
    assert (turn.user, turn.intent, turn.response_type) == ("a large one", "order", "question")
    assert turn.entities == {"size": ("large",), "toppings": ("x", "y")}
    assert turn.patterns == (Pattern(text="which"), Pattern(text=r"\d+", is_regex=True))
    assert case.turns[1].user == "thanks"
    assert case.tools == ()
    assert (case.must, each.criteria) == (
        (Pattern(text="ready"), Pattern(text="a|b", is_regex=True)),
        ("it is friendly",),
    )
    assert case.must_not == (Pattern(text="sorry"),)
    assert (case.good_turns, case.quality) == (0.8, 0.7)


def test_a_suite_gives_its_cases_their_thresholds_unless_they_have_their_own(folder: Path) -> None:
    text = """
suite: s
thresholds: {good_turns: 0.5}
cases:
  - {name: one, input: hi, expected_patterns: [hello]}
  - {name: two, input: hi, expected_patterns: [hello], thresholds: {good_turns: 1}}
"""
    assert [each.case.good_turns for each in suite(folder, text).cases] == [0.5, 1.0]


def test_a_gate_is_a_number_or_says_how_it_is_judged(folder: Path) -> None:
    text = """
suite: s
profiles: [shop/shop]
gates:
  success: {at_least: 0.9, by: interval}
  latency_p95_ms: 3000
  safety: 1
"""
    assert suite(folder, text).gates == (
        Gate(measure="success", at_least=0.9, by="interval"),
        Gate(measure="latency_p95_ms", at_most=3000),
        Gate(measure="safety", at_least=1),
    )


def test_json_cases_have_characters_of_every_plane(folder: Path) -> None:
    cases = {"cases": [{"name": "one", "input": "a 🍕", "expected_patterns": ["🍕"]}]}
    (folder / "cases/more.json").write_text(json.dumps(cases))

    [each] = suite(folder, "suite: s\ncases: [cases/more]").cases

    assert each.case.turns[0].user == "a 🍕"


def test_the_stamp_follows_the_suite_its_cases_its_profiles_and_nothing_else(folder: Path) -> None:
    text = "suite: s\ncases: [cases/large]\nprofiles: [shop/shop]"
    before = suite(folder, text).stamp
    assert suite(folder, text).stamp == before
    (folder / "cases/large.yaml").write_text(CASE.replace("a large one", "a small one"))
    changed_case = suite(folder, text).stamp
    (folder / "shop/shop.yaml").write_text(SHOP.replace("number: 3", "number: 4"))

    assert len({before, changed_case, suite(folder, text).stamp}) == 3


# --- what is refused --------------------------------------------------------------------------------------------------

BROKEN = """
suite: broken
profiles: [shop/shpo, {profile: shop/shop, n: 0}]
cases:
  - cases/none
  - {name: one, categry: functional, input: hi}
  - {name: two, category: functionl, input: hi, expected_patterns: [{matches: "("}]}
  - {name: three, input: "{{faker.nam}}", expected_response_type: quest}
counts: {securty: 1}
gates: {succes: 0.9, success: {by: interval}, cost_usd: {at_most: 1, by: interval}}
thresholds: {good_turns: 80}
rules: rules/none
reapeats: 2
"""


def test_everything_that_is_wrong_is_said_at_once_with_its_place_and_mend(folder: Path) -> None:
    check = checked(write(folder, BROKEN), folder)
    found = {(problem.place.line if problem.place else 0, problem.field): problem for problem in check.problems}

    assert check.kind == "suite"
    assert list(found) == [
        (3, "profiles[0]"),
        (3, "profiles[1].n"),
        (5, "cases[0]"),
        (6, "cases[1].categry"),
        (7, "cases[2].category"),
        (7, "cases[2].expected_patterns[0].matches"),
        (8, "cases[3]"),
        (8, "cases[3].expected_response_type"),
        (9, "counts.securty"),
        (10, "gates.succes"),
        (10, "gates.success"),
        (10, "gates.cost_usd.by"),
        (11, "thresholds.good_turns"),
        (12, "rules"),
        (13, "reapeats"),
    ]
    assert found[6, "cases[1].categry"].fix == "did you mean 'category'?"
    assert found[10, "gates.succes"].fix == "did you mean 'success'?"
    assert found[8, "cases[3]"].fix == "did you mean {{faker.name}}?"
    assert "missing )" in found[7, "cases[2].expected_patterns[0].matches"].message
    assert found[3, "profiles[0]"].message == "no profile named 'shop/shpo'; did you mean 'shop'?"
    with pytest.raises(ProfileError, match="15 problems"):
        load_suite(folder / "suites/smoke.yaml", profiles_dir=folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("suite: s", "the suite has nothing to play"),
        ("cases: [cases/large]", "the suite has no name"),
        ("suite: s\ncases: [{input: hi, expected_patterns: [x]}]", "this case has no name"),
        ("suite: s\ncases: [{name: a}]", "the customer says nothing"),
        ("suite: s\ncases: [{name: a, input: hi, turns: [hi]}]", "given twice"),
        ("suite: s\ncases: [cases/large, cases/large]", "several cases are called 'large'"),
        ("suite: s\ncases: [../../elsewhere]", "lies outside"),
        ("suite: s\ncases: [/etc/passwd]", "not a relative path"),
        ("- 1", "must be a mapping"),
    ],
)
def test_a_suite_that_cannot_be_used_says_why(folder: Path, text: str, message: str) -> None:
    assert any(message in problem.message for problem in checked(write(folder, text), folder).problems)


def test_what_is_wrong_in_a_file_of_cases_is_said_for_it_and_for_the_suite(folder: Path) -> None:
    (folder / "cases/large.yaml").write_text(CASE.replace("failure_conditions", "failure_condition"))
    [of_case] = checked(folder / "cases/large.yaml", folder).problems
    [of_suite] = checked(write(folder, "suite: s\ncases: [cases/large]"), folder).problems

    assert of_case.place and of_case.place.line == 17
    assert of_case.fix == "did you mean 'failure_conditions'?"
    assert (of_suite.field, of_suite.fix) == ("cases[0]", of_case.fix)
    assert "in 'large.yaml' (line 17)" in of_suite.message


def test_a_case_of_which_nothing_is_expected_is_warned_of(folder: Path) -> None:
    check = checked(write(folder, "suite: s\ncases: [{name: a, input: hi}]"), folder)

    assert check.ok
    assert any("nothing is expected" in warning for warning in check.warnings)


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["suites/smoke", "suites/smoke.yaml", "smoke", "what must work"])
def test_a_suite_is_found_by_path_stem_and_name(folder: Path, target: str) -> None:
    write(folder, "suite: what must work\nprofiles: [shop/shop]")

    assert find_target(target, profiles_dir=folder).path == "suites/smoke"


def test_a_name_that_a_profile_and_a_suite_share_is_refused_with_both(folder: Path) -> None:
    write(folder, "suite: s\nprofiles: [shop/shop]", name="shop")

    with pytest.raises(RequestError, match="several profiles or suites; write one of 'shop/shop', 'suites/shop'"):
        find_target("shop", profiles_dir=folder)
    assert find_target("shop/shop", profiles_dir=folder).name is None


def test_a_wrong_name_is_answered_with_the_nearest_of_its_kind(folder: Path) -> None:
    write(folder, "suite: smoke\nprofiles: [shop/shop]")

    with pytest.raises(RequestError, match="no suite named 'smok'; did you mean 'smoke'"):
        find_target("smok", profiles_dir=folder)
    with pytest.raises(RequestError, match="no profile named 'shp'; did you mean 'shop'"):
        find_target("shp", profiles_dir=folder)


# --- drawing ----------------------------------------------------------------------------------------------------------

MANY = """
suite: many
repeats: 2
counts: {security: 1}
profiles: [{profile: shop/shop, n: 2, category: usability, tags: [simulated]}]
cases:
  - {name: one, input: "I am {{faker.name}}, {{faker.name}}", expected_patterns: ["{{faker.name}}"]}
  - {name: two, category: security, input: a, expected_patterns: [x], repeats: 1}
  - {name: three, category: security, input: b, expected_patterns: [x], repeats: 1}
  - {name: four, input: c, expected_patterns: [x], skip: not yet}
"""


def test_a_suite_plays_its_cases_and_its_profiles_with_repeats_and_counts(folder: Path) -> None:
    many = suite(folder, MANY)
    scenarios = draw_suite(many, seed=1, n=planned(many, 1))
    names = [each.profile for each in scenarios]

    assert [each.number for each in scenarios] == list(range(1, 9))
    assert names == ["one", "one", names[2], "four", "shop", "shop", "shop", "shop"]
    assert names[2] in ("two", "three")
    assert scenarios[0].tags == ("functional",)
    assert scenarios[4].tags == ("usability", "simulated")
    assert [each.seed for each in scenarios[4:6]] == [each.seed for each in scenarios[6:8]]


def test_the_same_seed_draws_the_same_and_another_seed_other_people(folder: Path) -> None:
    many = suite(folder, MANY)

    assert draw_suite(many, seed=1, n=8) == draw_suite(many, seed=1, n=8)
    assert draw_suite(many, seed=1, n=8)[0].case != draw_suite(many, seed=2, n=8)[0].case


def test_made_up_data_are_the_same_throughout_a_case_and_differ_between_repeats(folder: Path) -> None:
    first, second = [each.case for each in draw_suite(suite(folder, MANY), seed=1, n=8)[:2]]
    assert first and second
    said, expected = first.turns[0].user, first.turns[0].patterns[0].text

    assert said == f"I am {expected}, {expected}"
    assert "{{" not in said
    assert first != second


def test_fewer_conversations_are_taken_from_all_of_the_suite_and_more_are_refused(folder: Path) -> None:
    many = suite(folder, MANY)

    assert [each.profile for each in draw_suite(many, seed=1, n=2)] == ["one", "shop"]
    with pytest.raises(RequestError, match="has 8 conversations, not 9"):
        draw_suite(many, seed=1, n=9)


def test_every_kind_of_made_up_value_is_the_same_on_every_day(folder: Path) -> None:
    from jobs.suites.made import KINDS, filled_in

    [each] = suite(folder, "suite: s\ncases: [{name: a, input: x, expected_patterns: [x]}]").cases
    text = " ".join(f"{{{{faker.{kind}}}}}" for kind in KINDS)
    turn = replace(each.case.turns[0], user=text)
    case = replace(each, case=replace(each.case, turns=(turn,)))
    filled = filled_in(case, seed=5).case.turns[0].user

    assert filled == filled_in(case, seed=5).case.turns[0].user
    assert "{{" not in filled
    assert filled != filled_in(case, seed=6).case.turns[0].user


# --- what ships -------------------------------------------------------------------------------------------------------


def test_the_shipped_suites_and_cases_are_fine_and_no_name_is_taken_twice() -> None:
    found = check_paths([SHIPPED / "suites", SHIPPED / "cases"], profiles_dir=SHIPPED)
    checks = [check_suite(each, profiles_dir=SHIPPED) for each in found]

    assert [each.path for each in checks if not each.ok or each.warnings] == []
    assert {each.kind for each in checks} == {"suite"}
    assert any(Path(each.path).suffix == ".json" for each in checks)
    assert "pizza" not in {name for each in list_suites(SHIPPED) for name in (each.stem, each.name)}
