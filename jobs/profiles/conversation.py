"""Reads the conversation section of a profile: how many, when each is over, and how the customer talks."""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Literal

from jobs.model import Ending, Style, StyleName
from jobs.profiles.fields import Field, Section, first_given
from jobs.profiles.profile import GoalStyle, Number, Variable

MOST_CONVERSATIONS = 1_000_000
MOST_STEPS = 1000
MOST_RANDOM_STEPS = 20
"""The format says that the number "can't exceed 20"."""

_SAMPLE = re.compile(r"sample\(\s*([+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))\s*\)", re.ASCII)
STYLES: Mapping[str, StyleName] = {
    "long phrases": "long_phrases",
    "change your mind": "change_your_mind",
    "change language": "change_language",
    "make spelling mistakes": "spelling_mistakes",
    "single question": "single_question",
    "all questions": "all_questions",
}
OTHER_SPELLINGS = {
    "long phrase": "long phrases",
    "change mind": "change your mind",
    "change languages": "change language",
    "spelling mistakes": "make spelling mistakes",
    "single questions": "single question",
    "all question": "all questions",
}


def read_number(field: Field, variables: Mapping[str, Variable] | None) -> Number:
    """How many conversations, or which of the combinations; ``variables`` is None when some are unreadable."""
    share: Fraction | Literal["pairwise"] | None = "pairwise" if field.written == "pairwise" else _read_share(field)
    if share is None and re.search(r"[a-z(]", field.written):
        fix = "write a number, all_combinations, sample(0.2) or pairwise"
        field.problem(f"there is no number {field.quoted()}", fix)
        return 1
    if share is None:
        return field.whole(low=1, high=MOST_CONVERSATIONS) or 1
    if variables is not None and not any(each.function.name == "forward" for each in variables.values()):
        message = f"{field.quoted()} counts combinations, and no variable is forward()"
        field.problem(message, "write a number, or let a variable be forward()")
    if share != "pairwise" and not 0 < share <= 1:
        field.problem(
            f"{field.quoted()} is not a share of the combinations", "write sample(x) with x above 0, at most 1"
        )
        return 1
    return share


def _read_share(field: Field) -> Fraction | None:
    """The share of the combinations that is asked for; None when it is a plain number."""
    if field.written in ("all_combinations", "all_combinations()"):
        return Fraction(1)
    match = _SAMPLE.fullmatch(field.written)
    return Fraction(match[1]) if match else None


def read_goal_style(field: Field | None) -> GoalStyle:
    if field is None or field.written in ("default", "all_answered"):
        return GoalStyle()
    if field.is_scalar:
        field.problem(f"there is no goal style {field.quoted()}", "write steps, random steps, all_answered or default")
        return GoalStyle()
    section = Section(field, keys="steps, random steps, all_answered or default")
    steps, answered, _ = section.take("steps"), section.take("all_answered"), section.take("default")
    drawn = first_given((section.take("random steps"), section.take_older("random_steps", newer="random steps")))
    if cost := section.take_older("cost", newer="all_answered"):
        cost.not_supported("ending a conversation by its cost; all_answered is used")
    section.close()
    for extra in [each for each in (steps, drawn, answered) if each][1:]:
        extra.problem("a conversation can end in one way only", "keep one of steps, random steps and all_answered")
    if steps:
        return GoalStyle(ending=Ending(style="steps", limit=steps.whole(low=1, high=MOST_STEPS) or 1))
    if drawn:
        limit = drawn.whole(low=1, high=MOST_RANDOM_STEPS) or 1
        return GoalStyle(ending=Ending(style="steps", limit=limit), random_steps=True)
    return GoalStyle(ending=_read_all_answered(answered)) if answered else GoalStyle()


def _read_all_answered(field: Field) -> Ending:
    section = Section(field, keys="export and limit")
    export, limit = section.take("export"), section.take("limit")
    section.close()
    return Ending(
        limit=(limit.whole(low=1, high=MOST_STEPS) if limit else None) or Ending().limit,
        export=bool(export and export.truth()),
    )


def read_styles(field: Field | None) -> tuple[tuple[Style, ...], tuple[Style, ...]]:
    """The styles of every customer, and those to draw from."""
    styles: list[Style] = []
    drawn: list[Style] = []
    for item in _style_items(field):
        for name, value in _style_names(item):
            if name.written == "random" and value is not None:
                drawn += _random_styles(value)
            elif style := _read_style(name, value):
                styles.append(style)
    if field and {"single_question", "all_questions"} <= {style.name for style in styles}:
        field.warn("asks for 'single question' and 'all questions'; the first one counts")
    return tuple(styles), tuple(drawn)


def _random_styles(field: Field) -> list[Style]:
    pairs = [pair for item in _style_items(field) for pair in _style_names(item)]
    styles = [style for name, value in pairs if (style := _read_style(name, value))]
    if not pairs:
        field.problem("there is no style to draw from", "list some, for example long phrases")
    return styles


def _style_items(field: Field | None) -> tuple[Field, ...]:
    if field is None or field.is_nothing:
        return ()
    return (field,) if field.is_mapping else field.items(example="[long phrases]")


def _style_names(item: Field) -> Iterator[tuple[Field, Field | None]]:
    """The names in one item of the list, with what stands below them."""
    if item.is_mapping:
        yield from item.entries()
    else:
        yield item, None


def _read_style(name: Field, value: Field | None) -> Style | None:
    written = re.sub(r"[\s_-]+", " ", name.written.lower())
    spelled = OTHER_SPELLINGS.get(written, written)
    if spelled == "default":
        return None
    if spelled == "random":
        name.problem("random needs a list of styles of its own", "list them below it, without another random")
        return None
    if spelled not in STYLES:
        guess = name.report.guess(spelled, STYLES)
        fix = f"did you mean {guess!r}?" if guess else f"known are {', '.join(STYLES)}, random and default"
        name.problem(f"there is no interaction style {name.quoted()}", fix)
        return None
    if spelled != "change language":
        return Style(name=STYLES[spelled])
    if value is None or value.is_nothing:
        name.problem("the languages to change to are missing", "list them below it, for example italian")
        return None
    languages = tuple(text for each in value.items(example="[italian]") if (text := each.text(example="italian")))
    if not languages:
        value.problem("the languages to change to are missing", "list them, for example italian")
        return None
    return Style(name="change_language", languages=languages)
