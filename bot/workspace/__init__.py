"""A local Slack workspace: Web API, Socket Mode, signed requests and a page, on this machine only."""

from .clock import Clock, ManualClock, SystemClock
from .errors import SlackError
from .faults import Faults
from .people import ActionResult, CommandResult
from .server import LOCAL, OTHER, LocalWorkspace

__all__ = [
    "LOCAL",
    "OTHER",
    "ActionResult",
    "Clock",
    "CommandResult",
    "Faults",
    "LocalWorkspace",
    "ManualClock",
    "SlackError",
    "SystemClock",
]
