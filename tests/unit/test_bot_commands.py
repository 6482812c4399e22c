"""What members get for what they type and click, with the real use cases over a double of Slack."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot import blocks
from bot.commands import COMMANDS, Asker, Edge, handle_convotest
from bot.interactions import Click, handle_click
from bot.memory_poster import MemoryPoster
from bot.outbox import Pace, Sender
from bot.workspace.block_kit import check_view
from jobs.announce import card_key
from jobs.dispatcher import Dispatcher
from jobs.errors import RequestError
from jobs.model import Run, WorkspaceId
from jobs.testing import InlineEngine, MovableClock, testing_ports

WORKSPACE = WorkspaceId("T1")
ASKER = Asker(workspace_id=WORKSPACE, channel_id="C1", member_id="U0ADA", key="command:t1", trigger_id="trigger")
FAST = Pace(message_s=0.0, burst=100, edit_s=0.0, edit_per_run_s=0.0)


class Stage:
    """The edge with a double of Slack, and an engine that plays in this process."""

    def __init__(self, edge: Edge, poster: MemoryPoster) -> None:
        self.edge = edge
        self.poster = poster
        self.asked = 0

    async def type(self, text: str, asker: Asker = ASKER) -> str:
        """What the member who typed it is told; empty when nothing."""
        self.asked += 1
        message = await handle_convotest(text, replace(asker, key=f"command:{self.asked}"), self.edge)
        return message.text if message else ""

    async def click(self, action_id: str, value: str) -> str:
        self.asked += 1
        asker = replace(ASKER, key=f"click:{self.asked}")
        message = await handle_click(Click(action_id=action_id, value=value), asker, self.edge)
        return message.text if message else ""

    async def runs(self) -> tuple[Run, ...]:
        return await self.edge.ports.store.runs.recent(WORKSPACE, limit=10)

    async def play(self) -> Run:
        """Play what was started to its end and show everything; the newest run."""
        engine = InlineEngine()
        dispatcher = Dispatcher(engine, self.edge.ports)
        await dispatcher.start()
        try:
            while await self.edge.ports.store.runs.unfinished():
                await self.edge.ports.bell.wait(at_most_s=0.05)
        finally:
            await dispatcher.stop()
        await self.show()
        return (await self.runs())[0]

    async def show(self) -> None:
        ports = self.edge.ports
        sender = Sender(workspace_id=WORKSPACE, ports=ports, poster=self.poster, pace=FAST)
        await sender.send_due()
        while (await ports.store.outbox.backlog(WORKSPACE)).waiting:
            await sender.send_due()
            assert isinstance(ports.clock, MovableClock)
            ports.clock.move(1)
        await sender.send_due()

    def thread(self) -> list[str]:
        return [each.versions[-1].text for each in self.poster.posted if each.thread_ts]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with testing_ports(tmp_path) as ports:
        poster = MemoryPoster(refuses={"C9": "not_in_channel", "D9": "channel_not_found"})
        yield Stage(Edge(ports=ports, poster=poster, commands=COMMANDS), poster)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run piza", "did you mean 'pizza'"),
        ("run pizza assistant=pizza@falty", "did you mean 'faulty'"),
        ("run pizza assistant=piza", "did you mean 'pizza'"),
        ("run pizza sed=7", "did you mean 'seed'"),
        ("rnu pizza", "did you mean 'run'"),
        ("n=20", "For example: run pizza"),
        ("run", "which profile"),
        ("run pizza pasta", "one profile at a time"),
        ("run pizza n=abc", "not a whole number"),
        ("run pizza n=0", "at least 1"),
        ("run pizza n=-1", "at least 1"),
        ("run don't", "no profile"),
        ("run “unclosed", "no profile"),
        ("help rnu", "did you mean 'run'"),
        ("cancel", "which run"),
        ("cancel abcd1234", "no run 'abcd1234'"),
        ("show last", "no runs yet"),
        ("run ../../etc/passwd", "no profile"),
    ],
)
async def test_what_cannot_be_done_is_said_and_nothing_is_started(stage: Stage, text: str, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        await stage.type(text)

    assert says in str(refused.value)
    assert await stage.runs() == ()


@pytest.mark.parametrize(("channel", "says"), [("C9", "/invite @convotest"), ("D9", "not part of this conversation")])
async def test_nothing_starts_where_the_bot_cannot_post(stage: Stage, channel: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        await stage.type("run pizza n=1", replace(ASKER, channel_id=channel))

    assert await stage.runs() == ()


async def test_too_many_conversations_are_cut_and_the_card_says_so(stage: Stage) -> None:
    await stage.type("run pizza n=100000")
    await stage.show()

    (run,) = await stage.runs()
    assert run.planned == 1000
    card = str(stage.poster.posted[0].versions[-1].blocks)
    assert "n=100000 was cut to 1000" in card


async def test_convotest_alone_opens_a_form_with_what_can_be_run(stage: Stage) -> None:
    assert await stage.type("") == ""

    (view,) = stage.poster.views
    check_view(view, "modal")
    assert view["private_metadata"] == "C1"
    offered = [option["value"] for option in view["blocks"][0]["element"]["options"]]
    assert "pizza" in offered
    assert "pizza@faulty" in [option["value"] for option in view["blocks"][1]["element"]["options"]]


async def test_a_run_shows_its_card_its_conversations_and_last_of_all_who_started_it(stage: Stage) -> None:
    await stage.type("run pizza n=3 seed=7 assistant=pizza@faulty")
    run = await stage.play()

    card = stage.poster.posted[0]
    assert card.thread_ts is None
    assert card.versions[-1].text.startswith("0 of 3 passed")
    assert "3/3" in card.versions[-1].text
    assert all(each.thread_ts == card.ts for each in stage.poster.posted[1:])
    thread = stage.thread()
    assert sorted(text[:3] for text in thread if text[:1].isdigit()) == ["1/3", "2/3", "3/3"]
    assert sum(text.startswith("Failures by reason: 3×") for text in thread) == 1
    assert thread[-1].startswith("<@U0ADA>, your run of 'pizza' is finished: 0 of 3 conversations passed")
    (chart,) = stage.poster.uploads.values()
    assert chart.filename.endswith(".png") and chart.content.startswith(b"\x89PNG")
    assert run.state == "finished"


async def test_show_and_status_tell_how_it_went(stage: Stage) -> None:
    await stage.type("run pizza n=2 seed=7 assistant=pizza@faulty")
    before = await stage.type("status")
    run = await stage.play()

    assert "0/2" in before
    assert (await stage.type("show last")).startswith("0 of 2 passed")
    assert (await stage.type(f"show {run.id[-8:]}")).startswith("0 of 2 passed")
    assert run.id[-8:] in await stage.type("show all")
    assert "0 messages to be sent" in await stage.type("status")


async def test_cancelling_twice_changes_nothing_more_and_says_so(stage: Stage) -> None:
    await stage.type("run pizza n=5")
    (run,) = await stage.runs()

    answers = [await stage.click(blocks.CANCEL, run.id), await stage.type("cancel last")]
    await stage.play()
    answers.append(await stage.click(blocks.CANCEL, run.id))

    assert "is being stopped" in answers[0]
    assert "is stopping already" in answers[1]
    assert "is over already (cancelled)" in answers[2]
    assert stage.poster.posted[0].versions[-1].text.startswith("Cancelled: 0 of 5 played")


async def test_a_card_starts_one_more_run_however_often_re_run_is_pressed(stage: Stage) -> None:
    await stage.type("run pizza n=1 seed=7 assistant=pizza@faulty")
    run = await stage.play()
    stage.edge.ports.clock.move(60)  # type: ignore[attr-defined]  # the movable clock of testing_ports

    first = await stage.click(blocks.RERUN, run.id)
    stage.edge.ports.clock.move(1)  # type: ignore[attr-defined]
    second = await stage.click(blocks.RERUN, run.id)

    newest, *older = await stage.runs()
    assert (first, len(older)) == ("", 1)
    assert f"as run {newest.id[-8:]}; nothing new was started" in second
    assert (newest.seed, newest.planned, newest.variant) == (7, 1, "faulty")


async def test_the_csv_file_comes_once(stage: Stage) -> None:
    await stage.type("run pizza n=1 seed=7")
    run = await stage.play()

    assert await stage.click(blocks.CSV, run.id) == ""
    assert "in the run's thread already" in await stage.click(blocks.CSV, run.id)
    await stage.show()

    (table,) = [upload for upload in stage.poster.uploads.values() if upload.filename.endswith(".csv")]
    assert table.content.startswith(b"run,conversation")


async def test_the_whole_transcript_opens_in_a_modal_and_comes_as_a_file(stage: Stage) -> None:
    await stage.type("run pizza n=1 seed=7")
    run = await stage.play()

    await stage.click(blocks.TRANSCRIPT, f"{run.id}:1")
    await stage.click(blocks.SEND_FILE, f"{run.id}:1")
    await stage.show()

    check_view(stage.poster.views[-1], "modal")
    files = [upload for upload in stage.poster.uploads.values() if upload.filename.endswith(".txt")]
    assert files[0].content.startswith(b"Conversation 1/1")


async def test_a_large_run_shows_a_sample_and_another_on_request_up_to_forty_messages(stage: Stage) -> None:
    await stage.type("run pizza n=60 seed=7 assistant=pizza@faulty")
    run = await stage.play()
    shown = [text for text in stage.thread() if text[:1].isdigit()]
    last = stage.poster.posted[-1].versions[-1]

    for _ in range(45):
        await stage.click(blocks.ANOTHER, run.id)
    refused = await stage.click(blocks.ANOTHER, run.id)
    await stage.show()

    assert len(shown) < 30
    assert blocks.ANOTHER in str(last.blocks)
    numbers = [text.split("/")[0] for text in stage.thread() if text[:1].isdigit()]
    assert len(numbers) == len(set(numbers)) > len(shown)
    await stage.click(blocks.CSV, run.id)
    for number in (1, 2):
        with suppress(RequestError):
            await stage.click(blocks.SEND_FILE, f"{run.id}:{number}")
    assert len(await stage.edge.ports.store.outbox.in_thread(WORKSPACE, card_key(run.id))) == 39  # and the card
    assert "as many conversations as it has room for" in refused
    assert sum(upload.filename.endswith("transcripts.txt") for upload in stage.poster.uploads.values()) == 1


async def test_runs_of_another_workspace_cannot_be_reached(stage: Stage) -> None:
    await stage.type("run pizza n=1")
    (run,) = await stage.runs()
    stranger = replace(ASKER, workspace_id=WorkspaceId("T2"))

    for action_id in (blocks.CANCEL, blocks.RERUN, blocks.CSV, blocks.ANOTHER):
        with pytest.raises(RequestError, match="not known here"):
            await handle_click(Click(action_id=action_id, value=run.id), stranger, stage.edge)
    with pytest.raises(RequestError):
        await handle_convotest(f"cancel {run.id[-8:]}", stranger, stage.edge)

    assert (await stage.runs())[0].state == "planned"


async def test_an_old_button_says_that_it_is_one(stage: Stage) -> None:
    assert "from an older version" in await stage.click("from_last_year", "x")
