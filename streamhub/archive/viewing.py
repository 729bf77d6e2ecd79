"""Viewing: from the library to the views of its pages. Pure.

Owns which words of the library a page shows, how speech is cut into turns and paragraphs, and from where to where a
player plays. Refuses to know templates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from urllib.parse import urlsplit

from streamhub.archive.coming import ComingSession
from streamhub.archive.gist import AnswerGist, SessionGist, first_cue, plan_anchor, refer_answer, refer_session
from streamhub.archive.library import Label, Library
from streamhub.archive.markdown import cut_text, render_markdown
from streamhub.archive.media import PlacedMedia, plan_frame, plan_jump
from streamhub.archive.public import PublicAnswer, PublicSession, key_of, neighbours
from streamhub.archive.views import (
    AnswerRef,
    AnswerView,
    ClipView,
    ComingView,
    CueView,
    Head,
    LabelRef,
    Named,
    PlayerView,
    ReplacedView,
    SessionRef,
    SessionView,
    TranscriptView,
    TranslationView,
    TurnView,
    VideoLink,
)
from streamhub.transcript.transcript import Cue, Maker, Transcript

DESCRIPTION_LENGTH = 160
PAUSE_MS = 2_500
PARAGRAPH_LENGTH = 420
SPEAKER_TONES = 6

_PARAGRAPH_CUES = 4


def view_coming(session: ComingSession) -> ComingView:
    """A coming session as pages and calendars tell of it."""
    return ComingView(
        title=session.title,
        show_title=session.show_title,
        show_url=f"shows/{session.show_id}/",
        path=f"s/{session.id}/",
        text=session.text,
        language=session.language,
        starts_at=session.starts_at,
        ends_at=session.starts_at + timedelta(minutes=session.minutes),
        zone=session.zone,
        url=session.url,
        live=session.live,
        event_title=session.event_title,
        event_url=session.event_url,
    )


def refer_label(label: Label) -> LabelRef:
    """A topic, product or person as a list shows it."""
    return LabelRef(
        title=label.title,
        url=label.url,
        language=label.language,
        about=label.about,
        answers=len(label.answers),
        sessions=len(label.sessions),
    )


def view_answer(
    answer: PublicAnswer,
    found: PublicSession,
    library: Library,
    media: PlacedMedia | None,
    clip: ClipView | None = None,
) -> AnswerView:
    """The page of a published answer of a session; with its clip, where there is one."""
    record = answer.answer
    before, after = neighbours(found, record.id)
    media = _playing(answer, found, media)
    videos = _answer_videos(answer, found)
    player = _on_its_page(_answer_player(answer, media), videos)
    downloads = [f"{answer.url}{name}" for name in ("answer.vtt", "answer.txt") if answer.cues or name != "answer.vtt"]
    return AnswerView(
        head=Head(
            path=f"{answer.url}index.html",
            language=record.language,
            title=cut_text(record.question, max_length=120),
            description=cut_text(answer.text or record.question, max_length=DESCRIPTION_LENGTH),
            section="sessions",
            image=clip.share if clip else "",
        ),
        answer=refer_answer(answer, found),
        asker=record.asker,
        answerers=tuple(name_person(name, library) for name in record.answerers or filter(None, [record.writer])),
        topics=name_labels(record.topics, library.topics),
        products=name_labels(record.products, library.products),
        session=Named(title=found.session.title, url=found.url),
        show_title=found.session.show_title,
        valid_until=record.valid_until,
        body_html=render_markdown(record.body) if record.body.strip() else "",
        body_markdown=record.body,
        writer=record.writer,
        writer_role=str(record.writer_role or ""),
        text=answer.text,
        player=player,
        videos=videos,
        recording_missing=bool(answer.cues and found.recording and not media and not videos),
        transcript=_answer_transcript(answer, found, library, media),
        related=tuple(
            library.answers[other].ref
            for other in library.related[record.id]
            if other not in {beside.answer.id for beside in (before, after) if beside}
        ),
        before=refer_answer(before, found) if before else None,
        after=refer_answer(after, found) if after else None,
        downloads=(*downloads, f"{answer.url}answer.md"),
        clip=clip,
        replaces=tuple(old.ref for old in library.replaced.get(record.id, ())),
        translation=view_translation(answer.translation, answer.url),
    )


def view_replaced(old: AnswerGist, library: Library) -> ReplacedView:
    """The page of an answer whose place another one took."""
    ref, successor = old.ref, library.successor_of(old.id)
    return ReplacedView(
        head=Head(
            path=f"{ref.url}index.html",
            language=ref.language,
            title=cut_text(ref.question, max_length=120),
            canonical=successor.ref.url if successor else "",
            indexed=False,
            section="sessions",
        ),
        answer=ref,
        session=Named(title=ref.session_title, url=ref.session_url),
        successor=successor.ref if successor else None,
    )


def view_session(found: PublicSession, library: Library, media: PlacedMedia | None) -> SessionView:
    """The page of a session."""
    session = found.session
    transcript = found.transcript
    spoken_ms = max((cue.span.end_ms for cue in transcript.cues), default=0) if transcript else 0
    ref = refer_session(found)
    videos = _session_videos(found)
    return SessionView(
        head=_session_head(ref, ref.people),
        session=ref,
        participants=tuple(
            (name_person(person.name, library), str(person.role), person.about) for person in session.participants
        ),
        recap_html=render_markdown(session.recap) if session.recap.strip() else "",
        recap_markdown=session.recap.strip(),
        player=_on_its_page(_session_player(found.url, _captions_language(found), media), videos),
        videos=videos,
        recording_missing=bool(found.recording and not media and not videos),
        duration_ms=media.duration_ms if media else spoken_ms,
        answers=tuple(refer_answer(answer, found) for answer in found.answers),
        transcript=_session_transcript(found, library, media),
        downloads=_session_downloads(found),
        translation=view_translation(found.translation, found.url),
        voices=() if session.participants else _voices(transcript, library),
    )


def _voices(transcript: Transcript | None, library: Library) -> tuple[Named, ...]:
    """Who speaks, whoever says most first."""
    said = Counter[str]()
    for cue in transcript.cues if transcript else ():
        said[cue.speaker] += len(cue.text)
    return tuple(name_person(name, library) for name, _ in said.most_common() if name)


def outline_session(gist: SessionGist, library: Library, media: PlacedMedia | None) -> SessionView:
    """The page of a session without what was said, for lists and feeds; made without reading the session."""
    names = [name for name, _, _ in gist.participants]
    return SessionView(
        head=_session_head(gist.ref, names),
        session=gist.ref,
        participants=tuple((name_person(name, library), role, about) for name, role, about in gist.participants),
        recap_html="",
        recap_markdown="",
        player=_session_player(gist.ref.url, gist.captions_language, media),
        videos=(),
        recording_missing=False,
        duration_ms=media.duration_ms if media else gist.spoken_ms,
        answers=tuple(answer.ref for answer in gist.answers),
        transcript=None,
        downloads=(),
    )


def _session_head(ref: SessionRef, names: Sequence[str]) -> Head:
    return Head(
        path=f"{ref.url}index.html",
        language=ref.language,
        title=ref.title,
        description=cut_text(" – ".join(part for part in (ref.show_title, ", ".join(names)) if part), max_length=200),
        section="sessions",
    )


def _session_downloads(found: PublicSession) -> tuple[Named, ...]:
    """What of a session can be taken along, by kind."""
    folder = f"{found.url}export/"
    files = []
    if found.answers:
        files += [("recap", "recap.md"), ("post", "post.html"), ("post-markdown", "post.md"), ("table", "answers.csv")]
    if found.transcript and found.transcript.cues:
        language = found.transcript.language
        files += [("text", f"transcript.{language}.txt"), ("srt", f"captions.{language}.srt")]
    files += [("data", "session.json")] if files else []
    path = _captions_path(found.url, _captions_language(found))
    captions = [Named(title="vtt", url=path)] if path else []
    return (*(Named(title=kind, url=f"{folder}{name}") for kind, name in files), *captions)


def _captions_path(url: str, language: str) -> str:
    return f"{url}captions.{language}.vtt" if language else ""


def _captions_language(found: PublicSession) -> str:
    """Of what was said; empty when nothing of that is kept."""
    return found.transcript.language if found.transcript and found.transcript.cues else ""


# --- parts of pages


def name_person(name: str, library: Library) -> Named:
    """Somebody, with the page that leads to all of his answers, if there is one."""
    label = library.people.get(key_of(name))
    return Named(title=name, url=label.url if label else "")


def name_labels(titles: Iterable[str], labels: Mapping[str, Label]) -> tuple[Named, ...]:
    """Topics or products, with their pages."""
    return tuple(Named(title=title, url=labels[key_of(title)].url) for title in titles if key_of(title) in labels)


def _pieces(media: PlacedMedia) -> tuple[tuple[int, int, int, int], ...]:
    return tuple(
        (piece.session.start_ms, piece.session.end_ms, piece.media.start_ms, piece.media.end_ms)
        for piece in media.clock.pieces
    )


def _playing(answer: PublicAnswer, found: PublicSession, media: PlacedMedia | None) -> PlacedMedia | None:
    """The recording in which an answer is; of several videos of a platform the first that has it."""
    if media is None or media.kind != "frame":
        return media
    for video in found.videos:
        url = plan_frame(video.url, media.player) if video.kind == media.platform else ""
        if url and any(video.clock.media_spans(span) for span in answer.answer.ranges):
            return replace(media, url=url, clock=video.clock, duration_ms=video.duration_ms)
    return media


def _on_its_page(player: PlayerView | None, videos: Sequence[VideoLink]) -> PlayerView | None:
    """A platform's player, with the platform's page for whoever has no scripts."""
    if player is None or player.kind != "frame":
        return player
    page = videos[0] if videos else None
    return replace(player, page=page.url if page else "", label=page.label if page else "")


def _answer_player(answer: PublicAnswer, media: PlacedMedia | None) -> PlayerView | None:
    if media is None:
        return None
    spans = [span for part in answer.answer.ranges for span in media.clock.media_spans(part)]
    if not spans:
        return None
    return PlayerView(
        url=media.url,
        kind=media.kind,
        mime=media.mime,
        start_ms=spans[0].start_ms,
        end_ms=spans[-1].end_ms,
        whole=False,
        clock=_pieces(media),
        captions=f"{answer.url}answer.vtt" if answer.cues else "",
        captions_language=answer.answer.language,
        origin=media.origin,
    )


def _session_player(url: str, captions_language: str, media: PlacedMedia | None) -> PlayerView | None:
    """The player of a session's page, which lies at that address."""
    if media is None:
        return None
    return PlayerView(
        url=media.url,
        kind=media.kind,
        mime=media.mime,
        start_ms=media.clock.pieces[0].media.start_ms if media.clock.pieces else 0,
        end_ms=media.duration_ms,
        whole=True,
        clock=_pieces(media),
        captions=_captions_path(url, captions_language),
        captions_language=captions_language,
        origin=media.origin,
    )


