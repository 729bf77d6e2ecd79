"""Why a range is where it is, in words, and how sure that is.

Pure. Owns the sentences of evidence in German and English. Refuses to name people: evidence is published with the
archive, and the asker may want to stay unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from streamhub.answers.placing import Placed
from streamhub.answers.timing import Timing
from streamhub.timecode import format_clock

_PROPOSED_AT_MOST = 0.6
_UNREAD_AT_MOST = 0.55

_SENTENCES: Mapping[str, Mapping[str, str]] = {
    "de": {
        "both": "Auf Sendung um {mark}, Wortlaut gefunden bei {start} ({likeness} % Übereinstimmung).",
        "asked": "Auf Sendung um {mark}; bei {start} wird eine Frage vorgelesen, anders formuliert als geschrieben.",
        "mark": "Auf Sendung um {mark}; Wortlaut dort nicht gefunden, es gilt der passendste Satzanfang ({start}).",
        "text": "Ohne Markierung, allein am Wortlaut gefunden bei {start} ({likeness} % Übereinstimmung).",
        "ear": "Nach Gehör gesetzt: beginnt bei {mark}.",
        "named": "Dort fällt der Name, unter dem die Frage gestellt wurde.",
        "shift": "Markierungen und Transkript lagen {shift} s auseinander; das ist ausgeglichen.",
        "moved_later": "Die Untertitel kamen {shift} s zu früh und wurden um {shift} s nach hinten verschoben.",
        "moved_earlier": "Die Untertitel kamen {shift} s zu spät und wurden um {shift} s nach vorn verschoben.",
        "ear_end": "Ende nach Gehör bei {done}.",
        "no_text": "Auf Sendung um {mark}; ohne Transkript gilt die Markierung allein.",
        "nothing": "Ohne Markierung, und der Wortlaut wurde im Transkript nicht gefunden.",
        "next": "Ende vor der nächsten Frage bei {end}.",
        "done": "Ende nach der Markierung „erledigt“ um {done}.",
        "closing": "Ende vor der Verabschiedung bei {end}.",
        "last": "Ende mit dem letzten Satz der Sendung.",
        "aloud": "Bei {start} wird eine Frage gestellt, die niemand eingereicht hat.",
        "announced": "Sie wird vorher angekündigt.",
        "answered_long": "Danach antwortet jemand anders {seconds} s lang.",
    },
    "en": {
        "both": "On air at {mark}, wording found at {start} ({likeness}% alike).",
        "asked": "On air at {mark}; a question is read at {start}, in other words than it was typed.",
        "mark": "On air at {mark}; the wording was not found there, the likeliest sentence counts ({start}).",
        "text": "No mark, found by its wording alone at {start} ({likeness}% alike).",
        "ear": "Set by ear: begins at {mark}.",
        "named": "The name under which the question was asked falls there.",
        "shift": "Marks and transcript were {shift} s apart; that is evened out.",
        "moved_later": "The captions came {shift} s early and were moved {shift} s back.",
        "moved_earlier": "The captions came {shift} s late and were moved {shift} s forward.",
        "ear_end": "Ends by ear at {done}.",
        "no_text": "On air at {mark}; without a transcript the mark alone counts.",
        "nothing": "No mark, and the wording was not found in the transcript.",
        "next": "Ends before the next question, at {end}.",
        "done": 'Ends after the mark "done" at {done}.',
        "closing": "Ends before the goodbye, at {end}.",
        "last": "Ends with the last sentence of the session.",
        "aloud": "A question that nobody submitted is asked at {start}.",
        "announced": "It is announced before.",
        "answered_long": "Somebody else answers after it for {seconds} s.",
    },
}


def say(language: str, kind: str, **facts: str) -> str:
    """One sentence of evidence."""
    return _SENTENCES[language][kind].format(**facts)


def weigh_start(placed: Placed) -> tuple[str, float]:
    """What kind of evidence a start has, and how sure it is, 0 to 1.

    The share of all witnesses that speak for this place counts; what no mark says is a proposal, never surer than 0.6.
    """
    if placed.airing is not None and placed.airing.heard:
        return "ear", 0.95
    if placed.airing is None:
        return "text", round(_PROPOSED_AT_MOST * placed.sure * min(1.0, placed.likeness * 1.25), 2)
    if not placed.by_wording:
        return ("asked" if placed.asks else "mark"), round(_UNREAD_AT_MOST * placed.sure, 2)
    return "both", round(0.98 * placed.sure * (0.5 + 0.5 * min(1.0, placed.likeness * 1.25)), 2)


def say_start(language: str, placed: Placed, start_ms: int, timing: Timing) -> str:
    """Why a range begins where it does."""
    kind, _ = weigh_start(placed)
    mark_ms = 0
    if placed.airing is not None:
        mark_ms = placed.airing.on_air_ms - (0 if placed.airing.heard else timing.shift_ms)
    likeness = f"{100 * placed.likeness:.0f}"
    return say(language, kind, mark=format_clock(max(0, mark_ms)), start=format_clock(start_ms), likeness=likeness)


def say_more(language: str, placed: Placed, timing: Timing) -> tuple[str, ...]:
    """What else speaks for a range, or was done to find it."""
    said = []
    if placed.named:
        said.append(say(language, "named"))
    if placed.airing is not None and timing.shift_ms and not placed.airing.heard:
        said.append(say(language, "shift", shift=f"{abs(timing.shift_ms) / 1000:.0f}"))
    return tuple(said)


def say_moved(language: str, moved_ms: int) -> tuple[str, ...]:
    """That captions were moved as a whole, and how far; nothing if they were not."""
    if not moved_ms:
        return ()
    kind = "moved_later" if moved_ms > 0 else "moved_earlier"
    return (say(language, kind, shift=f"{abs(moved_ms) / 1000:.0f}"),)
