"""Every family keeps what it is given and refuses what must not be."""

from dataclasses import replace
from datetime import timedelta

import pytest

from streamhub.config import Secret
from streamhub.errors import BadInput, Conflict, NotFound, NotSignedIn
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import Asker, Question, QuestionState, Shown
from streamhub.recording.recording import ClockMap, ClockPiece, MediaInfo, Recording, Segment, SegmentState
from streamhub.schedule.show import Moderation, Participant, Publishing, Role, SessionState, Show
from streamhub.store import access, log, marks, questions, recordings, shows
from streamhub.timecode import Span

Q = QuestionState


async def test_show_comes_back(store, sample):
    """A show comes back as it was saved, and a second save replaces it."""
    show = Show(
        id="heim",
        title="Zuhause",
        language="en",
        about="Über alles",
        moderation=Moderation.BEFORE,
        publishing=Publishing.AUTO,
    )
    await store.write(lambda db: shows.save_show(db, show))
    assert await store.read(lambda db: shows.load_show(db, "heim")) == show
    renamed = replace(show, title="Daheim")
    await store.write(lambda db: (shows.save_show(db, renamed), shows.save_show(db, sample.show)))
    assert await store.read(shows.list_shows) == [renamed, sample.show]


async def test_unknown_ids_are_not_found(store):
    """Asking for what is not there is NotFound, naming the object."""
    for load in (shows.load_show, shows.load_session, questions.load_question):
        with pytest.raises(NotFound, match="nirgends"):
            await store.read(lambda db, load=load: load(db, "nirgends"))


async def test_session_comes_back_with_people_in_order(store, sample):
    """A session comes back with its participants in order; saving again replaces them and keeps what refers to it."""
    await store.write(sample.fill("a"))
    assert await store.read(lambda db: shows.load_session(db, sample.session.id)) == sample.session
    changed = replace(
        sample.session, title="Neu", participants=(Participant(name="Cora", role=Role.SUPER_USER, about="x"),)
    )
    await store.write(lambda db: shows.save_session(db, changed))
    assert await store.read(lambda db: shows.load_session(db, changed.id)) == changed
    assert len(await store.read(lambda db: questions.list_questions(db, changed.id))) == 1


async def test_session_needs_its_show(store, sample):
    """A session of a show that does not exist is refused."""
    with pytest.raises(NotFound, match="show netz"):
        await store.write(lambda db: shows.save_session(db, sample.session))


async def test_sessions_are_listed_newest_first(store, sample):
    """Sessions are listed with the newest start first, filtered by show and by state, with their own people only."""
    later = replace(
        sample.session,
        id="spaeter",
        starts_at=sample.start + timedelta(days=1),
        state=SessionState.DRAFT,
        participants=(),
    )
    other = replace(later, id="anderswo", show_id="heim", starts_at=sample.start + timedelta(days=2))
    await store.write(sample.fill())
    await store.write(lambda db: shows.save_show(db, Show(id="heim", title="Zuhause")))
    await store.write(lambda db: (shows.save_session(db, later), shows.save_session(db, other)))
    assert await store.read(shows.list_sessions) == [other, later, sample.session]
    assert await store.read(lambda db: shows.list_sessions(db, show_id="netz")) == [later, sample.session]
    assert await store.read(lambda db: shows.list_sessions(db, states={SessionState.OPEN})) == [sample.session]
    assert await store.read(lambda db: shows.list_sessions(db, states=())) == []


async def test_session_steps_are_decided_and_logged(store, sample):
    """Going live and ending set their instants; a forbidden step changes nothing; each step is in the log."""
    await store.write(sample.fill())
    name = sample.session.id
    live = await store.write(lambda db: shows.step_session(db, name, SessionState.LIVE, at=sample.start, author="anna"))
    assert (live.state, live.started_at) == (SessionState.LIVE, sample.start)
    with pytest.raises(Conflict, match="cannot become published"):
        await store.write(lambda db: shows.step_session(db, name, SessionState.PUBLISHED, at=sample.start))
    again = await store.write(lambda db: shows.step_session(db, name, SessionState.LIVE, at=sample.start))
    assert again == live
    end = sample.start + timedelta(hours=1)
    ended = await store.write(lambda db: shows.step_session(db, name, SessionState.ENDED, at=end))
    assert (ended.started_at, ended.ended_at) == (sample.start, end)
    entries = await store.read(lambda db: log.list_actions(db, limit=10, object_id=name))
    assert [(entry.author, entry.details["to"]) for entry in entries] == [("", "ended"), ("anna", "live")]


