"""No secret gets through; personal data stays out of exports; what is neither is left alone."""

import base64
import logging
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import redact as subject
from jobs.redact import RedactingFilter, install_redaction, redact, redact_personal, redact_values, register_secret

DIGITS = "0123456789"
LETTERS = "aBcDeFgHiJkLmNoPqRsTuVwXyZ"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq2W9==\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
BASIC = base64.b64encode(b"admin:hunter2-long").decode()

# The secret itself is the second of each pair, and must not be found in what is left of the first.
SECRETS = [
    ("slack bot token", "xoxb-" + DIGITS + "-" + LETTERS),
    ("slack user token", "xoxp-" + DIGITS + "-" + LETTERS),
    ("slack rotated token", "xoxe.xoxp-1-" + LETTERS + DIGITS),
    ("slack app token", "xapp-1-A0123-" + DIGITS + "-" + LETTERS.lower()),
    ("slack webhook", "T0001/B0002/" + LETTERS, "https://hooks.slack.com/services/T0001/B0002/" + LETTERS),
    ("openai key", "sk-" + LETTERS + DIGITS),
    ("openai project key", "sk-proj-" + LETTERS + "_" + DIGITS),
    ("stripe key", "sk_" + "live_" + LETTERS),
    ("aws key id", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("aws secret", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY"),
    ("github token", "ghp_" + LETTERS + DIGITS),
    ("github fine-grained token", "github_pat_" + LETTERS + "_" + DIGITS),
    ("gitlab token", "glpat-" + LETTERS),
    ("google key", "AIza" + LETTERS + DIGITS),
    ("hugging face token", "hf_" + LETTERS),
    ("bearer header", LETTERS + DIGITS, f"Authorization: Bearer {LETTERS}{DIGITS}"),
    ("bearer in a list of headers", LETTERS + DIGITS, f"('Authorization', 'Bearer {LETTERS}{DIGITS}')"),
    ("bearer in JSON", LETTERS.lower(), f'{{"authorization": "Bearer {LETTERS.lower()}"}}'),
    ("basic header", BASIC, f"authorization: basic {BASIC}"),
    ("basic alone", BASIC, f"sent Basic {BASIC} to it"),
    ("authorization without scheme", "zyxwvu987", "Authorization: zyxwvu987"),
    ("database url", "hunter2", "postgresql+psycopg://bot:hunter2@db.internal:5432/convotest"),
    ("database url with an at sign", "hun@ter2", "postgresql://bot:hun@ter2@db/x"),
    ("redis url without user", "s3cr3tpw", "redis://:s3cr3tpw@cache:6379/0"),
    ("token as user of a url", "0123456789abcdef", "https://0123456789abcdef@git.example.com/x.git"),
    ("connection string", "hunter2", "host=db user=bot password=hunter2 dbname=x"),
    ("private key", "MIIEpAIBAAKCAQEA7\nq2W9==", PEM),
    ("private key cut off", "MIIEpAIBAAKCAQEA7", PEM[:60]),
    ("jwt", JWT),
    ("hex assignment", "9f86d081884c7d659a2feaa0c55ad015", "api_key=9f86d081884c7d659a2feaa0c55ad015"),
    ("base64 assignment", "c2VjcmV0LXZhbHVl", "client_secret: c2VjcmV0LXZhbHVl=="),
    ("json field", "correct horse", '{"password": "correct horse", "user": "ann"}'),
    ("json in json", "abc123def", '{"body": "{\\"access_token\\":\\"abc123def\\"}"}'),
    ("python dict", "tok-778899", "{'token': 'tok-778899'}"),
    ("yaml", "hunter2", "db_password: hunter2"),
    ("environment", "0f0f0f0f0f", "SLACK_SIGNING_SECRET=0f0f0f0f0f"),
    ("header", "k-1234567", "X-Api-Key: k-1234567"),
    ("query", "qwerty12", "GET /x?a=1&token=qwerty12&b=2"),
    ("command line", "hunter22", "convotest --db-password hunter22 run"),
    ("cookie", "s%3Aabc.def", "Cookie: sid=s%3Aabc.def; theme=dark"),
    ("slack signature", "a2114d57b48eac39" * 4, "v0=" + "a2114d57b48eac39" * 4),
]  # fmt: skip

PERSONAL = [
    ("ann.lee+shop@example.co.uk", "[email]"),
    ("+34 612 345 678", "[phone]"),
    ("+1 (415) 555-2671", "[phone]"),
    ("(415) 555-2671", "[phone]"),
    ("020 7946 0958", "[phone]"),
    ("030 901820", "[phone]"),
    ("01 42 68 53 00", "[phone]"),
    ("612 34 56 78", "[phone]"),
    ("4111 1111 1111 1111", "[card]"),
    ("378282246310005", "[card]"),
    ("5555-5555-5555-4444", "[card]"),
    ("DE89 3704 0044 0532 0130 00", "[iban]"),
    ("GB29NWBK60161331926819", "[iban]"),
    ("ES91 2100 0418 4502 0005 1332", "[iban]"),
    ("192.168.17.4", "[ip]"),
    ("2001:db8::8a2e:370:7334", "[ip]"),
    ("536-22-8765", "[ssn]"),
]

HARMLESS = [
    "a medium pizza with ham, 2 cans of cola: 18.50 euros in 25 minutes",
    "order number 612345678 is ready",
    "invoice 4111111111111112 and ticket 2024-11-20-0042",
    "the meeting is on 2024-11-20 at 10:30:15, until 12:45",
    "tokens: 512 in, 34 out; max_tokens=2048",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "https://example.com:8443/pizza-shop/menu?size=big&n=20",
    "api_key: env:PIZZA_KEY",
    "password: none",
    "a task-management desk-lamp for sk-learn",
    "basic information about bearer bonds",
    "see jobs/metrics/turns.py:12:34 and version 3.11.7",
    "seeds 1 2 3 4 5 6 7 8 9 10 11 12",
    "@channel mentions <@U012AB3CD> in <#C012AB3CD>",
]


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_literals", set[str]())


@pytest.mark.parametrize("planted", SECRETS, ids=lambda planted: planted[0])
def test_a_secret_does_not_survive(planted: tuple[str, ...]) -> None:
    secret, text = planted[1], planted[-1]
    clean = redact(f"before {text} after")
    assert secret not in clean
    assert "[redacted]" in clean
    assert clean.startswith("before ")


@pytest.mark.parametrize(("planted", "mark"), PERSONAL)
def test_personal_data_is_replaced_by_its_kind(planted: str, mark: str) -> None:
    assert redact_personal(f"please use {planted}, thanks") == f"please use {mark}, thanks"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_neither_secret_nor_personal_stays(text: str) -> None:
    assert redact(text) == text
    assert redact_personal(text) == text


def test_an_export_hides_secrets_too() -> None:
    assert redact_personal("mail a@b.de, key sk-" + LETTERS) == "mail [email], key [redacted]"


def test_what_stands_around_a_secret_can_still_be_read() -> None:
    assert redact("postgresql://bot:hunter2@db/x is down") == "postgresql://bot:[redacted]@db/x is down"
    assert redact("GET /x?token=qwerty12&b=2") == "GET /x?token=[redacted]&b=2"


def test_a_registered_value_is_hidden_wherever_it_stands() -> None:
    register_secret("correct-horse")
    register_secret("correct-horse-battery")
    register_secret("abc")  # too short to be told from words
    register_secret(None)
    assert redact("x=correct-horse-battery; y=correct-horse; abc") == "x=[redacted]; y=[redacted]; abc"


PIECES = [*"aZ09 :=@/.-_'\"{}\\\n", "token", "password", "sk-", "http://", "Bearer ", "authorization: ", "cookie: "]


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_redacting_twice_is_redacting_once(pieces: list[str]) -> None:
    once = redact("".join(pieces))
    assert redact(once) == once


def test_values_are_redacted_in_depth_and_by_the_name_of_their_field() -> None:
    values = {"api_key": "short", "rows": [{"note": "key sk-" + LETTERS, "n": 3}], "tokens": 5, "where": ("a", None)}
    assert redact_values(values) == {
        "api_key": "[redacted]",
        "rows": [{"note": "key [redacted]", "n": 3}],
        "tokens": 5,
        "where": ["a", None],
    }


# --- logs -----------------------------------------------------------------------------------------------------------

KEY = "sk-" + LETTERS + DIGITS


@pytest.fixture
def record() -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, __file__, 1, "key is %s", (KEY,), None)


def shown(record: logging.LogRecord) -> str:
    RedactingFilter().filter(record)
    return logging.Formatter("%(message)s").format(record)


def test_arguments_are_redacted(record: logging.LogRecord) -> None:
    assert shown(record) == "key is [redacted]"


def test_exceptions_and_their_causes_are_redacted(record: logging.LogRecord) -> None:
    try:
        try:
            raise KeyError(KEY)
        except KeyError as cause:
            raise ValueError(f"password={KEY}") from cause
    except ValueError:
        record.exc_info = sys.exc_info()
    text = shown(record)
    assert KEY not in text
    assert "ValueError" in text
    assert "KeyError" in text


def test_stack_and_extra_fields_are_redacted(record: logging.LogRecord) -> None:
    record.stack_info = f"stack with {KEY}"
    record.__dict__["payload"] = {"inner": [KEY]}
    assert KEY not in shown(record)
    assert KEY not in str(record.__dict__)


def test_a_log_call_that_does_not_fit_its_arguments_leaks_nothing(record: logging.LogRecord) -> None:
    record.msg = "no placeholder"
    assert KEY not in shown(record)
    assert "no placeholder" in record.msg


@pytest.fixture
def lonely_logger() -> Iterator[logging.Logger]:
    """A logger that does not propagate, as the engine's."""
    logger = logging.getLogger("test_redact.lonely")
    logger.propagate = False
    logger.addHandler(logging.StreamHandler())
    yield logger
    logger.propagate = True
    logger.handlers.clear()
    logger.filters.clear()


def test_loggers_that_do_not_propagate_are_covered_with_their_children(
    lonely_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    install_redaction()
    install_redaction()
    handler = lonely_logger.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(sys.stderr)  # pyright: ignore[reportUnknownMemberType] - the handler's stream type is generic
    lonely_logger.warning("one %s", KEY)
    lonely_logger.getChild("child").warning("two %s", KEY)
    assert capsys.readouterr().err == "one [redacted]\ntwo [redacted]\n"
    assert [type(each) for each in lonely_logger.filters] == [RedactingFilter]
