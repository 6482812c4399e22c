"""How a simulated customer puts things in other languages than English: simpler grammar, the same acts."""

import random
import re
from collections.abc import Sequence

from jobs.model import Scenario
from jobs.simulate.languages import tongue_of
from jobs.simulate.phrasing import Act, Phrasebook
from jobs.simulate.wishes import Want, Wish, plain_question


def phrasebook_of(scenario: Scenario, rng: random.Random) -> Phrasebook:
    """The phrasebook of the scenario's language; English where nobody speaks it."""
    return (ForeignPhrasebook if tongue_of(scenario) else Phrasebook)(scenario, rng)


class ForeignPhrasebook(Phrasebook):
    """One customer's way of speaking, by the tables of a language.

    Goals are put behind "I would like" and questions behind "could you tell me", which fits a thing, an infinitive and
    a subordinate clause alike in these languages.
    """

    def _inform(self, act: Act) -> str:
        assert act.wish is not None
        thing = self._filled_in(act.wish, act.wants, act)
        too, self._wanted_something = self._wanted_something, True
        forms = self._words.WANT_THING_TOO if too else self._words.WANT_THING
        return self._with(self._try(forms, act), it=thing)

    def _ask(self, act: Act) -> str:
        assert act.wish is not None
        asked = self._with(self._try(self._words.EMBEDDED, act), q=self._filled_in(act.wish, act.wish.wants, act))
        return f"{self._pick(self._words.BEFORE_YES)} {asked}" if act.detail == "first" else asked

    def _led(self, question: str) -> str:
        return question

    def _correct(self, templates: Sequence[Sequence[str]], act: Act) -> str:
        it = (
            self._missing(act)
            if act.kind == "missing"
            else self._joined([self._counted(want, act) for want in act.wants])
        )
        return self._with(self._try(templates, act), it=it, other=self._listed_again(act.detail))

    def _missing(self, act: Act) -> str:
        if act.detail or act.wish is None:
            return self._listed_again(act.detail)
        return self._filled_in(act.wish, act.wants, act)

    def _counted(self, want: Want, act: Act) -> str:
        """The value with its unit as the goal writes it."""
        value = self._value_said(want, act)
        if not want.unit or act.wish is None:
            return value
        found = re.search(rf"\{{\{{\s*{re.escape(want.name)}\s*\}}\}}\s+(\w+)", act.wish.goal.template)
        return f"{value} {found[1]}" if found else value

    def _value_said(self, want: Want, act: Act) -> str:
        values = list((act.values or {}).get(want.name, want.values))
        if len(values) > 1:
            self._rng.shuffle(values)
        return self._joined([f"{value:g}" if isinstance(value, float) else str(value) for value in values])

    def _filled_in(self, wish: Wish, wants: Sequence[Want], act: Act) -> str:
        """The goal's text with its values; a variable that is kept for later goes with the small words before it."""
        text = plain_question(wish.goal.template, wish.tongue)
        for want in wish.wants:
            place = rf"\{{\{{\s*{re.escape(want.name)}\s*\}}\}}"
            if want in wants:
                value = self._value_said(want, act)
                text = re.sub(place, lambda _, value=value: value, text)
            else:
                text = re.sub(rf"(?:\s*\b(?:{self._words.SMALL_WORDS}))*\s*{place}(?:\s+{want.unit}\w*)?", "", text)
        return re.sub(r"\s+", " ", text).strip(" ,;:")

    def _joined(self, parts: Sequence[str]) -> str:
        return f" {self._words.AND} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

    def _listed_again(self, english: str) -> str:
        """A list that was made with the English "the" and "and"."""
        return re.sub(r" and (?=[^ ]+( [^ ]+)*$)", f" {self._words.AND} ", english.removeprefix("the "))

    def _with(self, template: str, **words: str) -> str:
        said = re.sub(r"\{(\w+)\}", lambda match: words.get(match[1], match[0]), template)
        first = next((place for place, letter in enumerate(said) if letter.isalpha()), 0)
        return f"{said[:first]}{said[first : first + 1].upper()}{said[first + 1 :]}"
