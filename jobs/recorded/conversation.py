"""A recorded conversation: what was said, what the customer wanted, and what was read out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from jobs.model import Conversation

SPEAKERS = {"user": "User", "assistant": "Assistant"}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One conversation as rules see it.

    Args:
        name: the file it came from, or what else tells it from the others.
        variables: everything a rule may name: the customer's variables, the profile's settings, the outputs, and
            ``interaction``, ``chatbot_phrases``, ``user_phrases``, ``data_output``.
        outputs: the outputs as recorded, one mapping each.
        interaction: the utterances in their order, each ``{"User": text}`` or ``{"Assistant": text}``.
        errors: what the recording tool found wrong, one mapping each.
        response_times_s: how long the assistant took for each answer.
    """

    name: str
    variables: Mapping[str, Any]
    outputs: Sequence[Mapping[str, Any]]
    interaction: Sequence[Mapping[str, Any]]
    serial: str = ""
    language: str | None = None
    errors: Sequence[Mapping[str, Any]] = ()
    response_times_s: Sequence[float] = field(default=())


def bound_variables(
    *,
    wanted: Sequence[Any],
    settings: Sequence[Any],
    outputs: Sequence[Any],
    interaction: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The names a rule may use, later ones winning over earlier ones.

    Settings and outputs are bound twice, plainly and with where they come from (``limit`` and
    ``conversation_all_answered_limit``, ``price`` and ``data_output_price``).
    """
    variables: dict[str, Any] = {}
    for item in mappings(wanted):
        variables |= item
    for prefix, items in (("conversation", settings), ("data_output", outputs)):
        for item in mappings(items):
            variables |= _flat(prefix, item)
    return variables | {
        "interaction": list(interaction),
        "chatbot_phrases": [step["Assistant"] for step in interaction if "Assistant" in step],
        "user_phrases": [step["User"] for step in interaction if "User" in step],
        "data_output": list(outputs),
    }


def mappings(items: Sequence[Any]) -> list[dict[str, Any]]:
    """Those items that are mappings."""
    return [cast(dict[str, Any], item) for item in items if isinstance(item, dict)]


def _flat(prefix: str, item: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, Mapping):
            flat |= _flat(f"{prefix}_{name}", cast(Mapping[str, Any], value))
        else:
            flat |= {f"{prefix}_{name}": value, name: value}
    return flat


def recorded_from_run(conversations: Sequence[Conversation]) -> tuple[Recorded, ...]:
    """Conversations of ours, of one profile, as rules see them.

    A variable that has several values in any of them is bound to a list in all of them, any other to its value. Outputs
    that were not stated are bound to None, since the profile asked for them.
    """
    slots = [slot for each in conversations for goal in each.scenario.goals for slot in goal.slots]
    lists = {slot.name for slot in slots if len(slot.values) > 1}
    return tuple(_recorded(each, lists) for each in conversations)


def _recorded(conversation: Conversation, lists: set[str]) -> Recorded:
    scenario, found = conversation.scenario, conversation.assessment.outputs
    slots = [slot for goal in scenario.goals for slot in goal.slots]
    outputs = [{spec.name: found.get(spec.name)} for spec in scenario.outputs]
    interaction = [{SPEAKERS[turn.speaker]: turn.text} for turn in conversation.transcript.turns]
    return Recorded(
        name=f"#{conversation.number}",
        variables=bound_variables(
            wanted=[{slot.name: list(slot.values) if slot.name in lists else slot.values[0]} for slot in slots],
            settings=(),
            outputs=outputs,
            interaction=interaction,
        ),
        outputs=outputs,
        interaction=interaction,
        language=scenario.language,
    )
