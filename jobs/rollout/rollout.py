"""Rollouts as values: the share of customers that a candidate serves, stage by stage, and how each arm fares."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType

from jobs.model import Place, Variant, WorkspaceId

RolloutId = NewType("RolloutId", str)
RolloutState = Literal["running", "finished", "rolled_back"]
Arm = Literal["baseline", "candidate"]
Source = Literal["live", "api", "simulated"]
"""Threads in Slack, traffic elsewhere that asks us, and customers that convotest plays."""
Crowd = Literal["people", "simulated"]
"""Figures of the two are never mixed."""

ARMS: tuple[Arm, Arm] = ("baseline", "candidate")
CROWDS: tuple[Crowd, Crowd] = ("people", "simulated")
SHARES = (0.1, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Since when the candidate has served which share, and who decided it."""

    share: float
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class ArmFigures:
    """Of ``n`` customers that said (or suffered) something, ``bad`` were not content."""

    bad: int = 0
    n: int = 0


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure of both arms.

    Args:
        evidence: how many times likelier what was seen is if the candidate is worse; it may be looked at all the time.
    """

    crowd: Crowd
    name: Literal["csat", "thumbs", "errors"]
    baseline: ArmFigures
    candidate: ArmFigures
    evidence: float


@dataclass(frozen=True, kw_only=True)
class Split:
    """How the customers of a stage were split; ``p`` of the sample-ratio check, None without customers."""

    crowd: Crowd
    stage: int
    share: float
    baseline: int
    candidate: int
    p: float | None

    @property
    def is_valid(self) -> bool:
        return self.p is None or self.p >= 0.001


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the live figures say; ``harm`` is a sentence when the candidate is worse."""

    measures: tuple[Measure, ...] = ()
    splits: tuple[Split, ...] = ()
    harm: str | None = None

    @property
    def is_split_as_planned(self) -> bool:
        return all(each.is_valid for each in self.splits)

    def met(self, stage: int, arm: Arm) -> int:
        """Customers of an arm in a stage."""
        return sum(
            each.candidate if arm == "candidate" else each.baseline for each in self.splits if each.stage == stage
        )


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """A candidate on its way to serve everybody.

    Args:
        shares: of the stages, growing; the last one is 1.
        window_s: after so many seconds without harm the next stage begins by itself; None = by hand only.
        target: the profile that simulated customers are drawn from.
        parent_key: the announcement in whose thread it is shown; None = it has its own message in the channel.
    """

    id: RolloutId
    workspace_id: WorkspaceId
    assistant: str
    state: RolloutState
    stage: int
    shares: tuple[float, ...]
    baseline: Variant
    candidate: Variant
    action_id: str | None
    window_s: int | None
    started_by: str
    place: Place | None
    parent_key: str | None
    target: str | None
    stages: tuple[Stage, ...]
    created_at: datetime
    stage_at: datetime
    note: str | None = None
    look: Look = field(default_factory=Look)
    finished_at: datetime | None = None

    @property
    def share(self) -> float:
        """The share of customers that the candidate serves now."""
        return {"running": self.shares[self.stage], "finished": 1.0, "rolled_back": 0.0}[self.state]

    @property
    def next_share(self) -> float | None:
        return self.shares[self.stage + 1] if self.state == "running" and self.stage + 1 < len(self.shares) else None

    def variant(self, arm: Arm) -> Variant:
        return self.candidate if arm == "candidate" else self.baseline


def crowd_of(source: str) -> Crowd:
    return "simulated" if source == "simulated" else "people"


def arm_of(rollout_id: str, key: str, share: float) -> Arm:
    """Who serves the key: the same key the same arm, and whoever has the candidate keeps it as the share grows."""
    drawn = int.from_bytes(hashlib.sha256(f"{rollout_id}:{key}".encode()).digest()[:8]) / 2**64
    return "candidate" if drawn < share else "baseline"


def customer_of(rollout_id: str, key: str) -> str:
    """What is kept of a key: enough to know the customer again, not who it is."""
    return hashlib.sha256(f"customer:{rollout_id}:{key}".encode()).hexdigest()[:32]


def share_at(stages: Sequence[Stage], at: datetime) -> float:
    """The share that was in force then."""
    return next((each.share for each in reversed(stages) if each.at <= at), stages[0].share)


def shares_of(share: float) -> Mapping[Arm, float]:
    return {"baseline": 1 - share, "candidate": share}
