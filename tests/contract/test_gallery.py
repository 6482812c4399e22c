"""Every kind of message with awkward data keeps Slack's limits, pings nobody and has something for screen readers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.blocks import Json, Message
from bot.gallery import Sample, samples
from bot.gallery.page import render_page, write_gallery
from bot.gallery.samples import DATA, KINDS, Data
from bot.workspace.block_kit import check_message_blocks, check_view, text_length

MOST_TEXT = 9_000
MOST_FALLBACK = 4_000
PING = re.compile(r"<(?:!|@|#|https?:)")
UNSEEN = re.compile("[\u0000-\u0008\u200b\u202a-\u202e\u2066-\u2069]")
ALL = list(samples())
AWKWARD = (
    *DATA.values(),
    *(Data(name=text, asked=text, answered=text, reason=text, count=count)
      for text in ("x" * 50_000, "a\n" * 9_000, "👩‍👩‍👧‍👦" * 3_000, "\ud83d\x00\u2028", "```\n" * 500, "&<>" * 9_000)
      for count in (1, 30)),
)  # fmt: skip


def strings(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a message with the name of what it stands in."""
    if isinstance(value, dict):
        given = cast(Json, value)
        for key, content in given.items():
            kind = "mrkdwn" if given.get("type") == "mrkdwn" else key
            yield from strings(content, kind)
    elif isinstance(value, list | tuple):
        for each in cast("list[Any]", value):
            yield from strings(each, name)
    elif isinstance(value, str):
        yield name, value


def check(content: Message | Json) -> None:
    """Raises when Slack would refuse it, when it could ping somebody, or when it hides characters."""
    if isinstance(content, Message):
        blocks = check_message_blocks(json.loads(json.dumps(content.blocks)))
        model: Any = Block  # half typed
        for block in model.parse_all(blocks):
            block.validate_json()
        assert blocks and text_length(blocks) <= MOST_TEXT
        assert len(content.text.strip()) > 0 and len(content.text) <= MOST_FALLBACK
        marked = [content.text, *(text for kind, text in strings(content.blocks) if kind == "mrkdwn")]
        assert not [text for text in marked for found in PING.findall(text.replace("<@U0ADA>", "")) if found]
        everything: Any = content.blocks
    else:
        view = check_view(json.loads(json.dumps(content)), "home" if content["type"] == "home" else "modal")
        View(**{name: value for name, value in content.items() if name != "type"}, type=content["type"]).validate_json()
        everything = view["blocks"]
    assert not [text for kind, text in strings(everything) if kind != "value" and UNSEEN.search(text)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_keeps_slacks_limits_whatever_it_is_filled_with(kind: str) -> None:
    for data in AWKWARD:
        check(KINDS[kind](data))


@given(text=st.text(max_size=300), count=st.integers(0, 12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_kind_keeps_slacks_limits_with_any_text(text: str, count: int) -> None:
    for make in KINDS.values():
        check(make(Data(name=text, asked=text, answered=text, reason=text, count=count)))


def test_the_page_shows_every_kind_with_every_sort_of_data_and_runs_nothing(tmp_path: Path) -> None:
    page = write_gallery(ALL, tmp_path / "gallery").read_text(encoding="utf-8")

    assert page.count("<figure") == len(KINDS) * len(DATA) == len(ALL)
    assert "<script" not in page and "javascript:" not in page
    assert "https://evil.example" not in re.findall(r'href="([^"]*)"', page)


def test_what_is_escaped_for_slack_is_shown_and_is_no_markup() -> None:
    message = Message(text="&lt;@U0ADA&gt; *x*", blocks=({"type": "section", "text": {
        "type": "mrkdwn", "text": "by <@U0ADA>, said &lt;@U0ADA&gt; &amp;lt;"}},))  # fmt: skip

    page = render_page([Sample(kind="k", data="d", content=message)])

    assert 'by <span class="mention">@Ada</span>, said &lt;@U0ADA&gt; &amp;lt;' in page
