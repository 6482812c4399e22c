"""Spanish: what customers say, how assistants put things, and how goals are worded."""

import re
from collections.abc import Mapping

from jobs.simulate.languages._patterns import any_of

# --- what customers say -----------------------------------------------------------------------------------------------

AND = "y"
ARTICLES = "el|la|los|las|un|una|si|cómo|cuánto|qué|se|hay"
SMALL_WORDS = "con|para|el|la|los|las|en|de|del|a|al|por"
AS_I_SAID = "Como le decía: {it}"
ARE_YOU_THERE = "Hola, ¿sigue ahí?"
THAT_ONE = "{it}, por favor."
GREETINGS = ("¡Hola!", "¡Buenos días!", "Hola,", "Buenas,", "¡Buenas tardes!")
BARE_GREETINGS = ("¡Hola!", "¡Buenos días!", "¡Buenas!")
WANT_THING = (
    ("Quisiera {it}.", "Quiero {it}, por favor.", "Querría {it}, por favor."),
    ("Lo que quiero es {it}.", "Dicho de otra manera: quiero {it}.", "Otra vez: {it}, por favor."),
    ("Es muy sencillo: {it}.", "Se trata de esto: {it}."),
)
WANT_THING_TOO = (("También quisiera {it}.", "Y quiero {it}, por favor.", "Además quiero {it}."), *WANT_THING[1:])
EMBEDDED = (
    ("¿Me puede decir {q}?", "Me gustaría saber {q}.", "¿Sabe {q}?", "Quisiera saber {q}."),
    ("Lo pregunto de otra manera: ¿sabe {q}?", "Estoy intentando averiguar {q}."),
    ("Mi pregunta es {q}.", "Por favor, dígame {q}."),
)
ANSWERS = ("{it}, por favor.", "{it}.", "{it} por favor.")
ANSWERS_AGAIN = ("{label}: {it}.", "He dicho {it}.", "{it}, por favor.")
AFFIRM = (
    ("Sí, por favor.", "Sí, es correcto.", "Sí, claro.", "Correcto, gracias.", "Exacto."),
    ("Sí, está bien.", "Sí, es correcto.", "De acuerdo, sí."),
    ("Sí.", "Sí, confirmo."),
)
AFFIRM_BUT = ("Hasta ahí es correcto. {more}", "Sí, y otra cosa: {more}")
MISSING = (
    ("No, se ha olvidado {it}.", "No del todo, falta {it}.", "Un momento, falta {it}."),
    ("No, todavía falta {it}.", "Sigue faltando {it}."),
)
WRONG = (
    ("No, quiero {it}, no {other}.", "No del todo: {it}, no {other}.", "No, {it} en lugar de {other}, por favor."),
    ("Sigue sin ser correcto, quiero {it}, no {other}.", "No, {it} en vez de {other}, por favor."),
)
UNWANTED = (
    ("No, sin {other}, por favor.", "No del todo: sin {other}, por favor."),
    ("Sigue sin ser correcto: sin {other}.",),
)
ACCEPT = ("Está bien, no importa.", "Bueno, de acuerdo.")
CHANGE = (
    ("He cambiado de opinión: {it} en lugar de {other}, por favor.", "Perdone, mejor {it} en vez de {other}."),
    ("Quería cambiarlo: {it} en lugar de {other}, por favor.",),
)
DECLINE = ("No, gracias.", "Hoy no, gracias.")
UNSURE = ("No lo sé, lo siento.", "No estoy seguro.", "Me da igual.")
WAIT = ("Claro, sin problema.", "De acuerdo, espero.")
RECAP = (
    ("¿Puede resumir mi solicitud?", "¿Qué tiene apuntado hasta ahora?"),
    ("¿Puede repetirlo, por favor?",),
)
CLOSE = (
    "Eso es todo, muchas gracias. ¡Adiós!",
    "No, nada más. Gracias, ¡hasta luego!",
    "Muchas gracias, ¡que tenga un buen día!",
)
CLOSE_DISAPPOINTED = ("Bueno, gracias de todos modos. ¡Adiós!", "Está bien, eso es todo. ¡Hasta luego!")
BEFORE_YES = ("Antes una pregunta:", "Un momento:")
LEADS = ("Y",)
PREAMBLES = (
    "Espero que tenga un buen día, llevo toda la semana queriendo escribir y por fin encuentro un momento.",
    "Una amiga me los recomendó hace poco y desde entonces tengo curiosidad.",
)
AFTERTHOUGHTS = (
    "Lo hemos hablado mucho en casa y al final estamos todos de acuerdo.",
    "No hay prisa, prefiero que se haga bien.",
)

