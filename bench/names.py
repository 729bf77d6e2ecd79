"""Names put right: how many misheard ones are found, and how often a word is replaced that was right.

    python -m bench.names ../shared/data/transcripts            the half that nothing was chosen by
    python -m bench.names ../shared/data/transcripts --choose   limits tried on the other half

Real transcripts: nine Changelog and three Talk Python episodes (English), a question time of the Bundestag (German, in
twelve stretches). What a show would know of each: the names of its speakers, and as a glossary up to 30 words that no
dictionary has, that are written with a capital and are said twice. Every time such a name is said it is misheard, by
rules of how letters sound alike (`CONFUSIONS`, seeded; they know nothing of the codes that the pass compares), one to
three slips, sometimes split in two words or run together. Everything else is as it was, so whatever is replaced there
is a false correction; so is whatever is replaced in the text as it was, with its own names and with those of all other
texts of its language (``strangers``). Files are split by the hash of their name. Real recognisers also mishear what
stands beside a name, and prefer words that exist: figures here are of the pass, not of a show.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from bench.convert_bundestag import parse_bundestag
from bench.convert_changelog import parse_changelog
from streamhub.text import words_of
from streamhub.timecode import Span
from streamhub.transcript import names as pass_
from streamhub.transcript.glossary import Entry, Known, Vocabulary, plan_names
from streamhub.transcript.names import correct_names
from streamhub.transcript.sounds import squash
from streamhub.transcript.transcript import Word
from streamhub.transcript.vtt import parse_vtt
from streamhub.wordforms.common import is_common

CONFUSIONS = {
    "de": "ö>ä ö>e ö>o ü>i ü>u ä>e äu>eu eu>oi ei>ai ie>i th>t ph>f v>f w>v ck>k ch>sch sch>ch tz>z z>ts ss>s ß>ss "
    "dt>t b>p p>b d>t t>d g>k k>g h> er>a y>i y>ü c>k x>chs qu>kw m>n n>m e>ä a>o o>u u>o i>e e> ll>l nn>n tt>t "
    "mm>m l>ll",
    "en": "ph>f f>ph c>k k>c ck>k ee>ea ea>ee i>y y>i ie>y oo>u ou>ow ow>ou ai>ay s>z z>s th>t x>ks j>g g>j gh> kn>n "
    "wh>w qu>kw a>e e>a e>i o>a u>o er>a e> h> m>n b>p d>t g>k v>f r>l ll>l nn>n tt>t ss>s l>ll o>oe i>ie",
}
SPLIT, JOINED = 0.25, 0.1
GLOSSARY = 30
STRETCHES = 12
TRIED = [(0.5, 0.7, 0.75), (0.55, 0.75, 0.75), (0.55, 0.8, 0.8), (0.6, 0.8, 0.8), (0.65, 0.85, 0.85), (0.55, 2.0, 1.0)]
"""Limits that are tried: letters alike where the sound is the same, where it is nearly so, and what nearly is."""
_CORE = re.compile(r"[^\W_](?:.*[^\W_])?")
_SENTENCES = 20


@dataclass(frozen=True, kw_only=True)
class Text:
    """A transcript: words in stretches of about a sentence, and the names that its show would know."""

    name: str
    language: str
    stretches: Sequence[Sequence[str]]
    people: Sequence[str]
    glossary: Sequence[str]

    @property
    def chosen_by(self) -> bool:
        return sha256(self.name.encode()).digest()[0] % 2 == 0

    @property
    def vocabulary(self) -> Vocabulary:
        return plan_names(
            Known(language=self.language, people=self.people, show=[Entry(said=one) for one in self.glossary])
        )

    @property
    def words(self) -> int:
        return sum(map(len, self.stretches))


@dataclass
class Score:
    """Counts; ``wrong_*`` are edits in the words of names."""

    names: int = 0
    name_words: int = 0
    wrong_before: int = 0
    wrong_after: int = 0
    mended: int = 0
    to_another: int = 0
    words: int = 0
    false: int = 0
    clean_words: int = 0
    clean_false: int = 0
    strange_words: int = 0
    strange_false: int = 0
    seconds: float = 0.0

    def row(self) -> str:
        return (
            f"names {self.names:5d}  WER {self.wrong_before / max(1, self.name_words):6.1%} -> "
            f"{self.wrong_after / max(1, self.name_words):6.1%}  whole {self.mended / max(1, self.names):6.1%}  "
            f"another name {self.to_another / max(1, self.names):5.2%}  false per 1,000: beside "
            f"{per_1000(self.false, self.words)}, clean {per_1000(self.clean_false, self.clean_words)}, "
            f"strangers {per_1000(self.strange_false, self.strange_words)}"
        )


def per_1000(count: int, words: int) -> str:
    return f"{1000 * count / max(1, words):.3f}"


def load_texts(data: Path) -> list[Text]:
    texts = []
    for path in sorted((data / "changelog").glob("*.md")):
        turns = parse_changelog(path.read_text("utf-8"))
        speakers = {turn.speaker for turn in turns if len(turn.speaker.split()) == 2}
        texts.append(make_text(path.stem, "en", [turn.text for turn in turns], sorted(speakers)))
    for path in sorted((data / "talkpython").glob("*.vtt")):
        captions = parse_vtt(path.read_text("utf-8"), path.name, language="en")
        texts.append(make_text(path.stem, "en", [cue.text for cue in captions.cues], []))
    (path,) = (data / "bundestag").glob("*.json")
    turns, _ = parse_bundestag(json.loads(path.read_text("utf-8")))
    size = -(-len(turns) // STRETCHES)
    for number in range(STRETCHES):
        part = turns[number * size : (number + 1) * size]
        speakers = {turn.speaker for turn in part}
        texts.append(make_text(f"bundestag-{number}", "de", [turn.text for turn in part], sorted(speakers)))
    return texts


def make_text(name: str, language: str, paragraphs: Iterable[str], people: Sequence[str]) -> Text:
    stretches = []
    for paragraph in paragraphs:
        words = paragraph.split()
        stretches += [words[at : at + _SENTENCES] for at in range(0, len(words), _SENTENCES)]
    parts = {part for person in people for part in person.split()}
    counted = Counter(
        core
        for words in stretches
        for place, word in enumerate(words)
        if (core := core_of(word))[:1].isupper() and place and not words[place - 1].endswith((".", "?", "!", ":"))
    )
    strange = [
        word
        for word, count in counted.most_common()
        if count > 1 and len(word) >= 4 and word not in parts and word.isalpha()
        if not is_common(word, "de") and not is_common(word, "en")
    ]
    return Text(name=name, language=language, stretches=stretches, people=people, glossary=strange[:GLOSSARY])


def core_of(word: str) -> str:
    match = _CORE.search(word)
    return match[0] if match else ""


def find_names(words: Sequence[str], text: Text) -> list[tuple[int, int]]:
    """Where names are said: first word and how many, the longest first, none inside another."""
    wanted = {tuple(name.split()) for name in (*text.people, *text.glossary)}
    wanted |= {(part,) for person in text.people for part in person.split() if len(part) >= 4}
    cores = [core_of(word) for word in words]
    found, place = [], 0
    while place < len(words):
        count = next((n for n in (4, 3, 2, 1) if len(one := tuple(cores[place : place + n])) == n and one in wanted), 0)
        if count:
            found.append((place, count))
        place += count or 1
    return found


def mishear(name: Sequence[str], language: str, lots: random.Random) -> list[str]:
    """A name as a recogniser might write it: other than it was said."""
    for _ in range(50):
        words = [slip(word, language, lots) for word in name]
        if len(words) == 1 and len(words[0]) >= 7 and lots.random() < SPLIT:
            words = split(words[0], lots)
        elif len(words) == 2 and lots.random() < JOINED:
            words = [words[0] + words[1].lower()]
        if words_of(" ".join(words)) != words_of(" ".join(name)):
            return words
    return [*name[:-1], f"{name[-1]}e"]


def slip(word: str, language: str, lots: random.Random) -> str:
    for _ in range(lots.choices((0, 1, 2, 3), (1, 5, 3, 1))[0]):
        rules = [rule.split(">") for rule in CONFUSIONS[language].split()]
        fitting = [(old, new) for old, new in rules if old in word.lower()[1:] or (old in word.lower() and new)]
        if not fitting:
            break
        old, new = lots.choice(fitting)
        places = [at for at in range(len(word)) if word.lower().startswith(old, at) and (at or new)]
        at = lots.choice(places)
        word = word[:at] + (new.capitalize() if at == 0 else new) + word[at + len(old) :]
    return word


def split(word: str, lots: random.Random) -> list[str]:
    places = [at for at in range(3, len(word) - 2) if word[at] not in "aeiouäöüy" and word[at + 1] in "aeiouäöüy"]
    if not places:
        return [word]
    at = lots.choice(places)
    second = word[at:]
    return [word[:at], second.capitalize() if lots.random() < 0.5 else second]


def timed(words: Sequence[str], number: int = 0) -> list[Word]:
    return [Word(word, Span(1000 * (number + n), 1000 * (number + n) + 1000)) for n, word in enumerate(words)]


def distance(left: Sequence[str], right: Sequence[str]) -> int:
    before = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
        before = row
    return before[-1]


def score_stretch(
    words: Sequence[str], text: Text, vocabulary: Vocabulary, lots: random.Random, score: Score, *, show: bool
) -> None:
    said, slots = [], []
    place = 0
    for start, count in find_names(words, text):
        said += words[place:start]
        name = [core_of(word) for word in words[start : start + count]]
        heard = mishear(name, text.language, lots)
        after = words[start + count - 1].rpartition(name[-1])[2]
        slots.append((len(said), len(said) + len(heard), name, heard))
        said += [*heard[:-1], heard[-1] + after]
        place = start + count
    said += words[place:]
    before = timed(said)
    began = time.process_time()
    after_pass = correct_names(before, vocabulary, text.language)
    score.seconds += time.process_time() - began
    inside: set[int] = set()
    known = {" ".join(words_of(name)) for name in vocabulary.names}
    for first, last, name, heard in slots:
        got = [one.text for one in after_pass if one.span.start_ms < 1000 * last and one.span.end_ms > 1000 * first]
        inside |= set(range(first, last))
        right, now = words_of(" ".join(name)), words_of(" ".join(got))
        score.names += 1
        score.name_words += len(right)
        score.wrong_before += distance(right, words_of(" ".join(heard)))
        score.wrong_after += distance(right, now)
        score.mended += right == now
        if show and right != now:
            print(f"    missed: {' '.join(name)!r} heard {' '.join(heard)!r} -> {' '.join(got)!r}")
        score.to_another += now != right and now != words_of(" ".join(heard)) and " ".join(now) in known
    score.words += len(said) - len(inside)
    score.false += sum(
        not inside & set(range(span.start_ms // 1000, -(-span.end_ms // 1000))) for span, _, _ in find_false(after_pass)
    )


def find_false(words: Sequence[Word]) -> list[tuple[Span, str, str]]:
    """What was replaced though it was right; capitals and spaces as the glossary has them are what it is for."""
    found = []
    for heard, group in groupby(words, key=lambda word: word.heard):
        said = list(group)
        text = " ".join(word.text for word in said)
        if heard and squash(heard) != squash(text):
            found.append((Span(said[0].span.start_ms, said[-1].span.end_ms), heard, text))
    return found


def count_false(stretches: Sequence[Sequence[str]], vocabulary: Vocabulary, language: str, show: bool) -> int:
    false = 0
    for words in stretches:
        for _, heard, said in find_false(correct_names(timed(words), vocabulary, language)):
            false += 1
            if show:
                print(f"    false: {heard!r} -> {said!r}")
    return false


def measure(texts: Sequence[Text], everything: Sequence[Text], *, seed: int, show: bool = False) -> Score:
    score = Score()
    for text in texts:
        lots = random.Random(f"{seed}-{text.name}")
        for words in text.stretches:
            score_stretch(words, text, text.vocabulary, lots, score, show=show)
        score.clean_words += text.words
        score.clean_false += count_false(text.stretches, text.vocabulary, text.language, show)
        own = {word for words in text.stretches for one in words for word in words_of(one)}
        strangers = [other for other in everything if other.language == text.language and other.name != text.name]
        names = {name for other in strangers for name in (*other.people, *other.glossary)}
        kept = sorted(name for name in names if not set(words_of(name)) & own)
        vocabulary = plan_names(Known(language=text.language, people=kept))
        score.strange_words += text.words
        score.strange_false += count_false(text.stretches, vocabulary, text.language, show)
    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--choose", action="store_true", help="try limits on the choosing half")
    parser.add_argument("--grid", action="store_true", help="try limits, on every fourth stretch")
    parser.add_argument("--show", action="store_true", help="print false corrections")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    texts = load_texts(options.data)
    mine = [text for text in texts if text.chosen_by == options.choose]
    print(f"{'choosing' if options.choose else 'scored'} half: {', '.join(text.name for text in mine)}")
    if options.grid:
        mine = [replace(text, stretches=text.stretches[::4]) for text in mine]
    for same, near, sounds in TRIED if options.grid else [limits()]:
        pass_.LIKE_SAME, pass_.LIKE_NEAR, pass_.SOUNDS_NEAR = same, near, sounds
        print(f"letters alike {same} (same sound), {near} (sound {sounds})")
        for language in ("de", "en"):
            some = [text for text in mine if text.language == language]
            score = measure(some, texts, seed=options.seed, show=options.show)
            print(
                f"  {language}  {score.row()}  {1000 * score.seconds / max(1, score.words / 1000):.0f} ms CPU per 1,000"
            )


def limits() -> tuple[float, float, float]:
    return pass_.LIKE_SAME, pass_.LIKE_NEAR, pass_.SOUNDS_NEAR


if __name__ == "__main__":
    main()
