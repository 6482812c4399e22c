"""Profiles and suites that people send to the bot: checked, versioned, and known in their workspace only."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.memory_poster import MemoryPoster
from bot.poster import Refused, SlackPoster
from bot.uploads import shared_files
from bot.workspace import LocalWorkspace
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import RunRequest, WorkspaceId
from jobs.planning import plan_run
from jobs.profiles.problems import ProfileError
from jobs.runs import start_run
from jobs.testing import testing_ports
from jobs.uploads import MOST_FILES, save_upload, target_of, uploaded
from tests.unit.test_bot_serving import ADA, CHANNEL, DIRECT, finished, workspace

__all__ = ["workspace"]

T1, T2 = WorkspaceId("T1"), WorkspaceId("T2")
TEA = """\
test_name: tea test
user:
  goals:
    - "a {{size}} tea"
    - how much it costs
    - size: {function: forward(), type: string, data: [small, large]}
chatbot: {is_starter: false}
conversation: {number: all_combinations, goal_style: {steps: 4}, interaction_style: [default]}
"""
SUITE = "suite: tea suite\nprofiles: [tea, {profile: pizza-shop/pizza, n: 1}]\ncases: [{name: hello, input: hi}]\n"


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncGenerator[Ports]:
    async with testing_ports(tmp_path) as opened:
        yield opened


async def test_a_profile_is_kept_and_run_by_its_name_in_its_workspace_only(ports: Ports) -> None:
    saved = await save_upload("tea.yml", TEA.encode(), by="U1", workspace_id=T1, ports=ports)

    assert (saved.file.path, saved.file.version, saved.conversations, saved.is_new) == ("tea.yaml", 1, 2, True)
    for name in ("tea", "tea test", "tea.yaml"):
        assert (await target_of(name, T1, ports)).stem == "tea"
        with pytest.raises(RequestError, match="no profile"):
            await target_of(name, T2, ports)
    run = await start_run(RunRequest(target="tea", assistant="pizza", workspace_id=T1), ports)
    assert (run.profile, run.planned) == ("tea", 2)
    with pytest.raises(RequestError, match="did you mean 'tea'"):
        await target_of("teaa", T1, ports)
    assert (await target_of("pizza", T1, ports)).stem == "pizza"


async def test_sent_again_it_is_a_new_version_and_the_same_content_is_none(ports: Ports) -> None:
    async def send(text: str) -> tuple[int, bool]:
        saved = await save_upload("tea.yaml", text.encode(), by="U1", workspace_id=T1, ports=ports)
        return saved.file.version, saved.is_new

    assert await send(TEA) == (1, True)
    assert await send(TEA) == (1, False)
    assert await send(TEA.replace("large", "huge")) == (2, True)
    assert [each.version for each in await ports.store.uploads.newest(T1)] == [2]
    assert await ports.store.uploads.newest(T2) == ()
    entries = await ports.store.audit.latest(T1, limit=10)
    assert [entry.detail for entry in entries if entry.verb == "upload"] == [
        "tea.yaml, version 2",
        "tea.yaml, version 1",
    ]


async def test_a_suite_may_name_profiles_of_its_workspace(ports: Ports) -> None:
    with pytest.raises(ProfileError, match="no profile"):
        await save_upload("teas.yaml", SUITE.encode(), by="U1", workspace_id=T1, ports=ports)
    await save_upload("tea.yaml", TEA.encode(), by="U1", workspace_id=T1, ports=ports)

    saved = await save_upload("teas.yaml", SUITE.encode(), by="U1", workspace_id=T1, ports=ports)
    plan = await plan_run(RunRequest(target="tea suite", assistant="pizza@good", workspace_id=T1), ports)

    assert (saved.file.kind, saved.conversations, plan.n) == ("suite", 4, 4)
    assert [each.stem for each in await uploaded(T1, ports)] == ["tea", "teas"]


async def test_what_is_wrong_is_told_with_its_place_and_nothing_is_kept(ports: Ports) -> None:
    with pytest.raises(ProfileError) as refused:
        await save_upload(
            "tea.yaml", TEA.replace("forward()", "foward()").encode(), by="U1", workspace_id=T1, ports=ports
        )

    [problem] = refused.value.problems
    assert problem.place and problem.place.line == 6
    assert problem.fix
    assert await ports.store.uploads.newest(T1) == ()


@pytest.mark.parametrize(
    "name", ["../tea.yaml.exe", "tea.py", ".yaml", "a" * 90 + ".yaml", "tea\x00.yaml", "", "tea.yaml\n.exe"]
)
async def test_a_name_that_is_none_of_a_profile_is_refused(ports: Ports, name: str) -> None:
    with pytest.raises(RequestError, match="no name of a profile"):
        await save_upload(name, TEA.encode(), by="U1", workspace_id=T1, ports=ports)


async def test_a_shipped_profile_cannot_be_hidden(ports: Ports) -> None:
    for name, text in (("pizza.yaml", TEA), ("tea.yaml", TEA.replace("tea test", "pizza-smoke"))):
        with pytest.raises(RequestError, match="already"):
            await save_upload(name, text.encode(), by="U1", workspace_id=T1, ports=ports)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("data: [small, large]", "data: {file: /etc/passwd}"),
        ("data: [small, large]", "data: {file: ../../etc/hosts.csv}"),
        ("data: [small, large]", "data: {file: secret.csv}"),
        ("data: [small, large]", "data: {file: numbers.py, function_name: f, args: [1]}"),
        ("user:", "user:\n  personality: /etc/passwd"),
    ],
)
async def test_a_file_from_slack_opens_nothing_outside_the_profiles_and_runs_nothing(
    ports: Ports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    (tmp_path / "secret.csv").write_text("hunter2\n")
    (tmp_path / "numbers.py").write_text("def f(x):\n    raise SystemExit\n")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ProfileError) as refused:
        await save_upload("tea.yaml", TEA.replace(old, new).encode(), by="U1", workspace_id=T1, ports=ports)

    assert "hunter2" not in str(refused.value)


async def test_a_workspace_has_room_for_so_many_files(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.uploads.MOST_FILES", 1)
    await save_upload("tea.yaml", TEA.encode(), by="U1", workspace_id=T1, ports=ports)

    with pytest.raises(RequestError, match="has 1 files already"):
        await save_upload("mate.yaml", TEA.replace("tea", "mate").encode(), by="U1", workspace_id=T1, ports=ports)
    assert (await save_upload("tea.yaml", TEA.encode(), by="U1", workspace_id=T1, ports=ports)).is_new is False
    assert MOST_FILES > 1


# --- in Slack ---------------------------------------------------------------------------------------------------------


def answers(workspace: LocalWorkspace) -> list[str]:
    return [each["text"] for each in workspace.ephemerals(ADA)]


async def test_a_profile_in_a_direct_message_is_saved_and_run(workspace: LocalWorkspace) -> None:
    await workspace.share_file(ADA, DIRECT, "tea.yaml", TEA.encode())
    await workspace.wait_for(lambda: answers(workspace), 10)
    await workspace.share_file(ADA, DIRECT, "tea.yaml", TEA.replace("large", "huge").encode())
    await workspace.wait_for(lambda: len(answers(workspace)) == 2, 10)
    await workspace.share_file(ADA, DIRECT, "bad.yaml", TEA.replace("type: string", "type: strng").encode())
    await workspace.wait_for(lambda: len(answers(workspace)) == 3, 10)

    first, second, third = answers(workspace)
    assert "is saved for this workspace" in first
    assert "version 2" in second
    assert "line 6" in third and "Nothing was saved" in third
    await workspace.type_command(CHANNEL, ADA, "/convotest run tea n=1 assistant=pizza@good")
    assert "1/1" in (await finished(workspace, CHANNEL))[0]


async def test_files_in_channels_are_left_alone(workspace: LocalWorkspace) -> None:
    await workspace.share_file(ADA, CHANNEL, "tea.yaml", TEA.encode())
    await workspace.share_file(ADA, DIRECT, "photo.png", b"\x89PNG")
    await workspace.wait_for(lambda: answers(workspace), 10)

    assert len(answers(workspace)) == 1
    assert "photo.png" in answers(workspace)[0]


def test_only_a_person_who_writes_to_the_bot_directly_sends_files() -> None:
    event = {
        "channel_type": "im",
        "subtype": "file_share",
        "user": "U1",
        "files": [{"name": "a.yaml", "url_private": "https://files.slack.com/a", "size": 3}],
    }

    assert [each.url for each in shared_files(event)] == ["https://files.slack.com/a"]
    for change in ({"channel_type": "channel"}, {"subtype": "file_comment"}, {"bot_id": "B1"}, {"user": None}):
        assert shared_files(event | change) == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/a.yaml",
        "http://files.slack.com/a",
        "https://files.slack.com.evil.example/a",
        "https://files.slack.com@evil.example/a",
        "https://evil.example/?files.slack.com",
        "file:///etc/passwd",
        "https://files.slack.com:8443/a",
    ],
)
async def test_the_token_goes_to_slacks_host_only(url: str) -> None:
    asked: list[str] = []

    async def token() -> str:
        asked.append(url)
        return "xoxb-secret"

    poster = SlackPoster(None, token=token)  # type: ignore[arg-type]  # nothing is called on it

    with pytest.raises(Refused, match="not Slack's"):
        await poster.download(url, at_most=10)
    assert asked == []


async def test_a_file_is_read_up_to_its_limit(workspace: LocalWorkspace) -> None:
    await workspace.share_file(ADA, DIRECT, "big.yaml", b"#" * 600_000)
    await workspace.wait_for(lambda: answers(workspace), 10)

    assert "larger than 256 KB" in answers(workspace)[0]
    poster = MemoryPoster(downloads={"x": b"12345"})
    assert await poster.download("x", at_most=3) == b"1234"
