"""The real bot as a process of its own, a place for it to live in, and a terminal beside it."""

import asyncio
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from bot.workspace import LocalWorkspace

ROOT = Path(__file__).parents[2]
READY = "convotest serves over "
SOCKETS = 2
START_S = 30.0
STOP_S = 30.0
OURS = ("CONVOTEST_", "SLACK_", "OPENAI_")

Transport = Literal["http", "socket"]


class BotDied(Exception):
    """The process ended by itself; says what it wrote last."""


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where one installation lives: its directory with profiles of its own, and its database."""

    directory: Path
    database_url: str
    settings: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment without what a developer has set, with what the installation needs."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {
            **clean,
            "PYTHONPATH": str(ROOT),
            "CONVOTEST_DATABASE_URL": self.database_url,
            "CONVOTEST_PROFILES": str(self.directory / "profiles"),
            "CONVOTEST_FORBID_REAL_MODELS": "1",
            "CONVOTEST_PORT": "0",
            **self.settings,
        }


def make_home(
    directory: Path,
    *,
    database_url: str | None = None,
    variants: Mapping[str, Mapping[str, Any]] | None = None,
    latency_ms: int = 5,
    **settings: str,
) -> Home:
    """An installation with the shipped profiles and a quick demo shop.

    Args:
        variants: more variants of the pizza assistant, each a change of ``good``.
    """
    profiles = directory / "profiles"
    shutil.copytree(ROOT / "profiles", profiles)
    file = profiles / "assistants.yaml"
    content: Any = yaml.safe_load(file.read_text())
    known: dict[str, dict[str, Any]] = content["assistants"]["pizza"]["variants"]
    for variant in known.values():
        variant["latency_ms"] = latency_ms
    known.update({name: {**known["good"], **change} for name, change in (variants or {}).items()})
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    url = database_url or f"sqlite:///{directory / 'convotest.db'}"
    return Home(directory=directory, database_url=url, settings=settings)


class Bot:
    """``python -m bot serve`` in a home, connected to a workspace; it may be killed and started again."""

    def __init__(
        self,
        home: Home,
        workspace: LocalWorkspace,
        *,
        transport: Transport = "http",
        command: tuple[str, ...] = ("bot", "serve"),
    ) -> None:
        self._home = home
        self._workspace = workspace
        self._transport: Transport = transport
        self._command = command
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[int] | None = None
        self.log: deque[str] = deque(maxlen=2000)

    @property
    def pid(self) -> int:
        assert self._process is not None, "start it first"
        return self._process.pid

    @property
    def url(self) -> str:
        """Where its HTTP routes are, once it is ready."""
        assert self._ready is not None, "start it first"
        return f"http://127.0.0.1:{self._ready.result()}"

    async def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            BotDied: it gave up.
        """
        await self.spawn()
        await self.ready()

    async def spawn(self) -> None:
        """Start it and do not wait."""
        self._ready = asyncio.get_running_loop().create_future()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *self._command,
            cwd=self._home.directory, env=self._environment(), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, limit=2**20,
            start_new_session=True,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self._process, self._ready))

    async def ready(self) -> None:
        assert self._ready is not None, "spawn it first"
        await asyncio.wait_for(asyncio.shield(self._ready), START_S)
        if self._transport == "http":
            self._workspace.request_url = f"{self.url}/slack/events"
        else:
            await self._workspace.wait_for(lambda: self._workspace.sockets.connected >= SOCKETS, START_S)

    async def stop(self) -> int:
        """Ask it to stop; its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """End it in the middle of whatever it does."""
        return await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> int:
        assert self._process is not None and self._reading is not None and self._ready is not None, "start it first"
        if self._process.returncode is None:
            self._ready.cancel()  # nobody waits for it any more; without effect if it was ready
            self._process.send_signal(how)
        code = await asyncio.wait_for(self._process.wait(), STOP_S)  # its helper, too: it holds the end of the log
        await asyncio.wait_for(self._reading, STOP_S)
        return code

    async def _read(self, process: Process, ready: "asyncio.Future[int]") -> None:
        """Keep the log, and notice in it when the bot serves."""
        assert process.stderr is not None
        async for line in process.stderr:
            text = line.decode(errors="replace").rstrip()
            self.log.append(text)
            if READY in text and not ready.done():
                ready.set_result(int(_message(text).rpartition(" ")[2]))
        if not ready.done():
            ready.set_exception(BotDied("\n".join(list(self.log)[-20:])))

    def _environment(self) -> dict[str, str]:
        workspace = self._workspace
        secret = (
            {"SLACK_SIGNING_SECRET": workspace.signing_secret}
            if self._transport == "http"
            else {"SLACK_APP_TOKEN": workspace.app_token}
        )
        slack = {"SLACK_API_URL": workspace.api_url, "SLACK_BOT_TOKEN": workspace.bot_token}
        return {**self._home.environment, **slack, **secret}


def close_pipes(process: Process) -> None:
    """Let go of the pipes of a process that is over, even if a child of its own still holds them."""
    transport: Any = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()


def _message(line: str) -> str:
    try:
        return str(json.loads(line)["message"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return line


@asynccontextmanager
async def serving(home: Home, workspace: LocalWorkspace, *, transport: Transport = "http") -> AsyncGenerator[Bot]:
    """A bot that serves the workspace until the block is left."""
    bot = Bot(home, workspace, transport=transport)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a terminal command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


async def convotest(home: Home, *arguments: str, timeout_s: float = 60.0) -> Ended:
    """``convotest …`` in a terminal of that home."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        cwd=home.directory, env=home.environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    stdout, stderr = await asyncio.wait_for(process.communicate(), timeout_s)
    assert process.returncode is not None
    return Ended(code=process.returncode, stdout=stdout.decode(), stderr=stderr.decode())
