"""Tokens of the HTTP interface: shown once when they are made, kept only as a hash."""

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from jobs.errors import RequestError
from jobs.model import WorkspaceId
from jobs.ports import Clock
from jobs.redact import register_secret
from jobs.shelf import unknown
from jobs.store import Store
from jobs.store.tokens import ApiToken

Scope = Literal["feedback", "assignment", "actions"]
SCOPES: tuple[Scope, ...] = ("feedback", "assignment", "actions")

PREFIX = "cvt"
_FORM = re.compile(rf"{PREFIX}_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{43}})")
USUAL_LIFE = timedelta(days=365)
LONGEST_LIFE = timedelta(days=3650)
USUAL_PER_MINUTE = 600
MOST_PER_MINUTE = 100_000
MOST_PACED = 10_000


class TokenError(RequestError):
    """A token that opens nothing."""


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token and, this once, its text."""

    token: ApiToken
    text: str


async def create_token(
    name: str,
    *,
    store: Store,
    clock: Clock,
    workspace_id: WorkspaceId,
    scopes: Sequence[Scope] = ("feedback",),
    life: timedelta | None = USUAL_LIFE,
    per_minute: int = USUAL_PER_MINUTE,
) -> NewToken:
    """A token for the workspace; ``life`` None = until it is revoked.

    Raises:
        RequestError: a token of that name is in use, or a number makes no sense.
    """
    if life is not None and not timedelta() < life <= LONGEST_LIFE:
        raise RequestError(f"a token lives at most {LONGEST_LIFE.days} days")
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        raise RequestError(f"a token may make 1 to {MOST_PER_MINUTE} requests a minute, not {per_minute}")
    now, others = clock.now(), await store.tokens.all(workspace_id)
    if any(each.name == name and is_usable(each, clock) for each in others):
        raise RequestError(f"there is a token named {name!r} already; revoke it first, or take another name")
    token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    token = ApiToken(
        id=token_id,
        workspace_id=workspace_id,
        name=name,
        hash=_hash(secret),
        scopes=tuple(dict.fromkeys(scopes)),
        per_minute=per_minute,
        created_at=now,
        expires_at=now + life if life is not None else None,
    )
    await store.tokens.add(token)
    text = f"{PREFIX}_{token_id}_{secret}"
    return NewToken(token=token, text=text)


async def revoke_token(named: str, *, store: Store, clock: Clock, workspace_id: WorkspaceId | None) -> ApiToken:
    """Revokes the token with that id or name; from the next request on it opens nothing.

    Raises:
        RequestError: there is none, or several have that name.
    """
    tokens = [each for each in await store.tokens.all(workspace_id) if each.revoked_at is None]
    found = [each for each in tokens if named in (each.id, each.name)]
    if not found:
        raise RequestError(unknown("token", named, {each.name for each in tokens}))
    if len(found) > 1:
        raise RequestError(f"several tokens are named {named!r}; say which: {', '.join(each.id for each in found)}")
    now = clock.now()
    await store.tokens.revoke(found[0].id, now)
    return replace(found[0], revoked_at=now)


async def find_token(text: str, *, store: Store, clock: Clock) -> ApiToken:
    """The token that this text is.

    Raises:
        TokenError: it is none of ours, or no longer.
    """
    form = _FORM.fullmatch(text)
    token = await store.tokens.get(form[1]) if form else None
    if form is None or token is None or not hmac.compare_digest(token.hash, _hash(form[2])):
        raise TokenError("the token is not known here; 'convotest token create' makes one")
    register_secret(text)
    if token.revoked_at is not None:
        raise TokenError(f"the token {token.name!r} was revoked on {token.revoked_at:%Y-%m-%d}")
    if not is_usable(token, clock):
        raise TokenError(f"the token {token.name!r} expired on {token.expires_at:%Y-%m-%d}")
    return token


def is_usable(token: ApiToken, clock: Clock) -> bool:
    return token.revoked_at is None and (token.expires_at is None or clock.now() < token.expires_at)


def state_of(token: ApiToken, clock: Clock) -> Literal["usable", "revoked", "expired"]:
    return "usable" if is_usable(token, clock) else "revoked" if token.revoked_at else "expired"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()  # 256 random bits: nothing slower is needed


class Pace:
    """How fast somebody goes: a bucket that holds a minute's worth and fills steadily.

    It is of this process: with several, each allows as much.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str, per_minute: int) -> float:
        """0.0 and one is taken, or the seconds until there is one again."""
        now = self._clock.monotonic()
        left, seen = self._buckets.pop(who, (float(per_minute), now))
        left = min(float(per_minute), left + (now - seen) * per_minute / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / per_minute
        self._buckets[who] = (left if wait else left - 1, now)
        while len(self._buckets) > MOST_PACED:
            self._buckets.popitem(last=False)
        return wait
