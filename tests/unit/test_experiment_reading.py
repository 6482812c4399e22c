"""Files of results: every dialect a spreadsheet writes, and what no table is."""

import csv
import io
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.errors import RequestError
from jobs.experiments import reading
from jobs.experiments.analysis import analyze
from jobs.experiments.as_json import to_json
from jobs.experiments.reading import load_results
from jobs.experiments.results import Results

HEADER = "scenario,seed,variant,success,score,latency_ms,cost_usd"
ROWS = ["s1,7,old,1,4.5,900,0.01", "s1,7,new,0,3.5,800,0.02", "s2,8,old,1,,,", "s2,8,new,1,5,700,0.01"]


def loaded(folder: Path, content: str | bytes, *, only: tuple[str, ...] = ()) -> Results:
    path = folder / "results"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_results(path, only=only)


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def assert_is_the_example(found: Results) -> None:
    assert found.variants == ("old", "new")
    assert found.variant.tolist() == [0, 1, 0, 1]
    assert found.meeting.tolist() == [0, 0, 1, 1]
    assert found.scenario.tolist() == [0, 0, 1, 1]
    assert list(found.metrics) == ["success", "score", "latency_ms", "cost_usd"]
    np.testing.assert_array_equal(found.metrics["score"], [4.5, 3.5, np.nan, 5.0])
    np.testing.assert_array_equal(found.metrics["success"], [1, 0, 1, 1])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_found_out(tmp_path: Path, delimiter: str, line_end: str) -> None:
    assert_is_the_example(loaded(tmp_path, table(*ROWS).replace(",", delimiter).replace("\n", line_end)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_found_out(tmp_path: Path, encoding: str) -> None:
    rows = [row.replace("old", "größer") for row in ROWS]

    assert loaded(tmp_path, table(*rows).encode(encoding)).variants == ("größer", "new")


def test_a_json_list_is_the_same_as_a_table(tmp_path: Path) -> None:
    names = HEADER.split(",")
    objects = [dict(zip(names, row.split(","), strict=True)) for row in ROWS]
    objects = [{**each, "seed": int(each["seed"]), "success": each["success"] == "1"} for each in objects]

    assert_is_the_example(loaded(tmp_path, json.dumps(objects)))
    assert_is_the_example(loaded(tmp_path, "\ufeff " + json.dumps(objects)))


def test_decimal_commas_are_numbers_where_commas_do_not_divide_cells(tmp_path: Path) -> None:
    found = loaded(tmp_path, "seed;variant;score\n1;a;4,5\n1;b;3\n")

    assert found.metrics["score"].tolist() == [4.5, 3]


def test_excels_first_line_is_no_header(tmp_path: Path) -> None:
    assert_is_the_example(loaded(tmp_path, "sep=;\n" + table(*ROWS).replace(",", ";")))


@pytest.mark.parametrize(
    ("cell", "value"),
    [("true", 1), ("FALSE", 0), ("passed", 1), ("no", 0), (" 1 ", 1), ("", None), ("NaN", None), ("n/a", None)],
)
def test_words_for_success_and_for_nothing(tmp_path: Path, cell: str, value: float | None) -> None:
    found = loaded(tmp_path, f"seed,variant,success\n1,a,{cell}\n1,b,1\n").metrics["success"][0]

    assert np.isnan(found) if value is None else found == value


@pytest.mark.parametrize("cell", ["inf", "-1e400", "1e31", "fast", '"=cmd|calc!A1"', "12 ms"])
def test_what_is_no_number_counts_as_missing_and_is_told(tmp_path: Path, cell: str) -> None:
    found = loaded(tmp_path, f"seed,variant,score\n1,a,{cell}\n1,b,1\n")

    assert np.isnan(found.metrics["score"][0])
    assert found.notes == ("1 values of score are no numbers and count as missing",)


def test_further_columns_of_numbers_are_metrics_and_text_is_not(tmp_path: Path) -> None:
    header = "run_id,variant,seed,warmth,outcome,repeat"
    found = loaded(tmp_path, table("1,a,1,3,12,1", "2,b,1,4,passed,1", "3,a,2,5,failed,1", header=header))

    assert list(found.metrics) == ["warmth"]
    assert found.notes == ("columns that hold no numbers were not compared: outcome",)


def test_long_columns_of_text_are_given_up_early(tmp_path: Path) -> None:
    rows = [f"a,{i},text {i}" for i in range(500)]

    assert list(loaded(tmp_path, table(*rows, header="variant,score,comment")).metrics) == ["score"]


def test_only_the_named_metrics_are_read(tmp_path: Path) -> None:
    assert list(loaded(tmp_path, table(*ROWS), only=("cost_usd",)).metrics) == ["cost_usd"]
    with pytest.raises(RequestError, match="no column named 'costs'"):
        loaded(tmp_path, table(*ROWS), only=("costs",))


def test_short_rows_are_filled_and_long_ones_left_out(tmp_path: Path) -> None:
    found = loaded(tmp_path, table("s1,7,old", "s1,7,new,1,2,3,4,5", "", ",,,,,,", "s1,8,new,1,,,,"))

    assert found.variants == ("old", "new")
    assert found.notes == ("1 rows have more cells than the header and were left out",)


def test_rows_without_a_variant_are_left_out_and_told(tmp_path: Path) -> None:
    assert loaded(tmp_path, table("s1,7,,1,,,", *ROWS)).notes == ("1 rows name no variant and were left out",)


def test_without_a_scenario_each_seed_is_one_and_without_either_each_row(tmp_path: Path) -> None:
    seeds = loaded(tmp_path, table("1,a,1", "2,a,1", "1,b,1", header="seed,variant,score"))
    rows = loaded(tmp_path, table("a,1", "a,1", "b,1", header="variant,score"))

    assert seeds.scenario.tolist() == seeds.meeting.tolist() == [0, 1, 0]
    assert rows.scenario.tolist() == rows.meeting.tolist() == [0, 1, 2]


def test_the_same_seed_in_another_scenario_is_another_meeting(tmp_path: Path) -> None:
    found = loaded(tmp_path, table("s1,7,a,1", "s2,7,a,1", "s1,7,b,1", header="scenario,seed,variant,score"))

    assert found.meeting.tolist() == found.scenario.tolist() == [0, 1, 0]


def test_repeats_are_told_apart_by_their_column(tmp_path: Path) -> None:
    header = "scenario,seed,repeat,variant,score"
    found = loaded(tmp_path, table("s1,7,1,a,1", "s1,7,2,a,1", "s1,7,1,b,1", header=header))

    assert (found.meeting.tolist(), found.scenario.tolist()) == ([0, 1, 0], [0, 0, 0])


def test_one_variant_that_met_everybody_twice_is_an_aa_test(tmp_path: Path) -> None:
    found = loaded(tmp_path, table(*(f"s{i % 3},7,old,1,,,," for i in range(6))))

    assert found.is_aa
    assert found.variants == ("old", "old")
    assert found.variant.tolist() == [0, 0, 0, 1, 1, 1]


def test_one_variant_that_met_everybody_once_is_one_arm(tmp_path: Path) -> None:
    found = loaded(tmp_path, table(*(f"s{i},7,old,1,,,," for i in range(6))))

    assert not found.is_aa
    assert found.variants == ("old",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("scenario,seed,success\n1,2,3\n", "no column 'variant'"),
        ("variant,seed\na,1\n", "no column to compare"),
        ("variant,score,Score\na,1,2\n", "'score' appears more than once"),
        ("[1, 2]", "list of objects"),
        ('{"variant": "a"}', "list of objects"),
        ("[{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        (b"PK\x03\x04rest", "workbook or an archive"),
        (b"\x00\x01\x02" * 100, "no column 'variant'"),
        ('variant,score\n"' + "x" * 200_000, "not a readable CSV file"),
        (",".join(f"c{i}" for i in range(2000)), "2,000 columns"),
        ("variant,score\n" + "".join(f"v{i},1\n" for i in range(50)), "more than 20 different variants"),
    ],
)
def test_what_is_no_table_of_results_is_refused_with_a_reason(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        loaded(tmp_path, content)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"cannot read .*No such file"):
        load_results(tmp_path / "missing.csv")
    with pytest.raises(RequestError, match=r"cannot read .*directory"):
        load_results(tmp_path)


def test_a_gigantic_line_is_refused_without_reading_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 10_000)
    path = tmp_path / "results.csv"
    path.write_text("variant,score," + "x" * 50_000_000)
    tracemalloc.start()

    with pytest.raises(RequestError, match="longer than 10,000 characters"):
        load_results(path)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_more_results_than_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 3)

    with pytest.raises(RequestError, match="more than 3 results"):
        loaded(tmp_path, table(*ROWS))


