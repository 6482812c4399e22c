"""``convotest ab``: A/B tests in the terminal."""

import json
from pathlib import Path

import click


@click.group()
def ab() -> None:
    """Compare variants, and say what the results do and do not show."""


@ab.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--metric", "metrics", multiple=True, metavar="COLUMN", help="Compare only this one; may be repeated.")
@click.option("--lower", multiple=True, metavar="COLUMN", help="Less is better in this one; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def analyze(file: Path, metrics: tuple[str, ...], lower: tuple[str, ...], as_json: bool) -> int:
    """Compare the variants in a file of results.

    FILE is a CSV file with the columns scenario, seed, variant, success, score, latency_ms and cost_usd, or a JSON
    list of objects with these fields. Any may be empty; further columns of numbers are metrics too. A is the first
    variant in the file. Results with the same scenario and seed are compared in pairs.

    \b
    Exit codes, by success, else the first metric: 0 B is better, 1 B is worse, 4 neither was shown, 2 bad input.

    \b
    Examples:
      convotest ab analyze results.csv
      convotest ab analyze results.csv --metric success --metric cost_usd --json
    """
    from jobs.experiments.analysis import analyze as compare
    from jobs.experiments.as_json import to_json
    from jobs.experiments.reading import load_results

    compared = compare(load_results(file, only=metrics), lower_is_better=lower)
    if as_json:
        click.echo(json.dumps(to_json(compared), indent=2, allow_nan=False))
    else:
        from jobs.experiments.table import print_comparisons

        print_comparisons(compared)
    return {"b_better": 0, "b_worse": 1}.get(compared[0].verdict, 4)
