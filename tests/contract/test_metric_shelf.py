"""Every metric of the shelf, over ordinary, empty and hostile conversations."""

import math
import re
import time
from pathlib import Path

import pytest

import jobs.metrics
from jobs.metrics import METRICS, Metric, ScoringContext
from jobs.model import Assessment, GoalProgress, Scenario, Speaker, ToolCall, Transcript, Turn


def turn(speaker: Speaker, text: str) -> Turn:
    if speaker == "user":
        return Turn(speaker=speaker, text=text)
    return Turn(speaker=speaker, text=text, latency_ms=120.0, tool_calls=(ToolCall(name="order", ok=True),))


def talk(*said: str) -> tuple[Turn, ...]:
    """Turns that begin with the user's."""
    return tuple(turn("assistant" if place % 2 else "user", text) for place, text in enumerate(said))


CONVERSATIONS = {
    "ordinary": talk(
        "A large pizza, please.", "Which toppings?", "Ham and olives.", "One large pizza with ham, olives."
    ),
    "nothing said": (),
    "one user turn": talk("hello"),
    "one assistant turn": (turn("assistant", "Welcome! What can I do for you?"),),
    "only empty": talk("", "", "", ""),
    "a megabyte": talk("x" * 1_000_000, "The password is " * 60_000, "y" * 1_000_000, "4111 " * 200_000),
    "a megabyte of markup": talk("<b>" * 300_000, "https://a:" * 100_000, "hm", "</script>" * 110_000),
    "unicode": talk(
        "ピザをください。大きいのを一つお願いします", "وأي إضافات تريد على البيتزا؟", "🍕🍕🍕", "\ud800 \x00 \u202e ok"
    ),
    "five hundred turns": talk(*("I would like a pizza", "Sorry, I did not understand that.") * 250),
}
GOALS = {
    "no goals": (),
    "reached": (GoalProgress(text="a pizza", asked=True, answered=True, turn=1),),
    "unknown": (GoalProgress(text="a pizza", asked=True, answered=None, turn=None),),
    "half": (
        GoalProgress(text="a pizza", asked=True, answered=False, turn=None),
        GoalProgress(text="a drink", asked=True, answered=True, turn=99_999),
    ),
}


def context(turns: tuple[Turn, ...], goals: tuple[GoalProgress, ...], language: str = "English") -> ScoringContext:
    return ScoringContext(
        transcript=Transcript(turns=turns, ended_by="limit"),
        scenario=Scenario(profile="pizza", number=1, seed=1, goals=(), language=language, fallback="Pardon me?"),
        assessment=Assessment(goals=goals),
    )


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
@pytest.mark.parametrize("goals", GOALS.values(), ids=list(GOALS))
@pytest.mark.parametrize("turns", CONVERSATIONS.values(), ids=list(CONVERSATIONS))
async def test_a_score_is_in_its_range_or_unscored_and_has_a_short_reason(
    metric: Metric, goals: tuple[GoalProgress, ...], turns: tuple[Turn, ...]
) -> None:
    started = time.process_time()

    score = await metric.score(context(turns, goals))

    assert score.reason.strip()
    assert len(score.reason) < 300
    assert time.process_time() - started < 2.0, "a long answer must not stall the loop"
    if score.value is not None:
        assert math.isfinite(score.value)
        assert 0 <= score.value <= (math.inf if metric.upper is None else metric.upper)


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
async def test_nothing_said_is_unscored_and_never_zero(metric: Metric) -> None:
    score = await metric.score(context((), ()))

    assert score.value is None


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
async def test_the_same_conversation_always_scores_the_same(metric: Metric) -> None:
    example = context(CONVERSATIONS["ordinary"], GOALS["reached"])

    assert await metric.score(example) == await metric.score(example)


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_a_metric_says_what_it_measures(metric: Metric) -> None:
    assert metric.description.endswith(".")
    assert metric.better in {"higher", "lower"}


def test_every_file_of_the_folder_is_on_the_shelf() -> None:
    folder = Path(jobs.metrics.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}

    assert files == set(METRICS)


def test_the_guide_lists_every_metric_with_its_unit_and_no_other() -> None:
    guide = (Path(jobs.metrics.__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+) \| \S", guide, re.MULTILINE))

    assert listed == {metric.name: metric.unit for metric in METRICS.values()}
