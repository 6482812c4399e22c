"""Checks blocks and views as strictly as Slack does, and says what is wrong in Slack's words.

Sources: limits in the docstrings and validators of slack_sdk's models, and Slack's Block Kit reference.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from .errors import SlackError

Json = dict[str, Any]
Surface = Literal["message", "modal", "home"]
Check = Callable[[Any, str], Iterator[str]]
"""Yields a problem for each thing wrong with a value found at a JSON pointer."""

MAX_MESSAGE_BLOCKS = 50
MAX_VIEW_BLOCKS = 100
MAX_BLOCK_TEXT = 12_000
MAX_VIEW_BYTES = 250_000


def problem(message: str, at: str) -> str:
    return f"[ERROR] {message} [json-pointer:{at}]"


# --- small checks, composed below ---------------------------------------------------------------------------------


def string(most: int, *, least: int = 0) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield problem("must be a string", at)
        elif len(value) > most:
            yield problem(f"must be less than {most + 1} characters", at)
        elif len(value) < least:
            yield problem(f"must be more than {least - 1} characters", at)

    return check


def choice(*allowed: str) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if value not in allowed:
            yield problem(f"must be one of: {', '.join(allowed)}", at)

    return check


def boolean(value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield problem("must be a boolean", at)


def integer(value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield problem("must be an integer", at)


def anything(value: Any, at: str) -> Iterator[str]:
    yield from ()


def url(value: Any, at: str) -> Iterator[str]:
    yield from string(3000, least=1)(value, at)
    if isinstance(value, str) and not value.startswith(("http://", "https://", "mailto:", "slack://")):
        yield problem("must be a valid URL", at)


def many(item: Check, most: int, *, least: int = 1) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield problem("must be an array", at)
            return
        items = cast("list[Any]", value)
        if len(items) > most:
            yield problem(f"no more than {most} items allowed", at)
        if len(items) < least:
            yield problem(f"no fewer than {least} items allowed", at)
        for index, entry in enumerate(items):
            yield from item(entry, f"{at}/{index}")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with exactly these fields; `type` is looked at by the caller."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield problem("must be an object", at)
            return
        fields = cast(Json, value)
        for name in required:
            if fields.get(name) is None:
                yield problem(f"missing required field: {name}", at)
        for name, content in fields.items():
            if name in known and content is not None:
                yield from known[name](content, f"{at}/{name}")
            elif name not in known and name != "type":
                yield problem(f"invalid additional property: {name}", at)

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` picks its shape."""

    def check(value: Any, at: str) -> Iterator[str]:
        kind = cast(Json, value).get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            yield problem("missing required field: type", at)
        elif kind not in kinds:
            yield problem(f"unsupported type: {kind}", f"{at}/type")
        else:
            yield from kinds[kind](value, at)

    return check


def text_object(most: int, *, mrkdwn: bool = True) -> Check:
    words = string(most, least=1)
    plain = shape({"text": words}, {"emoji": boolean})
    marked = shape({"text": words}, {"verbatim": boolean})
    return typed({"plain_text": plain, "mrkdwn": marked} if mrkdwn else {"plain_text": plain})


def plain(most: int) -> Check:
    return text_object(most, mrkdwn=False)


# --- elements -----------------------------------------------------------------------------------------------------

ID = string(255, least=1)
CONFIRM = shape(
    {"title": plain(100), "text": text_object(300)},
    {"confirm": plain(30), "deny": plain(30), "style": choice("primary", "danger")},
)


def option(*, mrkdwn: bool = False, with_url: bool = False) -> Check:
    text = text_object(75, mrkdwn=mrkdwn)
    link: dict[str, Check] = {"url": url} if with_url else {}
    return shape({"text": text, "value": string(150, least=1)}, {"description": text_object(75, mrkdwn=mrkdwn), **link})


OPTION_GROUP = shape({"label": plain(75), "options": many(option(), 100)})
ACTION: dict[str, Check] = {"action_id": ID}
CONFIRMED: dict[str, Check] = {**ACTION, "confirm": CONFIRM}
FOCUSED: dict[str, Check] = {**CONFIRMED, "focus_on_load": boolean}
PLACED: dict[str, Check] = {**FOCUSED, "placeholder": plain(150)}
MULTI: dict[str, Check] = {**PLACED, "max_selected_items": integer}
DISPATCH = shape({}, {"trigger_actions_on": many(choice("on_enter_pressed", "on_character_entered"), 2)})
TYPING: dict[str, Check] = {
    **ACTION,
    "focus_on_load": boolean,
    "placeholder": plain(150),
    "dispatch_action_config": DISPATCH,
}
OPTIONS: dict[str, Check] = {"options": many(option(), 100), "option_groups": many(OPTION_GROUP, 100)}
FEEDBACK_BUTTON = shape({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})

