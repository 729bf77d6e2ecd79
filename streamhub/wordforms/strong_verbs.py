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
_CHANGED = MappingProxyType(dict(pair.split(":") for pair in _PAIRS.split()))
_KEPT = """
fahren fallen fangen geben halten kommen laden lassen laufen lesen messen rufen schlagen sehen stossen tragen treten
"""
_SAME = MappingProxyType({verb: verb for verb in _KEPT.split()})
"""Those that ``ge`` is put before and no more: alone they may be other words, as ``gefahren`` is ``Gefahren``."""
STRONG_VERBS = MappingProxyType({**_CHANGED, **_SAME})
"""What of a participle follows its prefix and ``ge``, and what of the verb does."""
_WITH_GE = re.compile(rf"((?:{VERB_PREFIXES})?)ge({'|'.join(STRONG_VERBS)})(?:e[mnrs]?)?")
_WITHOUT_GE = re.compile(rf"(be|emp|ent|er|uber|unter|ver|zer)({'|'.join(_CHANGED)})(?:e[mnrs]?)?")


def undo_strong(piece: str) -> str:
    """The verb of a folded participle: ``umziehen`` of ``umgezogen``, ``verlieren`` of ``verlorene``; or ``""``."""
    match = _WITH_GE.fullmatch(piece) or _WITHOUT_GE.fullmatch(piece)
    if match is None or (not match[1] and match[2] in _SAME):
        return ""
    return match[1] + STRONG_VERBS[match[2]]
