"""The sender brings each message into Slack once, whatever fails: over the double and over the real adapter."""

import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import Message
from bot.memory_poster import MemoryPoster
from bot.outbox import Bucket, Pace, Sender
from bot.poster import Poster, SlackPoster, Upload
from bot.workspace import LocalWorkspace
from jobs.bundle import Ports
from jobs.model import Announcement, AnnouncementKind, OutboxItem, Place, RunRequest, WorkspaceId
from jobs.runs import start_run
from jobs.testing import MovableClock, testing_ports

WORKSPACE = WorkspaceId("T0LOCAL")
CHANNEL, WITHOUT_BOT = "C0QUALITY", "C0SECRET"
PACE = Pace(message_s=0.0, burst=100, edit_s=2.5, edit_per_run_s=1.5, look_after_s=6.0)


@dataclass(kw_only=True)
class Fault:
    """What happens to the next posts, a letter each: (f)ails, is (l)ost after storing, (r)ate limited, (.) is fine."""

    plan: str = ""

    def next(self) -> str:
        now, self.plan = self.plan[:1] or ".", self.plan[1:]
        return now


class Slack(Protocol):
    """What a test needs of the other side."""

    poster: Poster
    fault: Fault

    def shown(self) -> list[str]:
        """Keys of messages and names of files, in the channel and its threads."""
        ...

    def text(self, key: str) -> str: ...


class Remembered:
    """The double."""

    def __init__(self) -> None:
        self.fault = Fault()
        self.memory = MemoryPoster(refuses={WITHOUT_BOT: "not_in_channel"})
        self.poster = cast(Poster, Faulty(self))

    def arm(self, fault: str) -> None:
        self.memory.fail_next = int(fault == "f")
        self.memory.lose_next = int(fault == "l")
        self.memory.rate_limit_next = int(fault == "r")

    def shown(self) -> list[str]:
        names = {file_id: upload.filename for file_id, upload in self.memory.uploads.items()}
        return [each.key or names[each.file_id or ""] for each in self.memory.posted]

    def text(self, key: str) -> str:
        return next(each.versions[-1].text for each in self.memory.posted if each.key == key)


class Local:
    """The real adapter over the local workspace."""

    def __init__(self, workspace: LocalWorkspace, poster: Poster) -> None:
        self.fault = Fault()
        self.workspace = workspace
        self.real = poster
        self.poster = cast(Poster, Faulty(self))

    def arm(self, fault: str) -> None:
        faults = self.workspace.faults
        faults.posts_failing = float(fault == "f")
        faults.posts_lost_after_storing = float(fault == "l")
        faults.rate_limit_next = int(fault == "r")
        faults.retry_after = 3

    def messages(self) -> list[Mapping[str, object]]:
        top = self.workspace.messages(CHANNEL)
        return [each for message in top for each in self.workspace.messages(CHANNEL, message["ts"])]

    def shown(self) -> list[str]:
        found: list[str] = []
        for message in self.workspace.messages(CHANNEL):
            for each in self.workspace.messages(CHANNEL, message["ts"]):
                found += [file["name"] for file in each.get("files", ())]
                if each.get("metadata"):
                    found.append(each["metadata"]["event_payload"]["key"])
        return found

    def text(self, key: str) -> str:
        return next(
            str(each["text"])
            for message in self.workspace.messages(CHANNEL)
            for each in self.workspace.messages(CHANNEL, message["ts"])
            if each.get("metadata") and each["metadata"]["event_payload"]["key"] == key
        )


class Faulty:
    """Arms the next fault before each call that shows something."""

    def __init__(self, slack: Remembered | Local) -> None:
        self._slack = slack

    def __getattr__(self, name: str) -> object:
        real = self._slack.memory if isinstance(self._slack, Remembered) else self._slack.real
        if name in ("post", "share_upload", "update"):
            self._slack.arm(self._slack.fault.next())
        elif isinstance(self._slack, Local):
            self._slack.arm(".")
        return getattr(real, name)


@asynccontextmanager
async def real_slack() -> AsyncGenerator[Local]:
    async with LocalWorkspace(rate_limits=False) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url, timeout=5, retry_handlers=[])
        client.proxy = None
        yield Local(workspace, SlackPoster(client))


