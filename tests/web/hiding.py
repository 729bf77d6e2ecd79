"""A hub in which somebody refuses to be named, with his name wherever a name can stand, and its published archive."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.coming import load_coming
from streamhub.archive.event_folder import load_events
from streamhub.archive.folder import save_session
from streamhub.archive.site import plan_from_sources
from streamhub.archive.sources import Sources, find_sources
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.archiving import write_states
from streamhub.config import SiteSettings
from streamhub.event_files import write_events
from streamhub.hubside import ArchiveAnswers
from streamhub.keepers.announcer import Announcer, AnnouncerParts
from streamhub.live.mark import Mark, MarkKind
from streamhub.questions.question import Asker, Question, QuestionState, Shown
from streamhub.questions.writing import Proposal, ProposalState, Story, StoryState, Writer, digest_of
from streamhub.schedule.event import Event, PreShow
from streamhub.schedule.invitation import Room
from streamhub.schedule.people import Person
from streamhub.schedule.show import Participant, Role, Session, SessionState, Show
from streamhub.store import (
    events,
    invitations,
    marks,
    people,
    proposals,
    questions,
    rooms,
    shows,
    stage,
    stories,
)
from streamhub.suggesting import Suggester
from streamhub.timecode import Span
from streamhub.transcript.live_words import Listening, LiveCaptions
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.web.links import make_me
from streamhub.web.overlay import overlay_key
from tests.web.conftest import START

if TYPE_CHECKING:
    from sqlite_utils import Database

    from streamhub.web.hub import Hub
    from tests.web.conftest import World

ADA = Person(
    id="ada",
    name="Dr. Ada Grünkohl",
    about="Leiterin Netzbau",
    email="ada.geheim@example.org",
    organisation="Geheimhaus AG",
)
TOM = Person(id="tom", name="Tom Schwarzwurzel", email="tom.geheim@example.org", role=Role.PRODUCER)
EVE = Person(id="eve", name="Eve Wirsing", email="eve.geheim@example.org", role=Role.CUSTOMER)
SAID = "Mit Dr. Ada Grünkohl, mit Ada Grünkohl, mit Frau Dr. Grünkohl und ADA GRÜNKOHL."
"""The ways in which a name is written."""
TRACES = ("grünkohl", "gr\\u00fcnkohl", "gruenkohl", "grunkohl", "gr%c3%bcnkohl", "netzbau")
"""What must be nowhere, in small letters."""
SECRETS = ("geheim", "wirsing", "schwarzwurzel")
"""What only hosts may know: addresses, notes, drafts, held questions, rooms, who has not answered, and producers."""
COMING, RUNNING, OVER = "2027-03-02-eins", "2027-03-01-zwei", "2027-02-01-drei"
OFF, DRAFT = "2027-03-03-vier", "2027-03-04-entwurf"
NONCE = "n" * 26


def make_hub(world: World, folder: Path) -> Hub:
    """The hub of a world with its real archive, and a service that finds like questions."""
    store, transcripts = world.hub.store, folder / "transcripts"
    answers = ArchiveAnswers(store, transcripts, now=world.clock)
    return replace(world.hub, answers=answers, suggestions=Suggester(store, transcripts, fresh_s=0))


async def fill(world: World, folder: Path) -> None:
    """Put the name into everything that the hub and its archive keep."""
    await world.hub.store.write(lambda db: _fill(db, world))
    cues = tuple(
        Cue(id=f"s1-{at_s}000", span=Span(at_s * 1000, at_s * 1000 + 3900), text=said, speaker=speaker)
        for at_s, (said, speaker) in enumerate(
            [(SAID, "Dr. Ada Grünkohl"), ("Hier ist Ada Grünkohl.", "Ada Grünkohl"), ("Guten Abend.", "Jana Weber")], 1
        )
    )
    now = Cue(id="now", span=Span(9000, 9900), text="Danke, Frau Grünkohl", speaker="")
    world.words.heard[RUNNING] = LiveCaptions(listening=Listening.HEARING, cues=cues, now=now)
    save_session(folder / "transcripts", _archived(cues))


def _fill(db: Database, world: World) -> None:
    shows.save_show(db, Show(id="runde", title="Runde mit Ada Grünkohl", about=f"Fachleute antworten. {SAID}"))
    for person in (ADA, EVE, TOM):
        people.save_person(db, person)
    held = {
        COMING: (SessionState.OPEN, START, None),
        RUNNING: (SessionState.LIVE, START - timedelta(days=1), START - timedelta(days=1)),
        OVER: (SessionState.PUBLISHED, START - timedelta(days=29), START - timedelta(days=29)),
        OFF: (SessionState.CANCELLED, START + timedelta(days=1), None),
    }
    jana = Participant(name="Jana Weber", role=Role.HOST, about="Moderatorin")
    ada = Participant(name=ADA.name, role=Role.EXPERT, about=ADA.about)
    for session_id, (state, starts_at, began) in held.items():
        session = Session(
            id=session_id,
            show_id="runde",
            title=f"Abend {session_id[-4:]}: {SAID}",
            call=f"Fragen! {SAID}",
            starts_at=starts_at,
            state=state,
            started_at=began,
            ended_at=began + timedelta(hours=1) if began and state is SessionState.PUBLISHED else None,
            participants=(jana,) if session_id == OFF else (jana, ada),  # into that one she is only asked
        )
        shows.save_session(db, session)
        for person in (ADA, EVE, TOM):
            invitations.invite(db, session_id, person.id, person.role, at=world.clock(), author="")
        rooms.save_room(db, Room(session_id=session_id, url="https://geheim.example/{key}", instructions="geheim"))
        _ask(db, session_id)
    draft = Session(id=DRAFT, show_id="runde", title="Geheimer Entwurf", starts_at=START)
    shows.save_session(db, draft)
    events.save_event(db, Event(id="tage", show_id="runde", title=f"Tage: {SAID}", about=f"Programm: {SAID}"))
    for session_id in (COMING, OFF, DRAFT, OVER):
        events.put_session(db, "tage", session_id)
    events.save_pre_show(db, PreShow(session_id=RUNNING, for_session=COMING))
    events.save_pre_show(db, PreShow(session_id=COMING, for_event="tage"))
    stage.save_overlay_nonce(db, RUNNING, NONCE, at=world.clock(), author="")


def _ask(db: Database, session_id: str) -> None:
    key = session_id[-4:]
    states = {
        COMING: QuestionState.OPEN,
        RUNNING: QuestionState.ON_AIR,
        OVER: QuestionState.PUBLISHED,
        OFF: QuestionState.CARRIED_OVER,
    }
    asker = Asker(name="Geheimer Frager", shown=Shown.ANONYMOUS, place="Geheimdorf")
    question = Question(
        id=f"q-{key}",
        session_id=session_id,
        text=f"Wie baut man das Netz {key}? {SAID}",
        asker=asker,
        state=states[session_id],
        note="geheim",
        asked_at=START - timedelta(days=30),
    )
    questions.insert_question(db, question)
    held = replace(question, id=f"h-{key}", text="Geheime Frage", state=QuestionState.HELD)
    questions.insert_question(db, held)
    at = question.asked_at
    stories.save_story(
        db,
        Story(
            id=f"s-{key}",
            question_id=question.id,
            voter="v" * 26,
            writer=Writer(name="Geheim", shown=Shown.ANONYMOUS),
            text=f"Bei mir auch. {SAID}",
            language="de",
            state=StoryState.SHOWN,
            at=at,
        ),
    )
    proposals.insert_proposal(
        db,
        Proposal(
            id=f"p-{key}",
            question_id=question.id,
            voter="v" * 26,
            writer=Writer(name=ADA.name, shown=Shown.NAME, role=Role.EXPERT),
            text=f"So geht es. {SAID}",
            digest=digest_of(f"So geht es. {SAID}"),
            language="de",
            state=ProposalState.ALSO,
            at=at,
        ),
    )
    if session_id in {RUNNING, OVER}:
        on_air = START - timedelta(days=1 if session_id == RUNNING else 29) + timedelta(seconds=1)
        marks.insert_mark(db, Mark(session_id=session_id, question_id=question.id, kind=MarkKind.ON_AIR, at=on_air))


def _archived(cues: tuple[Cue, ...]) -> ArchivedSession:
    """The session that is over, as the archive holds it before anybody refused anything."""
    answer = Answer(
        id="q-drei",
        slug="wie-baut-ada-gruenkohl-das-netz",
        session_id=OVER,
        question=f"Wie baut man das Netz drei? {SAID}",
        answerers=("Ada Grünkohl",),
        ranges=(Span(1000, 4900),),
        topics=("Netz", "Ada Grünkohl"),
        state=AnswerState.PUBLISHED,
        body=f"Kurz: {SAID}",
        writer="Ada Grünkohl",
        evidence=(SAID,),
    )
    hidden = replace(
        answer, id="h-drei", slug="geheim", question="Geheim?", body="geheim", state=AnswerState.DRAFT, ranges=()
    )
    return ArchivedSession(
        id=OVER,
        show_id="runde",
        show_title="Runde mit Ada Grünkohl",
        title=f"Abend drei: {SAID}",
        starts_at=START - timedelta(days=29),
        participants=(
            Participant(name="Jana Weber", role=Role.HOST),
            Participant(name=ADA.name, role=Role.EXPERT, about=ADA.about),
        ),
        transcripts=(Transcript(language="de", cues=cues),),
        translations=(Transcript(language="en", cues=tuple(replace(cue, text=f"In English: {SAID}") for cue in cues)),),
        answers=(answer, hidden),
        recap=f"Es war schön. {SAID}",
    )


async def refuse(world: World, folder: Path) -> None:
    """Ada says no behind her link, and the archive's files follow as the hub has them follow."""
    for session_id in (COMING, RUNNING, OVER, OFF):
        path = f"/me/{make_me(world.hub.secret, ADA.id, ADA.link_version)}/s/{session_id}"
        async with world.client.post(path, data={"for_name": "no"}, allow_redirects=False) as answer:
            assert answer.status == 303
    await write_states(world.hub.store, folder / "transcripts", OVER, frozenset())


