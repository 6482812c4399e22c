"""Facts in free text: money, durations, times of day, dates, numbers, reference numbers, places, contacts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

NUMBER_WORDS: tuple[str, ...] = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
NUMBERS: Mapping[str, int] = {word: number for number, word in enumerate(NUMBER_WORDS)}
CURRENCIES: Mapping[str, str] = {
    "$": "USD",
    "usd": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "bucks": "USD",
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "£": "GBP",
    "gbp": "GBP",
    "pound": "GBP",
    "pounds": "GBP",
    "chf": "CHF",
    "francs": "CHF",
    "¥": "JPY",
    "yen": "JPY",
    "jpy": "JPY",
    "₹": "INR",
    "inr": "INR",
    "rupees": "INR",
}
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_AMOUNT = r"\d{1,9}(?:[.,' ]\d{3})*(?:[.,]\d{1,2})?(?!\d)"
_SIGNS = "".join(re.escape(sign) for sign in CURRENCIES if len(sign) == 1)
_CODES = "|".join(sorted((re.escape(code) for code in CURRENCIES if len(code) > 1), key=len, reverse=True))
DIGIT = re.compile(r"\d")
MONEY = re.compile(
    rf"(?P<sign>[{_SIGNS}])\s?(?P<after>{_AMOUNT})"
    rf"|(?<![\d.,])(?P<before>{_AMOUNT})\s?(?:(?P<code>{_CODES})\b|(?P<tail>[{_SIGNS}]))"
    rf"|\b(?P<lead>usd|eur|gbp|chf)\s?(?P<led>{_AMOUNT})",
    re.IGNORECASE,
)
_COUNT = (
    rf"(?:\d+(?:[.,]\d+)?|{'|'.join(NUMBER_WORDS[1:])}|fifteen|twenty|thirty|forty|fifty|sixty"
    r"|an?|half an|a couple of|a few)"
)
_UNIT = (
    r"(?:(?:business|working) days?|seconds?|secs?|minutes?|mins?|hours?|hrs?|h|days?|weeks?|months?|years?"
    r"|sekunden?|minuten|stunden?|(?:werk|arbeits)?tagen?|(?:werk|arbeits)?tage?|wochen?|monate?n?|jahre?n?"
    r"|segundos?|minutos?|horas?|d[ií]as?(?: laborables| hábiles)?|semanas?|mes(?:es)?|años?"
    r"|secondes?|heures?|jours?(?: ouvrés| ouvrables)?|semaines?|mois|années?|ans)"
)
DURATION = re.compile(
    rf"\b(?P<low>{_COUNT})(?:\s?(?:-|–|to|or)\s?(?P<high>{_COUNT}))?[\s-]?(?P<unit>{_UNIT})\b", re.IGNORECASE
)
CLOCK_TIME = re.compile(
    r"(?<![\d.:$€£])(?P<hour>[01]?\d|2[0-4])(?:[:h](?P<minute>[0-5]\d)|\.(?P<dotted>[0-5]\d)(?=\s?[ap]\.?m))?"
    r"(?:\s?(?P<half>[ap])\.?m\b\.?|\s?o'clock\b)?(?![\d:])|\b(?P<word>noon|midday|midnight)\b",
    re.IGNORECASE,
)
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DATE = re.compile(
    r"\b(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})\b"
    rf"|\b(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m1>{_MONTH})\b\.?(?:,? (?P<y1>\d{{4}}))?"
    rf"|\b(?P<m2>{_MONTH})\.? (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<y2>\d{{4}}))?"
    r"|\b(?P<d3>\d{1,2})[./](?P<m3>\d{1,2})[./](?P<y3>\d{4})\b",
    re.IGNORECASE,
)
DAY = re.compile(rf"\b({'|'.join(WEEKDAYS)}|today|tonight|tomorrow)\b", re.IGNORECASE)
NUMBER = re.compile(
    rf"(?<![\w.,$€£#-])(\d{{1,15}}(?:[.,]\d{{1,15}})?|{'|'.join(NUMBER_WORDS)})(?![\w%-])", re.IGNORECASE
)
PERCENT = re.compile(r"\b\d+(?:[.,]\d+)?\s?(?:%|per ?cent\b|prozent\b|por ciento\b|pour cent\b)", re.IGNORECASE)
REFERENCE = re.compile(
    r"\b(?:number|no\.?|id|code|reference|ref\.?|ticket|case|\w*nummer|n[uú]mero(?: de \w+)?|c[oó]digo|localizador)\b"
    r"(?:\s+(?:is|was|will be|for \w+ is|ist|lautet|es|est))?\s*[:#]?\s*#?"
    r"(?P<named>(?=[\w-]*\d)[A-Z0-9][\w-]{1,30})|#(?P<hash>(?=[\w-]*\d)[\w-]{2,30})",
    re.IGNORECASE,
)
PLACE = re.compile(
    r"\b(?:street|st\.|avenue|ave\.|road|rd\.|square|lane|boulevard|building|room|floor|campus|located|situated"
    r"|next to|opposite|corner|downtown|address is|office|desk|branch|station|library|at the"
    r"|\w*(?:straße|strasse|platz)|gleis|gebäude|calle|avenida|edificio|planta|rue|bâtiment|étage)\b",
    re.IGNORECASE,
)
EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+\b")
PHONE = re.compile(r"(?<![\w.,$€£])\+?\d(?:[\s()/-]?\d){5,14}(?!\w)")


@dataclass(frozen=True, kw_only=True)
class Money:
    """An amount as stated; ``currency`` is an ISO code."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount:.2f} {self.currency}"