def test_a_large_json_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_JSON", 1 << 20)

    with pytest.raises(RequestError, match="1 MB"):
        loaded(tmp_path, "[" + " " * (1 << 20) + "]")


# --- whatever a file holds ------------------------------------------------------------------------------------------

NASTY = ["", "nan", "inf", "0", "1", "-1", "1e29", "1e99", "1e-320", "1e-29", "yes", "no", "=1+1", "a,b", '"', "\x00"]
CELLS = st.one_of(st.sampled_from(NASTY), st.sampled_from("01"), st.floats(0.001, 1000).map(str))
PAIRS = st.lists(st.tuples(*[st.tuples(*[CELLS] * 5)] * 2), max_size=40)


@given(PAIRS, st.integers(1, 40), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_cells_hold_the_answer_is_a_document_without_warnings(
    tmp_path: Path, pairs: list[tuple[tuple[str, ...], ...]], scenarios: int, paired: bool
) -> None:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([*HEADER.split(","), "warmth"])
    for place, pair in enumerate(pairs):
        for arm, cells in zip("ab", pair, strict=True):
            rows.writerow([place % scenarios, place if paired else f"{arm}{place}", arm, *cells])

    document = to_json(analyze(loaded(tmp_path, text.getvalue())))

    assert json.loads(json.dumps(document, allow_nan=False))["recommendation"]


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_are_the_answer_is_results_or_a_reason(tmp_path: Path, content: bytes) -> None:
    for start in (b"", b"variant,score\n"):
        try:
            found = loaded(tmp_path, start + content)
        except RequestError as error:
            assert str(error)
        else:
            assert analyze(found)
