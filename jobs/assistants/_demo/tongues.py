"""What a demo desk hears and says in each language, whatever it is a desk for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tongue:
    """One language.

    Args:
        fillers: words that say little about what is meant.
        refusing: how a word is refused that follows, the longest first: "not X", "instead of X".
        adding: words that tell that something comes on top.
        asking: words that begin a question.
        numbers: number words, one to twelve.
        articles: small words between a refusal and what is refused.
        last: the words before the last of several things, "and" and "or".
        examples: sentences for what customers do at every desk.
        says: the desk's own sentences; a desk's file may change any of them.
    """

    fillers: frozenset[str]
    refusing: Sequence[tuple[str, ...]]
    adding: frozenset[str]
    asking: frozenset[str]
    numbers: Mapping[str, int]
    articles: frozenset[str]
    last: tuple[str, str]
    examples: Mapping[str, Sequence[str]]
    says: Mapping[str, Sequence[str]]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _numbers(words: str) -> dict[str, int]:
    return {word: number for number, each in enumerate(words.split(), start=1) for word in each.split("/")}


ENGLISH = Tongue(
    fillers=_set(
        "a an the of to for please just um uh well so then there me my your you i we would could can do does "
        "will be am is are and or with in on at it that this really also maybe actually like get have want "
        "need 'd d tell know could wondering find out trying question once more let put differently ask give "
        "information some"
    ),
    refusing=(("instead", "of"), ("rather", "than"), ("not",), ("no",), ("without",), ("remove",)),
    adding=_set("add also extra plus forgot forgotten missing missed left another too"),
    asking=_set("how what when where which who why"),
    numbers=_numbers("one two three four five six seven eight nine ten eleven twelve"),
    articles=_set("the any a an"),
    last=("and", "or"),
    examples={
        "greet": ["hi", "hello", "hey", "hi there", "hello there", "good morning", "good day", "good evening"],
        "affirm": [
            "yes",
            "yeah",
            "yep",
            "sure",
            "ok",
            "okay",
            "correct",
            "exactly",
            "perfect",
            "right",
            "all right",
            "that is right",
            "that is correct",
            "sounds good",
            "go ahead",
            "please do",
            "fine",
            "i confirm",
            "do it",
            "never mind",
            "it does not matter",
        ],
        "deny": [
            "no",
            "nope",
            "not quite",
            "no thanks",
            "no thank you",
            "that is wrong",
            "that is not right",
            "something is missing",
            "something is still missing",
            "almost",
            "hold on",
            "not today",
            "that is not necessary",
        ],
        "done": ["that is all", "that is everything", "nothing else", "that would be all", "i am all set"],
        "change": ["i changed my mind", "can i change something", "i want to change something"],
        "cancel": ["cancel everything", "i want to cancel", "forget it", "please cancel my request"],
        "thanks": ["thanks", "thank you", "thanks a lot", "thank you very much", "much appreciated"],
        "goodbye": ["bye", "goodbye", "see you", "have a nice day", "take care"],
        "recap": [
            "could you sum up my request",
            "can you confirm what you have down",
            "could you read that back to me",
            "can you repeat my request",
            "what do you have so far",
            "what is in my order so far",
            "can you confirm what you have down for my booking",
            "could you sum up my appointment for me",
        ],
    },
    says={
        "fallback": ["Sorry, I did not get that. Could you say it another way?"],
        "greeting": ["Hello, this is {name}. What can I do for you?", "Welcome to {name}! How can I help you?"],
        "hello_again": ["Hello! What can I do for you?"],
        "what_else": ["What can I do for you?", "How can I help you?"],
        "noted": ["{change}, noted.", "Okay, {change}."],
        "read_back": [
            "So that is {request}. {quote}Shall I confirm it?",
            "I have {request}. {quote}Is that right?",
        ],
        "read_back_again": ["Sorry about that. So it is {request}. {quote}Is that right now?"],
        "quote": ["It comes to {total} in total. ", "The total is {total}. "],
        "what_to_change": ["No problem, what should I change?"],
        "placed": ["It is all booked."],
        "number": ["Your reference number is {number}."],
        "bill": ["The total is {total}."],
        "anything_else": ["Is there anything else I can do for you?", "Can I help you with anything else?"],
        "nothing_yet": ["I have not put anything down yet."],
        "so_far": ["So far I have {request}."],
        "cancelled": ["No problem, I have cancelled everything."],
        "farewell": ["Thank you for contacting {name}. Goodbye!", "Have a nice day, bye!"],
    },
)

GERMAN = Tongue(
    fillers=_set(
        "der die das den dem des ein eine einen einem einer eines ich wir sie er es mir mich mein meine "
        "meinen ihr ihre bitte gern gerne mal noch und oder mit in im am an auf fur zu zum zur von vom ist "
        "sind war sei wird kann konnen konnte mochte mochten wurde wurden hatte haben habe will wollen "
        "brauche so dann denn da man auch ja doch eigentlich sagen wusste wissen wissen frage fragen gefragt "
        "anders versuche herauszufinden einmal heisst geht darum folgendes einfach guten hallo entschuldigung "
        "dass"
    ),
    refusing=(("nicht",), ("kein",), ("keine",), ("keinen",), ("ohne",), ("statt",), ("anstatt",)),
    adding=_set("auch noch ausserdem dazu zusatzlich fehlt fehlen vergessen weitere"),
    asking=_set("wie was wann wo welche welcher welches wer warum wieviel ob woher wohin"),
    numbers=_numbers("ein/eine/einen/eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf"),
    articles=_set("der die das den dem ein eine einen einem einer"),
    last=("und", "oder"),
    examples={
        "greet": ["hallo", "guten tag", "guten morgen", "guten abend", "hi", "gruss gott", "moin"],
        "affirm": [
            "ja",
            "ja bitte",
            "ja genau",
            "genau",
            "richtig",
            "stimmt",
            "das stimmt",
            "korrekt",
            "in ordnung",
            "perfekt",
            "einverstanden",
            "ja das ist richtig",
            "sehr gerne",
            "machen sie das",
            "ok",
            "okay",
            "passt",
            "passt so",
            "macht nichts",
            "ich bestatige",
        ],
        "deny": [
            "nein",
            "nein danke",
            "nicht ganz",
            "das stimmt nicht",
            "das ist falsch",
            "moment",
            "fast",
            "nein das fehlt",
        ],
        "done": ["das ist alles", "das war alles", "sonst nichts", "nichts weiter", "das ware alles"],
        "change": ["ich habe es mir anders uberlegt", "kann ich etwas andern", "ich mochte etwas andern"],
        "cancel": ["bitte stornieren sie alles", "ich mochte abbrechen", "vergessen sie es", "alles abbrechen"],
        "thanks": ["danke", "vielen dank", "danke schon", "herzlichen dank", "besten dank"],
        "goodbye": ["auf wiedersehen", "tschuss", "schonen tag noch", "bis bald", "einen schonen tag"],
        "recap": [
            "konnen sie das noch einmal zusammenfassen",
            "was haben sie bisher notiert",
            "konnen sie das bitte wiederholen",
            "wie lautet mein auftrag bisher",
        ],
    },
    says={
        "fallback": ["Das habe ich leider nicht verstanden."],
        "greeting": [
            "Guten Tag, hier ist {name}. Was kann ich für Sie tun?",
            "Willkommen bei {name}! Was kann ich für Sie tun?",
        ],
        "hello_again": ["Guten Tag! Was kann ich für Sie tun?"],
        "what_else": ["Was kann ich für Sie tun?", "Womit kann ich Ihnen helfen?"],
        "noted": ["{change}, notiert.", "In Ordnung, {change}."],
        "read_back": [
            "Ich habe also notiert: {request}. {quote}Stimmt das so?",
            "Zusammengefasst: {request}. {quote}Ist das richtig?",
        ],
        "read_back_again": ["Entschuldigung. Jetzt habe ich notiert: {request}. {quote}Stimmt das so?"],
        "quote": ["Das kostet insgesamt {total}. ", "Der Gesamtpreis beträgt {total}. "],
        "what_to_change": ["Kein Problem, was soll ich ändern?"],
        "placed": ["Das ist gebucht."],
        "number": ["Ihre Buchungsnummer lautet {number}."],
        "bill": ["Der Gesamtpreis beträgt {total}."],
        "anything_else": ["Kann ich sonst noch etwas für Sie tun?", "Haben Sie noch weitere Fragen?"],
        "nothing_yet": ["Ich habe noch nichts notiert."],
        "so_far": ["Bisher habe ich notiert: {request}."],
        "cancelled": ["Kein Problem, ich habe alles storniert."],
        "farewell": ["Vielen Dank und auf Wiedersehen!", "Einen schönen Tag noch, auf Wiedersehen!"],
    },
)

SPANISH = Tongue(
    fillers=_set(
        "el la los las un una unos unas de del a al en con por para y o que se me mi mis su sus es son era "
        "ser yo usted quiero quisiera queria querria puedo puede podria favor tambien pues entonces ya lo le "
        "les muy hay decir saber sabe gustaria digame pregunto pregunta averiguar manera otra intentando "
        "estoy dicho vez sencillo trata esto dice"
    ),
    refusing=(
        ("en", "lugar", "de"),
        ("en", "vez", "de"),
        ("no",),
        ("sin",),
        ("ni",),
    ),
    adding=_set("tambien ademas falta faltan olvido olvidado anade anadir mas"),
    asking=_set("como cuanto cuanta cuantos cuantas cuando donde que cual quien por si"),
    numbers=_numbers("uno/un/una dos tres cuatro cinco seis siete ocho nueve diez once doce"),
    articles=_set("el la los las un una"),
    last=("y", "o"),
    examples={
        "greet": ["hola", "buenos dias", "buenas tardes", "buenas", "hola buenas", "buenas noches"],
        "affirm": [
            "si",
            "si por favor",
            "si claro",
            "claro",
            "correcto",
            "exacto",
            "eso es",
            "de acuerdo",
            "perfecto",
            "vale",
            "si es correcto",
            "si esta bien",
            "esta bien",
            "adelante",
            "asi es",
            "confirmo",
            "no importa",
        ],
        "deny": [
            "no",
            "no gracias",
            "no del todo",
            "eso no es correcto",
            "esta mal",
            "un momento",
            "casi",
            "no falta algo",
        ],
        "done": ["eso es todo", "nada mas", "ya esta", "eso seria todo"],
        "change": ["he cambiado de opinion", "puedo cambiar algo", "quiero cambiar algo"],
        "cancel": ["cancela todo por favor", "anule todo por favor", "olvidelo", "quiero anular todo"],
        "thanks": ["gracias", "muchas gracias", "mil gracias", "gracias por todo", "se lo agradezco"],
        "goodbye": ["adios", "hasta luego", "que tenga un buen dia", "hasta pronto", "chao"],
        "recap": [
            "puede resumir mi solicitud",
            "que tiene apuntado hasta ahora",
            "puede repetirlo por favor",
            "puede confirmar lo que tiene apuntado",
        ],
    },
    says={
        "fallback": ["No te he entendido."],
        "greeting": ["Hola, aquí {name}. ¿En qué puedo ayudarle?", "¡Bienvenido a {name}! ¿En qué puedo ayudarle?"],
        "hello_again": ["¡Hola! ¿En qué puedo ayudarle?"],
        "what_else": ["¿En qué puedo ayudarle?", "¿Qué desea?"],
        "noted": ["{change}, apuntado.", "De acuerdo, {change}."],
        "read_back": [
            "He apuntado {request}. {quote}¿Es correcto?",
            "Entonces tengo {request}. {quote}¿Está bien así?",
        ],
        "read_back_again": ["Disculpe. Ahora tengo {request}. {quote}¿Es correcto ahora?"],
        "quote": ["El precio total es de {total}. ", "En total son {total}. "],
        "what_to_change": ["No hay problema, ¿qué cambio?"],
        "placed": ["Queda confirmado."],
        "number": ["Su número de referencia es {number}."],
        "bill": ["En total son {total}."],
        "anything_else": ["¿Puedo ayudarle en algo más?", "¿Desea algo más?"],
        "nothing_yet": ["Todavía no he apuntado nada."],
        "so_far": ["Hasta ahora tengo {request}."],
        "cancelled": ["No hay problema, lo he anulado todo."],
        "farewell": ["Gracias y hasta luego.", "Que tenga un buen día, adiós."],
    },
)

FRENCH = Tongue(
    fillers=_set(
        "le la les un une des de du d l a au aux en avec pour par et ou que qu ce c est sont je j nous vous "
        "me m mon ma mes votre vos il elle on y voudrais veux souhaite aimerais peux pouvez pourriez plait s "
        "si tres bien aussi alors dire savoir savez demande autrement cherche question dites autrement fois "
        "encore simple agit ceci plus"
    ),
    refusing=(("au", "lieu", "de"), ("au", "lieu", "du"), ("pas",), ("sans",), ("plutot", "que")),
    adding=_set("aussi encore manque oublie ajoutez ajouter plus"),
    asking=_set("comment combien quand ou quel quelle quels quelles qui pourquoi si"),
    numbers=_numbers("un/une deux trois quatre cinq six sept huit neuf dix onze douze"),
    articles=_set("le la les un une des de du"),
    last=("et", "ou"),
    examples={
        "greet": ["bonjour", "salut", "bonsoir", "bonjour a vous"],
        "affirm": [
            "oui",
            "oui merci",
            "oui c'est ca",
            "c'est ca",
            "c'est correct",
            "d'accord",
            "parfait",
            "exactement",
            "tout a fait",
            "allez y",
            "oui c'est exact",
            "je confirme",
            "tres bien",
            "ca ne fait rien",
        ],
        "deny": ["non", "non merci", "pas tout a fait", "ce n'est pas ca", "c'est faux", "un instant", "presque"],
        "done": ["c'est tout", "rien d'autre", "ce sera tout"],
        "change": ["j'ai change d'avis", "je peux changer quelque chose", "je voudrais changer quelque chose"],
        "cancel": ["annulez tout s'il vous plait", "je voudrais tout annuler", "oubliez"],
        "thanks": ["merci", "merci beaucoup", "merci bien", "je vous remercie"],
        "goodbye": ["au revoir", "bonne journee", "a bientot", "bonne soiree"],
        "recap": [
            "pouvez vous resumer ma demande",
            "qu'avez vous note jusqu'ici",
            "pouvez vous repeter s'il vous plait",
        ],
    },
    says={
        "fallback": ["Désolé, je n'ai pas compris."],
        "greeting": [
            "Bonjour, ici {name}. Que puis-je faire pour vous ?",
            "Bienvenue chez {name} ! Que puis-je faire pour vous ?",
        ],
        "hello_again": ["Bonjour ! Que puis-je faire pour vous ?"],
        "what_else": ["Que puis-je faire pour vous ?", "En quoi puis-je vous aider ?"],
        "noted": ["{change}, c'est noté.", "D'accord, {change}."],
        "read_back": [
            "J'ai noté {request}. {quote}C'est bien cela ?",
            "En résumé : {request}. {quote}Est-ce correct ?",
        ],
        "read_back_again": ["Excusez-moi. J'ai maintenant noté {request}. {quote}Est-ce correct ?"],
        "quote": ["Le prix total est de {total}. ", "Cela fait {total} au total. "],
        "what_to_change": ["Pas de problème, que dois-je changer ?"],
        "placed": ["C'est confirmé."],
        "number": ["Votre numéro de dossier est {number}."],
        "bill": ["Cela fait {total} au total."],
        "anything_else": ["Puis-je faire autre chose pour vous ?", "Avez-vous d'autres questions ?"],
        "nothing_yet": ["Je n'ai encore rien noté."],
        "so_far": ["Pour l'instant j'ai noté {request}."],
        "cancelled": ["Pas de problème, j'ai tout annulé."],
        "farewell": ["Merci et au revoir.", "Bonne journée, au revoir."],
    },
)

TONGUES: Mapping[str, Tongue] = {"English": ENGLISH, "German": GERMAN, "Spanish": SPANISH, "French": FRENCH}
