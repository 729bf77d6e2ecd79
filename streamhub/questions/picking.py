"""Picking questions out of a chat: which line is one, what its text is, whether it is one too many, what is replied.

Owns the commands and hashtags, the cleaning of a chat line and the rules against repeating and flooding. Pure; refuses
to know which chat it is and where questions are kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from streamhub.errors import BadInput
from streamhub.questions.intake import Standing
from streamhub.questions.question import MAX_NAME_LENGTH, MAX_QUESTION_LENGTH
from streamhub.text import clean_line, fold, words_of

MAX_IN_WINDOW = 3
WINDOW = timedelta(minutes=5)
"""One author may ask `MAX_IN_WINDOW` questions in any stretch of this length."""
MAX_REPLY_LENGTH = 200

_MENTIONS = re.compile(r"(?:@\S+\s+)+")
_NAMED = re.compile(r"@\s?(\S.*)")
_LINK = re.compile(r"(?:https?://|www\.)\S+|(?<!\S)[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}(?:/\S*)?(?!\S)", re.IGNORECASE)
_EMOJI_CODES = re.compile(r"(?<!\S)(?::[A-Za-z][\w-]*:)+(?!\S)")
_PLAIN_NAME = re.compile(r"[\w-][\w -]{0,29}")
_EDGES = " :;,.…|-–—"
_MARKS = _EDGES + "!?()[]\"'„“”‚‘’»«"
_BOUNDARY = r"(?=[\s:;,.…]|$)"
_REPLIES = {
    "de": ("Danke, Ihre Frage ist angekommen. Alle Fragen zum Mitlesen und Abstimmen: {url}", "Danke! Alle Fragen: "),
    "en": ("Thank you, your question has arrived. Read and vote on all questions: {url}", "Thanks! All questions: "),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatWords:
    """What marks a line as a question.

    Attributes:
        commands: a line that begins with one of these is a question.
        hashtags: with their ``#``; a line that holds one of these is a question.
    """

    commands: tuple[str, ...]
    hashtags: tuple[str, ...]


class Surplus(StrEnum):
    """Why a line that asks something becomes no question."""

    REPEATED = "repeated"
    FLOODING = "flooding"


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """A question that came out of the same chat before.

    Attributes:
        author: who asked it, in whatever form; compared only.
        text: its text.
        at: when it was written, UTC.
    """

    author: str
    text: str
    at: datetime


def parse_words(setting: str) -> ChatWords:
    """Read the words of a setting, separated by spaces: hashtags begin with ``#``, all others are commands."""
    words = dict.fromkeys(clean_chat_line(setting).split())
    return ChatWords(
        commands=tuple(word for word in words if not word.startswith("#")),
        hashtags=tuple(word for word in words if word.startswith("#") and len(word) > 1),
    )


def clean_chat_line(text: str) -> str:
    """A line as it may be shown: no hidden characters, single spaces, at most as long as a question; may be empty."""
    return _cut(_clean(text), MAX_QUESTION_LENGTH)


def clean_author(name: str) -> str:
    """A name as it may be shown; may be empty."""
    return _cut(_clean(name), MAX_NAME_LENGTH)


def match_request(text: str, words: ChatWords) -> str | None:
    """What stands in a line beside the command or hashtag that marks it as a question; None: nothing marks it.

    Hashtags at the edges are removed; inside a sentence the word stays and loses its ``#``.
    """
    line = _clean(text)
    command, hashtag = _patterns(words)
    found = command.match(line) if command else None
    rest = line[found.end() :] if found else line
    rest, tags = _without_hashtags(rest, hashtag) if hashtag else (rest, 0)
    if not found and not tags:
        return None
    return _EMOJI_CODES.sub(" ", rest).lstrip(_EDGES).rstrip(" :;,|-–—")


def match_name(rest: str) -> str:
    """The name when what stands beside a command is nothing but ``@name``, as moderators point at somebody's line."""
    found = _NAMED.fullmatch(rest.strip())
    return found[1] if found else ""


def is_name(name: str, author: str) -> bool:
    """Whether a name that somebody typed means this author; accents, capitals and a leading ``@`` do not matter."""
    return bool(fold(author).lstrip("@")) and fold(name).lstrip("@") == fold(author).lstrip("@")


