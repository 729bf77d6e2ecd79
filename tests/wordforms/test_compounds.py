"""German compounds."""

import pytest

from streamhub.wordforms import analysis, compounds
from streamhub.wordforms.analysis import Analyzer
from streamhub.wordforms.compounds import CompoundSplitter, learn_nouns, learn_splitter
from streamhub.wordforms.nouns_de import SERVICE_NOUNS


@pytest.fixture(scope="module")
def splitter() -> CompoundSplitter:
    return learn_splitter([], stem=Analyzer("de").stem, service_nouns=SERVICE_NOUNS)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("amtsleitung", {"amt", "leitung"}),
        ("telefonanlagen", {"telefon", "anlagen"}),
        ("versicherungsbeitrag", {"versicherung", "beitrag"}),
        ("familienversicherung", {"familie", "versicherung"}),
        ("bundesamt", {"bund", "amt"}),
        ("kinderzimmer", {"kind", "zimmer"}),
        ("mietvertrag", {"miete", "vertrag"}),
        ("schulbuch", {"schule", "buch"}),
        ("hilfsprogramm", {"hilfe", "programm"}),
        ("datenschutz", {"daten", "schutz"}),
        ("fussbodenheizung", {"fuss", "boden", "heizung"}),
        ("glasfaseranschluss", {"glas", "faser", "anschluss"}),
        ("thermostatventil", {"thermostat", "ventil"}),
        ("zahlerstand", {"zahler", "stand"}),
    ],
)
def test_service_compounds_split(splitter: CompoundSplitter, word: str, parts: set[str]) -> None:
    """Compounds of service nouns give their parts, over linking elements, in any number."""
    assert parts <= set(splitter.split(word))


@pytest.mark.parametrize(
    "word",
    ["thermostat", "erfahrung", "leistung", "auftrag", "mannschaft", "vermieter", "kundigung", "einfach", "unterwegs"],
)
def test_simple_words_stay_whole(splitter: CompoundSplitter, word: str) -> None:
    """A word that only looks like a compound is not split."""
    assert splitter.split(word) == ()


def test_nouns_are_learned_inside_sentences() -> None:
    """A capital inside a sentence makes a noun; one at its start, or a word mostly written small, does not."""
    nouns, counts = learn_nouns(
        ["Gestern kam der Zwiebelfisch. Laufen ist gesund, und laufen wollen alle beim Laufen oder laufen."]
    )
    assert nouns == {"zwiebelfisch"}
    assert counts["laufen"] == 4


def test_parts_are_learned_from_the_archive() -> None:
    """Nouns of the archive's own field are parts, and so is a first part that three compounds share."""
    texts = [
        "Wir sahen die Muffe und den Zwickel.",
        "Der Muffenzwickel, das Trockenrohr, die Trockenhaube und das Trockenbett.",
        "Es gibt eine Haube und ein Trockenmuffe genanntes Teil.",
    ]
    splitter = learn_splitter(texts, stem=Analyzer("de").stem, service_nouns=["Rohr", "Bett"])
    assert set(splitter.split("muffenzwickel")) == {"muffe", "zwickel"}
    assert set(splitter.split("trockenrohr")) == {"trocken", "rohr"}


@pytest.mark.parametrize("word", ["", "x", "a" * 500, "leitung" * 40, "123456789", "лестничная"])
def test_odd_words_are_left_alone(splitter: CompoundSplitter, word: str) -> None:
    """Whatever is no word of a sensible length is not split, and costs no time."""
    assert splitter.split(word) == ()


def test_what_strangers_type_fills_no_memory(splitter: CompoundSplitter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ever new words only so many stay in memory, however long they are, and known ones are read as before."""
    monkeypatch.setattr(analysis, "MAX_REMEMBERED", 50)
    monkeypatch.setattr(compounds, "MAX_REMEMBERED", 50)
    analyzer = Analyzer("de")
    parts = splitter.split("telefonanlagen")
    for number in range(1000):
        letters = "".join(chr(97 + number // 26**place % 26) for place in range(3))
        analyzer.stem(letters + "x" * number)
        splitter.split(f"{letters}leitung")
    assert len(analyzer._stems) <= 50
    assert len(splitter._memory) <= 60
    assert max(map(len, analyzer._stems)) <= analysis.MAX_TERM_LENGTH
    assert splitter.split("telefonanlagen") == parts
    before = analysis._fold_pieces.cache_info().currsize
    words = list(
        analysis.split_words(" ".join("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 200 for _ in range(3)))
    )
    assert len(words) == 3
    assert analysis._fold_pieces.cache_info().currsize == before
