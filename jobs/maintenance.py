"""What every installation does for its database by itself: it gives back what is free, and forgets old digests."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from datetime import timedelta

from sqlalchemy import create_engine, text

from jobs.bundle import Ports
from jobs.schedule.use_case import SystemJob
from jobs.store.database import parse_database_url

log = logging.getLogger(__name__)

TOLD_FOR = timedelta(days=400)
"""Digests and incidents that are over are kept so long, or for as long as feedback is, if that is shorter."""
FREE_SHARE = 0.25
"""Of the pages of a SQLite file, from which it is written anew without them."""
LARGEST_BYTES = 500_000_000
"""A larger SQLite file is not written anew: nobody could write to it meanwhile."""


async def tidy(ports: Ports) -> None:
    """Once a week; doing it again changes nothing."""
    days = ports.settings.convotest_retention_days
    kept = min(TOLD_FOR, timedelta(days=days)) if days else TOLD_FOR
    gone = await ports.store.incidents.forget_before(ports.clock.now() - kept)
    freed = await asyncio.to_thread(vacuum, ports.store.database_url)
    log.info("tidied: %d digests and incidents are gone, %s", gone, freed)


def vacuum(database_url: str) -> str:
    """Gives free space back and refreshes what the planner knows; returns what was done, in words."""
    url = parse_database_url(database_url)
    if url.get_backend_name() == "sqlite":
        return _vacuum_sqlite(url.database or "")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("VACUUM (ANALYZE)"))  # beside readers and writers
    finally:
        engine.dispose()
    return "the database was vacuumed"


def _vacuum_sqlite(path: str) -> str:
    # a connection of its own, outside of any transaction: VACUUM is refused in one
    with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection:
        connection.execute("PRAGMA optimize")
        pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in
                             ("page_count", "freelist_count", "page_size"))  # fmt: skip
        if free < FREE_SHARE * pages:
            return f"{free} of {pages} pages are free, which is not worth a rewrite"
        if pages * size > LARGEST_BYTES:
            return f"{free} of {pages} pages are free; the file is too large to be rewritten while it is in use"
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError as error:  # somebody else writes just now; next week is soon enough
            return f"the file could not be rewritten ({error})"
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return f"{free} free pages were given back"


TIDY = SystemJob(name="tidy", run=tidy, cron="45 3 * * sun")
