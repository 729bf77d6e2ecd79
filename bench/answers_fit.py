"""How much each sign of a question being read aloud is worth: fits `streamhub.answers.witnesses.WEIGHTS`.

Conditional logit on the choosing half of `bench.answer_cases`: among the sentences that may be a question, and "not
read aloud", the right one. Questions as asked and in other words, true words and misheard ones, and for every question
another one of a session in the same language that was never asked here. Prints the weights to paste.

    python -m bench.answers_fit [--data ../shared/data]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from random import Random

import numpy as np

from bench.answer_cases import Case, load_cases
from bench.answer_noise import misheard, with_other_words, without_speakers
from streamhub.answers.sentences import sentences_of
from streamhub.answers.witnesses import SIGN_NAMES, Asked, Hearing
from streamhub.answers.wording import stems_of

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
RIDGE = 0.02
_SAME_MS = 300


def examples(case: Case, others: Sequence[Case], random: Random) -> Iterator[tuple[np.ndarray, int]]:
    """Signs of all candidates of a question, one row each, and the number of the right one; -1 for none of them."""
    for variant in (
        case,
        with_other_words(case, random),
        with_other_words(case, random),
        replace(case, transcript=misheard(case.transcript, random)),
        with_other_words(replace(case, transcript=misheard(case.transcript, random)), random),
        with_other_words(replace(case, transcript=without_speakers(case.transcript)), random),
    ):
        hearing = Hearing(sentences_of(case.session, variant.transcript))
        whole = range(len(hearing.sentences))
        strange = [q.text for other in others if other is not case for q in other.questions]
        for question in variant.questions:
            asked = Asked(stems_of(question.text, case.session.language))
            found = hearing.candidates(asked, whole)
            true_ms = case.truth[question.id][0]
            starts = [abs(hearing.sentences[at].span.start_ms - true_ms) for at in found]
            right = int(np.argmin(starts)) if starts and min(starts) <= _SAME_MS else -1
            yield np.array([astuple(hearing.signs(asked, at)) for at in found]).reshape(-1, len(SIGN_NAMES)), right
            never = Asked(stems_of(random.choice(strange), case.session.language))
            found = hearing.candidates(never, whole)
            yield np.array([astuple(hearing.signs(never, at)) for at in found]).reshape(-1, len(SIGN_NAMES)), -1


def fit(told: Sequence[tuple[np.ndarray, int]], *, rounds: int = 3000, rate: float = 0.05) -> tuple[float, np.ndarray]:
    """Base and weights, none below zero, by gradient ascent (Adam) with a ridge."""
    size = len(SIGN_NAMES) + 1
    weights = np.zeros(size)
    mean, square = np.zeros(size), np.zeros(size)
    data = [(np.hstack([np.ones((len(rows), 1)), rows]), right) for rows, right in told]
    for step in range(1, rounds + 1):
        gradient = -2 * RIDGE * len(data) * weights / 100
        for rows, right in data:
            scores = rows @ weights
            top = max(0.0, scores.max(initial=0.0))
            shares = np.exp(scores - top)
            shares /= shares.sum() + np.exp(-top)
            gradient -= shares @ rows
            if right >= 0:
                gradient += rows[right]
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        weights += rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        weights[1:] = np.maximum(weights[1:], 0)
    return float(weights[0]), weights[1:]


def main() -> None:
    """Print the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED)
    cases = [case for case in load_cases(parser.parse_args().data) if not case.scored]
    told = []
    for case in cases:
        others = [other for other in cases if other.session.language == case.session.language]
        told += list(examples(case, others, Random(case.name)))
    base, weights = fit(told)
    print(f"{len(told)} questions; right one among the candidates of {sum(right >= 0 for _, right in told)}")
    print(f"BASE = {base:.2f}")
    for name, weight in zip(SIGN_NAMES, weights, strict=True):
        print(f"    {name}={weight:.2f},")


if __name__ == "__main__":
    main()
