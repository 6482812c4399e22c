"""German: what customers say, how assistants put things, and how goals are worded."""

import re
from collections.abc import Mapping

from jobs.simulate.languages._patterns import any_of

# --- what customers say -----------------------------------------------------------------------------------------------

AND = "und"
ARTICLES = "der|die|das|den|dem|ein|eine|einen|einem|einer|ob|wie|was|wann|es|man"
SMALL_WORDS = "mit|für|am|um|gegen|in|im|an|von|nach|zu|zum|zur|auf|ab|mal"
AS_I_SAID = "Wie gesagt: {it}"
ARE_YOU_THERE = "Hallo, sind Sie noch da?"
THAT_ONE = "{it}, bitte."
GREETINGS = ("Guten Tag!", "Hallo!", "Guten Tag,", "Hallo,", "Schönen guten Tag!")
BARE_GREETINGS = ("Guten Tag!", "Hallo!", "Schönen guten Tag!")
WANT_THING = (
    ("Ich möchte {it}.", "Ich möchte gern {it}.", "Ich möchte bitte {it}."),
    ("Was ich möchte, ist: {it}.", "Anders gesagt: ich möchte {it}.", "Noch einmal: {it}, bitte."),
    ("Ganz einfach: {it}.", "Es geht um Folgendes: {it}."),
)
WANT_THING_TOO = (("Außerdem möchte ich {it}.", "Und ich möchte {it}.", "Dazu möchte ich {it}."), *WANT_THING[1:])
EMBEDDED = (
    ("Können Sie mir sagen, {q}?", "Ich wüsste gern, {q}.", "Wissen Sie, {q}?", "Ich möchte wissen, {q}."),
    ("Anders gefragt: wissen Sie, {q}?", "Ich versuche herauszufinden, {q}."),
    ("Meine Frage ist, {q}.", "Bitte sagen Sie mir, {q}."),
)
ANSWERS = ("{it}, bitte.", "{it}.", "{it} bitte.")
ANSWERS_AGAIN = ("{label}: {it}.", "Ich sagte {it}.", "{it}, bitte.")
AFFIRM = (
    ("Ja, bitte.", "Ja, das stimmt.", "Ja, genau.", "Richtig, danke.", "Ja, das ist richtig."),
    ("Ja, das ist richtig.", "Genau, das stimmt so.", "Ja, einverstanden."),
    ("Ja.", "Ja, ich bestätige das."),
)
AFFIRM_BUT = ("Das stimmt so weit. {more}", "Ja, und noch etwas: {more}")
MISSING = (
    ("Nein, Sie haben {it} vergessen.", "Nicht ganz, es fehlt noch {it}.", "Moment, {it} fehlt noch."),
    ("Nein, {it} fehlt immer noch.", "Sie haben {it} immer noch vergessen."),
)
WRONG = (
    ("Nein, ich wollte {it}, nicht {other}.", "Nicht ganz: {it}, nicht {other}.", "Nein, bitte {it} statt {other}."),
    ("Es stimmt noch nicht, ich möchte {it}, nicht {other}.", "Nein, {it} statt {other}, bitte."),
)
UNWANTED = (
    ("Nein, bitte ohne {other}.", "Nicht ganz: ohne {other}, bitte."),
    ("Es stimmt noch nicht: bitte ohne {other}.",),
)
ACCEPT = ("In Ordnung, macht nichts.", "Na gut, einverstanden.")
CHANGE = (
    ("Ich habe es mir anders überlegt: {it} statt {other}, bitte.", "Entschuldigung, doch lieber {it} statt {other}."),
    ("Ich wollte das ändern: {it} statt {other}, bitte.",),
)
DECLINE = ("Nein, danke.", "Heute nicht, danke.")
UNSURE = ("Das weiß ich leider nicht.", "Da bin ich nicht sicher.", "Das ist mir egal.")
WAIT = ("Gern, kein Problem.", "In Ordnung, ich warte.")
RECAP = (
    ("Können Sie das noch einmal zusammenfassen?", "Was haben Sie bisher notiert?"),
    ("Können Sie das bitte wiederholen?",),
)
CLOSE = (
    "Das ist alles, vielen Dank. Auf Wiedersehen!",
    "Nein, das war alles. Danke, auf Wiedersehen!",
    "Vielen Dank, einen schönen Tag noch!",
)
CLOSE_DISAPPOINTED = ("Gut, dann danke trotzdem. Auf Wiedersehen!", "Na gut, das war alles. Auf Wiedersehen!")
BEFORE_YES = ("Vorher noch eine Frage:", "Einen Moment noch:")
LEADS = ("Und",)
PREAMBLES = (
    "Ich hoffe, Sie haben einen guten Tag, ich wollte mich schon die ganze Woche melden und komme erst jetzt dazu.",
    "Eine gute Freundin hat Sie mir neulich empfohlen, und ich bin seitdem gespannt.",
)
AFTERTHOUGHTS = (
    "Wir haben das zu Hause lange besprochen und sind uns am Ende alle einig geworden.",
    "Es eilt übrigens nicht, mir ist lieber, es wird ordentlich gemacht.",
)

