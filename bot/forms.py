"""What forms have in common."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FieldError(Exception):
    """A field of a form cannot be used as it is."""

    field: str
    message: str
