"""The labelled questions that likeness is measured on, and their three parts.

Every set is an archive and questions with the places of their right answers in it. The questions are parted by a hash
of their text, so that the parts stay the same whatever else changes: *choosing* is for choosing constants, *checking*
for seeing whether a choice holds, *held out* for the figure that is reported. What was looked at before this rule
existed is said in `SEEN`.

In the data folder: banking77 (five questions of each intent of the training file are the archive, the test file asks),
COVID-QA (the distinct first questions of pairs are the archive, the second questions of like pairs ask), XQuAD (240
passages are the archive, 1,190 questions ask). Never asked about while anything was chosen, and read only when it was
all chosen: the rest of banking77's training file; and, where a folder is named with ``--unseen``,

- ``clinc150/data_full.json`` (clinc/oos-eval @828f8093, CC BY 3.0): five training questions of each of 150 intents are
  the archive, ten test questions of each ask; 1,000 questions of no intent say what the floors let through;
- ``stsb/stsb-{de,en}-{dev,test}.csv`` (PhilipMay/stsb-multi-mt @30de0dec, licence of STSbenchmark): pairs of sentences
  that people judged at least 4 of 5 alike; the first ones are the archive, the second ones ask. German by machine
  translation, and hardly a question among them: it is there for want of another German set.
"""

from __future__ import annotations

import csv
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from streamhub.wordforms.analysis import Language

SETS = Path(__file__).resolve().parents[2] / "shared" / "data" / "questions"
PARTS = ("choosing", "checking", "held out")
MOST = 300
SEEN = {
    "banking77": "half",
    "covid EN": "half",
    "covid DE": "half",
    "XQuAD EN": "half",
    "XQuAD DE": "half",
}
"""How much of a set's questions was looked at while constants were chosen, before the parts were made: the weights of
words were chosen on one half of each set and the encoder's on another, after the rest had been in view as well. So
"held out" means for these sets: not used in the choice that stands now."""

Asked = tuple[str, frozenset[int]]


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A labelled set.

    Attributes:
        name, language: of the set.
        archive: the texts to find.
        asked: questions, each with the places of its right answers in the archive.
        strangers: questions that nothing in the archive is like; empty: those of other sets.
    """

    name: str
    language: Language
    archive: Sequence[str]
    asked: Sequence[Asked]
    strangers: Sequence[str] = field(default=())

    def part(self, name: str, most: int = MOST) -> list[Asked]:
        """The questions of one part, the first of them by their hash: an encoder takes its time."""
        found = sorted((_hash(text), text, right) for text, right in self.asked if part_of(text) == name)
        return [(text, right) for _, text, right in found[:most]]


def part_of(text: str) -> str:
    """Which part a question belongs to."""
    return PARTS[_hash(text) % len(PARTS)]


def _hash(text: str) -> int:
    return int.from_bytes(sha256(text.encode("utf-8")).digest()[:8], "big")


def load_sets(folder: Path) -> list[Labelled]:
    """The sets of the data folder."""
    covid = [_load_covid(folder, language) for language in ("en", "de")]
    return [_load_banking(folder, "test"), *covid, *(_load_xquad(folder, language) for language in ("en", "de"))]


def load_unseen(folder: Path, other: Path | None) -> list[Labelled]:
    """What was never asked about: the rest of banking77's training file, and the sets of the other folder."""
    sets = [_load_banking(folder, "train")]
    if other is not None:
        sets += [_load_clinc(other), *(_load_stsb(other, language) for language in ("en", "de"))]
    return sets


def _load_banking(folder: Path, asking: str) -> Labelled:
    archive = _draw(
        _by_label((row["text"], row["category"]) for row in _read(folder / "banking77" / "train.csv")), 5, 7
    )
    places, known = _places(archive), {text for text, _ in archive}
    rows = _read(folder / "banking77" / f"{asking}.csv")
    asked = [(row["text"].strip(), places[row["category"]]) for row in rows if row["text"].strip() not in known]
    if asking == "train":
        asked = random.Random(11).sample(asked, 1500)
    name = "banking77" if asking == "test" else "banking77+"
    return Labelled(name=name, language="en", archive=[text for text, _ in archive], asked=asked)


def _load_covid(folder: Path, language: Language) -> Labelled:
    rows = _read(folder / "covidqa" / f"eval_question_similarity_{language}.csv")
    pairs = [(row["question_1"].strip(), row["question_2"].strip()) for row in rows if row["similar"] == "1"]
    archive = list(dict.fromkeys(row["question_1"].strip() for row in rows))
    return _paired(f"covid {language.upper()}", language, archive, pairs)


def _load_stsb(folder: Path, language: Language) -> Labelled:
    pairs = []
    for part in ("dev", "test"):
        with (folder / "stsb" / f"stsb-{language}-{part}.csv").open(encoding="utf-8", newline="") as file:
            pairs += [(left.strip(), right.strip()) for left, right, score in csv.reader(file) if float(score) >= 4]
    pairs = [(left, right) for left, right in pairs if left != right]
    archive = list(dict.fromkeys(left for left, _ in pairs))
    return _paired(f"STSb {language.upper()}", language, archive, pairs)


def _paired(name: str, language: Language, archive: Sequence[str], pairs: Iterable[tuple[str, str]]) -> Labelled:
    places, asked = {text: place for place, text in enumerate(archive)}, defaultdict(set)
    for left, right in pairs:
        asked[right].add(places[left])
    found = [(text, frozenset(right)) for text, right in asked.items()]
    return Labelled(name=name, language=language, archive=archive, asked=found)


def _load_xquad(folder: Path, language: Language) -> Labelled:
    archive: list[str] = []
    asked: list[Asked] = []
    for article in read_xquad(folder, language):
        for paragraph in article["paragraphs"]:
            archive.append(paragraph["context"])
            asked += [(question["question"], frozenset({len(archive) - 1})) for question in paragraph["qas"]]
    return Labelled(name=f"XQuAD {language.upper()}", language=language, archive=archive, asked=asked)


def _load_clinc(folder: Path) -> Labelled:
    found = json.loads((folder / "clinc150" / "data_full.json").read_text("utf-8"))
    archive = _draw(_by_label(found["train"]), 5, 7)
    places = _places(archive)
    asked = [(text, places[label]) for text, label in _draw(_by_label(found["test"]), 10, 11)]
    strangers = [text for text, _ in found["oos_test"]]
    return Labelled(
        name="CLINC150", language="en", archive=[text for text, _ in archive], asked=asked, strangers=strangers
    )


def _by_label(rows: Iterable[Sequence[str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for text, label in rows:
        found[label].append(text.strip())
    return found


def _draw(texts: Mapping[str, list[str]], each: int, seed: int) -> list[tuple[str, str]]:
    lot = random.Random(seed)
    return [(text, label) for label in sorted(texts) for text in lot.sample(texts[label], each)]


def _places(archive: Sequence[tuple[str, str]]) -> Mapping[str, frozenset[int]]:
    places: dict[str, set[int]] = defaultdict(set)
    for place, (_, label) in enumerate(archive):
        places[label].add(place)
    return {label: frozenset(found) for label, found in places.items()}


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_banking(folder: Path) -> list[tuple[str, str]]:
    """All of banking77: text and intent."""
    rows = [row for name in ("train", "test") for row in _read(folder / "banking77" / f"{name}.csv")]
    return [(row["text"].strip(), row["category"]) for row in rows]


def read_xquad(folder: Path, language: Language) -> list[dict]:
    """The articles of XQuAD as they stand in the file."""
    return json.loads((folder / "xquad" / f"xquad.{language}.json").read_text("utf-8"))["data"]
