"""Signs in words of who speaks: only people of the list, and nobody rather than the wrong one."""

import pytest

from streamhub.schedule.show import Participant, Role
from streamhub.timecode import Span
from streamhub.transcript.signs import Sign, Told, name_by_signs, read_sign
from streamhub.transcript.transcript import Cue

PEOPLE = ["Klaus Host", "Dr. Anna Weber", "Peter Müller", "Julia Müller"]
LIST = [Participant(name=name, role=Role.HOST if "Host" in name else Role.EXPERT) for name in PEOPLE]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Guten Abend, mein Name ist Anna Weber.", Told(sign=Sign.MYSELF, person="Dr. Anna Weber")),
        ("Ich bin Peter aus Hamburg.", Told(sign=Sign.MYSELF, person="Peter Müller")),
        ("Ich bin die Anna und arbeite am Netz.", Told(sign=Sign.MYSELF, person="Dr. Anna Weber")),
        ("Hier ist Julia.", Told(sign=Sign.MYSELF, person="Julia Müller")),
        ("Hello, my name is Peter.", Told(sign=Sign.MYSELF, person="Peter Müller")),
        ("This is Anna speaking.", Told(sign=Sign.MYSELF, person="Dr. Anna Weber")),
        ("Peter, was denken Sie?", Told(sign=Sign.OVER, person="Peter Müller")),
        ("Frau Weber, wie sehen Sie das?", Told(sign=Sign.OVER, person="Dr. Anna Weber")),
        ("Ich gebe weiter an Julia.", Told(sign=Sign.OVER, person="Julia Müller")),
        ("Laura, what do you think?", Told(sign=Sign.OVER)),
        ("Kommen wir zur nächsten Frage.", Told(sign=Sign.HOSTING)),
        ("Möchte jemand etwas ergänzen?", Told(sign=Sign.HOSTING)),
        ("Mein Name ist Laura.", None),
        ("Mein Name ist Müller.", None),  # there are two of them
        ("Ich bin sehr froh darüber.", None),
        ("Ich bin Peter dankbar.", None),
        ("Das hat Anna gesagt.", None),
    ],
)
def test_a_sentence_tells_who_speaks(text: str, told: Told | None) -> None:
    """People who name themselves, hosts who hand over and hosts' own phrases are known; talk about people is not."""
    assert read_sign(text, PEOPLE) == told


def cues(*said: str, speakers: tuple[str, ...] = (), pause_ms: int = 500) -> list[Cue]:
    each_ms = 3000
    return [
        Cue(
            id=f"c{n}",
            span=Span(n * (each_ms + pause_ms), n * (each_ms + pause_ms) + each_ms),
            text=text,
            speaker=speakers[n] if speakers else "",
        )
        for n, text in enumerate(said)
    ]


def test_a_turn_lasts_until_the_next_sign_or_a_question() -> None:
    """The host reads a question, whoever answers is unknown; who is asked by name answers, until the host is back."""
    said = cues(
        "Kommen wir zur nächsten Frage.",
        "Was kostet der Anschluss?",
        "Das kommt darauf an.",
        "Anna, was meinen Sie?",
        "Nichts, er ist gratis.",
        "Und zwar immer.",
        "Möchte jemand etwas ergänzen?",
        "Nein.",
    )
    named = [cue.speaker for cue in name_by_signs(said, LIST)]
    assert named == [PEOPLE[0], PEOPLE[0], "", PEOPLE[0], PEOPLE[1], PEOPLE[1], PEOPLE[0], ""]


def test_a_pause_ends_what_a_sign_began() -> None:
    """After a pause anybody may speak."""
    said = cues("Ich bin Peter aus Hamburg.", "Das ist so.", pause_ms=2000)
    assert [cue.speaker for cue in name_by_signs(said, LIST)] == ["Peter Müller", ""]


def test_a_host_who_asks_on_keeps_the_word() -> None:
    """Who was asked by name does not speak the question that follows."""
    said = cues("Anna, was meinen Sie?", "Wird es denn teurer?", "Nein.")
    assert [cue.speaker for cue in name_by_signs(said, LIST)] == [PEOPLE[0], "", ""]


def test_a_label_becomes_the_person_whom_signs_name() -> None:
    """A voice that introduces itself is known everywhere; one sign that two voices share names neither."""
    said = cues(
        "Mein Name ist Anna Weber.",
        "Ich bin Peter aus Hamburg.",
        "Das ist so.",
        "Und ich bin Peter aus Hamburg.",
        speakers=("Spur 2", "Spur 3", "Spur 2", "Spur 1"),
    )
    named = [cue.speaker for cue in name_by_signs(said, LIST)]
    assert named == ["Dr. Anna Weber", "Spur 3", "Dr. Anna Weber", "Spur 1"]


def test_names_that_stand_there_stay() -> None:
    """Captions that name their speakers are believed, whatever is said."""
    said = cues("Mein Name ist Anna Weber.", speakers=("Klaus",))
    assert name_by_signs(said, LIST) == tuple(said)
