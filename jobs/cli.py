"""The terminal's door to every use case; nothing heavy is imported before a command needs it."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs.actions_command import actions
from jobs.at_terminal import into_workspace, on_interrupt, prepare
from jobs.digest_command import digest
from jobs.errors import ConvotestError, RequestError
from jobs.experiments.command import ab
from jobs.experiments.compare_command import compare
from jobs.feedback.command import feedback
from jobs.history.command import history
from jobs.importing.command import export, import_
from jobs.regression.command import baseline, regress
from jobs.rollout.command import rollback, rollout, use
from jobs.rules.command import rules
from jobs.schedule.command import schedule
from jobs.token_command import token

if TYPE_CHECKING:
    from jobs.bundle import Ports
    from jobs.doctor import SlackIdentity
    from jobs.model import Run, RunId, RunRequest, WorkspaceId
    from jobs.report import RunReport
    from jobs.settings import Settings

INTERRUPTED = 130
ORDER = [
    "demo",
    "run",
    "show",
    "runs",
    "cancel",
    "ab",
    "compare",
    "regress",
    "baseline",
    "schedule",
    "history",
    "digest",
    "check",
    "rules",
    "import",
    "export",
    "feedback",
    "token",
    "actions",
    "assistants",
    "doctor",
    "manifest",
    "gallery",
    "serve",
    "worker",
    "db",
]
"""Commands as a newcomer meets them."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """What an edge offers to the commands that can make use of it."""

    slack_identity: "SlackIdentity | None" = None


class Verbs(click.Group):
    """Commands in the order of ``ORDER``; a wrong name is answered with the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.commands, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from jobs.shelf import unknown

            raise click.UsageError(unknown("command", args[0], self.commands), ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "--version", package_name="convotest", message="convotest %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Simulated customers for your assistant, scored and discussed in Slack.

    \b
    Try it, without any key or account:
      convotest demo                            a local workspace: open the page it names, type /convotest run pizza
      convotest run pizza                       the same in the terminal
      convotest run pizza --assistant pizza@faulty -n 20 --seed 7
    \b
    Exit codes: 0 fine, 1 the assistant failed, 2 bad input, 3 something is missing or unreachable,
    4 inconclusive, 130 interrupted.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


cli.add_command(ab)
cli.add_command(actions)
cli.add_command(compare)
cli.add_command(rules)
cli.add_command(feedback)
cli.add_command(token)
cli.add_command(regress)
cli.add_command(baseline)
cli.add_command(history)
cli.add_command(digest)
cli.add_command(schedule)
cli.add_command(import_)
cli.add_command(export)
CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def as_json_option(command: CommandT) -> CommandT:
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(command)


def _file(name: str, what: str) -> Callable[[CommandT], CommandT]:
    return click.option(name, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help=what)


def file_options(command: CommandT) -> CommandT:
    """``--csv``, ``--junit`` and ``--html``: the report as files."""
    for name, what in (
        ("--html", "Write the report as a web page."),
        ("--junit", "Write the results as JUnit XML, for continuous integration."),
        ("--csv", "Write one row a conversation."),
    ):
        command = _file(name, what)(command)
    return command


# --- runs -----------------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("target")
@click.option("--assistant", metavar="NAME[@VARIANT]", help="Which assistant; default: the one made for the profile.")
@click.option("-n", type=click.IntRange(min=1), help="Conversations; default: as many as the profile says.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="The same seed plays the same customers.")
@as_json_option
@file_options
def run(
    target: str, assistant: str | None, n: int | None, seed: int | None, as_json: bool, **files: Path | None
) -> int:
    """Let simulated customers talk to an assistant, and score it.

    TARGET is a profile or a suite: its path under the profiles directory without suffix, its file's stem, or its
    name.
    Ctrl-C stops the run and keeps what is finished.

    \b
    Examples:
      convotest run pizza
      convotest run pizza-shop/pizza --assistant pizza@faulty -n 20 --seed 7
      convotest run pizza-smoke
      convotest run pizza --json > result.json
      convotest run pizza --junit result.xml || echo "the assistant failed"
    """
    from jobs.model import RunRequest

    settings = prepare()
    _refuse_missing_folders(files)
    request = RunRequest(target=target, assistant=assistant, n=n, seed=seed, started_by="terminal")
    report, interrupted = asyncio.run(_play(request, settings))
    _write_files(report, files)
    _show_report(report, as_json=as_json)
    from jobs.report import exit_code

    return INTERRUPTED if interrupted else exit_code(report)


@cli.command()
@click.argument("run_id", metavar="RUN", default="last")
@click.option("-c", "--conversation", type=click.IntRange(min=1), help="The transcript of that conversation instead.")
@as_json_option
@file_options
def show(run_id: str, conversation: int | None, as_json: bool, **files: Path | None) -> None:
    """Show a run, finished or not.

    RUN is its id as 'runs' lists it, or 'last'.

    \b
    Examples:
      convotest show
      convotest show last -c 7
      convotest show 3f9a21bc --csv result.csv
    """
    settings = prepare()
    _refuse_missing_folders(files)
    report = asyncio.run(_with_run(run_id, settings, _report_of))
    _write_files(report, files)
    if conversation is not None:
        _show_transcript(report, conversation)
    else:
        _show_report(report, as_json=as_json, with_conversations=True)


@cli.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, newest first.")
@as_json_option
def runs(limit: int, as_json: bool) -> None:
    """List the latest runs of this terminal."""
    listed = asyncio.run(_list(limit, prepare()))
    if as_json:
        _print_json([_run_json(each) for each in listed])
        return
    from jobs.model import short_id
    from jobs.terminal import print_runs

    print_runs(listed, short_id=short_id)


@cli.command()
@click.argument("run_id", metavar="RUN")
@as_json_option
def cancel(run_id: str, as_json: bool) -> None:
    """Stop a run; what is finished is kept."""
    cancelled = asyncio.run(_with_run(run_id, prepare(), _cancel))
    if as_json:
        _print_json(_run_json(cancelled))
    else:
        click.echo(f"run {run_id}: {cancelled.state}")


async def _play(request: "RunRequest", settings: "Settings") -> "tuple[RunReport, bool]":
    """Plays a run to its end, or to the first Ctrl-C; says whether it was interrupted."""
    from jobs.runs import find_run, run_report, start_run
    from jobs.wiring import open_ports

    interrupted = on_interrupt()
    async with open_ports(settings, role="auto") as ports:
        started = await start_run(request, ports)
        canceller = asyncio.create_task(_cancel_when(interrupted, started.id, ports))
        try:
            await _follow(started, ports)
        finally:
            canceller.cancel()
        finished = await find_run(started.id, started.workspace_id, ports)
        return await run_report(finished, ports), interrupted.is_set()


async def _follow(started: "Run", ports: "Ports") -> None:
    from jobs.runs import follow_run
    from jobs.terminal import progress_bar

    with progress_bar(f"{started.profile} × {started.assistant}@{started.variant}", started.planned) as show_progress:
        async for progress in follow_run(started.id, ports):
            show_progress(progress)


async def _cancel_when(interrupted: asyncio.Event, run_id: "RunId", ports: "Ports") -> None:
    from jobs.runs import cancel_run

    await interrupted.wait()
    await cancel_run(run_id, ports, by="Ctrl-C")


ResultT = TypeVar("ResultT")


async def _with_run(run_id: str, settings: "Settings", use: "Callable[[Run, Ports], Any]") -> Any:
    from jobs.model import LOCAL_WORKSPACE
    from jobs.runs import find_run
    from jobs.wiring import open_ports

    async with open_ports(settings, role="reader") as ports:
        return await use(await find_run(run_id, LOCAL_WORKSPACE, ports), ports)


async def _report_of(found: "Run", ports: "Ports") -> "RunReport":
    from jobs.runs import run_report

    return await run_report(found, ports)


async def _cancel(found: "Run", ports: "Ports") -> "Run":
    from jobs.runs import cancel_run

    return await cancel_run(found.id, ports, by="the terminal")


async def _list(limit: int, settings: "Settings") -> "tuple[Run, ...]":
    from jobs.model import LOCAL_WORKSPACE
    from jobs.runs import list_runs
    from jobs.wiring import open_ports

    async with open_ports(settings, role="reader") as ports:
        return await list_runs(LOCAL_WORKSPACE, ports, limit=limit)


def _show_report(report: "RunReport", *, as_json: bool, with_conversations: bool = False) -> None:
    from jobs.report import to_json

    if as_json:
        _print_json(to_json(report))
        return
    from jobs.model import short_id
    from jobs.terminal import print_report

    print_report(report, short_id=short_id(report.run.id), with_conversations=with_conversations)


def _show_transcript(report: "RunReport", number: int) -> None:
    from jobs.report import transcript_text

    found = next((each for each in report.conversations if each.number == number), None)
    if found is None:
        raise RequestError(f"conversation {number} is not finished, or not one of the {report.run.planned} of this run")
    click.echo(transcript_text(found, planned=report.run.planned))


def _refuse_missing_folders(files: dict[str, Path | None]) -> None:
    """Before hours of conversations, not after them."""
    for path in files.values():
        if path is not None and not path.absolute().parent.is_dir():
            raise RequestError(f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}")


def _write_files(report: "RunReport", files: dict[str, Path | None]) -> None:
    from jobs.report import to_csv, to_html, to_junit

    writers = {"csv": to_csv, "junit": to_junit, "html": to_html}
    for name, path in files.items():
        if path is not None:
            path.write_bytes(writers[name](report))


def _run_json(each: "Run") -> dict[str, Any]:
    times = {"created_at": each.created_at, "started_at": each.started_at, "finished_at": each.finished_at}
    return {
        "run": each.id,
        "state": each.state,
        "profile": each.profile if each.suite is None else None,
        "suite": each.suite,
        "assistant": {"name": each.assistant, "variant": each.variant},
        "simulator": each.simulator,
        "seed": each.seed,
        "planned": each.planned,
        "started_by": each.started_by,
        "note": each.note,
        "notes": list(each.notes),
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }


# --- files and assistants -------------------------------------------------------------------------------------------


@cli.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@as_json_option
def check(paths: tuple[Path, ...], as_json: bool) -> int:
    """Check profiles, suites, cases and other YAML files.

    Says everything that is wrong at once, with line, field and mend. Without PATH the whole profiles directory is
    checked. Nothing is played.
    """
    from jobs.assistants.catalogue import check_assistants
    from jobs.profiles import check_paths
    from jobs.suites import check_suite

    settings = prepare()
    folder, run_python = settings.profiles_dir, settings.convotest_list_functions == "on"
    found = check_paths(paths or (folder,), profiles_dir=folder, list_functions=run_python)
    checks = [check_suite(check_assistants(each), profiles_dir=folder) for each in found]
    if as_json:
        _print_json([each.to_json() for each in checks])
    else:
        from jobs.terminal import print_checks

        print_checks(checks)
    return 0 if all(each.ok for each in checks) else 2


@cli.group(cls=Verbs)
def assistants() -> None:
    """The assistants that can be tested."""


for command in (use, rollout, rollback):
    assistants.add_command(command)


@assistants.command("list")
@into_workspace
@as_json_option
def list_assistants(workspace: str, as_json: bool) -> None:
    """List the assistants with their variants, and which one is in force."""
    from jobs.model import WorkspaceId

    listed = asyncio.run(_assistants(WorkspaceId(workspace), prepare()))
    if as_json:
        _print_json(listed)
        return
    for each in listed:
        others = [name for name in each["variants"] if name != each["in_force"]]
        why = "default" if each["in_force"] == each["default"] else "in force"
        click.echo(f"{each['name']}@{each['in_force']} ({why})" + (f", also {', '.join(others)}" if others else ""))
    if not listed:
        click.echo(f"none; describe one in {prepare().profiles_dir / 'assistants.yaml'}")


@assistants.command("show")
@click.argument("name", metavar="NAME[@VARIANT]")
@into_workspace
@as_json_option
def show_assistant(name: str, workspace: str, as_json: bool) -> None:
    """Show how an assistant is reached, its variants, and where they come from."""
    from jobs.model import WorkspaceId

    shown = asyncio.run(_assistant(name, WorkspaceId(workspace), prepare()))
    if as_json:
        _print_json(shown)
        return
    for key, value in shown.items():
        click.echo(f"{key}: {value if isinstance(value, str) else json.dumps(value, indent=2)}")


async def _assistants(workspace_id: "WorkspaceId", settings: "Settings") -> list[dict[str, Any]]:
    from jobs.variants import assistant_json
    from jobs.wiring import open_ports

    async with open_ports(settings, role="reader") as ports:
        return [await assistant_json(each, workspace_id, ports) for each in ports.catalogue.visible(workspace_id)]


async def _assistant(name: str, workspace_id: "WorkspaceId", settings: "Settings") -> dict[str, Any]:
    from jobs.variants import assistant_json, find_variant
    from jobs.wiring import open_ports

    plain_name, at, _ = name.partition("@")
    async with open_ports(settings, role="reader") as ports:
        assistant = ports.catalogue.assistant(plain_name, workspace_id=workspace_id)
        only = (await find_variant(name, workspace_id=workspace_id, ports=ports)).name if at else None
        shown = await assistant_json(assistant, workspace_id, ports, with_content=True, only=only)
        return shown | {"source": str(ports.catalogue.path)}


# --- operation ------------------------------------------------------------------------------------------------------


@cli.command()
@as_json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> int:
    """Check what convotest needs, and say how to get it."""
    from jobs import doctor as examination

    services = context.find_object(Services) or Services()
    findings = asyncio.run(examination.examine(slack_identity=services.slack_identity))
    if as_json:
        _print_json([each.to_json() for each in findings])
    else:
        colours = {"ok": "green", "warning": "yellow", "problem": "red"}
        for each in findings:
            click.echo(f"{click.style(f'{each.status:7}', fg=colours[each.status])}  {each.subject:27}  {each.message}")
            if each.fix:
                click.echo(f"{'':38}→ {each.fix}")
    return examination.exit_code(findings)


@cli.group(cls=Verbs)
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Bring the database to this version's schema."""
    from jobs.clock import SystemClock
    from jobs.redact import redact
    from jobs.store import open_store

    async def migrate(url: str) -> None:
        async with open_store(url, SystemClock()):
            pass

    url = prepare().convotest_database_url
    asyncio.run(migrate(url))
    click.echo(f"{redact(url)} is up to date")


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=2, allow_nan=False, default=str))


