"""How the answer to a file looks: saved as which version, or everything that is wrong with it."""

from collections.abc import Sequence

from bot.blocks._parts import (
    Json,
    Message,
    bullets,
    context,
    counted,
    escape,
    fallback,
    line,
    one_line,
    plain,
    rich_text,
    words,
)
from jobs.profiles.problems import Problem

MOST_PROBLEMS = 15
MOST_WARNINGS = 5


def upload_saved(
    path: str,
    *,
    kind: str,
    version: int,
    is_new: bool,
    command: str,
    conversations: int | None,
    warnings: Sequence[str],
) -> Message:
    """What was kept, and how it is run; a further version says what becomes of the earlier one."""
    size = f" ({counted(conversations, 'conversation')})" if conversations else ""
    if not is_new:
        said = f"I have this {kind} just so already, as version {version}; nothing was changed."
    elif version == 1:
        said = f"Thank you. The {kind}{size} is saved for this workspace."
    else:
        said = f"Thank you. This is version {version} of the {kind}{size} now; runs of earlier versions keep theirs."
    parts: list[Json] = [rich_text(line(words(f"{one_line(path)}: ", bold=True), words(said)))]
    parts.append(rich_text(line(words("Run it: "), words(one_line(command), code=True))))
    parts += [context(plain(f"Note: {one_line(warning, 300)}", 400)) for warning in warnings[:MOST_WARNINGS]]
    return Message(text=fallback(escape(f"{one_line(path)}: {said}")), blocks=tuple(parts))


def upload_problems(path: str, problems: Sequence[Problem], warnings: Sequence[str]) -> Message:
    """Everything that is wrong with a file, each with its place and what to do."""
    head = f"cannot be used, it has {counted(len(problems), 'problem')}. Nothing was saved."
    lines = [
        line(
            words(f"line {each.place.line}, column {each.place.column}: " if each.place else "", bold=True),
            words(f"{one_line(each.field, 80)}: " if each.field else "", code=bool(each.field)),
            words(f"{one_line(each.message, 300)}. "),
            words(f"{_sentence(one_line(each.fix, 300))}", italic=True),
        )
        for each in problems[:MOST_PROBLEMS]
    ]
    if len(problems) > MOST_PROBLEMS:
        lines.append(line(words(f"… and {len(problems) - MOST_PROBLEMS} more", italic=True)))
    parts: list[Json] = [rich_text(line(words(f"{one_line(path)} ", bold=True), words(head)), bullets(lines))]
    parts += [context(plain(f"Note: {one_line(warning, 300)}", 400)) for warning in warnings[:MOST_WARNINGS]]
    first = f" First: {problems[0]}" if problems else ""
    return Message(text=fallback(escape(f"{one_line(path)} {head}{one_line(first, 400)}")), blocks=tuple(parts))


def upload_refused(path: str, why: str) -> Message:
    said = f"was not saved: {one_line(why, 500)}"
    shown = one_line(path) or "the file"
    return Message(
        text=fallback(escape(f"{shown} {said}")),
        blocks=(rich_text(line(words(f"{shown} ", bold=True), words(said))),),
    )


def together(messages: Sequence[Message]) -> Message:
    """Several answers as one message."""
    return Message(
        text=fallback("\n".join(each.text for each in messages)),
        blocks=tuple(block for each in messages for block in each.blocks)[:50],
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
