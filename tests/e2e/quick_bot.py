"""`python -m bot serve` at a pace for tests: only the waiting for Slack's limits and for dead workers is shorter."""

import asyncio
import logging
from datetime import timedelta

import jobs.engine
from bot.outbox import Pace
from bot.wiring import asked_to_stop, serving
from jobs.logs import configure_logging
from jobs.settings import load_settings
from jobs.wiring import open_ports

PACE = Pace(message_s=0.02, burst=10, edit_s=0.2, edit_per_run_s=0.1, look_after_s=1.5, poll_s=0.1)
logger = logging.getLogger(__name__)


async def main() -> None:
    jobs.engine.HEARTBEAT = timedelta(seconds=0.2)
    jobs.engine.SILENT_AFTER = timedelta(seconds=1.5)
    settings = load_settings()
    configure_logging(settings.convotest_log_level)
    async with open_ports(settings, role="player") as ports, serving(ports, pace=PACE) as bot:
        logger.info("convotest serves over signed HTTP, port %s", bot.port)
        await asked_to_stop()


if __name__ == "__main__":
    asyncio.run(main())
