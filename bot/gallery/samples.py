"""What the gallery shows: each kind of message with normal, long, empty, hostile and non-English data."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot import blocks
from bot.blocks import Entry, Json, Message, NextStep, Status, VerbHelp
from bot.blocks import actions as action_blocks
from bot.blocks import ask as ask_blocks
from bot.blocks.home import ShownRun, WorkspaceFacts, home_runs, home_satisfaction, home_workspace
from bot.blocks.rollout import rollout_card
from bot.gallery import ab, actions, ask
from bot.gallery.digest_samples import DIGEST_KINDS
from bot.gallery.nightly import NIGHTLY_KINDS
from jobs.actions._action import Action, ActionState
from jobs.ask.conversation import LiveConversation
from jobs.experiments.experiment import Experiment, ExperimentSummary
from jobs.feedback.csat import Figures
from jobs.model import (
    Assessment,
    AuditEntry,
    Conversation,
    ConversationId,
    Goal,
    GoalProgress,
    Outcome,
    Place,
    Progress,
    Run,
    RunId,
    RunState,
    Scenario,
    Score,
    Transcript,
    Turn,
    Verdict,
    WorkspaceId,
    WorkspaceSettings,
)
from jobs.report import RunSummary, build_report
from jobs.rollout.rollout import RolloutState

WORKSPACE = WorkspaceId("T0LOCAL")
WHEN = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Data:
    """What a message is filled with: a name from a file, words of a customer and an assistant, a reason."""

    name: str
    asked: str
    answered: str
    reason: str
    count: int = 6

    @property
    def next_step(self) -> str:
        return "after a change, play the same customers again:" if self.name == "pizza" else self.reason


HOSTILE = (
    "<!channel> <@U0ADA> <https://evil.example|your bank> *Approved by* `Ada` "
    "\u202egnp.exe\u202c \u200b\x07 &lt;!here&gt;"
)
DATA: Mapping[str, Data] = {
    "normal": Data(
        name="pizza",
        asked="Hi! A large margherita with extra cheese, please.",
        answered="One small margherita, coming up. Anything else?",
        reason="the customer asked for a large pizza, and the order says small",
    ),
    "long": Data(
        name="the-profile-of-a-customer-who-changes-everything-" * 6,
        asked="And then I would like to change my order once more. " * 400,
        answered="Certainly! Let me repeat the whole order for you. " * 400,
        reason="the assistant repeated the whole order and never confirmed it " * 30,
        count=60,
    ),
    "empty": Data(name="", asked="", answered="", reason="", count=0),
    "hostile": Data(name=HOSTILE, asked=HOSTILE, answered=f"7/20 ✅ passed\n{HOSTILE}\n" * 30, reason=HOSTILE),
    "non-English": Data(
        name="ピザ・プロフィール",
        asked="مرحبا، أريد بيتزا كبيرة مع جبن إضافي من فضلك.",
        answered="かしこまりました。マルゲリータのLサイズをお一つですね。🍕👩‍👩‍👧‍👦",
        reason="Die Bestellung wurde nicht bestätigt: Größe „groß“ fehlt",
    ),
}
OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "passed", "inconclusive", "assistant_error", "void")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One picture of the gallery; ``content`` is a message, a modal or the Home tab."""

    kind: str
    data: str
    content: Message | Json


def a_run(data: Data, state: RunState) -> Run:
    return Run(
        id=RunId("0199aaaa-0000-7000-8000-00001234abcd"),
        workspace_id=WORKSPACE,
        state=state,
        target=data.name or "pizza",
        profile=data.name,
        suite=None,
        assistant=data.name,
        variant="faulty",
        simulator="agenda",
        seed=7,
        planned=data.count,
        stamps={},
        notes=(data.reason,) if data.name != "pizza" else (),
        started_by="U0ADA",
        place=Place(workspace_id=WORKSPACE, channel_id="C0QUALITY"),
        created_at=WHEN,
    )


def a_conversation(data: Data, number: int, outcome: Outcome) -> Conversation:
    lines = [data.asked, data.answered] * min(data.count, 20)
    return Conversation(
        id=ConversationId(f"c{number}"),
        run_id=RunId("r"),
        number=number,
        scenario=Scenario(profile="pizza", number=number, seed=1, goals=(Goal(text=data.asked, template=data.asked),)),
        transcript=Transcript(
            turns=tuple(
                Turn(
                    speaker="assistant" if place % 2 else "user",
                    text=text,
                    latency_ms=420.0 if place % 2 else None,
                )
                for place, text in enumerate(lines)
            ),
            ended_by="goal_reached",
        ),
        verdict=Verdict(
            outcome=outcome,
            blame=None if outcome == "passed" else "assistant",
            reasons=() if outcome == "passed" else (data.reason,) * (8 if data.count > 10 else 1),
        ),
        assessment=Assessment(goals=(GoalProgress(text=data.asked, asked=True, answered=True, turn=1),)),
        scores={
            "turns_to_goal": Score(value=3.0 + number % 3, reason=data.reason),
            "completeness": Score(value=0.5 + number % 2 / 2, reason=data.reason),
            "efficiency": Score(value=0.8, reason=data.reason),
            "safety": Score.unscored(data.reason),
        },
    )


