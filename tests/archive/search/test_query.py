"""Asking the built index, as people ask."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from streamhub.archive.search.concepts import Concept
from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.archive.search.index import plan_index
from streamhub.archive.search.query import SearchIndex, count_values, search, weigh_concept
from streamhub.archive.search.synonyms import parse_synonyms
from streamhub.errors import BadInput
from streamhub.wordforms.analysis import Language


@pytest.fixture(scope="module")
def german(files: dict[str, bytes]) -> SearchIndex:
    return SearchIndex(files.__getitem__, "de")


@pytest.fixture(scope="module")
def english(files: dict[str, bytes]) -> SearchIndex:
    return SearchIndex(files.__getitem__, "en")


def find(index: SearchIndex, query: str) -> list[str]:
    return [hit.id for hit in search([index], query).hits]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Router defekt", "router"),
        ("defekte Router", "router"),
        ("Kündigungen", "kuendigung"),
        ("kuendigung", "kuendigung"),
        ("kundigung", "kuendigung"),
        ("KÜNDIGUNG", "kuendigung"),
        ("Waermepumpe altes Haus", "waermepumpe"),
        ("Heizung", "waermepumpe"),
        ("Wärme Pumpe", "waermepumpe"),
        ("Amts-Leitung", "leitung"),
        ("Routerstörung", "router"),
        ("Vorlauftemp", "waermepumpe"),
        ("Amtsletung", "leitung"),
        ("Ruoter", "router"),
        ("Kündigug", "kuendigung"),
        ("Kündiugng", "kuendigung"),
        ("Kündigu", "kuendigung"),
        ("fritzbox7590", "fritz"),
        ("FritzBox", "fritz"),
        ("fritz box 7590", "fritz"),
        ("7590", "fritz"),
        ("8.02", "fritz"),
        ("Was mache ich, wenn mein Router defekt ist?", "router"),
        ("Julia Rechnung", "gekuendigt"),
    ],
)
def test_german_questions_find_their_answer(german: SearchIndex, query: str, first: str) -> None:
    """Inflection, umlauts in every way, compounds, prefixes, slips and whole questions lead to the right answer."""
    assert find(german, query)[0] == first


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("broken routers", "router-en"),
        ("cancelling a contract", "cancel-en"),
        ("cancelation", "cancel-en"),
        ("smartmeter", "meter-en"),
        ("fowarding numbers", "meter-en"),
        ("replac", "router-en"),
        ("missi", "meter-en"),
        ("cancelli", "cancel-en"),
        ("What should I do when the router is broken?", "router-en"),
    ],
)
def test_english_questions_find_their_answer(english: SearchIndex, query: str, first: str) -> None:
    """The same in English."""
    assert find(english, query)[0] == first


def test_head_of_compounds(german: SearchIndex) -> None:
    """A part finds all compounds with it, inflected ones, too."""
    assert set(find(german, "Leitung")) == {"leitung", "rauschen"}


def test_participle_and_infinitive_meet(german: SearchIndex) -> None:
    """The infinitive finds the participle and the other way round, the word as asked first."""
    assert set(find(german, "kündigen")) == {"kuendigung", "gekuendigt"}
    assert find(german, "gekündigt") == ["gekuendigt", "kuendigung"]
    assert find(german, "gekündigter") == ["gekuendigt", "kuendigung"]


@pytest.mark.parametrize(("language", "query"), [("en", "missi"), ("de", "Kündigu")])
def test_a_beginning_is_no_slip(files: dict[str, bytes], language: Language, query: str) -> None:
    """Letters that belong to an ending are the beginning of a word, and nothing is said to be corrected."""
    found = search([SearchIndex(files.__getitem__, language)], query)
    assert (found.total > 0, found.corrections) == (True, {})


@pytest.mark.parametrize(
    ("said", "query"),
    [("Handys", "Handy"), ("Akku", "Akkus"), ("klemmt", "klemmendes"), ("Krankengeld", "Krankegeld")],
)
def test_forms_that_stems_keep_apart(make_document: Callable[..., SearchDocument], said: str, query: str) -> None:
    """Plurals in s, present participles, and a slip in a compound whose halves are known find their word."""
    texts = {"right": f"Ihr {said} dort.", "sick": "Wer krank ist, bleibt fort.", "money": "Das Geld ist fort."}
    files = plan_index([make_document(key, question=text) for key, text in texts.items()])
    assert find(SearchIndex(files.__getitem__, "de"), query)[0] == "right"


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("Wie richte ich den neuen Router ein?", "Router einrichten"),
        ("Wir ziehen im März um. Was muss ich tun?", "umziehen"),
        ("Wie melde ich mich bei Ihnen an?", "anmelden"),
        ("Die Lampe am Router schaltet sich abends ab, warum?", "Router abschalten"),
        ("Wo lade ich meine Rechnung herunter?", "Rechnung herunterladen"),
        ("Rufen Sie mich auch zurück?", "zurückrufen"),
    ],
)
def test_verbs_in_two_parts_are_found_in_one(
    make_document: Callable[..., SearchDocument], question: str, query: str
) -> None:
    """What is asked with a verb in two parts is found by the verb that people type, and first."""
    asked = make_document(id="asked", question=question, date="2026-01-01")
    other = make_document(id="other", question="Wo steht der Router mit der Rechnung?", date="2027-01-01")
    index = SearchIndex(plan_index([asked, other]).__getitem__, "de")
    assert find(index, query)[0] == "asked"
    assert not search([index], query).corrections


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("Kann man den Router selbst einrichten?", "wie richte ich den router ein"),
        ("Was kostet es, einen Router einzurichten?", "Router einrichten"),
        ("Umziehen mit Anschluss", "wir ziehen um, was nun?"),
        ("Geht es, sich auch ohne Karte anzumelden?", "Wie melde ich mich an?"),
        ("Kann man mich zurückrufen?", "rufen sie auch zurück"),
        ("Wer hat die Rufnummer hinzugefügt?", "Rufnummer hinzufügen"),
        ("Wir sind umgezogen, was nun?", "umziehen"),
        ("Wo wird die verlorene Karte gesperrt?", "Karte verlieren"),
        ("Ist die Rechnung heruntergeladen?", "Wie lade ich die Rechnung herunter?"),
    ],
)
def test_verbs_in_one_part_are_found_in_two(
    make_document: Callable[..., SearchDocument], question: str, query: str
) -> None:
    """Who types a question finds what is said in one word, also with "zu" within it, and with a participle."""
    said = make_document(id="said", question=question, date="2026-01-01")
    other = make_document(
        id="other", question="Wo steht der Router mit der Rufnummer, und wen rufen?", date="2027-01-01"
    )
    index = SearchIndex(plan_index([said, other]).__getitem__, "de")
    assert find(index, query)[0] == "said"
    assert not search([index], query).corrections


def test_scattered_halves_count_less_where_somebody_has_the_word(make_document: Callable[..., SearchDocument]) -> None:
    """Everyday halves of a compound that an answer has are no sign of it; where nobody has it, they stand for it."""
    others = [make_document(f"other{n}", question="Die Zahl vom Stand") for n in range(9)]
    noise = [make_document(f"noise{n}", question="Nichts davon") for n in range(90)]
    word = make_document("word", question="Den Zählerstand")
    shares = []
    for documents in ([word, *others, *noise], [*others, *noise]):
        index = SearchIndex(plan_index(documents).__getitem__, "de")
        concept = Concept(word="zahlerstand", terms={"zahlerstand": 1.0}, halves=("zahl", "stand"))
        found, _ = weigh_concept(index, concept)
        by_id = {index.find_id(ordinal): share for ordinal, (_, share) in found.items()}
        shares.append((by_id.get("word"), by_id["other1"] < 0.6, by_id["other1"] == 1))
    assert shares == [(1, True, False), (None, False, True)]


def test_result_jumps_to_the_second(german: SearchIndex) -> None:
    """A hit carries the turn that says it, and an address with whole seconds, rounded down."""
    [hit, *_] = search([german], "Telefonleitung").hits
    assert (hit.id, hit.start_ms, hit.speaker, hit.url) == ("rauschen", 21_999, "Julia", "answers/rauschen/?t=21")
    [hit, *_] = search([german], "Feuchtigkeit").hits
    assert hit.url == "answers/rauschen/?t=5"


def test_match_in_the_question_starts_at_the_first_turn(german: SearchIndex) -> None:
    """Where no turn says what was asked for, the answer begins at its beginning."""
    [hit] = search([german], "Gewitter").hits
    assert (hit.id, hit.start_ms) == ("rauschen", 5_000)


def test_written_answer_has_no_second(make_document: Callable[..., SearchDocument]) -> None:
    """An answer without turns is shown by its text, and its address has no time."""
    files = plan_index([make_document("w", url="a/?x=1", answer_text="Die Zwiebel hilft.")])
    [hit] = search([SearchIndex(files.__getitem__, "de")], "Zwiebel").hits
    assert (hit.start_ms, hit.url, hit.text) == (None, "a/?x=1", "Die Zwiebel hilft.")


def test_time_is_added_to_an_address_with_a_query(make_document: Callable[..., SearchDocument]) -> None:
    """The time joins what the address has already."""
    document = make_document("w", url="a/?x=1", turns=(Turn(start_ms=61_000, text="Zwiebel"),))
    [hit] = search([SearchIndex(plan_index([document]).__getitem__, "de")], "Zwiebel").hits
    assert hit.url == "a/?x=1&t=61"


def test_all_words_come_before_some(make_document: Callable[..., SearchDocument]) -> None:
    """An answer with all words beats one that repeats a single one, and the latter is still found."""
    documents = [
        make_document("some", question="Zwiebel Zwiebel Zwiebel"),
        make_document("all", question="Frage", answer_text="Die Zwiebel und dazu noch manches andere, auch Quitten."),
    ]
    assert find(SearchIndex(plan_index(documents).__getitem__, "de"), "Zwiebel Quitte") == ["all", "some"]


def test_newest_first_on_ties(make_document: Callable[..., SearchDocument]) -> None:
    """Of equal answers the newer comes first."""
    documents = [make_document(f"d{year}", question="Zwiebel", date=f"{year}-05-05") for year in (2024, 2026, 2025)]
    assert find(SearchIndex(plan_index(documents).__getitem__, "de"), "Zwiebel") == ["d2026", "d2025", "d2024"]


def test_stop_words_count_only_alone(german: SearchIndex) -> None:
    """A question of nothing but small words is answered by them; beside others they are left out."""
    assert find(german, "der")
    assert find(german, "der die das Router") == find(german, "Router")


def test_corrections_are_reported(german: SearchIndex) -> None:
    """A corrected word is told; a known one is not corrected."""
    assert search([german], "Ruoter defekt").corrections == {"ruoter": ("rout",)}
    assert search([german], "Router defekt").corrections == {}


def test_nothing_found(german: SearchIndex) -> None:
    """A word that nobody said, and that resembles nothing, finds nothing; an empty query neither."""
    for query in ("Quittengelee", "", "???"):
        assert search([german], query).total == 0


def test_other_language_is_merged_by_score(german: SearchIndex, english: SearchIndex) -> None:
    """Both languages at once: each with its own analysis, one ranking."""
    result = search([german, english], "Router")
    assert {hit.id for hit in result.hits} == {"router", "router-en"}
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)
    assert {hit.language for hit in result.hits} == {"de", "en"}


def test_limit_cuts_hits_and_not_the_count(german: SearchIndex) -> None:
    """The count tells how many there are, however few are loaded."""
    result = search([german], "Anna", limit=1)
    assert len(result.hits) == 1
    assert result.total == 3


def test_only_needed_files_are_read(files: dict[str, bytes]) -> None:
    """A known word reads the manifest, one shard, one table and the answers shown; no vocabulary."""
    seen: list[str] = []

    def read(path: str) -> bytes:
        seen.append(path)
        return files[path]

    index = SearchIndex(read, "de")
    search([index], "Router Anna Peter Julia")
    assert not [path for path in seen if "/v-" in path]
    assert len(seen) == len(set(seen))


def test_files_on_disk_do_as_well(files: dict[str, bytes], tmp_path: Path) -> None:
    """The reader is a function: written files are asked the same way."""
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    assert find(SearchIndex(lambda path: (tmp_path / path).read_bytes(), "de"), "Router")[0] == "router"


@pytest.mark.parametrize(
    ("pattern", "data"),
    [("/s-", b"\x1f\x8bnonsense"), ("/v-", b"\x1f\x8b"), ("/m.json", b"{"), ("answers/router.json", b"<html>")],
)
def test_damaged_files_are_named(files: dict[str, bytes], pattern: str, data: bytes) -> None:
    """A file that was cut short or replaced is named, and the reader told what to do."""
    damaged = {path: data if pattern in path else content for path, content in files.items()}
    with pytest.raises(BadInput, match=f"{pattern}.*build the site again"):
        search([SearchIndex(damaged.__getitem__, "de")], "Quittengelee Router")


def test_index_of_another_version_is_refused(files: dict[str, bytes]) -> None:
    """An index that this program cannot read says so and what to do."""
    manifest = json.loads(files["search/de/m.json"]) | {"version": 99}
    changed = files | {"search/de/m.json": json.dumps(manifest).encode()}
    with pytest.raises(BadInput, match=r"index version 99.*build the site again"):
        SearchIndex(changed.__getitem__, "de")


def test_facets_narrow_down(german: SearchIndex) -> None:
    """Results can be narrowed to a topic, a person, a year; counts say how many there would be."""
    assert {hit.id for hit in search([german], "Anna", chosen={"topic": "Telefon"}).hits} == {"leitung", "rauschen"}
    assert search([german], "Anna", chosen={"topic": "Telefon", "speaker": "Julia"}).total == 1
    assert search([german], "Anna", chosen={"topic": "telefon"}).total == 0
    assert count_values(german, "Anna", "topic") == {"Telefon": 2}
    assert count_values(german, "Anna", "speaker", {"topic": "Telefon"})["Julia"] == 1
    assert count_values(german, "", "year") == {"2026": 7}


def test_a_choice_without_words_shows_everything_that_has_it(german: SearchIndex) -> None:
    """Without a query, the chosen value's answers come newest first."""
    result = search([german], "", chosen={"topic": "Verträge"})
    assert [hit.id for hit in result.hits] == ["gekuendigt", "kuendigung"]


