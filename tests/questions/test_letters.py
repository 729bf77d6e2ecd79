"""Mails become their authors' own words: quotes, signatures and small print go, no word of a question is lost."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.questions.letter import Letter, parse_letter, session_address
from streamhub.questions.mail_parts import ref_of
from streamhub.questions.markup import plan_text
from streamhub.questions.own_words import find_own_words
from streamhub.questions.tongue import guess_language
from streamhub.text import words_of

MAILS = Path(__file__).parents[1] / "data" / "mails"
ADDRESS = "fragen@firma.de"
SAID = {
    "apple-de": "mein Display zeigt seit gestern Fehler E17. Was heißt das? Foto anbei.",
    "apple-en": "The small one, model S2.\n\nCan I replace the battery myself, or does that void the warranty?",
    "gmail-de": "wann wird bei uns in der Bahnhofstraße Glasfaser verlegt? Die Nachbarn haben es seit 2025, "
    "wir warten immer noch.",
    "gmail-en": "Is 5G at home as stable as a cable? I need it for video calls.",
    "outlook-de": "unser Router vom Typ „R-200“ startet seit dem letzten Update jede Nacht neu. Gibt es eine neue "
    "Firmware, oder müssen wir ihn tauschen?",
    "outlook-en": "does the warranty cover lightning damage? Our unit (SN 4711) died on Sunday & the dealer said no.",
    "outlook-forward-de": "Kündigung\n\nwie kündige ich nach einem Umzug, wenn es am neuen Ort kein Netz gibt?",
    "t-online-de": "Kosten des Anschlusses\n\nwie hoch sind die Kosten für den Anschluss – 799 € oder mehr? Auf Ihrer "
    "Seite steht „ab 0 €“.",
    "t-online-en": "I am English and live in Bonn. Is the hotline also there in English?",
    "thunderbird-de": "gilt der Tarif auch für Mieter, wenn der Vermieter dem Anschluss nicht zugestimmt hat? Und was "
    "passiert beim Umzug?",
    "thunderbird-en": "which cable do I need between the meter and the box, CAT 6 or CAT 7?",
}


def load(name: str) -> Letter:
    return parse_letter((MAILS / f"{name}.eml").read_bytes(), address=ADDRESS)


@pytest.mark.parametrize("name", SAID)
def test_what_people_write(name: str) -> None:
    """Of the mails of usual programs in German and English, exactly what their author asked is left."""
    letter = load(name)
    assert letter.text == SAID[name]
    assert not letter.automatic
    assert guess_language(letter.text) == name[-2:]


@pytest.mark.parametrize("path", sorted(MAILS.glob("machine-*.eml")), ids=lambda path: path.stem)
def test_what_machines_write(path: Path) -> None:
    """Absence notes, bounces, lists and calendars are known as such."""
    assert parse_letter(path.read_bytes(), address=ADDRESS).automatic


def test_every_sample_is_looked_at() -> None:
    """No sample lies there unread."""
    assert {path.stem for path in MAILS.glob("*.eml")} == {*SAID, *(p.stem for p in MAILS.glob("machine-*.eml"))}


def test_headers() -> None:
    """Who wrote, to which session, in reply to what; the author's address is apart from the name."""
    letter = load("outlook-de")
    assert (letter.author, letter.author_ref) == ("Anna Berg", "anna.berg@berg-soehne.example")
    assert letter.addressed_to == "2027-03-02-netz"
    assert letter.reply_to == (ref_of("20270301081200.1@firma.de"),)
    assert letter.at is not None
    assert letter.at.isoformat() == "2027-03-01T09:02:11+00:00"
    assert load("t-online-de").author == ""
    assert session_address(ADDRESS, "2027-03-02-netz") == "fragen+2027-03-02-netz@firma.de"
    assert session_address("", "2027-03-02-netz") == ""


