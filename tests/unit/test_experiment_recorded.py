"""A/B tests at the terminal: played ones, those recorded by hand, and two runs compared."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import cli, run_cli
from jobs.errors import RequestError
from jobs.experiments.recorded import parse_sessions, session_from


@pytest.fixture(autouse=True)
def own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("CONVOTEST_", "SLACK_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVOTEST_DATABASE_URL", f"sqlite:///{tmp_path / 'convotest.db'}")


def call(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = run_cli(cli, list(args))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def sessions(n: int, *, warm_fails: bool = False) -> list[dict[str, Any]]:
    return [
        {
            "session_id": f"{kind}_{task}",
            "session_type": kind,
            "task_id": f"task_{task}",
            "message_count": 4 + task % 3,
            "tool_calls": 0 if kind == "cold" else 4,
            "successful_tool_calls": 0 if kind == "cold" else 3,
            "errors": 0 if kind == "cold" else 1,
            "completion_time_seconds": 30.0 + task + (5 if kind == "cold" else 0),
            "success": kind == "cold" or not warm_fails,
        }
        for task in range(n)
        for kind in ("warm", "cold")
    ]


def recorded(capsys: pytest.CaptureFixture[str], folder: Path, content: list[dict[str, Any]]) -> None:
    (folder / "sessions.json").write_text(json.dumps(content))
    assert call(capsys, "ab", "create", "warmth")[0] == 0
    assert call(capsys, "ab", "add-result", "warmth", "sessions.json")[0] == 0


def test_sessions_recorded_by_hand_get_the_same_statistics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(capsys, tmp_path, sessions(20, warm_fails=True))
    code, out, err = call(capsys, "ab", "analyze", "warmth", "--json")
    document = json.loads(out)

    assert (code, err) == (1, "")
    assert (document["a"]["variant"], document["b"]["variant"]) == ("cold", "warm")
    assert (document["design"], document["pairs"]) == ("paired", 20)
    assert document["metrics"]["success"]["verdict"] == "b_worse"
    assert document["metrics"]["completion_time_seconds"]["verdict"] == "b_better"
    assert json.loads(call(capsys, "ab", "show", "warmth", "--json")[1]) == document


def test_a_rate_without_calls_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(capsys, tmp_path, sessions(20))
    document = json.loads(call(capsys, "ab", "analyze", "warmth", "--json")[1])

    for name in ("error_rate", "tool_success_rate"):
        assert document["metrics"][name]["a"] is None
        assert document["metrics"][name]["verdict"] == "not_enough_data"


def test_the_same_session_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(capsys, tmp_path, sessions(3))
    code, out, _ = call(capsys, "ab", "add-result", "warmth", "sessions.json", "--json")

    assert (code, json.loads(out)["added"]) == (0, 0)


def test_one_session_can_be_given_as_options(capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "ab", "create", "prompts", "--a", "old", "--b", "new")
    options = ("--session-id", "s1", "--session-type", "new", "--task-id", "t1", "--failure", "--tool-calls", "2")

    assert call(capsys, "ab", "add-result", "prompts", *options)[:2] == (0, "1 added\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("create", "warmth"), "already"),
        (("create", "same", "--a", "x", "--b", "X"), "two different conditions"),
        (("add-result", "nobody", "--session-id", "s", "--session-type", "cold", "--task-id", "t"), "no A/B test"),
        (("add-result", "warmth", "--session-id", "s", "--session-type", "hot", "--task-id", "t"), "'cold' and 'warm'"),
        (("add-result", "warmth", "--session-id", "s"), "session_type: Field required"),
        (("add-result", "warmth", "nowhere.json"), "cannot read"),
        (("analyze", "nobody"), "no A/B test 'nobody'"),
        (("extend", "warmth"), "only a finished"),
        (("run", "pizza", "--a", "pizza@good", "--b", "pizza@faulty", "-n", "few"), "n=auto"),
    ],
)
def test_bad_input_is_told_in_one_line(args: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "ab", "create", "warmth")
    code, out, err = call(capsys, "ab", *args)

    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_deleted_test_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "ab", "create", "warmth")

    assert call(capsys, "ab", "delete", "warmth")[0] == 0
    assert json.loads(call(capsys, "ab", "list", "--json")[1]) == []


def test_json_may_be_an_object_a_list_or_lines() -> None:
    one: dict[str, Any] = {"session_id": "s1", "session_type": "cold", "task_id": "t1", "tool_calls": [{}, {}]}
    two = {**one, "session_id": "s2"}

    for text in (json.dumps([one, two]), f"{json.dumps(one)}\n{json.dumps(two)}\n"):
        assert [each.session_id for each in parse_sessions(text)] == ["s1", "s2"]
    assert parse_sessions(json.dumps(one, indent=2))[0].tool_calls == 2


@pytest.mark.parametrize("text", ["", "[1]", "nonsense", '{"session_id": ""}', '[{"session_id": "s", "errors": -1}]'])
def test_what_is_no_session_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        parse_sessions(text)


def test_the_duration_follows_from_the_times_where_both_are_known() -> None:
    fields = {"session_id": "s", "session_type": "cold", "task_id": "t", "start_time": "2026-01-01T10:00:00Z"}

    assert session_from({**fields, "end_time": "2026-01-01T10:00:30Z"}).end_time is not None
    with pytest.raises(RequestError, match="end_time"):
        session_from({**fields, "end_time": "later"})


def test_a_played_test_at_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """The real engine and helper process; its runs can be compared afterwards."""
    code, out, err = call(
        capsys, "ab", "run", "pizza", "--a", "pizza@good", "--b", "pizza@faulty", "-n", "10", "--seed", "7", "--json"
    )
    document = json.loads(out)
    runs = (document["a"]["runs"][0], document["b"]["runs"][0])

    assert (code, document["verdict"], document["decision"]) == (1, "b_worse", "REJECT")
    assert "10 pairs can show a difference" in err and "estimated cost" in err
    assert document["comparison"]["metrics"]["success"]["difference"] == -1.0
    assert call(capsys, "compare", *runs)[0] == 1
    assert call(capsys, "compare", *reversed(runs))[0] == 0
    assert call(capsys, "ab", "show")[0] == 0
    assert json.loads(call(capsys, "ab", "list", "--json")[1])[0]["state"] == "finished"