def plan_text(rest: str) -> str:
    """The question's text, cut at a word where it is too long; empty when nothing in it can be a question.

    Links, names and emoji alone are none: something has to be said in letters.
    """
    text = plan_any_text(rest)
    letters = sum(character.isalpha() for character in _LINK.sub(" ", re.sub(r"@\S+", " ", text)))
    return text if letters >= 2 else ""


def plan_any_text(rest: str) -> str:
    """The text of a line that a host takes, whatever is in it; empty only when nothing visible is."""
    line = _clean(rest)
    unaddressed = _MENTIONS.sub("", line, count=1) if line.startswith("@") else line
    shorter = " ".join(_EMOJI_CODES.sub(" ", unaddressed).split())
    return _cut(shorter or line, MAX_QUESTION_LENGTH)


def find_surplus(asked: Earlier, standing: Standing, before: Sequence[Earlier]) -> Surplus | None:
    """Why this would be one question too many of its author, after those before; None when it is welcome.

    Moderators and owners hand on what others ask, so they may ask as much as they like.
    """
    own = [earlier for earlier in before if earlier.author == asked.author]
    said = words_of(asked.text)
    if any(words_of(earlier.text) == said for earlier in own):
        return Surplus.REPEATED
    recent = sum(abs(asked.at - earlier.at) < WINDOW for earlier in own)
    return Surplus.FLOODING if standing is Standing.ANYBODY and recent >= MAX_IN_WINDOW else None


def plan_reply(language: str, names: Sequence[str], url: str) -> str:
    """What the hub says in the chat to those whose questions it took: names as far as they fit, and where to read on.

    Names that are more than a few plain words are left out, lest the hub repeats an address or a slogan in its own
    name. Empty when not even the address fits.
    """
    sentence, short = _REPLIES[language]
    text = sentence.format(url=url)
    if chat_length(text) > MAX_REPLY_LENGTH:
        text = f"{short}{url}"
        return text if chat_length(text) <= MAX_REPLY_LENGTH else ""
    called = ""
    for name in (name.lstrip("@") for name in names):
        if not _PLAIN_NAME.fullmatch(name):
            continue
        longer = f"{called}@{name} "
        if chat_length(longer + text) > MAX_REPLY_LENGTH:
            break
        called = longer
    return called + text


def chat_length(text: str) -> int:
    """Length as chats count it, in UTF-16 units: most emoji are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _clean(text: str) -> str:
    shortened = text[: 20 * MAX_QUESTION_LENGTH]
    try:
        return clean_line(shortened, max_length=4 * len(shortened), what="line")
    except BadInput:
        return ""


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    head = text[:length]  # one character more than fits beside the ellipsis, so that a whole last word stays
    whole = head.rsplit(" ", 1)[0] if " " in head else head[:-1]
    return whole[: length - 1].rstrip(_EDGES) + "…"


@lru_cache(maxsize=8)
def _patterns(words: ChatWords) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    command = hashtag = None
    if words.commands:
        # A command that ends in a sign of its own, such as "frage:", needs no boundary after it.
        ends = [re.escape(word) + ("" if word[-1] in _EDGES else _BOUNDARY) for word in _longest_first(words.commands)]
        command = re.compile(rf"(?:@\S+\s+)*(?:{'|'.join(ends)})", re.IGNORECASE)
    if words.hashtags:
        tags = "|".join(re.escape(word) for word in _longest_first(words.hashtags))
        hashtag = re.compile(rf"(?<![\w&/#=])(?:{tags})(?![\w-])", re.IGNORECASE)
    return command, hashtag


def _longest_first(words: Sequence[str]) -> list[str]:
    return sorted(words, key=len, reverse=True)


def _without_hashtags(line: str, hashtag: re.Pattern[str]) -> tuple[str, int]:
    """The line without the hashtags, and how many there were; those in links are none."""
    kept: list[str] = []
    count = waiting = 0  # hashtags in all; words at the end that may yet turn out to stand inside the sentence
    for token in line.split():
        found = [] if _LINK.match(token) else hashtag.findall(token)
        count += len(found)
        left = hashtag.sub("", token) if found else token
        if not found or left.strip(_MARKS):
            kept.append(left)
            waiting = 0
        elif kept:
            kept.append(token.replace("#", ""))
            waiting += 1
    inside, edge = kept[: len(kept) - waiting], kept[len(kept) - waiting :]
    end = "?" if any(word.endswith("?") for word in edge) and not inside[-1].endswith("?") else ""
    return " ".join(inside) + end, count