@pytest.fixture(params=["double", "slack_sdk and local workspace"])
async def slack(request: pytest.FixtureRequest) -> AsyncGenerator[Slack]:
    if request.param == "double":
        yield Remembered()
    else:
        async with real_slack() as real:
            yield real


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncGenerator[Ports]:
    async with testing_ports(tmp_path) as ports:
        yield ports


def clock_of(ports: Ports) -> MovableClock:
    assert isinstance(ports.clock, MovableClock)
    return ports.clock


async def render(item: OutboxItem, _: Ports) -> Message | Upload:
    if item.announcement.kind in ("run_chart", "run_csv"):
        return Upload(filename=f"{item.announcement.key}.bin", title="a file", content=b"abc", comment="a file")
    return Message(text=f"{item.announcement.key} v{item.wanted}")


def sender_for(ports: Ports, slack: Slack, pace: Pace = PACE) -> Sender:
    return Sender(workspace_id=WORKSPACE, ports=ports, poster=slack.poster, pace=pace, render=render)


def announcement(
    key: str, kind: AnnouncementKind = "conversation", *, parent: str | None = "card", last: bool = False,
    channel: str = CHANNEL,
) -> Announcement:  # fmt: skip
    return Announcement(
        key=key,
        kind=kind,
        place=Place(workspace_id=WORKSPACE, channel_id=channel),
        parent_key=parent,
        last=last,
    )


async def send_everything(sender: Sender, ports: Ports, *, most: int = 200) -> None:
    """Let time pass until nothing waits any more."""
    for _ in range(most):
        await sender.send_due()
        if not (await ports.store.outbox.backlog(WORKSPACE)).waiting:
            return
        clock_of(ports).move(1.0)
    raise AssertionError("something is still waiting")


async def test_a_thread_is_posted_once_below_its_card_and_the_last_message_is_last(slack: Slack, ports: Ports) -> None:
    await ports.store.outbox.add(
        announcement("card", "run_card", parent=None),
        announcement("end", "run_finished", last=True),
        announcement("c1"),
        announcement("chart", "run_chart"),
    )
    sender = sender_for(ports, slack)

    await send_everything(sender, ports)

    assert slack.shown()[0] == "card"
    assert sorted(slack.shown()[1:3]) == ["c1", "chart.bin"]
    assert slack.shown()[3:] == ["end"]


@pytest.mark.parametrize("plan", ["f", "l", "r", "fl", "ffl", "rfl", "lf"])
async def test_whatever_fails_a_message_is_there_exactly_once(slack: Slack, ports: Ports, plan: str) -> None:
    await ports.store.outbox.add(announcement("card", "run_card", parent=None), announcement("c1"))
    slack.fault.plan = plan

    await send_everything(sender_for(ports, slack), ports)

    assert slack.shown() == ["card", "c1"]
    item = await ports.store.outbox.find(WORKSPACE, "card")
    assert item and item.state == "sent" and item.ts


@pytest.mark.parametrize("plan", [".f", ".l", ".r", ".fl", ".ll"])
async def test_whatever_fails_a_file_is_there_exactly_once(slack: Slack, ports: Ports, plan: str) -> None:
    await ports.store.outbox.add(announcement("card", "run_card", parent=None), announcement("chart", "run_chart"))
    slack.fault.plan = plan

    await send_everything(sender_for(ports, slack), ports)

    assert slack.shown() == ["card", "chart.bin"]


async def test_nobody_looks_before_the_lost_call_must_be_over(slack: Slack, ports: Ports) -> None:
    await ports.store.outbox.add(announcement("card", "run_card", parent=None))
    slack.fault.plan = "f"
    sender = sender_for(ports, slack)

    await sender.send_due()
    clock_of(ports).move(5.9)
    await sender.send_due()
    assert slack.shown() == []
    clock_of(ports).move(0.2)
    await sender.send_due()

    assert slack.shown() == ["card"]