async def test_question_comes_back(store, sample):
    """A question comes back with everything it has; its id can be used once only."""
    question = Question(
        id="q1",
        session_id=sample.session.id,
        text="Warum?\nUnd „wie“ lange?",
        asker=Asker(name="Zoë", shown=Shown.NAME, place="Köln"),
        language="de",
        state=Q.HELD,
        source="csv",
        asked_at=sample.start,
        votes=3,
        starred=True,
        topics=("Router", "Glasfaser"),
        products=("Box 7",),
        note="",
    )
    await store.write(sample.fill())
    assert await store.write(lambda db: questions.insert_question(db, question)) == question
    assert await store.read(lambda db: questions.load_question(db, "q1")) == question
    with pytest.raises(Conflict, match="q1"):
        await store.write(lambda db: questions.insert_question(db, question))
    with pytest.raises(NotFound, match="session fort"):
        await store.write(lambda db: questions.insert_question(db, replace(question, id="q2", session_id="fort")))
    listed = await store.read(lambda db: questions.list_questions(db, sample.session.id, states={Q.OPEN}))
    assert listed == []


async def test_votes_count_each_voter_once(store, sample):
    """A vote counts once per voter, can be taken back once, and only where votes are taken."""
    await store.write(sample.fill("a"))
    counts = [
        await store.write(lambda db, voter=voter: questions.add_vote(db, "a", voter, at=sample.start))
        for voter in ("x", "y", "x")
    ]
    assert counts == [1, 2, 2]
    assert await store.write(lambda db: questions.remove_vote(db, "a", "x")) == 1
    assert await store.write(lambda db: questions.remove_vote(db, "a", "x")) == 1
    assert (await store.read(lambda db: questions.load_question(db, "a"))).votes == 1
    await store.write(lambda db: questions.step_question(db, "a", Q.DECLINED, at=sample.start, author="h", note="weg"))
    with pytest.raises(Conflict, match="takes no votes"):
        await store.write(lambda db: questions.add_vote(db, "a", "z", at=sample.start))
    with pytest.raises(NotFound):
        await store.write(lambda db: questions.remove_vote(db, "b", "z"))


async def test_on_air_displaces_what_was_on_air(store, sample):
    """Putting a question on air ends the one before with a mark, and only within its session."""
    later = [sample.start + timedelta(seconds=n) for n in range(4)]
    await store.write(sample.fill("a", "b"))
    (first,) = await store.write(lambda db: questions.put_on_air(db, "a", at=later[0], author="h"))
    assert first.state is Q.ON_AIR
    assert await store.write(lambda db: questions.put_on_air(db, "a", at=later[1], author="h")) == ()
    changed = await store.write(
        lambda db: questions.put_on_air(db, "b", at=later[2], author="h", witness=Witness.OVERLAY)
    )
    assert [(q.id, q.state) for q in changed] == [("b", Q.ON_AIR), ("a", Q.ANSWERED_LIVE)]
    await store.write(lambda db: questions.finish_on_air(db, "b", at=later[3], author="h", to=Q.QUEUED))
    kept = await store.read(lambda db: marks.list_marks(db, sample.session.id))
    assert [(m.question_id, m.kind, m.at, m.witness) for m in kept] == [
        ("a", MarkKind.ON_AIR, later[0], Witness.HOST),
        ("a", MarkKind.DONE, later[2], Witness.OVERLAY),
        ("b", MarkKind.ON_AIR, later[2], Witness.OVERLAY),
        ("b", MarkKind.BACK, later[3], Witness.HOST),
    ]


