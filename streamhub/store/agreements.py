"""What invited people say themselves, as the gate, the run of show and the public pages ask for it.

Owns the table ``kept_words``; reads ``invitations`` and ``consent_words`` of `streamhub.store.invitations`. What
follows from it is `streamhub.schedule.agreement`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlite_utils import Database

from streamhub.schedule.agreement import Voice, list_lacking
from streamhub.schedule.invitation import ConsentWord, Purpose
from streamhub.schedule.show import ON_AIR, Publishing
from streamhub.store.rows import Row, change, fetch_all, fetch_one, instant_or_none, json_list
from streamhub.timecode import parse_instant


def list_voices(db: Database, session_id: str) -> list[Voice]:
    """Everybody who is asked onto the air of a session or said something about it, in the order of being asked."""
    rows = fetch_all(
        db,
        "select person_id, name, shown_as, withdrawn_at, "
        "invitations.role in (select value from json_each(?2)) as on_air "
        "from invitations join people on people.id = person_id "
        "where session_id = ?1 and (on_air or exists "
        "(select 1 from consent_words words where words.session_id = ?1 and words.person_id = people.id)) "
        "order by made_at, person_id",
        session_id,
        json_list(ON_AIR),
    )
    words: dict[str, dict[Purpose, ConsentWord]] = {}
    for row in fetch_all(db, "select * from consent_words where session_id = ? order by purpose", session_id):
        words.setdefault(row["person_id"], {})[Purpose(row["purpose"])] = read_word(row)
    voices = [
        Voice(
            person_id=row["person_id"],
            name=row["name"],
            shown_as=row["shown_as"] or row["name"],
            asked=row["withdrawn_at"] is None and bool(row["on_air"]),
            words=words.get(row["person_id"], {}),
        )
        for row in rows
    ]
    return [*voices, *_list_kept(db, session_id)]


def _list_kept(db: Database, session_id: str) -> list[Voice]:
    """What people said who are not known any more."""
    kept: dict[tuple[str, str], dict[Purpose, ConsentWord]] = {}
    sql = "select *, null as again_at from kept_words where session_id = ? order by shown_as, name, purpose"
    for row in fetch_all(db, sql, session_id):
        kept.setdefault((row["shown_as"], row["name"]), {})[Purpose(row["purpose"])] = read_word(row)
    return [
        Voice(person_id="", name=name, shown_as=shown_as, asked=False, words=words)
        for (shown_as, name), words in kept.items()
    ]


def keep_words(db: Database, person_id: str) -> None:
    """Before a person is deleted: keep what he said about sessions, for they keep his name and his voice.

    Where consent is needed and he was still asked, his silence was a no, and stays one.
    """
    change(
        db,
        "insert or replace into kept_words select words.session_id, "
        "coalesce(nullif(invitations.shown_as, ''), people.name), people.name, purpose, given, text_version, at "
        "from consent_words words join invitations using (session_id, person_id) "
        "join people on people.id = words.person_id where words.person_id = ?",
        person_id,
    )
    change(
        db,
        "insert or ignore into kept_words select invitations.session_id, "
        "coalesce(nullif(invitations.shown_as, ''), people.name), people.name, purposes.value, 0, '', made_at "
        "from invitations join people on people.id = person_id join sessions on sessions.id = session_id "
        "join shows on shows.id = show_id join json_each(?) purposes "
        "where person_id = ? and withdrawn_at is null and publishing = 'consent' "
        "and invitations.role in (select value from json_each(?))",
        json_list(Purpose),
        person_id,
        json_list(ON_AIR),
    )


def read_word(row: Row) -> ConsentWord:
    """A word of a row of ``consent_words``."""
    return ConsentWord(
        purpose=Purpose(row["purpose"]),
        given=bool(row["given"]),
        text_version=row["text_version"],
        at=parse_instant(row["at"]),
        again_at=instant_or_none(row["again_at"]),
    )


def list_lacking_names(db: Database, session_id: str, purpose: Purpose, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Every name under which somebody may stand with whom something must not be done; none for no such session.

    Of ``names``, under which somebody stands already, those that mean one of these people are among them.
    """
    needed = fetch_one(
        db,
        "select publishing from shows join sessions on sessions.show_id = shows.id where sessions.id = ?",
        session_id,
    )
    if needed is None:
        return ()
    asks = needed["publishing"] == Publishing.CONSENT
    return list_lacking(list_voices(db, session_id), purpose, needed=asks, names=names)


def find_refusing(db: Database, session_ids: Iterable[str], purpose: Purpose) -> dict[str, frozenset[str]]:
    """By session, the names of those who lack a purpose; sessions without any are left out."""
    found = {}
    for one in _asked(db, session_ids, purpose):
        present = [row["name"] for row in fetch_all(db, "select name from participants where session_id = ?", one)]
        found[one] = frozenset(list_lacking_names(db, one, purpose, present))
    return {one: names for one, names in found.items() if names}


def _asked(db: Database, session_ids: Iterable[str], purpose: Purpose) -> list[str]:
    """Those of some sessions in which anybody may lack it: most have nobody."""
    found = fetch_all(
        db,
        "select session_id from consent_words where purpose = ?1 and given = 0 "
        "union select session_id from kept_words where purpose = ?1 and given = 0 "
        "union select invitations.session_id from invitations join sessions on sessions.id = session_id "
        "join shows on shows.id = show_id where publishing = 'consent'",
        purpose.value,
    )
    known = {row["session_id"] for row in found}
    return [one for one in session_ids if one in known]
