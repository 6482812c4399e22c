"""How long rules take over recorded conversations, and how that grows.

``python -m tests.benchmarks.bench_rules`` writes recordings to a temporary folder, reads them and holds 40 rules, 12 of
them over pairs, against them.
"""

import random
import resource
import tempfile
import time
from pathlib import Path

import click

from jobs.recorded import load_recordings
from jobs.rules.check import check_rules
from jobs.rules.files import load_rules

SIZES, TOPPINGS, DRINKS = ("small", "medium", "large"), ("ham", "corn", "olives", "onions", "cheese"), ("cola", "water")

SINGLE = (
    "extract_float(price) >= 8",
    "currency(price) == 'USD'",
    "len(toppings) <= 5 and all(each in user_phrases[0] for each in toppings)",
    "data_collected()",
    "not chatbot_returns('LINK: <empty>')",
    "conversation_length('user') < 12 and length(chatbot_phrases, 'max') < 500",
    "not repeated_answers(method='tf-idf', threshold=0.95)",
    "not repeated_answers(method='sequence-matcher', threshold=0.95)",
    "'thanks' not in str(order_id).lower()",
)
PAIRS = (
    (
        "conv[0].size == conv[1].size and conv[0].drink == conv[1].drink",
        "len(conv[0].toppings) > len(conv[1].toppings)",
    ),
    ("conv[0].name == conv[1].name", "len(conv[0].toppings) >= len(conv[1].toppings)"),
    ("conv[0].size == 'small' and conv[1].size == 'large'", "set(conv[0].toppings) == set(conv[1].toppings)"),
)


@click.command()
@click.option("--counts", default="500,1000,2000,4000", show_default=True, help="Conversations, in several rounds.")
def main(counts: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rules_dir = Path(folder, "rules")
        _write_rules(rules_dir)
        rules, _ = load_rules(rules_dir)
        click.echo(f"{'conversations':>14} {'reading':>9} {'40 rules':>9} {'pairs':>12}  verdicts")
        for count in map(int, counts.split(",")):
            recordings_dir = Path(folder, str(count))
            _write_recordings(recordings_dir, count)
            started = time.perf_counter()
            recordings = load_recordings(recordings_dir)
            read = time.perf_counter()
            report = check_rules(rules, recordings.conversations)
            checked = time.perf_counter()
            found = report.rules.values()
            verdicts = sum(each.passed + each.failed for each in found)
            every = 12 * count * (count - 1)
            click.echo(f"{count:>14} {read - started:>8.2f}s {checked - read:>8.2f}s {every:>12,}  {verdicts:,}")
        click.echo(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


def _write_rules(folder: Path) -> None:
    folder.mkdir()
    for number in range(27):
        (folder / f"single{number}.yaml").write_text(
            f"name: single{number}\nthen: |\n  {SINGLE[number % len(SINGLE)]}\n"
        )
    for number in range(12):
        when, condition = PAIRS[number % len(PAIRS)]
        (folder / f"pair{number}.yaml").write_text(
            f"name: pair{number}\nconversations: 2\nwhen: {when}\nif: {condition}\n"
            "then: extract_float(conv[0].price) > extract_float(conv[1].price)\n"
        )
    (folder / "all.yaml").write_text("name: all\nconversations: all\nthen: is_unique('order_id')\n")


def _write_recordings(folder: Path, count: int) -> None:
    folder.mkdir()
    chance = random.Random(7)
    for number in range(count):
        toppings = chance.sample(TOPPINGS, chance.randint(1, 5))
        (folder / f"{number}.yml").write_text(_recording(number, toppings, chance))


def _recording(number: int, toppings: list[str], chance: random.Random) -> str:
    turns = "".join(
        f"- User: I would like {', '.join(toppings)}, please, and this is sentence {turn}.\n"
        f"- Assistant: Very well, that is noted as item {turn} of order {number}; anything else?\n"
        for turn in range(5)
    )
    return (
        f"serial: {number}\nlanguage: English\nask_about:\n- a pizza\n- toppings: {toppings}\n"
        f"- size: {chance.choice(SIZES)}\n- drink: {chance.choice(DRINKS)}\n"
        f"- name: customer {number % (10 + number // 8)}\n"
        f"conversation:\n- number: 3\n- interaction_style:\n  - default\ndata_output:\n"
        f"- price: ${8 + len(toppings) + chance.random():.2f}\n- order_id: {number}\nerrors: []\n---\n"
        f"conversation time: 2.5\nassistant response time:\n- 0.5\n---\ninteraction:\n{turns}"
    )


if __name__ == "__main__":
    main()
