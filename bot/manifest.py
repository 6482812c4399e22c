"""The app manifest: what Slack must be told about convotest, ready to be pasted at api.slack.com/apps."""

from typing import Any
from urllib.parse import urlsplit

from jobs.errors import RequestError

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",  # with groups:history: to look whether a message of ours arrived after all
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "reactions:read",
    "reactions:write",
    "users:read",
)
EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "assistant_thread_context_changed",
    "assistant_thread_started",
    "message.im",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)
LONG_DESCRIPTION = (
    "convotest plays customers against your assistant, as many as you like, and tells you here what went wrong. "
    "Type /convotest run and the name of a profile: a card shows the progress, its thread gets one message a "
    "conversation with the outcome and the reason in plain words, and at the end a summary with a chart. "
    "Rate conversations, compare variants and approve improvements where your team already talks."
)


RUN_SHORTCUT, KEEP_SHORTCUT, CASE_SHORTCUT = "run_test", "keep_example", "make_case"


def app_manifest(public_url: str | None) -> dict[str, Any]:
    """The manifest for signed HTTP at ``public_url``, or for Socket Mode when there is none.

    Raises:
        RequestError: the address is none that Slack would call.
    """
    base = _base(public_url) if public_url else None
    events_url = {"request_url": f"{base}/slack/events"} if base else {}
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "convotest",
            "description": "Simulated customers for your assistant, scored and discussed right here.",
            "long_description": LONG_DESCRIPTION,
            "background_color": "#1f2a44",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "convotest", "always_online": True},
            "shortcuts": [
                {
                    "name": "Run a test",
                    "type": "global",
                    "callback_id": RUN_SHORTCUT,
                    "description": "Play simulated customers against your assistant",
                },
                {
                    "name": "Keep as example",
                    "type": "message",
                    "callback_id": KEEP_SHORTCUT,
                    "description": "Keep an assistant's answer to learn from",
                },
                {
                    "name": "Turn into test case",
                    "type": "message",
                    "callback_id": CASE_SHORTCUT,
                    "description": "Put this conversation into the thread as a test case",
                },
            ],
            "slash_commands": [_command(base)],
            "assistant_view": {
                "assistant_description": "Ask your assistant and rate its answers, or start a run.",
                "suggested_prompts": [
                    {"title": "Start a run", "message": "run pizza n=10"},
                    {"title": "How did the last run go?", "message": "show last"},
                ],
            },
        },
        "oauth_config": {
            "scopes": {"bot": list(SCOPES)},
            **({"redirect_urls": [f"{base}/slack/oauth_redirect"]} if base else {}),
        },
        "settings": {
            "event_subscriptions": {**events_url, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **events_url},
            "org_deploy_enabled": False,
            "socket_mode_enabled": base is None,
            "token_rotation_enabled": False,
        },
    }


def _command(base: str | None) -> dict[str, Any]:
    return {
        "command": "/convotest",
        **({"url": f"{base}/slack/events"} if base else {}),
        "description": "Test your assistant with simulated customers",
        "usage_hint": "run pizza n=20 · status · show last · help",
        "should_escape": True,  # members and channels then arrive as ids; a plain @name is no identity
    }


def _base(public_url: str) -> str:
    parts = urlsplit(public_url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise RequestError(
            f"Slack cannot call {public_url!r}; give the address that the bot is reached at, "
            "for example https://convotest.example.com, or none at all for Socket Mode"
        )
    return public_url.rstrip("/")