def mail_of(body: str = "Was kostet das?", *, charset: str = "utf-8", **headers: str) -> bytes:
    lines = {"From": "Ada <ada@kunde.example>", "Message-ID": "<1@kunde.example>", "Subject": "", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in lines.items())
    return f"{head}Content-Type: text/plain; charset={charset}\n\n".encode() + body.encode("utf-8")


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-generated"},
        {"Precedence": "bulk"},
        {"From": "MAILER-DAEMON@kunde.example"},
        {"From": "noreply@kunde.example"},
        {"Return_Path": "<>"},
        {"Subject": "Re: Abwesenheitsnotiz: Urlaub"},
        {"Subject": "Out of Office"},
        {"Subject": "Gelesen: Einladung"},
        {"From": ADDRESS},
    ],
)
def test_signs_of_machines(headers: dict[str, str]) -> None:
    """Each usual sign of an automatic mail is enough; our own mail counts as one, lest the hub answers itself."""
    assert parse_letter(mail_of(**headers), address=ADDRESS).automatic


def test_people_are_no_machines() -> None:
    """Neither an explicit no nor a subject that only resembles one makes a machine."""
    for headers in ({"Auto_Submitted": "no"}, {"Subject": "Autopilot"}, {"Subject": "Reading glasses"}):
        assert not parse_letter(mail_of(**headers), address=ADDRESS).automatic


@pytest.mark.parametrize(
    ("subject", "body", "text"),
    [
        ("Frage zur Sendung", "Was kostet das?", "Was kostet das?"),
        ("Glasfaser in Bonn", "Wann geht es los?", "Glasfaser in Bonn\n\nWann geht es los?"),
        ("Wann kommt 5G?", "", "Wann kommt 5G?"),
        ("AW: Wann kommt 5G?", "", "Wann kommt 5G?"),
        ("Was kostet das?", "Was kostet das?", "Was kostet das?"),
        ("Re: Einladung", "Was kostet das?", "Was kostet das?"),
        ("", "", ""),
    ],
)
def test_subjects(subject: str, body: str, text: str) -> None:
    """A subject that says something of its own belongs to the question."""
    assert parse_letter(mail_of(body, Subject=subject)).text == text


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("Grüße „überall“".encode("cp1252"), "iso-8859-1", "Grüße „überall“"),
        ("Grüße überall".encode(), "us-ascii", "Grüße überall"),
        ("Grüße überall".encode(), "x-nirgends", "Grüße überall"),
        ("Grüße überall".encode("utf-16"), "utf-16", "Grüße überall"),
        ("Grüße überall".encode("cp1252"), "utf-8", "Grüße überall"),
        ("Grüße überall".encode("cp1252"), '"', "Grüße überall"),
        (b"+ACI-Gr+APwA3w-e", "utf-7", "+ACI-Gr+APwA3w-e"),
    ],
)
def test_charsets(body: bytes, charset: str, text: str) -> None:
    """Whatever a mail says of its letters, they are read as they were meant; UTF-7 is never decoded."""
    head = f"From: a@b.example\nContent-Type: text/plain; charset={charset}\n\n".encode()
    assert parse_letter(head + body).text == text


@given(st.binary(max_size=2000))
@settings(max_examples=300, deadline=None)
def test_any_bytes_make_a_letter(raw: bytes) -> None:
    """There is no mail that cannot be read."""
    assert parse_letter(raw, address=ADDRESS).ref


@given(
    st.lists(st.sampled_from(["From", "To", "Subject", "Date", "References", "Content-Type", "Message-ID"])), st.data()
)
@settings(max_examples=200, deadline=None)
def test_any_headers_make_a_letter(names: list[str], data: st.DataObject) -> None:
    """There is no header that keeps a mail from being read."""
    values = [data.draw(st.binary(max_size=80).map(lambda b: b.replace(b"\n", b""))) for _ in names]
    head = b"".join(name.encode() + b": " + value + b"\n" for name, value in zip(names, values, strict=True))
    assert parse_letter(head + b"\nWas kostet das?\n", address=ADDRESS).ref


# Nothing of a question is lost, nothing of a quote is kept.

