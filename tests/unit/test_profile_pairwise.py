"""Pairwise sampling: few conversations in which every pair of values comes together."""

from itertools import combinations, product
from math import prod
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import RequestError
from jobs.profiles import Profile, check_paths, draw_scenarios, load_profile
from jobs.profiles.pairwise import pairwise_rows


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6).map(tuple))
@settings(max_examples=60, deadline=None)
def test_every_pair_of_values_is_in_some_row(sizes: tuple[int, ...]) -> None:
    rows = pairwise_rows(sizes)

    assert len(rows) == len(set(rows)) <= prod(sizes)
    for one, other in combinations(range(len(sizes)), 2):
        pairs = {(row[one], row[other]) for row in rows}
        assert pairs == set(product(range(sizes[one]), range(sizes[other])))


def test_the_rows_are_few_and_always_the_same() -> None:
    rows = pairwise_rows((10, 10, 10, 10))

    assert len(rows) == 142
    assert rows[:3] == ((0, 0, 0, 0), (0, 1, 1, 1), (0, 2, 2, 2))


def profile_of(tmp_path: Path, sizes: dict[str, tuple[str, int]], number: str = "pairwise") -> Profile:
    goals = "".join(f"    - {name} {{{{{name}}}}}\n" for name in sizes)
    variables = "".join(
        f"    - {name}: {{function: forward({nests}), type: int, data: {{min: 0, max: {size}}}}}\n"
        for name, (nests, size) in sizes.items()
    )
    text = f"test_name: t\nuser:\n  role: r\n  goals:\n{goals}{variables}conversation: {{number: {number}}}\n"
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    return load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path)


def test_a_profile_is_played_pair_by_pair_and_independent_chains_run_side_by_side(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, {"a": ("b", 5), "b": ("c", 4), "c": ("", 3), "alone": ("", 2)})
    scenarios = draw_scenarios(profile, seed=1)
    drawn = [{goal.slots[0].name: goal.slots[0].values[0] for goal in each.goals} for each in scenarios]

    assert (profile.combinations, profile.pairwise, profile.planned(1)) == (60, 20, 20)
    assert {(each["a"], each["b"]) for each in drawn} == set(product(range(5), range(4)))
    assert {(each["a"], each["c"]) for each in drawn} == set(product(range(5), range(3)))
    assert {(each["b"], each["c"]) for each in drawn} == set(product(range(4), range(3)))
    assert [each["alone"] for each in drawn[:4]] == [0, 1, 0, 1]


def test_a_check_offers_pairwise_when_the_product_is_large(tmp_path: Path) -> None:
    sizes = {"a": ("b", 10), "b": ("c", 10), "c": ("", 10)}
    profile_of(tmp_path, sizes, "all_combinations")
    [offered] = check_paths([tmp_path / "p.yaml"], profiles_dir=tmp_path)
    profile_of(tmp_path, sizes)
    [taken] = check_paths([tmp_path / "p.yaml"], profiles_dir=tmp_path)

    pairs = taken.conversations
    assert pairs is not None and 100 <= pairs <= 150
    assert offered.warnings == (
        f"conversation.number: there are 1,000 combinations; {pairs} conversations have every pair of values: "
        "write number: pairwise",
    )
    assert taken.warnings == ()


def test_pairwise_without_combinations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="counts combinations, and no variable is forward"):
        profile_of(tmp_path, {}, "pairwise").planned(1)


def test_too_many_pairs_are_refused_when_they_are_asked_for(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, {"a": ("b", 1000), "b": ("c", 1000), "c": ("", 10)})

    with pytest.raises(RequestError, match="more than 20,000 pairs"):
        profile.planned(1)
