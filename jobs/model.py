"""The values that several modules share."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

RunId = NewType("RunId", str)
ConversationId = NewType("ConversationId", str)
WorkspaceId = NewType("WorkspaceId", str)

LOCAL_WORKSPACE = WorkspaceId("local")
"""The workspace of everything that is started in a terminal."""
SHORT_ID = 8
"""Characters of a short id: the random end of a UUIDv7, since its beginning is the time."""


def short_id(full_id: str) -> str:
    """The form of an id that people read and type."""
    return full_id[-SHORT_ID:]


Speaker = Literal["user", "assistant"]
Outcome = Literal[
    "passed", "failed", "inconclusive", "void", "assistant_error", "harness_error", "skipped", "cancelled"
]
Blame = Literal["assistant", "simulator", "harness"]
EndedBy = Literal[
    "goal_reached",
    "steps",
    "limit",
    "fallback_loop",
    "goodbye_loop",
    "assistant_error",
    "simulator_error",
    "harness_error",
    "timeout",
    "budget",
    "cancelled",
    "skipped",
]
RunState = Literal["planned", "running", "cancelling", "finished", "cancelled"]
SimulatorName = Literal["llm", "agenda"]
SlotType = Literal["string", "int", "float", "date"]
StyleName = Literal[
    "long_phrases",
    "change_your_mind",
    "change_language",
    "spelling_mistakes",
    "single_question",
    "all_questions",
]
SlotValue = str | int | float
Category = Literal[
    "functional",
    "performance",
    "usability",
    "security",
    "integration",
    "regression",
    "load",
    "conversation_flow",
]
ResponseType = Literal[
    "information", "question", "confirmation", "action", "fallback", "refusal", "greeting", "farewell"
]
Difficulty = Literal["easy", "medium", "hard"]


# --- what a simulated customer wants -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One variable inside a goal: what this customer wants, out of what could be wanted.

    Args:
        values: this customer's value, or several (``random(2)``, ``default()``); never empty.
        domain: every value the variable can take; a value of the domain that was not asked for is a contradiction.
    """

    name: str
    type: SlotType
    values: tuple[SlotValue, ...]
    domain: tuple[SlotValue, ...]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One thing the customer came for: ``text`` with its variables filled in, ``template`` as the profile has it."""

    text: str
    template: str
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Style:
    """How the customer speaks; ``languages`` only for ``change_language``."""

    name: StyleName
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OutputSpec:
    """Something to be read out of the finished conversation; ``type`` as the profile names it, e.g. ``money``."""

    name: str
    type: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Rubric:
    """One question about the assistant for a judge; ``grades`` says what each grade means, from 1 (worst) upwards."""

    name: str
    question: str
    grades: tuple[str, ...]

    @property
    def stamp(self) -> str:
        """Content hash: an answer by another wording is another answer."""
        return hashlib.sha256("\n".join((self.name, self.question, *self.grades)).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """When a conversation is over: after ``limit`` user turns (``steps``), or once every goal is answered, at most
    ``limit`` user turns (``all_answered``). ``export`` writes the table of goals with the report."""

    style: Literal["steps", "all_answered"] = "all_answered"
    limit: int = 30
    export: bool = False


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Something to look for in what was said: a text that is contained, or a regular expression (RE2)."""

    text: str
    is_regex: bool = False


