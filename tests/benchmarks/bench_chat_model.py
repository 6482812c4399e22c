"""CPU and wall a chat call, side by side: bare clients, our adapters, and the whole way a run's call goes.

``python -m tests.benchmarks.bench_chat_model`` starts a provider in a process of its own on 127.0.0.1 and prints one
table. Ratios count; absolute figures depend on the machine.
"""

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import click
import httpx2
import orjson
from openai import AsyncOpenAI
from rich.console import Console
from rich.table import Table

from jobs.budget import Budget
from jobs.chat_model import Adapter, ChatRequest, Endpoint, GateLimits, Message, PricedChatModel, Providers
from jobs.chat_model.lean import LeanAdapter, open_session
from jobs.chat_model.openai_package import OpenAIAdapter
from jobs.clock import SystemClock
from jobs.pricing import Prices

MODEL = "gpt-4o-mini"
SYSTEM: Message = {"role": "system", "content": "You are a customer of a pizza shop who wants one large pizza. " * 4}
CALLS_PER_CONVERSATION = 10

Ask = Callable[[list[Message]], Awaitable[str]]
Client = Callable[[str], AbstractAsyncContextManager[Ask]]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One client at one concurrency. ``ideal_s`` is the wall of calls that cost nothing."""

    client: str
    concurrency: int
    calls: int
    wall_s: float
    ideal_s: float
    cpu_ms_per_call: float


@asynccontextmanager
async def bare_aiohttp(base_url: str) -> AsyncGenerator[Ask]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(messages: list[Message]) -> str:
            body = orjson.dumps({"model": MODEL, "messages": messages})
            headers = {"Content-Type": "application/json"}
            async with session.post(f"{base_url}/chat/completions", data=body, headers=headers) as response:
                answer: Any = orjson.loads(await response.read())
                return answer["choices"][0]["message"]["content"]

        yield ask


@asynccontextmanager
async def bare_openai(base_url: str) -> AsyncGenerator[Ask]:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with AsyncOpenAI(
        api_key="none", base_url=base_url, max_retries=0, http_client=httpx2.AsyncClient(limits=limits)
    ) as client:

        async def ask(messages: list[Message]) -> str:
            completion: Any = await client.chat.completions.create(model=MODEL, messages=messages)  # pyright: ignore
            return completion.choices[0].message.content

        yield ask


@asynccontextmanager
async def lean_adapter(base_url: str) -> AsyncGenerator[Ask]:
    async with open_session() as session:
        yield _asking(LeanAdapter(Endpoint(base_url=base_url, api_key="sk-bench-key"), session=session))


@asynccontextmanager
async def openai_adapter(base_url: str) -> AsyncGenerator[Ask]:
    adapter = OpenAIAdapter(Endpoint(base_url=base_url, api_key="sk-bench-key"))
    yield _asking(adapter)
    await adapter.close()


@asynccontextmanager
async def lean_in_a_run(base_url: str) -> AsyncGenerator[Ask]:
    """Gate with a rate, retries, budget, price: all that a simulator's call passes."""
    clock = SystemClock()
    prices = Prices()
    prices.prepare()
    providers = Providers(client="lean", clock=clock)
    limits = GateLimits(concurrency=2000, per_minute=1_000_000)
    provider = providers.provider(Endpoint(base_url=base_url, api_key="sk-bench-key"), limits)
    yield _asking(PricedChatModel(provider, line="run", budget=Budget(1000.0), prices=prices, clock=clock))
    await providers.close()


def _asking(model: Adapter | PricedChatModel) -> Ask:
    async def ask(messages: list[Message]) -> str:
        request = ChatRequest(model=MODEL, messages=messages, role="simulator")
        return (await model.complete(request, deadline_s=60)).text

    return ask


CLIENTS: dict[str, Client] = {
    "bare aiohttp": bare_aiohttp,
    "lean adapter": lean_adapter,
    "lean adapter, gate, budget, price": lean_in_a_run,
    "bare openai": bare_openai,
    "openai adapter": openai_adapter,
}


async def converse(ask: Ask) -> None:
    messages = [SYSTEM]
    for number in range(CALLS_PER_CONVERSATION):
        messages.append({"role": "user", "content": f"I would like something else, please, for the {number}. time."})
        messages.append({"role": "assistant", "content": await ask(messages)})


async def measure(name: str, base_url: str, *, conversations: int, concurrency: int, delay_s: float) -> Measured:
    waiting = list(range(conversations))

    async def worker(ask: Ask) -> None:
        while waiting:
            waiting.pop()
            await converse(ask)

    async with CLIENTS[name](base_url) as ask:
        gc.collect()
        cpu_s, started = time.process_time(), time.perf_counter()
        await asyncio.gather(*(worker(ask) for _ in range(concurrency)))
        wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_s
    calls = conversations * CALLS_PER_CONVERSATION
    ideal_s = -(-conversations // concurrency) * CALLS_PER_CONVERSATION * delay_s
    return Measured(
        client=name,
        concurrency=concurrency,
        calls=calls,
        wall_s=wall_s,
        ideal_s=ideal_s,
        cpu_ms_per_call=1000 * cpu_s / calls,
    )


@contextmanager
def provider_process(delay_ms: float) -> Generator[str]:
    """A provider in a process of its own, so that its CPU is not counted; gives its base URL."""
    command = [sys.executable, "-m", "jobs.chat_model.loopback", "--delay-ms", str(delay_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def print_table(rows: list[Measured]) -> None:
    table = Table("client", "at once", "calls", "wall s", "wall ÷ ideal", "CPU ms/call", "÷ bare aiohttp")
    for row in rows:
        bare = next(each for each in rows if each.client == "bare aiohttp" and each.concurrency == row.concurrency)
        table.add_row(
            row.client,
            str(row.concurrency),
            str(row.calls),
            f"{row.wall_s:.2f}",
            f"{row.wall_s / row.ideal_s:.2f}",
            f"{row.cpu_ms_per_call:.3f}",
            f"{row.cpu_ms_per_call / bare.cpu_ms_per_call:.1f}",
        )
    Console(width=110).print(table)


@click.command()
@click.option("--delay-ms", default=100.0, show_default=True, help="How long the provider takes for every answer.")
@click.option("--at-once", "levels", multiple=True, type=int, default=(50, 200), show_default=True)
@click.option("--rounds", default=2, show_default=True, help="Conversations in each place.")
def main(delay_ms: float, levels: tuple[int, ...], rounds: int) -> None:
    rows: list[Measured] = []
    with provider_process(delay_ms) as base_url:
        for level in levels:
            for name in CLIENTS:
                work = measure(name, base_url, conversations=rounds * level, concurrency=level, delay_s=delay_ms / 1000)
                rows.append(asyncio.run(work))
    print_table(rows)


if __name__ == "__main__":
    main()
