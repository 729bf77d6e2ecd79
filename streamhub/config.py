"""Settings: a tree of small frozen records, read once from ``streamhub.toml`` and ``STREAMHUB_*`` variables.

Owns names, defaults and checks of every setting; each adapter gets its own slice only. All problems are reported in
one go. Secrets come from the environment or from files that the settings name, and are masked in every ``repr``.

A variable overrides the file: ``STREAMHUB_<SECTION>_<SETTING>``, such as ``STREAMHUB_HUB_PORT=8080``.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streamhub.errors import BadConfig, BadInput, Environment
from streamhub.text import LANGUAGES, clean_email
from streamhub.timecode import require_zone

_ORIGIN = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")

SETTINGS_FILE = "streamhub.toml"
_ADDRESS = re.compile(r"[^@\s+]+@[^@\s]+")
PLATFORMS: Mapping[str, str] = types.MappingProxyType({"youtube": "YouTube"})
"""Live platforms beside the hub itself: the name that shows and commands carry, and the name that people know."""


class Secret(str):
    """A string that never shows itself in a ``repr``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'" if self else "''"


def setting(default: Any, about: str) -> Any:
    """A setting with its default and the sentence that documents it."""
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, kw_only=True, slots=True)
class HubSettings:
    """The hub itself and its web face."""

    name: str = setting("streamhub", "Name of the hub, shown in titles.")
    language: str = setting("de", "Language of the hub's own pages: de or en.")
    zone: str = setting("Europe/Berlin", "IANA time zone of the hosts.")
    host: str = setting("127.0.0.1", "Address to listen on; 0.0.0.0 for all.")
    port: int = setting(8420, "Port of the web face; 0 picks a free one.")
    url: str = setting(
        "", "Public address of the hub behind a proxy, such as https://hub.example.org; empty: as listened."
    )
    trust_proxy: bool = setting(False, "Believe X-Forwarded-For of a proxy on this machine.")
    questions_per_minute: int = setting(6, "Questions that one address may send in a minute.")
    votes_per_minute: int = setting(60, "Votes that one address may give in a minute.")
    snapshot_url: str = setting(
        "", "Address of the folder live/ where a CDN or web server shows it; empty: the hub shows snapshots itself."
    )
    viewers: int = setting(12_000, "Viewers who get live updates at once; more look at the snapshot every 2 seconds.")
    votes_per_address: int = setting(
        30, "Votes for one question that count from one address; more wait for a host. 0: all count."
    )
    flood_per_minute: int = setting(
        60, "More questions a minute than this for one session are a flood: askers' machines then solve a puzzle."
    )
    embed_origins: str = setting(
        "", "Pages that may show the ask form in a frame: origins such as 'https://www.example.org'; empty: none."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveSettings:
    """Ingest doors and the live session."""

    host: str = setting("127.0.0.1", "Address on which encoders may push.")
    rtmp_port: int = setting(1935, "Port of the RTMP door; 0 picks a free one.")
    srt_port: int = setting(0, "First UDP port of the SRT door, one port per session; 0 switches SRT off.")
    grace_s: int = setting(600, "Seconds that an encoder may be gone before the session counts as ended by it.")
    hls: bool = setting(True, "Write HLS for local viewers while recording.")
    min_free_mb: int = setting(1024, "Refuse to go live with less free disk space than this, in MB.")


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingSettings:
    """The recording."""

    media_dir: str = setting("media", "Folder of recordings, relative to the workspace.")
    inbox_dir: str = setting("inbox", "Folder where downloaded recordings are dropped, relative to the workspace.")
    ffmpeg: str = setting("", "Path of an ffmpeg to use; empty: the system's, else the one that came with the package.")


@dataclass(frozen=True, kw_only=True, slots=True)
class YoutubeSettings:
    """YouTube as a live platform."""

    client_file: str = setting(
        "", "OAuth client (JSON, type 'Desktop app') from your Google Cloud project; empty: YouTube is off."
    )
    keep_token: str = setting("file", "Where the sign-in is kept: file (encrypted, 0600) or keyring.")
    made_for_kids: bool = setting(False, "Say that broadcasts are made for children; that switches the chat off.")
    horizon_days: int = setting(180, "Plan broadcasts there at most so many days ahead.")
    daily_units: int = setting(10_000, "Quota of the project in units a day.")
    reserve_units: int = setting(300, "Units kept back for starting and ending before captions, chat and statistics.")
    costs: str = setting(
        "", "Units of single calls where they differ, such as 'liveBroadcasts.insert=50 captions.insert=400'."
    )
    chat: bool = setting(True, "Take questions from the live chat.")
    chat_words: str = setting(
        "!frage !question !q #frage #question",
        "A chat line that begins with one of these, or holds a hashtag of them, is a question.",
    )
    chat_reply: bool = setting(False, "Answer questions in the chat with the address of the hub's question page.")
    watchdog_minutes: int = setting(10, "Without a signal for so long after the planned end, a broadcast is ended.")
    part_minutes: int = setting(
        705, "Go on in a new broadcast after so long, because YouTube keeps nothing over 12 hours; 0: never."
    )
    pull: bool = setting(
        False,
        "Fetch recordings with yt-dlp (extra 'pull'). Google's policies forbid API clients to download videos without "
        "its written approval; switch this on only where you have it.",
    )
    cookies_file: str = setting("", "Cookies (Netscape format) of the channel's owner, for private videos with pull.")
    api_url: str = setting("https://youtube.googleapis.com/", "Address of the API; another one only for rehearsals.")


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedsSettings:
    """Comments feeds (RSS, Atom) as sources of questions."""

    read: bool = setting(True, "Let hosts choose feeds that their sessions listen to.")
    private_addresses: bool = setting(False, "Fetch feeds from private addresses too, such as those of an intranet.")


@dataclass(frozen=True, kw_only=True, slots=True)
class MastodonSettings:
    """Mastodon hashtags as sources of questions."""

    instance: str = setting(
        "", "Server through which hashtags are read, such as https://social.firma.de; empty: Mastodon is off."
    )
    token_file: str = setting(
        "",
        "File with an access token, scope read, for servers that show hashtags to members alone; readable by the hub's "
        "user alone.",
    )
    token: Secret = setting(Secret(""), "The token itself. Better by file or variable.")


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxSettings:
    """The mailbox that questions are sent to; it is only read, nothing in it is changed."""

    host: str = setting("", "IMAP server; empty: no mail is read.")
    port: int = setting(993, "Its port.")
    security: str = setting("tls", "tls, starttls (mostly port 143), or none: for servers on this machine alone.")
    user: str = setting("", "Name to sign in with.")
    password_file: str = setting("", "File with the password; readable by the hub's user alone.")
    password: Secret = setting(Secret(""), "The password itself. Better by file or variable.")
    folder: str = setting("INBOX", "Folder that is read.")
    address: str = setting(
        "", "Address that people write to; fragen@firma.de becomes fragen+<session>@firma.de for each session."
    )
    session: str = setting(
        "", "Session or show that mail without such an addition is for; empty: the hub's next session."
    )
    max_mb: int = setting(15, "Larger mails are left alone, and hosts are told.")


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarSettings:
    """Calendars of people, of which the hub reads when they are busy."""

    every_minutes: int = setting(30, "Minutes after which a calendar is read again.")
    private_addresses: bool = setting(
        False, "Read calendars at private addresses too, such as those of an intranet's server."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptSettings:
    """Speech recognition."""

    engine: str = setting("faster-whisper", "Recogniser: faster-whisper or openai-whisper.")
    model: str = setting("small", "Model by name, by folder, or 'rehearsal' for the one that came with the package.")
    mirror_url: str = setting("", "https address of a mirror that holds the model's files; empty: none.")
    device: str = setting("auto", "cpu, cuda or auto.")
    compute_type: str = setting("auto", "Arithmetic of the engine: int8, float16, float32 or auto.")
    beam_size: int = setting(1, "Search width: 1 is the fastest, 5 hears a little better and takes half as long again.")
    piece_s: int = setting(
        600, "About so many seconds long are the pieces in which recordings are heard; a kill costs one at most."
    )
    detect_language: bool = setting(
        False, "Hear the language of every two minutes, for shows that mix German and English; false: the session's."
    )
    live_model: str = setting(
        "",
        "Model that hears shows while they run, such as 'base'; empty: the same one; 'off': no live captions.",
    )
    second_pass: bool = setting(
        True, "Hear a show again as a whole once its live words are published; no answer moves, no correction is lost."
    )
    diariser: str = setting(
        "",
        "Tells voices apart where neither tracks nor captions do: sherpa-onnx (extra 'diarisation'); empty: none.",
    )
    diariser_model: str = setting(
        "models/diariser",
        "Folder with its models, segmentation.onnx and embedding.onnx, relative to the workspace.",
    )
    diariser_threshold: float = setting(
        0.5, "How unlike two voices must be, between 0 and 2; less makes more people, more makes fewer."
    )
    translate: bool = setting(
        False, "Have the recogniser translate shows into English as well; the site says that a machine did it."
    )
    threads: int = setting(0, "Processor threads; 0: as many as there are cores.")
    speed_limit: float = setting(20.0, "Give up when a recording takes longer than its own length times this.")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerSettings:
    """From marks and words to ranges."""

    lag_s: float = setting(6.0, "How long after the first word of a question the host usually presses 'on air'.")
    clips: str = setting("on_demand", "Clips of answers: on_demand, or ahead for every answer that is published.")


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionSettings:
    """How like questions are found."""

    encoder: str = setting(
        "",
        "Folder of a sentence encoder (BERT: config.json, model.safetensors, tokenizer.json; extra 'encoder'), "
        "relative to the workspace; empty: questions are compared by their words.",
    )
    encoder_languages: str = setting("en", "Languages that the encoder was made for, such as 'en' or 'de en'.")


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteSettings:
    """The archive and its site."""

    title: str = setting("Antworten", "Title of the archive site.")
    language: str = setting("de", "Language of its start page: de or en.")
    url: str = setting("", "Public address of the site, for feeds and canonical links; empty: links stay relative.")
    media: str = setting("link", "How recordings get into the site: link (hard link or copy) or none.")
    media_url: str = setting("", "Address prefix of recordings when they are served elsewhere.")
    licence: str = setting(
        "", "Under what the answers may be used, such as CC BY 4.0; stands with every one. Empty: nothing."
    )
    licence_url: str = setting("", "Address of the licence's text; empty: no link.")
    players: str = setting(
        "youtube=https://www.youtube-nocookie.com/embed/{video}",
        "Platforms whose videos play on the page after a click, as name=address with {video} in it; empty: links only.",
    )
    others: str = setting(
        "", "Other archives that visitors can ask too: addresses such as https://antworten.firma.example/; empty: none."
    )
    embed_origins: str = setting(
        "", "Pages that may show answers in a frame: origins such as https://www.example.org; empty: all."
    )
    ai_crawlers: str = setting(
        "allow", "What AI crawlers may do: allow; no-training (only what names its source); deny."
    )
    logo: str = setting("", "Picture of the sign in the head of pages, a file in site/static; empty: the shipped one.")
    accent: str = setting("", "Colour of links and buttons, such as #0f5e63; empty: the theme's.")
    accent_dark: str = setting("", "The same on dark paper; empty: made from accent.")
    font: str = setting("", "Typeface of texts, a file in site/static such as firma.woff2; empty: the reader's own.")
    heading_font: str = setting("", "Typeface of headings, likewise.")


@dataclass(frozen=True, kw_only=True, slots=True)
class LegalSettings:
    """What the legal pages of the site say; a page appears once all that it needs is there."""

    company: str = setting("", "Name of the company as the law wants it; needed for every page.")
    address: str = setting("", "Its address, lines apart by \\n; needed for imprint and privacy.")
    email: str = setting("", "Address for mail; needed for every page.")
    phone: str = setting("", "Telephone.")
    represented_by: str = setting("", "Who represents the company.")
    register: str = setting("", "Register and number, such as Amtsgericht Köln, HRB 1234.")
    vat_id: str = setting("", "VAT identification number.")
    responsible: str = setting("", "Name and address of who is responsible for the content (§ 18 Abs. 2 MStV).")
    privacy_contact: str = setting("", "How the data protection officer is reached.")
    privacy_host: str = setting("", "Who runs the web server, with address; needed for privacy.")
    privacy_log_days: int = setting(0, "Days after which its logs are deleted; 0: the page does not say.")
    privacy_authority: str = setting("", "The supervisory authority; needed for privacy.")
    accessibility_state: str = setting("", "full or partial, as you assessed it; needed for the statement.")
    accessibility_checked: str = setting("", "Day of the assessment, such as 2026-11-28; needed for the statement.")
    accessibility_gaps: str = setting("", "What is not accessible yet, lines apart by \\n; needed where partial.")
    accessibility_body: str = setting("", "Where people can complain, such as the market surveillance body.")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploySettings:
    """Where `streamhub deploy` brings the site."""

    to: str = setting("", "A folder, user@host:folder for rsync, or s3://bucket/folder for an object store.")
    endpoint: str = setting("", "Address of the object store; empty: Amazon's.")
    region: str = setting("", "Its region; empty where it has none.")
    key_id: str = setting("", "Name of its key; empty: AWS_ACCESS_KEY_ID or the files that its tools know.")
    secret: Secret = setting(Secret(""), "The key itself. Better set by variable, or kept in a file of its own.")
    secret_file: str = setting(
        "", "File with the key in its first line, relative to the workspace; readable by its owner alone."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineSettings:
    """The durable engine."""

    database_url: Secret = setting(
        Secret(""), "PostgreSQL address; empty: SQLite in the workspace. Better set by variable."
    )
    transcriptions: int = setting(
        1, "How many pieces of recordings one process transcribes at a time; 0: workers alone do it, one each."
    )
    attempts: int = setting(3, "Attempts of a failing step before it is held for a person.")
    poll_s: float = setting(0.25, "How often queues are looked at, in seconds.")


@dataclass(frozen=True, kw_only=True, slots=True)
class MailSettings:
    """Mail that the hub sends."""

    host: str = setting("", "Mail server, such as smtp.example.org; empty: every mail stays a draft.")
    port: int = setting(587, "Its port: 587 for starttls, 465 for tls.")
    security: str = setting("starttls", "starttls, tls, or none, which is for a server on this machine alone.")
    user: str = setting("", "Name to sign in with; empty for none.")
    password: Secret = setting(Secret(""), "Its password. Better set by variable, or kept in a file of its own.")
    password_file: str = setting(
        "", "File with the password in its first line, relative to the workspace; readable by the hub's user alone."
    )
    from_address: str = setting("", "Address that the hub writes from.")
    from_name: str = setting("", "Name beside it; empty: the hub's name.")
    return_address: str = setting(
        "",
        "Address that undeliverable mail comes back to, best that of [mailbox]; empty: from_address.",
    )
    send: str = setting("by_hand", "by_hand: a host sends each mail; by_rule: mails go out by themselves.")
    reminders: str = setting(
        "as_others",
        "as_others: reminders of sessions go as `send` says; by_rule: they go out by themselves in any case.",
    )
    ca_file: str = setting("", "Certificates (PEM) to trust instead of the system's, relative to the workspace.")
    keep_days: int = setting(30, "Days after which an address is deleted once its owner was told.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of one hub."""

    hub: HubSettings = HubSettings()
    live: LiveSettings = LiveSettings()
    recording: RecordingSettings = RecordingSettings()
    youtube: YoutubeSettings = YoutubeSettings()
    feeds: FeedsSettings = FeedsSettings()
    mastodon: MastodonSettings = MastodonSettings()
    mailbox: MailboxSettings = MailboxSettings()
    calendars: CalendarSettings = CalendarSettings()
    transcript: TranscriptSettings = TranscriptSettings()
    answers: AnswerSettings = AnswerSettings()
    questions: QuestionSettings = QuestionSettings()
    site: SiteSettings = SiteSettings()
    legal: LegalSettings = LegalSettings()
    deploy: DeploySettings = DeploySettings()
    engine: EngineSettings = EngineSettings()
    mail: MailSettings = MailSettings()


def configured_platforms(settings: Settings) -> tuple[str, ...]:
    """The live platforms beside the hub that these settings switch on."""
    return ("youtube",) if settings.youtube.client_file else ()


def secret_files(settings: Settings) -> tuple[str, ...]:
    """The files with secrets that settings name, as they are written there."""
    named = [settings.mail.password_file, settings.mailbox.password_file, settings.mastodon.token_file]
    named.append(settings.deploy.secret_file)
    return tuple(file for file in named if file)


def read_secret(folder: Path, secret: Secret, file: str) -> Secret:
    """A secret that the settings hold, or the first line of the file that they name in the workspace; the file wins.

    Raises:
        BadInput: the file cannot be read.
        Environment: others can read it too.
    """
    if not file:
        return secret
    path = folder / file
    try:
        if path.stat().st_mode & 0o077:
            raise Environment(f"{path}: others can read it", hint=f"run chmod 600 {path}")
        return Secret((path.read_text("utf-8").splitlines() or [""])[0].strip())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path}: cannot be read ({type(error).__name__})", hint="check the file's name and rights"
        ) from error


def load_settings(folder: Path, environ: Mapping[str, str]) -> Settings:
    """Read a workspace's settings file and the variables over it.

    Raises:
        BadConfig: with every problem found in file and variables.
    """
    path = folder / SETTINGS_FILE
    try:
        return parse_settings(path.read_text("utf-8"), environ, source=str(path))
    except FileNotFoundError as error:
        raise BadInput(f"{folder}: no {SETTINGS_FILE} in it", hint="make a workspace with `streamhub init`") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from error


def parse_settings(toml: str, environ: Mapping[str, str], *, source: str = SETTINGS_FILE) -> Settings:
    """Turn the text of a settings file and the variables over it into settings.

    Raises:
        BadConfig: with every problem found.
    """
    try:
        given = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(source, [f"not TOML: {error}"]) from error
    problems: list[str] = []
    sections: dict[str, Any] = {}
    kinds = typing.get_type_hints(Settings)
    for name in given.keys() - kinds.keys():
        problems.append(f"[{name}]: no such section; there are {', '.join(kinds)}")
    for name, kind in kinds.items():
        table = given.get(name, {})
        if not isinstance(table, dict):
            problems.append(f"{name}: is a value, should be a section [{name}]")
            table = {}
        sections[name] = _parse_section(name, kind, table, environ, problems)
    problems += _check(sections)
    if problems:
        raise BadConfig(source, problems)
    return Settings(**sections)


def _parse_section(
    section: str, kind: type, table: Mapping[str, Any], environ: Mapping[str, str], problems: list[str]
) -> Any:
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key in table.keys() - hints.keys():
        problems.append(f"{section}.{key}: no such setting; there are {', '.join(hints)}")
    for key, wanted in hints.items():
        variable = f"STREAMHUB_{section}_{key}".upper()
        place, given = (variable, environ[variable]) if variable in environ else (f"{section}.{key}", table.get(key))
        if given is not None:
            try:
                values[key] = _convert(given, wanted)
            except ValueError:
                problems.append(f"{place}: should be {_KIND_NAMES[wanted]}, is {_masked(given, wanted)}")
    return kind(**values)


_KIND_NAMES: Mapping[type, str] = types.MappingProxyType(
    {str: "a text", Secret: "a text", int: "a whole number", float: "a number", bool: "true or false"}
)
_TRUTH = types.MappingProxyType({"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False})


def _masked(given: Any, wanted: type) -> str:
    return "'…'" if wanted is Secret else repr(given)


def _convert(given: Any, wanted: type) -> Any:
    if wanted is bool:
        if isinstance(given, bool):
            return given
        if isinstance(given, str) and given.lower() in _TRUTH:
            return _TRUTH[given.lower()]
        raise ValueError
    if isinstance(given, bool):
        raise ValueError
    if wanted in (str, Secret) and not isinstance(given, str):
        raise ValueError
    if wanted is int and isinstance(given, float):
        raise ValueError
    if wanted in (int, float) and not isinstance(given, int | float | str):
        raise ValueError
    return wanted(given)


def _check(sections: Mapping[str, Any]) -> list[str]:
    problems: list[str] = []
    hub: HubSettings = sections["hub"]
    for name in ("hub", "site"):
        if sections[name].language not in LANGUAGES:
            problems.append(f"{name}.language: {sections[name].language!r}, should be one of {', '.join(LANGUAGES)}")
    try:
        require_zone(hub.zone, what="hub.zone")
    except BadInput as error:
        problems.append(str(error))
    ports = {
        "hub.port": hub.port,
        "mailbox.port": sections["mailbox"].port,
        "live.rtmp_port": sections["live"].rtmp_port,
        "live.srt_port": sections["live"].srt_port,
    }
    problems += [f"{name}: {port} is no port, use 0 to 65535" for name, port in ports.items() if not 0 <= port <= 65535]
    urls = {"hub.url": hub.url, "hub.snapshot_url": hub.snapshot_url, "site.url": sections["site"].url}
    urls["deploy.endpoint"] = sections["deploy"].endpoint
    urls["site.licence_url"] = sections["site"].licence_url
    for place, url in urls.items():
        if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
            problems.append(f"{place}: {url!r} is no web address, write it as https://hub.example.org")
    return (
        problems
        + _check_ranges(sections)
        + _check_youtube(sections["youtube"])
        + _check_intake(sections)
        + _check_questions(sections["questions"])
        + _check_mail(sections["mail"], hub)
    )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_intake(sections: Mapping[str, Any]) -> list[str]:
    mastodon: MastodonSettings = sections["mastodon"]
    mailbox: MailboxSettings = sections["mailbox"]
    problems = []
    if mastodon.instance and (urlsplit(mastodon.instance).scheme not in {"http", "https"}):
        problems.append(f"mastodon.instance: {mastodon.instance!r}, write it as https://social.firma.de")
    if mailbox.security not in {"tls", "starttls", "none"}:
        problems.append(f"mailbox.security: {mailbox.security!r}, should be one of tls, starttls, none")
    if mailbox.host and not mailbox.user:
        problems.append("mailbox.user: empty, but mailbox.host is set")
    if mailbox.host and not (mailbox.password or mailbox.password_file):
        problems.append("mailbox.password_file: empty, but mailbox.host is set; name a file that holds the password")
    if mailbox.security == "none" and mailbox.host not in {"", "localhost", "127.0.0.1", "::1"}:
        problems.append("mailbox.security: none sends the password in the open; use tls or starttls")
    if mailbox.address and not _ADDRESS.fullmatch(mailbox.address):
        problems.append(f"mailbox.address: {mailbox.address!r}, write it as fragen@firma.de")
    return problems


def _check_questions(questions: QuestionSettings) -> list[str]:
    unknown = [one for one in questions.encoder_languages.split() if one not in LANGUAGES]
    if unknown or not questions.encoder_languages.split():
        place = f"questions.encoder_languages: {questions.encoder_languages!r}"
        return [f"{place}, write one or more of {', '.join(LANGUAGES)}"]
    return []


def _check_youtube(youtube: YoutubeSettings) -> list[str]:
    problems = []
    if urlsplit(youtube.api_url).scheme not in {"http", "https"} or not urlsplit(youtube.api_url).netloc:
        problems.append(f"youtube.api_url: {youtube.api_url!r} is no web address")
    for entry in youtube.costs.split():
        call, equals, units = entry.partition("=")
        if not (call and equals and units.isdecimal()):
            problems.append(f"youtube.costs: {entry!r}, write it as captions.insert=400")
    return problems


def _check_mail(mail: MailSettings, hub: HubSettings) -> list[str]:
    problems = []
    if mail.security == "none" and mail.host not in {"", "127.0.0.1", "::1", "localhost"}:
        problems.append(f"mail.security: none, but {mail.host} is another machine; use starttls or tls")
    if not 1 <= mail.port <= 65535:
        problems.append(f"mail.port: {mail.port} is no port, use 1 to 65535")
    if mail.password and mail.password_file:
        problems.append("mail.password_file: there is a password besides; use one of the two")
    try:
        if mail.from_address or mail.host:
            clean_email(mail.from_address)
    except BadInput:
        problems.append(f"mail.from_address: {mail.from_address!r} is no address, write it as fragen@example.org")
    try:
        if mail.return_address:
            clean_email(mail.return_address)
    except BadInput:
        problems.append(f"mail.return_address: {mail.return_address!r} is no address, write it as fragen@example.org")
    if mail.host and not hub.url:
        problems.append("mail.host: set, but hub.url is empty, so that no mail could link to the hub")
    return problems


def _check_ranges(sections: Mapping[str, Any]) -> list[str]:
    transcript: TranscriptSettings = sections["transcript"]
    problems: list[str] = []
    choices = {
        "transcript.engine": (transcript.engine, ("faster-whisper", "openai-whisper")),
        "transcript.device": (transcript.device, ("auto", "cpu", "cuda")),
        "transcript.diariser": (transcript.diariser, ("", "sherpa-onnx")),
        "site.media": (sections["site"].media, ("link", "none")),
        "legal.accessibility_state": (sections["legal"].accessibility_state, ("", "full", "partial")),
        "site.ai_crawlers": (sections["site"].ai_crawlers, ("allow", "no-training", "deny")),
        "answers.clips": (sections["answers"].clips, ("on_demand", "ahead")),
        "mail.security": (sections["mail"].security, ("starttls", "tls", "none")),
        "mail.send": (sections["mail"].send, ("by_hand", "by_rule")),
        "mail.reminders": (sections["mail"].reminders, ("as_others", "by_rule")),
        "youtube.keep_token": (sections["youtube"].keep_token, ("file", "keyring")),
    }
    for place, (value, allowed) in choices.items():
        if value not in allowed:
            problems.append(f"{place}: {value!r}, should be one of {', '.join(allowed)}")
    minima = {
        "transcript.beam_size": (transcript.beam_size, 1),
        "transcript.threads": (transcript.threads, 0),
        "live.grace_s": (sections["live"].grace_s, 0),
        "live.min_free_mb": (sections["live"].min_free_mb, 0),
        "engine.transcriptions": (sections["engine"].transcriptions, 0),
        "engine.attempts": (sections["engine"].attempts, 1),
        "youtube.daily_units": (sections["youtube"].daily_units, 1),
        "youtube.reserve_units": (sections["youtube"].reserve_units, 0),
        "youtube.horizon_days": (sections["youtube"].horizon_days, 1),
        "youtube.watchdog_minutes": (sections["youtube"].watchdog_minutes, 1),
        "youtube.part_minutes": (sections["youtube"].part_minutes, 0),
        "mail.keep_days": (sections["mail"].keep_days, 1),
        "legal.privacy_log_days": (sections["legal"].privacy_log_days, 0),
        "hub.questions_per_minute": (sections["hub"].questions_per_minute, 1),
        "mailbox.max_mb": (sections["mailbox"].max_mb, 1),
        "calendars.every_minutes": (sections["calendars"].every_minutes, 5),
        "hub.votes_per_minute": (sections["hub"].votes_per_minute, 1),
        "hub.viewers": (sections["hub"].viewers, 1),
        "hub.votes_per_address": (sections["hub"].votes_per_address, 0),
        "hub.flood_per_minute": (sections["hub"].flood_per_minute, 1),
    }
    checked = sections["legal"].accessibility_checked
    if checked and not _is_day(checked):
        problems.append(f"legal.accessibility_checked: {checked!r} is no day, write it as 2026-11-28")
    if not 0 < transcript.diariser_threshold < 2:
        problems.append(f"transcript.diariser_threshold: {transcript.diariser_threshold}, should be between 0 and 2")
    if not sections["engine"].transcriptions and not sections["engine"].database_url:
        problems.append("engine.transcriptions: 0, but workers need PostgreSQL: set engine.database_url, or at least 1")
    try:
        parse_archives(sections["site"].others)
    except BadInput as error:
        problems.append(f"site.others: {error}")
    try:
        parse_players(sections["site"].players)
    except BadInput as error:
        problems.append(f"site.players: {error}")
    for room in ("hub", "site"):
        try:
            parse_origins(sections[room].embed_origins)
        except BadInput as error:
            problems.append(f"{room}.embed_origins: {error}")
    problems += [f"{place}: {value}, at least {least}" for place, (value, least) in minima.items() if value < least]
    return problems


def parse_archives(text: str) -> tuple[str, ...]:
    """Addresses of archives, each ending in ``/``, from a setting that lists them with spaces or commas.

    Raises:
        BadInput: one of them is no plain web address; such a one could also break the policy of the pages.
    """
    roots = tuple(dict.fromkeys(f"{part.rstrip('/')}/" for part in re.split(r"[\s,]+", text) if part))
    for root in roots:
        parts = urlsplit(root)
        origin = f"{parts.scheme}://{parts.netloc}".lower()
        if not _ORIGIN.fullmatch(origin) or not re.fullmatch(r"[\w./~-]*", parts.path) or parts.query or parts.fragment:
            raise BadInput(f"archive {root!r}: no address", hint="write it as https://antworten.firma.example/")
    return roots


def parse_players(text: str) -> dict[str, str]:
    """Addresses of platforms' players by the platform's name; ``{video}`` in them stands for the video.

    Raises:
        BadInput: one of them is no name with a plain web address; such a one could break the policy of the pages.
    """
    players = {}
    for part in text.split():
        name, _, address = part.partition("=")
        parts = urlsplit(address)
        if not (
            re.fullmatch(r"[a-z0-9_-]+", name)
            and parts.scheme == "https"
            and _ORIGIN.fullmatch(f"https://{parts.netloc}".lower())
            and re.fullmatch(r"[\w./~-]*\{video\}[\w./~-]*", parts.path)
            and not parts.query
            and not parts.fragment
        ):
            raise BadInput(
                f"player {part!r}: no name with an address",
                hint="write it as youtube=https://www.youtube-nocookie.com/embed/{video}",
            )
        players[name] = address
    return players


def parse_origins(text: str) -> tuple[str, ...]:
    """Origins of pages, such as ``https://www.example.org``, from a setting that lists them with spaces or commas.

    Raises:
        BadInput: one of them is none, so that nobody believes a page allowed that is not.
    """
    origins = tuple(dict.fromkeys(part.lower().rstrip("/") for part in re.split(r"[\s,]+", text) if part))
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise BadInput(
                f"origin {origin!r}: not the begin of an address", hint="write it as https://www.example.org"
            )
    return origins


def render_settings_file(settings: Settings) -> str:
    """A settings file with every setting, its default commented out and its meaning above it."""
    lines = [
        "# streamhub settings. A line without # overrides the default; STREAMHUB_<SECTION>_<SETTING> overrides both."
    ]
    for section in dataclasses.fields(settings):
        values = getattr(settings, section.name)
        about = (type(values).__doc__ or "").strip().splitlines()[0]
        lines += ["", f"[{section.name}]  # {about}"]
        for item in dataclasses.fields(values):
            value = getattr(values, item.name)
            mark = "# " if value == item.default else ""
            lines += [f"# {item.metadata['about']}", f"{mark}{item.name} = {_toml(value)}"]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
