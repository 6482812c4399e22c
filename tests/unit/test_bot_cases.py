""" "Turn into test case": from a message of ours to a suite that can be played."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cases import make_case
from bot.commands import COMMANDS, Edge
from bot.memory_poster import MemoryPoster, Posted
from jobs.errors import RequestError
from jobs.model import Conversation, Goal, Slot, Turn, WorkspaceId
from jobs.runs import find_run
from jobs.suites.files import load_suite
from jobs.suites.from_transcript import case_of_run, case_of_thread
from jobs.testing import testing_ports
from tests.unit.test_bot_commands import ASKER, WORKSPACE, Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with testing_ports(tmp_path) as ports:
        poster = MemoryPoster()
        yield Stage(Edge(ports=ports, poster=poster, commands=COMMANDS), poster)


async def shown_conversation(stage: Stage, text: str) -> Posted:
    await stage.type(text)
    await stage.play()
    return next(each for each in stage.poster.posted if each.versions[-1].text.startswith("1/"))


async def turned(stage: Stage, message: Posted, **changes: str) -> str:
    asker = replace(ASKER, channel_id=message.channel_id, message_ts=message.ts, key="shortcut")
    answer = await make_case(replace(asker, **changes), stage.edge)
    await stage.show()
    return answer.text


async def test_a_failed_conversation_becomes_a_suite_in_its_thread_that_fails_again(stage: Stage) -> None:
    message = await shown_conversation(stage, "run pizza n=1 seed=7 assistant=pizza@faulty")
    told = await turned(stage, message)
    again = await turned(stage, message)
    files = [each for each in stage.poster.uploads.values() if each.filename.endswith(".yaml")]
    name = files[0].filename.removesuffix(".yaml")

    assert "is kept as a suite" in told and f"/convotest run {name}" in told
    assert "already" in again and len(files) == 1
    assert "# the confirmed order left out the drink" in files[0].content.decode()
    assert stage.poster.posted[-1].thread_ts == message.thread_ts
    for variant, verdict in (("good", "1 of 1 passed"), ("faulty", "0 of 1 passed")):
        await stage.type(f"run {name} assistant=pizza@{variant}")
        run = await stage.play()
        card = next(each for each in stage.poster.posted if each.key == f"run:{run.id}:card")
        assert card.versions[-1].text.startswith(verdict), variant


async def test_what_shows_no_conversation_cannot_be_one(stage: Stage) -> None:
    message = await shown_conversation(stage, "run pizza n=1 seed=7")
    card = next(each for each in stage.poster.posted if each.thread_ts is None)
    elsewhere = replace(ASKER, workspace_id=WorkspaceId("T2"), channel_id="C1", message_ts=message.ts)

    assert "Only a conversation" in await turned(stage, card)
    assert "Only a conversation" in await turned(stage, message, message_ts="1.1")
    assert "Only a conversation" in (await make_case(elsewhere, stage.edge)).text
    assert [each for each in stage.poster.uploads.values() if each.filename.endswith(".yaml")] == []
    with pytest.raises(RequestError):
        await find_run("case-nothing", WORKSPACE, stage.edge.ports)


def a_conversation(text: str, *, of: Conversation) -> Conversation:
    turns = (Turn(speaker="user", text=text), Turn(speaker="assistant", text=text))
    slot = Slot(name="x", type="string", values=(text,), domain=(text,))
    goal = Goal(text=text, template=text, slots=(slot,))
    return replace(
        of,
        transcript=replace(of.transcript, turns=turns),
        scenario=replace(of.scenario, goals=(goal,), tags=(text[:40],), persona=text[:40]),
    )


HOSTILE = (
    "a: b # no comment\n- [x", "{{faker.name}} and {{ x }}", "'\"\\ \x00\x07 \u202e", "!!python/object:os.system",
    "x" * 9_000, "sk-proj-" + "a1B2" * 12,
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
async def test_whatever_was_said_the_file_loads_and_says_it(text: str, tmp_path: Path, stage: Stage) -> None:
    await stage.type("run pizza n=1 seed=7 assistant=pizza@faulty")
    run = await stage.play()
    [conversation] = await stage.edge.ports.store.runs.conversations(run.id)
    folder = tmp_path / "suites"
    folder.mkdir()
    for made in (
        case_of_run(a_conversation(text, of=conversation), name="case-1"),
        case_of_thread(a_conversation(text, of=conversation).transcript.turns, name="case-1"),
    ):
        (folder / "case-1.yaml").write_text(made)
        suite = load_suite(folder / "case-1.yaml", profiles_dir=stage.edge.ports.profiles_dir)
        [case] = suite.cases

        said = case.case.turns[0].user
        assert said and "{{" not in said and "\x00" not in said
        assert "sk-proj-a1B2" not in made
