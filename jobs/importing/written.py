"""Conversations as files that other tools read; secrets are taken out of everything."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import PurePosixPath
from typing import Any, Literal, cast

import yaml

from jobs.importing.page import to_page
from jobs.recorded import Recorded
from jobs.redact import redact
from jobs.report.as_csv import Cell, safe_cell

ExportFormat = Literal["sensei", "jsonl", "csv", "html"]
ROLES = {"User": "user", "Assistant": "assistant"}


def written_as_one(conversations: Sequence[Recorded], format: ExportFormat, *, title: str) -> bytes:
    """All of them in one file: JSON lines, CSV or a page."""
    clean = [_redacted(each) for each in conversations]
    match format:
        case "jsonl":
            lines = (json.dumps(_chat(each), ensure_ascii=False, default=str) for each in clean)
            return "".join(f"{line}\n" for line in lines).encode(errors="replace")
        case "csv":
            return _csv(clean)
        case "html":
            return to_page(clean, title=redact(title))
        case "sensei":
            raise ValueError("that format has a file for each conversation")


def written_one_by_one(conversations: Sequence[Recorded]) -> Iterator[tuple[str, bytes]]:
    """A file of three YAML documents for each conversation, with its name."""
    names: set[str] = set()
    for number, each in enumerate(conversations, start=1):
        stem = PurePosixPath(each.name.replace("\\", "/")).stem.lstrip("#.") or "conversation"
        plain = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in stem)[:100]
        name = f"{plain}.yml" if f"{plain}.yml" not in names else f"{plain}_{number}.yml"
        names.add(name)
        yield name, _three_documents(_redacted(each))


# --- three YAML documents ---------------------------------------------------------------------------------------------


def _three_documents(each: Recorded) -> bytes:
    metadata = {
        "serial": each.serial,
        "language": each.language or "English",
        "context": list(each.context),
        "ask_about": list(each.wanted),
        "conversation": list(each.settings),
        "data_output": list(each.outputs),
        "errors": list(each.errors),
    }
    times = list(each.response_times_s)
    measured: dict[str, Any] = {"conversation time": each.duration_s, "assistant response time": times}
    if times:
        average = sum(times) / len(times)
        measured["response time report"] = {"average": average, "max": max(times), "min": min(times)}
    documents = [metadata, measured, {"interaction": list(each.interaction)}]
    text: str = yaml.dump_all(  # pyright: ignore[reportUnknownMemberType]
        documents, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000
    )
    return text.encode(errors="replace")


class _Dumper(yaml.CSafeDumper):
    """Without anchors: many readers of such files do not follow them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


# --- JSON lines and CSV -----------------------------------------------------------------------------------------------


def _chat(each: Recorded) -> dict[str, Any]:
    return {
        "id": each.serial or each.name,
        "language": each.language,
        "variables": _variables(each),
        "outputs": _outputs(each),
        "messages": [{"role": role, "content": text} for role, text in _said(each)],
    }


def _csv(conversations: Sequence[Recorded]) -> bytes:
    """One message a row, in the columns that `import` reads."""
    variables = dict.fromkeys(name for each in conversations for name in _variables(each))
    outputs = dict.fromkeys(name for each in conversations for name in _outputs(each))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    header = ["conversation_id", "language", "role", "text"]
    header += [*(f"variable_{name}" for name in variables), *(f"output_{name}" for name in outputs)]
    writer.writerow(safe_cell(name) for name in header)
    for each in conversations:
        wanted, found = _variables(each), _outputs(each)
        about = [*(_cell(wanted.get(name)) for name in variables), *(_cell(found.get(name)) for name in outputs)]
        for position, (role, text) in enumerate(_said(each)):
            facts = about if position == 0 else [None] * len(about)
            row: list[Cell] = [each.serial or each.name, each.language, role, text, *facts]
            writer.writerow(safe_cell(cell) for cell in row)
    return table.getvalue().encode("utf-8", errors="replace")


def _said(each: Recorded) -> Iterator[tuple[str, str]]:
    for step in each.interaction:
        for who, text in step.items():
            if who in ROLES:
                yield ROLES[who], str(text if text is not None else "")


def _variables(each: Recorded) -> dict[str, Any]:
    return {str(name): value for item in each.wanted if isinstance(item, dict) for name, value in _items(item)}


def _outputs(each: Recorded) -> dict[str, Any]:
    return {str(name): value for item in each.outputs for name, value in item.items()}


def _items(item: Any) -> Iterator[tuple[Any, Any]]:
    yield from cast("dict[Any, Any]", item).items()


def _cell(value: Any) -> Cell:
    match value:
        case str() | int() | float() | None:
            return value
        case list():
            return ", ".join(str(part) for part in cast("list[Any]", value))
        case _:
            return str(value)


# --- without secrets --------------------------------------------------------------------------------------------------


def _redacted(each: Recorded) -> Recorded:
    return Recorded(
        name=each.name,
        variables={},
        outputs=_clean(each.outputs),
        interaction=_clean(each.interaction),
        serial=each.serial,
        language=each.language,
        errors=_clean(each.errors),
        response_times_s=each.response_times_s,
        duration_s=each.duration_s,
        wanted=_clean(each.wanted),
        settings=_clean(each.settings),
        context=_clean(each.context),
    )


def _clean(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case Mapping():
            items = cast("Mapping[Any, Any]", value).items()
            return {key: _clean(item) for key, item in items}
        case date():
            return value
        case Sequence():
            return [_clean(item) for item in cast("Sequence[Any]", value)]
        case _:
            return value
