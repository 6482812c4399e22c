"""What the terminal's commands on the store share; nothing heavy is imported before a command needs it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    import asyncio
    from datetime import timedelta

    from jobs.ports import Clock
    from jobs.settings import Settings
    from jobs.store import Store

T = TypeVar("T")
WORKSPACE = "local"
"""That of everything which is started in a terminal."""

as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
into_workspace = click.option(
    "--workspace", default=WORKSPACE, metavar="ID", help="The workspace it belongs to; default: this terminal's."
)
of_workspace = click.option("--workspace", metavar="ID", help="Only that workspace; default: all of this database.")


def parse_period(text: str) -> "timedelta":
    """``90d``, ``12h`` or ``2w`` as a duration; raises RequestError."""
    from datetime import timedelta

    from jobs.errors import RequestError

    number, unit = text[:-1], text[-1:]
    hours = {"h": 1, "d": 24, "w": 168}.get(unit)
    if hours is None or not (number.isascii() and number.isdecimal()) or len(number) > 5 or not int(number):
        raise RequestError(f"{text!r} is no period; write 7d, 12h or 2w")
    return timedelta(hours=hours * int(number))


def prepare() -> "Settings":
    """The settings, with logs on stderr; a terminal's command is quiet unless a level was asked for."""
    from jobs.logs import configure_logging
    from jobs.redact import register_secrets
    from jobs.settings import load_settings

    settings = load_settings()
    register_secrets(settings)
    asked_for = "convotest_log_level" in settings.model_fields_set
    configure_logging(settings.convotest_log_level if asked_for else "WARNING")
    return settings


async def with_store(work: "Callable[[Store, Clock], Awaitable[T]]") -> T:
    """What the work returns on this terminal's database, with logs on stderr."""
    from jobs.clock import SystemClock
    from jobs.store import open_store

    settings, clock = prepare(), SystemClock()
    async with open_store(settings.convotest_database_url, clock) as store:
        return await work(store, clock)


def on_interrupt() -> "asyncio.Event":
    """An event that the first Ctrl-C sets; the second one ends the process as usual."""
    import asyncio
    import signal

    event, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        event.set()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
        click.echo("convotest: stopping; what is finished is kept (Ctrl-C again: leave at once)", err=True)

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    return event


def complain(notes: list[str]) -> None:
    """Remarks on stderr, each on one line and without what may not be shown."""
    from jobs.redact import redact
    from jobs.report.as_text import printable

    for note in notes:
        click.echo(f"convotest: {printable(redact(note))}".replace("\n", " "), err=True)
