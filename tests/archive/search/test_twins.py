"""Python and the browser's scripts agree, word by word and query by query."""

import base64
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamhub.archive.search.document import FACETS, SearchDocument
from streamhub.archive.search.query import SearchIndex, count_values, search
from streamhub.archive.search.spelling import find_corrections, measure_distance
from streamhub.wordforms.analysis import Analyzer, spell_umlauts_plainly, split_words
from streamhub.wordforms.nouns_de import SERVICE_NOUNS
from streamhub.wordforms.particles import VERB_PREFIXES
from streamhub.wordforms.stopwords import STOP_WORDS
from streamhub.wordforms.strong_verbs import STRONG_VERBS

Run = Callable[[str, Any], Any]

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "site" / "static"
SHARED = ROOT.parent / "shared"
ODD_TEXTS = [
    "FRITZ!Box 7590, FRITZ!OS 8.02; Amts-Leitung AT&T don't geht's router's Kund:innen Kund*innen user_name",
    "ÄÖÜäöüßẞ İstanbul ΣΊΣΥΦΟΣ Ørsted Łódź naïve Ångström ﬁber ｗｉｄｅ ½ m² ℡ ① Ⅷ 1.000,50 12:30",
    "Amts\u00adleitung ver\u200bteilt \u202egnutieL\u202c \x00\x07 \ufeffBOM e\u0301te\u0301 a\u0308rger",
    "kündigen gekündigt gemeldet abgeschaltet eingerichtet zurückgesetzt geht gesagt Gerät kuendigung neue Steuer",
    "einzurichten hinzugefügt durchgeführter umzuziehen auszubildenden runtergeladen bereitgestellt anzugen zuzu",
    "Привет мир 東京都 한국어 عربي हिन्दी 😀 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐐷𐐷 --- ... !!! '' -a- a--b a-b-c-d-e-f '' x'",
    "<script>alert('1')</script> &amp; &#x27; \\u0041 ${x} {{y}}",
]
ENGLISH_STEMS = [
    "cancel",
    "record",
    "organ",
    "interfer",
    "intern",
    "commun",
    "gener",
    "arsen",
    "port",
    "switch",
    "install",
    "repair",
    "connect",
    "measur",
    "heat",
]
ENGLISH_ENDINGS = [
    "",
    "s",
    "ed",
    "ing",
    "ation",
    "ations",
    "er",
    "ers",
    "ise",
    "izing",
    "ment",
    "ly",
    "'s",
    "able",
    "ies",
]
GERMAN_ENDINGS = [
    "",
    "s",
    "n",
    "en",
    "er",
    "ern",
    "e",
    "es",
    "ung",
    "ungen",
    "lich",
    "keit",
    "isch",
    "st",
    "tet",
    "innen",
]

ANALYSE = """
async function run({ language, texts }) {
  const analyzer = await analysis.createAnalyzer(language);
  return texts.map((text) =>
    analysis.splitWords(text).map((word) => [
      text.slice(word.start, word.end),
      word.pieces,
      [...analyzer.wordTerms(word)],
      word.pieces.map(analysis.spellUmlautsPlainly),
    ]),
  );
}
"""

SEARCH = """
async function run({ files, queries, languages, chosen, facets }) {
  const read = async (path) => new Uint8Array(Buffer.from(files[path], "base64"));
  const indexes = await Promise.all(languages.map((language) => engine.SearchIndex.open(read, language)));
  const found = [];
  for (const query of queries) {
    const { total, hits, corrections } = await engine.search(indexes, query, { chosen });
    const counts = [];
    const all = await engine.findOrdinals(indexes[0], query);
    for (const facet of facets) {
      counts.push(Object.fromEntries(await engine.countValues(indexes[0], all, facet, chosen)));
    }
    found.push({
      total,
      counts,
      hits: hits.map(({ id, score, turn, language }) => [id, language, score, turn?.start_ms ?? null]),
      corrections: Object.fromEntries([...corrections].map(([word, { terms }]) => [word, terms])),
    });
  }
  return found;
}
"""

