"""Making a change: only the values that were shown, only where they still are what they were."""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import yaml

from jobs.actions._action import Edit
from jobs.errors import RequestError

MOST_LINES = 60
LONGEST_LINE = 300


class Outdated(RequestError):
    """What a change was made for has changed itself."""


def changed(config: Mapping[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """The configuration with the edits; raises Outdated when one of them finds something else than it was made for."""
    result = cast("dict[str, Any]", json.loads(json.dumps(config)))
    for edit in edits:
        _change(result, edit)
    return result


def _change(config: dict[str, Any], edit: Edit) -> None:
    holders: list[dict[str, Any]] = [config]
    for key in edit.path[:-1]:
        inner: Any = holders[-1].get(key)
        if inner is None and edit.adds:
            inner = holders[-1][key] = {}
        if not isinstance(inner, dict):
            raise Outdated(f"{edit.name!r} is not there any more")
        holders.append(cast("dict[str, Any]", inner))
    last, holder = edit.path[-1], holders[-1]
    if edit.adds and last in holder:
        raise Outdated(f"{edit.name!r} has been set in the meantime")
    if not edit.adds and (last not in holder or holder[last] != edit.before):
        raise Outdated(f"{edit.name!r} has been changed in the meantime")
    if edit.removes:
        del holder[last]
        for key, outer in zip(reversed(edit.path[:-1]), reversed(holders[:-1]), strict=True):
            if not outer[key]:
                del outer[key]  # an empty section is the same as none
    else:
        holder[last] = edit.after


def value_at(config: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value that the keys lead to; None if there is none."""
    value: Any = config
    for key in path:
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return value


def diff_of(edits: Sequence[Edit], covered: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """The change line by line, removed lines with ``-``, added ones with ``+``.

    Args:
        covered: what shows again where an entry is removed, by the entry's name.
    """
    return tuple(_bounded(line for edit in edits for line in _lines(edit, (covered or {}).get(edit.name))))


def _lines(edit: Edit, covered: Any) -> Iterable[str]:
    if _is_text(edit.before) and _is_text(edit.after):
        yield f"@ {edit.name}"
        before, after = str(edit.before).splitlines(), str(edit.after).splitlines()
        yield from (line for line in difflib.unified_diff(before, after, lineterm="", n=1) if not _is_heading(line))
        return
    if not edit.adds:
        yield f"- {edit.name}: {_written(edit.before)}"
    if not edit.removes:
        yield f"+ {edit.name}: {_written(edit.after)}"
    elif covered is not None:
        yield f"+ {edit.name}: {_written(covered)}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and (len(value) > 60 or "\n" in value)


def _is_heading(line: str) -> bool:
    return line.startswith(("---", "+++", "@@"))


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _bounded(lines: Iterable[str]) -> Iterable[str]:
    kept = list(lines)
    for line in kept[:MOST_LINES]:
        yield line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 20]} … ({len(line):,} characters)"
    if len(kept) > MOST_LINES:
        yield f"… {len(kept) - MOST_LINES} more lines"


# --- as people write them ---------------------------------------------------------------------------------------------

LONGEST_WRITTEN = 20_000


def parse_edits(text: str, config: Mapping[str, Any]) -> tuple[Edit, ...]:
    """The edits of a YAML list: each has a ``path`` (keys with dots), and ``value`` or ``remove: true``.

    Args:
        config: what they are made to.

    Raises:
        RequestError: it is no such list; says how to write it.
    """
    if len(text) > LONGEST_WRITTEN:
        raise RequestError(f"a change has at most {LONGEST_WRITTEN:,} characters")
    try:
        entries: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RequestError(f"the change cannot be read as YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(entries, list) or not entries:
        raise RequestError(f"write one entry a value, for example:\n{EXAMPLE}")
    return tuple(_parsed(entry, config) for entry in cast("list[object]", entries))


EXAMPLE = "- path: flow.order\n  value: [pizza, drinks]\n- path: templates.greeting\n  remove: true"


def _parsed(entry: object, config: Mapping[str, Any]) -> Edit:
    fields = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
    path = fields.get("path")
    if not isinstance(path, str) or not path.strip() or fields.keys() - {"path", "value", "remove"}:
        raise RequestError(f"each entry has a path, and value or remove: true; for example:\n{EXAMPLE}")
    removes = fields.get("remove") is True
    if removes == ("value" in fields):
        raise RequestError(f"{path!r} needs a value, or remove: true, and not both")
    *outer, last = [part.strip() for part in path.split(".")]
    keys = (*outer, last)
    holder = value_at(config, outer) if outer else config
    is_there = isinstance(holder, Mapping) and last in holder
    if removes and not is_there:
        raise RequestError(f"{path!r} is not set, so it cannot be removed")
    before = value_at(config, keys) if is_there else None
    return Edit(path=keys, before=before, after=fields.get("value"), adds=not is_there, removes=removes)


def written(edits: Sequence[Edit]) -> str:
    """The edits as `parse_edits` reads them."""
    entries = [{"path": each.name, **({"remove": True} if each.removes else {"value": each.after})} for each in edits]
    return yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=100)
