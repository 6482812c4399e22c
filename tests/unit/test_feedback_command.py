"""The terminal's ``feedback`` and ``token``: what is printed, and which exit code says how it went."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jobs.at_terminal import parse_period
from jobs.cli import cli, run_cli
from jobs.errors import RequestError


@pytest.fixture(autouse=True)
def own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVOTEST_DATABASE_URL", f"sqlite:///{tmp_path / 'own.db'}")
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])


Capture = pytest.CaptureFixture[str]


def call(*args: str) -> int:
    return run_cli(cli, args)


def printed(capsys: Capture, *args: str) -> Any:
    capsys.readouterr()
    assert call(*args, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_added_is_reported(capsys: Capture) -> None:
    for number, rating in enumerate((5, 5, 4, 2, 1, 5)):
        assert (
            call("feedback", "add", "--conversation", f"c{number}", "--rating", str(rating), "--text", "Too slow") == 0
        )
    assert call("feedback", "add", "--thumb", "down", "--user", "ana") == 0
    capsys.readouterr()

    report = printed(capsys, "feedback", "report", "7d")
    assert (report["n"], report["enough"], report["csat"]["value"]) == (6, True, pytest.approx(4 / 6))
    assert report["nps"]["value"] == pytest.approx(100 / 6)
    assert report["thumbs"] == {"up": 0, "down": 1}
    assert {source: figures["n"] for source, figures in report["by_source"].items()} == {
        "live": 0,
        "run": 0,
        "api": 0,
        "cli": 6,
        "simulated": 0,
    }
    assert report["sentiment"]["positive"] == 4
    assert call("feedback", "report") == 0
    page = capsys.readouterr().out
    assert "6 ratings (early); thumbs: 0 up, 1 down" in page
    assert re.search(r"CSAT 67% gave 4 or 5 \(95 % interval \d+% to \d+%, n=6\)", page)
    assert "“Too slow”" in page


def test_under_five_ratings_the_page_has_counts_and_no_figures(capsys: Capture) -> None:
    assert call("feedback", "report") == 0
    assert "no ratings" in capsys.readouterr().out
    assert call("feedback", "add", "--rating", "5", "--text", "[red]x[/red]\x1b[31m") == 0
    assert call("feedback", "report") == 0
    page = capsys.readouterr().out
    assert "1 rating: not enough for a figure" in page
    assert "CSAT 1" not in page
    assert "[red]x[/red]" in page
    assert "\x1b" not in page


def test_an_empty_report_has_every_key_and_nothing_invented(capsys: Capture) -> None:
    report = printed(capsys, "feedback", "report")
    assert (report["n"], report["enough"], report["mean"], report["sentiment"]) == (0, False, None, None)
    assert (report["phrases"], report["themes"]) == ([], [])
    assert report["csat"] == {"value": None, "low": None, "high": None, "n": 0}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["feedback", "add", "--rating", "6"], "must be a whole number from 1 to 5, not 6"),
        (["feedback", "add", "--rating", "4.5"], "not '4.5'"),
        (["feedback", "add"], "says nothing"),
        (["feedback", "add", "--rating", "5", "--aspect", "price=3"], "aspects.price"),
        (
            ["feedback", "add", "--rating", "5", "--conversation", "01a1fba3-cf6f-7c9c-9710-fcda08a60927"],
            "no conversation",
        ),
        (["feedback", "report", "soon"], "no period"),
        (["feedback", "report", "7d", "--days", "7"], "not both"),
        (["feedback", "import", "nowhere.csv"], "cannot be read"),
        (["feedback", "keep", "nothing-of-ours"], "no conversation 'nothing-of-ours'"),
        (["feedback", "keep"], "--list"),
        (["token", "revoke", "helpdesk"], "no token named 'helpdesk'"),
        (["token", "create", "x", "--expires", "99999d"], "at most 3650 days"),
        (["token", "create", "x", "--per-minute", "0"], "not 0"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(args: list[str], said: str, capsys: Capture) -> None:
    assert call(*args) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), said in err) == ("", 1, True), err


def test_an_import_lists_bad_rows_and_takes_the_rest(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "r.csv").write_text("rating,who\n5,a\n7,b\n3,c\n")
    assert call("feedback", "import", "r.csv") == 2
    out, err = capsys.readouterr()
    assert out == "2 stored, 0 known before, 1 left out\n"
    assert "r.csv:3: rating: must be a whole number from 1 to 5, not 7" in err
    assert "no fields of feedback: who" in err
    assert call("feedback", "import", "r.csv", "--json") == 2
    again = json.loads(capsys.readouterr().out)
    assert (again["stored"], again["known"], [row["line"] for row in again["bad"]]) == (0, 2, [3])


def test_a_member_is_forgotten(capsys: Capture) -> None:
    call("feedback", "add", "--rating", "5", "--user", "ana", "--conversation", "c1")
    call("feedback", "add", "--rating", "1", "--user", "ben", "--conversation", "c1")
    capsys.readouterr()
    assert printed(capsys, "feedback", "forget", "ana") == {"ratings": 1, "examples": 0, "conversations": 0}
    assert printed(capsys, "feedback", "report")["mean"] == 1


def test_exchanges_of_a_conversation_are_kept_and_exported(tmp_path: Path, capsys: Capture) -> None:
    assert call("run", "pizza", "--assistant", "pizza@good", "-n", "1", "--seed", "7", "--json") in (0, 1)
    [conversation] = json.loads(capsys.readouterr().out)["conversations"]

    assert call("feedback", "add", "--conversation", conversation["id"][-8:], "--rating", "4") == 0
    assert printed(capsys, "feedback", "keep", conversation["id"][-8:], "--turn", "1", "--label", "good")
    assert call("feedback", "keep", conversation["id"]) == 0
    assert call("feedback", "keep", conversation["id"], "--turn", "99") == 2
    capsys.readouterr()
    assert call("feedback", "keep", "--list") == 0
    kept = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(kept) == sum(turn["speaker"] == "user" for turn in conversation["turns"])
    first = next(turn["text"] for turn in conversation["turns"] if turn["speaker"] == "user")
    assert (kept[0]["query"], kept[0]["labels"]) == (first, {"outcome": conversation["outcome"], "tags": ["good"]})
    assert set(kept[0]) >= {"context", "response", "tools_used", "latency_ms", "tokens", "cost_usd"}
    by_variant = printed(capsys, "feedback", "report", "--by", "variant")["by_variant"]
    assert by_variant["good"]["mean"] == 4


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(tmp_path: Path, capsys: Capture) -> None:
    assert call("token", "create", "helpdesk", "--expires", "90d") == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(r"cvt_[0-9a-f]{12}_[\w-]{43}\n", out)
    assert "not shown again" in err
    assert call("token", "create", "helpdesk") == 2
    secret = out.strip().rpartition("_")[2]

    [listed] = printed(capsys, "token", "list")
    assert (listed["name"], listed["state"], listed["scopes"], listed["workspace"]) == (
        "helpdesk",
        "usable",
        ["feedback"],
        "local",
    )
    assert call("token", "revoke", "helpdesk") == 0
    assert printed(capsys, "token", "list")[0]["state"] == "revoked"
    assert call("token", "list") == 0
    assert "revoked" in capsys.readouterr().out
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert secret.encode() not in files


def test_periods_are_read() -> None:
    assert [parse_period(text).total_seconds() / 3600 for text in ("12h", "7d", "2w")] == [12, 168, 336]
    for wrong in ("", "d", "7", "-7d", "0d", "7m", "٧d", "999999d"):
        with pytest.raises(RequestError, match="no period"):
            parse_period(wrong)


def test_help_shows_every_verb() -> None:
    page = CliRunner().invoke(cli, ["feedback", "--help"]).output
    assert re.findall(r"^  (\w+) ", page.partition("Commands:")[2], re.MULTILINE) == [
        "add",
        "forget",
        "import",
        "keep",
        "report",
    ]