async def test_done_twice_does_no_harm(store, sample):
    """Done pressed twice leaves one mark; done on a question that is not on air is refused, like an odd way off."""
    await store.write(sample.fill("a", "b"))
    await store.write(lambda db: questions.put_on_air(db, "a", at=sample.start, author="h"))
    for _ in range(2):
        done = await store.write(
            lambda db: questions.finish_on_air(db, "a", at=sample.start, author="h", to=Q.ANSWERED_LIVE)
        )
        assert done.state is Q.ANSWERED_LIVE
    assert len(await store.read(lambda db: marks.list_marks(db, sample.session.id))) == 2
    with pytest.raises(Conflict, match="not on air"):
        await store.write(lambda db: questions.finish_on_air(db, "b", at=sample.start, author="h", to=Q.ANSWERED_LIVE))
    with pytest.raises(BadInput, match="leave the air"):
        await store.write(lambda db: questions.finish_on_air(db, "a", at=sample.start, author="h", to=Q.DECLINED))


async def test_step_off_air_leaves_a_mark(store, sample):
    """A plain step onto or off the air leaves its mark too, so that no stretch stays open."""
    await store.write(sample.fill("a"))
    await store.write(lambda db: questions.step_question(db, "a", Q.ON_AIR, at=sample.start, author="h"))
    await store.write(lambda db: questions.step_question(db, "a", Q.OPEN, at=sample.start, author="h"))
    kept = await store.read(lambda db: marks.list_marks(db, sample.session.id))
    assert [m.kind for m in kept] == [MarkKind.ON_AIR, MarkKind.BACK]


async def test_every_change_of_a_question_is_logged(store, sample):
    """Intake, star, tags and steps each leave one entry, and what changes nothing leaves none."""
    await store.write(sample.fill("a"))
    for starred in (True, True, False):
        await store.write(
            lambda db, starred=starred: questions.star_question(db, "a", starred, at=sample.start, author="h")
        )
    tagged = await store.write(
        lambda db: questions.tag_question(db, "a", topics=["X"], products=iter(["Y"]), at=sample.start, author="h")
    )
    assert (tagged.topics, tagged.products, tagged.starred) == (("X",), ("Y",), False)
    await store.write(lambda db: questions.step_question(db, "a", Q.QUEUED, at=sample.start, author="h"))
    await store.write(lambda db: questions.step_question(db, "a", Q.QUEUED, at=sample.start, author="h"))
    entries = await store.read(lambda db: log.list_actions(db, limit=100, object_id="a"))
    assert [entry.action for entry in reversed(entries)] == [
        "question.intake",
        "question.star",
        "question.star",
        "question.tag",
        "question.step",
    ]
    assert entries[0].details == {"from": "open", "to": "queued", "session": sample.session.id}


async def test_log_cannot_be_changed(store, sample):
    """The database itself refuses to change or to delete an entry of the log."""
    await store.write(sample.fill("a"))
    for statement in ("update log set author = 'x'", "delete from log"):
        with pytest.raises(Conflict, match="append-only"):
            await store.write(lambda db, statement=statement: db.execute(statement).rowcount)
    assert len(await store.read(lambda db: log.list_actions(db, limit=5))) == 1


async def test_mark_needs_its_question(store, sample):
    """A mark for a question that does not exist, or belongs to another session, is refused."""
    await store.write(sample.fill("a"))
    for session_id, question_id in (("anderswo", "a"), (sample.session.id, "b")):
        mark = Mark(session_id=session_id, question_id=question_id, kind=MarkKind.ON_AIR, at=sample.start)
        with pytest.raises(NotFound):
            await store.write(lambda db, mark=mark: marks.insert_mark(db, mark))


async def test_segments_come_back(store, sample):
    """Segments come back by number, can be updated, and cannot be doubled."""
    await store.write(sample.fill())
    one = Segment(session_id=sample.session.id, number=1, path="netz/1.mkv", started_at=sample.start)
    two = replace(one, number=2, path="netz/2.mkv")
    await store.write(lambda db: (recordings.insert_segment(db, two), recordings.insert_segment(db, one)))
    closed = replace(one, duration_ms=61_000, size_bytes=5_000_000_000, state=SegmentState.RECOVERED)
    await store.write(lambda db: recordings.update_segment(db, closed))
    assert await store.read(lambda db: recordings.list_segments(db, one.session_id)) == [closed, two]
    with pytest.raises(Conflict, match="segment 2"):
        await store.write(lambda db: recordings.insert_segment(db, two))
    with pytest.raises(NotFound, match="segment 3"):
        await store.write(lambda db: recordings.update_segment(db, replace(two, number=3)))