# --- how assistants put things ----------------------------------------------------------------------------------------

_DO = (
    r"(?:buchen|bestellen|eintragen|anlegen|aufgeben|bestätigen|reservieren|machen|sperren|ändern|abschicken|eröffnen)"
)
_DONE = (
    r"(?:gebucht|bestellt|eingetragen|bestätigt|angelegt|gesperrt|eröffnet|reserviert|geändert|storniert|erledigt"
    r"|beauftragt|verkauft|vorgemerkt)"
)
NOT_UNDERSTOOD = any_of(
    r"\bnicht (?:ganz |richtig )?verstanden\b",
    r"\bverstehe (?:ich |das |sie )?(?:leider )?nicht\b",
    r"\banders (?:formulieren|ausdrücken|sagen)\b",
    r"^wie bitte\?$",
)
CONFIRMS = any_of(
    rf"\b(?:soll|darf|kann) ich\b[^?]*\b{_DO}\b",
    r"\bstimmt (?:das|es|alles)\b",
    r"\b(?:ist|wäre) (?:das|alles) (?:so )?(?:richtig|korrekt|in ordnung)\b",
    r"\b(?:richtig|korrekt|einverstanden|in ordnung)(?: so)?\?$",
    r"\bpasst (?:das|es|alles)\b",
)
PLEASE_CONFIRM = any_of(r"\bbitte bestätigen sie\b", r"\bantworten sie mit ja\b")
ASKS_WHAT = re.compile(r"^(?:\w+,? ){0,2}(?:was|welche[rsnm]?|wo|wann|wer|wie|wohin|woher)\b", re.IGNORECASE)
READS_BACK = any_of(
    r"\bnotiert\b",
    r"\bzusammengefasst\b",
    r"\bich habe (?:also|jetzt|nun|für sie)\b",
    r"\bsie (?:möchten|haben) also\b",
    rf"\b(?:ist|sind|wurde|wurden|habe)\b[^.?!]*\b{_DONE}\b",
)
DONE = any_of(
    rf"\b(?:ist|sind|wurde|wurden|habe)\b[^.?!]*\b{_DONE}\b",
    r"\berledigt\b",
    r"\b(?:buchungs|auftrags|bestell|vorgangs|referenz|kunden)nummer\b",
)
ANYTHING_ELSE = any_of(
    r"\b(?:sonst )?noch (?:etwas|was)\b",
    r"\bweitere fragen\b",
    r"\bnoch fragen\b",
    r"\bdarf es sonst\b",
    r"\bwar das alles\b",
)
INVITES = any_of(r"\b(?:was|womit|wie) (?:kann|darf) ich\b[^?]*\b(?:tun|helfen)\b", r"\bwas möchten sie(?: gern)?\?")
ASKS_CHANGE = any_of(r"\bwas (?:soll|darf|kann) ich (?:denn )?ändern\b", r"\bwas (?:stimmt nicht|ist falsch|fehlt)\b")
OFFERS = any_of(
    r"^(?:\w+,? )?(?:darf ich ihnen|möchten sie (?:noch|auch|vielleicht)|wie wäre es mit|hätten sie gern)\b"
)
HOLDS = any_of(r"\beinen (?:moment|augenblick)\b", r"\bich sehe nach\b", r"\bbitte warten\b")
FAREWELLS = any_of(r"\bauf wiedersehen\b", r"\btschüs+\b", r"\bschönen tag\b", r"\bbis bald\b")
PERSONAL: Mapping[str, re.Pattern[str]] = {
    "name": any_of(r"\b(?:ihr|welchen|auf welchen) (?:voller )?name"),
    "phone": any_of(r"\btelefonnummer\b", r"\bhandynummer\b"),
    "email": any_of(r"\be-?mail\b"),
    "address": any_of(r"\b(?:adresse|anschrift)\b"),
    "payment": any_of(r"\bwie möchten sie (?:be)?zahlen\b", r"\bbar oder\b"),
    "moment": any_of(r"\bwann (?:möchten|soll|passt)\b"),
}
ASKS_FOR = any_of(r"\b(?:nennen|sagen|geben|schreiben) sie (?:mir|uns)\b", r"\bich brauche noch\b", r"\bwählen sie\b")
CHOICE = re.compile(
    r"(?P<first>[\w'-]+(?: [\w'-]+)?)(?:, [\w' -]{2,40}?)?,? oder (?:ein\w* |der |die |das )?(?P<last>[\w' -]{2,30})\?",
    re.IGNORECASE,
)
SUGGESTED = any_of(r"\b(?:wir haben|es gibt|zur auswahl|zum beispiel|verfügbar|sie können .* wählen)\b")
YES_OR_NO = any_of(
    r"^(?:ja|nein|leider|natürlich|selbstverständlich|gern|sicher)\b",
    r"\b(?:sie|wir|man|es|das) (?:können|kann|dürfen|darf|ist|sind|wird|geht|müssen|muss)\b",
)
TOTAL = any_of(
    r"\b(?:insgesamt|zusammen|gesamt\w*|kostet|kosten|macht|beträgt|preis ist|preis beträgt|zu zahlen|gebühr\w*)\b"
)
NOT_A_TOTAL = any_of(r"\b(?:je|pro|ab|zuzüglich|rabatt|bisher|anzahlung|ermäßigung|statt|zwischen)\b")
FREE = re.compile(r"\b(?:kostenlos|kostenfrei|gratis|umsonst|kostet nichts)\b", re.IGNORECASE)
SOON = re.compile(r"\b(?:sofort|umgehend|heute|morgen)\b", re.IGNORECASE)
OTHER_LABELS: Mapping[str, tuple[str, ...]] = {
    "anzahl": ("wie viele",),
    "uhrzeit": ("wann", "um wie viel uhr"),
    "ziel": ("wohin",),
    "rahmen": ("rahmengröße",),
}

