"""A change of the instructions that an assistant made of a model works by."""

from jobs.actions._type import ActionType

ACTION = ActionType(name="prompt", title="Instructions", paths=("system_prompt", "instructions"))
