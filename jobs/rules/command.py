"""``convotest rules``: rules over recorded conversations, in the terminal."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.at_terminal import complain, into_workspace, prepare, with_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.ports import Clock
    from jobs.recorded import Recorded
    from jobs.store import Store

_FOLDER = click.Path(path_type=Path)


@click.group()
def rules() -> None:
    """What must hold of conversations that were recorded."""


@rules.command("check")
@click.option("--rules", "rules_dir", required=True, type=_FOLDER, metavar="DIR", help="The rule files.")
@click.option(
    "--conversations",
    required=True,
    metavar="DIR|RUN",
    help="A folder, a run, or an imported set.",
)
@into_workspace
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def check(rules_dir: Path, conversations: str, workspace: str, as_json: bool) -> int:
    """Hold rules against conversations, and count the verdicts.

    The conversations are those below a folder, of a run (its id, or 'last'), or of a set that 'import' made.

    A rule passes only where 'then' is exactly True; where it cannot be evaluated it does not apply. Nothing that a
    rule says is executed. What only a model can tell is asked of the judge (CONVOTEST_JUDGE_MODEL), else unscored.

    \b
    Examples:
      convotest rules check --rules profiles/rules --conversations recorded/
      convotest rules check --rules rules/ --conversations recorded/ --json > verdicts.json
      convotest rules check --rules profiles/rules/pizza-shop --conversations last
    """
    from jobs.rules.files import load_rules
    from jobs.rules.judged import check_with_judge

    active, warnings = load_rules(rules_dir)
    complain(list(warnings))
    report = check_with_judge(active, _conversations(conversations, workspace), prepare())
    if as_json:
        from jobs.rules.report import to_json

        click.echo(json.dumps(to_json(report), indent=2, allow_nan=False))
    else:
        from jobs.rules.report import print_rules
        from jobs.terminal import stdout_console

        print_rules(report, stdout_console())
    complain([str(each) for each in report.given_up])
    return report.exit_code


def _conversations(source: str, workspace: str) -> "Sequence[Recorded]":
    """A folder goes before a run or set of that name."""
    from jobs.errors import RequestError

    if not Path(source).exists():
        return _of_store(source, workspace)
    from jobs.recorded import load_recordings

    recordings = load_recordings(Path(source))
    complain([f"left out: {each.path}: {each.problem}" for each in recordings.unread])
    if not recordings.conversations:
        raise RequestError(f"there is no recorded conversation in {source!r}")
    return recordings.conversations


def _of_store(source: str, workspace: str) -> "Sequence[Recorded]":
    from jobs.errors import RequestError
    from jobs.importing.keep import imported_set, is_set_name
    from jobs.importing.runs import conversations_of_run, report_of_run
    from jobs.model import WorkspaceId

    workspace_id = WorkspaceId(workspace)

    async def work(store: "Store", clock: "Clock") -> "Sequence[Recorded]":
        if is_set_name(source):
            return await imported_set(source, store=store, workspace_id=workspace_id)
        return conversations_of_run((await report_of_run(source, store=store, workspace_id=workspace_id)).conversations)

    if len(Path(source).parts) > 1:
        raise RequestError(f"there is no folder {source!r}")
    return asyncio.run(with_store(work))
