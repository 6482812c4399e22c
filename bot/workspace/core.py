"""What all parts of a running workspace share: time, journal, storage, teams, tokens and one-use secrets."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from .clock import Clock
from .errors import SlackError
from .faults import Faults
from .journal import Journal
from .limits import RateLimiter
from .state import Channel, Team
from .storage import Storage

Json = dict[str, Any]
TRIGGER_LIFETIME = timedelta(seconds=3)
RESPONSE_LIFETIME = timedelta(minutes=30)
RESPONSE_USES = 5
TOKEN_LIFETIME = timedelta(hours=12)


@dataclass(kw_only=True)
class Trigger:
    """Leave to open one modal for a person, within three seconds."""

    team: Team
    member: str
    expires: datetime
    view: str | None = None
    used: bool = False


@dataclass(kw_only=True)
class ResponseUrl:
    """Leave to answer a command or click, five times within thirty minutes."""

    team: Team
    channel: Channel
    member: str
    expires: datetime
    message_ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


@dataclass(kw_only=True)
class Token:
    """A credential of the bot in one team, or the app's own."""

    kind: Literal["bot", "app", "refresh"]
    team: str
    expires: datetime | None = None
    revoked: bool = False


@dataclass(kw_only=True)
class Core:
    """The shared parts; nothing here knows HTTP."""

    clock: Clock
    journal: Journal
    storage: Storage
    teams: dict[str, Team]
    limits: RateLimiter
    faults: Faults
    signing_secret: str
    command: str
    client_id: str
    client_secret: str
    token_rotation: bool
    commands: Sequence[Mapping[str, Any]] = ()
    shortcuts: Sequence[Mapping[str, Any]] = ()
    pinned: str | None = None
    base_url: str = ""
    closing: bool = False
    tokens: dict[str, Token] = field(default_factory=dict[str, Token])
    codes: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    triggers: dict[str, Trigger] = field(default_factory=dict[str, Trigger])
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict[str, ResponseUrl])

    def team_list(self) -> list[Json]:
        return [{"id": team.id, "name": team.name} for team in self.teams.values()]

    def announce_teams(self) -> None:
        self.journal.record({"type": "teams", "team": "*", "audience": None, "teams": self.team_list()})

    def _forget_old(self) -> None:
        """Drop one-use secrets that ran out an hour ago; both tables are in the order of their ends."""
        long_ago = self.clock.now() - timedelta(hours=1)
        for table in (self.triggers, self.response_urls):
            while table and next(iter(table.values())).expires < long_ago:
                del table[next(iter(table))]

    def new_trigger(self, team: Team, member: str, view: str | None = None) -> str:
        self._forget_old()
        key = f"{secrets.randbits(40)}.{secrets.randbits(40)}.{secrets.token_hex(16)}"
        self.triggers[key] = Trigger(team=team, member=member, expires=self.clock.now() + TRIGGER_LIFETIME, view=view)
        return key

    def use_trigger(self, team: Team, key: str) -> Trigger:
        """Spend a trigger.

        Raises:
            SlackError: `invalid_trigger_id`, `exchanged_trigger_id` (used before), `expired_trigger_id`.
        """
        trigger = self.triggers.get(key)
        if trigger is None or trigger.team is not team:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.clock.now() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger

    def new_response_url(
        self, team: Team, channel: Channel, member: str, message_ts: str | None = None, thread_ts: str | None = None
    ) -> str:
        key = secrets.token_hex(16)
        self.response_urls[key] = ResponseUrl(
            team=team,
            channel=channel,
            member=member,
            expires=self.clock.now() + RESPONSE_LIFETIME,
            message_ts=message_ts,
            thread_ts=thread_ts,
        )
        return f"{self.base_url}/response/{team.id}/{key}"

    def use_response_url(self, team: str, key: str) -> ResponseUrl:
        """Spend one use.

        Raises:
            SlackError: `invalid_url`, `expired_url`, `used_url`.
        """
        found = self.response_urls.get(key)
        if found is None or found.team.id != team:
            raise SlackError("invalid_url")
        if self.clock.now() > found.expires:
            raise SlackError("expired_url")
        if found.uses >= RESPONSE_USES:
            raise SlackError("used_url")
        found.uses += 1
        return found

    def new_bot_token(self, team: str) -> tuple[str, Json]:
        """A fresh bot token and what OAuth says about it: with rotation its lifetime and the refresh token."""
        if not self.token_rotation:
            token = f"xoxb-{team}-{secrets.token_hex(12)}"
            self.save_token(token, Token(kind="bot", team=team))
            return token, {}
        token, refresh = f"xoxe.xoxb-{team}-{secrets.token_hex(12)}", f"xoxe-{team}-{secrets.token_hex(12)}"
        self.save_token(token, Token(kind="bot", team=team, expires=self.clock.now() + TOKEN_LIFETIME))
        self.save_token(refresh, Token(kind="refresh", team=team))
        return token, {"expires_in": int(TOKEN_LIFETIME.total_seconds()), "refresh_token": refresh}

    def save_token(self, token: str, meaning: Token) -> None:
        self.tokens[token] = meaning
        expires = meaning.expires.isoformat() if meaning.expires else None
        body = {"kind": meaning.kind, "team": meaning.team, "expires": expires, "revoked": meaning.revoked}
        self.storage.put("token", meaning.team, token, body)

    def load_tokens(self) -> None:
        for team in self.teams:
            for token, body in self.storage.load("token", team):
                expires = datetime.fromisoformat(body["expires"]) if body["expires"] else None
                self.tokens[token] = Token(kind=body["kind"], team=team, expires=expires, revoked=body["revoked"])

    def identify(self, token: str) -> Token:
        """What a token stands for.

        Raises:
            SlackError: `not_authed`, `invalid_auth`, `token_revoked`, `token_expired`.
        """
        if not token:
            raise SlackError("not_authed")
        found = self.tokens.get(token)
        if found is None or found.kind == "refresh":
            raise SlackError("invalid_auth")
        if found.revoked:
            raise SlackError("token_revoked")
        if found.expires is not None and self.clock.now() > found.expires:
            raise SlackError("token_expired")
        return found
