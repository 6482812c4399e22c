"""How the rules of a suite look in the thread of its run: which are broken, and the two conversations of a pair."""

from collections.abc import Iterator, Mapping, Sequence

from bot.blocks._parts import Json, bullets, escape, fields, line, one_line, rich_text, words
from jobs.report.rules import BrokenRule, RuleSummary, broken, rule_sentence

MOST_RULES = 8
"""Broken rules that are shown; the page and the JSON have all of them."""
MOST_PAIRS = 2
MOST_VALUES = 6
MARKS = {True: "✅", False: "❌", None: "❔"}


def rules_line(rules: Mapping[str, RuleSummary]) -> str:
    """E.g. ``✅ 5 hold · ❌ larger_pizzas_cost_more: 2 of 30 pairs break it``, the broken ones first."""
    kept = [rule for rule in rules.values() if rule.ok and rule.applied]
    shown = [(name, rule) for name, rule in rules.items() if not rule.ok]
    parts = [f"{MARKS[rule.ok]} {one_line(f'{name}: {rule_sentence(rule)}', 140)}" for name, rule in shown[:MOST_RULES]]
    parts += [f"… and {len(shown) - MOST_RULES} more"] if len(shown) > MOST_RULES else []
    return " · ".join([*parts, *([f"{MARKS[True]} {len(kept)} hold"] if kept else [])]) or "none applied"


def broken_rules(rules: Mapping[str, RuleSummary] | None) -> Iterator[Json]:
    """The broken rules with their reasons, then some pairs side by side."""
    found = list(broken(rules))
    if not found:
        return
    lines = [_line(name, rule) for name, rule in found[:MOST_RULES]]
    if len(found) > MOST_RULES:
        lines.append(line(words(f"… and {len(found) - MOST_RULES} more rules", italic=True)))
    yield rich_text(line(words("Broken rules", bold=True)), bullets(lines))
    pairs = [pair for _, rule in found for pair in rule.failures[:1] if len(pair.values) == 2]
    for pair in pairs[:MOST_PAIRS]:
        yield fields(_side_by_side(pair))


def _line(name: str, rule: RuleSummary) -> Json:
    numbers = rule.failures[0].conversations if rule.failures else ()
    where = f" (conversation{'s' if len(numbers) > 1 else ''} {' and '.join(map(str, numbers))})" if numbers else ""
    return line(words(f"{one_line(name, 80)}: ", bold=True), words(one_line(rule_sentence(rule), 300)), words(where))


def _side_by_side(pair: BrokenRule) -> list[tuple[str, str]]:
    names = list(dict.fromkeys(name for values in pair.values for name in values))[:MOST_VALUES]
    columns = zip(pair.conversations, pair.values, strict=True)
    return [(f"Conversation {number}", "\n".join(_cells(names, values))) for number, values in columns]


def _cells(names: Sequence[str], values: Mapping[str, str]) -> Iterator[str]:
    for name in names:
        yield f"{_cell(name)}: {_cell(values.get(name, 'absent'))}"


def _cell(text: str) -> str:
    return escape(one_line(text, 120))
