"""Conversations recorded elsewhere, and ours in the same shape."""

from jobs.recorded.conversation import Recorded, make_recorded, recorded_from_run
from jobs.recorded.reading import Recordings, UnreadFile, load_recordings, parse_recorded
from jobs.recorded.values import UnreadableError

__all__ = [
    "Recorded",
    "Recordings",
    "UnreadFile",
    "UnreadableError",
    "load_recordings",
    "make_recorded",
    "parse_recorded",
    "recorded_from_run",
]