async def test_other_messages_go_on_while_one_is_in_doubt(slack: Slack, ports: Ports) -> None:
    await ports.store.outbox.add(
        announcement("card", "run_card", parent=None), *(announcement(f"c{number}") for number in range(1, 5))
    )
    slack.fault.plan = ".f"
    sender = sender_for(ports, slack)

    for _ in range(3):
        await sender.send_due()

    assert slack.shown() == ["card", "c2", "c3", "c4"]
    await send_everything(sender, ports)
    assert sorted(slack.shown()) == ["c1", "c2", "c3", "c4", "card"]


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_process_killed_while_sending_loses_and_doubles_nothing(
    slack: Slack, ports: Ports, arrived: bool
) -> None:
    outbox = ports.store.outbox
    await outbox.add(announcement("card", "run_card", parent=None))
    (item,) = await outbox.due(WORKSPACE)
    await outbox.mark_sending(item)
    if arrived:
        await slack.poster.post(CHANNEL, Message(text="card"), key="card")

    sender = sender_for(ports, slack)
    await sender.begin()
    await sender.send_due()
    assert slack.shown() == (["card"] if arrived else [])
    await send_everything(sender, ports)

    assert slack.shown() == ["card"]


async def test_a_process_killed_after_a_file_was_shown_does_not_show_it_again(slack: Slack, ports: Ports) -> None:
    outbox = ports.store.outbox
    await outbox.add(announcement("card", "run_card", parent=None))
    await sender_for(ports, slack).send_due()
    upload = Upload(filename="chart.bin", title="a file", content=b"abc")
    await outbox.add(announcement("chart", "run_csv"))
    item = await outbox.find(WORKSPACE, "chart")
    card = await outbox.find(WORKSPACE, "card")
    assert item and card
    await outbox.mark_sending(item)
    file_id = await slack.poster.start_upload(upload)
    await outbox.mark_uploading(item, file_id)
    await slack.poster.share_upload(file_id, upload, channel_id=CHANNEL, thread_ts=card.ts)

    sender = sender_for(ports, slack)
    await sender.begin()
    await send_everything(sender, ports)

    assert slack.shown() == ["card", "chart.bin"]


async def test_forty_messages_under_random_faults_are_all_there_once(slack: Slack, ports: Ports) -> None:
    keys = [f"c{number}" for number in range(1, 41)]
    await ports.store.outbox.add(announcement("card", "run_card", parent=None), *(announcement(key) for key in keys))
    generator = random.Random(7)
    slack.fault.plan = "".join(generator.choices("flr.", weights=(10, 10, 5, 75), k=200))

    await send_everything(sender_for(ports, slack), ports)

    assert sorted(slack.shown()) == sorted(["card", *keys])


async def test_a_rate_limited_channel_is_left_alone_for_as_long_as_slack_says(slack: Slack, ports: Ports) -> None:
    await ports.store.outbox.add(announcement("card", "run_card", parent=None))
    slack.fault.plan = "r"
    sender = sender_for(ports, slack, Pace(message_s=1.0, burst=3))

    await sender.send_due()
    clock_of(ports).move(2.5)
    await sender.send_due()
    assert slack.shown() == []
    clock_of(ports).move(1.0)
    await sender.send_due()

    assert slack.shown() == ["card"]


async def test_a_channel_gets_a_small_burst_and_then_one_message_a_second(slack: Slack, ports: Ports) -> None:
    await ports.store.outbox.add(*(announcement(f"n{number}", "notice", parent=None) for number in range(6)))
    sender = sender_for(ports, slack, Pace(message_s=1.0, burst=3))

    wait_s = await sender.send_due()
    assert (len(slack.shown()), round(wait_s, 6)) == (3, 1.0)
    clock_of(ports).move(wait_s)
    await sender.send_due()

    assert len(slack.shown()) == 4


async def test_a_card_is_edited_at_most_once_an_interval_and_shows_the_last_state(slack: Slack, ports: Ports) -> None:
    outbox = ports.store.outbox
    await outbox.add(announcement("card", "run_card", parent=None))
    sender = sender_for(ports, slack)
    await sender.send_due()
    for _ in range(5):
        await outbox.want_edit(WORKSPACE, "card")
        await sender.send_due()
        clock_of(ports).move(0.1)
    assert slack.text("card") == "card v2"

    clock_of(ports).move(2.5)
    await sender.send_due()

    assert slack.text("card") == "card v6"


async def test_an_edit_that_fails_is_made_up_for(slack: Slack, ports: Ports) -> None:
    outbox = ports.store.outbox
    await outbox.add(announcement("card", "run_card", parent=None))
    sender = sender_for(ports, slack)
    await sender.send_due()
    await outbox.want_edit(WORKSPACE, "card")
    slack.fault.plan = "r"

    await sender.send_due()
    clock_of(ports).move(3.1)
    await sender.send_due()

    assert slack.text("card") == "card v2"


