"""``convotest import`` and ``convotest export``: conversations from elsewhere, and ours for elsewhere."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from jobs.at_terminal import as_json_option, complain, into_workspace, with_store

if TYPE_CHECKING:
    from jobs.importing.keep import Imported
    from jobs.importing.written import ExportFormat
    from jobs.ports import Clock
    from jobs.profiles.problems import Problem
    from jobs.recorded import Recorded
    from jobs.report import RunReport
    from jobs.store import Store

SHOWN_BAD_FILES = 20
_FORMATS = {"sensei": "three-document YAML", "jsonl": "chat as JSON lines", "csv": "one message a row"}
_KNOWN = ", ".join(f"{name} ({what})" for name, what in _FORMATS.items())


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(list(_FORMATS)), help=f"{_KNOWN}; default: by the ending, folders sensei.")
@click.option("--into", metavar="NAME", help="The set they belong to; default: the name of the folder or file.")
@into_workspace
@as_json_option
def import_(
    path: Path, format: Literal["sensei", "jsonl", "csv"] | None, into: str | None, workspace: str, as_json: bool
) -> int:
    """Take over conversations that were held elsewhere.

    PATH is a file, or a folder with everything below it; folders named __report__ are left out. The same conversation
    again adds nothing. Files that are no conversations are listed and left out; if there are any, the exit code is 2.

    \b
    Examples:
      convotest import recorded/ --format sensei
      convotest import chats.jsonl --into spring
      convotest rules check --rules profiles/rules/pizza-shop --conversations spring
    """
    from jobs.importing.keep import import_conversations
    from jobs.importing.sources import guessed_format
    from jobs.model import WorkspaceId

    chosen = format or guessed_format(path)

    async def work(store: "Store", clock: "Clock") -> "Imported":
        return await import_conversations(path, chosen, into=into, store=store, workspace_id=WorkspaceId(workspace))

    done = asyncio.run(with_store(work))
    bad = [{"path": each.path, **_problem_json(each.problem)} for each in done.unread]
    if as_json:
        click.echo(json.dumps({"set": done.set_name, "new": done.new, "known": done.known, "bad": bad}, indent=2))
    else:
        click.echo(f"{done.set_name}: {done.new:,} new, {done.known:,} known before, {len(bad):,} left out")
        complain([f"{each.path}: {each.problem}" for each in done.unread[:SHOWN_BAD_FILES]])
        complain([f"… and {len(bad) - SHOWN_BAD_FILES} more (--json lists all)"] if len(bad) > SHOWN_BAD_FILES else [])
    return 2 if bad else 0


@click.command("export")
@click.argument("source", metavar="RUN")
@click.option("--format", required=True, type=click.Choice([*_FORMATS, "html"]), help=f"{_KNOWN}, or html: a page.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="PATH", help="Where to; default: stdout.")
@into_workspace
def export(source: str, format: "ExportFormat", output: Path | None, workspace: str) -> None:
    """Write conversations for other tools.

    Those of a run, or of a set that was imported.

    RUN is a run's id, 'last', or the name of a set. Secrets are taken out. The format sensei makes a folder with a file
    for each conversation, by default one that is called like the run. What is exported can be imported again.

    \b
    Examples:
      convotest export last --format jsonl > conversations.jsonl
      convotest export 3f9a21bc --format sensei -o recorded/
      convotest export spring --format html -o spring.html
    """
    from jobs.errors import RequestError

    found = asyncio.run(with_store(lambda store, clock: _found(source, workspace, store, clock)))
    if format == "sensei":
        folder = output or Path(found.name)
        written = _write_folder(folder, found.conversations)
        click.echo(f"{written} files in {folder}", err=True)
        return
    content = _as_one(found, format)
    if output is None:
        sys.stdout.buffer.write(content)
        return
    if not output.absolute().parent.is_dir():
        raise RequestError(f"{str(output)!r} cannot be written: there is no folder {str(output.parent)!r}")
    output.write_bytes(content)


def _problem_json(problem: "Problem") -> dict[str, Any]:
    place = problem.place
    return {
        "line": place.line if place else None,
        "column": place.column if place else None,
        "message": problem.message,
        "fix": problem.fix,
    }


class _Found:
    """What is to be written; of a run also its report, which is a better page than its conversations alone."""

    def __init__(self, name: str, conversations: "tuple[Recorded, ...]", report: "RunReport | None" = None) -> None:
        self.name, self.conversations, self.report = name, conversations, report


async def _found(source: str, workspace: str, store: "Store", clock: "Clock") -> _Found:
    from jobs.importing.keep import imported_set, is_set_name
    from jobs.importing.runs import conversations_of_run, report_of_run
    from jobs.model import WorkspaceId, short_id

    workspace_id = WorkspaceId(workspace)
    if is_set_name(source):
        return _Found(source, await imported_set(source, store=store, workspace_id=workspace_id))
    report = await report_of_run(source, store=store, workspace_id=workspace_id)
    return _Found(f"run-{short_id(report.run.id)}", conversations_of_run(report.conversations), report)


def _as_one(found: _Found, format: "ExportFormat") -> bytes:
    from jobs.importing.written import written_as_one
    from jobs.report import to_html

    if format == "html" and found.report:
        return to_html(found.report)
    return written_as_one(found.conversations, format, title=found.name)


def _write_folder(folder: Path, conversations: "tuple[Recorded, ...]") -> int:
    from jobs.errors import RequestError
    from jobs.importing.written import written_one_by_one

    try:
        folder.mkdir(parents=True, exist_ok=True)
        count = 0
        for name, content in written_one_by_one(conversations):
            (folder / name).write_bytes(content)
            count += 1
        return count
    except OSError as error:
        raise RequestError(f"{str(folder)!r} cannot be written ({error.strerror})") from error
