"""How often the tools of the history are wrong or late: ``python -m tests.benchmarks.bench_series``."""

from collections.abc import Callable, Sequence
from statistics import median

import click

from jobs.history.change import Shift, find_shifts
from tests.unit.test_history_change import STEPPED, UNCHANGED, errors_of, first_alarm, rates


@click.command()
@click.option("--series", default=500, show_default=True, help="Of each kind.")
def main(series: int) -> None:
    for kind, make in UNCHANGED.items():
        shifted = sum(bool(find_shifts(make(f"bench {kind} {number}"))) for number in range(series))
        click.echo(f"unchanged, {kind}: {shifted / series:.1%} of {series} series of 60 nights show a shift")
    for kind, make in STEPPED.items():
        near = sum(_is_near(find_shifts(make(f"bench {kind} {number}"))) for number in range(series))
        click.echo(f"step of {kind}: found within 3 nights in {near / series:.0%}")
    for kind in ("85 %", "97 %"):
        alarms = sum(_alarm(UNCHANGED[kind], f"bench {number}") is not None for number in range(series))
        click.echo(f"unchanged, {kind}: the chart alarms in {alarms / series:.1%} of windows of 40 nights")
    for drop in (0.1, 0.2):
        _echo_delays(drop, series)


def _is_near(shifts: Sequence[Shift]) -> bool:
    return any(abs(shift.place - 30) <= 3 for shift in shifts)


def _alarm(make: Callable[[str], list[float]], seed: str) -> int | None:
    values = make(seed)
    return first_alarm(values, errors_of(values))


def _echo_delays(drop: float, series: int) -> None:
    places = [_alarm(lambda seed: rates(seed, (45, 0.85), (20, 0.85 - drop)), f"bench {n}") for n in range(series)]
    late = [99 if place is None else place - 45 for place in places if place is None or place >= 45]
    seen = sum(delay < 99 for delay in late) / len(late)
    click.echo(f"step of -{100 * drop:.0f} points: {median(late):.0f} nights after the first, seen in {seen:.0%}")


if __name__ == "__main__":
    main()
