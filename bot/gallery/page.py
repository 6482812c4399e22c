"""The gallery as one HTML file without scripts, and pictures of it where a browser is at hand."""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from bot.blocks import Json, Message
from bot.gallery.samples import Sample

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
PEOPLE = {"U0ADA": "Ada", "U0BEN": "Ben"}
ESCAPED = re.compile(r"&amp;(lt|gt|amp);")
MARKUP = re.compile(r"&lt;@(?P<member>[A-Z0-9]+)&gt;|\*(?P<bold>[^*\n]+)\*|`(?P<code>[^`\n]+)`")


def write_gallery(samples: Iterable[Sample], directory: Path) -> Path:
    """Write ``index.html`` into the directory; its path."""
    directory.mkdir(parents=True, exist_ok=True)
    page = directory / "index.html"
    page.write_text(render_page(samples), encoding="utf-8")
    return page


def render_page(samples: Iterable[Sample]) -> str:
    parts = [
        f'<section class="kind"><h2>{escape(kind)}</h2>{"".join(map(_sample, group))}</section>'
        for kind, group in groupby(samples, key=lambda sample: sample.kind)
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>What convotest says</title>'
        f"<style>{STYLE}</style></head><body><h1>What convotest says</h1>{''.join(parts)}</body></html>\n"
    )


def _sample(sample: Sample) -> str:
    content = sample.content
    shown = _message(content) if isinstance(content, Message) else _view(content)
    return f'<figure data-data="{escape(sample.data)}"><figcaption>{escape(sample.data)}</figcaption>{shown}</figure>'


def _message(message: Message) -> str:
    fallback = f'<p class="fallback" title="what notifications and screen readers get">{_marked_up(message.text)}</p>'
    body = "".join(map(_block, message.blocks))
    return f'<article class="message"><b class="app">convotest</b><i class="badge">APP</i>{body}</article>{fallback}'


def _view(view: Json) -> str:
    title = f"<h3>{_text(view['title']['text'])}</h3>" if "title" in view else ""
    body = "".join(map(_block, view["blocks"]))
    submit = [{"type": "button", "style": "primary", "text": view["submit"]}] if "submit" in view else []
    return f'<article class="{view["type"]}">{title}{body}{_actions({"elements": submit})}</article>'


# --- blocks ---------------------------------------------------------------------------------------------------------


def _block(block: Json) -> str:
    return BLOCKS[block["type"]](block)


def _section(block: Json) -> str:
    text = f"<p>{_object(block['text'])}</p>" if "text" in block else ""
    fields = "".join(f"<div>{_object(each)}</div>" for each in block.get("fields", ()))
    return f'{text}<div class="fields">{fields}</div>' if fields else text


def _context(block: Json) -> str:
    return f'<p class="context">{" ".join(map(_object, block["elements"]))}</p>'


def _actions(block: Json) -> str:
    return f'<div class="row">{"".join(map(_element, block["elements"]))}</div>'


def _input(block: Json) -> str:
    optional = " <small>(optional)</small>" if block.get("optional") else ""
    hint = f"<small>{_object(block['hint'])}</small>" if "hint" in block else ""
    return f"<label>{_object(block['label'])}{optional}{_element(block['element'])}{hint}</label>"


def _table(block: Json) -> str:
    rows = ("".join(f"<td>{_cell(cell)}</td>" for cell in row) for row in block["rows"])
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _cell(cell: Json) -> str:
    return _rich_text(cell) if cell["type"] == "rich_text" else _text(str(cell.get("text", cell.get("value", ""))))


def _rich_text(block: Json) -> str:
    return "".join(map(_part, block["elements"]))


def _part(part: Json) -> str:
    match part["type"]:
        case "rich_text_list":
            return f"<ul>{''.join(f'<li>{_inlines(item)}</li>' for item in part['elements'])}</ul>"
        case "rich_text_quote":
            return f"<blockquote>{_inlines(part)}</blockquote>"
        case _:
            return f"<p>{_inlines(part)}</p>"


def _inlines(part: Json) -> str:
    return "".join(map(_inline, part["elements"]))


def _inline(element: Json) -> str:
    match element["type"]:
        case "user":
            return _mention(element["user_id"])
        case "channel":
            return f'<span class="mention">#{escape(element["channel_id"])}</span>'
        case "link":
            return f'<a href="{escape(element["url"])}">{_text(element.get("text", element["url"]))}</a>'
        case "date":
            return f"<time>{_text(element['fallback'])}</time>"
        case _:
            shown = _text(element["text"])
            for style, tag in (("bold", "b"), ("italic", "i"), ("code", "code")):
                shown = f"<{tag}>{shown}</{tag}>" if element.get("style", {}).get(style) else shown
            return shown


BLOCKS: Mapping[str, Callable[[Json], str]] = {
    "header": lambda block: f"<h4>{_object(block['text'])}</h4>",
    "section": _section,
    "context": _context,
    "actions": _actions,
    "context_actions": _actions,
    "input": _input,
    "table": _table,
    "rich_text": _rich_text,
}


# --- elements and text ----------------------------------------------------------------------------------------------


def _element(element: Json) -> str:
    if element["type"] == "button":
        return f'<button class="{element.get("style", "")}">{_object(element["text"])}</button>'
    if element["type"] == "feedback_buttons":
        names = [_object(element[side]["text"]) for side in ("positive_button", "negative_button")]
        return f"<button>👍 {names[0]}</button><button>👎 {names[1]}</button>"
    if element["type"] == "overflow":
        return f"<button>⋯ {' · '.join(_object(option['text']) for option in element['options'])}</button>"
    chosen = element.get("initial_option", {}).get("text", {}).get("text") or element.get("initial_value")
    chosen = chosen or element.get("initial_conversation") or ", ".join(element.get("initial_users", ()))
    placeholder = _object(element["placeholder"]) if "placeholder" in element else "&nbsp;"
    return f'<span class="input">{_text(chosen) if chosen else placeholder}</span>'


def _object(text: Json) -> str:
    if text["type"] == "plain_text":
        return _text(text["text"])
    return _marked_up(text["text"])


def _marked_up(text: str) -> str:
    """Markup is read first, then Slack's own escapes are undone once: what was escaped is no markup."""
    return ESCAPED.sub(r"&\1;", MARKUP.sub(_marked, _text(text)))


def _marked(found: re.Match[str]) -> str:
    if found["member"]:
        return _mention(found["member"])
    return f"<b>{found['bold']}</b>" if found["bold"] else f"<code>{found['code']}</code>"


def _mention(member_id: str) -> str:
    return f'<span class="mention">@{escape(PEOPLE.get(member_id, member_id))}</span>'


def _text(text: Any) -> str:
    return escape(str(text)).replace("\n", "<br>")