WORDS = st.sampled_from(
    words_of(
        "wann kommt der Router Glasfaser nach Bonn und was kostet es mit Vertrag Danke Gruß beste Hallo von an am "
        "schrieb wrote on regards best is the cable sent from gesendet Outlook Mail Original Amtsgericht vertraulich "
        "2027 Telefon Umzug Störung seit Montag"
    )
)
QUOTED_WORDS = [f"zitat{number}" for number in range(6)]
PARAGRAPH = st.lists(WORDS, min_size=1, max_size=14).map(lambda words: f"Wie {' '.join(words)} heute?")
QUOTE = "\n".join(["Liebe Kunden,", " ".join(QUOTED_WORDS[:3]), "", f"was wollen Sie wissen {QUOTED_WORDS[3]}?"])
ENDS = {
    "gmail": "\n\nAm Mo., 1. März 2027 um 09:12 Uhr schrieb Redaktion <fragen@firma.de>:\n\n{marked}\n",
    "gmail-wrapped": "\n\nAm Mo., 1. März 2027 um 09:12 Uhr schrieb Redaktion <\nfragen@firma.de>:\n\n{marked}\n",
    "gmail-en": "\n\nOn Mon, Mar 1, 2027 at 9:12 AM Editors <q@firma.de> wrote:\n\n{marked}\n",
    "thunderbird": "\n\nAm 01.03.27 um 09:12 schrieb Redaktion:\n{marked}\n",
    "outlook": "\n\nVon: Redaktion <fragen@firma.de>\nGesendet: Montag, 1. März 2027\nAn: Ada\nBetreff: x\n\n{quote}",
    "outlook-en": "\n\nFrom: Editors\nSent: Monday, March 1, 2027 9:12 AM\nTo: Ada\nSubject: x\n\n{quote}",
    "outlook-old": "\n\n-----Ursprüngliche Nachricht-----\nVon: Redaktion\n\n{quote}",
    "rule": "\n\n________________________________\nVon: R <r@firma.de>\nGesendet: heute\nAn: Ada\n\n{quote}",
    "t-online": "\n\n-----Original-Nachricht-----\nBetreff: x\nDatum: y\nVon: z\n\n{quote}",
    "unmarked": '\n\nAm 01.03.2027 um 09:12 schrieb "R" <r@firma.de>:\n\n{quote}',
    "apple": "\n\n> Am 01.03.2027 um 09:12 schrieb Redaktion <fragen@firma.de>:\n> \n{marked}\n",
    "none": "",
}
SIGNATURES = [
    "",
    "\n\nViele Grüße\nAnna Berg\n",
    "\n\n-- \nAnna Berg\nBerg GmbH",
    "\n\nKind regards,\nTom",
    "\n\nMfG\n",
]


@pytest.mark.parametrize("style", ENDS)
@given(paragraphs=st.lists(PARAGRAPH, min_size=1, max_size=4), signature=st.sampled_from(SIGNATURES))
@settings(max_examples=60, deadline=None)
def test_nothing_lost_nothing_kept(style: str, paragraphs: list[str], signature: str) -> None:
    """Whatever is asked above any kind of quote and signature, every word of it stays and no word of the quote does."""
    marked = "\n".join(f"> {line}" for line in QUOTE.split("\n"))
    mail = "\n\n".join(paragraphs) + signature + ENDS[style].format(quote=QUOTE, marked=marked)
    said = find_own_words(mail)
    assert " ".join(said.split()) == " ".join(" ".join(paragraphs).split())


