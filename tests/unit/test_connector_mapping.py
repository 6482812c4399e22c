"""Templates with named places, and paths into JSON."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.assistants._mapping import Path, filled, filled_url, places_in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
DOCUMENT: dict[str, Any] = {
    "a": {"b": [{"c": 1}, {"c": 2}, {"d": 3}], "e f": "g"},
    "list": [["x", "y"], ["z"], "w"],
    "none": None,
    "empty": [],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [DOCUMENT]),
        ("$.a.b[0].c", [1]),
        ("$.a.b[-2].c", [2]),
        ("$.a.b[*].c", [1, 2]),
        ("$.a['e f']", ["g"]),
        ('$["a"]["e f"]', ["g"]),
        ("$.list[*][*]", ["x", "y", "z"]),
        ("$.list[0]", [["x", "y"]]),
        ("$.none", [None]),
        ("$.empty[*]", []),
        ("$.empty[*].c", []),
        ("$.empty[*][*]", []),
        ("$.a.b[*].nothing", []),
        ("$.a.b[7]", None),
        ("$.a.x", None),
        ("$.x.y.z", None),
        ("$.a[*]", None),
        ("$.a.b.c", None),
        ("$.none.x", None),
    ],
)
def test_a_path_finds_what_stands_there(path: str, found: list[Any] | None) -> None:
    assert Path(path).find(DOCUMENT) == found


@pytest.mark.parametrize(
    "text", ["", "a", "$a", "$.", "$..a", "$[", "$[a]", "$[1", "$['a", "$.a[?(@.b)]", "$.a b", "$" + ".a" * 200]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        Path(text)


@given(JSON, st.sampled_from(["$.a", "$[*]", "$[0].b", "$.a[*].b[*]", "$[-1][0]"]))
def test_a_path_never_fails_on_any_json(value: Any, path: str) -> None:
    assert Path(path).find(value) is None or isinstance(Path(path).find(value), list)


def test_a_template_is_filled_in_once_and_keeps_its_shape() -> None:
    values = {"message": "{session} {message}", "session": "s1", "history": [{"role": "user"}], "none": None}
    template = {
        "t": "You: {message}!",
        "h": "{history}",
        "n": [1, 2.5, True, None, "{session}"],
        "x": "{other} {none}.",
    }

    assert filled(template, values) == {
        "t": "You: {session} {message}!",
        "h": [{"role": "user"}],
        "n": [1, 2.5, True, None, "s1"],
        "x": "{other} .",
    }


@given(st.text())
def test_a_message_stands_in_the_request_as_it_is(message: str) -> None:
    assert filled({"a": ["<{message}>"]}, {"message": message}) == {"a": [f"<{message}>"]}


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_a_message_cannot_change_where_a_request_goes(message: str) -> None:
    url = filled_url("https://bot.example.com/{message}?q={message}", {"message": message})

    assert url.startswith("https://bot.example.com/")
    assert not set(url.removeprefix("https://bot.example.com/").replace("?q=", "")) & set("/?#@:&= ")


def test_places_are_found_anywhere() -> None:
    assert places_in({"a": ["{x}", {"b": "{y} {z_1}"}], "c": 7, "{no}": "{ not } {}"}) == {"x", "y", "z_1"}
