"""``convotest ab analyze``: what is printed where, and which exit code says how it went."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import cli, run_cli

HEADER = "scenario,seed,variant,success,score,latency_ms,cost_usd"
KEYS = {"design", "pairs", "a", "b", "metrics", "recommendation"}
METRIC_KEYS = {"test", "a", "b", "difference", "low", "high", "p", "p_adjusted", "verdict", "needs_n"}


def write(path: Path, *, a: float, b: float, n: int = 60, names: tuple[str, ...] = ("pizza@good", "pizza@new")) -> Path:
    rng, rows = random.Random(2), [HEADER]
    for i in range(n):
        for name, rate in zip(names, (a, b), strict=True):
            time, cost = rng.lognormvariate(6.5, 0.2), rng.lognormvariate(-5, 0.3)
            rows.append(f"s{i},{i},{name},{int(rng.random() < rate)},{rng.choice((3, 4, 5))},{time},{cost}")
    path.write_text("\n".join(rows) + "\n")
    return path


def analyze(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    code = run_cli(cli, ["ab", "analyze", str(path), "--json", *options])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, json.loads(captured.out)


@pytest.mark.parametrize(
    ("a", "b", "n", "code", "verdict"),
    [
        (0.5, 0.95, 60, 0, "b_better"),
        (0.95, 0.5, 60, 1, "b_worse"),
        (0.8, 0.8, 60, 4, "no_difference_shown"),
        (0.0, 1.0, 9, 4, "not_enough_data"),
    ],
)
def test_the_exit_code_is_the_verdict_on_success(
    a: float, b: float, n: int, code: int, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, document = analyze(write(tmp_path / "r.csv", a=a, b=b, n=n), capsys)

    assert found == code
    assert document["metrics"]["success"]["verdict"] == verdict


def test_the_document_has_every_key_whatever_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, full = analyze(write(tmp_path / "full.csv", a=0.5, b=0.9), capsys)
    (tmp_path / "empty.csv").write_text(HEADER + "\n")
    code, empty = analyze(tmp_path / "empty.csv", capsys)

    for document in (full, empty):
        assert document.keys() >= KEYS
        assert list(document["metrics"]) == ["success", "score", "latency_ms", "cost_usd"]
        assert all(each.keys() >= METRIC_KEYS for each in document["metrics"].values())
    assert (full["design"], full["pairs"]) == ("paired", 60)
    assert (full["a"], full["b"]) == ({"variant": "pizza@good", "n": 60}, {"variant": "pizza@new", "n": 60})
    assert {name: each["test"] for name, each in full["metrics"].items()} == {
        "success": "mcnemar_midp",
        "score": "permutation",
        "latency_ms": "log_t",
        "cost_usd": "bca_ratio",
    }
    assert code == 4
    assert empty["a"] == {"variant": None, "n": 0}
    assert empty["metrics"]["success"]["p"] is None
    assert empty["recommendation"] == "No answer: there are no results."


def test_the_table_holds_the_advice_the_interval_and_the_adjusted_p(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_cli(cli, ["ab", "analyze", str(write(tmp_path / "r.csv", a=0.5, b=0.95))])
    shown = capsys.readouterr().out

    assert code == 0
    assert "Take pizza@new: success is" in shown
    assert "95% interval" in shown
    assert "p adjusted" in shown
    assert "success: McNemar mid-p" in shown


def test_a_third_variant_stands_below_the_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "r.csv", a=0.5, b=0.5)
    third = [line.replace("pizza@good", "pizza@third") for line in path.read_text().splitlines() if "good" in line]
    path.write_text(path.read_text() + "\n".join(third))

    _, document = analyze(path, capsys)
    run_cli(cli, ["ab", "analyze", str(path)])

    assert [each["b"]["variant"] for each in document["others"]] == ["pizza@third"]
    assert "B pizza@third (60 results)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([f"s{i},1,old,1,,," for i in range(30)], "all results are of old"),
        ([f"s{i},1,{v},,,," for i in range(30) for v in ("old", "new")], "every value is missing"),
        (["s1,1,old,1,,,", "s1,1,new,0,,,"], "only 1 complete pair with success; at least 10 are needed"),
        ([f"s{i},1,{v},1,3,9,0" for i in range(30) for v in ("old", "new")], "success is the same in both, 100%"),
        ([f"s,{i},{v},1,3,9,0" for i in range(30) for v in ("old", "new")], "come from 1 scenario"),
        ([f"s{i},1,old,{k},,," for i in range(30) for k in (0, 1)], "An A/A test: old was compared with itself"),
        ([f"s{i},1,{v},NaN,x,inf,-1" for i in range(30) for v in ("old", "new")], "every value is missing"),
        ([f",,{v},1,,," for v in ["old"] * 30 + ["new"] * 5], "one variant has only 5 results with success"),
    ],
)
def test_what_cannot_be_said_is_said(
    rows: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.csv"
    path.write_text("\n".join([HEADER, *rows]))

    code, document = analyze(path, capsys)

    if "A/A" not in said:
        assert code == 4
    assert said in document["recommendation"]


def test_duplicates_are_averaged_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "r.csv", a=0.3, b=1.0)
    path.write_text(path.read_text() + "s0,0,pizza@good,1,3,900,0.01\n")

    _, document = analyze(path, capsys)

    assert document["pairs"] == 60
    assert document["notes"] == ["1 results repeat a scenario and seed of their variant; they were averaged"]


def test_text_from_the_file_cannot_dress_up_the_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "=cmd|'/C calc'!A1[bold red]\x1b[31m\u202e"
    path = write(tmp_path / "r.csv", a=0.5, b=0.95, names=(hostile, "new"))

    _, document = analyze(path, capsys)
    run_cli(cli, ["ab", "analyze", str(path)])
    shown = capsys.readouterr().out

    assert document["a"]["variant"] == hostile
    assert "[bold red]" in shown
    assert "\x1b" not in shown + document["recommendation"]
    assert "\u202e" not in shown + document["recommendation"]


@pytest.mark.parametrize("arguments", [["missing.csv"], ["."], [], ["r.csv", "--metric", "nothing"]])
def test_bad_input_is_one_line_on_stderr(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "r.csv", a=0.5, b=0.5)

    code = run_cli(cli, ["ab", "analyze", *arguments])

    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert len(captured.err.splitlines()) == 1


def test_chosen_metrics_are_the_only_ones_adjusted_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "r.csv", a=0.5, b=0.8)

    _, document = analyze(path, capsys, "--metric", "success")

    success = document["metrics"]["success"]
    assert list(document["metrics"]) == ["success"]
    assert success["p_adjusted"] == success["p"]


def test_help_needs_no_numbers() -> None:
    script = "import sys; from jobs.cli import cli; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()

    assert not {"numpy", "scipy", "statsmodels", "pandas", "rich"} & set(loaded)
