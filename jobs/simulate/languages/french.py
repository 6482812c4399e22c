"""French: what customers say, how assistants put things, and how goals are worded."""

import re
from collections.abc import Mapping

from jobs.simulate.languages._patterns import any_of

# --- what customers say -----------------------------------------------------------------------------------------------

AND = "et"
ARTICLES = "le|la|les|un|une|des|si|combien|quand|où|il"
SMALL_WORDS = "avec|pour|le|la|les|en|de|du|à|au|aux|par"
AS_I_SAID = "Comme je le disais : {it}"
ARE_YOU_THERE = "Bonjour, vous êtes là ?"
THAT_ONE = "{it}, s'il vous plaît."
GREETINGS = ("Bonjour !", "Bonjour,", "Bonsoir !")
BARE_GREETINGS = ("Bonjour !", "Bonsoir !")
WANT_THING = (
    ("Je voudrais {it}.", "Je souhaite {it}, s'il vous plaît.", "J'aimerais {it}."),
    (
        "Ce que je voudrais, c'est {it}.",
        "Autrement dit : je voudrais {it}.",
        "Encore une fois : {it}, s'il vous plaît.",
    ),
    ("C'est simple : {it}.", "Il s'agit de ceci : {it}."),
)
WANT_THING_TOO = (("Je voudrais aussi {it}.", "Et je souhaite {it}.", "En plus, je voudrais {it}."), *WANT_THING[1:])
EMBEDDED = (
    ("Pouvez-vous me dire {q} ?", "J'aimerais savoir {q}.", "Savez-vous {q} ?", "Je voudrais savoir {q}."),
    ("Je le demande autrement : savez-vous {q} ?", "Je cherche à savoir {q}."),
    ("Ma question est {q}.", "Dites-moi {q}, s'il vous plaît."),
)
ANSWERS = ("{it}, s'il vous plaît.", "{it}.", "{it} merci.")
ANSWERS_AGAIN = ("{label} : {it}.", "J'ai dit {it}.", "{it}, s'il vous plaît.")
AFFIRM = (
    ("Oui, merci.", "Oui, c'est ça.", "Oui, parfait.", "Exactement.", "Oui, c'est correct."),
    ("Oui, c'est correct.", "D'accord, oui.", "Oui, c'est ça."),
    ("Oui.", "Oui, je confirme."),
)
AFFIRM_BUT = ("C'est juste jusque-là. {more}", "Oui, et autre chose : {more}")
MISSING = (
    ("Non, vous avez oublié {it}.", "Pas tout à fait, il manque {it}.", "Un instant, il manque {it}."),
    ("Non, il manque toujours {it}.", "Vous avez encore oublié {it}."),
)
WRONG = (
    ("Non, je voulais {it}, pas {other}.", "Pas tout à fait : {it}, pas {other}.", "Non, {it} au lieu de {other}."),
    ("Ce n'est toujours pas ça, je voudrais {it}, pas {other}.", "Non, {it} au lieu de {other}, s'il vous plaît."),
)
UNWANTED = (
    ("Non, sans {other}, s'il vous plaît.", "Pas tout à fait : sans {other}."),
    ("Toujours pas : sans {other}.",),
)
ACCEPT = ("D'accord, ça ne fait rien.", "Bon, d'accord.")
CHANGE = (
    ("J'ai changé d'avis : {it} au lieu de {other}, s'il vous plaît.", "Pardon, plutôt {it} au lieu de {other}."),
    ("Je voulais changer : {it} au lieu de {other}.",),
)
DECLINE = ("Non, merci.", "Pas aujourd'hui, merci.")
UNSURE = ("Je ne sais pas, désolé.", "Je n'en suis pas sûr.", "Cela m'est égal.")
WAIT = ("Bien sûr, pas de problème.", "D'accord, j'attends.")
RECAP = (
    ("Pouvez-vous résumer ma demande ?", "Qu'avez-vous noté jusqu'ici ?"),
    ("Pouvez-vous répéter, s'il vous plaît ?",),
)
CLOSE = (
    "C'est tout, merci beaucoup. Au revoir !",
    "Non, ce sera tout. Merci, au revoir !",
    "Merci beaucoup, bonne journée !",
)
CLOSE_DISAPPOINTED = ("Bon, merci quand même. Au revoir !", "D'accord, c'est tout. Au revoir !")
BEFORE_YES = ("Une question avant :", "Un instant :")
LEADS = ("Et",)
PREAMBLES = (
    "J'espère que vous passez une bonne journée, je voulais vous écrire depuis une semaine.",
    "Une amie vous a recommandés l'autre jour, et je suis curieux depuis.",
)
AFTERTHOUGHTS = (
    "Nous en avons longuement parlé à la maison et tout le monde est d'accord.",
    "Rien ne presse, je préfère que ce soit bien fait.",
)

