"""Opening the database: engines, SQLite pragmas, migrations."""

from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, NullPool, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from jobs.errors import ConfigurationError

MIGRATIONS = Path(__file__).parent / "migrations"


def parse_database_url(text: str) -> URL:
    """The URL with its async driver; raises ConfigurationError for anything but SQLite files and PostgreSQL."""
    try:
        url = make_url(text)
    except Exception as error:
        raise ConfigurationError(
            "CONVOTEST_DATABASE_URL cannot be read; write sqlite:///convotest.db or postgresql://user@host/name"
        ) from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigurationError("CONVOTEST_DATABASE_URL needs a file for SQLite, e.g. sqlite:///convotest.db")
        return url.set(drivername="sqlite+aiosqlite")
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"CONVOTEST_DATABASE_URL: {backend!r} is not supported; use sqlite or postgresql")


def create_reader(url: URL) -> AsyncEngine:
    """The engine for reads."""
    options: dict[str, Any] = {"pool_size": 5}
    if url.get_backend_name() == "postgresql":
        options["pool_pre_ping"] = True
    return _create(url, begin=None, **options)


def create_writer(url: URL) -> Engine:
    """The engine of the group-commit writer: one connection, and on SQLite the write lock from the first statement."""
    engine = create_engine(_sync_url(url), **JSON_OPTIONS, pool_size=1, max_overflow=1)
    _prepare(engine, begin="BEGIN IMMEDIATE")
    return engine


def create_async_writer(url: URL) -> AsyncEngine:
    """The same for libraries that write by themselves."""
    return _create(url, begin="BEGIN IMMEDIATE", pool_size=1, max_overflow=1)


def _create(url: URL, *, begin: str | None, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, **JSON_OPTIONS, **options)
    _prepare(engine.sync_engine, begin=begin)
    return engine


def _prepare(engine: Engine, *, begin: str | None) -> None:
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def set_pragmas(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
            connection.isolation_level = None  # SQLAlchemy's own BEGIN below instead of the driver's
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA busy_timeout=10000")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
            connection.exec_driver_sql(begin or "BEGIN")


def _dump_json(value: object) -> str:
    return orjson.dumps(value).decode()


JSON_OPTIONS: Any = {"json_serializer": _dump_json, "json_deserializer": orjson.loads}


def upgrade(url: URL) -> None:
    """Bring the schema to this version; safe to call at every start and from several processes at once."""
    if _is_current(url):
        return
    from alembic import command  # here, because most starts do without it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = _sync_url(url)
    command.upgrade(config, "head")


def _is_current(url: URL) -> bool:
    """Whether the newest migration is in; asked without Alembic, which takes 0.2 s and 12 MB."""
    newest = max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    with create_engine(_sync_url(url), poolclass=NullPool).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars()) == [newest]


def _sync_url(url: URL) -> URL:
    return url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url