async def test_a_card_that_slack_refuses_stops_its_run_and_its_thread_and_is_said_once(ports: Ports) -> None:
    slack = Remembered()
    place = Place(workspace_id=WORKSPACE, channel_id=WITHOUT_BOT)
    run = await start_run(
        RunRequest(target="pizza", n=2, seed=1, started_by="U0ADA", workspace_id=WORKSPACE, place=place), ports
    )
    await ports.store.outbox.add(announcement("c1", parent=f"run:{run.id}:card", channel=WITHOUT_BOT))
    sender = sender_for(ports, slack)

    await send_everything(sender, ports)

    stopped = await ports.store.runs.get(run.id)
    assert stopped and stopped.state == "cancelling"
    ((channel, member, message),) = slack.memory.whispers
    assert (channel, member) == (WITHOUT_BOT, "U0ADA")
    assert "/invite @convotest" in message.text
    child = await ports.store.outbox.find(WORKSPACE, "c1")
    assert child and child.state == "failed"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("not_in_channel", "/invite @convotest"),
        ("channel_not_found", "/invite @convotest"),
        ("is_archived", "the channel is archived"),
        ("token_revoked", "the app was removed"),
        ("msg_too_long", "too long for Slack"),
        ("missing_scope", "install it again"),
    ],
)
async def test_what_slack_refuses_in_the_middle_of_a_run_is_said_once_for_all_its_messages(
    ports: Ports, code: str, says: str
) -> None:
    slack = Remembered()
    place = Place(workspace_id=WORKSPACE, channel_id=CHANNEL)
    run = await start_run(
        RunRequest(target="pizza", n=3, seed=1, started_by="U0ADA", workspace_id=WORKSPACE, place=place), ports
    )
    sender = sender_for(ports, slack)
    await sender.send_due()
    slack.memory.refuses[CHANNEL] = code
    for number in range(3):
        child = announcement(f"c{number}", "notice", parent=f"run:{run.id}:card")
        await ports.store.outbox.add(replace(child, ref={"run_id": run.id}))

    await send_everything(sender, ports)

    ((_, member, message),) = slack.memory.whispers
    assert (member, says in message.text) == ("U0ADA", True)
    assert (await ports.store.outbox.backlog(WORKSPACE)).waiting == 0
    going_on = await ports.store.runs.get(run.id)
    assert going_on and going_on.state == "planned"


async def test_a_message_that_cannot_be_drawn_does_not_hold_up_the_others(ports: Ports) -> None:
    slack = Remembered()
    await ports.store.outbox.add(
        announcement("bad", "notice", parent=None), announcement("good", "notice", parent=None)
    )

    async def breaks(item: OutboxItem, ports: Ports) -> Message | Upload:
        if item.announcement.key == "bad":
            raise ZeroDivisionError
        return await render(item, ports)

    sender = Sender(workspace_id=WORKSPACE, ports=ports, poster=slack.poster, pace=PACE, render=breaks)
    await send_everything(sender, ports)

    assert slack.shown() == ["good"]


async def test_a_card_that_cannot_be_drawn_any_more_does_not_hold_up_other_cards(ports: Ports) -> None:
    slack = Remembered()
    outbox = ports.store.outbox
    await outbox.add(announcement("bad", "run_card", parent=None), announcement("good", "run_card", parent=None))

    async def breaks(item: OutboxItem, ports: Ports) -> Message | Upload:
        if (item.announcement.key, item.wanted) == ("bad", 2):
            raise ZeroDivisionError
        return await render(item, ports)

    sender = Sender(workspace_id=WORKSPACE, ports=ports, poster=slack.poster, pace=PACE, render=breaks)
    await sender.send_due()
    await outbox.want_edit(WORKSPACE, "bad")
    await outbox.want_edit(WORKSPACE, "good")
    await sender.send_due()

    assert (slack.text("bad"), slack.text("good")) == ("bad v1", "good v2")


def test_a_bucket_refills_up_to_its_burst() -> None:
    bucket = Bucket(2, 1.0, 0.0)

    assert [bucket.take(0.0), bucket.take(0.0)] == [0.0, 0.0]
    assert bucket.take(0.25) == pytest.approx(0.75)
    assert [bucket.take(10.0), bucket.take(10.0)] == [0.0, 0.0]
    assert bucket.take(10.0) == pytest.approx(1.0)
