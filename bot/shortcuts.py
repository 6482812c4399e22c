"""What the entries of Slack's own menus do: the lightning menu, and the menu of a message."""

from collections.abc import Awaitable, Callable, Mapping

from bot.ask import keep_message
from bot.blocks import Message
from bot.cases import make_case
from bot.commands import Asker, Edge
from bot.home import run_from_anywhere
from bot.manifest import CASE_SHORTCUT, KEEP_SHORTCUT, RUN_SHORTCUT

SHORTCUTS: Mapping[str, Callable[[Asker, Edge], Awaitable[Message | None]]] = {
    RUN_SHORTCUT: run_from_anywhere,
    KEEP_SHORTCUT: keep_message,
    CASE_SHORTCUT: make_case,
}
"""By ``callback_id``; of a message's menu the asker has its channel and ts."""
