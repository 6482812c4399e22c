"""A gate in real minutes: two runs behind one gate, and what the provider's own books say of it.

``python -m tests.benchmarks.bench_gate --minutes 3`` never goes beyond 127.0.0.1.
"""

import asyncio
from collections import Counter

import click

from jobs.budget import Budget
from jobs.chat_model import ChatRequest, Endpoint, GateLimits, PricedChatModel, Providers
from jobs.chat_model.loopback import LoopbackProvider
from jobs.clock import SystemClock
from jobs.pricing import Prices


async def play(*, minutes: float, at_once: int, per_minute: int, delay_s: float) -> None:
    clock, served = SystemClock(), Counter[str]()
    async with LoopbackProvider(delay_s=delay_s) as server:
        providers = Providers(client="lean", clock=clock)
        limits = GateLimits(concurrency=at_once, per_minute=per_minute)
        provider = providers.provider(Endpoint(base_url=server.base_url), limits)

        async def customer(line: str) -> None:
            model = PricedChatModel(provider, line=line, budget=Budget(None), prices=Prices(), clock=clock)
            request = ChatRequest(model="tiny", messages=({"role": "user", "content": line},), role="simulator")
            while True:
                await model.complete(request, deadline_s=60)
                served[line] += 1

        customers = [asyncio.ensure_future(customer("long")) for _ in range(200)]
        customers += [asyncio.ensure_future(customer("short")) for _ in range(10)]
        await asyncio.sleep(60 * minutes)
        for each in customers:
            each.cancel()
        await asyncio.gather(*customers, return_exceptions=True)
        await providers.close()
    ledger = server.ledger
    click.echo(f"calls {ledger.calls}, {ledger.calls / (minutes * per_minute):.1%} of {per_minute} a minute")
    click.echo(f"busiest 60 s {ledger.busiest_minute}, most at once {ledger.most_in_flight} of {at_once}")
    click.echo(f"200 customers of the long run were served {served['long']} times, 10 of the short {served['short']}")


@click.command()
@click.option("--minutes", default=3.0, show_default=True)
@click.option("--at-once", default=20, show_default=True)
@click.option("--per-minute", default=300, show_default=True)
@click.option("--delay-ms", default=500.0, show_default=True, help="How long the provider takes for every answer.")
def main(minutes: float, at_once: int, per_minute: int, delay_ms: float) -> None:
    asyncio.run(play(minutes=minutes, at_once=at_once, per_minute=per_minute, delay_s=delay_ms / 1000))


if __name__ == "__main__":
    main()
