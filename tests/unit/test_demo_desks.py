"""The shipped desks: every profile passes with the good variant and fails for what was planted with the faulty one."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from jobs.assistants import CONNECTORS, ConnectorPorts
from jobs.assistants._demo.desk import Desk, DeskConfig, load_desk
from jobs.assistants._demo.desk_dialogue import DeskDialogue
from jobs.assistants._demo.desk_hearing import DeskHearing
from jobs.assistants._demo.tongues import ENGLISH, TONGUES
from jobs.assistants.catalogue import load_catalogue
from jobs.model import Outcome, RunRequest, Turn, Verdict
from jobs.profiles import find_profile, list_profiles
from jobs.profiles.draw import draw_scenarios
from jobs.report import exit_code
from jobs.scoring import decide_verdict
from jobs.settings import shipped_profiles
from jobs.simulate import cues, sentences, wishes
from jobs.simulate.agenda import AgendaSimulator
from jobs.simulate.conversation import converse
from jobs.simulate.languages import LANGUAGES, foreign
from jobs.suites import list_suites
from jobs.testing import MovableClock, testing_ports
from tests.unit.test_suite_runs import report_of

PROFILES = shipped_profiles()
PLANTED = {
    "bank/loan-enquiry": "the confirmed request left out the purpose",
    "bank/lost-card": "no answer to: when a new card arrives",
    "bank/konto-eroeffnen": "no answer to: was das Konto im Monat kostet",
    "bike-shop/bike-repair": "the price changed between quote and bill",
    "bike-shop/fahrradkauf": "the confirmed request left out the farbe",
    "clinic/clinic-appointment": "the confirmed appointment left out the time",
    "clinic/cita-medica": "no answer to: si hay que pagar algo por avisar tarde",
    "museum/photo-permits": "the price changed between quote and bill",
    "shops/flower-delivery": "the confirmed order left out the text",
    "shops/forfait-internet": "no answer to: combien de temps dure l'engagement",
    "shops/order-status": "no answer to: where my order of [items] is",
    "travel/bahnfahrkarte": "the confirmed ticket left out the uhrzeit",
    "travel/flight-change": "the confirmed booking left out the seat",
    "travel/reserva-hotel": "the price changed between quote and bill",
    "university/biblioteca": "no answer to: cuánto cuesta un carné nuevo",
    "university/enrolment-help": "no answer to: where the enrolment office is",
    "university/password-reset": "no answer to: how long it takes until I can work again",
    "pizza-by-phone/pizza_order_test_custom": "the confirmed order left out the drink",
}


async def verdicts_of(target: str, variant_name: str, *, n: int = 8, seed: int = 7) -> list[Verdict]:
    """Profile against desk, without database and engine."""
    profile, catalogue, clock = find_profile(target, profiles_dir=PROFILES), load_catalogue(PROFILES), MovableClock()
    default = catalogue.variant(None, profile=profile.path)
    variant = catalogue.variant(f"{default.assistant}@{variant_name}")
    connector = CONNECTORS[variant.connector].build(ConnectorPorts(clock=clock, profiles_dir=PROFILES))

    async def on_turn(position: int, turn: Turn) -> None:
        assert turn.text.strip()

    verdicts: list[Verdict] = []
    for scenario in draw_scenarios(profile, seed=seed, n=n):
        user = AgendaSimulator().begin(scenario)
        session = await connector.open(variant, seed=f"{scenario.seed}")
        transcript = await converse(scenario, user, session, clock=clock, answer_timeout_s=60, on_turn=on_turn)
        verdicts.append(decide_verdict(transcript, await user.assess(transcript)))
    return verdicts


@pytest.mark.parametrize("target", PLANTED)
async def test_every_customer_gets_what_they_came_for_at_a_good_desk(target: str) -> None:
    verdicts = await verdicts_of(target, "good")

    assert Counter(each.outcome for each in verdicts) == {"passed": 8}, [each.reasons for each in verdicts]


@pytest.mark.parametrize(("target", "planted"), PLANTED.items())
async def test_a_faulty_desk_is_found_out_for_what_was_planted(target: str, planted: str) -> None:
    verdicts = await verdicts_of(target, "faulty")

    outcomes: Counter[Outcome] = Counter(each.outcome for each in verdicts)
    assert outcomes["failed"] >= 4 and not outcomes["passed"], outcomes
    assert all(each.reasons[0] == planted for each in verdicts if each.outcome == "failed")


def test_every_shipped_profile_has_a_desk_and_a_suite_in_four_languages() -> None:
    catalogue = load_catalogue(PROFILES)
    profiles = list_profiles(PROFILES)
    in_suites = {each.profile.path for suite in list_suites(PROFILES) for each in suite.profiles}

    assert len(profiles) >= 19
    assert {str(each.path) for each in profiles} == {str(path) for path in in_suites}
    assert {catalogue.variant(None, profile=str(each.path)).name for each in profiles} == {"good"}
    files = (PROFILES / "desks").glob("*.yaml")
    languages = Counter(yaml.safe_load(path.read_text()).get("language", "English") for path in files)
    assert languages == {"English": 10, "German": 3, "Spanish": 3, "French": 1}


@pytest.mark.parametrize(("assistant", "code"), [("hotel@good", 0), ("hotel@faulty", 1)])
async def test_a_suite_of_a_desk_is_played_with_its_rules(tmp_path: Path, assistant: str, code: int) -> None:
    async with testing_ports(tmp_path) as ports:
        report = await report_of(RunRequest(target="hotel-desk", seed=7, assistant=assistant), ports)

    assert exit_code(report) == code
    assert report.summary.rules and all(rule.ok for rule in report.summary.rules.values())
    assert report.conversations[0].scenario.language == "Spanish"
    assert not any("speak" in warning for each in report.conversations for warning in each.warnings)


async def test_the_documents_own_example_is_played_as_it_stands() -> None:
    profile = find_profile("pizza_order_test_custom", profiles_dir=PROFILES)

    assert (profile.model, profile.planned(1)) == ("gpt-4o", 2)
    assert [each.outcome for each in await verdicts_of("pizza_order_test_custom", "good", n=2)] == ["passed", "passed"]


# --- languages --------------------------------------------------------------------------------------------------------


def public(module: object) -> set[str]:
    return {name for name in vars(module) if name.isupper() and not name.startswith("_")}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_a_language_has_every_table_that_is_used(language: object) -> None:
    used_of_english = {"ASKING", "QUESTION", "POLITE_REQUEST", "ASKED_THING", "ACTING", "REFUSAL", "EXPECTATIONS"}
    english_only = {"COST", "COST_OF_IT", "LONG", "ARRIVES", "DIRECT", "ABOUT_THING", "CONSUMES"}
    english_only |= {"WANT_TO", "WANT_TO_TOO", "SPELLED_OUT"}

    missing = (public(sentences) | public(cues) | used_of_english) - public(language) - english_only

    assert missing == set()
    assert used_of_english <= public(wishes)


@pytest.mark.parametrize("name", LANGUAGES)
def test_templates_have_the_places_that_the_english_ones_have(name: str) -> None:
    module = LANGUAGES[name]
    for table, places in {
        "WRONG": {"it", "other"},
        "MISSING": {"it"},
        "UNWANTED": {"other"},
        "CHANGE": {"it", "other"},
    }.items():
        for template in flat(getattr(module, table)):
            assert {place for place in ("it", "other") if f"{{{place}}}" in template} == places, template
    assert all("{q}" in template for template in flat(module.EMBEDDED))


def flat(table: Sequence[str] | Sequence[Sequence[str]]) -> list[str]:
    return [text for each in table for text in ([each] if isinstance(each, str) else each)]


def test_languages_are_known_by_their_names_and_codes() -> None:
    assert foreign("de-AT") is foreign("Deutsch") is foreign("German") is LANGUAGES["german"]
    assert foreign("es_MX") is LANGUAGES["spanish"]
    assert foreign("English") is foreign("Klingon") is foreign("") is None


def test_a_tongue_of_the_desks_has_what_every_other_has() -> None:
    for tongue in TONGUES.values():
        assert tongue.says.keys() == ENGLISH.says.keys()
        assert tongue.examples.keys() == ENGLISH.examples.keys()
        assert set(tongue.numbers.values()) == set(range(1, 13))


# --- a desk -----------------------------------------------------------------------------------------------------------


def talk(desk: Desk) -> DeskDialogue:
    return DeskDialogue(desk, DeskHearing(desk), random.Random("desk"))


def a_desk(name: str) -> Desk:
    return load_desk(DeskConfig(desk=f"desks/{name}.yaml"), PROFILES)


def test_a_desk_asks_for_what_is_missing_reads_back_and_books() -> None:
    desk = talk(a_desk("hotel"))

    asked = desk.answer("Quisiera una habitación doble.")
    read_back = [
        desk.answer("Para 3 noches, llegada el 2027-06-08."),
        desk.answer("Perdone, mejor familiar en vez de doble."),
    ]
    placed = desk.answer("Sí, es correcto.")

    assert "noches" in asked.messages[0]
    assert "habitación doble para 3 noches" in read_back[0].messages[0] and "270.00 €" in read_back[0].messages[0]
    assert "habitación familiar para 3 noches" in read_back[1].messages[0] and "390.00 €" in read_back[1].messages[0]
    [call] = placed.tool_calls
    assert call.name == "book_room"
    assert dict(call.arguments) | {"number": ""} == {
        "tipo": "familiar",
        "noches": "3",
        "llegada": "2027-06-08",
        "total": "390.00",
        "number": "",
    }


def test_what_a_desk_does_not_know_it_says_so() -> None:
    desk = talk(a_desk("bank-konto"))

    assert desk.answer("Verkaufen Sie auch Fahrräder?").fallback is True
    assert "nicht verstanden" in desk.answer("xyzzy").messages[0]


@pytest.mark.parametrize(
    "text", ["", " ", "?", "\x00", "a" * 100_000, "no " * 5_000, "¿¿¿", "2027-99-99", "9" * 400, "\ud800", "🍕" * 500]
)
def test_whatever_is_said_a_desk_answers(text: str) -> None:
    for name in ("hotel", "bahn", "florist", "operateur"):
        assert talk(a_desk(name)).answer(text).messages[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slots": {"tipo": {"units": ["x"]}}}, "one of `values`"),
        ({"request": ["{nothing}"]}, "no slot 'nothing'"),
        ({"says": {"hello": ["x"]}}, "known are"),
        ({"says": {"placed": []}}, "at least one text"),
        ({"language": "Klingon"}, "Input should be 'English'"),
    ],
)
def test_what_is_wrong_with_a_desk_is_said_with_its_mend(change: dict[str, object], message: str) -> None:
    connector = CONNECTORS["demo"].build(ConnectorPorts(clock=MovableClock(), profiles_dir=PROFILES))

    problems = connector.check({"desk": "desks/hotel.yaml", "changes": change})

    assert any(message in problem for problem in problems), problems


def test_a_desks_file_stays_in_the_profiles_directory() -> None:
    connector = CONNECTORS["demo"].build(ConnectorPorts(clock=MovableClock(), profiles_dir=PROFILES))

    assert "outside" in connector.check({"desk": "../pyproject.toml"})[0]
    assert "cannot be read" in connector.check({"desk": "desks/none.yaml"})[0]
