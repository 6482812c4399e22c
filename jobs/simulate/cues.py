"""How assistants put things: the wordings by which a question, a read-back, an offer or a failure is recognised."""

import re
from collections.abc import Mapping
from typing import Literal

Personal = Literal["name", "phone", "email", "address", "payment", "moment"]


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_CANNOT = (
    r"(?:did not|didn't|do not|don't|could not|couldn't|can't|cannot|can not|not able to|unable to|(?:having )?trouble)"
)
_GRASP = r"(?:get (?:that|you|what|it)|got that|understand|understanding|catch|follow|make sense|hear|recogni[sz]e)"
_PROCEED = (
    r"(?:place|book|go ahead|confirm|proceed|submit|order|send|continue|finali[sz]e|reserve|process|put"
    r"|do (?:that|it|this))\b"
)
_FINE = r"(?:right|correct|ok|okay|all right|alright|fine|good|accurate)\b"
_HAVING_DONE = r"(?:down|noted|booked|reserved|put|ordered|scheduled|placed|registered|transferred|sent)\b"
_COMPLETED = (
    r"(?:placed|confirmed|booked|reserved|scheduled|registered|submitted|completed?|done|cancelled|transferred)\b"
)

NOT_UNDERSTOOD = _any_of(
    rf"\b{_CANNOT}(?: quite| really| fully)? {_GRASP}",
    r"\bnot sure (?:i|that i) (?:understand|understood|follow|got)",
    r"\bnot sure what you mean\b",
    r"\bdon't know what you mean\b",
    r"\b(?:say|put|phrase|word) (?:that|it|this) (?:again|another way|differently|in another way)",
    r"\bin (?:other|different) words\b",
    r"\b(?:rephrase|reword)\b",
    r"\brepeat (?:that|what you said|your (?:question|request))\b",
    r"^(?:sorry|pardon|excuse me|what|huh|come again)[?,!. ]*(?:what|pardon|come again)?\?$",
)
CONFIRMS = _any_of(
    rf"\b(?:shall|should|can|may|could) i (?:\w+ )?{_PROCEED}",
    r"\b(?:do you want|would you like) me to\b",
    rf"\b(?:do you want|would you like) to {_PROCEED}",
    rf"\bis (?:that|this|it|everything|all (?:that|this|of this))(?: information| order| all)? {_FINE}",
    r"(?:^|[,.:;–-] ?)(?:right|correct|ok|okay|yes|is that so|agreed)\?$",
    r"\bdo(?:es)? (?:that|this|it|everything) (?:sound|look|seem) ",
    r"\bdo you confirm\b",
    r"\bare you (?:sure|happy with)\b",
    r"\byes ?(?:/|or) ?no\b",
    r"\bready to (?:place|confirm|order|book)\b",
)
PLEASE_CONFIRM = _any_of(
    r"\bplease (?:confirm|say yes|type yes|reply yes|answer yes)", r"\bto confirm,? (?:say|type|reply|press)"
)
ASKS_WHAT = re.compile(r"^(?:\w+,? ){0,2}(?:what|which|where|when|who|whose|how)\b(?! about that)", re.IGNORECASE)
READS_BACK = _any_of(
    r"\bso (?:that is|that's|it's|it is|you(?:'d| would) like|you want|i have|we have|to (?:confirm|recap|sum))",
    r"\b(?:to (?:confirm|recap|summari[sz]e|sum up)|in summary|summary|read (?:that |it |this |your order )?back)\b",
    r"\b(?:your|the) (?:order|booking|reservation|appointment|request|cart|basket|purchase)"
    r" (?:is|has|contains|includes|consists|looks|so far)",
    r"\byou(?:'ve| have)? (?:ordered|booked|reserved|requested|chosen|selected|asked for)\b",
    rf"\b(?:i|we)(?:'ve| have| now have|'ve got| have now)? (?:got )?(?:you )?{_HAVING_DONE}",
    r"\bi (?:now )?have (?:a|an|one|two|three|the|your|\d)",
    rf"\b(?:is|are|has been|have been) {_COMPLETED}",
)
DONE = _any_of(
    rf"\b(?:is|are|has been|have been|was|'s|now) (?:now )?{_COMPLETED}",
    r"\border is in\b",
    r"\bon (?:its|the) way\b",
    r"\ball (?:set|done)\b",
    r"\bsuccessful(?:ly)?\b",
    r"^(?:done|booked|confirmed)\b",
    r"\b(?:order|booking|reservation|confirmation|reference|ticket) (?:number|id|code)\b",
)
ANYTHING_ELSE = _any_of(
    r"\b(?:any|some)thing (?:else|more)\b",
    r"\bwhat else\b",
    r"\belse (?:can|could|may|do|would)\b",
    r"\b(?:any|have) (?:other|further|more) (?:questions?|requests?|wishes|help)\b",
    r"\b(?:further|more) (?:help|assistance|questions)\b",
    r"\b(?:is that|will that be|would that be) (?:all|everything|it)\b",
)
CONSUMES = re.compile(r"\bto (?:drink|eat)\b", re.IGNORECASE)
INVITES = _any_of(
    r"\b(?:what|how) (?:can|may|could) (?:i|we) (?:\w+ )?(?:do|get|help|assist|make|bring)",
    r"\bwhat (?:would|do) you (?:like|want|need)(?: to (?:order|do|know|have|eat))?(?: today)?\?",
    r"\bwhat (?:brings you|is it about)\b",
)
ASKS_CHANGE = _any_of(
    r"\bwhat (?:should|shall|can|do) (?:i|we|you want me to) (?:change|correct)\b",
    r"\bwhat would you like (?:me )?to (?:have different|change|correct)\b",
    r"\bwhat(?: is|'s) (?:wrong|not right|missing)\b",
)
OFFERS = re.compile(
    r"^(?:\w+,? )?(?:would you like|do you want|can i (?:offer|get|interest)|may i offer|how about|are you interested"
    r"|interested in|shall (?:i|we) add|fancy|do you need|any interest)\b",
    re.IGNORECASE,
)
HOLDS = _any_of(
    r"\b(?:one|just a|a|give me a) (?:moment|second|sec|minute)(?: please)?(?:[.!,…]|$)",
    r"\blet me (?:check|see|look|find)\b",
    r"\bhold on\b",
    r"\bplease (?:wait|hold)\b",
)
FAREWELLS = _any_of(
    r"\b(?:good)?bye\b",
    r"\bsee you\b",
    r"\bhave a (?:nice|good|great|lovely|wonderful)\b",
    r"\benjoy your\b",
    r"\bthanks for (?:calling|contacting|ordering)\b",
)
PERSONAL: Mapping[Personal, re.Pattern[str]] = {
    "name": _any_of(
        r"\b(?:your|full|first|last|what|which|whose) name\b",
        r"\bname (?:for|on|under|please)\b",
        r"\bwho am i (?:speaking|talking)",
    ),
    "phone": _any_of(r"\b(?:phone|telephone|mobile|contact) ?(?:number)?\b", r"\breach you\b"),
    "email": _any_of(r"\be-?mail\b"),
    "address": _any_of(
        r"\baddress\b",
        r"\bwhere (?:should|shall|do|can) (?:we|i) (?:deliver|send|bring|ship)",
        r"\bwhere (?:to|do you live)\b",
    ),
    "payment": _any_of(
        r"\bhow (?:would|will|do) you (?:like to |want to |be )?pay",
        r"\bcash or card\b",
        r"\bcard or cash\b",
        r"\bpayment method\b",
    ),
    "moment": _any_of(
        r"\b(?:what|which) (?:time|day|date)\b", r"\bwhen (?:would|do|should|shall|can|will) (?:you|we|it|i)\b"
    ),
}
ASKS_FOR = re.compile(
    r"\b(?:tell me|let me know|choose|select|pick|enter|provide|specify|give me|i need(?: to know)?"
    r"|i(?:'ll| will| would|'d) need|could you (?:tell|give)|type)\b",
    re.IGNORECASE,
)
CHOICE = re.compile(
    r"(?P<first>[\w'-]+(?: [\w'-]+)?)(?:, [\w' -]{2,40}?)?,? or (?:an? |the )?(?P<last>[\w' -]{2,30})\?", re.I
)
SUGGESTED = _any_of(
    r"\b(?:we (?:also )?(?:have|offer|sell)|there (?:is|are)|available|you can (?:have|choose|add)"
    r"|for example|such as|options?)\b"
)
YES_OR_NO = _any_of(
    r"^(?:yes|yeah|yep|no|nope|sure|of course|certainly|absolutely|definitely|unfortunately|sadly|i'm afraid)\b",
    r"^sorry, (?:we|but|no)\b",
    r"\b(?:we|you|they|it|i) (?:do|does|don't|do not|can|can't|cannot|could|may|are|aren't|is|isn't|will|won't)\b",
)
TOTAL = _any_of(
    r"\b(?:total|altogether|in all|comes to|you pay|to pay|bill|amount|costs?|charge[ds]?|owe)\b",
    r"\bthat(?:'s| is|'ll be| will be| would be)\b",
    r"\bit(?:'ll| will| would) (?:be|cost)\b",
    r"\bprice (?:is|will|comes)",
    r"\byour (?:order|price|total)\b",
)
NOT_A_TOTAL = _any_of(
    r"\b(?:each|per|extra|starts? (?:at|from)|starting|from|plus|additional|delivery (?:fee|charge)|tip|so far"
    r"|discount|off|saved?|instead of|between|deposit)\b"
)
FREE = re.compile(r"\b(?:free|no charge|costs nothing)\b", re.IGNORECASE)
SOON = re.compile(r"\b(?:immediately|right away|instantly|tomorrow|today|tonight|same day)\b", re.IGNORECASE)

OTHER_LABELS: Mapping[str, tuple[str, ...]] = {
    "date": ("day", "when"),
    "day": ("date", "when"),
    "time": ("when", "what time", "o'clock"),
    "people": ("guests", "persons", "party", "how many"),
    "guests": ("people", "persons", "party"),
    "drink": ("drinks", "beverage", "to drink"),
    "topping": ("toppings", "on it", "on the pizza", "on your pizza"),
    "destination": ("where to", "going"),
    "origin": ("from where", "leaving from"),
    "amount": ("how much", "how many"),
    "model": ("which one", "kind", "type"),
    "type": ("kind", "which", "sort"),
    "size": ("how big", "how large"),
    "color": ("colour",),
    "colour": ("color",),
}
"""What questions call a variable of that name besides its name."""
