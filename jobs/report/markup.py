"""HTML that cannot be injected into: every text becomes text, only elements made here are elements."""

from html import escape

from jobs.report.as_text import printable


class Markup(str):
    """HTML that was made by ``element``; any other string is text."""

    __slots__ = ()


def element(tag: str, /, *children: str | None, **attributes: str | float | bool | None) -> Markup:
    """One element with its children; text among them is escaped, None is left out.

    Attributes are written ``class_`` for ``class`` and ``aria_label`` for ``aria-label``; True stands alone, False and
    None are left out.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in {"meta", "input", "rect"}:
        return Markup(f"<{tag}{written}/>")
    return Markup(f"<{tag}{written}>{together(*children)}</{tag}>")


def together(*children: str | None) -> Markup:
    """Elements and text one after the other."""
    return Markup(
        "".join(child if isinstance(child, Markup) else text(child) for child in children if child is not None)
    )


def text(raw: str) -> Markup:
    return Markup(escape(printable(raw), quote=True))


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    key = key.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{text(value if isinstance(value, str) else f"{value:g}")}"'