def test_spellings_of_one_topic_are_one(make_document: Callable[..., SearchDocument]) -> None:
    """Topics that differ in case alone are one value, written as most write it."""
    documents = [
        make_document(f"d{n}", topics=(title,)) for n, title in enumerate(["Solar", "solar", "Solar", " \x00"])
    ]
    assert count_values(SearchIndex(plan_index(documents).__getitem__, "de"), "", "topic") == {"Solar": 3}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('"Router ist defekt"', ["router"]),
        ('"Router defekt"', []),
        ("„ist defekt“ Hotline", ["router"]),
        ('"Feuchtigkeit im Verteiler ist die häufigste Ursache. Lassen Sie"', ["rauschen"]),
        ('"FRITZ!Box 7590"', ["fritz"]),
        ('"der Kündigung" "Monat vorher"', ["kuendigung"]),
        ('"der Kündigung" "Monat nachher"', []),
    ],
)
def test_quoted_words_stand_as_they_are(german: SearchIndex, query: str, found: list[str]) -> None:
    """Words in quotation marks are found in this order only, also from one cue to the next."""
    assert find(german, query) == found


def test_synonyms_find_each_other(make_document: Callable[..., SearchDocument]) -> None:
    """Each word of an owner's group finds the others, both ways and in several words, below the word itself."""
    documents = [
        make_document("trunk", question="Was kostet ein Trunk?"),
        make_document("line", question="Wie viele Amtsleitungen brauchen wir?"),
        make_document("meter", question="Wo hängt der intelligente Zähler?"),
    ]
    text = "# ours\n[de]\nAmtsleitung, Trunk\nSmartmeter, intelligenter Zähler\n[en]\ncat, dog"
    files = plan_index(documents, synonyms=parse_synonyms(text))
    index = SearchIndex(files.__getitem__, "de")
    assert find(index, "Amtsleitung") == ["line", "trunk"]
    assert find(index, "Trunks") == ["trunk", "line"]
    assert find(index, "Smartmeter") == ["meter"]
    assert search([index], "Trunks").corrections == {}


