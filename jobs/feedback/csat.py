"""Satisfaction in figures: distribution, mean, CSAT and NPS with their intervals, thumbs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Literal

from jobs.stats import Proportion, wilson_interval

STARS = (1, 2, 3, 4, 5)
ENOUGH = 5
"""Ratings below which messages show counts only."""
EARLY = 20
"""Ratings below which figures are called early."""

NpsMapping = Literal["usual", "strict"]


@dataclass(frozen=True, kw_only=True)
class Mapping5:
    """Who counts as what on five stars; NPS is defined on 0..10, so that this is always named beside the figure."""

    promoters: tuple[int, ...]
    detractors: tuple[int, ...]
    words: str


NPS_MAPPINGS: Mapping[NpsMapping, Mapping5] = {
    "usual": Mapping5(promoters=(5,), detractors=(1, 2), words="5 promoter, 3-4 passive, 1-2 detractor"),
    "strict": Mapping5(promoters=(5,), detractors=(1, 2, 3), words="5 promoter, 4 passive, 1-3 detractor"),
}


@dataclass(frozen=True, kw_only=True)
class NetPromoters:
    """Promoters minus detractors in percent, -100..100, with its interval."""

    value: float
    low: float
    high: float
    n: int


def net_promoters(promoters: int, passives: int, detractors: int, level: float = 0.95) -> NetPromoters | None:
    """The net promoter score with its adjusted Wald interval; None without ratings.

    Source: Rocks 2016, Am Stat 70:365: three observations are added, 3/4 to each of the outer groups and 3/2 to the
    passives.
    """
    n = promoters + passives + detractors
    if n == 0:
        return None
    up, down = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    centre = up - down
    reach = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt((up + down - centre * centre) / (n + 3))
    value = (promoters - detractors) / n
    low, high = max(-1.0, min(value, centre - reach)), min(1.0, max(value, centre + reach))
    return NetPromoters(value=100 * value, low=100 * low, high=100 * high, n=n)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How often each number of stars was given, and each thumb."""

    stars: Mapping[int, int] = field(default_factory=dict[int, int])
    up: int = 0
    down: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        stars = {each: self.stars.get(each, 0) + other.stars.get(each, 0) for each in STARS}
        return Figures(stars=stars, up=self.up + other.up, down=self.down + other.down)

    def count(self, *stars: int) -> int:
        return sum(self.stars.get(each, 0) for each in stars)

    @property
    def n(self) -> int:
        return self.count(*STARS)

    @property
    def enough(self) -> bool:
        return self.n >= ENOUGH

    @property
    def mean(self) -> float | None:
        return sum(stars * count for stars, count in self.stars.items()) / self.n if self.n else None

    @property
    def csat(self) -> Proportion | None:
        """The share of 4 and 5 stars."""
        return wilson_interval(self.count(4, 5), self.n)

    def nps(self, mapping: NpsMapping) -> NetPromoters | None:
        groups = NPS_MAPPINGS[mapping]
        promoters, detractors = self.count(*groups.promoters), self.count(*groups.detractors)
        return net_promoters(promoters, self.n - promoters - detractors, detractors)


def figures_json(figures: Figures, mapping: NpsMapping) -> dict[str, Any]:
    """The figures under the names that scripts rely on; what is not defined is null."""
    csat, nps = figures.csat, figures.nps(mapping)
    return {
        "n": figures.n,
        "enough": figures.enough,
        "mean": figures.mean,
        "distribution": {str(each): figures.count(each) for each in STARS},
        "csat": _interval(csat),
        "nps": _interval(nps) | {"mapping": NPS_MAPPINGS[mapping].words},
        "thumbs": {"up": figures.up, "down": figures.down},
    }


def _interval(figure: Proportion | NetPromoters | None) -> dict[str, Any]:
    if figure is None:
        return {"value": None, "low": None, "high": None, "n": 0}
    return {"value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n}
