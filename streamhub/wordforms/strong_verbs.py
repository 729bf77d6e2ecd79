"""German strong verbs: participles that change their vowel, which no stemmer brings to their verb.

Pure, and lists alone, folded: what of a participle follows its prefix, and of the verb. `site/static/analysis.js` has
the same lists. Left out are those that other words are written like: ``geraten`` is also ``Geräten``.
Source: Duden, Die Grammatik, on strong and irregular verbs.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from streamhub.wordforms.particles import VERB_PREFIXES

_PAIRS = """
blieben:bleiben boten:bieten bracht:bringen brannt:brennen brochen:brechen bunden:binden dacht:denken
drungen:dringen flogen:fliegen flossen:fliessen fohlen:fehlen froren:frieren funden:finden gangen:gehen
golten:gelten gonnen:ginnen gossen:giessen griffen:greifen hoben:heben holfen:helfen liehen:leihen loren:lieren
nannt:nennen nommen:nehmen rissen:reissen sandt:senden schieden:scheiden schienen:scheinen schlossen:schliessen
schmolzen:schmelzen schnitten:schneiden schoben:schieben schossen:schiessen schrieben:schreiben
schwunden:schwinden sprochen:sprechen sprungen:springen standen:stehen stiegen:steigen stohlen:stehlen
strichen:streichen stritten:streiten sunken:sinken trieben:treiben troffen:treffen wiesen:weisen worben:werben
worfen:werfen wunden:winden wusst:wissen zogen:ziehen zwungen:zwingen
"""
CHANGED = MappingProxyType(dict(pair.split(":") for pair in _PAIRS.split()))
"""What of a participle follows its prefix, and what of the verb does."""
SAME = (
    "fahren|fallen|fangen|geben|halten|kommen|laden|lassen|laufen|lesen|messen|rufen|schlagen|sehen|stossen|tragen|"
    "treten"
)
"""Verbs whose participle only puts ``ge`` between; alone it may be another word: ``gefahren`` is also ``Gefahren``."""
_KEPT = "be|emp|ent|er|uber|unter|ver|zer"
_STRONG = re.compile(
    rf"(?:({VERB_PREFIXES})ge({SAME})|((?:{VERB_PREFIXES})?)ge({'|'.join(CHANGED)})|({_KEPT})({'|'.join(CHANGED)}))"
    r"(?:e[mnrs]?)?"
)


def undo_strong(piece: str) -> str:
    """The verb of a folded participle: ``umziehen`` of ``umgezogen``, ``verlieren`` of ``verlorene``; or ``""``."""
    match = _STRONG.fullmatch(piece)
    if match is None:
        return ""
    if match[1]:
        return match[1] + match[2]
    return match[3] + CHANGED[match[4]] if match[4] else match[5] + CHANGED[match[6]]