ELEMENTS: dict[str, Check] = {
    "button": shape(
        {"text": plain(75)},
        {
            **CONFIRMED,
            "url": url,
            "value": string(2000),
            "style": choice("primary", "danger"),
            "accessibility_label": string(75),
        },
    ),
    "static_select": shape({}, {**PLACED, **OPTIONS, "initial_option": option()}),
    "multi_static_select": shape({}, {**MULTI, **OPTIONS, "initial_options": many(option(), 100)}),
    "external_select": shape({}, {**PLACED, "initial_option": option(), "min_query_length": integer}),
    "users_select": shape({}, {**PLACED, "initial_user": string(50)}),
    "multi_users_select": shape({}, {**MULTI, "initial_users": many(string(50), 100, least=0)}),
    "conversations_select": shape(
        {},
        {
            **PLACED,
            "initial_conversation": string(50),
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": anything,
        },
    ),
    "channels_select": shape({}, {**PLACED, "initial_channel": string(50), "response_url_enabled": boolean}),
    "overflow": shape({"options": many(option(with_url=True), 5)}, CONFIRMED),
    "checkboxes": shape(
        {"options": many(option(mrkdwn=True), 10)}, {**FOCUSED, "initial_options": many(option(mrkdwn=True), 10)}
    ),
    "radio_buttons": shape(
        {"options": many(option(mrkdwn=True), 10)}, {**FOCUSED, "initial_option": option(mrkdwn=True)}
    ),
    "datepicker": shape({}, {**PLACED, "initial_date": string(10, least=10)}),
    "timepicker": shape({}, {**PLACED, "initial_time": string(5, least=5), "timezone": string(100)}),
    "datetimepicker": shape({}, {**FOCUSED, "initial_date_time": integer}),
    "plain_text_input": shape(
        {},
        {**TYPING, "initial_value": string(3000), "multiline": boolean, "min_length": integer, "max_length": integer},
    ),
    "number_input": shape(
        {"is_decimal_allowed": boolean},
        {**TYPING, "initial_value": string(100), "min_value": string(50), "max_value": string(50)},
    ),
    "url_text_input": shape({}, {**TYPING, "initial_value": string(3000)}),
    "email_text_input": shape({}, {**TYPING, "initial_value": string(3000)}),
    "image": shape({"alt_text": string(2000)}, {"image_url": url, "slack_file": anything}),
    "feedback_buttons": shape({"positive_button": FEEDBACK_BUTTON, "negative_button": FEEDBACK_BUTTON}, ACTION),
    "icon_button": shape(
        {"icon": choice("trash"), "text": plain(75)},
        {**CONFIRMED, "value": string(2000), "accessibility_label": string(75), "visible_to_user_ids": anything},
    ),
}
TEXT_INPUTS = ("plain_text_input", "number_input", "url_text_input", "email_text_input")
SELECTS = (
    "static_select",
    "multi_static_select",
    "external_select",
    "users_select",
    "multi_users_select",
    "conversations_select",
    "channels_select",
)
PICKERS = ("checkboxes", "radio_buttons", "datepicker", "timepicker", "datetimepicker")


def elements(*names: str) -> Check:
    return typed({name: ELEMENTS[name] for name in names})


# --- rich text ----------------------------------------------------------------------------------------------------

STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
STYLE = shape({}, dict.fromkeys(STYLES, boolean))
STYLED: dict[str, Check] = {"style": STYLE}
INLINE = typed(
    {
        "text": shape({"text": string(100_000, least=1)}, STYLED),
        "link": shape({"url": url}, {**STYLED, "text": string(100_000), "unsafe": boolean}),
        "user": shape({"user_id": string(50)}, STYLED),
        "channel": shape({"channel_id": string(50)}, STYLED),
        "usergroup": shape({"usergroup_id": string(50)}, STYLED),
        "team": shape({"team_id": string(50)}, STYLED),
        "emoji": shape(
            {"name": string(200, least=1)}, {**STYLED, "unicode": string(100), "skin_tone": integer, "url": url}
        ),
        "broadcast": shape({"range": choice("here", "channel", "everyone")}, STYLED),
        "color": shape({"value": string(20)}, STYLED),
        "date": shape({"timestamp": integer, "format": string(500)}, {**STYLED, "url": url, "fallback": string(500)}),
    }
)
INLINES = many(INLINE, 10_000, least=0)
RICH_SECTION = shape({"elements": INLINES})
RICH_TEXT_PARTS = typed(
    {
        "rich_text_section": RICH_SECTION,
        "rich_text_list": shape(
            {
                "elements": many(typed({"rich_text_section": RICH_SECTION}), 10_000, least=0),
                "style": choice("bullet", "ordered"),
            },
            {"indent": integer, "offset": integer, "border": integer},
        ),
        "rich_text_preformatted": shape({"elements": INLINES}, {"border": integer, "language": string(50)}),
        "rich_text_quote": shape({"elements": INLINES}, {"border": integer}),
    }
)
RICH_TEXT = shape({"elements": many(RICH_TEXT_PARTS, 10_000, least=0)}, {"block_id": ID})

