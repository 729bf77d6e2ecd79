"""A site for Hugo with the pages of an archive, from data: what its user would have written down, a file for each page.

The front matter of a page says, as JSON, what the page is about: the question, cues with times, speaker and text, where
its session is, the paths of what is like it. The templates in `bench/hugo_site/` make the page of it. What a template
of Hugo cannot find out is given finished: what is like what, excerpts, which answers stand on which page of a long
list, times in the recording, instants in words of both languages. Phrases come from the theme's catalogues.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.build_pages import LANGUAGE, print_pages
from streamhub.archive.catalogue import format_moment, format_short_day
from streamhub.archive.pages import Frame, Printer, initials, load_phrases
from streamhub.archive.plan import digest_of
from streamhub.archive.theme import Theme
from streamhub.archive.views import (
    AnswerRef,
    AnswerView,
    CueView,
    Head,
    HomeView,
    LabelRef,
    LabelsView,
    LabelView,
    Named,
    PlayerView,
    SessionRef,
    SessionsView,
    SessionView,
    ShowView,
    StepsView,
    TurnView,
    WayView,
)
from streamhub.text import LANGUAGES

TEMPLATES = Path(__file__).with_name("hugo_site")
NAMES = {"de": "Deutsch", "en": "English"}
UNITS = {"de": ("Std.", "Min.", "Sek."), "en": ("h", "min", "s")}
PLURALS = {
    ("vote", "votes"): ("%(num)s vote", "%(num)s votes"),
    ("answer", "answers"): ("%(num)s answer", "%(num)s answers"),
    ("one_session", "n_sessions"): ("%(num)s session", "%(num)s sessions"),
    ("from_session", "from_sessions"): ("from %(num)s session", "from %(num)s sessions"),
}
WORDS = {
    "all_sessions": "All sessions",
    "and_more": "%(names)s and %(num)s more",
    "answer_md": "Text (Markdown)",
    "answer_txt": "Text",
    "answer_vtt": "Captions (VTT)",
    "answered_by": "Answered by %(names)s",
    "asked_most": "Asked most",
    "at_the_table": "At the table",
    "by_letter": "By letter",
    "by_machine": "Written down by a machine, may contain errors",
    "by_people": "Checked by people",
    "by_year": "By year",
    "calendar": "Calendar",
    "cannot_play": "This browser cannot play the recording here. The link above opens it by itself.",
    "captions": "Captions",
    "cite": "Cite",
    "claim": "Answers from live round tables, word for word, to the second",
    "click_loads": "A click loads the recording from %(host)s. Nothing is loaded before.",
    "copied": "Copied.",
    "copy": "Copy",
    "copy_failed": "Copying is not allowed here. Select the text and copy it by hand.",
    "customer": "customer",
    "data": "Data",
    "embed": "Embed",
    "ends_here": "The answer ends here. Press play to go on listening.",
    "expert": "expert",
    "feed": "Feed",
    "from_audience": "Question from the audience",
    "from_time": "From %(time)s",
    "here": "You are here",
    "home": "Home",
    "host": "host",
    "in_all": "%(length)s in all",
    "in_de": "in German",
    "in_en": "in English",
    "in_session": "In the same session",
    "latest_sessions": "Latest sessions",
    "length_from": "%(length)s, from %(time)s of the recording",
    "line_to_paste": "Line of HTML to paste",
    "main": "Main",
    "newer": "Newer",
    "newest_answers": "Newest answers",
    "next": "Next question",
    "nothing_elsewhere": "Nothing here is loaded from elsewhere, and nobody is counted.",
    "older": "Older",
    "older_answers": "Older answers",
    "older_sessions": "Older sessions",
    "one_of_people": "Person",
    "one_of_products": "Product",
    "one_of_topics": "Topic",
    "other_look": "Frame, list or another look",
    "pages": "Pages",
    "people": "People",
    "podcast": "Podcast",
    "previous": "Previous question",
    "products": "Products",
    "question_from": "Question from %(name)s",
    "questions": "Questions in this session",
    "related": "Related answers",
    "search": "Search",
    "search_all": "Search all answers",
    "session": "Session",
    "session_data": "Data (JSON)",
    "session_post": "Blog post (HTML)",
    "session_post-markdown": "Blog post (Markdown)",
    "session_recap": "Recap (Markdown)",
    "session_srt": "Captions (SRT)",
    "session_table": "Table of answers (CSV)",
    "session_text": "What was said (text)",
    "session_vtt": "Captions (VTT)",
    "sessions": "Sessions",
    "show": "Show",
    "skip": "Skip to content",
    "subscribe": "Subscribe",
    "super_user": "experienced user",
    "take_along": "Take along",
    "topics": "Topics",
    "watch_answer": "Watch the answer",
    "watch_session": "Watch the session",
    "what_to_know": "What would you like to know?",
    "what_was_said": "What was said",
}
_HOLES = dict.fromkeys(("host", "length", "name", "names", "num", "time"), "%v")

Front = dict[str, Any]


class Noting(Printer):
    """Prints nothing, and notes what each page would have said."""

    def __init__(self, theme: Theme, frame: Frame) -> None:
        super().__init__(theme, frame)
        self.views: list[Any] = []
        self.version = digest_of(sorted(theme.static.items()))[:10]

    def print_page(self, template: str, view: Any, **more: Any) -> bytes:
        """No bytes; the view is noted."""
        self.views.append(view)
        return b""


def write_site(root: Path, site: Path, *, everything: bool) -> None:
    """Write a site for Hugo with the pages of the archive in that folder."""
    made: list[Noting] = []

    def note(theme: Theme, frame: Frame) -> Noting:
        made.append(Noting(theme, frame))
        return made[0]

    for _ in print_pages(root, everything=everything, printing=note):
        pass
    (noting,) = made
    shutil.copytree(TEMPLATES, site)
    params = site / "config" / "_default" / "params.json"
    params.write_text(json.dumps(_plan_params(noting), ensure_ascii=False), "utf-8")
    for view in noting.views:
        name, front = plan_page(view)
        path = site / "content" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(front, ensure_ascii=False) + "\n", "utf-8")


def _plan_params(noting: Noting) -> Front:
    """What the templates know of the whole site."""
    frame = noting.frame
    shown = {"topics": frame.has_topics, "products": frame.has_products, "people": frame.has_people}
    return {
        "csp": frame.csp,
        "version": noting.version,
        "language": frame.language,
        "sections": [name for name in ("search", "topics", "products", "people", "sessions") if shown.get(name, True)],
        "words": {language: _plan_words(noting.theme, language) for language in LANGUAGES},
    }


def _plan_words(theme: Theme, language: str) -> dict[str, str]:
    """Phrases of a language by name, with ``%v`` where something is put in."""
    phrases = load_phrases(theme, language)
    words = {name: str(phrases.ugettext(phrase)) for name, phrase in WORDS.items()}
    for (one, many), (singular, plural) in PLURALS.items():
        words |= {one: phrases.ungettext(singular, plural, 1), many: phrases.ungettext(singular, plural, 2)}
    words = {name: text % _HOLES if "%(" in text else text for name, text in words.items()}
    for name in ("answered_by", "vote", "votes", "answer", "answers", "one_session", "n_sessions"):
        words[name] = words[name].replace("%v", "").strip()
    other = next(one for one in LANGUAGES if one != language)
    units = dict(zip(("unit_hours", "unit_minutes", "unit_seconds"), UNITS[language], strict=True))
    roots = {"root": _root(language), "other_root": _root(other)}
    return words | units | roots | {"other": other, "other_name": NAMES[other]}


def _root(language: str) -> str:
    return "/" if language == LANGUAGE else f"/{language}/"


# --- pages


def plan_page(view: Any) -> tuple[str, Front]:
    """Name and front matter of a page."""
    name, front = _PLANS[type(view)](view)
    return name, {key: value for key, value in (_head(view.head) | front).items() if value not in ("", None, (), [])}


def _head(head: Head) -> Front:
    twin = head.twin is not None
    return {
        "title": head.title,
        "description": head.description,
        "language": head.language,
        "section": head.section,
        "here": head.path == f"{_root(head.language)[1:]}{head.section}/index.html" or None,
        "feed": f"/{head.feed}" if head.feed else "",
        "twin": f"/{head.twin}" if twin else "",
        "other": next(one for one in LANGUAGES if one != head.language) if twin else "",
    }


def _addressed(kind: str, head: Head) -> tuple[str, Front]:
    """A page that says itself where it lies."""
    url = head.path.removesuffix("index.html")
    return f"{kind}/{url.strip('/').replace('/', '-') or 'start'}", {"url": f"/{url}", "type": kind}


def _answer(view: AnswerView) -> tuple[str, Front]:
    ref = view.answer
    assert view.transcript, ref.id
    return ref.url.strip("/"), {
        "name": ref.url.strip("/").partition("/")[2],
        "question": ref.question,
        "asker": view.asker,
        "votes": ref.votes,
        "answerers": ref.answerers,
        "answered_by": list(map(_named, view.answerers)),
        "topics": list(map(_named, view.topics)),
        "products": list(map(_named, view.products)),
        "session": {
            "title": view.session.title,
            "url": f"/{view.session.url}",
            "language": ref.session_language,
            "show": view.show_title,
            "cue": ref.session_cue,
        },
        **_when(ref, view.head.language),
        "excerpt": ref.excerpt,
        "at": _seconds(ref.start_ms or 0),
        "duration": _seconds(ref.duration_ms),
        "player": _player(view.player),
        "machine": view.transcript.by_machine,
        "made_with": view.transcript.made_with,
        **_speech(view.transcript.turns),
        "downloads": [path.rpartition(".")[2] for path in view.downloads],
        "before": _path(view.before.url) if view.before else "",
        "after": _path(view.after.url) if view.after else "",
        "entries": [_path(one.url) for one in view.related],
    }


def _session(view: SessionView) -> tuple[str, Front]:
    """A session; everything that was said in it was said in one of its answers, and stands there."""
    ref = view.session
    assert view.transcript, ref.url
    assert all(turn.opens and not turn.cut for turn in view.transcript.turns)
    assert len(view.transcript.turns) == len(view.answers)
    return ref.url.strip("/"), {
        "show": {"title": ref.show_title, "url": f"/{ref.show_url}"},
        **_when(ref, view.head.language),
        "duration": _seconds(view.duration_ms),
        "player": _player(view.player),
        "names": ref.people,
        "people": [
            {**_named(person), "role": role, "about": about, "initials": initials(person.title)}
            for person, role, about in view.participants
        ],
        "machine": view.transcript.by_machine,
        "made_with": view.transcript.made_with,
        "downloads": [{"kind": file.title, "url": f"/{file.url}"} for file in view.downloads],
        "answers": [_path(one.url) for one in view.answers],
    }


def _label(view: LabelView) -> tuple[str, Front]:
    name, front = _addressed("label", view.head)
    return name, front | {
        "about": view.label.about,
        "count": view.label.answers,
        "profile": view.kind == "people" and not view.steps.newest,
        "entries": [_path(one.url) for one in view.answers],
        "sessions": [_path(one.url) for one in view.sessions],
        "steps": _steps(view.steps),
    }


def _labels(view: LabelsView) -> tuple[str, Front]:
    name, front = _addressed("labels", view.head)
    letters = [{"letter": letter, "labels": list(map(_label_ref, refs))} for letter, refs in view.letters]
    return name, front | {"letters": letters, "ways": list(map(_way, view.ways))}


def _show(view: ShowView) -> tuple[str, Front]:
    name, front = _addressed("show", view.head)
    return name, front | {
        "podcast": view.has_podcast,
        "total": view.total,
        "sessions": [_path(one.url) for one in view.sessions],
        "steps": _steps(view.steps),
    }


def _sessions(view: SessionsView) -> tuple[str, Front]:
    name, front = _addressed("sessions", view.head)
    return name, front | {
        "ways": list(map(_way, view.ways)),
        "years": [{"year": year, "sessions": [_path(ref.url) for ref in refs]} for year, refs in view.years],
    }


def _home(view: HomeView) -> tuple[str, Front]:
    name, front = _addressed("home", view.head)
    return name, front | {
        "start": True,
        "answers": view.total_answers,
        "total": view.total_sessions,
        "topics": list(map(_label_ref, view.topics)),
        "entries": [_path(one.url) for one in view.answers],
        "sessions": [_path(one.url) for one in view.sessions],
    }


_PLANS: Mapping[type, Callable[[Any], tuple[str, Front]]] = {
    AnswerView: _answer,
    SessionView: _session,
    LabelView: _label,
    LabelsView: _labels,
    ShowView: _show,
    SessionsView: _sessions,
    HomeView: _home,
}


# --- parts of pages


def _path(url: str) -> str:
    """Where a page of Hugo's is asked for."""
    return f"/{url.strip('/')}"


