"""``convotest rules``: rules over recorded conversations, in the terminal."""

import json
from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path)


@click.group()
def rules() -> None:
    """What must hold of conversations that were recorded."""


@rules.command("check")
@click.option("--rules", "rules_dir", required=True, type=_FOLDER, metavar="DIR", help="The rule files.")
@click.option("--conversations", required=True, type=_FOLDER, metavar="DIR", help="The recorded conversations.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def check(rules_dir: Path, conversations: Path, as_json: bool) -> int:
    """Hold rules against recorded conversations, and count the verdicts.

    A rule passes only where 'then' is exactly True; where it cannot be evaluated it does not apply. Nothing that a
    rule says is executed. Rules that only a model can judge are unscored.

    \b
    Examples:
      convotest rules check --rules profiles/rules --conversations recorded/
      convotest rules check --rules rules/ --conversations recorded/ --json > verdicts.json
    """
    from jobs.recorded import load_recordings
    from jobs.rules.check import check_rules
    from jobs.rules.files import load_rules

    active, warnings = load_rules(rules_dir)
    recordings = load_recordings(conversations)
    _complain([*warnings, *(f"left out: {each.path}: {each.problem}" for each in recordings.unread)])
    if not recordings.conversations:
        from jobs.errors import RequestError

        raise RequestError(f"there is no recorded conversation in {str(conversations)!r}")
    report = check_rules(active, recordings.conversations)
    if as_json:
        from jobs.rules.report import to_json

        click.echo(json.dumps(to_json(report), indent=2, allow_nan=False))
    else:
        from jobs.rules.report import print_rules
        from jobs.terminal import stdout_console

        print_rules(report, stdout_console())
    _complain([str(each) for each in report.given_up])
    return report.exit_code


def _complain(notes: list[str]) -> None:
    """Remarks on stderr, each on one line and without what may not be shown."""
    from jobs.redact import redact
    from jobs.report.as_text import printable

    for note in notes:
        click.echo(f"convotest: {printable(redact(note))}", err=True)
