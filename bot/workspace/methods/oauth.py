"""Installing the app into a workspace: a code becomes a token, a refresh token a fresh one."""

import base64
import binascii
import hmac

from ..core import Core
from ..errors import SlackError
from ..state import APP_ID, BOT_USER, Json
from ..web_api import SCOPES, Call, Method


def credentials(call: Call) -> tuple[str, str]:
    """Client id and secret from the Basic header or the form."""
    if basic := call.get("basic"):
        try:
            client_id, _, secret = base64.b64decode(basic).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise SlackError("invalid_client_id") from error
        return client_id, secret
    return str(call.get("client_id") or ""), str(call.get("client_secret") or "")


async def access(call: Call) -> Json:
    client_id, secret = credentials(call)
    if client_id != call.core.client_id:
        raise SlackError("invalid_client_id")
    if not hmac.compare_digest(secret, call.core.client_secret):
        raise SlackError("bad_client_secret")
    if call.get("grant_type") == "refresh_token":
        return granted(call.core, refreshed_team(call.core, str(call.get("refresh_token") or "")), "U0ADA")
    installer = call.core.codes.pop(str(call.get("code") or ""), None)
    if installer is None:
        raise SlackError("invalid_code")
    return granted(call.core, *installer)


def refreshed_team(core: Core, refresh: str) -> str:
    token = core.tokens.get(refresh)
    if token is None or token.kind != "refresh" or token.revoked:
        raise SlackError("invalid_refresh_token")
    token.revoked = True  # a refresh token serves once
    core.save_token(refresh, token)
    return token.team


def granted(core: Core, team_id: str, installer: str) -> Json:
    token, rotation = core.new_bot_token(team_id)
    return {
        "app_id": APP_ID,
        "authed_user": {"id": installer},
        "scope": SCOPES,
        "token_type": "bot",
        "access_token": token,
        "bot_user_id": BOT_USER,
        "team": {"id": team_id, "name": core.teams[team_id].name},
        "enterprise": None,
        "is_enterprise_install": False,
        **rotation,
    }


METHODS = {"oauth.v2.access": Method(run=access, needs="nothing")}