DISTANCES = """
async function run({ pairs, words, vocabulary }) {
  const analyzer = await analysis.createAnalyzer("de");
  return [
    pairs.map(([left, right]) => engine.measureDistance(left, right, 2)),
    words.map((word) => engine.findCorrections(word, new Map(vocabulary), (text) => analyzer.stem(text))),
  ];
}
"""


def german_words() -> list[str]:
    """Nouns with endings, and some thousand compounds of them, as service talk forms them."""
    heads = SERVICE_NOUNS[::7]
    firsts = SERVICE_NOUNS[::11]
    compounds = (first + link + head.lower() for first in firsts for head in heads for link in ("", "s"))
    inflected = (noun + ending for noun in SERVICE_NOUNS for ending in GERMAN_ENDINGS)
    return [*inflected, *compounds, *participles(), *STOP_WORDS["de"]]


def participles() -> list[str]:
    """Every strong participle with what parts from verbs and what does not, and some endings."""
    starts = [*(f"{prefix}ge" for prefix in ["", *VERB_PREFIXES.split("|")]), "be", "ver", "über", "unter", "miss", ""]
    return [start + verb + ending for start in starts for verb in STRONG_VERBS for ending in ("", "e", "er", "est")]


def stored_texts() -> list[str]:
    """Real talk, where this machine has it; else nothing."""
    folder = SHARED / "data" / "transcripts"
    paths = sorted(path for path in folder.rglob("*") if path.suffix in {".md", ".vtt", ".json"})
    return [path.read_text(encoding="utf-8", errors="replace")[:60_000] for path in paths]


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_word_is_analysed_alike(run_node: Run, language: str) -> None:
    """Places, pieces, terms and weights of tens of thousands of words are the same in Python and in JavaScript."""
    english = [stem + ending for stem, ending in itertools.product(ENGLISH_STEMS, ENGLISH_ENDINGS)]
    texts = [*ODD_TEXTS, " ".join(german_words()), " ".join([*english, *STOP_WORDS["en"]]), *stored_texts()]
    analyzer = Analyzer(language)  # type: ignore[arg-type]
    expected = [
        [
            [
                text[word.start : word.end],
                list(word.pieces),
                [list(pair) for pair in analyzer.word_terms(word).items()],
                [spell_umlauts_plainly(piece) for piece in word.pieces],
            ]
            for word in split_words(text)
        ]
        for text in texts
    ]
    assert sum(map(len, expected)) > 30_000
    got = run_node(ANALYSE, {"language": language, "texts": texts})
    for left, right in zip(expected, got, strict=True):
        different = [pair for pair in zip(left, right, strict=True) if pair[0] != pair[1]]
        assert different == []


OVERLOOKED = """
async function run({ language, texts }) {
  const analyzer = await analysis.createAnalyzer(language);
  const words = texts.flatMap((text) => analysis.splitWords(text));
  const mayHave = (word, term) => engine.mayHaveTerm(word, new Set(term[0]));
  const overlooks = (word) => ![...analyzer.wordTerms(word).keys()].every((term) => mayHave(word, term));
  const spared = words.filter((word) => !engine.mayHaveTerm(word, new Set("rd"))).length;
  return [words.filter(overlooks).map(({ pieces }) => pieces), spared, words.length];
}
"""


@pytest.mark.parametrize("language", ["de", "en"])
def test_no_term_is_overlooked_by_its_initial(run_node: Run, language: str) -> None:
    """Every term of every word is one that it may have by its initial; most words are told apart by that alone."""
    english = [stem + ending for stem, ending in itertools.product(ENGLISH_STEMS, ENGLISH_ENDINGS)]
    texts = [*ODD_TEXTS, " ".join([*german_words(), *english, *STOP_WORDS["en"]]), *stored_texts()]
    overlooked, spared, words = run_node(OVERLOOKED, {"language": language, "texts": texts})
    assert overlooked == []
    assert spared > 0.7 * words > 20_000


