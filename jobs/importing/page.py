"""Recorded conversations as one page that needs nothing else."""

import base64
import hashlib
from collections.abc import Iterator, Sequence

from jobs.recorded import Recorded
from jobs.report.as_html import CSS
from jobs.report.markup import Markup, element

WHO = {"User": "Customer", "Assistant": "Assistant"}


def to_page(conversations: Sequence[Recorded], *, title: str) -> bytes:
    """The page; nothing is fetched, and nothing that was said is executed."""
    css = CSS.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(css)),
    )
    count = f"{len(conversations):,} conversation{'' if len(conversations) == 1 else 's'}"
    header = element("header", element("h1", title), element("p", count, class_="quiet"))
    sections = element("section", element("h2", "Conversations"), *(_conversation(each) for each in conversations))
    body = element("body", header, element("main", sections))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n".encode(errors="replace")


def _conversation(each: Recorded) -> Markup:
    heading = element("summary", each.name, element("b", each.language or ""), dir="auto")
    return element(
        "details",
        heading,
        *_facts(each),
        element("h3", "Transcript"),
        element("ol", *_turns(each), class_="turns"),
    )


def _facts(each: Recorded) -> Iterator[Markup]:
    for title, items in (("Wanted", each.wanted), ("Outputs", each.outputs), ("Errors", each.errors)):
        if items:
            yield element("h3", title)
            yield element("ul", *(element("li", _shown(item), dir="auto") for item in items))


def _shown(item: object) -> str:
    if isinstance(item, dict):
        return "; ".join(f"{name}: {value}" for name, value in item.items())  # pyright: ignore[reportUnknownVariableType]
    return str(item)


def _turns(each: Recorded) -> Iterator[Markup]:
    for step in each.interaction:
        for who, said in step.items():
            speaker = element("span", WHO.get(str(who), str(who)), class_="who")
            kind = "user" if who == "User" else "assistant"
            yield element("li", speaker, element("p", f"{said or '(nothing)'}", class_="said", dir="auto"), class_=kind)
