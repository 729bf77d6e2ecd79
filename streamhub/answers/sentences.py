"""Sentences with their times, speakers and what they are in a round table: asking, moderating, closing.

Pure. Owns how a transcript's cues become whole sentences and the phrases by which a host passes from one question to
the next, in German and English. Refuses to know marks and questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streamhub.answers.wording import Stems, stems_of
from streamhub.schedule.show import Role, Session
from streamhub.text import ends_sentence, fold
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Transcript

LONG_PAUSE_MS = 3_000
LONG_SENTENCE_WORDS = 30

# Folded text: lower case, umlauts without dots, ss for sz.
_ANNOUNCES = re.compile(
    r"\b(?:(?:nachste|erste|zweite|letzte|weitere)n? (?:frage|wortmeldung)|frage (?:kommt )?(?:von|aus)|fragen? lautet"
    r"|(?:mochte|will|wollte) (?:gern |gerne )?wissen|hat (?:uns )?gefragt|fragt(?: uns)?\b|kommen wir zu|weiter geht"
    r"|(?:next|first|second|last|another) question|question (?:comes |is )?from|(?:wants|would like) to know"
    r"|\basks\b|\basked us\b|move on to|moving on)"
)
_THANKS = re.compile(
    r"^(?:(?:vielen |herzlichen )?dank|danke|thank you|thanks)\b(?:.*\b(?:frage|question)\b|.{0,20}$)"
    r"|^(?:das ist|that is|that's) (?:eine|a) (?:sehr |very )?(?:gute|gute|good|great) (?:frage|question)"
)
_CLOSES = re.compile(
    r"\b(?:bis (?:nachste|zur nachsten|zum nachsten)|auf wiedersehen|tschuss|schonen abend|see you|good ?bye|bye[- ]bye"
    r"|that(?:'s| is) all (?:for|we have)|das war(?:'s| es)|vielen dank furs? (?:zuhoren|zuschauen|mitmachen)"
    r"|thanks? (?:you )?for (?:watching|listening|joining|tuning))"
)
_PASSES = re.compile(
    r"(?:, (?:was denken sie|was meinen sie|was sagen sie|what do you think|what do you say)\?$)"
    r"|^(?:mochte (?:noch )?jemand|does anyone|would anyone|anything to add)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A sentence of a session.

    Attributes:
        span: session milliseconds.
        text: as in the transcript.
        speaker: name, or empty when unknown.
        by_host: the speaker is known to be a host.
        stems: of its words.
    """

    span: Span
    text: str
    speaker: str = ""
    by_host: bool = False
    stems: Stems = ()

    @property
    def asks(self) -> bool:
        """It ends with a question mark."""
        return self.text.rstrip("\"”“»'’) ").endswith("?")

    @property
    def announces(self) -> bool:
        """The host comes to a question: "Die nächste Frage kommt von ...", "Laura asks ..."."""
        return bool(_ANNOUNCES.search(fold(self.text)))

    @property
    def closes(self) -> bool:
        """The session is being closed."""
        return bool(_CLOSES.search(fold(self.text)))

    @property
    def moderates(self) -> bool:
        """It leads from one answer to the next question: an announcement, thanks for a question, or a closing."""
        folded = fold(self.text)
        return bool(_ANNOUNCES.search(folded) or _THANKS.search(folded) or _CLOSES.search(folded))

    @property
    def passes(self) -> bool:
        """The host passes the word on: what stands after it is still the same answer."""
        return bool(_PASSES.search(fold(self.text)))


def sentences_of(session: Session, transcript: Transcript) -> tuple[Sentence, ...]:
    """Whole sentences of a transcript on the session clock.

    Several sentences in one cue are cut by word times, or by letters where there are none; a sentence that runs over
    several cues of one speaker is joined, unless there is a long pause.
    """
    hosts = {participant.name for participant in session.participants if participant.role is Role.HOST}
    language = transcript.language or session.language
    made = []
    for tokens in _cut(_tokens(transcript.cues)):
        text = " ".join(token.text for token in tokens)
        span = Span(tokens[0].span.start_ms, max(token.span.end_ms for token in tokens))
        speaker = tokens[0].speaker
        stems = stems_of(text, language)
        made.append(Sentence(span=span, text=text, speaker=speaker, by_host=speaker in hosts, stems=stems))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    span: Span
    speaker: str
    ends_cue: bool


def _tokens(cues: Iterable[Cue]) -> list[_Token]:
    tokens: list[_Token] = []
    for cue in cues:
        timed = [(word.text, word.span) for word in cue.words] or _by_letters(cue)
        tokens += [_Token(text, span, cue.speaker, n == len(timed)) for n, (text, span) in enumerate(timed, start=1)]
    return tokens


def _by_letters(cue: Cue) -> list[tuple[str, Span]]:
    words = cue.text.split()
    letters = sum(len(word) for word in words) or 1
    timed, done = [], 0
    for word in words:
        start_ms = cue.span.start_ms + cue.span.duration_ms * done // letters
        done += len(word)
        timed.append((word, Span(start_ms, cue.span.start_ms + cue.span.duration_ms * done // letters)))
    return timed


def _cut(tokens: Sequence[_Token]) -> list[list[_Token]]:
    sentences: list[list[_Token]] = [[]]
    for at, token in enumerate(tokens):
        sentences[-1].append(token)
        if at + 1 < len(tokens) and _ends(token, tokens[at + 1], len(sentences[-1])):
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _ends(token: _Token, following: _Token, length: int) -> bool:
    if following.speaker != token.speaker or following.span.start_ms - token.span.end_ms >= LONG_PAUSE_MS:
        return True
    if token.ends_cue and length >= LONG_SENTENCE_WORDS:  # captions without punctuation
        return True
    return ends_sentence(token.text, following.text)
