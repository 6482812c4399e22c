"""Actions as values: a change that is proposed, why, what it should bring, and what became of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NewType

import orjson
from pydantic import TypeAdapter

from jobs.model import Place, WorkspaceId, short_id

ActionId = NewType("ActionId", str)
ActionKind = Literal["prompt", "template", "flow", "examples", "parameters", "external"]
ActionState = Literal["proposed", "approved", "applied", "verified", "rejected", "expired", "rolled_back"]
ProblemKind = Literal["reason", "tag", "rule", "error", "slow", "security", "theme", "hand"]
Level = Literal["high", "medium", "low"]
Decision = Literal["APPROVE", "REJECT", "INCONCLUSIVE"]

OPEN: tuple[ActionState, ...] = ("proposed", "approved", "applied")
"""As long as an action is one of these, nothing else is proposed for the same problem."""
LIFE = timedelta(days=14)
"""After so long without a decision a proposal expires."""
CONVOTEST = "convotest"
"""Who proposes what nobody proposed by hand."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One value of the configuration that changes.

    Args:
        path: keys that lead to it.
        before: what is there now; if it is anything else when the change is made, the change is not made.
        after: what is to be there. None with ``removes`` = the entry goes, and with it what it covered shows again.
    """

    path: tuple[str, ...]
    before: Any = None
    after: Any = None
    adds: bool = False
    removes: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, kw_only=True)
class Quote:
    """Something that was said, as evidence; ``number`` is the conversation's in its run, None for live feedback."""

    text: str
    speaker: Literal["customer", "assistant", "feedback"]
    run_id: str | None = None
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong, and how many conversations it touches.

    Args:
        key: the same for the same problem, however often it is found.
        touched: conversations that have it, of ``n``; ``alone`` of them have no other problem.
    """

    kind: ProblemKind
    key: str
    text: str
    touched: int
    alone: int
    n: int
    quotes: tuple[Quote, ...] = ()
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the change should bring: the share of conversations that the problem touches and that could get better.

    ``low`` and ``high`` are the ends of its 95 % interval; ``success`` is the share that should pass then, which is
    less where conversations have other problems, too.
    """

    share: float
    low: float
    high: float
    n: int
    success: float


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything about an action that is shown when it is to be decided; it is what the hash is of.

    Args:
        base: the variant that the problem was found in, and its content hash.
        targets: metrics that should get better.
        target: the profile or suite that shows whether it helped; ``seed`` was played when the problem was found.
        editors: who has changed it since it was proposed; like the proposer they cannot approve it.
        proof: what is known already of its effect on customers it was not made for.
        instruction: what is to be done, for an assistant that somebody else changes.
    """

    title: str
    problem: Problem
    edits: tuple[Edit, ...]
    diff: tuple[str, ...]
    base: str
    base_hash: str
    expected: Expected | None
    priority: Level
    effort: Level
    targets: tuple[str, ...]
    target: str
    seed: int
    conversations: int
    cost_usd: float | None
    editors: tuple[str, ...] = ()
    proof: str = ""
    instruction: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the verification has shown.

    Args:
        reasons: one sentence a gate.
        problem_before, problem_after: conversations with the problem, of ``pairs`` in each arm.
        success_before, success_after: conversations that passed.
    """

    decision: Decision
    reasons: tuple[str, ...]
    pairs: int
    problem_before: int = 0
    problem_after: int = 0
    success_before: int = 0
    success_after: int = 0
    improvement: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How far the word to the owner of an external assistant has got."""

    state: Literal["waiting", "delivered", "applied", "failed"] = "waiting"
    attempts: int = 0
    not_before: datetime | None = None
    error: str = ""
    variant: str | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What has happened since the decision: every attempt to verify has its experiments."""

    attempt: int = 0
    experiments: tuple[str, ...] = ()
    pairs: int = 0
    outcome: Outcome | None = None
    delivery: Delivery | None = None
    live: str = ""
    votes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Action:
    """A proposed change of an assistant, and what became of it.

    Args:
        hash: of what was shown: a decision names it, so that nothing else than what was seen can be decided.
        candidate: the variant that was made of it.
    """

    id: ActionId
    workspace_id: WorkspaceId
    assistant: str
    kind: ActionKind
    state: ActionState
    version: int
    hash: str
    proposer: str
    content: Content
    run_id: str | None
    place: Place | None
    created_at: datetime
    expires_at: datetime
    asleep_until: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    candidate: str | None = None
    rollout_id: str | None = None
    note: str | None = None
    progress: Progress = field(default_factory=Progress)

    @property
    def fingerprint(self) -> str:
        """The same for the same change against the same problem: what did not help is not proposed again."""
        said = [self.assistant, self.content.problem.key, [[each.name, each.after] for each in self.content.edits]]
        return hashlib.sha256(orjson.dumps(said)).hexdigest()

    @property
    def open_key(self) -> str:
        return f"{self.assistant}:{self.content.problem.kind}:{self.content.problem.key}"[:400]

    @property
    def name(self) -> str:
        return f"action {short_id(self.id)}"

    @property
    def authors(self) -> tuple[str, ...]:
        """Those who had a hand in it, and therefore cannot approve it."""
        return tuple(each for each in (self.proposer, *self.content.editors) if each != CONVOTEST)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What somebody was looking at when they decided; a button carries it."""

    action_id: str
    version: int
    hash: str

    @classmethod
    def of(cls, action: Action) -> "Shown":
        return cls(action_id=action.id, version=action.version, hash=action.hash)

    @classmethod
    def parse(cls, value: str) -> "Shown":
        action_id, _, rest = value.partition(":")
        version, _, content_hash = rest.partition(":")
        return cls(action_id=action_id, version=int(version) if version.isdecimal() else 0, hash=content_hash)

    def __str__(self) -> str:
        return f"{self.action_id}:{self.version}:{self.hash}"


_CONTENT: TypeAdapter[Content] = TypeAdapter(Content)
_PROGRESS: TypeAdapter[Progress] = TypeAdapter(Progress)


def dump_content(content: Content) -> dict[str, Any]:
    return _CONTENT.dump_python(content, mode="json")


def load_content(stored: Any) -> Content:
    return _CONTENT.validate_python(stored)


def dump_progress(progress: Progress) -> dict[str, Any]:
    return _PROGRESS.dump_python(progress, mode="json")


def load_progress(stored: Any) -> Progress:
    return _PROGRESS.validate_python(stored)


def shown_hash(content: Content, version: int) -> str:
    """The hash of what people see of an action."""
    said = orjson.dumps([dump_content(content), version], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(said).hexdigest()[:24]


def with_content(action: Action, content: Content, *, editor: str) -> Action:
    """The action as somebody has edited it: a new version, which nobody has approved yet."""
    editors = tuple(dict.fromkeys((*action.content.editors, editor)))
    content, version = replace(content, editors=editors), action.version + 1
    return replace(action, content=content, version=version, hash=shown_hash(content, version))


def ranked(actions: Sequence[Action]) -> list[Action]:
    """The most important first."""
    order: Mapping[Level, int] = {"high": 0, "medium": 1, "low": 2}
    return sorted(actions, key=lambda each: (order[each.content.priority], -_share(each), each.created_at))


def _share(action: Action) -> float:
    return action.content.expected.share if action.content.expected else 0.0
