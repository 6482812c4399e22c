"""The terminal as a script uses it: exit codes, JSON, and several processes on one database."""

import asyncio
import csv
import io
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import LocalWorkspace
from tests.e2e.process import Bot, BotDied, Home, convotest, make_home, serving


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


async def test_a_good_assistant_exits_with_0_and_the_whole_report_on_stdout(home: Home) -> None:
    ended = await convotest(home, "run", "pizza", "-n", "4", "--seed", "7", "--json")

    report: dict[str, Any] = ended.json
    assert ended.code == 0
    assert report["totals"] == {
        "conversations": 4, "passed": 4, "failed": 0, "inconclusive": 0, "skipped": 0, "void": 0, "errors": 0,
        "cancelled": 0,
    }  # fmt: skip
    assert [each["number"] for each in report["conversations"]] == [1, 2, 3, 4]
    assert report["simulator"] == "agenda" and report["seed"] == 7


async def test_a_faulty_assistant_exits_with_1_and_the_planted_reasons(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "result.csv"

    ended = await convotest(
        home, "run", "pizza", "--assistant", "pizza@faulty", "-n", "4", "--seed", "7", "--json", "--csv", str(file)
    )
    listed, shown = await asyncio.gather(convotest(home, "runs", "--json"), convotest(home, "show", "last", "--json"))

    reasons = {reason for each in ended.json["conversations"] for reason in each["reasons"]}
    assert ended.code == 1
    assert {
        "the confirmed order left out the drink",
        "the price changed between quote and bill",
        "no answer to: how long it takes until the order is ready",
    } <= reasons
    assert len(list(csv.DictReader(io.StringIO(file.read_text())))) == 4
    assert listed.code == 0 and [each["run"] for each in listed.json] == [ended.json["run"]]
    assert shown.code == 0 and shown.json == ended.json


async def test_unknown_names_and_broken_files_exit_with_2_and_say_what_would_do(home: Home) -> None:
    broken = home.directory / "profiles" / "broken.yaml"
    broken.write_text("test_name: broken\nuser:\n  goals: [a {{size}} pizza]\n")

    unknown, bad_number, checked = await asyncio.gather(
        convotest(home, "run", "piza"), convotest(home, "run", "pizza", "-n", "0"), convotest(home, "check", "--json")
    )

    [bad] = [each for each in checked.json if not each["ok"]]
    assert unknown.code == bad_number.code == checked.code == 2
    assert "'pizza'" in unknown.stderr and "Traceback" not in unknown.stderr
    assert bad["path"].endswith("broken.yaml") and bad["problems"][0]["line"] >= 1 and bad["problems"][0]["fix"]


async def test_missing_slack_settings_exit_with_3(home: Home) -> None:
    ended = await convotest(home, "serve")

    assert ended.code == 3
    assert "SLACK_BOT_TOKEN" in ended.stderr


async def test_beside_a_serving_bot_a_second_one_gives_way_and_the_other_verbs_work(home: Home) -> None:
    async with LocalWorkspace() as workspace, serving(home, workspace):
        second = Bot(home, workspace)
        with pytest.raises(BotDied, match="another convotest process"):
            await second.start()
        handed_over, listed = await asyncio.gather(
            convotest(home, "run", "pizza", "-n", "3", "--seed", "7", "--json"), convotest(home, "runs", "--json")
        )

        assert await second.stop() == 3
        assert handed_over.code == 0 and handed_over.json["totals"]["passed"] == 3
        assert listed.code == 0
