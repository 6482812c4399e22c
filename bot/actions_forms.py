"""The forms that refuse and change an action."""

from collections.abc import Mapping
from typing import Any

from bot.blocks.actions import EDIT_FORM, REJECT_FORM
from bot.commands import Asker, Edge
from bot.commands import actions as actions_command
from bot.forms import FieldError, Form, Submission


async def _read_refusal(form: Submission, asker: Asker, edge: Edge) -> Any:
    found = await actions_command.read_refusal(form.values, form.about)
    if isinstance(found, str):
        raise FieldError(field="reason", message=found)
    return found


async def _read_edited(form: Submission, asker: Asker, edge: Edge) -> Any:
    found = await actions_command.read_edited(form.values, form.about, asker, edge)
    if isinstance(found, str):
        raise FieldError(field="edits", message=found)
    return found


FORMS: Mapping[str, Form] = {
    REJECT_FORM: Form(read=_read_refusal, carry_out=actions_command.carry_out_refusal),
    EDIT_FORM: Form(read=_read_edited, carry_out=actions_command.carry_out_edit),
}
