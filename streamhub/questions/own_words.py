"""What somebody wrote into a mail: without what he quoted, without greeting, signature and small print.

Pure rules on lines of text, German and English. When in doubt a line stays: a line too many is edited away in a
moment, a lost question never comes back. Patterns are linear, since the text is a stranger's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

MAX_TEXT = 100_000
"""Longer texts are cut: nobody asks a question of that length below what he quotes."""
MAX_LINE = 2000
_SHORT = 100
"""Greetings and closings are at most that long."""
_WRAPPED = 50
"""A line at least this long was probably broken by a program and not by its author."""
_LOOK_AHEAD = 8
_A_REMARK = 15
"""Somebody who hands on a mail with at most so many words of his own, such as "zur Info", asks what it asks."""

_DIVIDER = re.compile(
    r"\s*+[-_=*]{2}[-_=*\s]*+\b(original[- ]?(?:message|nachricht)|ursprüngliche (?:nachricht|mail)|reply message)"
    r"\b[-_=*\s:]*",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"[-_=*\s]*\b(forwarded message|begin forwarded message|weitergeleitete (?:nachricht|e-?mail)|"
    r"anfang der weitergeleiteten (?:nachricht|e-?mail)|forwarded by [^\n]{0,80})\b[-_=*\s:]*",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"\*?\s*(von|from|gesendet|sent|datum|date|an|to|cc|kopie|betreff|subject|antwort an|reply-to)\s*:\s*\*?.*",
    re.IGNORECASE,
)
_SENDER = re.compile(r"\*?\s*(von|from)\s*:\s*\*?\s*\S.*", re.IGNORECASE)
_RULE = re.compile(r"\s*(?:[-_=*]\s?){10,}\s*")
_INTRODUCES = re.compile(
    r"(?:am|on|le|den)\b.{4,200}\b(?:schrieb|wrote|geschrieben)\b.{0,160}:|"
    r".{2,160}\b(?:schrieb|wrote|hat)\b.{0,60}\b(?:am|on|um|at)\b.{4,120}:|"
    r".{0,40}<[^<>@\s]+@[^<>\s]+>.{0,60}\b(?:schrieb|wrote)\b.{0,80}:",
    re.IGNORECASE,
)
_EXACT = re.compile(r"\d{1,2}[:.]\d{2}\b.{0,200}<[^\s<>@]+@[^\s<>@]+>|<[^\s<>@]+@[^\s<>@]+>.{0,200}\d{1,2}[:.]\d{2}\b")
_DATED = re.compile(r"\d{1,2}[:.]\d{2}|\d{1,2}\.\s?(?:\d{1,2}|\w{3,9})|\d{4}|\d{1,2}/\d{1,2}")
_QUOTED = re.compile(r"\s{0,3}>")
_SIGNATURE = "-- "
_DASH = re.compile(r"\s*(?:—|–|-{2,}|_{3,})\s*")
_DEVICE = re.compile(
    r"[\s(]*(?:(?:diese (?:nachricht|e-?mail) wurde )?(?:von|gesendet von|gesendet mit|gesendet über|sent from|"
    r"sent with|sent via|sent using|get|holen sie sich)|outlook für)\b[^?]{0,80}"
    r"\b(?:iphone|ipad|ios|android|handy|smartphone|samsung|galaxy|huawei|outlook|mail|mail-?app|yahoo|proton ?mail|"
    r"gmx|web\.de|telekom|t-online|blackberry|windows|thunderbird|tablet|mobilgerät|gerät|device|phone|mobiltelefon)\b"
    r"[^?]{0,40}",
    re.IGNORECASE,
)
_NAMES = (
    r"[\s,.!;:–-]*(?:(?:aus|vom|von|from)\s+[\w.-]+(?:\s[\w.-]+){0,3}"
    r"|(?-i:[A-ZÄÖÜ])[\w.'’-]*(?:[\s,]+(?-i:[A-ZÄÖÜ])[\w.'’-]*){0,3})?[.!,;]*"
)
_CLOSING = re.compile(
    r"\s*(?:(?:(?:vielen|besten|herzlichen|lieben)\s+dank|danke)\s+und\s+|thanks\s+and\s+)?(?:"
    r"(?:mit\s+)?(?:(?:ganz\s+|sehr\s+)?(?:freundliche|viele|beste|liebe|herzliche|schöne|sonnige|nette|kollegiale)[nm]?"
    r"\s+)(?:und\s+\w+\s+)?gr(?:uß|üße|uss|uesse|üsse)n?"
    r"|gruß|grüße|gruss|grüsse|hochachtungsvoll|mfg|vg|lg|bg"
    r"|(?:with\s+)?(?:kind|best|warm|warmest|kindest)\s+(?:regards|wishes)|regards|best|cheers"
    r"|(?:yours\s+)?(?:sincerely|faithfully|truly)(?:\s+yours)?"
    rf"){_NAMES}",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\s*(?:(?:(?:vielen|besten|herzlichen|lieben)\s+)?dank|danke|(?:many\s+)?thanks|thank\s+you)"
    r"(?:\s+(?:(?:schon\s+)?(?:mal\s+)?im\s+voraus|sehr|schön|in\s+advance|again|very\s+much|so\s+much))?"
    rf"{_NAMES}",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"\s*p\.?\s?s\.?\s*[:.]?\s+\S", re.IGNORECASE)
_GREETING = re.compile(
    r"\s*(?:hallo|hi|hey|hello|moin(?: moin)?|servus|grüß gott|guten (?:tag|morgen|abend)|sehr geehrte[rs]?|"
    r"liebe[rs]?|dear|good (?:morning|afternoon|evening|day)|werte[rs]?)"
    r"(?:,?\s+(?:zusammen|liebes|liebe|das|an alle|ihr|alle|und|all|everyone|everybody|there|team|folks|sirs?|madam|or|"
    r"the|(?:dr|prof)\.|(?-i:[A-ZÄÖÜ])[\w.'’-]*)){0,6}\s*[,!.:]*",
    re.IGNORECASE,
)
_CONFIDENTIAL = re.compile(
    r"vertrauliche (?:und|oder|informationen)|nicht der (?:richtige|beabsichtigte) (?:adressat|empfänger)"
    r"|irrtümlich (?:erhalten|zugestellt)|confidential(?:ity)?\b.{0,200}\b(?:intended|recipient|privileged)"
    r"|intended (?:solely|only) for|if you (?:have received this|are not the (?:intended|named))"
    r"|(?:think|denken sie) .{0,40}(?:before printing|drucken)|consider the environment|virenfrei|virus-?free",
    re.IGNORECASE,
)
_IMPRINT = re.compile(
    r"(?:geschäftsführe\w+|vorstand|managing directors?)\s*(?:\([^)]{0,10}\))?\s*:|amtsgericht|registergericht"
    r"|\bHR[AB]\s?\d|ust-?id|sitz der gesellschaft|registered (?:office|in)|tel(?:efon)?\.?\s*:|fax\s*:|www\.",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s*(?:[-*•–]\s|\d{1,2}[.)]\s)")


def find_own_words(text: str, *, forwarded: bool = False) -> str:
    """What the author wrote; may be empty.

    Args:
        text: the mail's text, quoted lines with ``>``.
        forwarded: whether the mail hands on another one: where its author added nothing, that one is what is asked.
    """
    unified = text[:MAX_TEXT].replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    lines = [line[:MAX_LINE] if line == _SIGNATURE else line[:MAX_LINE].rstrip() for line in unified.split("\n")]
    own, rest = _split_at_quote(lines)
    said = _tidy(own)
    handed_on = forwarded or any(_FORWARD.fullmatch(line) for line in rest[:1])
    if not rest or not handed_on:
        return said
    passed_on = find_own_words("\n".join(_without_headers(rest)))
    return passed_on if len(said.split()) <= _A_REMARK and passed_on else f"{said}\n\n{passed_on}".strip()


def _split_at_quote(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines above what is quoted as a whole, without lines that are quoted by their sign, and what is quoted."""
    own: list[str] = []
    number = 0
    signs = sum(bool(_QUOTED.match(line)) for line in lines)
    while number < len(lines):
        line = lines[number]
        if begins := _introduction_length(lines, number):
            rest = lines[number + begins :]
            following = next((one for one in rest if one.strip()), "")
            if not _QUOTED.match(following):
                return own, list(rest)
            number += begins
            continue
        if _begins_quote(lines, number):
            return own, list(lines[number:])
        if not (_QUOTED.match(line) and not _is_comparison(line, signs)):
            own.append(line)
        number += 1
    return own, []