# --- how assistants put things ----------------------------------------------------------------------------------------

_DO = r"(?:confirme\w*|réserve\w*|commande\w*|enregistre\w*|valide\w*|change\w*|annule\w*)"
_DONE = r"(?:confirmée?s?|réservée?s?|enregistrée?s?|validée?s?|changée?s?|annulée?s?|commandée?s?|fait)"
NOT_UNDERSTOOD = any_of(
    r"\bn'ai pas (?:bien )?compris\b",
    r"\bne comprends pas\b",
    r"\bautrement\b",
    r"^(?:pardon|comment) ?\?$",
)
CONFIRMS = any_of(
    r"\b(?:c'est|est-ce) (?:bien )?(?:cela|ça|correct|juste|exact)\b[^.]*\?",
    rf"\b(?:je|puis-je|dois-je) (?:le |la |les )?{_DO}\b[^.]*\?",
    r"\b(?:cela vous convient|vous confirmez|d'accord) ?\?",
)
PLEASE_CONFIRM = any_of(r"\bveuillez confirmer\b", r"\brépondez oui\b")
ASKS_WHAT = re.compile(r"^(?:\w+,? ){0,2}(?:que|quoi|quel(?:le)?s?|où|quand|qui|comment|combien)\b", re.IGNORECASE)
READS_BACK = any_of(
    r"\b(?:j'ai|maintenant) (?:maintenant )?noté\b",
    r"\bj'ai noté\b",
    r"\ben résumé\b",
    rf"\b(?:est|sont|a été|ont été|c'est)\b[^.?!]*\b{_DONE}\b",
)
DONE = any_of(
    rf"\b(?:est|sont|a été|ont été|c'est)\b[^.?!]*\b{_DONE}\b", r"\bnuméro de (?:dossier|commande|réservation)\b"
)
ANYTHING_ELSE = any_of(r"\bautre chose\b", r"\bd'autres questions\b", r"\bce sera tout ?\?")
INVITES = any_of(r"\b(?:que puis-je faire|en quoi puis-je)\b", r"\bque (?:souhaitez|désirez|voulez)-vous ?\?")
ASKS_CHANGE = any_of(r"\bque dois-je (?:changer|corriger)\b", r"\bqu'est-ce qui (?:ne va pas|manque)\b")
OFFERS = any_of(
    r"^(?:\w+,? )?(?:souhaitez-vous (?:aussi|également)|puis-je vous proposer|voulez-vous (?:aussi|également))\b"
)
HOLDS = any_of(r"\bun (?:instant|moment)\b", r"\bje (?:regarde|vérifie)\b", r"\bpatientez\b")
FAREWELLS = any_of(r"\bau revoir\b", r"\bbonne journée\b", r"\bà bientôt\b")
PERSONAL: Mapping[str, re.Pattern[str]] = {
    "name": any_of(r"\b(?:votre|quel) nom\b", r"\bà quel nom\b"),
    "phone": any_of(r"\btéléphone\b"),
    "email": any_of(r"\be-?mail\b", r"\bcourriel\b"),
    "address": any_of(r"\badresse\b"),
    "payment": any_of(r"\bcomment (?:souhaitez|voulez)-vous payer\b"),
    "moment": any_of(r"\bquand (?:souhaitez|voulez|cela)\b"),
}
ASKS_FOR = any_of(r"\b(?:dites-moi|indiquez-moi|donnez-moi|choisissez|j'ai besoin de)\b")
CHOICE = re.compile(
    r"(?P<first>[\w'-]+(?: [\w'-]+)?)(?:, [\w' -]{2,40}?)?,? ou (?:une? |le |la )?(?P<last>[\w' -]{2,30}) ?\?",
    re.IGNORECASE,
)
SUGGESTED = any_of(r"\b(?:nous avons|il y a|par exemple|disponibles?|au choix|vous pouvez choisir)\b")
YES_OR_NO = any_of(
    r"^(?:oui|non|bien sûr|malheureusement|certainement)\b",
    r"\b(?:vous|on|il|nous|le \w+|la \w+) (?:ne )?(?:pouvez|peut|peuvent|est|sont|faut|pouvons)\b",
)
TOTAL = any_of(r"\b(?:au total|total|coûte|prix|montant|à payer|s'élève|cela fait)\b")
NOT_A_TOTAL = any_of(r"\b(?:chacun|à partir de|en plus|remise|jusqu'ici|acompte|entre)\b")
FREE = re.compile(r"\b(?:gratuit\w*|sans frais|ne coûte rien)\b", re.IGNORECASE)
SOON = re.compile(r"\b(?:immédiatement|tout de suite|aujourd'hui|demain)\b", re.IGNORECASE)
OTHER_LABELS: Mapping[str, tuple[str, ...]] = {"debit": ("débit", "quelle vitesse"), "forfait": ("quel forfait",)}

