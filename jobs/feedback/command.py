"""``convotest feedback``: what people say, in the terminal."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from jobs.at_terminal import as_json_option, complain, into_workspace, of_workspace, parse_period, with_store

if TYPE_CHECKING:
    from jobs.feedback.csat import NpsMapping
    from jobs.feedback.report import FeedbackReport
    from jobs.model import WorkspaceId
    from jobs.ports import Clock
    from jobs.store import Store

SHOWN_BAD_ROWS = 20


@click.group()
def feedback() -> None:
    """What people say of the assistant."""


@feedback.command()
@click.option("--conversation", metavar="ID", help="What it is about: a conversation of ours, or of another system.")
@click.option("--rating", metavar="1-5", help="Stars.")
@click.option("--thumb", type=click.Choice(["up", "down"]))
@click.option("--text", metavar="TEXT", help="A comment.")
@click.option("--user", metavar="ID", help="Who said it; one person has one voice in a conversation.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="May be repeated.")
@click.option(
    "--aspect", "aspects", multiple=True, metavar="NAME=1-5", help="tool_selection, response_quality or speed."
)
@click.option("--suggest-tool", "tools", multiple=True, metavar="TOOL", help="A tool that should have been used.")
@click.option("--suggest-response", "response", metavar="TEXT", help="What should have been answered.")
@click.option("--assistant", metavar="NAME[@VARIANT]", help="Of whom, if the conversation is not one of ours.")
@into_workspace
@as_json_option
def add(workspace: str, as_json: bool, **given: Any) -> None:
    """Record what somebody said.

    \b
    Examples:
      convotest feedback add --conversation 7f3a21bc --rating 2 --text "It forgot the drinks" --user ana
      convotest feedback add --conversation ticket-4711 --thumb up
    """
    from jobs.feedback.given import FeedbackError
    from jobs.feedback.record import ratings_of
    from jobs.model import WorkspaceId

    async def work(store: "Store", clock: "Clock") -> dict[str, Any]:
        said = await _given(given, workspace, store, clock)
        ratings, faults = await ratings_of(
            [said], store=store, clock=clock, workspace_id=WorkspaceId(workspace), source="cli"
        )
        if faults:
            raise FeedbackError(list(faults.values()))
        await store.feedback.add(ratings)
        return {"id": ratings[0].id, "conversation": ratings[0].about.conversation}

    stored = asyncio.run(with_store(work))
    click.echo(json.dumps(stored) if as_json else "recorded")


@feedback.command()
@click.argument("period", required=False, metavar="[PERIOD]")
@click.option("--days", type=click.IntRange(1, 36500), help="The same as a period of so many days.")
@click.option("--assistant", metavar="NAME[@VARIANT]")
@click.option("--profile", metavar="NAME")
@click.option("--by", type=click.Choice(["assistant", "variant", "profile", "persona", "channel", "week"]))
@click.option("--nps", type=click.Choice(["usual", "strict"]), default="usual", help="usual: 1-2 detract; strict: 1-3.")
@of_workspace
@as_json_option
def report(
    period: str | None, days: int | None, as_json: bool, nps: "NpsMapping", workspace: str | None, **scope: Any
) -> None:
    """Show how satisfied people are, and what they write about.

    PERIOD is how far to look back, such as 7d or 12h; without it, all of it. Ratings of simulated conversations, and
    those by simulated customers, are listed apart and are in no other figure.

    \b
    Examples:
      convotest feedback report 30d
      convotest feedback report --assistant pizza@good --by week --json
    """
    from jobs.errors import RequestError
    from jobs.feedback.ask_report import ReportRequest
    from jobs.feedback.report import report_feedback, to_json

    if period and days:
        raise RequestError("give a period or --days, not both")
    back = parse_period(period or f"{days}d") if period or days else None
    request = ReportRequest(workspace_id=workspace_id(workspace), back=back, nps=nps, **scope)

    async def work(store: "Store", clock: "Clock") -> Any:
        scope = request.scope(clock.now())
        return await asyncio.to_thread(report_feedback, store.database_url, scope, by=request.by, nps=nps)

    result = asyncio.run(_read_by_model(asyncio.run(with_store(work))))
    if as_json:
        click.echo(json.dumps(to_json(result), indent=2, allow_nan=False))
        return
    from jobs.feedback.as_text import feedback_page
    from jobs.terminal import stdout_console

    stdout_console().print(feedback_page(result))


@feedback.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(["csv", "json", "jsonl"]), help="Default: as the file's name ends.")
@click.option("--source", type=click.Choice(["live", "api", "cli", "simulated"]), default="cli", show_default=True)
@into_workspace
@as_json_option
def import_(
    file: Path,
    format: Literal["csv", "json", "jsonl"] | None,
    source: Literal["live", "api", "cli", "simulated"],
    workspace: str,
    as_json: bool,
) -> int:
    """Take over feedback from a file.

    FILE has the fields conversation_id, rating (1 to 5) or thumb (up or down), feedback_text, user_id, timestamp, tags,
    aspects, suggested_tools, suggested_response. In CSV, lists are separated by semicolons and aspects are columns such
    as aspects.speed. The same file again adds nothing. Rows that are no feedback are listed and left out; if there are
    any, the exit code is 2.

    \b
    Examples:
      convotest feedback import ratings.csv
      convotest feedback import survey.jsonl --json
    """
    from jobs.feedback.importing import import_feedback
    from jobs.model import WorkspaceId

    async def work(store: "Store", clock: "Clock") -> Any:
        return await import_feedback(
            file, store=store, clock=clock, workspace_id=WorkspaceId(workspace), source=source, format=format
        )

    done = asyncio.run(with_store(work))
    bad = [{"line": row.line, "reason": row.reason} for row in done.bad]
    if as_json:
        document = {"stored": done.stored, "known": done.known, "bad": bad, "ignored": list(done.ignored)}
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(f"{done.stored} stored, {done.known} known before, {len(bad)} left out")
        complain([f"{file.name}:{row['line']}: {row['reason']}" for row in bad[:SHOWN_BAD_ROWS]])
        complain([f"… and {len(bad) - SHOWN_BAD_ROWS} more (--json lists all)"] if len(bad) > SHOWN_BAD_ROWS else [])
        complain([f"no fields of feedback: {', '.join(done.ignored)}"] if done.ignored else [])
    return 2 if bad else 0


@feedback.command()
@click.argument("conversation", metavar="[ID]", required=False)
@click.option("--turn", type=click.IntRange(min=1), help="Only this answer of the conversation; default: all.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="May be repeated.")
@click.option("--list", "listing", is_flag=True, help="Write what was kept instead, one JSON object a line.")
@of_workspace
@as_json_option
def keep(
    conversation: str | None,
    turn: int | None,
    labels: tuple[str, ...],
    listing: bool,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Keep exchanges of a conversation as examples to learn from.

    \b
    Examples:
      convotest feedback keep 7f3a21bc --turn 2 --label good
      convotest feedback keep --list > examples.jsonl
    """
    from jobs.errors import RequestError
    from jobs.feedback.examples import keep_examples
    from jobs.model import WorkspaceId

    workspace_id = WorkspaceId(workspace) if workspace else None

    async def work(store: "Store", clock: "Clock") -> Any:
        if conversation is None:
            return await store.feedback.examples(workspace_id)
        return await keep_examples(
            conversation,
            store=store,
            clock=clock,
            workspace_id=workspace_id,
            kept_by="terminal",
            turn=turn,
            labels=labels,
        )

    if listing == (conversation is not None):
        raise RequestError("give the id of a conversation, or --list")
    kept = [dict(example.content) for example in asyncio.run(with_store(work))]
    if as_json:
        click.echo(json.dumps(kept, indent=2))
    elif listing:
        for content in kept:
            click.echo(json.dumps(content))
    else:
        click.echo(f"{len(kept)} kept")


