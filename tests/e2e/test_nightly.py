"""Suites beside their baselines as scripts and installations use them: real processes, one or several of them."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import LocalWorkspace
from tests.e2e.process import Bot, Home, convotest, make_home, serving

TEAM, QUALITY = "T0LOCAL", "C0QUALITY"
SMALL = """
suite: small
profiles: [{profile: pizza-shop/pizza, n: 8, category: functional}]
cases:
  - {name: drinks-are-kept, category: regression, input: "A small pizza with onions and 2 cans of cola, please.",
     expected_patterns: [2 cans of cola]}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return _with_suite(make_home(tmp_path))


def _with_suite(home: Home) -> Home:
    (home.directory / "profiles" / "suites" / "small.yaml").write_text(SMALL)
    return home


async def test_a_script_learns_from_the_exit_code_whether_something_got_worse(home: Home) -> None:
    without = await convotest(home, "regress", "small", "--json")
    assert without.code == 4 and without.json["summary"]["open_reasons"]

    pinned = await convotest(home, "baseline", "set", "small", "--json")
    same = await convotest(home, "regress", "small", "--json")
    worse = await convotest(home, "regress", "small", "--assistant", "pizza@faulty", "--json")

    assert pinned.json["run"] == without.json["run"] == same.json["baseline"]["run"]
    assert same.code in (0, 4) and same.json["verdict"] != "REJECT" and same.json["summary"]["regressed"] == []
    document: dict[str, Any] = worse.json
    assert worse.code == 1 and (document["verdict"], document["severity"]) == ("REJECT", "high")
    case = next(each for each in document["summary"]["regressed"] if each["name"] == "drinks-are-kept")
    assert case["severity"] == "high" and case["n"] == 5
    assert document["summary"]["changes"] == ["the variant of pizza: good → faulty"]


async def test_schedules_are_kept_by_the_terminal(home: Home) -> None:
    added = await convotest(home, "schedule", "add", "nightly", "suite=small", "--at", "02:00", "--tz", "Europe/Berlin")
    paused = await convotest(home, "schedule", "pause", "small", "--json")
    listed = await convotest(home, "schedule", "list", "--json")

    assert added.code == 0 and "every day at 02:00 (Europe/Berlin)" in added.stdout
    assert paused.json == {"schedule": "nightly-small", "changed": True}
    [entry] = listed.json
    assert (entry["state"], entry["next_due"], entry["last"]) == ("paused", None, None)


@pytest.fixture
async def workspace() -> AsyncGenerator[LocalWorkspace]:
    async with LocalWorkspace() as opened:
        yield opened


@pytest.mark.postgres
async def test_three_replicas_play_one_night_and_show_it_once(
    workspace: LocalWorkspace, tmp_path: Path, postgres_url: str
) -> None:
    home = _with_suite(make_home(tmp_path, database_url=postgres_url))
    place = ("--workspace", TEAM, "--channel", QUALITY)
    async with AsyncExitStack() as stack:
        bots: list[Bot] = [await stack.enter_async_context(serving(home, workspace)) for _ in range(3)]
        await convotest(home, "schedule", "add", "nightly", "suite=small", *place)
        before = len(workspace.messages(QUALITY))
        asked = await convotest(home, "schedule", "now", "nightly-small", "--workspace", TEAM)
        assert asked.code == 0

        await workspace.wait_for(
            lambda: any("No baseline to compare with" in each["text"] for each in workspace.messages(QUALITY)), 60
        )
        shown = [each for each in workspace.messages(QUALITY)[before:] if "small → pizza@good" in each["text"]]
        runs = await convotest(home, "runs", "--json")

        assert len(bots) == 3 and len(shown) == 1
        assert runs.code == 0
