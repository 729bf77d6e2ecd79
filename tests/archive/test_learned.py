"""What a correction of words teaches about the next recording, and what it does not."""

from __future__ import annotations

import pytest

from streamhub.archive.learned import find_learned
from streamhub.archive.review import Edit
from streamhub.timecode import Span
from streamhub.transcript.rules import interpolate_words


def edit(before: str, after: str, *, heard: dict[str, str] | None = None, action: str = "words") -> Edit:
    words = [
        [word.text, 0, 1, 1.0, *([heard[word.text]] if heard and word.text in heard else [])]
        for word in interpolate_words(before, Span(0, 1_000))
    ]
    old, new = {"text": before, "words": words}, {"text": after, "words": []}
    return Edit(action=action, answer_id="a", before={"cue:de:c1": old}, after={"cue:de:c1": new})


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        ("Bei Strihmhab gibt es das.", "Bei Streamhub gibt es das.", (("Strihmhab", "Streamhub"),)),
        ("Bei Strihm Hab gibt es das.", "Bei Streamhub gibt es das.", (("Strihm Hab", "Streamhub"),)),
        ("Das sagt „Wäber, Julja“.", "Das sagt „Wöber, Julia“.", (("Wäber", "Wöber"), ("Julja", "Julia"))),
        ("Frau Meyer sagt das heute.", "Frau Maier sagt das heute.", (("Meyer", "Maier"),)),
        ("wir nutzen kubernetties und girops heute oft", "wir nutzen Kubernetes und GitOps heute oft",
         (("kubernetties", "Kubernetes"), ("girops", "GitOps"))),
        ("we run on kubectuttle here now", "we run on KubeCuttle here now", (("kubectuttle", "KubeCuttle"),)),
    ],
)  # fmt: skip
def test_names_are_learned(before: str, after: str, pairs: tuple[tuple[str, str], ...]) -> None:
    """A name or two, put right amid words that stay, are remembered without their punctuation."""
    assert find_learned(edit(before, after)) == pairs


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Das kostet nicht viel.", "Das kostet immer viel."),
        ("Ich sehe den Vertrag so.", "Ich sehe dem Vertrag so."),
        ("Die Wärmepumpe läuft noch gut.", "Die Wärmepumpen läuft noch gut."),
        ("Ein Strihmhab war das.", "Alles anders, Streamhub kam neu."),
        ("Wir gehen zum Markt heute.", "Wir gehen zum Kartoffelsack heute."),
        ("Da war Strihmhab.", "Da war."),
        ("Da war ja.", "Da war Streamhub ja."),
        ("da war der weg noch weit", "da war der Weg noch weit"),
        ("so a b c d wie nie", "so Ax Bx Cx Dx wie nie"),
    ],
)
def test_other_corrections_teach_nothing(before: str, after: str) -> None:
    """Grammar, endings, other contents, rewritten sentences, additions and capitals are no names."""
    assert find_learned(edit(before, after)) == ()


def test_what_was_heard_is_learned() -> None:
    """A word that a machine had put right is learned as it was heard; put back, it is to be left alone next time."""
    changed = {"Jared": "Jerod"}
    assert find_learned(edit("Das sagt Jared jetzt.", "Das sagt Gerrod jetzt.", heard=changed)) == (
        ("Jerod", "Gerrod"),
    )
    assert find_learned(edit("Das sagt Jared jetzt.", "Das sagt Jerod jetzt.", heard=changed)) == (("Jerod", "Jerod"),)
    assert find_learned(edit("Bei Strihmhab ist es.", "Bei Streamhub ist es.", action="undo")) == ()
