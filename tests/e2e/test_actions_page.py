"""The faulty shop is mended in the browser: proposed, approved, verified, rolled out; and what does harm is stopped."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.e2e.action_story import SOON_MS, approved, failed_run, press, rolled_out
from tests.e2e.local_page import BEN, Demo, at_the_page, running_demo
from tests.e2e.process import Home, convotest, make_home

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
WORKSPACE = "T0LOCAL"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("actions"), latency_ms=5, CONVOTEST_APPROVERS="U0ADA U0BEN")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(browser: Browser, home: Home) -> AsyncGenerator[Demo]:
    async with running_demo(home) as demo:
        yield demo


async def test_three_faults_are_mended_one_after_the_other_until_customers_are_content(
    demo: Demo, browser: Browser, home: Home
) -> None:
    async with at_the_page(browser, demo.url) as ada:
        await failed_run(ada)
        first = await approved(ada, "Put everything that was ordered on the order")
        await expect(first).to_contain_text("Fewer with the problem: +100 points")
        await rolled_out(ada, first, "faulty-1")
        await rolled_out(ada, await approved(ada, "Bill what was quoted"), "faulty-2")
        last = await approved(ada, "Understand when customers ask how long it takes")
        everybody = await rolled_out(ada, last, "faulty-3")

        await expect(everybody).to_contain_text("Simulated customers")
        await expect(everybody).to_contain_text(re.compile(r"old 0 % .*, new 100 % "))
        await expect(last).to_contain_text(re.compile(r"CSAT of simulated customers: 0% .* → 100%"))
    shown = await convotest(home, "assistants", "show", "pizza", "--workspace", WORKSPACE, "--json")
    assert shown.json["in_force"] == "faulty-3"
    assert shown.json["variants"]["faulty-3"]["parent"] == "faulty-2"
    report = await convotest(home, "feedback", "report", "--json")
    assert report.json["n"] == 0
    assert report.json["by_source"]["simulated"]["n"] == 240


async def test_a_harmful_change_is_stopped_by_its_verification_and_one_that_hurts_live_is_taken_back(
    demo: Demo, browser: Browser, home: Home
) -> None:
    """After the three faults are mended; Eve proposes in the terminal, Ada approves by mistake."""
    harmful = home.directory / "harmful.yaml"
    harmful.write_text(
        "{title: A small charge, kind: flow, assistant: pizza@faulty-3, target: pizza, "
        "changes: [{path: flow.charge_when_placing, value: 0.5}]}"
    )
    channel = "C0QUALITY"
    for file in (harmful,):
        ended = await convotest(
            home, "actions", "propose", str(file), "--by", "U0EVE", "--workspace", WORKSPACE, "--channel", channel
        )
        assert ended.code == 0, ended.stderr
    async with at_the_page(browser, demo.url) as ada:
        card = ada.cards.filter(has_text="Proposed: A small charge")
        await card.wait_for(timeout=SOON_MS)
        await card.get_by_role("button", name="Approve").click()
        await ada.dialog.get_by_role("button", name="Approve").click()
        stopped = ada.cards.filter(has_text="Not made: A small charge")
        await expect(stopped).to_contain_text("verification: ", timeout=SOON_MS)
        await expect(stopped).to_contain_text("a gate is not passed")

        await ada.say("/convotest rollout pizza@faulty target=pizza")
        rollout = ada.cards.filter(has_text="Rollout at 10 %: pizza@faulty").last
        await rollout.wait_for(timeout=SOON_MS)
        await press(ada, rollout, "Widen")
        widened = ada.cards.filter(has_text="Rollout at 50 %: pizza@faulty").last
        await widened.get_by_role("button", name="Send 40 simulated customers").click()
        taken_back = ada.cards.filter(has_text="Rolled back: pizza@faulty").last
        await expect(taken_back).to_contain_text("fewer customers are content with the candidate", timeout=SOON_MS)
    shown = await convotest(home, "assistants", "list", "--workspace", WORKSPACE, "--json")
    assert shown.json[0]["in_force"] == "faulty-3"
    audit = await convotest(home, "assistants", "rollout", "pizza", "--workspace", WORKSPACE, "--json")
    assert audit.json["state"] == "rolled_back"


async def test_of_two_people_who_decide_at_once_one_wins_and_the_other_is_told(
    demo: Demo, browser: Browser, home: Home
) -> None:
    proposal = home.directory / "both.yaml"
    proposal.write_text(
        json.dumps(
            {
                "title": "Say goodbye briefly", "kind": "template", "assistant": "pizza@good", "target": "pizza",
                "changes": [{"path": "templates.farewell", "value": ["Bye."]}],
            }
        )
    )  # fmt: skip
    await convotest(
        home, "actions", "propose", str(proposal), "--by", "U0EVE", "--workspace", WORKSPACE, "--channel", "C0QUALITY"
    )
    async with at_the_page(browser, demo.url) as ada, at_the_page(browser, demo.url, member=BEN) as ben:
        for person in (ada, ben):
            card = person.cards.filter(has_text="Proposed: Say goodbye briefly")
            await card.get_by_role("button", name="Approve").click()
        await asyncio.gather(*(person.dialog.get_by_role("button", name="Approve").click() for person in (ada, ben)))
        for person in (ada, ben):
            await person.whispers.last.wait_for()
        said = [await person.whispers.last.inner_text() for person in (ada, ben)]

    assert sum("is approved: the change is made" in each for each in said) == 1
    assert sum("nothing was changed by you" in each for each in said) == 1
