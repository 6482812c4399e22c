"""Kills a bot in the middle of a run, again and again, in a workspace that fails; then counts what was lost or doubled.

The checker trusts nothing of ours: it reads the messages that the workspace stored, and the tables by plain SQL.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, text

from bot.workspace import LocalWorkspace
from tests.e2e.process import Bot, make_home

CHANNELS, MEMBER = ("C0QUALITY", "C0GENERAL"), "U0ADA"
NUMBERED = re.compile(r"(\d+)/\d+ ")
ANSWER_S = 0.05
"""How long the workspace takes to answer: a kill then often hits a message that is on its way."""
SETTLE_S = 60.0
DIES_STARTING, START_UP_S = 0.2, 1.5
FILES = ("run_chart", "transcripts", "run_csv")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is played, and what goes wrong meanwhile.

    Args:
        runs: in so many runs the conversations are played, at the same time.
        life_s: how long the process serves before each kill, from and to; drawn with ``seed``. One life in five ends
            while it is still starting.
        failing: share of posts that fail, half of them after the workspace has stored them.
        quick: with the pace of `quick_bot` and no rate limits instead of ``bot serve`` under Slack's.
    """

    conversations: int
    runs: int = 1
    kills: int
    seed: int
    database_url: str
    life_s: tuple[float, float]
    failing: float = 0.1
    quick: bool = False
    latency_ms: int = 100
    concurrency: int = 10
    patience_s: float = 600.0

    @property
    def each(self) -> int:
        """Conversations of one run."""
        return self.conversations // self.runs


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the checker found; the first six are promised to be 0."""

    lost: int
    repeated: int
    messages_missing: int
    messages_doubled: int
    files_doubled: int
    outbox_left: int
    kills: int
    finished_at_kills: Sequence[int]
    posts_failed: int
    posts_lost_after_storing: int
    turns: int
    turns_repeated: int
    wall_s: float

    @property
    def broken_promises(self) -> Mapping[str, int]:
        promised = ("lost", "repeated", "messages_missing", "messages_doubled", "files_doubled", "outbox_left")
        return {name: getattr(self, name) for name in promised if getattr(self, name)}


async def play_chaos(plan: Plan, directory: Path) -> Findings:
    """Play the runs to their end through all the kills, and check."""
    home = make_home(
        directory,
        database_url=plan.database_url,
        variants={"moody": {"noise": 0.25}},
        latency_ms=plan.latency_ms,
        CONVOTEST_CONCURRENCY=str(plan.concurrency),
    )
    command = ("tests.e2e.quick_bot",) if plan.quick else ("bot", "serve")
    async with LocalWorkspace(rate_limits=not plan.quick, seed=plan.seed) as workspace:
        workspace.faults.delay_seconds = ANSWER_S
        workspace.faults.posts_failing = plan.failing / 2
        workspace.faults.posts_lost_after_storing = plan.failing / 2
        bot = Bot(home, workspace, command=command)
        await bot.start()
        started = time.monotonic()
        await _type_runs(plan, workspace)
        database = create_engine(_driver(plan.database_url), poolclass=NullPool)
        witnesses = await _live_and_die(plan, bot, workspace, database)
        await workspace.wait_for(lambda: _is_over(workspace, plan), plan.patience_s)
        wall_s = time.monotonic() - started
        await _settled(database)
        await bot.stop()
        return _check(plan, workspace, database, witnesses, wall_s)


async def _type_runs(plan: Plan, workspace: LocalWorkspace) -> None:
    for number in range(plan.runs):
        channel = CHANNELS[number % len(CHANNELS)]
        typed = f"/convotest run pizza n={plan.each} seed={plan.seed + number} assistant=pizza@moody"
        result = await workspace.type_command(channel, MEMBER, typed)
        assert result.acknowledged, f"the command was not taken: {result}"


async def _live_and_die(plan: Plan, bot: Bot, workspace: LocalWorkspace, database: Engine) -> "list[History]":
    """Kill and start again as planned; what was finished at each kill."""
    lives = random.Random(plan.seed)
    witnesses: list[History] = []
    for number in range(plan.kills):
        life_s = lives.uniform(*plan.life_s)
        if number and lives.random() < DIES_STARTING:
            life_s = lives.uniform(0, START_UP_S)
        else:
            await bot.ready()
        with suppress(TimeoutError):
            await workspace.wait_for(lambda: _is_over(workspace, plan), life_s)
            break
        await bot.kill()
        witnesses.append(read_history(database))
        await bot.spawn()
    return witnesses


def _is_over(workspace: LocalWorkspace, plan: Plan) -> bool:
    """Every card is final, and the member was mentioned in its thread; that is always last."""
    threads = _threads(workspace)
    return len(threads) == plan.runs and all(
        f"of {plan.each} passed" in card["text"] and replies and f"<@{MEMBER}>" in replies[-1]["text"]
        for card, *replies in threads
    )


def _threads(workspace: LocalWorkspace) -> list[list[dict[str, Any]]]:
    """Each message at top level with its replies."""
    return [workspace.messages(channel, card["ts"]) for channel in CHANNELS for card in workspace.messages(channel)]


async def _settled(database: Engine) -> None:
    """The answer to the very last post may have been lost: give the bot the time to look whether it arrived."""
    deadline = time.monotonic() + SETTLE_S
    while _outbox_left(_outbox(database)) and time.monotonic() < deadline:  # noqa: ASYNC110  (only a table tells)
        await asyncio.sleep(0.2)


# --- the checker ----------------------------------------------------------------------------------------------------

History = Mapping[str, str]
"""Everything that is stored of each finished conversation, by its id."""


def read_history(database: Engine) -> History:
    finished = (
        "select id, attempt, outcome, cast(result as text) as result, cast(finished_at as text) as finished_at "
        "from conversation where state = 'done' order by id"
    )
    turns = (
        "select turn.conversation_id, turn.attempt, turn.position, turn.speaker, turn.text from turn "
        "join conversation on conversation.id = turn.conversation_id where conversation.state = 'done' "
        "order by turn.conversation_id, turn.attempt, turn.position"
    )
    rows = {str(row["id"]): [str(row)] for row in _rows(database, finished)}
    for turn in _rows(database, turns):
        rows[str(turn["conversation_id"])].append(str(turn))
    return {conversation: "\n".join(lines) for conversation, lines in rows.items()}


def _check(
    plan: Plan, workspace: LocalWorkspace, database: Engine, witnesses: Sequence[History], wall_s: float
) -> Findings:
    threads = _threads(workspace)
    messages = [message for thread in threads for message in thread]
    keys = Counter(key for message in messages if (key := _key(message)))
    numbers = Counter(
        (thread[0]["ts"], found[1])
        for thread in threads
        for message in thread
        if (found := NUMBERED.match(message["text"]))
    )
    files = Counter(file["name"] for message in messages for file in message.get("files", ()))
    outbox = _outbox(database)
    history = read_history(database)
    turns = _rows(
        database,
        "select count(*) as played, sum(case when turn.attempt < conversation.attempt then 1 else 0 end) as again "
        "from turn join conversation on conversation.id = turn.conversation_id",
    )[0]
    faults = workspace.faults.counters
    return Findings(
        lost=_lost(plan, database),
        repeated=sum(history.get(each) != then for witness in witnesses for each, then in witness.items()),
        messages_missing=sum(row["kind"] not in FILES and row["key"] not in keys for row in outbox)
        + sum(row["kind"] in FILES for row in outbox)
        - len(files),
        messages_doubled=_beyond_one(keys) + _beyond_one(numbers) + len(threads) - plan.runs,
        files_doubled=_beyond_one(files),
        outbox_left=_outbox_left(outbox),
        kills=len(witnesses),
        finished_at_kills=[len(witness) for witness in witnesses],
        posts_failed=faults["failed_before_storing"] + faults["lost_after_storing"],
        posts_lost_after_storing=faults["lost_after_storing"],
        turns=turns["played"],
        turns_repeated=turns["again"],
        wall_s=wall_s,
    )


def _lost(plan: Plan, database: Engine) -> int:
    """Conversations that did not come to an end of their own."""
    ended = "select count(*) as n from conversation where state = 'done' and outcome in "
    good = _rows(database, ended + "('passed', 'failed', 'inconclusive', 'void')")[0]["n"]
    runs = _rows(database, "select state from run")
    assert [row["state"] for row in runs] == ["finished"] * plan.runs, f"{plan.runs} finished runs, not {runs}"
    return plan.each * plan.runs - good


def _outbox(database: Engine) -> list[Mapping[str, Any]]:
    return _rows(database, "select key, kind, state, wanted, shown from outbox")


def _outbox_left(outbox: Sequence[Mapping[str, Any]]) -> int:
    return sum(row["state"] != "sent" or row["wanted"] > row["shown"] for row in outbox)


def _beyond_one(counted: Counter[Any]) -> int:
    return sum(counted.values()) - len(counted)


def _key(message: Mapping[str, Any]) -> str | None:
    metadata: Any = message.get("metadata") or {}
    return metadata.get("event_payload", {}).get("key")


def _rows(database: Engine, query: str) -> list[Mapping[str, Any]]:
    with database.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