def _session_videos(found: PublicSession) -> tuple[VideoLink, ...]:
    """Every video of a session, from where the session begins in it."""
    starts = [video.clock.pieces[0].media.start_ms if video.clock.pieces else 0 for video in found.videos]
    return _links(found, starts)


def _answer_videos(answer: PublicAnswer, found: PublicSession) -> tuple[VideoLink, ...]:
    """The first video in which an answer begins, at its second."""
    for span in answer.answer.ranges:
        starts = [next((part.start_ms for part in video.clock.media_spans(span)), None) for video in found.videos]
        if links := _links(found, starts):
            return links[:1]
    return ()


def _links(found: PublicSession, starts: Sequence[int | None]) -> tuple[VideoLink, ...]:
    several = len(found.videos) > 1
    links = []
    for number, (video, at_ms) in enumerate(zip(found.videos, starts, strict=True), 1):
        url = plan_jump(video.url, at_ms) if at_ms is not None else ""
        if url and at_ms is not None:
            host = urlsplit(url).hostname or ""
            label = video.label or host
            links.append(VideoLink(url=url, label=label, host=host, at_ms=at_ms, part=number if several else 0))
    return tuple(links)


def _answer_transcript(
    answer: PublicAnswer, found: PublicSession, library: Library, media: PlacedMedia | None
) -> TranscriptView | None:
    if answer.speech is None:
        return None
    return TranscriptView(
        language=answer.speech.language,
        by_machine=answer.speech.made_by is Maker.MACHINE,
        made_with=answer.speech.made_with,
        turns=_turns(answer.cues, found, library, media),
    )


