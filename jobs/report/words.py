"""Figures as people read them."""

UNKNOWN = "–"


def percent(share: float | None) -> str:
    """E.g. ``85%``; what is not all or nothing does not look like it: ``99.6%``."""
    if share is None:
        return UNKNOWN
    rounded = f"{share:.0%}"
    return f"{share:.1%}" if 0 < share < 1 and rounded in {"0%", "100%"} else rounded


def duration(milliseconds: float | None) -> str:
    """E.g. ``85 ms``, ``1.2 s``, ``95 s``."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


def dollars(cost: float | None) -> str:
    """E.g. ``$12.30``; small amounts with four digits, since a conversation costs fractions of a cent."""
    if cost is None:
        return UNKNOWN
    return f"${cost:.4f}" if 0 < cost < 1 else f"${cost:.2f}"