def test_shipped_synonyms_can_be_taken_away(make_document: Callable[..., SearchDocument]) -> None:
    """Everyday synonyms are there without a file, and an owner's file takes one away."""
    documents = [make_document("one", question="Mein Mobiltelefon lädt nicht")]
    assert find(SearchIndex(plan_index(documents).__getitem__, "de"), "Handy") == ["one"]
    files = plan_index(documents, synonyms=parse_synonyms("[de]\n-Handy"))
    assert find(SearchIndex(files.__getitem__, "de"), "Handy") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a, b", "line 1: no language"),
        ("[de]\n\nallein", "line 3: 1 words in a group"),
        ("[fr]\na, b", r"line 1: '\[fr\]' is no language"),
        ("[de]\n" + ", ".join("abcdefghijklmnopqrstuvwxyz"), "line 2: 26 words"),
    ],
)
def test_bad_synonyms_are_refused_by_line(text: str, message: str) -> None:
    """A line that cannot be read is named."""
    with pytest.raises(BadInput, match=message):
        parse_synonyms(text)


def test_newer_answers_weigh_a_little_more(make_document: Callable[..., SearchDocument]) -> None:
    """Of two answers that say as much the newer comes first; one that says more stays before it."""
    documents = [
        make_document("old", answer_text="Zwiebel " * 4, date="2020-01-01"),
        make_document("new", answer_text="Zwiebel", date="2026-01-01"),
        make_document("newest", answer_text="Zwiebel", date="2026-06-01"),
    ]
    assert find(SearchIndex(plan_index(documents).__getitem__, "de"), "Zwiebel") == ["old", "newest", "new"]


def test_speech_lies_apart(make_document: Callable[..., SearchDocument]) -> None:
    """Speech outside answers is in an index of its own and leads to the session at the second."""
    speech = make_document(
        "s1.1", kind="speech", url="s/s1/", question="Abend", turns=(Turn(start_ms=61_000, text="Quitten sind reif."),)
    )
    files = plan_index([make_document("s1.1", question="Äpfel"), speech])
    assert find(SearchIndex(files.__getitem__, "de"), "Quitten") == []
    [hit] = search([SearchIndex(files.__getitem__, "de", kind="speech")], "Quitte").hits
    assert hit.url == "s/s1/?t=61"
    assert "speech/s1.1.json" in files
