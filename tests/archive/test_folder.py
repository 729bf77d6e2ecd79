"""The archive as a folder: atomic, safe against links, and no hand edit is ever lost."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session

from streamhub.answers.answer import AnswerState
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.folder import load_archive, load_session, save_session
from streamhub.errors import BadArchive, BadInput, NotFound

HEAD = Path("service-runde/2027-03-02-netz")
ANSWER = HEAD / "answers/q1-router-blinkt-rot.md"
VTT = HEAD / "transcript.de.vtt"


def edit(path: Path, old: str, new: str) -> None:
    """Edit a file as a person would."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def with_question(session: ArchivedSession, text: str) -> ArchivedSession:
    """The session with another wording of its first question."""
    first, *others = session.answers
    return replace(session, answers=(replace(first, question=text), *others))


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Saving and loading give the same sessions, oldest first."""
    late = make_session()
    early = make_session(id="2027-02-02-strom", answers=(), starts_at=late.starts_at.replace(month=2))
    for session in (late, early):
        save_session(tmp_path, session)
    assert load_archive(tmp_path) == (early, late)


def test_saving_again_touches_nothing(tmp_path: Path) -> None:
    """A second save of the same session writes no file of the archive."""
    save_session(tmp_path, make_session())
    assert save_session(tmp_path, make_session()) == ()


def test_hand_edits_survive_the_next_write(tmp_path: Path) -> None:
    """A corrected question, a comment, an unknown key and a rewritten body stay; untouched keys follow the pipeline."""
    save_session(tmp_path, make_session())
    edit(tmp_path / ANSWER, "question: Warum blinkt mein Router rot?", "question: Warum blinkt er?  # shorter")
    edit(tmp_path / ANSWER, "votes: 12", "votes: 12\nmood: good")
    edit(tmp_path / ANSWER, "**zehn Sekunden**", "*zwanzig* Sekunden")
    session = with_question(make_session(), "Was die Maschine jetzt meint?")
    first = replace(session.answers[0], votes=99, body="Neuer Text der Maschine.")
    save_session(tmp_path, replace(session, answers=(first, *session.answers[1:])))
    text = (tmp_path / ANSWER).read_text("utf-8")
    assert "question: Warum blinkt er?  # shorter" in text
    assert "mood: good" in text
    assert "*zwanzig* Sekunden" in text
    assert "votes: 99" in text
    assert "Maschine" not in text


def test_a_corrected_transcript_survives_a_new_recognition(tmp_path: Path) -> None:
    """A person's transcript is not overwritten, nor are the word times that belong to it."""
    save_session(tmp_path, make_session())
    edit(tmp_path / VTT, "willkommen in der Runde", "willkommen zur Service-Runde")
    session = make_session()
    heard = replace(session.transcripts[0].cues[0], text="Guten Abend.")
    transcript = replace(session.transcripts[0], cues=(heard, *session.transcripts[0].cues[1:]))
    save_session(tmp_path, replace(session, transcripts=(transcript,)))
    loaded = load_session(tmp_path, session.show_id, session.id)
    assert loaded.transcripts[0].cues[0].text == "Guten Abend und willkommen zur Service-Runde."


def test_a_change_by_a_person_through_the_hub_wins_and_lasts(tmp_path: Path) -> None:
    """Publishing (load, change, save with what was loaded) wins over the file and over the pipeline's next write."""
    draft = make_session()
    draft = replace(draft, answers=tuple(replace(a, state=AnswerState.DRAFT, superseded_by="") for a in draft.answers))
    save_session(tmp_path, draft)
    edit(tmp_path / ANSWER, "question: Warum", "question: Wieso")
    loaded = load_session(tmp_path, draft.show_id, draft.id)
    published = tuple(
        replace(answer, state=AnswerState.PUBLISHED) if answer.id == "q1" else answer for answer in loaded.answers
    )
    save_session(tmp_path, replace(loaded, answers=published), loaded=loaded)
    save_session(tmp_path, draft)
    answer = load_session(tmp_path, draft.show_id, draft.id).answers[0]
    assert (answer.state, answer.question) == (AnswerState.PUBLISHED, "Wieso blinkt mein Router rot?")


def test_an_address_does_not_change_when_the_question_is_reworded(tmp_path: Path) -> None:
    """The pipeline's new slug for a known id keeps the file that the answer has already."""
    save_session(tmp_path, make_session())
    session = make_session()
    renamed = replace(session.answers[0], slug="anders", question="Anders?")
    save_session(tmp_path, replace(session, answers=(renamed, *session.answers[1:])))
    loaded = load_session(tmp_path, session.show_id, session.id).answers[0]
    assert (loaded.slug, loaded.question) == ("router-blinkt-rot", "Anders?")


