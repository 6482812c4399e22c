"""Block Kit made by pure functions: result in, blocks and their text fallback out."""

from bot.blocks._parts import Json, Message
from bot.blocks.answers import (
    PICKER,
    Entry,
    Status,
    VerbHelp,
    help_for_all,
    help_for_one,
    listing,
    note,
    nothing_to_pick,
    picker,
    status,
)
from bot.blocks.conversation import SEND_FILE, TRANSCRIPT, conversation_message, transcript_modal
from bot.blocks.run import (
    ANOTHER,
    CANCEL,
    CSV,
    RERUN,
    NextStep,
    failures,
    result_sentence,
    run_card,
    run_finished,
)

__all__ = [
    "ANOTHER",
    "CANCEL",
    "CSV",
    "PICKER",
    "RERUN",
    "SEND_FILE",
    "TRANSCRIPT",
    "Entry",
    "Json",
    "Message",
    "NextStep",
    "Status",
    "VerbHelp",
    "conversation_message",
    "failures",
    "help_for_all",
    "help_for_one",
    "listing",
    "note",
    "nothing_to_pick",
    "picker",
    "result_sentence",
    "run_card",
    "run_finished",
    "status",
    "transcript_modal",
]
