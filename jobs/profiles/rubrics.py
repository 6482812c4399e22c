"""Reads the rubrics of a profile: its own questions about the assistant, which a judge grades."""

import re

from jobs.metrics import METRICS
from jobs.model import Rubric
from jobs.profiles.fields import Field, Section
from jobs.profiles.problems import shown

MOST_RUBRICS = 20
MOST_GRADES = 10
USUAL_GRADES = 5
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)

OTHER_FIGURES = frozenset(
    re.findall(
        r"\w+",
        "success score quality errors latency_ms cost_usd input_tokens output_tokens run conversation position "
        "scenario seed variant persona tags outcome blame ended_by reasons goals latency_p50_ms latency_p95_ms",
    )
)
"""Names that tables and gates use for something else."""


def read_rubrics(field: Field | None) -> tuple[Rubric, ...]:
    """Those that can be used; what is wrong with the others is reported."""
    if field is None:
        return ()
    items = (field,) if field.is_mapping else field.items(example="- politeness: {description: Is it polite?}")
    rubrics: dict[str, Rubric] = {}
    for item in items:
        if not item.is_mapping:
            item.problem("this is no rubric", "write its name with description and scale below it")
        for key, value in item.entries():
            name = _name(key)
            if name in rubrics:
                key.problem(f"the rubric {shown(name)} is defined twice", "keep one of them")
            elif name is not None and (rubric := _read_rubric(name, value)):
                rubrics[name] = rubric
    if len(rubrics) > MOST_RUBRICS:
        fix = "each is a question to the judge for every conversation; keep the most important"
        field.problem(f"there are more than {MOST_RUBRICS} rubrics", fix)
    return tuple(rubrics.values())


def _name(key: Field) -> str | None:
    """The name as tables and gates have it: ``Tone of voice`` is ``tone_of_voice``."""
    name = re.sub(r"[\s-]+", "_", key.written.lower())
    if not NAME.fullmatch(name):
        key.problem(f"{key.quoted()} cannot be the name of a rubric", "use at most 40 letters, digits and _")
        return None
    if name in METRICS or name in OTHER_FIGURES:
        key.problem(f"there is a figure named {shown(name)} already", "choose another name")
        return None
    return name


def _read_rubric(name: str, field: Field) -> Rubric | None:
    section = Section(field, keys="description and scale")
    description, scale = section.take("description"), section.take("scale")
    section.close()
    if description is None:
        field.problem("has no description", "write the question the judge is to answer about the assistant")
        return None
    question = description.text(example="Is the assistant polite, also to customers who are not?")
    grades = _read_scale(scale) if scale else _numbered(USUAL_GRADES)
    return Rubric(name=name, question=question, grades=grades) if question and grades else None


def _read_scale(field: Field) -> tuple[str, ...] | None:
    """What the grades mean, from the worst to the best, or how many there are."""
    if field.is_scalar:
        number = field.whole(low=2, high=MOST_GRADES)
        return _numbered(number) if number is not None else None
    if not field.is_list:
        field.problem("this is no scale", "list what the grades mean, from the worst to the best, or write 5")
        return None
    items = field.items(example="[rude, curt, friendly]")
    grades = tuple(text for item in items if (text := item.text(example="friendly")))
    if not 2 <= len(items) <= MOST_GRADES:
        field.problem(f"a scale of {len(items)} grades", f"list 2 to {MOST_GRADES}, from the worst to the best")
        return None
    return grades if len(grades) == len(items) else None


def _numbered(grades: int) -> tuple[str, ...]:
    between = ("",) * (grades - 2)
    named = ("the worst there is", *between, "as good as it gets")
    return tuple(meaning or "in between" for meaning in named)
