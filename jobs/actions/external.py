"""A change of an assistant that is not ours: its owner is told what to change, and says when it is done."""

from jobs.actions._type import ActionType

ACTION = ActionType(name="external", title="Change by the assistant's owner", paths=(), effort="high", is_ours=False)
