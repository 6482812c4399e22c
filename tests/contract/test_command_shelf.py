"""Every subcommand: listed, documented, and harmless when it is asked for nonsense."""

import importlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.commands import COMMANDS, Asker, Command, Edge, handle_convotest
from bot.commands._grammar import parse
from bot.memory_poster import MemoryPoster
from bot.workspace.block_kit import check_message_blocks
from jobs.errors import RequestError
from jobs.model import WorkspaceId
from jobs.testing import testing_ports

WORKSPACE = WorkspaceId("T1")
FOLDER = Path(__file__).parent.parent.parent / "bot" / "commands"
ASKER = Asker(workspace_id=WORKSPACE, channel_id="C1", member_id="U0ADA", key="command:t1")


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncGenerator[Edge]:
    async with testing_ports(tmp_path) as ports:
        yield Edge(ports=ports, poster=MemoryPoster(standings={"U0ADA": "admin"}), commands=COMMANDS)


@pytest.fixture(params=list(COMMANDS))
def command(request: pytest.FixtureRequest) -> Command:
    return COMMANDS[request.param]


def test_every_file_is_listed_under_its_own_name() -> None:
    files = {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}
    listed = {importlib.import_module(f"bot.commands.{name}").COMMAND.name for name in files}

    assert listed == files == set(COMMANDS)


def test_usage_and_examples_begin_with_the_word_and_can_be_parsed(command: Command) -> None:
    assert command.usage.split()[0] == command.name
    assert command.summary and command.examples
    for example in command.examples:
        assert parse(example).verb == command.name


async def test_its_help_is_a_good_message(command: Command, edge: Edge) -> None:
    message = await handle_convotest(f"help {command.name}", ASKER, edge)

    assert message
    assert command.usage in message.text
    check_message_blocks(list(message.blocks))


async def test_an_unknown_option_is_refused_and_nothing_is_started(command: Command, edge: Edge) -> None:
    if command.free_text:
        pytest.skip("what follows is one text, and no option")
    with pytest.raises(RequestError):
        await handle_convotest(f"{command.name} pizza sedd=7", ASKER, edge)

    assert await edge.ports.store.runs.recent(WORKSPACE, limit=1) == ()


async def test_too_many_words_are_refused_and_nothing_is_started(command: Command, edge: Edge) -> None:
    if command.free_text:
        pytest.skip("what follows is one text, however long")
    with pytest.raises(RequestError):
        await handle_convotest(f"{command.name} pizza and more", ASKER, edge)

    assert await edge.ports.store.runs.recent(WORKSPACE, limit=1) == ()


async def test_its_answers_are_good_messages(command: Command, edge: Edge) -> None:
    for example in command.examples:
        try:
            message = await handle_convotest(example, ASKER, edge)
        except RequestError as error:
            assert any(word in str(error) for word in ("yet", "no ", "cannot", "unknown")), error  # the store is empty
        else:
            if message:
                check_message_blocks(list(message.blocks))
