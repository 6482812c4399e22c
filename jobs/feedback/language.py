"""Whether a short comment is English, by the small words that no sentence does without.

A library that knows every language needs more text than people write into a comment field, and guesses below it.
"""

import re
import unicodedata
from collections.abc import Container

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

_SMALL_WORDS = """
    the a an and or but not no is it its it's isn't was were be been are am i i'm i've me my mine you your we our us
    they them their he she his her this that these those there here of to in on at for from with without by as if so
    than then too very much more most just only also again still never always often when what which who why how where
    do does did don't didn't doesn't can can't could couldn't would should will won't has have had hasn't haven't
    about after before because all any every some none nothing something everything good bad great nice fine okay
    fast slow quick quickly answer answered answers question help helped helpful useful useless wrong right thanks
    thank please love loved like liked hate hated terrible awful poor perfect excellent amazing best worst better
    worse got get gets give gave need needed want wanted work works worked time wait waiting took take takes ages
    order ordering     understand understood reply service support"""
_ENGLISH = frozenset(_SMALL_WORDS.split())
_OTHERS = {
    "German": """der die das den dem des ein eine einen einem einer und oder aber nicht kein keine ist sind war waren
    ich du er sie es wir ihr mir mich dich uns euch mein meine sein seine zu zum zur im in am an auf für mit ohne von
    vom bei nach aus über unter wenn weil dass wie was wer wo warum auch noch nur sehr mehr schon immer nie hat haben
    hatte wird werden wurde kann konnte gut schlecht danke bitte schnell langsam falsch richtig leider alles nichts
    antwort frage hilfe hilfreich""",
    "French": """le la les un une des du de et ou mais pas ne est sont était je tu il elle nous vous ils elles mon ma
    mes son sa ses au aux en dans sur pour avec sans par que qui quoi quand comment pourquoi aussi encore très plus
    trop jamais toujours ai as a avons avez ont c'est n'est bien mal bon bonne merci rapide lent réponse question
    rien tout ça cette ce""",
    "Spanish": """el la los las un una unos unas y o pero no es son era yo tú él ella nosotros me te se mi mis su sus
    al del de en con sin por para que qué quién cómo cuándo porque también muy más mucho siempre nunca ha he han hay
    bien mal bueno buena malo mala gracias rápido lento respuesta pregunta nada todo esta este lo le""",
    "Italian": """il lo la i gli le un uno una e o ma non è sono era io tu lui lei noi voi mi ti si mio mia suo sua al
    del della di in nel nella con senza per che chi come quando perché anche ancora molto più sempre mai ha ho hanno
    bene male buono buona grazie veloce lento risposta domanda niente tutto questa questo""",
    "Portuguese": """o a os as um uma e ou mas não é são era eu tu ele ela nós você me te se meu minha seu sua ao do da
    de em no na com sem por para que quem como quando porque também muito mais sempre nunca tem tenho bem mal bom boa
    mau obrigado obrigada rápido lento resposta pergunta nada tudo esta este""",
    "Dutch": """de het een en of maar niet geen is zijn was waren ik jij je hij zij wij we mij me mijn uw op in aan
    voor met zonder van bij naar uit over als omdat dat dit wat wie waar waarom hoe ook nog maar heel zeer meer altijd
    nooit heeft heb hebben kan kon goed slecht bedankt snel traag antwoord vraag niets alles""",
}
FEWEST_SMALL_WORDS = 2
LANGUAGES = ("English", *_OTHERS)
"""Those that ``likely_language`` can tell."""
_FOREIGN = {name: frozenset(words.split()) for name, words in _OTHERS.items()}


def is_english(text: str, known_words: Container[str] = ()) -> bool:
    """Whether the text is English, as far as can be told; when it cannot, it is not.

    Args:
        known_words: further English words, for texts too short to have small ones ("Awesome!").
    """
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    if not words or _other_script(words) * 2 > len(words):
        return False
    english = sum(word in _ENGLISH for word in words)
    foreign = max(sum(word in small for word in words) for small in _FOREIGN.values())
    if english == foreign == 0:
        return any(word in known_words for word in words)
    return english > foreign or (english == foreign and len(words) == 1)


def likely_language(text: str) -> str | None:
    """The language of a text with some small words in it, by its English name; None when that cannot be told."""
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    if not words or _other_script(words) * 2 > len(words):
        return None
    known = {"English": _ENGLISH, **_FOREIGN}
    hits = sorted(((sum(word in small for word in words), name) for name, small in known.items()), reverse=True)
    (most, name), (second, _) = hits[:2]
    return name if most >= FEWEST_SMALL_WORDS and most > second else None


def _other_script(words: list[str]) -> int:
    """Words whose first letter is not of the Latin script."""
    return sum(not unicodedata.name(word[0], "").startswith("LATIN") for word in words)
