"""Prices: bundled, one's own, and not known."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import ConfigurationError, RequestError
from jobs.pricing import Override, Prices, require_prices
from jobs.settings import shipped_profiles

AT = datetime(2026, 6, 1, tzinfo=UTC)
BUNDLED = Prices()


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@given(
    model=st.sampled_from(["gpt-4o-mini", "gpt-4o-2024-08-06", "claude-sonnet-4-5", "gemini-2.5-pro", "deepseek-chat"]),
    fresh=st.integers(0, 400_000),
    cached=st.integers(0, 100_000),
    output=st.integers(0, 100_000),
)
def test_a_price_is_what_the_package_computes(model: str, fresh: int, cached: int, output: int) -> None:
    usage = Usage(input_tokens=fresh + cached, output_tokens=output, cache_read_tokens=cached)
    expected = float(calc_price(usage, model, genai_request_timestamp=AT).total_price)

    assert BUNDLED.price(model, fresh + cached, output, at=AT, cached_tokens=cached) == pytest.approx(expected)


def test_a_model_nobody_knows_has_no_price() -> None:
    assert BUNDLED.price("pizza-llm", 1000, 1000, at=AT) is None
    assert not BUNDLED.known("pizza-llm", AT)
    assert BUNDLED.known("gpt-4o-mini", AT)


def test_a_model_without_a_price_for_text_is_not_free() -> None:
    assert BUNDLED.price("whisper-1", 1000, 1000, at=AT) is None


def test_ones_own_price_goes_before_the_bundled_one(tmp_path: Path) -> None:
    prices = Prices.load(written(tmp_path, "prices: {gpt-4o-mini: {input: 1, output: 2, cached_input: 0.5}}"))

    assert prices.price("gpt-4o-mini", 3_000_000, 1_000_000, at=AT, cached_tokens=1_000_000) == pytest.approx(4.5)


def test_cached_tokens_cost_like_others_unless_said_otherwise() -> None:
    prices = Prices({"m": Override(input=2, output=0)})
    assert prices.price("m", 1_000_000, 0, at=AT, cached_tokens=500_000) == pytest.approx(2.0)


def test_a_model_of_ones_own_may_be_free() -> None:
    prices = Prices({"local": Override(input=0, output=0)})
    assert prices.price("local", 10, 10, at=AT) == 0.0
    assert prices.known("local", AT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices: {m: {input: -1, output: 2}}", "prices.m.input"),
        ("prices: {m: {input: 1}}", "prices.m.output"),
        ("prices: {m: {input: 1, output: .nan}}", "prices.m.output"),
        ("prices: {m: {input: 1, output: 1, per: token}}", "prices.m.per"),
        ("price: {}", "price"),
        ("prices: [", "not valid YAML"),
        ("- 1", "prices.yaml"),
        ("x" * 300_000, "larger than"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Prices.load(written(tmp_path, text))
    assert "prices.yaml" in str(caught.value)


def test_the_shipped_file_and_no_file_mean_the_bundled_prices(tmp_path: Path) -> None:
    assert (shipped_profiles() / "prices.yaml").is_file()
    assert Prices.load(shipped_profiles() / "prices.yaml").stamp() == Prices.load(tmp_path / "none.yaml").stamp()


def test_the_stamp_follows_what_the_prices_are_and_not_how_they_are_written(tmp_path: Path) -> None:
    one = Prices.load(written(tmp_path, "prices: {a: {input: 1, output: 2}, b: {input: 1, output: 1}}")).stamp()
    same = Prices.load(written(tmp_path, "prices:\n b: {output: 1, input: 1}\n a: {output: 2.0, input: 1}")).stamp()
    other = Prices.load(written(tmp_path, "prices: {a: {input: 1, output: 3}, b: {input: 1, output: 1}}")).stamp()

    assert one == same != other


def test_a_run_with_a_budget_is_refused_when_a_price_is_missing() -> None:
    require_prices(BUNDLED, ["gpt-4o-mini"], AT)
    with pytest.raises(RequestError, match=r"'pizza-llm' is not known; add it to profiles/prices\.yaml"):
        require_prices(BUNDLED, ["gpt-4o-mini", "pizza-llm"], AT)