@given(answers=st.lists(PARAGRAPH, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_answers_between_quotes(answers: list[str]) -> None:
    """Whoever writes between the lines of what he quotes keeps every word."""
    mail = "Am 01.03.27 um 09:12 schrieb Redaktion:\n" + "\n".join(f"> zitat\n\n{answer}\n" for answer in answers)
    assert find_own_words(mail).split() == " ".join(answers).split()


@pytest.mark.parametrize(
    "text",
    [
        "Danke für die Sendung, mein Router blinkt.",
        "Hallo, mein Router blinkt rot!",
        "Best of all would be 5G.",
        "Am Montag schrieb mir Ihr Support folgendes:\nBitte warten.",
        "> 50 Mbit/s kommen nie an.",
        "»Schnell« heißt was?",
        "Gesendet mit DHL kam der Router nie an.",
        "Müssen wir zahlen?\n\nDas Amtsgericht Bonn hat 2019 anders entschieden.",
        "Von: Bonn nach Köln, geht das?",
        "Danke\nfür alles. Mein Router blinkt seit gestern rot und niemand weiß warum.",
        "Viele Grüße aus Bonn, wo das Netz seit drei Tagen steht.",
    ],
)
def test_own_words_that_look_like_others(text: str) -> None:
    """What only resembles a greeting, a signature or a quote stays."""
    assert find_own_words(text).split() == text.split()


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Geht das?\n\nViele Grüße\nAnna\n\nPS: Auch am Sonntag", "Geht das?\n\nPS: Auch am Sonntag"),
        ("Geht das?\n\nLG Anna\n\nNoch etwas: Geht es in Bonn?", "Geht das?\n\nNoch etwas: Geht es in Bonn?"),
        ("Sehr geehrte Damen und Herren,\n\ngeht das?", "geht das?"),
        ("Dear Mr Miller\nis it possible?", "is it possible?"),
        ("Hallo", "Hallo"),
        ("Geht das?\n\nGet Outlook for iOS", "Geht das?"),
        ("Geht das?\n\nVielen Dank im Voraus!\nAnna", "Geht das?"),
        ("Geht das?\n\nThis e-mail is confidential and intended only for you.", "Geht das?"),
    ],
)
def test_own_words(text: str, own: str) -> None:
    """Greetings, closings and small print go; what is asked behind a closing stays."""
    assert find_own_words(text) == own


@pytest.mark.parametrize(
    "text",
    [
        "A" * 100_000,
        "> " * 50_000,
        "on wrote " * 40 + ":\n" + ("on " + "wrote 20:15 " * 32 + ":\n") * 250,
        "From: a\n" * 12_000,
        "A. " * 33_000,
        "Anna Berg " * 9 + "\n" + "Gruß Anna Anna Anna Anna Anna x\n" * 3000,
        "-" * 100_000,
        "?" * 100_000,
    ],
    ids=range(8),
)
def test_hostile_text_is_read_in_time(text: str) -> None:
    """No text makes the rules think for long."""
    begin = time.monotonic()
    find_own_words(text)
    assert time.monotonic() - begin < 20


def test_markup() -> None:
    """A reader's view of markup: blocks are lines, quotes are marked, scripts and hidden things are nothing."""
    markup = (
        "<style>p{}</style><p>Eins &amp; zwei</p><ul><li>a</li><li>b</li></ul><blockquote>alt<blockquote>älter"
        "</blockquote></blockquote><script>alert(1)</script>Ende<br>der<pre>x\n y</pre><img src=x onerror=alert(1)>"
    )
    lines = [line for line in plan_text(markup).split("\n") if line]
    assert lines == ["Eins & zwei", "- a", "- b", "> alt", "> > älter", "Ende", "der", "x", "y"]
    for hostile in ("<" * 50_000, "<div>" * 20_000, "&" * 100_000, "<!--" * 20_000, "</" * 50_000):
        plan_text(hostile)


@pytest.mark.parametrize(
    "markup", ["<div>" * 80_000, "<blockquote>" * 36_000, "<b><i>" * 60_000, "<p>" + ("-" * 1990 + "x<br>") * 49]
)
def test_hostile_mails_are_read_quickly(markup: str) -> None:
    """A mail that is made to keep a parser busy for minutes costs a moment, and the mails behind it are read."""
    began = time.perf_counter()
    parse_letter(b"From: a@b.de\r\nSubject: Frage\r\nContent-Type: text/html\r\n\r\n" + markup.encode())
    assert time.perf_counter() - began < 10