# --- blocks -------------------------------------------------------------------------------------------------------

BLOCK: dict[str, Check] = {"block_id": ID}
CELL = typed(
    {
        "raw_text": shape({"text": string(3000)}),
        "raw_number": shape({"value": anything}, {"text": string(3000)}),
        "rich_text": RICH_TEXT,
    }
)
COLUMN = shape({}, {"align": choice("left", "center", "right"), "is_wrapped": boolean})
ACCESSORIES = ("button", "overflow", "image", *SELECTS, *PICKERS)


def section(value: Any, at: str) -> Iterator[str]:
    fields: dict[str, Check] = {
        **BLOCK,
        "text": text_object(3000),
        "fields": many(text_object(2000), 10),
        "accessory": elements(*ACCESSORIES),
        "expand": boolean,
    }
    yield from shape({}, fields)(value, at)
    if isinstance(value, dict) and not cast(Json, value).get("text") and not cast(Json, value).get("fields"):
        yield problem("missing required field: text or fields", at)


def image(value: Any, at: str) -> Iterator[str]:
    yield from shape(
        {"alt_text": string(2000)}, {**BLOCK, "image_url": url, "slack_file": anything, "title": plain(2000)}
    )(value, at)
    if isinstance(value, dict) and not cast(Json, value).get("image_url") and not cast(Json, value).get("slack_file"):
        yield problem("missing required field: image_url", at)


