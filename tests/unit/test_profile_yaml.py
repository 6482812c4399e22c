"""Bad files are answered with their place and a fix, quickly, whatever is in them."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.profiles import ProfileError, load_profile
from jobs.profiles.problems import Report
from jobs.profiles.yamltree import Mapping, Scalar, parse_tree

PIZZA = (Path(__file__).parents[2] / "profiles/pizza-shop/pizza.yaml").read_text(encoding="utf-8")

BAD_FILES = {
    "alias bomb": (b"a: &a [x, x]\nb: [*a, *a]\n", 1, 4, "anchor"),
    "alias alone": (b"a: 1\nb: *a\n", 2, 4, "alias"),
    "tag": (b"a: !!python/object/apply:os.system [ls]\n", 1, 4, "tag"),
    "5,000 brackets": (b"[" * 5000, 1, 21, "nested deeper than 20"),
    "900 nested mappings": (b"{a: " * 900, 1, 81, "nested deeper than 20"),
    "many values": (b"a: [" + b"x," * 30_000 + b"]", 1, 39_999, "more than 20,000 values"),
    "ten megabytes": (b"a: " + b"x" * 10_000_000, 1, 1, "larger than 256 KB"),
    "20,000 digits": (b"a: " + b"9" * 20_000, 1, 4, "20,000 characters"),
    "duplicate key": (b"a: 1\nb: 2\na: 3\n", 3, 1, "second time"),
    "tab": (b"a:\n\tb: 1\n", 2, 1, "tab"),
    "not UTF-8": (b"a: 1\nb: caf\xe9\n", 2, 7, "0xe9"),
    "UTF-16": ("a: 1".encode("utf-16"), 1, 1, "UTF-16"),
    "control character": (b"a: 1\nb: \x00\n", 2, 4, "not allowed"),
    "unclosed quote": (b'a: "b', 1, 6, "never closed"),
    "brace at the beginning": (b"a:\n  - {{b}} c\n", 2, 6, "quotes"),
    "second document": (b"a: 1\n---\nb: 2\n", 2, 1, "second document"),
    "empty": (b"", 1, 1, "empty"),
    "a list": (b"- a\n", 1, 1, "no profile"),
    "percent sign": (b"a: %b", 1, 4, "quotes"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_its_place_and_a_fix_in_half_a_second(name: str, tmp_path: Path) -> None:
    content, line, column, message = BAD_FILES[name]
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    started = time.process_time()

    with pytest.raises(ProfileError) as raised:
        load_profile(path, profiles_dir=tmp_path)

    assert time.process_time() - started < 0.5
    found = [problem for problem in raised.value.problems if message in f"{problem.message} {problem.fix}"]
    assert found, str(raised.value)
    assert found[0].place is not None
    assert (found[0].place.line, found[0].place.column) == (line, column)
    assert found[0].fix


def test_a_byte_order_mark_is_skipped_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("\ufeff" + PIZZA, encoding="utf-8")

    profile = load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path)

    assert profile.name == "pizza"
    assert "byte order mark" in profile.warnings[0]


def test_scalars_keep_their_written_text() -> None:
    root = parse_tree(b"[no, 1.10, 12:30, 010, ~, 'x', 2024-01-01]", Report())
    wrapped = parse_tree(b"key: on", Report())

    assert root is not None and not isinstance(root, Mapping)
    assert [node.text for node in getattr(root, "nodes", ()) if isinstance(node, Scalar)] == [
        "no", "1.10", "12:30", "010", "~", "x", "2024-01-01",
    ]  # fmt: skip
    assert isinstance(wrapped, Mapping)
    assert isinstance(wrapped.entries[0].value, Scalar)
    assert wrapped.entries[0].value.text == "on"


def test_hundreds_of_problems_are_cut_with_a_word_about_it(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PIZZA + "".join(f"unknown{i}: 1\n" for i in range(500)), encoding="utf-8")

    with pytest.raises(ProfileError) as raised:
        load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path)

    assert len(raised.value.problems) == 101
    assert any("more than 100 problems" in problem.message for problem in raised.value.problems)


@given(content=st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_load_or_raise_a_profile_error(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(content)

    with pytest.raises(ProfileError):
        load_profile(path, profiles_dir=path.parent)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_profile_loads_or_raises_a_profile_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(PIZZA)))
    length = data.draw(st.integers(0, 40))
    scrap = data.draw(
        st.sampled_from(["", "[]", "{}", "-1", "null", "'", ": ", "forward(size)", "1e99", "any(x)", "\n- "])
    )
    path = tmp_path_factory.getbasetemp() / "damaged.yaml"
    path.write_text(PIZZA[:start] + scrap + PIZZA[start + length :], encoding="utf-8")

    try:
        profile = load_profile(path, profiles_dir=path.parent)
    except ProfileError as error:
        assert error.problems
    else:
        assert profile.goals