# --- how assistants put things ----------------------------------------------------------------------------------------

_DO = r"(?:confirm\w+|reserv\w+|ped\w+|apunt\w+|cambi\w+|anul\w+|renov\w+|tramit\w+|hago|lo hago)"
_DONE = r"(?:(?:confirm|reserv|cambi|anul|renov|tramit|solicit)ad[oa]s?|hech[oa]s?)"
NOT_UNDERSTOOD = any_of(
    r"\bno (?:le |te |lo |la )?(?:he )?entend(?:ido|í)\b",
    r"\bno (?:le |te |lo )?entiendo\b",
    r"\bde otra manera\b",
    r"\bde otra forma\b",
    r"^(?:¿)?cómo\?$",
)
CONFIRMS = any_of(
    r"\bes correcto\b[^.]*\?",
    r"\bestá (?:todo )?bien(?: así)?\?",
    rf"¿(?:lo |la |se lo )?{_DO}\b",
    r"¿(?:le parece|de acuerdo|correcto|es así|confirma)\b",
)
PLEASE_CONFIRM = any_of(r"\bconfírme(?:lo|melo)?\b", r"\bresponda sí\b")
ASKS_WHAT = re.compile(
    r"^¿?(?:\w+,? ){0,2}(?:qué|cuál|cuáles|dónde|cuándo|quién|cómo|cuántos?|cuántas?)\b", re.IGNORECASE
)
READS_BACK = any_of(
    r"\b(?:he )?apuntado\b",
    r"\bentonces tengo\b",
    r"\bahora tengo\b",
    r"\bhasta ahora tengo\b",
    r"\ben resumen\b",
    rf"\b(?:queda|quedan|está|están|ha sido|han sido)\b[^.?!]*\b{_DONE}\b",
)
DONE = any_of(
    rf"\b(?:queda|quedan|está|están|ha sido|han sido)\b[^.?!]*\b{_DONE}\b",
    r"\b(?:número de (?:reserva|referencia|pedido)|localizador)\b",
)
ANYTHING_ELSE = any_of(r"\balgo más\b", r"\botra cosa\b", r"\bmás preguntas\b", r"\beso es todo\?")
INVITES = any_of(r"\ben qué puedo ayudar", r"¿qué (?:desea|necesita|quiere)\?")
ASKS_CHANGE = any_of(r"\bqué (?:cambio|corrijo|debo cambiar|falta)\b", r"\bqué no es correcto\b")
OFFERS = any_of(r"^¿?(?:\w+,? )?(?:le interesa|quiere (?:también|además)|puedo ofrecerle|desea (?:también|además))\b")
HOLDS = any_of(r"\bun momento\b", r"\bdéjeme (?:ver|mirar|comprobar)\b", r"\bespere\b")
FAREWELLS = any_of(r"\badiós\b", r"\bhasta (?:luego|pronto)\b", r"\bbuen día\b")
PERSONAL: Mapping[str, re.Pattern[str]] = {
    "name": any_of(r"\b(?:su|qué|cuál es su) nombre\b", r"\ba nombre de quién\b"),
    "phone": any_of(r"\bteléfono\b"),
    "email": any_of(r"\bcorreo\b", r"\be-?mail\b"),
    "address": any_of(r"\bdirección\b"),
    "payment": any_of(r"\bcómo (?:desea|quiere) pagar\b", r"\btarjeta o\b"),
    "moment": any_of(r"\bcuándo (?:quiere|desea|le viene)\b"),
}
ASKS_FOR = any_of(r"\b(?:dígame|indíqueme|elija|deme|necesito saber)\b")
CHOICE = re.compile(
    r"(?P<first>[\w'-]+(?: [\w'-]+)?)(?:, [\w' -]{2,40}?)?,? o (?:una? |el |la )?(?P<last>[\w' -]{2,30})\?",
    re.IGNORECASE,
)
SUGGESTED = any_of(r"\b(?:tenemos|hay|por ejemplo|disponibles?|puede elegir)\b")
YES_OR_NO = any_of(
    r"^(?:sí|no(?! (?:te|le|lo|he|entiendo)\b)|claro|por supuesto|lamentablemente|desgraciadamente)\b",
    r"\b(?:se (?:admiten|puede|pueden|aceptan)|está(?:n)? disponible|no (?:hay que|es necesario|cuesta))\b",
)
TOTAL = any_of(r"\b(?:en total|total|cuesta|son|precio|importe|a pagar|asciende)\b")
NOT_A_TOTAL = any_of(r"\b(?:por (?:noche|persona|día)|cada|desde|más|descuento|hasta ahora|depósito|entre)\b")
FREE = re.compile(r"\b(?:gratis|gratuit[oa]|sin coste|no cuesta nada)\b", re.IGNORECASE)
SOON = re.compile(r"\b(?:enseguida|ahora mismo|hoy|mañana|inmediatamente)\b", re.IGNORECASE)
OTHER_LABELS: Mapping[str, tuple[str, ...]] = {
    "llegada": ("qué día", "cuándo"),
    "medico": ("qué médico", "con quién"),
    "libro": ("qué libro", "título"),
    "prestamos": ("cuántos préstamos", "préstamos"),
    "accion": ("qué desea hacer",),
}