def _named(item: Named) -> Front:
    return {"title": item.title, "url": f"/{item.url}" if item.url else ""}


def _label_ref(ref: LabelRef) -> Front:
    return {
        "title": ref.title,
        "url": f"/{ref.url}",
        "language": ref.language,
        "about": ref.about,
        "answers": ref.answers,
        "sessions": ref.sessions,
    }


def _way(view: WayView) -> Front:
    return {"title": view.title, "url": f"/{view.url}", "count": view.count}


def _steps(steps: StepsView) -> Front:
    return {key: f"/{url}" for key in ("newer", "older") if (url := getattr(steps, key))}


def _seconds(ms: int) -> float | int:
    """Seconds, whole ones as whole numbers."""
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


def _when(ref: AnswerRef | SessionRef, language: str) -> Front:
    return {
        "starts": ref.starts_at.isoformat(),
        "moment": format_moment(ref.starts_at, ref.zone, language),
        "day": {one: format_short_day(ref.starts_at, ref.zone, one) for one in LANGUAGES},
    }


def _player(view: PlayerView | None) -> Front | None:
    if view is None:
        return None
    assert view.kind == "video", view.kind
    return {
        "kind": view.kind,
        "src": view.url,
        "host": view.origin.rpartition("/")[2],
        "start": _seconds(view.start_ms),
        "end": _seconds(view.end_ms),
        "length": _seconds(view.end_ms - (0 if view.whole else view.start_ms)),
        "whole": view.whole,
        "clock": view.clock,
        "captions": f"/{view.captions}" if view.captions else "",
        "language": view.captions_language,
    }


def _speech(turns: Sequence[TurnView]) -> Front:
    """Who speaks in an answer, and what."""
    speakers: dict[str, Front] = {}
    cues: list[Front] = []
    for turn in turns:
        keys = {one["title"]: key for key, one in speakers.items()}
        key = keys.get(turn.speaker.title, f"s{len(speakers)}")
        speakers[key] = {**_named(turn.speaker), "tone": turn.tone}
        cues += [_cue(cue, key) for paragraph in turn.paragraphs for cue in paragraph]
    return {"speakers": speakers, "cues": cues}


def _cue(cue: CueView, speaker: str) -> Front:
    assert cue.media_start_ms is not None, cue.id
    assert cue.media_end_ms is not None, cue.id
    length_ms = cue.media_end_ms - cue.media_start_ms
    return {
        "id": cue.id,
        "at": _seconds(cue.at_ms),
        "until": _seconds(cue.at_ms + length_ms),
        "start": _seconds(cue.media_start_ms),
        "end": _seconds(cue.media_end_ms),
        "speaker": speaker,
        "text": cue.text,
    }