async def build(world: World, folder: Path) -> None:
    """Announce what is coming and build the site, as the hub does."""

    async def site() -> None:
        transcripts = folder / "transcripts"
        settings = SiteSettings(title="Antworten", url="https://antworten.example.org")
        plan = plan_from_sources(
            Sources(sessions=find_sources(transcripts), events=load_events(transcripts)),
            settings,
            load_theme(),
            media_root=None,
            hub_url="https://hub.example",
            coming=load_coming(transcripts),
        )
        write_site(plan, world.hub.public_dir)

    parts = AnnouncerParts(
        store=world.hub.store,
        transcripts=folder / "transcripts",
        url="https://hub.example",
        build=site,
        follow_events=lambda: write_events(world.hub.store, folder / "transcripts"),
    )
    await Announcer(parts).announce()
    await site()


def fillings(hub: Hub) -> list[dict[str, Any]]:
    """What stands in the place of an address's variables: each session once, with what is its own."""
    found = []
    for session_id in (COMING, RUNNING, OVER, OFF, DRAFT):
        key = session_id[-4:] if session_id != DRAFT else "eins"
        found.append(
            {
                "session_id": session_id,
                "question_id": f"q-{key}",
                "event_id": "tage",
                "show_id": "runde",
                "path": "index.html",
                "name": "hub.css",
                "key": overlay_key(hub, session_id, NONCE),
            }
        )
    return found
