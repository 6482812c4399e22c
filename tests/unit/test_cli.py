"""The terminal: what is printed where, and which exit code says how it went."""

import json
import logging
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import cli
from jobs.cli import ORDER, Services, run_cli
from jobs.settings import Settings, shipped_profiles

CONVOTEST = [sys.executable, "-m", "bot"]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, engine = logging.getLogger(), logging.getLogger("dbos")
    before = root.handlers[:], root.level, engine.handlers[:], engine.propagate
    yield
    root.handlers[:], engine.handlers[:] = before[0], before[2]
    root.setLevel(before[1])
    engine.propagate = before[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with the shipped profiles, in which the pizza shop answers at once."""
    folder = tmp_path_factory.mktemp("work")
    shutil.copytree(shipped_profiles(), folder / "profiles")
    catalogue = folder / "profiles" / "assistants.yaml"
    catalogue.write_text(re.sub(r"latency_ms: \d+", "latency_ms: 0", catalogue.read_text()))
    slow = re.sub(r"latency_ms: \d+", "latency_ms: 100", catalogue.read_text())
    (folder / "slow").mkdir()
    shutil.copytree(folder / "profiles", folder / "slow" / "profiles")
    (folder / "slow" / "profiles" / "assistants.yaml").write_text(slow)
    return folder


@pytest.fixture(autouse=True)
def in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(folder)


def call(*args: str) -> int:
    return run_cli(cli, args)


def environment() -> dict[str, str]:
    """As that of a user who installed convotest and set nothing."""
    own = {name.upper() for name in Settings.model_fields}
    path = str(Path(__file__).parents[2])
    return {name: value for name, value in os.environ.items() if name not in own} | {"PYTHONPATH": path}


@pytest.fixture(scope="module")
def played(folder: Path) -> tuple["subprocess.CompletedProcess[str]", Path]:
    """A run of the faulty pizza shop, in a process of its own."""
    files = folder / "files"
    files.mkdir()
    options = ["--assistant", "pizza@faulty", "-n", "3", "--seed", "7", "--json"]
    for kind, name in (("csv", "r.csv"), ("junit", "r.xml"), ("html", "r.html")):
        options += [f"--{kind}", str(files / name)]
    command = [*CONVOTEST, "run", "pizza", *options]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    return done, files


Played = tuple["subprocess.CompletedProcess[str]", Path]


def test_a_failing_assistant_is_exit_code_1_and_one_json_document(played: Played) -> None:
    done, _ = played
    assert (done.returncode, done.stderr) == (1, "")
    report = json.loads(done.stdout)
    assert report["totals"]["failed"] == 3
    assert (report["seed"], report["assistant"]) == (7, {"name": "pizza", "variant": "faulty"})
    assert all(each["reasons"] for each in report["conversations"])


def test_the_report_is_written_to_the_files_that_were_asked_for(played: Played) -> None:
    _, files = played
    assert (files / "r.csv").read_text("utf-8-sig").count("\n") >= 4
    assert "<testsuite" in (files / "r.xml").read_text()
    assert "<html" in (files / "r.html").read_text()


def test_a_run_can_be_listed_and_shown_again(played: Played, capsys: pytest.CaptureFixture[str]) -> None:
    run = json.loads(played[0].stdout)["run"]
    assert call("runs", "--json") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["run"], listed["state"], listed["planned"]) == (run, "finished", 3)
    assert call("show", run[-8:], "--json") == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert shown == json.loads(played[0].stdout)


@pytest.mark.usefixtures("played")
def test_a_run_is_shown_as_a_page_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show") == 0
    page = capsys.readouterr().out
    assert "failed: 3 failed of 3 played; success 0%" in page
    assert re.search(r"3 × .+\(#1, #2, #3\)", page)
    assert "\x1b" not in page  # stdout is no terminal
    assert call("runs") == 0
    assert "pizza@faulty" in capsys.readouterr().out


@pytest.mark.usefixtures("played")
def test_one_conversation_is_shown_as_a_transcript(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", "last", "-c", "2") == 0
    assert capsys.readouterr().out.startswith("Conversation 2/3: failed")
    assert call("show", "last", "-c", "9") == 2


@pytest.mark.usefixtures("played")
def test_cancelling_a_finished_run_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("cancel", "last", "--json") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "finished"


def test_ctrl_c_keeps_what_is_finished_and_the_bar_shows_it(folder: Path) -> None:
    terminal, stderr = pty.openpty()
    command = [*CONVOTEST, "run", "pizza", "-n", "400", "--json"]
    with subprocess.Popen(
        command, cwd=folder / "slow", env=environment(), stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as process:
        os.close(stderr)
        seen = ""
        while not re.search(r"\b[1-9]\d*/400", seen):
            seen += os.read(terminal, 4096).decode(errors="replace")
        process.send_signal(signal.SIGINT)
        out, code = _drained(terminal, process)
    assert code == 130
    totals = json.loads(out)["totals"]
    assert totals["passed"] >= 1
    assert totals["cancelled"] >= 1
    assert totals["conversations"] == 400


def _drained(terminal: int, process: "subprocess.Popen[str]") -> tuple[str, int]:
    """What the process prints until it ends, while somebody reads its terminal."""
    assert process.stdout is not None
    out = process.stdout.read()
    code = process.wait()
    os.close(terminal)
    return out, code


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["rnu"], "no command named 'rnu'; did you mean 'run'?"),
        (["run", "pizza", "--sed", "1"], "'--seed'"),
        (["run", "piza"], "no profile named 'piza'; did you mean 'pizza'?"),
        (["run", "pizza", "--assistant", "piza"], "no assistant named 'piza'; did you mean 'pizza'?"),
        (["run", "pizza", "--assistant", "pizza@fualty"], "did you mean 'faulty'?"),
        (["run", "pizza", "-n", "abc"], "'abc' is not a valid integer"),
        (["run", "pizza", "-n", "0"], "0 is not in the range"),
        (["run", "pizza", "--csv", "nowhere/x.csv"], "there is no folder 'nowhere'"),
        (["run"], "Missing argument 'TARGET'"),
        (["show", "zzzzzzzz"], "zzzzzzzz"),
        (["assistants", "sow"], "did you mean 'show'?"),
        (["manifest", "--url", "http://x"], "Slack cannot call 'http://x'"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_2(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*args) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert printed.err.startswith("convotest: ")
    assert printed.err.count("\n") == 1


def test_what_is_missing_is_exit_code_3_and_shows_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVOTEST_DATABASE_URL", "postgresql://bot:hunter2@127.0.0.1:1/x")
    assert call("runs") == 3
    assert "hunter2" not in capsys.readouterr().err
    monkeypatch.setenv("CONVOTEST_PORT", "hunter2")
    assert call("runs") == 3
    assert "CONVOTEST_PORT" in capsys.readouterr().err


def test_an_error_has_a_traceback_only_on_demand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVOTEST_LOG_LEVEL", "debug")
    assert call("show", "zzzzzzzz") == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_is_told_in_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Settings:
        raise ZeroDivisionError("token=abcdef123456\nsecond line")

    monkeypatch.setattr("jobs.settings.load_settings", broken)
    monkeypatch.setattr("jobs.cli._is_debugging", lambda: False)
    assert call("runs") == 3
    assert capsys.readouterr().err == (
        "convotest: unexpected ZeroDivisionError: token=[redacted] (CONVOTEST_LOG_LEVEL=DEBUG shows where)\n"
    )


def test_help_lists_every_command_and_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--help") == 0
    page = capsys.readouterr().out
    assert re.findall(r"^  (\w+) ", page.partition("Commands:")[2], re.MULTILINE) == ORDER
    assert "…" not in page
    assert "..." not in page.partition("Commands:")[2]
    assert "convotest run pizza --assistant pizza@faulty -n 20 --seed 7" in page
    assert call() == 0
    assert capsys.readouterr().out == page
    assert call("run", "--help") == 0
    assert "Examples:" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    script = "import sys; from bot.__main__ import cli; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    heavy = {"pydantic", "sqlalchemy", "rich", "slack_sdk", "slack_bolt", "dbos", "scipy", "aiohttp", "yaml"}
    assert heavy & set(done.stdout.split()) == set()


def test_the_shipped_files_are_fine_and_a_broken_one_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", "--json") == 0
    checks = json.loads(capsys.readouterr().out)
    assert {"profile", "assistants", "personality"} <= {each["kind"] for each in checks}
    broken = tmp_path / "assistants.yaml"
    broken.write_text("assistants: {a: {connector: dmeo, variants: {v: {}}}}")
    assert call("check", str(broken)) == 2
    printed = capsys.readouterr().out
    assert f"{broken}:1:18: assistants.a.connector: no connector named 'dmeo'; did you mean 'demo'?" in printed
    assert call("check", str(broken), "--json") == 2
    (problem,) = json.loads(capsys.readouterr().out)[0]["problems"]
    assert (problem["line"], problem["column"], problem["field"]) == (1, 18, "assistants.a.connector")


def test_a_variant_that_its_connector_refuses_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "assistants.yaml"
    file.write_text("assistants: {a: {connector: demo, variants: {v: {shop: nowhere.yaml}}}}")
    assert call("check", str(file)) == 2
    assert "assistants.a.variants.v" in capsys.readouterr().out


def test_assistants_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("assistants", "list") == 0
    assert capsys.readouterr().out.splitlines()[0] == "pizza@good (default), also faulty"
    assert call("assistants", "list", "--json") == 0
    pizza, *_ = json.loads(capsys.readouterr().out)
    assert (pizza["name"], pizza["default"], sorted(pizza["variants"])) == ("pizza", "good", ["faulty", "good"])
    assert call("assistants", "show", "pizza@faulty", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown["variants"]) == ["faulty"]
    assert shown["source"].endswith("assistants.yaml")
    assert call("assistants", "show", "pizza") == 0
    assert "connector: demo" in capsys.readouterr().out


def test_the_doctor_prints_a_line_for_each_thing_and_its_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "hunter2")
    monkeypatch.setenv("CONVOTEST_PORT", "0")
    assert call("doctor") == 3
    page = capsys.readouterr().out
    assert re.search(r"^problem  SLACK_BOT_TOKEN .*\n +→ api\.slack\.com/apps", page, re.MULTILINE)
    assert "hunter2" not in page
    assert call("doctor", "--json") == 3
    assert {"subject", "status", "message", "fix"} == set(json.loads(capsys.readouterr().out)[0])


def test_the_doctor_asks_slack_through_what_the_edge_offers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def identity(token: str, api_url: str) -> str:
        return f"known at {api_url}"

    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1234567890-abcdef")
    monkeypatch.setenv("CONVOTEST_PORT", "0")
    assert run_cli(cli, ["doctor"], services=Services(slack_identity=identity)) == 0
    assert "known at https://slack.com/api/" in capsys.readouterr().out


def test_the_database_can_be_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVOTEST_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    assert call("db", "upgrade") == 0
    assert "is up to date" in capsys.readouterr().out
    assert (tmp_path / "new.db").exists()


def test_the_manifest_is_yaml_or_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("manifest") == 0
    assert "socket_mode_enabled: true" in capsys.readouterr().out
    monkeypatch.setenv("CONVOTEST_PUBLIC_URL", "https://bot.example.com")
    assert call("manifest", "--json") == 0
    assert json.loads(capsys.readouterr().out)["settings"]["socket_mode_enabled"] is False


def test_output_that_nobody_reads_is_no_error(folder: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [*CONVOTEST, "check"], cwd=folder, env=environment(), stdout=write_end, stderr=subprocess.PIPE, check=False
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, b"")