def _is_comparison(line: str, signs: int) -> bool:
    """Whether a single line begins with a sign because of what it says: "> 50 Mbit/s kommen nie an"."""
    return signs == 1 and bool(re.match(r"\s{0,3}>\s?\d", line))


def _begins_quote(lines: Sequence[str], number: int) -> bool:
    """Whether everything from this line on is another mail."""
    line = lines[number]
    if not line.strip():
        return False
    if _DIVIDER.fullmatch(line) or _FORWARD.fullmatch(line):
        return True
    if _RULE.fullmatch(line):
        following = next((n for n in range(number + 1, len(lines)) if lines[n].strip()), None)
        return following is not None and _begins_headers(lines, following)
    return _begins_headers(lines, number)


def _begins_headers(lines: Sequence[str], number: int) -> bool:
    """Whether a block such as "Von: … Gesendet: … An: … Betreff: …" begins here."""
    if not _SENDER.fullmatch(lines[number]):
        return False
    near = [line for line in lines[number + 1 : number + 1 + _LOOK_AHEAD] if line.strip()]
    return sum(bool(_HEADER.fullmatch(line)) for line in near) >= 2


def _introduction_length(lines: Sequence[str], number: int) -> int:
    """How many lines from here on say "Am … schrieb …:" about what follows; 0: none do."""
    if not lines[number].strip() or _QUOTED.match(lines[number]):
        return 0
    joined = ""
    for length in (1, 2, 3):
        if number + length > len(lines) or not lines[number + length - 1].strip():
            return 0
        joined = f"{joined} {lines[number + length - 1].strip()}".strip()
        if len(joined) > 400:
            return 0
        if joined.endswith(":") and _INTRODUCES.fullmatch(joined) and _DATED.search(joined):
            following = next((one for one in lines[number + length :] if one.strip()), "")
            if _QUOTED.match(following) or not following or _EXACT.search(joined):
                return length
    return 0


