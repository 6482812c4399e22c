"""A change of the model that an assistant uses and of its numbers."""

from jobs.actions._type import ActionType

ACTION = ActionType(
    name="parameters",
    title="Parameters",
    paths=("model", "temperature", "top_p", "max_tokens", "noise", "latency_ms"),
)