INPUT = shape(
    {"label": plain(2000), "element": elements(*TEXT_INPUTS, *SELECTS, *PICKERS)},
    {**BLOCK, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
)
EVERYWHERE: dict[str, Check] = {
    "section": section,
    "header": shape({"text": plain(150)}, BLOCK),
    "divider": shape({}, BLOCK),
    "image": image,
    "context": shape(
        {
            "elements": many(
                typed(
                    {
                        "image": ELEMENTS["image"],
                        "plain_text": shape({"text": string(3000, least=1)}, {"emoji": boolean}),
                        "mrkdwn": shape({"text": string(3000, least=1)}, {"verbatim": boolean}),
                    }
                ),
                10,
            )
        },
        BLOCK,
    ),
    "actions": shape({"elements": many(elements("button", "overflow", *SELECTS, *PICKERS), 25)}, BLOCK),
    "rich_text": RICH_TEXT,
    "input": INPUT,
}
BLOCKS: dict[Surface, Check] = {
    "message": typed(
        {
            **EVERYWHERE,
            "markdown": shape({"text": string(12_000, least=1)}, BLOCK),
            "table": shape(
                {"rows": many(many(CELL, 20), 100)}, {**BLOCK, "column_settings": many(COLUMN, 20, least=0)}
            ),
            "context_actions": shape({"elements": many(elements("feedback_buttons", "icon_button"), 5)}, BLOCK),
            "file": shape({"external_id": string(255), "source": choice("remote")}, BLOCK),
        }
    ),
    "modal": typed(EVERYWHERE),
    "home": typed(EVERYWHERE),
}


def block_problems(blocks: Any, surface: Surface, at: str = "/blocks") -> list[str]:
    """Everything Slack would refuse in these blocks."""
    most = MAX_MESSAGE_BLOCKS if surface == "message" else MAX_VIEW_BLOCKS
    problems = list(many(BLOCKS[surface], most, least=0)(blocks, at))
    return problems or [*repeated_ids(cast("list[Json]", blocks), at), *odd_options(cast("list[Json]", blocks), at)]


def repeated_ids(blocks: Sequence[Json], at: str) -> Iterator[str]:
    """Block ids must differ within a message, action ids within a block."""
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id in seen:
            yield problem(f"`block_id` {block_id!r} already exists for another block", f"{at}/{index}/block_id")
        if block_id:
            seen.add(block_id)
        actions = [element["action_id"] for element in elements_of(block) if element.get("action_id")]
        for action_id in {action for action in actions if actions.count(action) > 1}:
            yield problem(f"`action_id` {action_id!r} already exists for another action", f"{at}/{index}/elements")


def odd_options(blocks: Sequence[Json], at: str) -> Iterator[str]:
    """A select has options or groups, and what is chosen at first is one of them."""
    for index, block in enumerate(blocks):
        for element in elements_of(block):
            has_both_or_none = bool(element.get("options")) == bool(element.get("option_groups"))
            if element["type"] in ("static_select", "multi_static_select") and has_both_or_none:
                yield problem("exactly one of options and option_groups is required", f"{at}/{index}/{element['type']}")
            chosen = [*element.get("initial_options", ()), *filter(None, [element.get("initial_option")])]
            if element.get("options") or element.get("option_groups"):
                known = [entry["value"] for entry in options_of(element)]
                if any(entry["value"] not in known for entry in chosen):
                    yield problem("initial option must be one of the options", f"{at}/{index}/{element['type']}")


def elements_of(block: Json) -> list[Json]:
    """The interactive elements of a block, wherever its type keeps them."""
    if block.get("type") in ("actions", "context_actions"):
        return list(block["elements"])
    found = block.get("accessory") if block.get("type") == "section" else block.get("element")
    return [found] if found else []


def options_of(element: Json) -> list[Json]:
    return [
        *element.get("options", ()),
        *(entry for group in element.get("option_groups", ()) for entry in group["options"]),
    ]


def text_length(value: Any) -> int:
    """All characters of all texts in blocks, which Slack bounds together."""
    if isinstance(value, list):
        return sum(text_length(entry) for entry in cast("list[Any]", value))
    if isinstance(value, dict):
        fields = cast(Json, value)
        own = len(fields["text"]) if isinstance(fields.get("text"), str) else 0
        return own + sum(text_length(entry) for entry in fields.values() if not isinstance(entry, str))
    return 0


def check_message_blocks(blocks: Any, *, total_limit: bool = True) -> list[Json]:
    """The blocks of a message with the ids that Slack adds.

    Raises:
        SlackError: `invalid_blocks`, `msg_blocks_too_long`, or `invalid_attachments` for a second table.
    """
    if problems := block_problems(blocks, "message"):
        raise SlackError("invalid_blocks", problems)
    good = cast("list[Json]", blocks)
    if sum(block["type"] == "table" for block in good) > 1:
        raise SlackError("invalid_attachments", ["only_one_table_allowed"])
    if total_limit and text_length(good) > MAX_BLOCK_TEXT:
        raise SlackError(
            "msg_blocks_too_long", [f"[ERROR] more than {MAX_BLOCK_TEXT} characters of text in all blocks"]
        )
    return with_ids(good)


def with_ids(blocks: Sequence[Json]) -> list[Json]:
    """A copy in which every block and interactive element has its id."""
    copies: list[Json] = json.loads(json.dumps(blocks))
    for index, block in enumerate(copies):
        block.setdefault("block_id", f"b{index}")
        for position, element in enumerate(elements_of(block)):
            if element["type"] != "image":
                element.setdefault("action_id", f"a{index}.{position}")
    return copies


VIEW_FIELDS: dict[str, Check] = {
    "callback_id": string(255),
    "external_id": string(255),
    "private_metadata": string(3000),
}
MODAL = shape(
    {"title": plain(24), "blocks": anything},
    {
        **VIEW_FIELDS,
        "submit": plain(24),
        "close": plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
HOME = shape({"blocks": anything}, VIEW_FIELDS)


def check_view(view: Any, wanted: Literal["modal", "home"]) -> Json:
    """A view ready to be shown.

    Raises:
        SlackError: `view_too_large`, or `invalid_arguments` with everything that is wrong.
    """
    if not isinstance(view, dict) or cast(Json, view).get("type") != wanted:
        raise SlackError("invalid_arguments", [problem(f"must be a view of type {wanted}", "/view/type")])
    fields = cast(Json, view)
    if len(json.dumps(fields)) > MAX_VIEW_BYTES:
        raise SlackError("view_too_large")
    problems = list((MODAL if wanted == "modal" else HOME)(fields, "/view"))
    problems += block_problems(fields.get("blocks"), wanted, "/view/blocks")
    needs_submit = not problems and wanted == "modal" and any(block["type"] == "input" for block in fields["blocks"])
    if needs_submit and not fields.get("submit"):
        problems.append(problem("missing required field: submit (there is an input block)", "/view"))
    if problems:
        raise SlackError("invalid_arguments", problems)
    return {**fields, "blocks": with_ids(fields["blocks"])}
