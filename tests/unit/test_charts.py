"""The chart of a run: a picture of the promised size, whatever the run was like."""

import pickle
import struct
import sys
import threading
from dataclasses import replace
from typing import Any

import pytest

from jobs.charts import LIGHT, NO_FONT, WIDTH, Sheet, fit, run_chart, showable
from jobs.model import Tokens
from jobs.report.summary import Comparison, Costs, Group, RunSummary, Totals, response_times
from jobs.report.words import duration, percent
from jobs.stats import wilson_interval

NONE = Totals(conversations=0, passed=0, failed=0, inconclusive=0, skipped=0, void=0, errors=0, cancelled=0)


def summary(**counts: int) -> RunSummary:
    totals = replace(NONE, conversations=sum(counts.values()), **counts)
    return RunSummary(
        run_id="run-1",
        profile="pizza",
        suite=None,
        assistant="pizza",
        variant="good",
        simulator="agenda",
        seed=7,
        state="finished",
        planned=totals.conversations,
        duration_s=3.0,
        stamps={},
        notes=(),
        note=None,
        totals=totals,
        success=wilson_interval(totals.passed, totals.passed + totals.failed),
        metrics={},
        latency=response_times([float(time) for time in range(100, 100 + 10 * totals.conversations, 10)]),
        conversation_times=None,
        tokens=Tokens(),
        costs=Costs(total=0.0, simulator=0.0, assistant=0.0, other=0.0),
        by_tag={},
        confusion=None,
        failures=(),
        doubts=(),
        errors=(),
        comparison=None,
    )


def because(*reasons: str) -> tuple[Group, ...]:
    return tuple(Group(name=reason, numbers=(1, 2)) for reason in reasons)


NORMAL = summary(passed=17, failed=3)
COMPARED = Comparison(
    previous_run="run-0",
    previous_success=wilson_interval(12, 20),
    difference=None,
    change="no_difference_shown",
    sentence="no difference shown",
)
RUNS = {
    "normal": replace(NORMAL, failures=because("wrong size"), comparison=COMPARED),
    "all passed": summary(passed=20),
    "all failed": replace(summary(failed=20), failures=because("wrong size")),
    "one conversation": summary(passed=1),
    "nothing played": summary(),
    "cancelled": replace(NORMAL, planned=1000, state="cancelled"),
    "every outcome": summary(passed=9, failed=1, inconclusive=300, skipped=1, void=2, errors=4, cancelled=50),
    "no response times": replace(NORMAL, latency=None),
    "equal response times": replace(NORMAL, latency=response_times([0.0] * 30)),
    "long reasons": replace(NORMAL, failures=because("the size was wrong " * 40, "x" * 5000, "", "a\nb\tc\x00")),
    "other scripts": replace(
        NORMAL,
        profile="ピザ",
        failures=because("неверный размер", "サイズが違う", "حجم خاطئ", "גודל שגוי"),
        errors=because("🍕🍕 \ud800"),
    ),
    "markup": replace(NORMAL, profile="$\\frac{1}{$", failures=because("$x^2$ <b> & {} %s \\n")),
}


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("run", RUNS.values(), ids=list(RUNS))
def test_every_run_has_a_chart_that_a_phone_can_show(run: RunSummary, *, dark: bool) -> None:
    """Warnings are errors, so a glyph without a font would fail here."""
    width, height = size(run_chart(run, dark=dark))

    assert width == 1600
    assert 500 < height < 1700


def test_a_chart_shows_what_it_is_given() -> None:
    charts = {run_chart(run) for run in (NORMAL, RUNS["normal"], RUNS["all passed"], RUNS["all failed"])}

    assert len(charts) == 4


def test_a_chart_is_always_the_same_picture() -> None:
    assert run_chart(NORMAL) == run_chart(NORMAL)


def test_what_a_chart_needs_can_travel_to_the_helper_process() -> None:
    assert pickle.loads(pickle.dumps(NORMAL)) == NORMAL


def test_charts_keep_no_global_state() -> None:
    run_chart(NORMAL)

    assert "matplotlib.pyplot" not in sys.modules


def test_charts_can_be_drawn_in_two_threads() -> None:
    drawn: list[bytes] = []

    def draw() -> None:
        drawn.append(run_chart(NORMAL))

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert drawn == [run_chart(NORMAL)] * 2


def test_text_is_cut_to_the_width_it_has() -> None:
    sheet = Sheet(1.0, LIGHT)

    cut = fit(sheet, "the size was wrong " * 40, WIDTH, 14)

    assert cut.endswith("…")
    assert WIDTH * 0.95 < sheet.measure(cut, 14) <= WIDTH


def test_a_script_without_a_font_is_said_instead_of_drawn_as_boxes() -> None:
    assert showable("\U00013000\U00013001\U00013002") == NO_FONT
    assert showable("size\x00 \u202eof\n the pizza") == "size of the pizza"


@pytest.mark.parametrize(
    ("share", "words"), [(0.85, "85%"), (1.0, "100%"), (0.996, "99.6%"), (0.0, "0%"), (0.004, "0.4%"), (None, "–")]
)
def test_what_is_not_all_or_nothing_does_not_look_like_it(share: Any, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(85.2, "85 ms"), (999.6, "1.0 s"), (1234, "1.2 s"), (9960, "10 s"), (None, "–")]
)
def test_durations_are_short(milliseconds: Any, words: str) -> None:
    assert duration(milliseconds) == words