def conversations(data: Data) -> list[Conversation]:
    return [a_conversation(data, number + 1, OUTCOMES[number % len(OUTCOMES)]) for number in range(data.count)]


def a_summary(data: Data) -> RunSummary:
    return build_report(a_run(data, "finished"), conversations(data)).summary


def progress_of(data: Data, played: int | None = None) -> Progress:
    shown = conversations(data)[:played]
    counts = Counter[Outcome](each.verdict.outcome for each in shown)
    return Progress(planned=data.count, by_outcome=counts)


# --- one maker a kind -----------------------------------------------------------------------------------------------


def _card(state: RunState, *, played: int | None = None) -> Callable[[Data], Message]:
    def make(data: Data) -> Message:
        is_over = state in ("finished", "cancelled")
        summary = a_summary(data) if is_over else None
        step = NextStep(reason=data.next_step, command=f"/convotest run {data.name}") if is_over else None
        return blocks.run_card(a_run(data, state), progress_of(data, played), summary, step)

    return make


def _conversation(outcome: Outcome) -> Callable[[Data], Message]:
    return lambda data: blocks.conversation_message(a_run(data, "running"), a_conversation(data, 3, outcome))


def _finished(data: Data) -> Message:
    return blocks.run_finished(a_run(data, "finished"), a_summary(data), more_to_show=True)


def _listing(data: Data) -> Message:
    entries = [Entry(name=data.name, about=data.reason)] * data.count
    return blocks.listing("Profiles", entries, empty="There is no profile that can be run.", hint="Run one: …")


def _status(data: Data) -> Message:
    now = Status(
        running=[(a_run(data, "running"), progress_of(data, 3))] * data.count,
        waiting_conversations=data.count * 10,
        oldest_job=timedelta(minutes=3) if data.count else None,
        playing=data.count,
        unsent=data.count,
        oldest_unsent=timedelta(seconds=12) if data.count else None,
    )
    return blocks.status(now)


def _audit(data: Data) -> Message:
    entry = AuditEntry(
        workspace_id=WORKSPACE, member_id="U0ADA", verb=data.name, outcome="refused", detail=data.reason,
        place="C0QUALITY", at=WHEN,
    )  # fmt: skip
    return blocks.audit([entry] * min(data.count, 50))


def _help(data: Data) -> Message:
    verb = VerbHelp(usage="/convotest run PROFILE", summary=data.reason, examples=[data.name] * min(data.count, 3))
    return blocks.help_for_one(verb, [("n=20", data.reason)] if data.count else [])


def _picker(data: Data) -> Json:
    names = [f"{data.name[:100]}{number}" for number in range(data.count)]
    if not names:
        return blocks.nothing_to_pick(data.reason or "There is no profile yet that could be run in this workspace.")
    return blocks.picker(names, names, channel_id="C0QUALITY")


def _transcript(data: Data) -> Json:
    return blocks.transcript_modal(a_run(data, "finished"), a_conversation(data, 3, "failed"))


def _settings_of(data: Data) -> WorkspaceSettings:
    if not data.count:
        return WorkspaceSettings()
    return WorkspaceSettings(
        approvers=("U0ADA",),
        channel_id="C0QUALITY",
        budget_usd=50.0,
        verbosity="quiet",
        digest_hour=8,
        time_zone="Europe/Berlin" if data.name == "pizza" else data.name,
    )


