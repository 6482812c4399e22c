"""A change of the examples that an assistant understands its customers by."""

from jobs.actions._type import ActionType

ACTION = ActionType(name="examples", title="Training data", paths=("examples",), effort="medium")
