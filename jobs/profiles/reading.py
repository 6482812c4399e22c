"""Reads the tree of a profile file, field by field, into a ``Profile``; older spellings included."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from jobs.model import OutputSpec
from jobs.profiles.conversation import read_goal_style, read_number, read_styles
from jobs.profiles.fields import Field, Section, first_given
from jobs.profiles.nearby import Nearby
from jobs.profiles.personality import load_personality
from jobs.profiles.problems import shown
from jobs.profiles.profile import Number, Personality, Profile, Variable, count_combinations
from jobs.profiles.rubrics import read_rubrics
from jobs.profiles.variables import check_nesting, read_variable

MOST_COMBINATIONS = 10**12
MOST_VARIABLES = 200

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

OUTPUT_TYPES = ("int", "float", "money", "str", "time", "date")
_OLDER_OUTPUT_TYPES = {"string": "str", "text": "str"}


@dataclass(frozen=True, kw_only=True)
class _Goals:
    """The goals of a profile; ``complete`` when every variable could be read."""

    templates: tuple[str, ...] = ()
    variables: Mapping[str, Variable] = field(default_factory=dict[str, Variable])
    complete: bool = True


class _Sections:
    """The sections of a profile; ``top`` holds also what older profiles write beside them."""

    def __init__(self, root: Field) -> None:
        self.root = root
        if not root.is_mapping:
            root.problem("this is no profile", "write fields such as test_name, user, chatbot and conversation")
        self.top = Section(root if root.is_mapping else None)
        self.name = self.top.take("test_name")
        self.llm = Section(self.top.take("llm"), keys="model and temperature")
        self.user = Section(self.top.take("user"), keys="role, context and goals")
        self.chatbot = Section(self.top.take("chatbot"), keys="is_starter, fallback, output and rubrics")
        conversation = first_given(
            (self.top.take("conversation"), self.top.take_older("conversations", newer="conversation"))
        )
        self.conversation = Section(conversation, keys="number, goal_style and interaction_style")

    def of_user(self, name: str) -> Field | None:
        return first_given((self.user.take(name), self.top.take_older(name, newer=f"user.{name}")))

    def of_chatbot(self, name: str) -> Field | None:
        return first_given((self.chatbot.take(name), self.top.take_older(name, newer=f"chatbot.{name}")))

    def missing(self, name: str, fix: str) -> None:
        if self.root.is_mapping:
            self.root.report.problem(self.root.place, name, "this field is missing", fix)

    def close(self) -> None:
        for section in (self.llm, self.user, self.chatbot, self.conversation):
            section.close()
        self.top.close(refuse=True)


def read_profile(root: Field, *, stem: str, path: str, content: bytes, nearby: Nearby) -> Profile:
    """The profile in a tree. It is only good for use when the report of ``root`` has no problems afterwards."""
    sections = _Sections(root)
    if sections.name is None:
        sections.missing("test_name", f"name the test, for example test_name: {stem}")
    goals = _read_goals(sections, nearby)
    context, personality = _read_context(sections, nearby)
    styles, random_styles = read_styles(sections.conversation.take("interaction_style"))
    model, temperature = _read_llm(sections)
    profile = Profile(
        stem=stem,
        path=path,
        name=_text(sections.name, example="pizza") or stem,
        stamp="",
        goals=goals.templates,
        variables=goals.variables,
        role=_read_role(sections),
        language=_text(sections.of_user("language"), example="English") or "English",
        context=context,
        personality=personality,
        assistant_starts=_read_starter(sections),
        fallback=_text(sections.of_chatbot("fallback"), example="Sorry, I did not get that."),
        outputs=_read_outputs(sections.of_chatbot("output")),
        rubrics=read_rubrics(sections.chatbot.take("rubrics")),
        number=_read_number(sections, goals),
        goal_style=read_goal_style(sections.conversation.take("goal_style")),
        styles=styles,
        random_styles=random_styles,
        model=model,
        temperature=temperature,
    )
    sections.close()
    return replace(
        profile,
        stamp=_stamp((content, *nearby.contents)),
        warnings=tuple(root.report.warnings),
        unsupported=tuple(root.report.unsupported),
    )


def _stamp(contents: Iterable[bytes]) -> str:
    parts = (len(content).to_bytes(8, "big") + content for content in contents)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _text(field: Field | None, *, example: str) -> str | None:
    return field.text(example=example) if field else None


# --- llm -------------------------------------------------------------------------------------------------------------


def _read_llm(sections: _Sections) -> tuple[str | None, float | None]:
    model = _text(sections.llm.take("model"), example="gpt-4o")
    field = first_given((sections.llm.take("temperature"), sections.top.take_older("temperature", newer="llm")))
    temperature = field.number() if field else None
    if field and temperature is not None and not 0 <= temperature <= 1:
        field.problem(f"the temperature {field.quoted()} is not between 0 and 1", "write a number such as 0.8")
    if provider := sections.llm.take_older("model_prov", newer="model"):
        provider.not_supported("a provider; the model is asked where OPENAI_BASE_URL says")
    if spoken := sections.llm.take_older("format", newer="text, always"):
        section = Section(spoken)
        kind, config = section.take("type"), section.take("config")
        section.close()
        if (kind and kind.written != "text") or config:
            spoken.not_supported("speech; conversations are held in text")
    return model, None if temperature is None else float(temperature)


# --- user ------------------------------------------------------------------------------------------------------------


def _read_role(sections: _Sections) -> str:
    field = sections.of_user("role")
    if field is None:
        sections.root.report.warn(None, "user.role", "is missing; the customer only knows the goals")
        return ""
    _note_placeholders(field)
    return field.text(example="you order a pizza") or ""


def _note_placeholders(field: Field) -> None:
    if PLACEHOLDER.search(field.written):
        field.not_supported("variables outside goals; the text stays as it is written")


def _read_context(sections: _Sections, nearby: Nearby) -> tuple[tuple[str, ...], Personality | None]:
    """The texts of the context, and the personality, which older profiles name among them."""
    context = sections.of_user("context")
    named: list[Field | None] = [sections.of_user("personality")]
    texts: list[str] = []
    for item in _context_items(context):
        if not item.is_mapping:
            _note_placeholders(item)
            texts += [text] if (text := item.text(example="your name is Jon Doe")) else []
            continue
        for key, value in item.entries():
            if key.written != "personality":
                key.problem("this is a field where a text is expected", "put a text that holds ': ' in quotes")
            elif not value.is_nothing:
                value.warn("inside context is an older spelling of 'user.personality'")
                named.append(value)
    chosen = first_given(named)
    return tuple(texts), load_personality(chosen, nearby) if chosen else None


def _context_items(context: Field | None) -> tuple[Field, ...]:
    if context is None:
        return ()
    return (context,) if context.is_mapping else context.items(example='["your name is Jon Doe"]')


# --- goals -----------------------------------------------------------------------------------------------------------


def _read_goals(sections: _Sections, nearby: Nearby) -> _Goals:
    field = first_given(
        (
            sections.of_user("goals"),
            sections.user.take_older("ask_about", newer="goals"),
            sections.top.take_older("ask_about", newer="user.goals"),
        )
    )
    if field is None:
        sections.missing("user.goals", 'list what the customer wants, for example ["order a pizza"]')
        return _Goals()
    templates: list[Field] = []
    definitions: dict[str, Field] = {}
    for item in field.items(example='["order a pizza"]'):
        if item.is_mapping:
            _define(item, definitions)
        elif item.text(example="order a pizza"):
            templates.append(item)
    if not templates:
        field.problem("there is no goal", 'list what the customer wants, for example "order a pizza"')
    if len(definitions) > MOST_VARIABLES:
        field.problem(f"there are more than {MOST_VARIABLES} variables", "split the profile")
        return _Goals(complete=False)
    variables = {
        name: variable for name, each in definitions.items() if (variable := read_variable(name, each, nearby))
    }
    check_nesting(variables, definitions)
    _check_placeholders(templates, variables, definitions)
    if (count_combinations(variables) or 0) > MOST_COMBINATIONS:
        field.problem(f"there are more than {MOST_COMBINATIONS:,} combinations", "nest fewer variables")
    return _Goals(
        templates=tuple(template.written for template in templates),
        variables=variables,
        complete=len(variables) == len(definitions),
    )


def _define(item: Field, definitions: dict[str, Field]) -> None:
    for key, value in item.entries():
        if key.written in definitions:
            key.problem(f"the variable {shown(key.written)} is defined twice", "keep one of them")
        else:
            definitions[key.written] = value


def _check_placeholders(
    templates: Sequence[Field], variables: Mapping[str, Variable], definitions: Mapping[str, Field]
) -> None:
    used = {variable.function.nests for variable in variables.values()}
    for template in templates:
        names = PLACEHOLDER.findall(template.written)
        used.update(names)
        for name in dict.fromkeys(names):
            if name not in definitions:
                guess = template.report.guess(name, definitions)
                fix = f"did you mean {{{{{guess}}}}}?" if guess else "define it among the goals"
                template.problem(f"{{{{{name}}}}} is no variable of this profile", fix)
        if re.search(r"\{\{|\}\}", PLACEHOLDER.sub("", template.written)):
            template.warn("has double braces that hold no variable; they stay as they are written")
    for name, definition in definitions.items():
        if name not in used:
            definition.warn(f"no goal uses the variable {shown(name)}")


# --- chatbot ---------------------------------------------------------------------------------------------------------


def _read_starter(sections: _Sections) -> bool:
    field = first_given(
        (
            sections.of_chatbot("is_starter"),
            sections.chatbot.take_older("isstarter", newer="is_starter"),
            sections.top.take_older("isstarter", newer="chatbot.is_starter"),
        )
    )
    return bool(field and field.truth())


def _read_outputs(field: Field | None) -> tuple[OutputSpec, ...]:
    if field is None:
        return ()
    items = (field,) if field.is_mapping else field.items(example="- price: {type: money, description: the price}")
    outputs: dict[str, OutputSpec] = {}
    for item in items:
        if not item.is_mapping:
            item.problem("this is no output", "write its name with type and description below it")
        for key, value in item.entries():
            if key.written in outputs:
                key.problem(f"the output {shown(key.written)} is defined twice", "keep one of them")
            else:
                outputs[key.written] = _read_output(key.written, value)
    return tuple(outputs.values())


def _read_output(name: str, field: Field) -> OutputSpec:
    section = Section(field, keys="type and description")
    kind, description = section.take("type"), section.take("description")
    section.close()
    if description is None:
        field.warn("has no description; its name says what to look for")
    return OutputSpec(
        name=name,
        type=_output_type(kind, field),
        description=_text(description, example="the final price") or name.replace("_", " "),
    )


def _output_type(kind: Field | None, output: Field) -> str:
    written = _text(kind, example="money")
    if kind is None or written is None:
        output.warn("has no type; it is read as text (str)")
        return "str"
    if written in _OLDER_OUTPUT_TYPES:
        kind.warn(f"{written!r} is an older spelling of {_OLDER_OUTPUT_TYPES[written]!r}")
        return _OLDER_OUTPUT_TYPES[written]
    if written not in OUTPUT_TYPES:
        kind.warn(f"the type {shown(written)} is not known ({', '.join(OUTPUT_TYPES)} are); it is read as text")
    return written


# --- conversation ----------------------------------------------------------------------------------------------------


def _read_number(sections: _Sections, goals: _Goals) -> Number:
    field = sections.conversation.take("number")
    if field is None:
        sections.root.report.warn(None, "conversation.number", "is missing; one conversation is planned")
        return 1
    return read_number(field, goals.variables if goals.complete else None)
