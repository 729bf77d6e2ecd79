"""What people called the speakers of a show: kept with the journal of the review, and known to later sessions."""

from datetime import UTC, datetime

from streamhub.archive.review import Edit
from streamhub.schedule.show import Session, Show
from streamhub.store.reviews import record_edit
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store
from streamhub.store.voices import list_voice_names

AT = datetime(2026, 3, 2, 19, tzinfo=UTC)


def renaming(old: str, new: str) -> Edit:
    return Edit(
        action="rename", answer_id="a1", before={"cue:de:c1": {"speaker": old}}, after={"cue:de:c1": {"speaker": new}}
    )


async def test_names_of_a_show_are_remembered_until_they_are_taken_back(store: Store) -> None:
    """A renaming counts for its show alone, the latest one counts, and one that was taken back never was."""
    for show, session in (("netz", "2026-03-02-netz"), ("bad", "2026-03-02-bad")):
        await store.write(lambda db, show=show: save_show(db, Show(id=show, title=show)))
        made = Session(id=session, show_id=show, title="t", starts_at=AT)
        await store.write(lambda db, made=made: save_session(db, made))

    async def edit(edit: Edit, undoes: int | None = None) -> int:
        session = "2026-03-02-netz"
        made = await store.write(lambda db: record_edit(db, session, edit, at=AT, author="Host", undoes=undoes))
        return made.id

    await edit(renaming("Spur 2", "Peter"))
    mistaken = await edit(renaming("Spur 3", "Klaus"))
    await edit(renaming("Peter", "Peter Müller"))
    known = await store.read(lambda db: list_voice_names(db, "netz"))
    assert known == {"Spur 2": "Peter Müller", "Spur 3": "Klaus", "Peter": "Peter Müller"}
    await edit(renaming("Klaus", "Spur 3"), undoes=mistaken)
    assert "Spur 3" not in await store.read(lambda db: list_voice_names(db, "netz"))
    assert await store.read(lambda db: list_voice_names(db, "bad")) == {}
