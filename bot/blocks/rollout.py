"""How a rollout looks: how far it is, how live customers fare with either variant, and the buttons that change it."""

from collections.abc import Iterator

from bot.blocks._parts import (
    Json,
    Message,
    actions,
    button,
    context,
    escape,
    fallback,
    header,
    line,
    marked,
    mention,
    one_line,
    percent,
    plain,
    rich_text,
    words,
)
from jobs.model import short_id
from jobs.rollout.rollout import Arm, Look, Measure, Rollout
from jobs.stats import wilson_interval

ROLLOUT_WIDEN, ROLLOUT_BACK, ROLLOUT_CUSTOMERS = "rollout_widen", "rollout_back", "rollout_customers"
CUSTOMERS = 40
CROWDS = {"people": "People", "simulated": "Simulated customers"}
NAMES = {"csat": "content (4–5 stars)", "thumbs": "thumbs up", "errors": "served without an error"}


def rollout_card(rollout: Rollout) -> Message:
    """The message of a rollout, edited in place."""
    headline = _headline(rollout)
    blocks: list[Json] = [header(headline), rich_text(*_arms(rollout))]
    blocks += _figures(rollout.look)
    blocks += _splits(rollout)
    if rollout.note:
        blocks.append(rich_text(line(words("Why  ", bold=True), words(one_line(rollout.note, 500)))))
    buttons = _buttons(rollout)
    if buttons:
        blocks.append(actions(*buttons))
    blocks.append(_facts(rollout))
    return Message(text=fallback(escape(headline)), blocks=tuple(blocks))


def _headline(rollout: Rollout) -> str:
    name = one_line(rollout.candidate.label, 90)
    match rollout.state:
        case "running":
            return f"🚦 Rollout at {percent(rollout.share)}: {name}"
        case "finished":
            return f"🚀 In force: {name}"
        case "rolled_back":
            return f"↩️ Rolled back: {name}"


def _arms(rollout: Rollout) -> Iterator[Json]:
    share = rollout.share
    yield line(words("New  ", bold=True), words(one_line(f"{rollout.candidate.label} serves {percent(share)}", 140)))
    yield line(words("Old  ", bold=True), words(one_line(f"{rollout.baseline.label} serves {percent(1 - share)}", 140)))


def _figures(look: Look) -> Iterator[Json]:
    """People first; the two crowds are never added up."""
    for crowd, title in CROWDS.items():
        measures = [each for each in look.measures if each.crowd == crowd]
        if measures:
            yield rich_text(line(words(title, bold=True)), *(line(words(_measure(each))) for each in measures))
    if not look.measures:
        yield rich_text(line(words("Nobody has said anything yet.")))


def _measure(measure: Measure) -> str:
    return f"{NAMES[measure.name]}: old {_arm(measure, 'baseline')}, new {_arm(measure, 'candidate')}"


def _arm(measure: Measure, arm: Arm) -> str:
    figures = measure.candidate if arm == "candidate" else measure.baseline
    rate = wilson_interval(figures.n - figures.bad, figures.n)
    if rate is None:
        return "– (n=0)"
    return f"{percent(rate.value)} ({rate.low * 100:.0f}–{rate.high * 100:.0f} %, n={rate.n})"


def _splits(rollout: Rollout) -> Iterator[Json]:
    now = [each for each in rollout.look.splits if each.stage == rollout.stage]
    said = [
        f"{CROWDS[each.crowd]} met in this stage: {each.baseline} old, {each.candidate} new"
        + ("" if each.is_valid else " – not split as planned (p < 0.001), the figures say nothing")
        for each in now
    ]
    if said:
        yield context(*(plain(each, 300) for each in said))


def _buttons(rollout: Rollout) -> list[Json]:
    value = f"{rollout.id}:{rollout.stage}"
    back = button(
        "Roll back", ROLLOUT_BACK, value, style="danger",
        confirm=("Roll back?", f"Everybody is served by {rollout.baseline.label[:120]} again, at once.", "Roll back"),
    )  # fmt: skip
    match rollout.state:
        case "running":
            share = percent(rollout.next_share or 1.0)
            question = f"The new variant serves {share} of live customers."
            widen = button(
                f"Widen to {share}", ROLLOUT_WIDEN, value, style="primary", confirm=("Widen?", question, "Widen")
            )
            send = button(f"Send {CUSTOMERS} simulated customers", ROLLOUT_CUSTOMERS, value)
            return [widen, *([send] if rollout.target else []), back]
        case "finished":
            return [back]
        case "rolled_back":
            return []


def _facts(rollout: Rollout) -> Json:
    steps = ", ".join(f"{percent(each.share)} by {mention(each.by)}" for each in rollout.stages[:4])
    hours = (rollout.window_s or 0) / 3600
    pace = f"goes on by itself after {hours:g} h a stage" if rollout.window_s else "goes on by hand"
    return context(marked(f"{steps} · {pace} · rollout `{short_id(rollout.id)}`"))
