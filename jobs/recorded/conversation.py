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
        response_times_s: how long the assistant took for each answer; ``duration_s`` the conversation as a whole.
        wanted, settings, context: goals with variables, the profile's settings and who the customer was, as recorded.
    """

    name: str
    variables: Mapping[str, Any]
    outputs: Sequence[Mapping[str, Any]]
    interaction: Sequence[Mapping[str, Any]]
    serial: str = ""
    language: str | None = None
    errors: Sequence[Mapping[str, Any]] = ()
    response_times_s: Sequence[float] = field(default=())
    duration_s: float | None = None
    wanted: Sequence[Any] = ()
    settings: Sequence[Any] = ()
    context: Sequence[Any] = ()


def make_recorded(
    *,
    name: str,
    interaction: Sequence[Mapping[str, Any]],
    wanted: Sequence[Any] = (),
    settings: Sequence[Any] = (),
    outputs: Sequence[Mapping[str, Any]] = (),
    **others: Any,
) -> Recorded:
    """A recorded conversation out of its parts, with everything bound that a rule may name."""
    variables = bound_variables(wanted=wanted, settings=settings, outputs=outputs, interaction=interaction)
    return Recorded(
        name=name,
        variables=variables,
        outputs=outputs,
        interaction=interaction,
        wanted=wanted,
        settings=settings,
        **others,
    )


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
    """Conversations of ours as rules see them.

    A variable that has several values in any conversation of its profile is bound to a list in all of them, any other
    to its value. Outputs that were not stated are bound to None, since the profile asked for them.
    """
    lists = {
        (each.scenario.profile, slot.name)
        for each in conversations
        for goal in each.scenario.goals
        for slot in goal.slots
        if len(slot.values) > 1
    }
    return tuple(_recorded(each, lists) for each in conversations)


def _recorded(conversation: Conversation, lists: set[tuple[str, str]]) -> Recorded:
    scenario, found = conversation.scenario, conversation.assessment.outputs
    slots = {slot.name: slot for goal in scenario.goals for slot in goal.slots}
    values = {
        name: list(slot.values) if (scenario.profile, name) in lists else slot.values[0] for name, slot in slots.items()
    }
    turns = conversation.transcript.turns
    times = [turn.latency_ms / 1000 for turn in turns if turn.latency_ms is not None]
    return make_recorded(
        name=f"#{conversation.number}",
        interaction=[{SPEAKERS[turn.speaker]: turn.text} for turn in turns],
        wanted=[*(goal.template for goal in scenario.goals), *({name: value} for name, value in values.items())],
        outputs=[{spec.name: found.get(spec.name)} for spec in scenario.outputs],
        serial=conversation.id,
        language=scenario.language,
        context=[*([f"personality: {scenario.persona}"] if scenario.persona else []), *scenario.context],
        errors=[{conversation.verdict.outcome: reason} for reason in conversation.verdict.reasons],
        response_times_s=times,
        duration_s=sum(times) if times else None,
    )