# --- the way out ----------------------------------------------------------------------------------------------------


def run_cli(group: click.Group = cli, args: Sequence[str] | None = None, *, services: Services | None = None) -> int:
    """Runs one command and returns its exit code; errors become one line on stderr."""
    try:
        result = group.main(args=args, prog_name="convotest", standalone_mode=False, obj=services or Services())
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        _complain(f"{error.format_message()}{_help_hint(error)}")
        return RequestError.exit_code
    except ConvotestError as error:
        _complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at exit
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: a bug is told in one line, and in full on demand
        first_line = str(error).partition("\n")[0]
        _complain(f"unexpected {type(error).__name__}: {first_line} (CONVOTEST_LOG_LEVEL=DEBUG shows where)")
        return 3
    return result if isinstance(result, int) else 0


def _help_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f" (see: {context.command_path} --help)" if context is not None else ""


def _complain(message: str) -> None:
    """One line on stderr; the whole traceback of the exception being handled if the log level asks for it."""
    import traceback

    from jobs.redact import redact

    click.echo(f"convotest: {redact(message)}", err=True)
    if _is_debugging():
        click.echo(redact(traceback.format_exc()), err=True)


def _is_debugging() -> bool:
    from jobs.settings import load_settings

    with suppress(ConvotestError):
        return load_settings().convotest_log_level == "DEBUG"
    return False