def translation_path(translation: Transcript, url: str) -> str:
    """Where the captions of a translation lie, below the page that they belong to."""
    return f"{url}translation.{translation.language}.vtt"


def view_translation(translation: Transcript | None, url: str, *, rest: str = "") -> TranslationView | None:
    """A translation on the page at an address; ``rest`` is where it goes on."""
    if translation is None or not translation.cues:
        return None
    texts = [cue.text for cue in translation.cues]
    return TranslationView(
        language=translation.language,
        made_with=translation.made_with,
        paragraphs=tuple(" ".join(texts[at : at + _PARAGRAPH_CUES]) for at in range(0, len(texts), _PARAGRAPH_CUES)),
        captions=translation_path(translation, url),
        rest=rest,
    )


def _session_transcript(found: PublicSession, library: Library, media: PlacedMedia | None) -> TranscriptView | None:
    transcript = found.transcript
    if transcript is None or not transcript.cues:
        return None
    opens: dict[str, AnswerRef] = {}
    for answer in found.answers:
        if first := first_cue(answer, found):
            opens.setdefault(first, refer_answer(answer, found))
    return TranscriptView(
        language=transcript.language,
        by_machine=transcript.made_by is Maker.MACHINE,
        made_with=transcript.made_with,
        turns=_turns(transcript.cues, found, library, media, opens=opens),
        cut_at_end=transcript.cues[-1].id in found.gaps,
    )


