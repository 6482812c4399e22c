"""Looks at everything that convotest needs and says of each whether it is there, and how to get it."""

import asyncio
import os
import platform
import re
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr, ValidationError
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import SQLAlchemyError

from jobs.assistants.catalogue import Catalogue, config_problems, environment_names, load_catalogue
from jobs.errors import ConvotestError
from jobs.profiles import check_paths
from jobs.redact import redact, register_secrets
from jobs.settings import Settings, invalid_settings
from jobs.store.database import MIGRATIONS, parse_database_url

Status = Literal["ok", "warning", "problem"]
SlackIdentity = Callable[[str, str], Awaitable[str]]
"""From a bot token and the API's address: as whom Slack knows us. Raises ConvotestError when Slack refuses."""

SLACK_TIMEOUT_S = 10
DATABASE_TIMEOUT_S = 10
OLDEST_SQLITE = (3, 35, 0)
YOUR_APP = "api.slack.com/apps → your app"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at; ``fix`` says how to get it, empty when there is nothing to do."""

    subject: str
    status: Status
    message: str
    fix: str = ""

    def to_json(self) -> dict[str, str | None]:
        return {"subject": self.subject, "status": self.status, "message": self.message, "fix": self.fix or None}


async def examine(
    *, slack_identity: SlackIdentity | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Finding, ...]:
    """Every finding, in the order of reading. Nothing is changed and no secret is shown."""
    settings, invalid = _read_settings()
    register_secrets(settings)
    findings = [*_runtime(), *invalid]
    named = {each.subject for each in invalid}
    findings += [each for each in _settings(settings) if each.subject not in named]
    findings += [each async for each in _slack_answers(settings, slack_identity)]
    findings.append(await _database(settings.convotest_database_url))
    findings += await asyncio.to_thread(lambda: [*_files(settings.profiles_dir, environment), _port(settings)])
    return tuple(findings)


def exit_code(findings: tuple[Finding, ...]) -> int:
    """3 when something that is needed is missing or broken, else 0."""
    return 3 if any(each.status == "problem" for each in findings) else 0


def _read_settings() -> tuple[Settings, list[Finding]]:
    """The settings, bad ones at their defaults, and a finding for each bad one."""
    try:
        return Settings(), []
    except ValidationError as error:
        invalid = invalid_settings(error)
    fields = Settings.model_fields
    defaults: dict[str, Any] = {name.lower(): fields[name.lower()].get_default() for name in invalid}
    findings = [
        Finding(subject=name, status="problem", message=f"its value is not usable: {message}", fix="correct it")
        for name, message in invalid.items()
    ]
    return Settings(**defaults), findings


def _runtime() -> Iterator[Finding]:
    enough = sys.version_info >= (3, 11)
    yield Finding(
        subject="Python",
        status="ok" if enough else "problem",
        message=platform.python_version(),
        fix="" if enough else "install Python 3.11 or newer",
    )
    enough = sqlite3.sqlite_version_info >= OLDEST_SQLITE
    yield Finding(
        subject="SQLite",
        status="ok" if enough else "problem",
        message=sqlite3.sqlite_version,
        fix="" if enough else "use a Python built with SQLite 3.35 or newer, or PostgreSQL",
    )


# --- settings -------------------------------------------------------------------------------------------------------


def _settings(settings: Settings) -> Iterator[Finding]:
    yield from _slack(settings)
    yield from _models(settings)
    yield from _server(settings)
    yield from _limits(settings)


def _slack(settings: Settings) -> Iterator[Finding]:
    several = settings.slack_client_id is not None
    yield _secret(
        "SLACK_BOT_TOKEN",
        settings.slack_bot_token,
        shape=r"xoxb-[\w-]{10,}",
        how=f"{YOUR_APP} → OAuth & Permissions → Bot User OAuth Token, which begins with xoxb-",
        needed="" if several else "'serve' needs it ('demo' and the terminal do not)",
    )
    yield _secret(
        "SLACK_SIGNING_SECRET",
        settings.slack_signing_secret,
        shape=r"[0-9a-f]{32,64}",
        how=f"{YOUR_APP} → Basic Information → App Credentials → Signing Secret",
        needed="" if settings.slack_app_token else "'serve' needs it, or SLACK_APP_TOKEN for Socket Mode",
    )
    yield _secret(
        "SLACK_APP_TOKEN",
        settings.slack_app_token,
        shape=r"xapp-[\w-]{10,}",
        how=f"{YOUR_APP} → Basic Information → App-Level Tokens with the scope connections:write",
    )
    alone = several != (settings.slack_client_secret is not None)
    how = f"{YOUR_APP} → Basic Information → App Credentials; set both, for several workspaces, or none"
    yield _plain("SLACK_CLIENT_ID", settings.slack_client_id, wrong="set without the other" if alone else "", how=how)
    yield _secret("SLACK_CLIENT_SECRET", settings.slack_client_secret, shape=r"[0-9a-f]{32,64}", how=how)
    yield _address("SLACK_API_URL", settings.slack_api_url, how="leave it unset for Slack itself")


def _models(settings: Settings) -> Iterator[Finding]:
    has_provider = bool(settings.openai_api_key or settings.openai_base_url)
    yield _secret(
        "OPENAI_API_KEY",
        settings.openai_api_key,
        shape=r"\S+" if settings.openai_base_url else r"sk-[\w-]{10,}",
        how="platform.openai.com/api-keys, begins with sk-; another provider needs OPENAI_BASE_URL too",
    )
    yield _address("OPENAI_BASE_URL", settings.openai_base_url, how="for example https://api.openai.com/v1")
    wanted = settings.convotest_simulator
    yield _plain(
        "CONVOTEST_SIMULATOR",
        wanted,
        wrong="'llm' has no model to call" if wanted == "llm" and not has_provider else "",
        how="set OPENAI_API_KEY or OPENAI_BASE_URL, or use CONVOTEST_SIMULATOR=agenda, which needs neither",
    )
    for name in ("CONVOTEST_SIMULATOR_MODEL", "CONVOTEST_JUDGE_MODEL"):
        model = getattr(settings, name.lower())
        unused = bool(model) and not has_provider
        yield _plain(
            name, model, odd="no provider to ask" if unused else "", how="set OPENAI_API_KEY or OPENAI_BASE_URL"
        )
    yield _plain("CONVOTEST_CHAT_CLIENT", settings.convotest_chat_client)


def _server(settings: Settings) -> Iterator[Finding]:
    yield _plain("CONVOTEST_HOST", settings.convotest_host)
    yield _plain("CONVOTEST_PORT", settings.convotest_port)
    public = settings.convotest_public_url
    yield _plain(
        "CONVOTEST_PUBLIC_URL",
        public,
        odd="Slack calls https only" if public and not public.startswith("https://") else "",
        how="the address that Slack reaches 'serve' at, for example https://convotest.example.com",
    )
    url = settings.convotest_database_url
    yield _plain("CONVOTEST_DATABASE_URL", redact(url))
    yield _plain("CONVOTEST_PROFILES", str(settings.profiles_dir))
    yield _plain("CONVOTEST_LOG_LEVEL", settings.convotest_log_level)
    yield _secret(
        "CONVOTEST_SECRET_KEY",
        settings.convotest_secret_key,
        shape=r"\S{32,}",
        how="make one with: openssl rand -hex 32",
        needed="it encrypts the tokens of several workspaces" if settings.slack_client_id else "",
    )


def _limits(settings: Settings) -> Iterator[Finding]:
    yield _plain("CONVOTEST_CONCURRENCY", settings.convotest_concurrency)
    yield _plain("CONVOTEST_MAX_CONVERSATIONS", settings.convotest_max_conversations)
    budget = settings.convotest_budget_usd
    yield _plain(
        "CONVOTEST_BUDGET_USD",
        budget,
        odd="nothing that costs money can run" if budget == 0 else "",
        how="a number of dollars, or unset for no limit",
    )
    approvers = settings.convotest_approvers
    strange = [each for each in approvers if not re.fullmatch(r"[UW][A-Z0-9]{5,}", each)]
    yield _plain(
        "CONVOTEST_APPROVERS",
        " ".join(approvers) or None,
        wrong=f"no member ids: {', '.join(strange)}" if strange else "",
        odd="" if approvers else "not set; the admins of a workspace approve",
        how="member ids such as U012AB3CD, separated by spaces (in Slack: profile → ⋮ → Copy member ID)",
    )
    yield _plain("CONVOTEST_QUORUM", settings.convotest_quorum)
    yield _plain("CONVOTEST_ROLLOUT_HOURS", settings.convotest_rollout_hours)
    yield _plain("CONVOTEST_REACTIONS", settings.convotest_reactions)
    yield _plain("CONVOTEST_JUDGE_FLOOR", settings.convotest_judge_floor)
    yield _plain("CONVOTEST_RETENTION_DAYS", settings.convotest_retention_days)
    functions = settings.convotest_list_functions
    yield _plain(
        "CONVOTEST_LIST_FUNCTIONS",
        functions,
        odd="Python files that profiles name are executed" if functions == "on" else "",
        how="set it to off unless you trust whoever writes profiles",
    )


def _secret(name: str, value: SecretStr | None, *, shape: str, how: str, needed: str = "") -> Finding:
    if value is None:
        if needed:
            return Finding(subject=name, status="warning", message=f"not set; {needed}", fix=how)
        return Finding(subject=name, status="ok", message="not set")
    if not re.fullmatch(shape, value.get_secret_value()):
        return Finding(subject=name, status="problem", message="set, but it does not look like one", fix=how)
    return Finding(subject=name, status="ok", message="set")


def _plain(name: str, value: object, *, wrong: str = "", odd: str = "", how: str = "") -> Finding:
    shown = "not set" if value is None else str(value)
    if wrong or odd:
        message = wrong or odd
        return Finding(
            subject=name,
            status="problem" if wrong else "warning",
            message=message if message.startswith(shown) else f"{shown}; {message}",
            fix=how,
        )
    return Finding(subject=name, status="ok", message=shown)


def _address(name: str, value: str | None, *, how: str) -> Finding:
    parts = urlsplit(value or "")
    usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    shown = redact(value) if value else None
    return _plain(name, shown, wrong="" if usable or value is None else "not an address", how=how)


# --- the world ------------------------------------------------------------------------------------------------------


async def _slack_answers(settings: Settings, identity: SlackIdentity | None) -> AsyncIterator[Finding]:
    token = settings.slack_bot_token
    if identity is None or token is None:
        return
    how = f"{YOUR_APP} → OAuth & Permissions → reinstall the app and copy its Bot User OAuth Token"
    try:
        async with asyncio.timeout(SLACK_TIMEOUT_S):
            known_as = await identity(token.get_secret_value(), settings.slack_api_url)
    except (ConvotestError, TimeoutError, OSError) as error:
        reason = redact(str(error)) or f"no answer within {SLACK_TIMEOUT_S} s"
        yield Finding(subject="Slack", status="problem", message=reason, fix=how)
    else:
        yield Finding(subject="Slack", status="ok", message=known_as)


async def _database(configured: str) -> Finding:
    try:
        url = parse_database_url(configured)
        async with asyncio.timeout(DATABASE_TIMEOUT_S):
            status, message, fix = await asyncio.to_thread(_look_into_database, url)
    except (ConvotestError, SQLAlchemyError, TimeoutError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0] or "no answer"
        status, message, fix = "problem", redact(reason), "correct CONVOTEST_DATABASE_URL, or start the database"
    return Finding(subject="database", status=status, message=message, fix=fix)


def _look_into_database(url: URL) -> tuple[Status, str, str]:
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        if not path.exists():
            return _room_for(path)
        if not os.access(path, os.W_OK):
            return "problem", f"{str(path)!r} cannot be written", "change its owner or its permissions"
        url = url.set(drivername="sqlite")
    timeout = {"timeout": 5} if url.get_backend_name() == "sqlite" else {"connect_timeout": 5}
    engine = create_engine(url, connect_args=timeout)
    try:
        with engine.connect() as connection:
            return _look_into_schema(connection)
    finally:
        engine.dispose()


def _room_for(path: Path) -> tuple[Status, str, str]:
    folder = path.absolute().parent
    if folder.is_dir() and os.access(folder, os.W_OK):
        return "ok", f"{str(path)!r} is not there yet; it is made when it is needed", ""
    return "problem", f"{str(folder)!r} is no folder that can be written", "make it, or change CONVOTEST_DATABASE_URL"


def _look_into_schema(connection: Connection) -> tuple[Status, str, str]:
    name = connection.dialect.name
    if name == "postgresql" and connection.scalar(text("SHOW transaction_read_only")) == "on":
        return "problem", "it can be read, not written", "connect to the primary, with a role that may write"
    current = MigrationContext.configure(connection).get_current_revision()
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if current == newest:
        return "ok", f"{name}, reachable and up to date", ""
    state = "empty" if current is None else f"at schema {current}, this version has {newest}"
    return "warning", f"{name}, reachable, {state}", "run: convotest db upgrade (every start does it too)"


def _files(profiles_dir: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    if not profiles_dir.is_dir():
        missing = f"{str(profiles_dir)!r} is no folder"
        yield Finding(subject="profiles", status="problem", message=missing, fix="correct CONVOTEST_PROFILES")
        return
    checks = check_paths([profiles_dir], profiles_dir=profiles_dir)
    broken = [each.path for each in checks if not each.ok]
    profiles = sum(each.kind == "profile" and each.ok for each in checks)
    yield Finding(
        subject="profiles",
        status="warning" if broken or not profiles else "ok",
        message=f"{profiles} usable in {str(profiles_dir)!r}" + (f"; broken: {', '.join(broken)}" if broken else ""),
        fix="see what is wrong with: convotest check" if broken else "",
    )
    try:
        catalogue = load_catalogue(profiles_dir)
    except ConvotestError as error:
        yield Finding(subject="assistants", status="problem", message=str(error), fix="see: convotest check")
    else:
        yield from _assistants(catalogue, profiles_dir, environment)


def _assistants(catalogue: Catalogue, profiles_dir: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    if not catalogue.assistants:
        yield Finding(
            subject="assistants",
            status="warning",
            message="none to test",
            fix=f"describe one in {str(catalogue.path)!r}",
        )
    for variant in (each for assistant in catalogue.assistants for each in assistant.variants.values()):
        problems = config_problems(variant, profiles_dir)
        unset = [name for name in environment_names(variant.config) if not environment.get(name)]
        yield Finding(
            subject=variant.label,
            status="problem" if problems else "warning" if unset else "ok",
            message="; ".join(problems)
            or (f"{', '.join(unset)} not set" if unset else f"connector {variant.connector}"),
            fix=f"correct it in {str(catalogue.path)!r}"
            if problems
            else "put it into the environment"
            if unset
            else "",
        )


def _port(settings: Settings) -> Finding:
    host, port = settings.convotest_host, settings.convotest_port
    subject = f"port {port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        message = f"cannot be opened on {host} ({error.strerror or error}); fine if it is convotest that listens there"
        return Finding(subject=subject, status="warning", message=message, fix="choose another CONVOTEST_PORT")
    return Finding(subject=subject, status="ok", message=f"free on {host}")
