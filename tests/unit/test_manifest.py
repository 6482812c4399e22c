"""The manifest asks for what convotest uses, and Slack accepts it."""

import re
from typing import Any

import pytest

from bot.manifest import app_manifest
from jobs.errors import RequestError

URL = "https://convotest.example.com"


@pytest.mark.parametrize("url", [None, URL])
def test_every_text_fits_slacks_limits(url: str | None) -> None:
    manifest = app_manifest(url)
    shown: dict[str, Any] = manifest["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 174 <= len(shown["long_description"]) <= 4000  # the directory refuses shorter ones
    assert re.fullmatch(r"#[0-9a-f]{6}", shown["background_color"])
    assert re.fullmatch(r"[a-z0-9-_.]{1,80}", manifest["features"]["bot_user"]["display_name"])
    for command in manifest["features"]["slash_commands"]:
        assert re.fullmatch(r"/[a-z0-9_-]{1,31}", command["command"])
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
    assert len(manifest["settings"]["event_subscriptions"]["bot_events"]) <= 100
    prompts = manifest["features"]["assistant_view"]["suggested_prompts"]
    assert len(prompts) <= 4


def test_with_an_address_slack_calls_it() -> None:
    manifest = app_manifest(URL + "/")
    assert manifest["settings"]["socket_mode_enabled"] is False
    assert manifest["settings"]["event_subscriptions"]["request_url"] == f"{URL}/slack/events"
    assert manifest["settings"]["interactivity"]["request_url"] == f"{URL}/slack/events"
    assert manifest["features"]["slash_commands"][0]["url"] == f"{URL}/slack/events"
    assert manifest["oauth_config"]["redirect_urls"] == [f"{URL}/slack/oauth_redirect"]


def test_without_an_address_it_is_socket_mode_and_names_no_address() -> None:
    manifest = app_manifest(None)
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "http" not in str(manifest)


def test_an_address_that_slack_cannot_call_is_refused() -> None:
    for url in ("http://convotest.example.com", "convotest.example.com", "https://", f"{URL}/?a=b"):
        with pytest.raises(RequestError, match="Socket Mode"):
            app_manifest(url)


def test_it_asks_for_no_more_than_convotest_uses() -> None:
    manifest = app_manifest(None)
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    events = set(manifest["settings"]["event_subscriptions"]["bot_events"])
    assert {"commands", "chat:write", "reactions:read", "files:write", "channels:history"} <= scopes
    assert "chat:write.public" not in scopes  # without membership no reaction arrives and nothing can be looked up
    assert "message.channels" not in events
    needed = {"reaction_added": "reactions:read", "app_mention": "app_mentions:read", "message.im": "im:history"}
    assert all(scope in scopes for event, scope in needed.items() if event in events)