def _without_headers(lines: Sequence[str]) -> list[str]:
    """What a forwarded mail says: from behind its headers on, with a quoting sign taken off."""
    bare = [re.sub(r"^\s{0,3}>\s?", "", line) for line in lines]
    number = 0
    while number < len(bare) and (
        not bare[number].strip()
        or _DIVIDER.fullmatch(bare[number])
        or _FORWARD.fullmatch(bare[number])
        or _RULE.fullmatch(bare[number])
        or _HEADER.fullmatch(bare[number])
    ):
        number += 1
    return bare[number:]


def _tidy(lines: Sequence[str]) -> str:
    kept = _without_signature(_without_device(lines))
    return _joined(_without_greeting(_without_small_print(_without_device(kept))))


def _without_device(lines: Sequence[str]) -> list[str]:
    """Cut a last line that names a device or program."""
    kept = list(lines)
    while kept and (not kept[-1].strip() or _DEVICE.fullmatch(kept[-1])):
        kept.pop()
    return kept


def _without_signature(lines: list[str]) -> list[str]:
    """Cut at the signature's sign, and at a closing line; what is asked behind a closing line stays."""
    begun = False
    if _SIGNATURE in lines and any(line.strip() for line in lines[: lines.index(_SIGNATURE)]):
        lines = lines[: lines.index(_SIGNATURE)]
    for number, line in enumerate(lines):
        if begun and _closes(lines, number):
            return [*lines[:number], *_asked_behind(lines[number + 1 :])]
        begun = begun or bool(line.strip())
    return lines


def _closes(lines: Sequence[str], number: int) -> bool:
    """Whether a line ends what its author has to say."""
    line, behind = lines[number], " ".join(lines[number + 1 : number + 12]).split()
    if len(line) > _SHORT:
        return False
    if _CLOSING.fullmatch(line):
        return True
    few = len(behind) <= 8
    return few and bool(_THANKS.fullmatch(line) or (_DASH.fullmatch(line) and line.strip()))


def _asked_behind(lines: Sequence[str]) -> list[str]:
    """Paragraphs behind a closing line that are no signature: postscripts, and what has a question mark."""
    kept: list[str] = []
    for paragraph in _paragraphs(lines):
        text = " ".join(paragraph)
        if _POSTSCRIPT.match(text) or ("?" in text and not _is_small_print(text)):
            kept += ["", *paragraph]
    return kept


def _without_small_print(lines: Sequence[str]) -> list[str]:
    """Cut paragraphs of small print at the end."""
    paragraphs = _paragraphs(lines)
    while len(paragraphs) > 1:
        text = " ".join(paragraphs[-1])
        if "?" in text or not _is_small_print(text):
            break
        paragraphs.pop()
    return [line for paragraph in paragraphs for line in ("", *paragraph)][1:]


def _is_small_print(text: str) -> bool:
    """Whether a paragraph is a confidentiality note or a company's particulars; one word of those alone is none."""
    return bool(_CONFIDENTIAL.search(text)) or len({found.lower()[:6] for found in _IMPRINT.findall(text)}) >= 2


def _without_greeting(lines: Sequence[str]) -> list[str]:
    """Cut a first line that only greets, where something follows it."""
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None or not any(line.strip() for line in lines[first + 1 :]):
        return list(lines)
    greets = len(lines[first]) <= _SHORT and _GREETING.fullmatch(lines[first])
    return list(lines[first + 1 :]) if greets else list(lines)


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return [paragraph for paragraph in paragraphs if paragraph]


def _joined(lines: Sequence[str]) -> str:
    """The lines as text: those that a program broke are whole again, paragraphs stay."""
    texts = []
    for paragraph in _paragraphs(lines):
        whole = [paragraph[0].strip()]
        for above, line in pairwise(paragraph):
            if len(above) >= _WRAPPED and not _BULLET.match(line):
                whole[-1] += f" {line.strip()}"
            else:
                whole.append(line.strip())
        texts.append("\n".join(whole))
    return "\n\n".join(texts).strip()
