"""A change of what an assistant says: the texts that its answers are made of."""

from jobs.actions._type import ActionType

ACTION = ActionType(name="template", title="Response template", paths=("templates",))