# --- how goals are worded ---------------------------------------------------------------------------------------------

ASKING = re.compile(
    r"^(?:(?:er)?fragen|wissen|herausfinden|sich erkundigen|frag(?:e|en sie)?)\b[:,]?\s+(?=\w)", re.IGNORECASE
)
QUESTION = re.compile(
    r"^(?:wie|was|wann|wo|wohin|woher|welche[rsnm]?|wer|warum|ob|bis wann|ab wann|kann|können|ist|sind|gibt)\b",
    re.IGNORECASE,
)
POLITE_REQUEST = re.compile(r"^(?:können|könnten|kann|darf|dürfte)\b", re.IGNORECASE)
ASKED_THING = re.compile(r"\b(?:öffnungszeiten|preis|preise|kosten|gebühr|auskunft|informationen)\b", re.IGNORECASE)
ACTING = re.compile(r".*\b(?:buchen|bestellen|eröffnen|kaufen|reservieren|ändern|stornieren|sperren|mieten)$", re.I)
REFUSAL = re.compile(r"\b(?:nicht|kein\w*|ohne|statt|anstatt|außer)\s+(?:der |die |das |den |dem |ein\w* )?$", re.I)
EXPECTATIONS: Mapping[str, re.Pattern[str]] = {
    "yes_or_no": re.compile(r"^(?:ob|kann|können|ist|sind|gibt)\b", re.IGNORECASE),
    "contact": re.compile(r"\b(?:telefonnummer|e-?mail|kontakt|erreichen)\b", re.IGNORECASE),
    "reference": re.compile(r"\b(?:buchungs|bestell|auftrags|vorgangs|kunden)nummer\b", re.IGNORECASE),
    "percentage": re.compile(r"\b(?:zins\w*|prozent|rabatt)\b", re.IGNORECASE),
    "money": re.compile(r"\b(?:kostet|kosten|preis\w*|gebühr\w*|teuer|wie viel|bezahlen|miete)\b", re.IGNORECASE),
    "duration": re.compile(r"\b(?:wie lange|wie schnell|dauert|dauer|wartezeit|lieferzeit)\b", re.IGNORECASE),
    "number": re.compile(r"\bwie viele\b", re.IGNORECASE),
    "date": re.compile(r"\b(?:welchem tag|welcher tag|datum|frist|bis wann|ab wann)\b", re.IGNORECASE),
    "time": re.compile(r"\b(?:wann|uhrzeit|öffnungszeiten|um wie viel uhr)\b", re.IGNORECASE),
    "place": re.compile(r"\b(?:wo|adresse|anschrift|gleis)\b", re.IGNORECASE),
}
