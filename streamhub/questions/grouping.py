"""Which questions belong together, and which words tell their group from the others.

Owns the graph of nearest neighbours, its communities (Louvain) and the labels (class-based TF-IDF). Pure: the same
questions give the same groups. Refuses to know hosts' wishes (`streamhub.questions.clusters`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import networkx

from streamhub.questions.finding import QuestionFinder
from streamhub.questions.likeness import Entry
from streamhub.questions.wordbag import STOP_WEIGHT, TextReader

NEIGHBOURS = 10
MAX_RESOLUTION = 3.0
RESOLVED_QUESTIONS = 100
"""Up to so many questions the plain modularity does; more of them have more topics, up to `MAX_RESOLUTION`."""

EDGE_FLOOR = 0.18
SEED = 7
LABEL_WORDS = 3

Neighbours = Mapping[str, Sequence[tuple[str, float]]]
"""For each question the questions that are most like it, with how like they are."""


def find_neighbours(finder: QuestionFinder, entries: Sequence[Entry]) -> Neighbours:
    """The nearest questions of each of these questions, all of which the finder holds."""
    return {
        entry.key: [(match.key, match.score) for match in finder.find_like(entry.key, limit=NEIGHBOURS)]
        for entry in entries
    }


def find_groups(neighbours: Neighbours) -> list[frozenset[str]]:
    """Questions that belong together; those that are like no other stay out."""
    graph = networkx.Graph()
    for question_id in sorted(neighbours):
        for other, score in neighbours[question_id]:
            if score >= EDGE_FLOOR:
                known = graph.get_edge_data(question_id, other, {"weight": 0.0})["weight"]
                graph.add_edge(question_id, other, weight=max(known, score))
    if not graph:
        return []
    resolution = min(MAX_RESOLUTION, max(1.0, math.sqrt(len(neighbours) / RESOLVED_QUESTIONS)))
    found = networkx.community.louvain_communities(graph, resolution=resolution, seed=SEED)
    return sorted((frozenset(group) for group in found if len(group) > 1), key=lambda group: (-len(group), min(group)))


def find_central(group: frozenset[str], neighbours: Neighbours) -> str:
    """The question that is most like the others of its group; the first of several."""
    likeness: Counter[str] = Counter(dict.fromkeys(group, 0))
    for question_id in group:
        for other, score in neighbours.get(question_id, ()):
            if other in group:
                likeness[other] += round(score * 1e6)
                likeness[question_id] += round(score * 1e6)
    return min(group, key=lambda question_id: (-likeness[question_id], question_id))


def label_groups(groups: Mapping[str, frozenset[str]], texts: Mapping[str, Entry]) -> dict[str, str]:
    """Words that tell each group from the others: those that are frequent in it and rare elsewhere, as people write.

    The weight is class-based TF-IDF: how often a stem stands in the group, times log(1 + mean group / all its places).
    """
    reader = TextReader()
    counts: dict[str, Counter[str]] = {}
    surfaces: dict[str, Counter[str]] = {}
    for group, members in groups.items():
        counts[group] = Counter()
        for member in sorted(members):
            _count_stems(reader, texts[member], counts[group], surfaces)
    everywhere = sum(counts.values(), Counter[str]())
    mean = everywhere.total() / max(1, len(counts))

    def weight(group: str, stem: str) -> float:
        return counts[group][stem] * math.log(1 + mean / everywhere[stem])

    return {
        group: ", ".join(
            _surface(surfaces[stem])
            for stem in sorted(found, key=lambda stem: (-weight(group, stem), stem))[:LABEL_WORDS]
        )
        for group, found in counts.items()
    }


def _count_stems(reader: TextReader, entry: Entry, counts: Counter[str], surfaces: dict[str, Counter[str]]) -> None:
    for key, (word, _) in reader.read(entry.text, entry.language).items():
        token = reader.analyse(key, word, entry.language)
        if token.weight <= STOP_WEIGHT or not token.terms or len(word.pieces[0]) < 2:
            continue
        stem = token.terms[0][0]
        counts[stem] += 1
        surfaces.setdefault(stem, Counter())[entry.text[word.start : word.end]] += 1


def _surface(written: Counter[str]) -> str:
    return min(written, key=lambda form: (-written[form], form))
