"""Alembic's entry: runs the migrations on the URL it is handed."""

from alembic import context
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from jobs.store import tables  # noqa: F401  (registers the tables)

ADVISORY_LOCK = 7_241_563


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Tables that slack_sdk's stores use have no model of ours; a new migration must not drop them."""
    return kind != "table" or not str(name).startswith("slack_")


def run() -> None:
    engine = create_engine(context.config.attributes["url"])
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # Several workers may start at once; the lock is released with the connection.
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()
        context.configure(
            connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True, include_name=is_ours
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


run()