def find_money(text: str) -> list[Money]:
    """Every amount of money, in the order of the text."""
    found: list[Money] = []
    if not DIGIT.search(text):
        return found
    for match in MONEY.finditer(text):
        amount = _decimal(match["after"] or match["before"] or match["led"])
        sign = match["sign"] or match["code"] or match["tail"] or match["lead"]
        if amount is not None:
            found.append(Money(amount=amount, currency=CURRENCIES[sign.lower()]))
    return found


def find_durations(text: str) -> list[str]:
    """Every duration as it is written, e.g. ``35 minutes``."""
    return [match[0] for match in DURATION.finditer(text)]


def find_times(text: str) -> list[str]:
    """Every time of day as ``HH:MM``; a bare number is none."""
    found: list[str] = []
    for match in CLOCK_TIME.finditer(text):
        if match["word"]:
            found.append("00:00" if match["word"].lower() == "midnight" else "12:00")
        elif match["minute"] or match["half"] or "o'clock" in match[0].lower():
            hour = int(match["hour"]) % 24
            if match["half"]:
                hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
            found.append(f"{hour:02d}:{match['minute'] or match['dotted'] or '00'}")
    return found


def find_dates(text: str) -> list[str]:
    """Every calendar date: ISO when the year is stated, else ``--MM-DD``; days are read before months in 3.4.2027."""
    return list(_dates(text))


def find_days(text: str) -> list[str]:
    """Weekdays, today, tomorrow."""
    return [match[1].lower() for match in DAY.finditer(text)]


def find_numbers(text: str) -> list[float]:
    """Every plain number, also in words up to twelve; amounts of money, percentages and codes are none."""
    plain = MONEY.sub(" ", text) if DIGIT.search(text) else text
    values = (match[1].lower() for match in NUMBER.finditer(plain))
    return [float(NUMBERS[value]) if value in NUMBERS else float(value.replace(",", ".")) for value in values]


def find_references(text: str) -> list[str]:
    """Order numbers, ticket ids and the like: a code with a digit after "number", "id", "#" …"""
    return [match["named"] or match["hash"] for match in REFERENCE.finditer(text)]


def _dates(text: str) -> Iterator[str]:
    if not DIGIT.search(text):  # most sentences, and this is much quicker than the pattern
        return
    for match in DATE.finditer(text):
        day = match["day"] or match["d1"] or match["d2"] or match["d3"]
        name = match["m1"] or match["m2"]
        month = MONTHS[name.lower()] if name else int(match["month"] or match["m3"])
        year = match["year"] or match["y1"] or match["y2"] or match["y3"]
        try:
            valid = date(int(year or 2024), month, int(day))  # 2024: without a year, 29 February may be meant
        except ValueError:
            continue
        yield valid.isoformat() if year else f"--{valid:%m-%d}"


def _decimal(text: str) -> Decimal | None:
    """An amount as people write it: 1,234.50 and 1.234,50 and 1 234."""
    plain = text.replace(" ", "").replace("'", "")
    point = max(plain.rfind("."), plain.rfind(","))
    if point >= 0 and len(plain) - point - 1 == 3 and plain.count(plain[point]) >= 1:
        point = -1  # three digits after it: a separator of thousands
    whole = plain[:point] if point >= 0 else plain
    digits = re.sub(r"[.,]", "", whole)
    try:
        return Decimal(f"{digits}.{plain[point + 1 :]}" if point >= 0 else digits)
    except InvalidOperation:
        return None