def _turns(
    cues: Sequence[Cue],
    found: PublicSession,
    library: Library,
    media: PlacedMedia | None,
    *,
    opens: Mapping[str, AnswerRef] | None = None,
) -> tuple[TurnView, ...]:
    """Cues by speaker, broken where an answer begins or something was left out."""
    tones = {key: number % SPEAKER_TONES for number, key in enumerate(found.speakers)}
    numbers: list[int] = []
    for at, cue in enumerate(cues):
        before = cues[at - 1] if at else None
        new = (
            before is None
            or before.speaker != cue.speaker
            or plan_anchor(cue.id) in (opens or {})
            or (opens is not None and before.id in found.gaps)
        )
        numbers.append((numbers[-1] if numbers else 0) + new)
    turns = []
    before_id = ""
    for _, members in groupby(zip(numbers, cues, strict=True), key=lambda pair: pair[0]):
        said = [cue for _, cue in members]
        turns.append(
            TurnView(
                speaker=name_person(said[0].speaker, library) if said[0].speaker else Named(title=""),
                tone=tones.get(key_of(said[0].speaker), 0),
                paragraphs=_paragraphs(said, media),
                opens=(opens or {}).get(plan_anchor(said[0].id)),
                cut=opens is not None and before_id in found.gaps,
            )
        )
        before_id = said[-1].id
    return tuple(turns)


def _paragraphs(cues: Sequence[Cue], media: PlacedMedia | None) -> tuple[tuple[CueView, ...], ...]:
    paragraphs: list[list[CueView]] = []
    length = 0
    end_ms = 0
    for cue in cues:
        if not paragraphs or cue.span.start_ms - end_ms > PAUSE_MS or length > PARAGRAPH_LENGTH:
            paragraphs.append([])
            length = 0
        paragraphs[-1].append(_view_cue(cue, media))
        length += len(cue.text)
        end_ms = cue.span.end_ms
    return tuple(tuple(paragraph) for paragraph in paragraphs)


def _view_cue(cue: Cue, media: PlacedMedia | None) -> CueView:
    placed = media.clock.media_span(cue.span) if media else None
    return CueView(
        id=plan_anchor(cue.id),
        text=cue.text,
        language=cue.language,
        at_ms=cue.span.start_ms,
        media_start_ms=placed.start_ms if placed else None,
        media_end_ms=placed.end_ms if placed else None,
    )