def test_answers_that_the_pipeline_drops_go_unless_a_person_touched_them(tmp_path: Path) -> None:
    """What only the machine wrote may go with it; what a person changed stays."""
    save_session(tmp_path, make_session())
    edit(tmp_path / ANSWER, "votes: 12", "votes: 13")
    save_session(tmp_path, make_session(answers=()))
    assert [answer.id for answer in load_session(tmp_path, "service-runde", "2027-03-02-netz").answers] == ["q1"]


def test_a_broken_file_stops_the_save_before_anything_is_written(tmp_path: Path) -> None:
    """A file that cannot be read is reported, and no other file changes."""
    save_session(tmp_path, make_session())
    edit(tmp_path / ANSWER, "question: Warum", "question: [Warum")
    before = (tmp_path / HEAD / "session.md").read_text("utf-8")
    with pytest.raises(BadArchive, match="not YAML") as refused:
        save_session(tmp_path, make_session(title="Anders"))
    assert "double quotes" in refused.value.hint
    assert (tmp_path / HEAD / "session.md").read_text("utf-8") == before


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    """What a link points to would be published, so no link is followed."""
    secret = tmp_path / "secret.md"
    secret.write_text("---\nid: x\n---\n")
    root = tmp_path / "transcripts"
    save_session(root, make_session())
    (root / ANSWER).unlink()
    (root / ANSWER).symlink_to(secret)
    with pytest.raises(BadArchive, match="symbolic link"):
        load_archive(root)
    (root / ANSWER).unlink()
    (root / "other-show").symlink_to(tmp_path)
    with pytest.raises(BadArchive, match="symbolic link"):
        load_archive(root)


def test_ids_that_lead_out_are_refused(tmp_path: Path) -> None:
    """No id leads out of the archive."""
    with pytest.raises(BadInput, match="not usable"):
        load_session(tmp_path, "..", "x")
    with pytest.raises(BadInput, match="not usable"):
        save_session(tmp_path, make_session(show_id="a/../../b"))


def test_what_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    """A missing archive, a missing session, a folder without its head and a file in another encoding are told apart."""
    with pytest.raises(NotFound, match="no such folder"):
        load_archive(tmp_path / "nothing")
    with pytest.raises(NotFound, match="not in the archive"):
        load_session(tmp_path, "a", "b")
    (tmp_path / "a/b").mkdir(parents=True)
    with pytest.raises(BadArchive, match=r"a/b: has no session\.md"):
        load_archive(tmp_path)
    (tmp_path / "a/b/session.md").write_bytes(b"---\nid: b\xff\n---\n")
    with pytest.raises(BadArchive, match=r"a/b/session\.md:2: is not UTF-8"):
        load_archive(tmp_path)


def test_one_id_in_two_sessions_is_refused(tmp_path: Path) -> None:
    """Ids of answers are addresses; two sessions cannot share one."""
    save_session(tmp_path, make_session())
    save_session(tmp_path, make_session(id="2027-04-02-netz"))
    with pytest.raises(BadArchive, match="answer 'q1' is in service-runde/2027-03-02-netz too"):
        load_archive(tmp_path)


def test_no_part_file_is_left(tmp_path: Path) -> None:
    """Files appear whole; nothing half-written stays behind."""
    save_session(tmp_path, make_session())
    assert not list(tmp_path.rglob("*.part"))


def test_a_new_session_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build at any moment of a save, and one after a crash in it, finds the archive without the new session."""
    save_session(tmp_path, make_session(id="2027-02-02-strom", answers=()))
    seen: list[int] = []
    replace_file = Path.replace

    def look_then_replace(self: Path, target: Path) -> Path:
        seen.append(len(load_archive(tmp_path)))
        if len(seen) == 3:
            raise KeyboardInterrupt  # stands for the end of the process
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", look_then_replace)
    with pytest.raises(KeyboardInterrupt):
        save_session(tmp_path, make_session())
    monkeypatch.undo()
    assert seen == [1, 1, 1]
    assert len(load_archive(tmp_path)) == 1
    (tmp_path / "service-runde/.2027-03-02-netz.part").mkdir(exist_ok=True)
    (tmp_path / "service-runde/.2027-03-02-netz.part/answers").touch()
    save_session(tmp_path, make_session())
    assert load_session(tmp_path, "service-runde", "2027-03-02-netz") == make_session()
    assert not list(tmp_path.rglob("*.part"))
