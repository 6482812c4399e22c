"""What a type of action is: which part of a configuration it may change, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.actions._action import ActionKind, Edit, Level


@dataclass(frozen=True, kw_only=True)
class ActionType:
    """One kind of change.

    Args:
        paths: the entries of a configuration that it may change, and everything below them. Addresses, keys, files
            and tools belong to no type: no action can turn an assistant elsewhere.
        effort: how much work it is to make and to take back.
        is_ours: convotest makes the change itself.
    """

    name: ActionKind
    title: str
    paths: tuple[str, ...]
    effort: Level = "low"
    is_ours: bool = True

    def refusal(self, edits: Sequence[Edit]) -> str | None:
        """Why this is no such change, or None."""
        if self.is_ours and not edits:
            return "it changes nothing"
        strangers = [each.name for each in edits if not each.path or each.path[0] not in self.paths]
        if strangers:
            allowed = ", ".join(self.paths) or "nothing"
            return f"a change of the kind {self.name!r} may not touch {strangers[0]!r}; it may touch {allowed}"
        return None