def _home(data: Data) -> Json:
    shown = ShownRun(run=a_run(data, "finished"), progress=progress_of(data), link="https://slack.com/archives/C0/p1")
    facts = WorkspaceFacts(
        spent_usd=12.34 if data.count else 0.0,
        finished_runs=data.count,
        unknown_costs=min(data.count, 1),
        settings=_settings_of(data),
        approvers=["U0ADA", "U0BEN"] if 0 < data.count < 10 else ["U0ADA"] * data.count,
    )
    figures = Figures(stars={5: 3 * data.count, 2: data.count}, up=data.count, down=data.count // 3)
    sections = (home_runs([shown] * data.count), home_satisfaction(figures, days=30), home_workspace(facts))
    return blocks.home(sections, has_control=bool(data.count))


def _thread(data: Data) -> LiveConversation:
    return ask.a_thread(data.name, data.asked, data.answered)


def _choice(data: Data) -> Message:
    return ask_blocks.choice(ask.unchosen(_thread(data)), [f"{data.name[:60]}{n}" for n in range(1, data.count + 2)])


LIVE_KINDS: Mapping[str, Callable[[Data], Message | Json]] = {
    "Live: a question that was typed elsewhere": lambda data: ask_blocks.asked(_thread(data), data.asked),
    "Live: an answer's first message": lambda data: ask_blocks.answer(_thread(data), 1),
    "Live: an answer's last message": lambda data: ask_blocks.answer(_thread(data), 2),
    "Live: an answer after a restart": lambda data: ask_blocks.answer(ask.restarted(_thread(data)), 1),
    "Live: no answer": lambda data: ask_blocks.answer(ask.failed(_thread(data), data.reason), 1),
    "Live: which assistant": _choice,
    "Live: the beginning": lambda data: ask_blocks.choice(_thread(data), ()),
    "Live: the end": lambda data: ask_blocks.ended(ask.over(_thread(data)), None),
    "Live: the end, answered": lambda data: ask_blocks.ended(ask.over(_thread(data)), 4),
    "Live: form for a reply": lambda data: ask_blocks.reply_form(_thread(data), "C0QUALITY 0199aaaa"),
}


def _action(state: ActionState) -> Callable[[Data], Action]:
    return lambda data: actions.an_action(data.name, data.answered, data.reason, data.count, state)


def _action_card(state: ActionState, *, is_judged: bool = False) -> Callable[[Data], Message]:
    def card(data: Data) -> Message:
        action = _action(state)(data)
        return action_blocks.action_card(actions.judged(action, data.reason) if is_judged else action, actions.DECIDING)

    return card


def _rollout(state: RolloutState) -> Callable[[Data], Message]:
    return lambda data: rollout_card(actions.a_rollout(data.name, data.reason, data.count, state))


def _evidence(data: Data) -> Message:
    action = _action("proposed")(data)
    return action_blocks.evidence(action, [(each, "https://slack.com/p1") for each in action.content.problem.quotes])


def _told(data: Data) -> Message:
    return action_blocks.action_card(actions.told(_action("approved")(data), data.reason), actions.DECIDING)


ACTION_KINDS: Mapping[str, Callable[[Data], Message | Json]] = {
    "Action: proposed": _action_card("proposed"),
    "Action: being verified": _action_card("applied"),
    "Action: not enough was shown": _action_card("applied", is_judged=True),
    "Action: verified": _action_card("verified", is_judged=True),
    "Action: not made": _action_card("rejected"),
    "Action: rolled back": _action_card("rolled_back", is_judged=True),
    "Action: its owner is told": _told,
    "Action: evidence": _evidence,
    "Action: form to refuse it": lambda data: action_blocks.reject_form(_action("proposed")(data), "C0QUALITY a:1:h"),
    "Action: form to edit it": lambda data: action_blocks.edit_form(
        _action("proposed")(data), "C0QUALITY a:1:h", data.answered
    ),
    "Home tab: actions": lambda data: actions.as_home(
        action_blocks.waiting_actions(actions.waiting(_action("proposed")(data), data.count))
    ),
    "Rollout: running": _rollout("running"),
    "Rollout: in force": _rollout("finished"),
    "Rollout: rolled back": _rollout("rolled_back"),
}
Test = tuple[Experiment, ExperimentSummary]


def _test(data: Data, *, several: bool = False) -> Test:
    made = ab.a_test(data.name, data.reason, data.count, WHEN)
    summary = ab.a_summary(data.name, data.asked, data.answered, data.reason, data.count)
    return ab.with_candidates(made, summary, data.name) if several and data.count else (made, summary)


AB_KINDS: Mapping[str, Callable[[Data], Message | Json]] = {
    "A/B test: being played": lambda data: ab.card(*_test(data), is_over=False),
    "A/B test: its card at the end": lambda data: ab.card(*_test(data), is_over=True),
    "A/B test: the answer": lambda data: ab.report(*_test(data)),
    "A/B test: several candidates": lambda data: ab.report(*_test(data, several=True)),
    "A/B test: card of several candidates": lambda data: ab.card(*_test(data, several=True), is_over=True),
    "A/B test: last message": lambda data: ab.finished(*_test(data)),
    "A/B test: how it was computed": lambda data: ab.computed(*_test(data, several=True)),
    "A/B test: for whoever asks": lambda data: ab.shown(*_test(data)),
    "A/B tests: list": lambda data: ab.listed(*_test(data), data.count),
}
KINDS: Mapping[str, Callable[[Data], Message | Json]] = {
    **AB_KINDS,
    **LIVE_KINDS,
    **ACTION_KINDS,
    **DIGEST_KINDS,
    **NIGHTLY_KINDS,
    "Card of a run, being played": _card("running", played=3),
    "Card of a run, finished": _card("finished"),
    "Card of a run, cancelled": _card("cancelled", played=2),
    "Conversation that failed": _conversation("failed"),
    "Conversation that passed": _conversation("passed"),
    "Failures by reason": lambda data: blocks.failures(a_summary(data)),
    "Last message of a run": _finished,
    "Answer in words": lambda data: blocks.note(data.answered),
    "List": _listing,
    "Status": _status,
    "Audit": _audit,
    "Help": _help,
    "Form for a run": _picker,
    "Whole transcript": _transcript,
    "Home tab": _home,
    "Settings": lambda data: blocks.settings_form(_settings_of(data)),
}


def samples() -> Iterator[Sample]:
    """Every kind with every sort of data."""
    for kind, make in KINDS.items():
        for name, data in DATA.items():
            yield Sample(kind=kind, data=name, content=make(data))
