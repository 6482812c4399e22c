"""The fewest rows, nearly, in which every pair of values of any two variables comes together."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations, product

MOST_PAIRS = 20_000
"""With more of them the search takes seconds."""

Row = tuple[int, ...]
_Pair = tuple[int, int, int, int]
"""A variable and its value, a later variable and its value, all as indices."""


def count_pairs(sizes: Sequence[int]) -> int:
    """How many pairs of values variables of these sizes have; none where every row is needed anyway."""
    return sum(one * other for one, other in combinations(sizes, 2)) if len(sizes) > 2 else 0


@lru_cache(maxsize=64)
def pairwise_rows(sizes: Row) -> tuple[Row, ...]:
    """Rows of indices, one for each of the variables, whose numbers of values are ``sizes``.

    Each row begins with the first pair that is still missing and is filled up, variable by variable, with the value
    that brings most of the missing pairs; without chance, so that the rows are the same on every machine.

    Source: Cohen et al. 1997, The AETG System (the greedy step, with one candidate a row).
    """
    if len(sizes) <= 2:
        return tuple(product(*(range(size) for size in sizes)))
    columns = range(len(sizes))
    missing = {
        (one, first, other, second): None
        for one, other in combinations(columns, 2)
        for first, second in product(range(sizes[one]), range(sizes[other]))
    }  # a dict, since a set would have no order
    used = [[0] * size for size in sizes]
    rows: list[Row] = []
    while missing:
        one, first, other, second = next(iter(missing))
        row = {one: first, other: second}
        for column in columns:
            if column not in row:
                row[column] = _best_value(row, column, missing, used[column])
            used[column][row[column]] += 1
        rows.append(tuple(row[column] for column in columns))
        for one, other in combinations(columns, 2):
            missing.pop((one, row[one], other, row[other]), None)
    return tuple(rows)


def _best_value(row: dict[int, int], column: int, missing: Mapping[_Pair, None], used: Sequence[int]) -> int:
    """The value that brings most missing pairs; of several the one used least, then the first."""
    return max(range(len(used)), key=lambda value: (_gain(row, column, value, missing), -used[value]))


def _gain(row: dict[int, int], column: int, value: int, missing: Mapping[_Pair, None]) -> int:
    """How many missing pairs a value brings, with those that the row has already."""
    return sum(
        ((other, there, column, value) if other < column else (column, value, other, there)) in missing
        for other, there in row.items()
    )
