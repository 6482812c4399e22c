"""Reading ``assistants.yaml`` and choosing the variant to test."""

from pathlib import Path

import pytest

from jobs.assistants.catalogue import Catalogue, environment_names, load_catalogue, variant_hash
from jobs.errors import RequestError
from jobs.model import WorkspaceId

TWO = """
assistants:
  pizza:
    connector: demo
    default: good
    profiles: ["pizza-shop/*", pizza]
    resumable: true
    limits: {concurrency: 4, per_minute: 120, timeout_s: 7.5}
    variants:
      good: {latency_ms: 5, api_key: "env:PIZZA_KEY"}
      faulty: {latency_ms: 5, faults: [sizes]}
  bank:
    connector: demo
    workspaces: [T1]
    variants:
      only:
"""


def catalogue_of(folder: Path, text: str) -> Catalogue:
    (folder / "assistants.yaml").write_text(text, encoding="utf-8")
    return load_catalogue(folder)


def refusal_of(folder: Path, text: str) -> str:
    with pytest.raises(RequestError) as caught:
        catalogue_of(folder, text)
    return str(caught.value)


def test_a_name_alone_means_the_default_variant(tmp_path: Path) -> None:
    variant = catalogue_of(tmp_path, TWO).variant("pizza", profile="bank")
    assert variant.label == "pizza@good"
    assert variant.resumable
    assert (variant.limits.concurrency, variant.limits.per_minute, variant.limits.timeout_s) == (4, 120, 7.5)
    assert variant.config == {"latency_ms": 5, "api_key": "env:PIZZA_KEY"}


def test_a_name_with_a_variant_means_that_variant(tmp_path: Path) -> None:
    assert catalogue_of(tmp_path, TWO).variant("pizza@faulty").label == "pizza@faulty"


def test_an_only_variant_is_the_default_and_may_be_empty(tmp_path: Path) -> None:
    variant = catalogue_of(tmp_path, TWO).variant("bank", workspace_id=WorkspaceId("T1"))
    assert (variant.name, variant.config) == ("only", {})


@pytest.mark.parametrize("profile", ["pizza-shop/anything", "elsewhere/pizza", "pizza"])
def test_without_a_name_the_assistant_whose_profiles_match_is_chosen(tmp_path: Path, profile: str) -> None:
    assert catalogue_of(tmp_path, TWO).variant(None, profile=profile).label == "pizza@good"


def test_without_a_match_the_only_assistant_is_chosen(tmp_path: Path) -> None:
    one = "assistants: {solo: {connector: demo, profiles: [other], variants: {v: {}}}}"
    assert catalogue_of(tmp_path, one).variant(None, profile="pizza").label == "solo@v"


def test_without_a_match_among_several_the_list_is_given(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="'pizza', 'bank'"):
        catalogue_of(tmp_path, TWO).variant(None, profile="hotel")


def test_several_matches_are_listed_instead_of_guessed(tmp_path: Path) -> None:
    entry = "{connector: demo, profiles: ['*'], variants: {v: {}}}"
    both = f"assistants: {{a: {entry}, b: {entry}}}"
    with pytest.raises(RequestError, match=r"several assistants match the profile 'x'.*'a', 'b'"):
        catalogue_of(tmp_path, both).variant(None, profile="x")


def test_a_wrong_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    catalogue = catalogue_of(tmp_path, TWO)
    with pytest.raises(RequestError, match="no assistant named 'piza'; did you mean 'pizza'"):
        catalogue.variant("piza")
    with pytest.raises(RequestError, match="no variant of 'pizza' named 'fualty'; did you mean 'faulty'"):
        catalogue.variant("pizza@fualty")


def test_an_assistant_of_one_workspace_does_not_exist_in_another(tmp_path: Path) -> None:
    catalogue = catalogue_of(tmp_path, TWO)
    elsewhere = WorkspaceId("T2")
    assert [each.name for each in catalogue.visible(elsewhere)] == ["pizza"]
    with pytest.raises(RequestError, match="no assistant named 'bank'"):
        catalogue.variant("bank", workspace_id=elsewhere)
    assert catalogue.variant(None, profile="hotel", workspace_id=elsewhere).label == "pizza@good"


def test_the_terminal_sees_every_assistant(tmp_path: Path) -> None:
    assert catalogue_of(tmp_path, TWO).variant("bank").label == "bank@only"


