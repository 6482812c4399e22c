"""What may not be read by others, taken out of text: secrets everywhere, personal data where text leaves the house.

Names of people and street addresses are not recognised.
"""

import ipaddress
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from typing import Any, cast

from pydantic import BaseModel, SecretStr

REDACTED = "[redacted]"
SHORTEST_LITERAL = 4
"""A registered secret shorter than this would hide half of every log line."""

_literals: set[str] = set()


def register_secret(value: str | None) -> None:
    """From now on this very text is redacted wherever it appears."""
    if value and len(value.strip()) >= SHORTEST_LITERAL:
        _literals.add(value.strip())


def register_secrets(settings: BaseModel) -> None:
    """Registers the value of every secret among the settings."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            register_secret(value.get_secret_value())


def redact(text: str) -> str:
    """The text without secrets: registered values, known shapes of keys, and whatever is assigned to such a name."""
    for literal in sorted(_literals, key=len, reverse=True):
        text = text.replace(literal, REDACTED)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def redact_personal(text: str) -> str:
    """``redact``, and without e-mail addresses, phone, card and account numbers and IP addresses."""
    text = _EMAIL.sub("[email]", redact(text))
    text = _replace_where(_IBAN, _is_iban, "[iban]", text)
    text = _replace_where(_CARD, _is_card, "[card]", text)
    text = _SOCIAL_SECURITY.sub("[ssn]", text)
    text = _replace_where(_IP, _is_ip, "[ip]", text)
    return _without_phones(text)


# --- secrets --------------------------------------------------------------------------------------------------------
# Every quantifier before a fixed part is bounded: hostile text must not make a search quadratic.

_NAME = (
    r"(?:api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|signing[_-]?key|account[_-]?key|auth[_-]?key"
    r"|token|secret|credentials?|passphrase)"
)
_PASSWORD_NAME = r"(?:pass[_-]?word|passwd|pwd)"  # noqa: S105 - the name of such a field
_ASSIGN = r"(?:\\{0,4}[\"'])?\s{0,3}(?:=>|[:=])\s{0,3}"
_NOT_A_VALUE = r"(?!\\{0,4}[\"']?(?:\[redacted\]|env:|none\b|null\b|true\b|false\b|unset\b|missing\b|required\b|\*+))"


def _assigned(name: str, shortest: int) -> re.Pattern[str]:
    """``name = value``, ``"name": "value with spaces"``, ``name: value``, also escaped inside other JSON."""
    quoted = rf"(?P<quote>\\{{0,4}}[\"'])(?:.{{{shortest},2000}}?)(?P=quote)"
    bare = rf"[^\s,;&\"'<>(){{}}\\]{{{shortest},}}"
    return re.compile(rf"(?P<keep>{name}{_ASSIGN}){_NOT_A_VALUE}(?:{quoted}|{bare})", re.IGNORECASE)


def _shape(pattern: str, flags: int = 0) -> tuple[re.Pattern[str], str]:
    return re.compile(pattern, flags), REDACTED


_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    _shape(
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        re.S,
    ),
    (re.compile(r"(hooks\.slack\.com/)[^\s\"'<>|]+"), rf"\1{REDACTED}"),
    _shape(r"\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{6,}"),
    _shape(r"\b(?:xapp|xwfp)-[A-Za-z0-9-]{6,}"),
    _shape(r"\bsk-[A-Za-z0-9_-]{6,}"),
    _shape(r"\bcvt_[0-9a-f]{12}_[\w-]{43}"),
    _shape(r"\b(?:sk|pk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}"),
    _shape(r"\b(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    _shape(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})"),
    _shape(
        r"\b(?:AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{16,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,})"
    ),
    _shape(r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _shape(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"),
    _shape(r"\bv0=[0-9a-f]{40,}"),
    (re.compile(r"(://[^\s:/@\"'<>]{0,200}:)(?!\[redacted\]@)[^\s/]{1,1000}@"), rf"\1{REDACTED}@"),
    (re.compile(r"(https?://)[^\s:/@\[\]\"'<>]{8,200}@"), rf"\1{REDACTED}@"),
    (
        re.compile(r"(\bcookie[\"']?\s{0,3}[:,]\s{0,3}[\"']?)[\w.-]{1,100}=[^\r\n\"']+", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(
            rf"(?P<keep>authorization{_ASSIGN}(?:\\{{0,4}}[\"'])?(?:(?:bearer|basic|digest|token|negotiate)\s{{1,3}})?)"
            rf"{_NOT_A_VALUE}(?!(?:bearer|basic|digest|token|negotiate)\s)[^\s,;\"'\\]{{4,}}",
            re.IGNORECASE,
        ),
        rf"\g<keep>{REDACTED}",
    ),
    (
        re.compile(r"(\bbearer\s{1,3})(?:(?=\S{0,500}[0-9._~+/=-])[\w.~+/=-]{8,}|[A-Za-z]{20,})", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(r"(\b[Bb]asic\s{1,3})(?=[A-Za-z0-9+/]{0,500}(?:[0-9+/=]|[a-z][A-Z]))[A-Za-z0-9+/]{8,}={0,2}"),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(
            rf"(--[a-z-]{{0,40}}(?:{_NAME}|{_PASSWORD_NAME})\s{{1,3}}){_NOT_A_VALUE}(?!-)\S{{3,}}", re.IGNORECASE
        ),
        rf"\1{REDACTED}",
    ),
    (_assigned(_NAME, 6), rf"\g<keep>{REDACTED}"),
    (_assigned(_PASSWORD_NAME, 3), rf"\g<keep>{REDACTED}"),
)


# --- personal data --------------------------------------------------------------------------------------------------

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_CARD = re.compile(r"(?<![\w.-])[2-6](?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_SOCIAL_SECURITY = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_IP = re.compile(r"(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4})(?![\w:]|\.\d)")
_PHONE_REGIONS = (None, "US", "GB", "DE", "FR", "ES", "IT")
"""None finds numbers written with their country; the others add how people there write a number at home."""


def _replace_where(pattern: re.Pattern[str], holds: Callable[[str], bool], mark: str, text: str) -> str:
    return pattern.sub(lambda match: mark if holds(match.group()) else match.group(), text)


def _is_card(text: str) -> bool:
    """Luhn's check digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(char) for char in reversed(text) if char.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """The check digits of ISO 13616: rearranged and read as a number, the remainder by 97 is 1."""
    plain = text.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _without_phones(text: str) -> str:
    if sum(char.isdigit() for char in text) < 7:  # no phone number is shorter, and most sentences stop here
        return text
    for start, end in sorted(set(_phones(text)), reverse=True):
        text = f"{text[:start]}[phone]{text[end:]}"
    return text


