"""What every test may use: databases of both kinds, and no way to reach a real model."""

import os
import uuid
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

import jobs.redact

POSTGRES = os.environ.get("CONVOTEST_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")

os.environ["CONVOTEST_FORBID_REAL_MODELS"] = "1"
for name in list(os.environ):
    ours = name.startswith("CONVOTEST_") and name not in ("CONVOTEST_FORBID_REAL_MODELS", "CONVOTEST_TEST_POSTGRES")
    if ours or name.startswith(("SLACK_", "OPENAI_")):
        del os.environ[name]  # a developer's own settings must not leak into the tests


def _postgres_answers() -> bool:
    try:
        with create_engine(
            _driver(POSTGRES), poolclass=NullPool, connect_args={"connect_timeout": 2}
        ).connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """A PostgreSQL that answers; without one the tests that need it say that they skip."""
    if not _postgres_answers():
        pytest.skip(f"no PostgreSQL answers at {POSTGRES}; set CONVOTEST_TEST_POSTGRES to one that may be written")
    return POSTGRES


@pytest.fixture
def postgres_url(postgres_server: str) -> Generator[str]:
    """A database of this test's own, dropped afterwards."""
    name = f"convotest_{uuid.uuid4().hex[:12]}"
    admin = create_engine(_driver(postgres_server), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield postgres_server.rsplit("/", 1)[0] + "/" + name
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same test on both databases."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'convotest.db'}"


@pytest.fixture(autouse=True)
def secrets_of_this_test_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test registers as a secret must not be redacted in the next one's texts."""
    monkeypatch.setattr(jobs.redact, "_literals", set[str]())
