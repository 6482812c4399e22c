"""The shelf of action types: one file a kind of change that can be proposed, approved and taken back."""

from jobs.actions import examples, external, flow, parameters, prompt, template
from jobs.actions._type import ActionType
from jobs.shelf import Shelf

ACTION_TYPES: Shelf[ActionType] = Shelf(
    "action type",
    [prompt.ACTION, template.ACTION, flow.ACTION, examples.ACTION, parameters.ACTION, external.ACTION],
)

__all__ = ["ACTION_TYPES", "ActionType"]
