"""Reads test cases: single-turn ones with their ``input``, multi-turn ones with their ``turns``."""

from collections.abc import Mapping
from typing import get_args

from jobs.model import Case, CaseTurn, Difficulty, ResponseType
from jobs.profiles.fields import Field, Section, first_given
from jobs.suites.made import KINDS, unknown_kinds
from jobs.suites.suite import SuiteCase, Thresholds
from jobs.suites.values import (
    CATEGORIES,
    read_choice,
    read_criteria,
    read_labels,
    read_patterns,
    read_repeats,
    read_share,
    read_text,
    read_texts,
)

MOST_TURNS = 200
KEYS = "name, input (or turns) and expected_patterns"


def read_case(field: Field, *, name: str | None, thresholds: Thresholds) -> SuiteCase | None:
    """The case of a mapping; only good for use when the report has no problems afterwards.

    Args:
        name: what it is called if it does not say so itself; None = it has to.
    """
    if not field.is_mapping:
        field.problem("a case must be a mapping of fields", f"write fields such as {KEYS}")
        return None
    section = Section(field, keys=KEYS)
    named = read_text(section.take("name"), example="large-pizza") or name
    if named is None:
        field.problem("this case has no name", "add name: and a short name that no other case has")
    turns = _turns(section, field)
    must, criteria = read_criteria(section.take("success_criteria"))
    tools = section.take("expected_tools")
    limits = read_thresholds(section.take("thresholds"), thresholds)
    starter = section.take("is_starter")
    case = SuiteCase(
        case=Case(
            name=named or "",
            turns=turns,
            context=_context(section.take("context")),
            tools=read_texts(tools, example="[place_order]") if tools else None,
            must=must,
            must_not=read_patterns(section.take("failure_conditions")),
            good_turns=limits.good_turns,
            quality=limits.quality,
            skip=read_text(section.take("skip"), example="the menu is being changed"),
        ),
        description=read_text(section.take("description"), example="a pizza with two toppings") or "",
        criteria=criteria,
        category=read_choice(section.take("category"), CATEGORIES) or "functional",
        difficulty=read_choice(section.take("difficulty"), get_args(Difficulty)),
        persona=read_text(section.take("persona"), example="novice"),
        language=read_text(section.take("language"), example="English") or "English",
        tags=tuple(dict.fromkeys(read_labels(section.take("tags")))),
        assistant_starts=bool(starter and starter.truth()),
        fallback=read_text(section.take("fallback"), example="Sorry, I did not get that."),
        repeats=read_repeats(section.take("repeats")),
    )
    section.close(refuse=True)
    for kind in dict.fromkeys(unknown_kinds(case)):
        guess = field.report.guess(kind, KINDS)
        fix = f"did you mean {{{{faker.{guess}}}}}?" if guess else f"known are {', '.join(KINDS)}"
        field.problem(f"nothing can be made up for {{{{faker.{kind}}}}}", fix)
    if not _expects_something(case):
        field.warn("nothing is expected in this case; only its mean quality can fail it")
    return case


def read_thresholds(field: Field | None, default: Thresholds) -> Thresholds:
    """The limits of a section, each with its default."""
    section = Section(field, keys="good_turns and quality")
    thresholds = Thresholds(
        good_turns=read_share(section.take("good_turns"), default=default.good_turns),
        quality=read_share(section.take("quality"), default=default.quality),
    )
    section.close(refuse=True)
    return thresholds


def _expects_something(written: SuiteCase) -> bool:
    case = written.case
    expected = any(turn.intent or turn.entities or turn.response_type or turn.patterns for turn in case.turns)
    return bool(expected or case.must or case.must_not or case.tools is not None or written.criteria)


def _turns(section: Section, case: Field) -> tuple[CaseTurn, ...]:
    said, several = section.take("input"), section.take("turns")
    if several is None:
        turn = _turn(section, said)
        if said is None:
            case.problem("the customer says nothing", "add input: and what is said, or turns: with several of them")
        return (turn,) if turn else ()
    first_given((several, said))
    turns = several.items(example='[{user: "a pizza please", expected_patterns: [size]}]')
    if not 1 <= len(turns) <= MOST_TURNS:
        several.problem(f"there are {len(turns)} turns", f"write 1 to {MOST_TURNS}")
    return tuple(turn for each in turns[:MOST_TURNS] if (turn := _turn_of(each)))


def _turn_of(field: Field) -> CaseTurn | None:
    if not field.is_mapping:
        text = field.text(example="a large pizza, please")
        return CaseTurn(user=text) if text else None
    section = Section(field, keys="user and expected_patterns")
    said = section.take("user")
    if said is None:
        field.problem("the customer says nothing in this turn", "add user: and what is said")
    turn = _turn(section, said)
    section.close(refuse=True)
    return turn


def _turn(section: Section, said: Field | None) -> CaseTurn | None:
    text = read_text(said, example="a large pizza, please")
    turn = CaseTurn(
        user=text or "",
        intent=read_text(section.take("expected_intent"), example="order"),
        entities=_entities(section.take("expected_entities")),
        response_type=read_choice(section.take("expected_response_type"), get_args(ResponseType)),
        patterns=read_patterns(section.take("expected_patterns")),
    )
    return turn if text else None


def _entities(field: Field | None) -> Mapping[str, tuple[str, ...]]:
    """Expected values by the entity's name; a list stands for several values in any order."""
    if field is None:
        return {}
    if not field.is_mapping:
        field.problem("this must be a mapping of entities to values", "write, for example, {size: large}")
    return {
        key.written: values
        for key, value in field.entries()
        if (values := read_texts(value, example="large") if value.is_list else _one(value))
    }


def _one(value: Field) -> tuple[str, ...]:
    text = value.text(example="large")
    return (text,) if text else ()


def _context(field: Field | None) -> tuple[str, ...]:
    """What the customer said before. What the assistant said then may stand beside it, and is for readers only."""
    said: list[str] = []
    for item in field.items(example='["hello", {assistant: "Hi!"}]') if field else ():
        if not item.is_mapping:
            said += [text] if (text := item.text(example="hello")) else []
            continue
        section = Section(item, keys="user or assistant")
        spoken = section.take("user")
        section.take("assistant")
        section.close(refuse=True)
        said += [text] if (text := read_text(spoken, example="hello")) else []
    return tuple(said)