@feedback.command()
@click.argument("member")
@of_workspace
@as_json_option
def forget(member: str, workspace: str | None, as_json: bool) -> None:
    """Delete everything that a person said: ratings, comments, examples, and their conversations with assistants.

    MEMBER is the id under which the feedback was given: a member's in Slack, or a user_id. It cannot be undone.
    """
    from jobs.feedback.privacy import forget_member
    from jobs.model import WorkspaceId

    async def work(store: "Store", clock: "Clock") -> Any:
        return await forget_member(member, store=store, workspace_id=WorkspaceId(workspace) if workspace else None)

    gone = asyncio.run(with_store(work))
    if as_json:
        document = {"ratings": gone.ratings, "examples": gone.examples, "conversations": gone.conversations}
        click.echo(json.dumps(document))
    else:
        said = f"{gone.ratings} ratings and comments, {gone.examples} examples, {gone.conversations} conversations"
        click.echo(f"deleted: {said}")


async def _read_by_model(report: "FeedbackReport") -> "FeedbackReport":
    """The report with what a model adds, if one is configured; only then are the models opened."""
    from jobs.settings import load_settings

    settings = load_settings()
    if settings.convotest_judge_model is None or not report.words.n:
        return report
    from jobs.feedback.by_model import add_by_model
    from jobs.wiring import open_ports

    async with open_ports(settings, role="reader") as ports:
        return await add_by_model(report, ports)


def workspace_id(text: str | None) -> "WorkspaceId | None":
    from jobs.model import WorkspaceId

    return WorkspaceId(text) if text else None


async def _given(options: dict[str, Any], workspace: str, store: "Store", clock: "Clock") -> Any:
    """The options as feedback; the end of a conversation's id stands for all of it if it is one of ours."""
    from jobs.feedback.examples import SHORTEST_END
    from jobs.feedback.given import parse_feedback
    from jobs.model import WorkspaceId

    named = options["conversation"]
    if named and len(named) >= SHORTEST_END:
        ours = await store.feedback.conversations_ending(named, workspace_id=WorkspaceId(workspace))
        named = ours[0].about.conversation_id if len(ours) == 1 else named
    assistant, _, variant = (options["assistant"] or "").partition("@")
    values = {
        "conversation_id": named,
        "rating": _number(options["rating"]),
        "thumb": options["thumb"],
        "feedback_text": options["text"],
        "user_id": options["user"],
        "tags": options["tags"],
        "aspects": {name: _number(value) for name, _, value in (each.partition("=") for each in options["aspects"])},
        "suggested_tools": options["tools"],
        "suggested_response": options["response"],
        "assistant": assistant,
        "variant": variant,
    }
    return parse_feedback(
        {name: value for name, value in values.items() if value not in (None, "", (), {})}, now=clock.now()
    )


def _number(text: str | None) -> int | str | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else text
