"""The sheet that every chart is drawn on: one picture that a phone can show, measured in inches.

There are no axes to read, every figure is written out. Only for the helper process: matplotlib would double the bot's
memory.
"""

# matplotlib's own annotations have gaps, in **kwargs and paths
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon, Rectangle

WIDTH = 8.0
MARGIN = 0.3
INNER = WIDTH - 2 * MARGIN
DPI = 200
"""1600 pixels wide: twice what Slack shows on a desktop, so that it is sharp there and readable on a phone."""

FONTS = (
    "DejaVu Sans",
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Emoji",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "Hiragino Sans",
    "Arial Unicode MS",
)
"""The first one comes with matplotlib; of the others those that the machine has."""

NO_FONT = "(written in a script that this chart has no font for; see the thread)"


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colours of one theme. Outcomes are from Okabe & Ito's palette, apart for every kind of colour blindness; none
    is told by its colour alone."""

    paper: str
    ink: str
    quiet: str
    track: str
    passed: str
    failed: str
    inconclusive: str
    errors: str
    void: str
    skipped: str
    cancelled: str
    times: str


LIGHT = Look(
    paper="#ffffff",
    ink="#1d1c1d",
    quiet="#5c5b5d",
    track="#e4e4e6",
    passed="#009e73",
    failed="#d55e00",
    inconclusive="#f0c43c",
    errors="#a8558a",
    void="#56b4e9",
    skipped="#9b9b9f",
    cancelled="#6b6b70",
    times="#0072b2",
)
DARK = Look(
    paper="#1a1d21",
    ink="#f2f2f3",
    quiet="#b3b4b8",
    track="#3a3d42",
    passed="#1fbf92",
    failed="#f07f2f",
    inconclusive="#f0d060",
    errors="#d68abb",
    void="#6cc4f5",
    skipped="#8d8e94",
    cancelled="#c5c6ca",
    times="#5aa9e6",
)


class Sheet:
    """A page to draw on, in inches from its top left corner."""

    def __init__(self, height: float, look: Look) -> None:
        self.look = look
        self._figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=look.paper)
        self._canvas = FigureCanvasAgg(self._figure)
        self._axes = self._figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, WIDTH)
        self._axes.set_ylim(height, 0)

    def box(self, x: float, y: float, width: float, height: float, color: str) -> None:
        self._axes.add_patch(Rectangle((x, y), width, height, facecolor=color, linewidth=0))

    def line(
        self, points: Sequence[tuple[float, float]], color: str, *, width: float = 2.0, dashed: bool = False
    ) -> None:
        """A line through the points; ``width`` is in points."""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        style = (0, (4, 2.5)) if dashed else "solid"
        self._axes.add_line(Line2D(xs, ys, color=color, linewidth=width, linestyle=style, solid_joinstyle="round"))

    def dot(self, x: float, y: float, radius: float, color: str, *, hollow: bool = False) -> None:
        """A dot, or a ring around the paper's colour."""
        fill = self.look.paper if hollow else color
        self._axes.add_patch(Circle((x, y), radius, facecolor=fill, edgecolor=color, linewidth=1.6, zorder=3))

    def band(self, top: Sequence[tuple[float, float]], bottom: Sequence[tuple[float, float]], color: str) -> None:
        """The area between two lines, light enough to be written on."""
        if len(top) > 1:
            corners = [*top, *reversed(bottom)]
            self._axes.add_patch(Polygon(corners, closed=True, facecolor=color, alpha=0.22, linewidth=0, zorder=0.5))

    def write(self, x: float, y: float, text: str, size: float, color: str, *, bold: bool = False) -> float:
        """Puts one line with its baseline at ``y``; returns where it ends."""
        label = self._axes.text(x, y, text, fontproperties=_font(size, bold=bold), color=color, parse_math=False)
        return x + label.get_window_extent(self._canvas.get_renderer()).width / DPI

    def measure(self, text: str, size: float, *, bold: bool = False) -> float:
        """Width of one line, in inches."""
        label = self._axes.text(0, 0, text, fontproperties=_font(size, bold=bold), parse_math=False)
        width = label.get_window_extent(self._canvas.get_renderer()).width / DPI
        label.remove()
        return width

    def png(self) -> bytes:
        file = io.BytesIO()
        self._figure.savefig(file, format="png", facecolor=self.look.paper)
        return file.getvalue()


# --- text -------------------------------------------------------------------------------------------------------------


def showable(text: str, *, bold: bool = False) -> str:
    """One line of the text with the characters that there is a font for; a sentence instead when most are missing."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", " ", text[:500]).split())
    known = "".join(character for character in line if character == " " or ord(character) in _characters(bold=bold))
    missing = len(line) - len(known)
    return NO_FONT if missing > len(line) / 4 else known


def in_two_lines(sheet: Sheet, text: str) -> list[str]:
    """The text in at most two lines."""
    words, first = showable(text).split(" "), ""
    while words and sheet.measure(f"{first} {words[0]}".strip(), 14) <= INNER:
        first = f"{first} {words.pop(0)}".strip()
    if not first:  # a single word wider than the sheet
        return [fit(sheet, " ".join(words), INNER, 14)]
    return [first, fit(sheet, " ".join(words), INNER, 14)] if words else [first]


def fit(sheet: Sheet, text: str, width: float, size: float, *, bold: bool = False) -> str:
    """The text, cut with an ellipsis if it is wider than that."""
    if sheet.measure(text, size, bold=bold) <= width:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if sheet.measure(f"{text[:middle]}…", size, bold=bold) <= width:
            fits = middle
        else:
            too_long = middle
    return f"{text[:fits].rstrip()}…"


@cache
def _font(size: float, *, bold: bool) -> FontProperties:
    return FontProperties(family=list(_families()), size=size, weight="bold" if bold else "normal")


@cache
def _families() -> tuple[str, ...]:
    present = {font.name for font in fontManager.ttflist}
    return tuple(name for name in FONTS if name in present)


@cache
def _characters(*, bold: bool) -> frozenset[int]:
    """Every character that one of the fonts can draw."""
    weight = "bold" if bold else "normal"
    files = [fontManager.findfont(FontProperties(family=[name], weight=weight)) for name in _families()]
    return frozenset(character for file in files for character in get_font(file).get_charmap())
