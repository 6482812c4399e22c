"""A change of what an assistant asks and does, step by step."""

from jobs.actions._type import ActionType

ACTION = ActionType(name="flow", title="Conversation flow", paths=("flow",), effort="medium")
