"""Picking questions out of a chat: the rules, one by one and against arbitrary lines."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.config import YoutubeSettings
from streamhub.questions.intake import Standing
from streamhub.questions.picking import (
    MAX_REPLY_LENGTH,
    Earlier,
    Surplus,
    clean_author,
    clean_chat_line,
    find_surplus,
    is_name,
    match_name,
    match_request,
    parse_words,
    plan_any_text,
    plan_reply,
    plan_text,
)
from streamhub.questions.question import MAX_NAME_LENGTH, MAX_QUESTION_LENGTH

WORDS = parse_words(YoutubeSettings().chat_words)
NOW = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)


def picked(line: str) -> str | None:
    """The text of the question that an ordinary line is; None when it is none."""
    rest = match_request(line, WORDS)
    return (plan_text(rest) or None) if rest is not None else None


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("!frage Was kostet das?", "Was kostet das?"),
        ("!Frage: Was kostet das?", "Was kostet das?"),
        ("!FRAGE – was kostet das?", "was kostet das?"),
        ("!q what is it", "what is it"),
        ("!question:what is it?", "what is it?"),
        ("  !frage   viel   Platz  ", "viel Platz"),
        ("@hub !frage Geht das?", "Geht das?"),
        ("!frage @anna Geht das?", "Geht das?"),
        ("!frage Ich habe ein Problem.", "Ich habe ein Problem."),
        ("Was kostet das? #frage", "Was kostet das?"),
        ("Was kostet das #Frage?", "Was kostet das?"),
        ("#frage Was kostet das?", "Was kostet das?"),
        ("#frage: Was kostet das?", "Was kostet das?"),
        ("Was kostet das?#frage", "Was kostet das?"),
        ("Meine #Frage ist, was es kostet", "Meine Frage ist, was es kostet"),
        ("Was kostet das - #frage #question", "Was kostet das"),
        ("(#frage) Was kostet das?", "Was kostet das?"),
        ("!frage Was kostet das? #question", "Was kostet das?"),
        ("!frage Geht das mit https://example.org/a?", "Geht das mit https://example.org/a?"),
        ("!frage Warum ruckelt es? :hand-pink-waving::face-blue-smiling:", "Warum ruckelt es?"),
        ("!frage Um 10:30 oder 11:00?", "Um 10:30 oder 11:00?"),
        ("!frage W\u200bar\u202eum?", "Warum?"),
        ("!frage Почему?", "Почему?"),
    ],
)
def test_marked_lines_are_questions(line: str, text: str) -> None:
    """A line that begins with a command, or holds a hashtag, is a question; what marks it is no part of it."""
    assert picked(line) == text


@pytest.mark.parametrize(
    "line",
    [
        "Was kostet das?",
        "Hallo !frage Was kostet das?",
        "!fragezeichen sind schön",
        "!quiz heute",
        "!q-and-a today",
        "!questionable",
        "#fragestunde ist heute",
        "#frage-runde ist heute",
        "abc#frage ist kein Hashtag",
        "siehe https://example.org/#frage bitte",
        "&#frage;",
        "!frage",
        "!frage:",
        "!frage ???",
        "#frage",
        "#frage #question",
        "!frage https://example.org/kaufen",
        "!frage www.example.org example.org/kaufen",
        "!frage 😀😀 👍🏽",
        "!frage :hand-pink-waving: :yt:",
        "!frage 42",
        "!frage @anna",
        "!frage @anna @bernd :-)",
        "\u200b\u202e",
        "",
    ],
)
def test_other_lines_are_none(line: str) -> None:
    """What is not marked, and what is marked but says nothing in letters, is no question."""
    assert picked(line) is None


def test_long_lines_are_cut_at_a_word() -> None:
    """Too long a question is cut at a word and says so; it is never refused."""
    text = picked("!frage " + "Donaudampfschiff " * 100)
    assert text is not None
    assert len(text) <= MAX_QUESTION_LENGTH
    assert text.endswith("Donaudampfschiff…")
    one_word = picked("!frage " + "a" * 5000)
    assert one_word == "a" * (MAX_QUESTION_LENGTH - 1) + "…"
    assert picked("!frage " + "a" * MAX_QUESTION_LENGTH) == "a" * MAX_QUESTION_LENGTH


def test_words_are_the_operators() -> None:
    """Which words mark a question is a setting; a command that ends in a sign needs no boundary; none mark nothing."""
    words = parse_words(" frage:  #Rückfrage # ?? ")
    assert words.commands == ("frage:", "??")
    assert words.hashtags == ("#Rückfrage",)
    assert match_request("Frage:was ist das", words) == "was ist das"
    assert match_request("Was ist das #RU\u0308CKFRAGE", words) == "Was ist das"
    assert match_request("!frage Was ist das", words) is None
    assert match_request("!frage Was ist das #frage", parse_words("")) is None


def test_moderators_point_at_somebody() -> None:
    """A name alone beside the command names an author, whatever its capitals and accents."""
    assert match_name(match_request("!frage @Zoë Z", WORDS) or "") == "Zoë Z"
    assert match_name("Was kostet das?") == ""
    assert is_name("zoe z", "@Zoë Z")
    assert not is_name("zoe", "Zoë Z")
    assert not is_name("", "")


def earlier(author: str, text: str, *, ago: timedelta = timedelta(0)) -> Earlier:
    return Earlier(author=author, text=text, at=NOW - ago)


def test_one_author_repeats_nothing() -> None:
    """The same words of the same author are one question, however long ago and however written; others may ask them."""
    before = [earlier("a", "Was kostet das?", ago=timedelta(hours=1))]
    assert find_surplus(earlier("a", "was kostet das"), Standing.ANYBODY, before) is Surplus.REPEATED
    assert find_surplus(earlier("a", "was kostet das"), Standing.OWNER, before) is Surplus.REPEATED
    assert find_surplus(earlier("b", "was kostet das"), Standing.ANYBODY, before) is None


def test_one_author_does_not_flood() -> None:
    """A fourth question within five minutes is one too many, except from moderators; after a while it is welcome."""
    before = [earlier("a", f"Frage {n}?", ago=timedelta(minutes=n)) for n in (1, 2, 4)]
    assert find_surplus(earlier("a", "Noch eine?"), Standing.ANYBODY, before) is Surplus.FLOODING
    assert find_surplus(earlier("a", "Noch eine?"), Standing.MODERATOR, before) is None
    assert find_surplus(earlier("b", "Noch eine?"), Standing.ANYBODY, before) is None
    later = Earlier(author="a", text="Noch eine?", at=NOW + timedelta(minutes=1))
    assert find_surplus(later, Standing.ANYBODY, before) is None


def test_replies_fit_into_a_chat_line() -> None:
    """A reply names as many as fit and leads to the questions, in either language; a long address drops the names."""
    url = "https://hub.example.org/s/2027-03-02-netz"
    german = plan_reply("de", ["Zoe", "@Max"], url)
    assert german.startswith("@Zoe @Max Danke, Ihre Frage")
    assert german.endswith(url)
    assert plan_reply("en", [], url).startswith("Thank you, your question")
    many = plan_reply("en", [f"viewer{n}" for n in range(50)], url)
    assert len(many) <= MAX_REPLY_LENGTH
    assert "@viewer0 " in many
    assert plan_reply("de", ["Zoe"], url + "x" * 100).startswith("Danke! ")
    assert plan_reply("de", ["Zoe"], url + "x" * 300) == ""


def test_replies_repeat_no_advertisements() -> None:
    """A name that is an address, a slogan or a sign is not repeated in the hub's own line; the others are."""
    url = "https://hub.example.org/"
    names = [
        "kauf.example",
        "https://kauf.example",
        "Zoë Z",
        "",
        "😀",
        "Kauft jetzt bei uns, es ist billig!",
        "max_m-1",
    ]
    assert plan_reply("en", names, url).startswith("@Zoë Z @max_m-1 Thank you")


@given(st.text(max_size=300), st.sampled_from(["", "!frage ", "#frage ", "@x !q "]))
def test_any_line_makes_a_clean_question_or_none(line: str, mark: str) -> None:
    """Whatever somebody types, what comes out is short, visible and one line, or nothing."""
    text = picked(mark + line)
    assert text is None or (0 < len(text) <= MAX_QUESTION_LENGTH and "\n" not in text and text == text.strip())
    assert bool(plan_any_text(line)) is bool(clean_chat_line(line))
    assert len(clean_chat_line(line)) <= MAX_QUESTION_LENGTH
    assert len(clean_author(line)) <= MAX_NAME_LENGTH
    assert len(plan_reply("de", [clean_author(line)], "https://hub.example.org/")) <= MAX_REPLY_LENGTH


@given(st.text(alphabet="abcdefghij ", min_size=2, max_size=80).filter(lambda t: len(t.replace(" ", "")) > 1))
def test_every_way_of_asking_says_the_same(text: str) -> None:
    """A plain text comes out as it went in, whichever word marks it."""
    said = " ".join(text.split())
    for line in (f"!frage {text}", f"!Q: {text}", f"#frage {text}", f"{text} #QUESTION", f"@hub !question {text}"):
        assert picked(line) == said
