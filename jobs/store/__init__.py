"""The store: everything that must survive a crash, on SQLite or PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from jobs.errors import ConfigurationError
from jobs.ports import Clock
from jobs.store.actions import Actions
from jobs.store.audit import Audit
from jobs.store.baselines import Baselines
from jobs.store.database import create_reader, create_writer, parse_database_url, upgrade
from jobs.store.deliveries import Deliveries, Delivery
from jobs.store.experiments import Experiments
from jobs.store.feedback import Feedback
from jobs.store.history import History
from jobs.store.imported import Imported
from jobs.store.incidents import Incidents
from jobs.store.live import LiveThreads
from jobs.store.operations import Operations
from jobs.store.outbox import Backlog, Outbox
from jobs.store.regressions import Regressions
from jobs.store.rollouts import Rollouts
from jobs.store.runs import PlannedConversation, Runs, Showing
from jobs.store.schedules import Schedules
from jobs.store.tokens import Tokens
from jobs.store.uploads import Uploads
from jobs.store.variants import Variants
from jobs.store.workers import Workers
from jobs.store.workspaces import Workspaces
from jobs.store.writer import Writer

__all__ = [
    "Audit",
    "Backlog",
    "Baselines",
    "Deliveries",
    "Delivery",
    "Experiments",
    "Feedback",
    "History",
    "Incidents",
    "LiveThreads",
    "Operations",
    "Outbox",
    "PlannedConversation",
    "Regressions",
    "Runs",
    "Schedules",
    "Showing",
    "Store",
    "Tokens",
    "Workspaces",
    "open_store",
]


@dataclass(frozen=True, kw_only=True)
class Store:
    """One repository a subject; they share one group-commit writer."""

    runs: Runs
    outbox: Outbox
    deliveries: Deliveries
    variants: Variants
    actions: Actions
    rollouts: Rollouts
    experiments: Experiments
    workers: Workers
    feedback: Feedback
    history: History
    incidents: Incidents
    operations: Operations
    tokens: Tokens
    audit: Audit
    workspaces: Workspaces
    live: LiveThreads
    schedules: Schedules
    baselines: Baselines
    regressions: Regressions
    imported: Imported
    uploads: Uploads
    writer: Writer
    database_url: str


@asynccontextmanager
async def open_store(database_url: str, clock: Clock) -> AsyncGenerator[Store]:
    """Migrate and open the database; on leaving, what is waiting is committed.

    Raises:
        ConfigurationError: the database cannot be reached or written.
    """
    url = parse_database_url(database_url)
    try:
        await asyncio.to_thread(upgrade, url)
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ConfigurationError(
            f"the database {url.render_as_string(hide_password=True)!r} cannot be used: {reason}"
        ) from error
    reader, engine = create_reader(url), create_writer(url)
    writer = Writer(engine)
    writer.start()
    try:
        async with reader.connect() as connection:
            await connection.execute(text("SELECT 1"))
        yield Store(
            runs=Runs(reader, writer, clock),
            outbox=Outbox(reader, writer, clock),
            deliveries=Deliveries(reader, writer, clock),
            variants=Variants(reader, writer, clock),
            actions=Actions(reader, writer, clock),
            rollouts=Rollouts(reader, writer, clock),
            experiments=Experiments(reader, writer, clock),
            workers=Workers(reader, writer, clock),
            feedback=Feedback(reader, writer, clock),
            history=History(reader, writer, clock),
            incidents=Incidents(reader, writer, clock),
            operations=Operations(reader, clock),
            tokens=Tokens(reader, writer),
            audit=Audit(reader, writer, clock),
            workspaces=Workspaces(reader, writer, clock),
            live=LiveThreads(reader, writer, clock),
            schedules=Schedules(reader, writer, clock),
            baselines=Baselines(reader, writer, clock),
            regressions=Regressions(reader, writer, clock),
            imported=Imported(reader, writer, clock),
            uploads=Uploads(reader, writer, clock),
            writer=writer,
            database_url=database_url,
        )
    finally:
        await writer.stop()
        engine.dispose()
        await reader.dispose()
