"""The results of an experiment as columns, and the two samples that a comparison of two variants needs.

The unit is the scenario: what was measured several times in one scenario is averaged first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jobs.experiments.inference import Floats

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Design = Literal["paired", "unpaired"]


@dataclass(frozen=True, kw_only=True)
class Results:
    """One row a conversation; all columns are equally long.

    ``variant`` counts into ``variants``. ``meeting`` is what two variants can be paired by: the same for conversations
    with the same scenario, seed and repeat. ``scenario`` is the unit. A value is NaN where it is missing.
    """

    variants: tuple[str, ...]
    variant: Integers
    meeting: Integers
    scenario: Integers
    metrics: Mapping[str, Floats]
    notes: tuple[str, ...] = ()
    is_aa: bool = False

    def __len__(self) -> int:
        return len(self.variant)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One metric in two arms, one value a scenario; paired arms are in the same order.

    Args:
        pairs: complete pairs behind the values; 0 in an unpaired design.
        missing: pairs (unpaired: results) that were left out because a value is missing.
    """

    design: Design
    a: Floats
    b: Floats
    pairs: int
    missing: int

    @property
    def units(self) -> int:
        """Scenarios compared, in the smaller arm."""
        return min(len(self.a), len(self.b))


def with_aa_arms(results: Results) -> Results:
    """The results of one variant that met everybody twice, as an A/A test: every second meeting is B's."""
    if len(results.variants) != 1 or not len(results):
        return results
    order = np.argsort(results.meeting, kind="stable")
    ordered = results.meeting[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(ordered)])
    if np.mean(sizes >= 2) < 0.5:
        return results
    arm = np.empty(len(ordered), dtype=np.int64)
    arm[order] = (np.arange(len(ordered)) - np.repeat(starts, sizes)) % 2
    return replace(results, variants=results.variants * 2, variant=arm, is_aa=True)


def meetings_of(results: Results, arm: int) -> Integers:
    return np.unique(results.meeting[results.variant == arm])


def design_of(results: Results, a: int, b: int) -> tuple[Design, int]:
    """Paired when at least half of the smaller arm has a partner in the other; with the number of pairs."""
    of_a, of_b = meetings_of(results, a), meetings_of(results, b)
    pairs = len(np.intersect1d(of_a, of_b, assume_unique=True))
    return ("paired" if pairs and 2 * pairs >= min(len(of_a), len(of_b)) else "unpaired"), pairs


def sample_of(values: Floats, results: Results, a: int, b: int, design: Design) -> Sample:
    """The values of a metric, as in ``results.metrics`` or transformed, in the arms ``a`` and ``b``."""
    return (_paired if design == "paired" else _unpaired)(values, results, a, b)


def _paired(values: Floats, results: Results, a: int, b: int) -> Sample:
    in_a, in_b = results.variant == a, results.variant == b
    size = int(results.meeting.max(initial=-1)) + 1
    met_a, met_b = (np.bincount(results.meeting[arm], minlength=size) > 0 for arm in (in_a, in_b))
    means_a, means_b = (_means(values[arm], results.meeting[arm], size) for arm in (in_a, in_b))
    scenario_of = np.zeros(size, dtype=np.int64)
    scenario_of[results.meeting] = results.scenario
    matched = met_a & met_b
    complete = matched & np.isfinite(means_a) & np.isfinite(means_b)
    pairs = int(np.count_nonzero(complete))
    a_values, b_values = (_unit_means(means[complete], scenario_of[complete]) for means in (means_a, means_b))
    return Sample(design="paired", a=a_values, b=b_values, pairs=pairs, missing=int(np.count_nonzero(matched)) - pairs)


def _unpaired(values: Floats, results: Results, a: int, b: int) -> Sample:
    known = np.isfinite(values)
    arms = [results.variant == a, results.variant == b]
    a_values, b_values = (_unit_means(values[arm & known], results.scenario[arm & known]) for arm in arms)
    missing = int(np.count_nonzero((arms[0] | arms[1]) & ~known))
    return Sample(design="unpaired", a=a_values, b=b_values, pairs=0, missing=missing)


def _means(values: Floats, groups: Integers, size: int) -> Floats:
    """The mean of the known values of each group; NaN for a group without any."""
    known = np.isfinite(values)
    counts = np.bincount(groups[known], minlength=size)
    sums = np.bincount(groups[known], weights=values[known], minlength=size)
    return np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)


def _unit_means(values: Floats, scenarios: Integers) -> Floats:
    """One mean a scenario, in the order of the scenarios' numbers."""
    _, groups = np.unique(scenarios, return_inverse=True)
    return _means(values, groups, int(groups.max(initial=-1)) + 1)
