"""Slack's limits on blocks, each met exactly and crossed by one."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.workspace.block_kit import block_problems, check_message_blocks, check_view
from bot.workspace.errors import SlackError

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(**changes: Any) -> Json:
    return {"type": "button", "text": plain("Go"), **changes}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def select(options: int, text: str = "x") -> Json:
    return {"type": "static_select", "options": [{"text": plain(text), "value": str(n)} for n in range(options)]}


def table(rows: int, columns: int) -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


def feedback(value: str) -> Json:
    side = {"text": plain("x"), "value": value}
    return {
        "type": "context_actions",
        "elements": [{"type": "feedback_buttons", "positive_button": side, "negative_button": side}],
    }


LIMITS: dict[str, tuple[Callable[[int], Json], int]] = {
    "section text": (lambda n: {"type": "section", "text": mrkdwn("x" * n)}, 3000),
    "field text": (lambda n: {"type": "section", "fields": [mrkdwn("x" * n)]}, 2000),
    "fields": (lambda n: {"type": "section", "fields": [mrkdwn("x")] * n}, 10),
    "header": (lambda n: {"type": "header", "text": plain("x" * n)}, 150),
    "context elements": (lambda n: {"type": "context", "elements": [mrkdwn("x")] * n}, 10),
    "actions elements": (lambda n: actions(*[button(action_id=str(i)) for i in range(n)]), 25),
    "button text": (lambda n: actions(button(text=plain("x" * n))), 75),
    "button value": (lambda n: actions(button(value="x" * n)), 2000),
    "button url": (lambda n: actions(button(url="https://" + "x" * (n - 8))), 3000),
    "action id": (lambda n: actions(button(action_id="x" * n)), 255),
    "block id": (lambda n: {"type": "divider", "block_id": "x" * n}, 255),
    "options": (lambda n: actions(select(n)), 100),
    "option text": (lambda n: actions(select(1, "x" * n)), 75),
    "overflow": (lambda n: actions({**select(n), "type": "overflow"}), 5),
    "checkboxes": (lambda n: actions({**select(n), "type": "checkboxes"}), 10),
    "placeholder": (lambda n: actions({**select(1), "placeholder": plain("x" * n)}), 150),
    "markdown": (lambda n: {"type": "markdown", "text": "x" * n}, 12_000),
    "table rows": (lambda n: table(n, 1), 100),
    "table columns": (lambda n: table(1, n), 20),
    "image alt text": (lambda n: {"type": "image", "image_url": "https://x.y", "alt_text": "x" * n}, 2000),
    "feedback value": (lambda n: feedback("x" * n), 2000),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_met_exactly_and_crossed_by_one(name: str) -> None:
    build, most = LIMITS[name]

    assert block_problems([build(most)], "message") == []
    assert block_problems([build(most + 1)], "message")


@pytest.mark.parametrize(("surface", "most"), [("message", 50), ("modal", 100), ("home", 100)])
def test_a_surface_holds_so_many_blocks(surface: Any, most: int) -> None:
    divider = {"type": "divider"}

    assert block_problems([divider] * most, surface) == []
    assert block_problems([divider] * (most + 1), surface) == [
        f"[ERROR] no more than {most} items allowed [json-pointer:/blocks]"
    ]


WRONG: list[tuple[Any, str]] = [
    ("text", "must be an array"),
    ([{"type": "nonsense"}], "unsupported type: nonsense"),
    ([{}], "missing required field: type"),
    ([{"type": "section"}], "missing required field: text or fields"),
    ([{"type": "divider", "colour": "red"}], "invalid additional property: colour"),
    ([{"type": "header", "text": mrkdwn("x")}], "unsupported type: mrkdwn"),
    ([{"type": "section", "text": mrkdwn("")}], "must be more than 0 characters"),
    ([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}], "already exists"),
    ([actions(button(action_id="a"), button(action_id="a"))], "already exists"),
    ([actions({"type": "static_select"})], "exactly one of options and option_groups"),
    ([actions({**select(1), "initial_option": {"text": plain("x"), "value": "9"}})], "must be one of the options"),
    ([actions(button(url="javascript:alert(1)"))], "valid URL"),
]


@pytest.mark.parametrize(("blocks", "told"), WRONG)
def test_what_is_wrong_is_said(blocks: Any, told: str) -> None:
    assert told in " ".join(block_problems(blocks, "message"))


def test_feedback_buttons_and_markdown_are_for_messages_only() -> None:
    assert block_problems([feedback("x")], "modal")
    assert block_problems([{"type": "markdown", "text": "x"}], "home")


def test_all_text_of_a_message_counts_together() -> None:
    section = {"type": "section", "text": mrkdwn("x" * 3000)}
    check_message_blocks([section] * 4)

    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        check_message_blocks([section] * 4 + [{"type": "context", "elements": [mrkdwn("x")]}])


def test_a_message_has_one_table() -> None:
    with pytest.raises(SlackError) as caught:
        check_message_blocks([table(1, 1), table(1, 1)])

    assert (caught.value.code, caught.value.messages) == ("invalid_attachments", ("only_one_table_allowed",))


def test_stored_blocks_get_their_ids_and_the_given_ones_stay_untouched() -> None:
    given = [actions(button(), button())]
    [block] = check_message_blocks(given)

    assert "block_id" in block and len({element["action_id"] for element in block["elements"]}) == 2
    assert given == [actions(button(), button())]


def modal(**changes: Any) -> Json:
    return {"type": "modal", "title": plain("x"), "blocks": [{"type": "divider"}], **changes}


@pytest.mark.parametrize(
    ("view", "code"),
    [
        (modal(title=plain("x" * 25)), "invalid_arguments"),
        (modal(private_metadata="x" * 3001), "invalid_arguments"),
        (modal(blocks=[{"type": "input", "label": plain("x"), "element": select(1)}]), "invalid_arguments"),
        (modal(blocks=[{"type": "section", "text": mrkdwn("x" * 2990)}] * 90), "view_too_large"),
        ({"type": "home", "blocks": []}, "invalid_arguments"),
    ],
)
def test_a_bad_modal_is_refused(view: Json, code: str) -> None:
    check_view(modal(title=plain("x" * 24), private_metadata="x" * 3000), "modal")

    with pytest.raises(SlackError, match=code):
        check_view(view, "modal")