# --- how goals are worded ---------------------------------------------------------------------------------------------

ASKING = re.compile(r"^(?:demander|savoir|se renseigner sur)\b[:,]?\s+(?=\w)", re.IGNORECASE)
QUESTION = re.compile(
    r"^(?:si|quel(?:le)?s?|combien|quand|où|qui|comment|pourquoi|jusqu'à quand|est-ce)\b", re.IGNORECASE
)
POLITE_REQUEST = re.compile(r"^(?:pouvez|puis-je|pourriez|peut-on)\b", re.IGNORECASE)
ASKED_THING = re.compile(r"\b(?:horaires?|prix|tarifs?|coût|renseignements?|adresse)\b", re.IGNORECASE)
ACTING = re.compile(r"^(?:réserver|acheter|changer|annuler|confirmer|commander|ouvrir)\b", re.IGNORECASE)
REFUSAL = re.compile(r"\b(?:pas|sans|ni|au lieu d[eu]|sauf)\s+(?:le |la |les |une? |de )?$", re.IGNORECASE)
EXPECTATIONS: Mapping[str, re.Pattern[str]] = {
    "yes_or_no": re.compile(r"^(?:si|est-ce)\b", re.IGNORECASE),
    "contact": re.compile(r"\b(?:téléphone|e-?mail|courriel|contact)\b", re.IGNORECASE),
    "reference": re.compile(r"\bnuméro de (?:dossier|commande|réservation)\b", re.IGNORECASE),
    "percentage": re.compile(r"\b(?:taux|pourcentage|remise)\b", re.IGNORECASE),
    "duration": re.compile(r"\b(?:combien de temps|durée|délai|dure)\b", re.IGNORECASE),
    "money": re.compile(
        r"\b(?:combien (?:coûte|ça coûte|cela coûte|faut-il payer)|prix|coût|tarif|payer|combien)\b", re.I
    ),
    "number": re.compile(r"\bcombien de\b", re.IGNORECASE),
    "date": re.compile(r"\b(?:quel jour|date|jusqu'à quand)\b", re.IGNORECASE),
    "time": re.compile(r"\b(?:quand|à quelle heure|horaires?)\b", re.IGNORECASE),
    "place": re.compile(r"\b(?:où|adresse)\b", re.IGNORECASE),
}