@dataclass(frozen=True, kw_only=True)
class CaseTurn:
    """What the customer of a test case says, and what is expected of the answer.

    Args:
        entities: expected values by name; several values are compared as a set.
        patterns: each must be found in the answer.
    """

    user: str
    intent: str | None = None
    entities: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    response_type: ResponseType | None = None
    patterns: tuple[Pattern, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A test case: a customer whose every word stands in a file, and what is expected of the assistant.

    Args:
        context: what the customer says before, in the same session; nothing is expected of those answers.
        tools: the tools the assistant should use, all of them and no others; None = whichever it likes.
        must, must_not: patterns over everything that it answers.
        good_turns, quality: the share of good turns and the mean quality from which the case passes.
        skip: why it is not played; None = it is.
    """

    name: str
    turns: tuple[CaseTurn, ...]
    context: tuple[str, ...] = ()
    tools: tuple[str, ...] | None = None
    must: tuple[Pattern, ...] = ()
    must_not: tuple[Pattern, ...] = ()
    good_turns: float = 0.8
    quality: float = 0.7
    skip: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One concrete goal drawn from a profile with a seed: everything a user simulator may know.

    The same profile and seed give the same scenario on every machine. ``seed`` drives every choice made while it is
    played. The scenario of a test case has the case's name as its ``profile``; nobody simulates its customer.
    ``rubrics`` are the profile's own questions for a judge.
    """

    profile: str
    number: int
    seed: int
    goals: tuple[Goal, ...]
    role: str = ""
    language: str = "English"
    context: tuple[str, ...] = ()
    persona: str | None = None
    persona_traits: tuple[str, ...] = ()
    styles: tuple[Style, ...] = ()
    assistant_starts: bool = False
    fallback: str | None = None
    outputs: tuple[OutputSpec, ...] = ()
    rubrics: tuple[Rubric, ...] = ()
    ending: Ending = Ending()
    tags: tuple[str, ...] = ()
    model: str | None = None
    temperature: float | None = None
    case: Case | None = None


# --- what was said --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A tool the assistant used; ``ok`` is None when the assistant did not say whether it worked."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ok: bool | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Tokens as the model's provider counted them."""

    input: int = 0
    output: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(input=self.input + other.input, output=self.output + other.output)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One utterance. ``latency_ms`` is how long the assistant took, None for the user's turns.

    ``fallback`` is what the assistant itself says about having understood (None: it does not say).
    ``cost_usd`` is None when the price is not known. ``judged``: the assistant does not say what it understood, and
    intent and entities are what a judge read from its answer.
    """

    speaker: Speaker
    text: str
    latency_ms: float | None = None
    intent: str | None = None
    entities: Mapping[str, str] = field(default_factory=dict[str, str])
    tool_calls: tuple[ToolCall, ...] = ()
    fallback: bool | None = None
    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0
    judged: bool = False


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """The ordered turns of one conversation and why it ended.

    Args:
        error: what went wrong, for the endings that are errors; redacted, fit to be shown.
        context: what was said before the customer began, to warm the session up; nobody judges it.
    """

    turns: tuple[Turn, ...]
    ended_by: EndedBy
    error: str | None = None
    context: tuple[Turn, ...] = ()


# --- what came of it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GoalProgress:
    """How far one goal got. ``answered`` is None when that cannot be checked (offline); ``turn`` (0-based index into
    the transcript) is the evidence."""

    text: str
    asked: bool
    answered: bool | None
    turn: int | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A fact that must hold, e.g. "the confirmed order has what was asked for". ``ok`` is None if it cannot be told.

    ``value`` is the figure that it was decided on, where there is one.
    """

    name: str
    ok: bool | None
    reason: str
    value: float | None = None


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What a judge says that the assistant took a customer's turn for, by its answer.

    Args:
        turn: the answer, as a 0-based index into the transcript.
        entities: the values that the answer shows.
        evidence: the passage of the answer that shows it.
    """

    turn: int
    intent: str | None
    entities: Mapping[str, str] = field(default_factory=dict[str, str])
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What the user simulator found out: goals one by one, checks, and the outputs it read.

    An output that was not stated is absent from ``outputs``; one of which the assistant said that there is none is
    null there, and the text "None" is a text.

    Args:
        output_turns: where each output was stated, as a 0-based index into the transcript.
        understood: what a judge read from answers that do not say themselves what was understood.
    """

    goals: tuple[GoalProgress, ...]
    checks: tuple[Check, ...] = ()
    outputs: Mapping[str, SlotValue | None] = field(default_factory=dict[str, SlotValue | None])
    output_turns: Mapping[str, int] = field(default_factory=dict[str, int])
    understood: tuple[Understood, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of one conversation, who is to blame when it did not pass, and why in words a product manager
    understands (each reason a short sentence without the conversation's own numbers, so that reasons group)."""

    outcome: Outcome
    blame: Blame | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Score:
    """One metric's value with its reason. ``value`` None means *unscored*, which is neither zero nor failed."""

    value: float | None
    reason: str

    @classmethod
    def unscored(cls, reason: str) -> "Score":
        return cls(value=None, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """One finished conversation with everything known about it; ``number`` is 1-based within its run."""

    id: ConversationId
    run_id: RunId
    number: int
    scenario: Scenario
    transcript: Transcript
    verdict: Verdict
    assessment: Assessment
    scores: Mapping[str, Score] = field(default_factory=dict[str, Score])
    rules: Mapping[str, str] = field(default_factory=dict[str, str])
    warnings: tuple[str, ...] = ()
    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0
    attempts: int = 1


# --- assistants -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an assistant can bear: conversations at once, calls a minute, seconds one answer may take."""

    concurrency: int | None = None
    per_minute: int | None = None
    timeout_s: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One immutable configuration of an assistant; ``hash`` is the content hash of connector and configuration.

    Secrets stand in ``config`` only as ``env:NAME`` references.
    """

    assistant: str
    name: str
    connector: str
    config: Mapping[str, Any]
    hash: str
    limits: Limits = Limits()
    resumable: bool = False
    workspaces: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        return f"{self.assistant}@{self.name}"

    @property
    def warm_up(self) -> tuple[str, ...]:
        """What is said to it before a customer begins; empty = sessions begin cold."""
        return () if self.config.get("session") == "cold" else tuple(self.config.get("warm_up") or ())


@dataclass(frozen=True, kw_only=True)
class MadeVariant:
    """A variant that was made here: from which one, by whom, and why. It never changes.

    Args:
        diff: what it changes of its parent, as people read it.
        author: who approved it.
    """

    variant: Variant
    parent: str
    parent_hash: str
    diff: str
    author: str
    reason: str
    action_id: str | None
    made_at: datetime


@dataclass(frozen=True, kw_only=True)
class InForce:
    """A decision that a variant is in force; of one assistant they are numbered from 1, and the latest counts."""

    assistant: str
    number: int
    name: str
    hash: str
    by: str
    reason: str
    at: datetime


# --- runs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run reports to. The terminal has none."""

    workspace_id: WorkspaceId
    channel_id: str


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a member or a terminal asked for.

    Args:
        target: a profile or suite as written.
        assistant: ``NAME`` or ``NAME@VARIANT``; None = the one that matches the profile.
        n: conversations; None = as many as the profile says.
        seed: None = derived from the run's id.
        key: the same key is the same run, however often it is asked for; None = a new run.
    """

    target: str
    assistant: str | None = None
    n: int | None = None
    seed: int | None = None
    started_by: str = ""
    workspace_id: WorkspaceId = LOCAL_WORKSPACE
    place: Place | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A limit that a suite sets for a figure of its runs.

    Args:
        measure: ``success``, another figure of a run, or a metric's name.
        by: whether the figure itself is held against the limit, or the end of its 95 % interval that is nearer to it
            (the lower end for ``at_least``, the upper one for ``at_most``).
    """

    measure: str
    at_least: float | None = None
    at_most: float | None = None
    by: Literal["point", "interval"] = "point"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of a profile or suite.

    Args:
        profile: its file's stem; of a suite's run the suite's.
        gates: the limits of its suite.
        rules: the folder of its suite's rules, under the profiles directory.
        notes: what a reader must know about how it was run ("n=100000 was cut to 1000").
        stamps: content hashes of what took part (profile, assistant, judge rubric, models, prices, version).
    """

    id: RunId
    workspace_id: WorkspaceId
    state: RunState
    target: str
    profile: str
    suite: str | None
    assistant: str
    variant: str
    simulator: SimulatorName
    seed: int
    planned: int
    stamps: Mapping[str, str]
    notes: tuple[str, ...]
    started_by: str
    place: Place | None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    note: str | None = None
    """Why a run ended early, in one sentence."""
    gates: tuple[Gate, ...] = ()
    rules: str | None = None
    per_minute: float | None = None
    """At which rate its conversations begin; None = all of them at once, as far as there is room."""
    budget_usd: float | None = None
    """What its suite lets it spend; None = no limit of its own."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is: conversations by outcome, and those still to be played."""

    planned: int
    by_outcome: Mapping[Outcome, int]

    @property
    def done(self) -> int:
        return sum(self.by_outcome.values())


# --- what people are shown ------------------------------------------------------------------------------------------

AnnouncementKind = Literal[
    "run_card",
    "conversation",
    "failures",
    "run_chart",
    "transcripts",
    "run_csv",
    "run_finished",
    "notice",
    "ab_card",
    "ab_report",
    "ab_chart",
    "ab_finished",
    "alert",
    "alert_reminder",
    "digest",
    "digest_part",
    "digest_trend",
    "digest_night",
    "history",
    "history_chart",
    "schedule_trouble",
    "regression_card",
    "regression_report",
    "regression_finished",
    "action_card",
    "rollout_card",
    "asked",
    "ask_choose",
    "answer",
    "ask_ended",
    "case_file",
    "feedback_report",
    "feedback_chart",
]


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """Something that people are to see, written in the transaction of its cause.

    Args:
        key: unique in its workspace; the same key is shown once.
        ref: what it is about (ids and numbers only, never text of a conversation).
        parent_key: the announcement in whose thread it goes.
        thread_ts: the first message of the thread it goes in, when that is somebody else's.
        last: it waits until everything else of its thread has been sent.
    """

    key: str
    kind: AnnouncementKind
    place: Place
    ref: Mapping[str, str | int] = field(default_factory=dict[str, str | int])
    parent_key: str | None = None
    thread_ts: str | None = None
    last: bool = False


OutboxState = Literal["pending", "sending", "ambiguous", "sent", "failed"]


@dataclass(frozen=True, kw_only=True)
class OutboxItem:
    """An announcement on its way out.

    ``ambiguous``: it may or may not have arrived, look before sending again. ``wanted`` > ``shown``: it is
    to be edited.
    """

    id: int
    announcement: Announcement
    state: OutboxState
    ts: str | None
    parent_ts: str | None
    file_id: str | None
    wanted: int
    shown: int
    attempts: int


# --- a workspace ----------------------------------------------------------------------------------------------------

AuditOutcome = Literal["done", "refused"]
Verbosity = Literal["quiet", "normal", "full"]
"""Which conversations a run's thread shows one by one: none, a selection of a large run, or as many as can be read."""


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """Who did or was refused what; ``verb`` is what was asked for, ``detail`` what it changed or why it was refused."""

    workspace_id: WorkspaceId
    member_id: str
    verb: str
    outcome: AuditOutcome
    detail: str
    place: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class WorkspaceSettings:
    """What the approvers of a workspace have set for it, beside the settings of the installation.

    Args:
        approvers: members who may approve, besides those of the installation's settings.
        channel_id: where runs report that were asked for outside of any channel.
        budget_usd: of a calendar month (UTC); None = no limit of its own.
        verbosity: how many conversations the threads of runs show one by one.
        digest_hour: 0..23, by the clock of ``time_zone``; None = no digest.
        time_zone: an IANA name, e.g. ``Europe/Berlin``.
    """

    approvers: tuple[str, ...] = ()
    channel_id: str | None = None
    budget_usd: float | None = None
    verbosity: Verbosity = "normal"
    digest_hour: int | None = None
    time_zone: str = "UTC"
