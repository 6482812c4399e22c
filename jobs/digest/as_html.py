"""A digest as one page that needs nothing else: the pictures are in it, light and dark."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from jobs.digest._digest import Digest, DigestPart, Line, Tone
from jobs.digest.as_text import MARKS, TITLES
from jobs.redact import redact

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1d1c1d;--quiet:#5c5b5d;--card:#f6f6f7;--line:#dcdce0;
--bad:#a84300;--unsure:#7a5c00;--good:#00694c}
@media(prefers-color-scheme:dark){:root{--paper:#1a1d21;--ink:#f2f2f3;--quiet:#b3b4b8;--card:#23272c;--line:#3a3d42;
--bad:#ff9a55;--unsure:#f0d060;--good:#3fd6a8}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:1rem}
h1{font-size:1.35rem;line-height:1.25;margin:.2rem 0 1rem}h2{font-size:1.05rem;margin:0 0 .5rem}
.day{color:var(--quiet);margin:0}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem;margin:0 0 .9rem}
ul{list-style:none;margin:0;padding:0}li{padding:.15rem 0 .15rem 1.5rem;text-indent:-1.5rem;overflow-wrap:anywhere}
.mark{display:inline-block;width:1.5rem;text-indent:0;font-weight:700}
.bad .mark,h1.bad{color:var(--bad)}.unsure .mark,h1.unsure{color:var(--unsure)}.good .mark,h1.good{color:var(--good)}
code{font-size:.85em;color:var(--quiet)}img{width:100%;height:auto;border-radius:8px;display:block;margin:0 0 .9rem}
details summary{cursor:pointer;color:var(--quiet);margin-top:.4rem}
"""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A chart twice, as PNG; ``text`` says what it shows."""

    text: str
    light: bytes
    dark: bytes


def to_html(digest: Digest, pictures: Sequence[Picture] = ()) -> str:
    title = f"{TITLES[digest.kind]} of {digest.day:%A %d %B %Y}"
    headline = digest.quiet_line if digest.is_quiet else digest.headline
    body = "".join([*(_picture(each) for each in pictures), *(_section(part) for part in digest.parts)])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{_text(title)}</title>'
        f'<style>{STYLE}</style></head><body><main><p class="day">{_text(title)} ({_text(digest.zone)})</p>'
        f'<h1 class="{digest.tone}">{_text(headline)}</h1>{body}</main></body></html>\n'
    )


def _section(part: DigestPart) -> str:
    more = f"<details><summary>Details</summary><ul>{_lines(part.details)}</ul></details>" if part.details else ""
    return f"<section><h2>{_text(part.title)}</h2><ul>{_lines(part.lines)}</ul>{more}</section>"


def _lines(lines: Sequence[Line]) -> str:
    return "".join(_items(lines))


def _items(lines: Sequence[Line]) -> Iterator[str]:
    tones: dict[Tone, str] = {"bad": "worse: ", "unsure": "not certain: ", "good": "good: ", "plain": ""}
    for line in lines:
        links = " ".join(
            f"<code>convotest show {_text(each.run_id[-8:])} -c {each.number}</code>" for each in line.links
        )
        mark = f'<span class="mark" role="img" aria-label="{tones[line.tone]}">{MARKS[line.tone]}</span>'
        yield f'<li class="{line.tone}">{mark}{_text(line.text)} {links}</li>'


def _picture(picture: Picture) -> str:
    light, dark = (b64encode(each).decode() for each in (picture.light, picture.dark))
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="data:image/png;base64,{dark}">'
        f'<img alt="{_text(picture.text)}" src="data:image/png;base64,{light}"></picture>'
    )


def _text(text: str) -> str:
    return escape(" ".join(redact(text).split()))