def test_without_a_file_there_is_nothing_to_choose_and_the_answer_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"assistants\.yaml"):
        load_catalogue(tmp_path).variant(None, profile="pizza")


def test_the_hash_depends_on_content_and_not_on_the_order_of_keys(tmp_path: Path) -> None:
    first = variant_hash("demo", {"a": 1, "b": [2]}, tmp_path)
    assert variant_hash("demo", {"b": [2], "a": 1}, tmp_path) == first
    assert variant_hash("demo", {"b": [3], "a": 1}, tmp_path) != first
    assert variant_hash("http", {"a": 1, "b": [2]}, tmp_path) != first


def test_a_changed_file_that_the_configuration_names_changes_the_hash(tmp_path: Path) -> None:
    folder, outside = tmp_path / "profiles", tmp_path / "outside.yaml"
    folder.mkdir()
    hashes: set[str] = set()
    for content in ("one", "two"):
        (folder / "menu.yaml").write_text(content)
        outside.write_text(content)
        hashes.add(variant_hash("demo", {"shop": "menu.yaml"}, folder))
        assert variant_hash("demo", {"shop": "../outside.yaml"}, folder) == variant_hash(
            "demo", {"shop": "../outside.yaml"}, tmp_path / "nowhere"
        )
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("connector: dmeo, variants: {v: {}}", ".connector: no connector named 'dmeo'; did you mean 'demo'?"),
        ("connector: demo, default: w, variants: {v: {}}", ".default: no variant named 'w'"),
        ("connector: demo, variants: {v: {}, w: {}}", ".default: is missing, and there are several variants"),
        ("connector: demo, variants: {}", ".variants: is empty"),
        ("variants: {v: {}}", ".connector: is missing"),
        ("connector: demo, varaints: {v: {}}", "no field named 'varaints'; did you mean 'variants'?"),
        ("connector: demo, limits: {timeout: 3}, variants: {v: {}}", "did you mean 'timeout_s'?"),
        ("connector: demo, limits: {concurrency: 0}, variants: {v: {}}", ".limits.concurrency: should be greater"),
        ("connector: demo, variants: {v: {api_key: sk-live}}", ".variants.v.api_key: looks like a secret"),
        ("connector: demo, variants: {v: {headers: {Authorization: Bearer x}}}", "write env:NAME"),
        ("connector: demo, variants: {v@w: {}}", "has characters that a name may not have"),
    ],
)
def test_a_broken_assistant_is_refused_with_file_field_and_mend(tmp_path: Path, entry: str, said: str) -> None:
    refusal = refusal_of(tmp_path, f"assistants: {{a: {{{entry}}}}}")
    assert str(tmp_path / "assistants.yaml") in refusal
    assert "line 1, column " in refusal
    assert "assistants.a" in refusal
    assert said in refusal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("assistants: [a]", "assistants: should be a mapping"),
        ("assistents: {}", "did you mean 'assistants'?"),
        ("", "the file is empty"),
        ("just text", "should be a mapping"),
        ("assistants: {a: [", "YAML"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal_of(tmp_path, text)


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = "assistants: {a: {connector: x, default: w, variants: {v: {token: t}}}}"
    assert "has 3 problems" in refusal_of(tmp_path, text)


def test_a_problem_names_its_line_and_column(tmp_path: Path) -> None:
    text = "assistants:\n  a:\n    connector: demo\n    default: w\n    variants:\n      v: {}\n"
    assert "line 4, column 5: assistants.a.default" in refusal_of(tmp_path, text)


def test_unquoted_values_are_what_they_look_like_and_nothing_else(tmp_path: Path) -> None:
    values = "{a: 1, b: 1.5, c: true, d: null, e: no, f: 010, g: '7', h: 12:30, i: [x, 2]}"
    config = (
        catalogue_of(tmp_path, f"assistants: {{a: {{connector: demo, variants: {{v: {values}}}}}}}").variant("a").config
    )
    assert config == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": "no",
        "f": "010",
        "g": "7",
        "h": "12:30",
        "i": ["x", 2],
    }


def test_secrets_may_be_named_in_headers_and_their_names_are_known() -> None:
    config = {"api_key": "env:ONE", "headers": {"Authorization": "Bearer env:TWO"}, "more": ["env:ONE", "text"]}
    assert environment_names(config) == ("ONE", "TWO")