QUERIES = [
    *("Router", "Router defekt", "defekte Router", "Leitung", "leitungen", "Amts-Leitung", "Wärme Pumpe", "der", ""),
    *("kündigen", "gekündigt", "kuendigung", "Kündigug", "Ruoter", "Amtsletung", "Routerstörung", "Heizung", "Kün"),
    *("FritzBox", "fritz box 7590", "8.02", "Anna Peter", "Was mache ich, wenn mein Router defekt ist?", "???", "Haus"),
    *(
        "smart meter",
        "smartmeter",
        "cancelation contract",
        "fowarding",
        "don't",
        "broken routers",
        "<b>router</b>",
        "re",
    ),
    *(
        '"defekter Router"',
        "„eine neue Amtsleitung“ Anna",
        '"Router defekt"',
        "«the broken router»",
        'Router "kaputt',
        '""',
    ),
    *(
        "Kündiugng",
        "gekündigte Verträge",
        "Handys",
        "klemmende",
        "Telefonleitunng",
        "fritzbox7590",
        "fritzb7590",
        "x7590",
        "Kündigu",
        "missi",
        "relocat",
    ),
    *(
        "Wie richte ich den Router ein?",
        "router an, leitung aus",
        "wir ziehen um",
        "zurück",
        "Richte Amts-Ein",
        "an",
        "melde (an) ab…",
    ),
    *("Handy kaputt", "Apparat hin", "Fest Netz", "Datenschutz DSGVO", "smart meters", "cell phone broken", "KI"),
]


@pytest.mark.parametrize(
    ("languages", "chosen"),
    [
        (["de"], {}),
        (["en"], {}),
        (["de", "en"], {}),
        (["de", "en"], {"speaker": "Anna", "year": "2026"}),
        (["de"], {"topic": "Telefon"}),
        (["de"], {"topic": "nobody's"}),
    ],
)
def test_every_query_is_answered_alike(
    run_node: Run, files: dict[str, bytes], languages: list[Any], chosen: dict[str, str]
) -> None:
    """Order, scores, turns, counts and corrections are the same in Python and in JavaScript."""
    indexes = [SearchIndex(files.__getitem__, language) for language in languages]
    expected = []
    for query in QUERIES:
        result = search(indexes, query, chosen=chosen)
        expected.append(
            {
                "total": result.total,
                "counts": [count_values(indexes[0], query, facet, chosen) for facet in FACETS],
                "hits": [[hit.id, hit.language, hit.score, hit.start_ms] for hit in result.hits],
                "corrections": {word: list(terms) for word, terms in result.corrections.items()},
            }
        )
    packed = {path: base64.b64encode(data).decode() for path, data in files.items()}
    got = run_node(
        SEARCH, {"files": packed, "queries": QUERIES, "languages": languages, "chosen": chosen, "facets": FACETS}
    )
    assert dict(zip(QUERIES, got, strict=True)) == dict(zip(QUERIES, expected, strict=True))
    assert sum(entry["total"] for entry in expected) > 10 or chosen.get("topic") == "nobody's"


def test_slips_are_judged_alike(run_node: Run, archive: list[SearchDocument]) -> None:
    """Distances and corrections are the same in Python and in JavaScript."""
    words = [piece for document in archive for word in split_words(document.question) for piece in word.pieces]
    pairs = [[left, right] for left in words for right in words]
    wrong = [word[: n % len(word)] + word[n % len(word) + 1 :] for n, word in enumerate(words)]
    stem = Analyzer("de").stem
    vocabulary = {stem(word): 1 + n % 5 for n, word in enumerate(words)}
    distances, corrections = run_node(
        DISTANCES, {"pairs": pairs, "words": wrong, "vocabulary": list(vocabulary.items())}
    )
    assert distances == [measure_distance(left, right, 2) for left, right in pairs]
    assert [tuple(found) for found in corrections] == [find_corrections(word, vocabulary, stem=stem) for word in wrong]


@pytest.mark.parametrize("name", ["analysis.js", "search-engine.js", "search.js"])
def test_scripts_keep_to_the_policy(name: str) -> None:
    """No script parses text as HTML or as code, none reaches for another host, and none is inline."""
    text = (STATIC / name).read_text(encoding="utf-8")
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "https:/",
    ):
        assert forbidden not in text
