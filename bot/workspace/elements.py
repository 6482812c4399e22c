"""What a person did to an interactive element, in the forms of payloads; values here are plain strings or lists."""

from collections.abc import Mapping, Sequence
from typing import Any

from .block_kit import elements_of, options_of

Json = dict[str, Any]
Value = str | list[str] | None
Values = Mapping[tuple[str, str], Value]
"""Plain values by (block id, action id)."""

TEXT_FIELD = {
    "plain_text_input": "value",
    "number_input": "value",
    "url_text_input": "value",
    "email_text_input": "value",
}
SINGLE_FIELD = {
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
}
ONE_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
MANY_OPTIONS = ("multi_static_select", "checkboxes")


def find_element(
    blocks: Sequence[Json], action_id: str, block_id: str | None, value: Value
) -> tuple[Json, Json] | None:
    """The block and element with this action id; of several alike buttons the one with the value."""
    found = [
        (block, element)
        for block in blocks
        for element in elements_of(block)
        if element.get("action_id") == action_id and block_id in (None, block["block_id"])
    ]
    exact = [(block, element) for block, element in found if element.get("value") == value]
    return (exact or found or [None])[0]


def initial_value(element: Json) -> Value:
    kind = element["type"]
    if kind in TEXT_FIELD:
        return element.get("initial_value")
    if kind in SINGLE_FIELD:
        initial = element.get(SINGLE_FIELD[kind][1])
        return None if initial is None else str(initial)
    if kind in MANY_OPTIONS:
        return [option["value"] for option in element.get("initial_options", ())]
    if kind == "multi_users_select":
        return list(element.get("initial_users", ()))
    initial_option = element.get("initial_option")
    return initial_option["value"] if initial_option else None


def state_of(element: Json, value: Value) -> Json:
    """The element's entry in `state.values`."""
    kind = element["type"]
    if kind in TEXT_FIELD:
        return {"type": kind, "value": value or None}
    if kind == "datetimepicker":
        return {"type": kind, "selected_date_time": int(value) if isinstance(value, str) and value.isdigit() else None}
    if kind in SINGLE_FIELD:
        return {"type": kind, SINGLE_FIELD[kind][0]: value or None}
    if kind in MANY_OPTIONS:
        return {
            "type": kind,
            "selected_options": [option for option in options_of(element) if option["value"] in (value or ())],
        }
    if kind == "multi_users_select":
        return {"type": kind, "selected_users": list(value or ())}
    return {"type": kind, "selected_option": next((o for o in options_of(element) if o["value"] == value), None)}


def action_of(block: Json, element: Json, value: Value, action_ts: str) -> Json:
    """The entry of a `block_actions` payload for one use of an element."""
    ids = {"action_id": element["action_id"], "block_id": block["block_id"], "action_ts": action_ts}
    kind = element["type"]
    if kind == "button" or kind == "icon_button":
        kept = {name: element[name] for name in ("text", "value", "style", "url") if name in element}
        return {**ids, "type": kind, **kept}
    if kind == "feedback_buttons":
        chosen = (
            element["negative_button"] if value == element["negative_button"]["value"] else element["positive_button"]
        )
        return {**ids, "type": kind, "text": chosen["text"], "value": chosen["value"]}
    return {**ids, **state_of(element, value)}


def state_values(blocks: Sequence[Json], values: Values) -> dict[str, dict[str, Json]]:
    """`state.values` of a message or view: what was filled in, else what each element started with."""
    state: dict[str, dict[str, Json]] = {}
    for block in blocks:
        for element in elements_of(block):
            if element["type"] in ("button", "icon_button", "image", "overflow", "feedback_buttons"):
                continue
            key = (block["block_id"], element["action_id"])
            value = values[key] if key in values else initial_value(element)
            state.setdefault(key[0], {})[key[1]] = state_of(element, value)
    return state


def input_errors(blocks: Sequence[Json], values: Values) -> dict[str, str]:
    """What Slack's own client refuses before a submission is sent, by block id."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] == "input":
            element = block["element"]
            key = (block["block_id"], element["action_id"])
            value = values[key] if key in values else initial_value(element)
            if refusal := _refusal(element, value, required=not block.get("optional", False)):
                errors[block["block_id"]] = refusal
    return errors


def _refusal(element: Json, value: Value, *, required: bool) -> str | None:
    if not value:
        return "This is a required field" if required else None
    if not isinstance(value, str):
        return None
    if len(value) < element.get("min_length", 0):
        return f"Please use at least {element['min_length']} characters"
    if element["type"] == "plain_text_input" and len(value) > element.get("max_length", 3000):
        return f"Please use at most {element.get('max_length', 3000)} characters"
    if element["type"] == "number_input":
        return _number_refusal(element, value)
    if element["type"] == "email_text_input" and ("@" not in value or " " in value):
        return "Please enter a valid email address"
    if element["type"] == "url_text_input" and not value.startswith(("http://", "https://")):
        return "Please enter a valid URL"
    return None


def _number_refusal(element: Json, value: str) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return "Please enter a number"
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Please enter a whole number"
    if "min_value" in element and number < float(element["min_value"]):
        return f"The number must be at least {element['min_value']}"
    if "max_value" in element and number > float(element["max_value"]):
        return f"The number must be at most {element['max_value']}"
    return None
