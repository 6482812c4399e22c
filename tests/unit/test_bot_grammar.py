"""What members type, as phones and keyboards really send it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands._grammar import parse, whole_number
from jobs.errors import RequestError


@pytest.mark.parametrize(
    "text",
    [
        "run pizza n=20 seed=7 assistant=pizza@faulty",
        "run pizza --n 20 --seed 7 --assistant pizza@faulty",
        "run pizza -n 20 --seed=7 assistant=pizza@faulty",
        "run pizza —n=20 —seed 7 –assistant=pizza@faulty".replace("—n=20", "-n 20"),
        "  RUN   pizza  n = 20  seed= 7 assistant =pizza@faulty ",
        "run “pizza” n=20 seed=“7” assistant=‘pizza@faulty’",
    ],
)
def test_every_way_of_writing_options_means_the_same(text: str) -> None:
    words = parse(text)

    assert (words.verb, words.positional) == ("run", ("pizza",))
    assert words.options == {"n": "20", "seed": "7", "assistant": "pizza@faulty"}


@pytest.mark.parametrize(
    ("text", "positional"),
    [
        ("run don't", ("don't",)),
        ("run don’t panic", ("don't", "panic")),
        ("run 'two words' x", ("two words", "x")),
        ('run "unclosed name', ('"unclosed', "name")),
        ("run “curly name”", ("curly name",)),
        ("show <@U123|ada lovelace> <#C9|>", ("U123", "C9")),
        ("run a &lt; b &amp;amp; c", ("a", "<", "b", "&amp;", "c")),
        ("run <https://example.com/x|example.com>", ("https://example.com/x",)),
        ("run long—term", ("long-term",)),
        ("run 'n=5'", ("n=5",)),
    ],
)
def test_quotes_mentions_and_escapes_are_read_as_they_were_meant(text: str, positional: tuple[str, ...]) -> None:
    assert parse(text).positional == positional


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run pizza --seed", "'seed' needs a value"),
        ("run pizza --seed --n 5", "'seed' needs a value"),
        ("run pizza n=", "'n' needs a value"),
        ("run pizza n=5 n=6", "'n' is given twice"),
    ],
)
def test_an_option_without_a_value_or_with_two_is_refused(text: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        parse(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("abc", "not a whole number"),
        ("1.5", "not a whole number"),
        ("1e3", "not a whole number"),
        ("٣", "not a whole number"),
        ("0", "at least 1"),
        ("-1", "at least 1"),
        ("9" * 5000, "far too large"),
    ],
)
def test_a_count_that_is_none_is_refused_with_an_example(text: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as refused:
        whole_number("n", text, least=1)

    assert "n=20" in str(refused.value)
    assert len(str(refused.value)) < 200


def test_large_counts_may_be_written_with_separators() -> None:
    assert whole_number("n", "100,000", least=1) == 100_000


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(RequestError, match="did you mean 'seed'"):
        parse("run pizza sed=7").only("n", "seed", "assistant")


def test_nothing_typed_has_no_verb() -> None:
    assert parse("   ").verb == ""


@given(st.text(max_size=300))
def test_no_text_breaks_the_grammar(text: str) -> None:
    try:
        words = parse(text)
    except RequestError as error:
        assert "needs a value" in str(error) or "twice" in str(error)
    else:
        assert words.verb == words.verb.lower()