# --- how goals are worded ---------------------------------------------------------------------------------------------

ASKING = re.compile(r"^(?:preguntar|saber|averiguar|pregunta(?:r)? por)\b[:,]?\s+(?=\w)", re.IGNORECASE)
QUESTION = re.compile(
    r"^(?:si|qué|cuál(?:es)?|cuánt[oa]s?|cuándo|dónde|quién|cómo|por qué|hasta cuándo|es|hay|se)\b", re.IGNORECASE
)
POLITE_REQUEST = re.compile(r"^(?:puede|puedo|podría|podemos)\b", re.IGNORECASE)
ASKED_THING = re.compile(r"\b(?:horario|precio|precios|coste|tarifa|información|dirección)\b", re.IGNORECASE)
ACTING = re.compile(
    r"^(?:reservar|comprar|cambiar|cancelar|confirmar|renovar|pedir|anular|abrir|llegar)\b", re.IGNORECASE
)
REFUSAL = re.compile(r"\b(?:no|sin|ni|en lugar de|en vez de|salvo)\s+(?:el |la |los |las |una? )?$", re.IGNORECASE)
EXPECTATIONS: Mapping[str, re.Pattern[str]] = {
    "yes_or_no": re.compile(r"^(?:si|es|hay|se)\b", re.IGNORECASE),
    "contact": re.compile(r"\b(?:teléfono|correo|contacto)\b", re.IGNORECASE),
    "reference": re.compile(r"\b(?:número de (?:reserva|pedido|referencia)|localizador)\b", re.IGNORECASE),
    "percentage": re.compile(r"\b(?:interés|porcentaje|descuento)\b", re.IGNORECASE),
    "money": re.compile(r"\b(?:cuánto (?:cuesta|vale|es|hay que pagar)|precio|coste|tarifa|pagar)\b", re.IGNORECASE),
    "duration": re.compile(r"\b(?:cuánto (?:tiempo|tarda|dura)|duración|plazo)\b", re.IGNORECASE),
    "number": re.compile(r"\bcuánt[oa]s\b", re.IGNORECASE),
    "date": re.compile(r"\b(?:qué día|fecha|hasta cuándo)\b", re.IGNORECASE),
    "time": re.compile(r"\b(?:cuándo|a qué hora|horario)\b", re.IGNORECASE),
    "place": re.compile(r"\b(?:dónde|dirección)\b", re.IGNORECASE),
}