async def test_recording_comes_back(store, sample):
    """A recording comes back with its clock map and what the packet scan found; a later one takes its place."""
    recording = Recording(
        session_id=sample.session.id,
        path="netz/ganz.mp4",
        sha256="ab" * 32,
        info=MediaInfo(
            duration_ms=9_000, start_ms=12, size_bytes=77, audio_codec="aac", video_codec="h264", width=1280, height=720
        ),
        clock=ClockMap(
            (ClockPiece(Span(0, 4_000), Span(500, 4_500)), ClockPiece(Span(6_000, 9_000), Span(4_500, 7_499)))
        ),
        lost_ms=2_000,
    )
    assert await store.read(lambda db: recordings.find_recording(db, sample.session.id)) is None
    await store.write(sample.fill())
    await store.write(lambda db: recordings.save_recording(db, recording))
    assert await store.read(lambda db: recordings.find_recording(db, sample.session.id)) == recording
    better = replace(recording, source="import", clock=ClockMap.identity(5))
    await store.write(lambda db: recordings.save_recording(db, better))
    assert await store.read(lambda db: recordings.find_recording(db, sample.session.id)) == better


async def test_link_works_once_and_in_time(store, sample):
    """A link for one use works once, an API token until it ends, and neither after its end."""
    end = sample.start + timedelta(minutes=15)
    for name, one_use in (("link", True), ("api", False)):
        await store.write(
            lambda db, name=name, one_use=one_use: access.save_token(
                db, access.digest_of(name), "host", expires_at=end, created_at=sample.start, one_use=one_use
            )
        )

    async def use(name, at):
        return await store.write(lambda db: access.use_token(db, access.digest_of(name), at=at))

    assert await use("api", sample.start) == "host"
    assert await use("api", sample.start) == "host"
    assert await store.read(lambda db: access.check_token(db, access.digest_of("link"), at=sample.start)) == "host"
    assert await use("link", sample.start) == "host"
    for name, at in (("link", sample.start), ("api", end), ("unknown", sample.start)):
        with pytest.raises(NotSignedIn):
            await use(name, at)
    assert await store.write(lambda db: access.revoke_token(db, access.digest_of("api")))
    with pytest.raises(NotSignedIn):
        await use("api", sample.start)


async def test_login_ends(store, sample):
    """A login is found until it ends or is ended, and what has ended can be swept away."""
    end = sample.start + timedelta(hours=8)
    for digest in ("d1", "d2"):
        await store.write(
            lambda db, digest=digest: access.create_login(db, digest, "anna", "host", at=sample.start, expires_at=end)
        )
    found = await store.read(lambda db: access.find_login(db, "d1", at=sample.start))
    assert found == access.Login(person="anna", role="host", created_at=sample.start, expires_at=end)
    await store.write(lambda db: access.end_login(db, "d1"))
    assert await store.read(lambda db: access.find_login(db, "d1", at=sample.start)) is None
    assert await store.read(lambda db: access.find_login(db, "d2", at=end)) is None
    assert await store.write(lambda db: access.drop_expired(db, at=end)) == 1


async def test_stream_key_leads_to_its_session(store, sample):
    """A stream key finds its session, is shown again, belongs to one session alone, and is gone when forgotten."""
    other = replace(sample.session, id="anderswo")
    await store.write(sample.fill())
    await store.write(lambda db: shows.save_session(db, other))
    name = sample.session.id
    await store.write(lambda db: access.save_stream_key(db, name, Secret("alt")))
    await store.write(lambda db: access.save_stream_key(db, name, Secret("geheim")))
    assert await store.read(lambda db: access.find_session_by_stream_key(db, "geheim")) == name
    assert await store.read(lambda db: access.find_session_by_stream_key(db, "alt")) is None
    shown = await store.read(lambda db: access.load_stream_key(db, name))
    assert (shown, repr(shown)) == ("geheim", "'…'")
    with pytest.raises(Conflict):
        await store.write(lambda db: access.save_stream_key(db, "anderswo", Secret("geheim")))
    await store.write(lambda db: access.forget_stream_key(db, name))
    assert await store.read(lambda db: access.load_stream_key(db, name)) is None
