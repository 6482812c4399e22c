"""How feedback is asked for: the buttons under answers, the form for a rating, the question after a thumb down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.blocks._parts import Json, Message, actions, button, fallback, line, plain, rich_text, words
from jobs.feedback.rating import ASPECTS, Aspect

ANSWER_FEEDBACK, RATE, RATE_FORM = "answer_feedback", "rate", "rate_form"
WHY_PREFIX, WHY_COMMENT = "why_", "why_comment"
REASONS: Mapping[str, str] = {
    "wrong": "It was wrong",
    "incomplete": "Something was missing",
    "misunderstood": "It did not understand me",
}
"""Why an answer was not good: the tag that is stored, and what the button says."""
STAR_WORDS: Mapping[int, str] = {5: "excellent", 4: "good", 3: "so-so", 2: "poor", 1: "useless"}
ASPECT_LABELS: Mapping[Aspect, tuple[str, str]] = {
    "tool_selection": ("Choice of tools", "Did it look in the right place and do the right thing?"),
    "response_quality": ("Quality of the answer", "Was it right, complete and understandable?"),
    "speed": ("Speed", "Was it quick enough?"),
}
MOST_TYPED = 3_000
"""Characters that Slack lets a text field take."""


@dataclass(frozen=True, kw_only=True)
class RatedBefore:
    """What somebody said of the same message before; the form begins with it."""

    stars: int | None = None
    comment: str = ""
    aspects: Mapping[str, int] = field(default_factory=dict[str, int])
    suggested_response: str = ""
    suggested_tools: Sequence[str] = ()
    tags: Sequence[str] = ()


def feedback_buttons(conversation_id: str, position: int) -> Json:
    """Slack's own pair of thumbs, to be put under an answer."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": ANSWER_FEEDBACK,
                "positive_button": _thumb("up", "Good answer", conversation_id, position),
                "negative_button": _thumb("down", "Bad answer", conversation_id, position),
            }
        ],
    }


def _thumb(value: str, text: str, conversation_id: str, position: int) -> Json:
    return {
        "text": plain(text, 75),
        "value": f"{value}:{conversation_id}:{position}",
        "accessibility_label": f"{text}: rate this answer",
    }


def rate_button(conversation_id: str) -> Json:
    """Opens the form for a rating of the message that it stands under."""
    return button("Rate…", RATE, conversation_id)


def why_form(conversation_id: str, message_ts: str) -> Message:
    """What is asked after a thumb down, so that only one person sees it; one press answers."""
    about = f"{conversation_id}:{message_ts}"
    buttons = [button(text, f"{WHY_PREFIX}{reason}", about) for reason, text in REASONS.items()]
    asked = "Thanks for the thumb down. What was wrong?"
    return Message(
        text=fallback(asked),
        blocks=(rich_text(line(words(asked))), actions(*buttons, button("Say more…", WHY_COMMENT, about))),
    )


def rate_form(metadata: str, before: RatedBefore) -> Json:
    """The form for a rating: stars, aspects, a comment, and what would have been better."""
    stars = {n: _option(str(n), f"{'★' * n}{'☆' * (5 - n)}  {STAR_WORDS[n]}") for n in STAR_WORDS}
    rating: Json = {"type": "radio_buttons", "action_id": "rating", "options": list(stars.values())}
    if before.stars in stars:
        rating["initial_option"] = stars[before.stars]
    return {
        "type": "modal",
        "callback_id": RATE_FORM,
        "private_metadata": metadata,
        "title": plain("Rate", 24),
        "submit": plain("Save", 24),
        "close": plain("Close", 24),
        "blocks": [
            _input("rating", "How good was it?", "Give stars, a comment, or both.", rating),
            _input("comment", "Comment", "", _text("comment", before.comment, "What was good, what was not?")),
            *(_aspect(name, before.aspects.get(name)) for name in ASPECTS),
            _input(
                "suggested_response",
                "What should it have said?",
                "",
                _text("suggested_response", before.suggested_response, "The answer you would have given"),
            ),
            _input(
                "suggested_tools",
                "Tools it should have used",
                "Separated by commas.",
                _text("suggested_tools", ", ".join(before.suggested_tools), "for example order_status", lines=False),
            ),
            _input(
                "tags",
                "Tags",
                "Separated by commas, at most 20.",
                _text("tags", ", ".join(before.tags), "for example refund, tone", lines=False),
            ),
        ],
    }


def _aspect(name: Aspect, given: int | None) -> Json:
    label, hint = ASPECT_LABELS[name]
    options = {n: _option(str(n), f"{n} – {STAR_WORDS[n]}") for n in STAR_WORDS}
    element: Json = {
        "type": "static_select",
        "action_id": name,
        "placeholder": plain("Not rated", 150),
        "options": list(options.values()),
    }
    if given in options:
        element["initial_option"] = options[given]
    return _input(name, label, hint, element)


def _option(value: str, text: str) -> Json:
    return {"text": plain(text, 75), "value": value}


def _text(name: str, initial: str, placeholder: str, *, lines: bool = True) -> Json:
    element: Json = {
        "type": "plain_text_input",
        "action_id": name,
        "multiline": lines,
        "max_length": MOST_TYPED,
        "placeholder": plain(placeholder, 150),
    }
    if initial:
        element["initial_value"] = initial[:MOST_TYPED]
    return element


def _input(name: str, label: str, hint: str, element: Json) -> Json:
    made: Json = {
        "type": "input",
        "block_id": name,
        "label": plain(label, 2_000),
        "element": element,
        "optional": True,
    }
    return made | ({"hint": plain(hint, 2_000)} if hint else {})