def _phones(text: str) -> Iterator[tuple[int, int]]:
    """Where phone numbers stand, without overlaps."""
    import phonenumbers  # 20 ms and 10 MB that a program which exports nothing need not spend

    taken: list[tuple[int, int]] = []
    for region in _PHONE_REGIONS:
        for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.VALID):
            free = all(match.end <= start or end <= match.start for start, end in taken)
            if free and (region is None or _looks_dialled(match.raw_string)):
                taken.append((match.start, match.end))
    return iter(taken)


def _looks_dialled(text: str) -> bool:
    """Whether digits without a country are grouped as people write a phone number, or begin with the trunk's zero.

    A bare row of digits is far more often an order, a ticket or a customer number.
    """
    return text.startswith(("0", "+", "(")) or len(re.findall(r"\d[\s().-]+(?=\d)", text)) >= 2


# --- logs -----------------------------------------------------------------------------------------------------------


class RedactingFilter(logging.Filter):
    """Redacts a record before any formatter sees it: message, arguments, exception, stack and extra fields."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(_message(record)), ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        record.exc_info = None  # a formatter would print it again, unredacted
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for name, value in record.__dict__.items():
            if name not in _STANDARD_FIELDS:
                record.__dict__[name] = redact_values(value)
        return True


_STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


def redact_values(value: Any) -> Any:
    """A JSON-like value with every text in it redacted; what is none of JSON's types becomes its redacted ``str``."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {str(key): REDACTED if _is_secret_name(str(key)) else redact_values(inner) for key, inner in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_values(inner) for inner in cast("list[Any]", value)]
    return redact(str(value))


_SECRET_NAME = re.compile(rf"(?:.{{0,60}}[_-])?(?:{_NAME}|{_PASSWORD_NAME}|authorization)", re.IGNORECASE)


def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.fullmatch(name) is not None


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - logging itself would print the arguments of a bad call, unredacted
        return f"{record.msg} (a log call that does not fit its arguments: {type(error).__name__})"


def install_redaction() -> None:
    """Puts the filter on every handler of the root logger and on every logger that does not propagate to it."""
    for handler in logging.root.handlers:
        _add_filter(handler)
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and not logger.propagate:
            for owner in (logger, *logger.handlers):
                _add_filter(owner)


def _add_filter(owner: logging.Filterer) -> None:
    if not any(isinstance(each, RedactingFilter) for each in owner.filters):
        owner.addFilter(RedactingFilter())
