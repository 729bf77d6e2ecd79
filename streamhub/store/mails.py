"""The outbox as rows.

Owns the table ``mails``. A mail is taken for sending in a transaction of its own, before the mail server hears of it;
what was taken when the hub died is sent again under the same Message-ID. Refuses to know why mails are written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.outbox.mail import Mail, MailState
from streamhub.outbox.rules import decide_edit, decide_retry, decide_step, plan_message_id
from streamhub.store.library import connect, sqlite3
from streamhub.store.log import log_action
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, instant_or_none, json_list, text_or_none
from streamhub.timecode import format_instant, parse_instant

# A report about an earlier attempt says nothing about a mail that was sent again since.
_MAILS = (
    "select mails.*, coalesce((select status from returned_mails where mail_id = mails.id and mails.state = 'sent' "
    "and returned_mails.at >= mails.sent_at order by returned_mails.at desc limit 1), '') as returned from mails"
)
_RETURNED = f"select * from ({_MAILS}) where returned <> ''"  # noqa: S608  our own words
_UNSENT = (MailState.DRAFT, MailState.QUEUED, MailState.FAILED)


def put_mail(db: Database, mail: Mail) -> bool:
    """Put a mail into the outbox; says False and changes nothing when there was one for this reason already."""
    if has_mail(db, mail.id):
        return False
    insert(db, "mails", _row(mail))
    return True


def has_mail(db: Database, mail_id: str) -> bool:
    """Whether there is, or was, a mail for this reason."""
    return fetch_one(db, "select 1 as yes from mails where id = ?", mail_id) is not None


def load_mail(db: Database, mail_id: str) -> Mail:
    """The mail of that id.

    Raises:
        NotFound: there is none.
    """
    row = fetch_one(db, f"{_MAILS} where id = ?", mail_id)
    if row is None:
        raise NotFound(f"mail {mail_id}: there is no such mail")
    return _mail(row)


def list_mails(db: Database, *, states: Collection[MailState], limit: int = 200) -> list[Mail]:
    """Mails in some states, newest first."""
    rows = fetch_all(
        db,
        f"{_MAILS} where state in (select value from json_each(?)) order by made_at desc, id limit ?",  # noqa: S608  our own words
        json_list(state.value for state in states),
        limit,
    )
    return [_mail(row) for row in rows]


def list_unsent(db: Database, kind: str) -> list[Mail]:
    """Mails of a kind that are neither out nor on their way nor discarded."""
    rows = fetch_all(
        db,
        f"{_MAILS} where kind = ? and state in (select value from json_each(?)) order by made_at, id",  # noqa: S608  our own words
        kind,
        json_list(state.value for state in _UNSENT),
    )
    return [_mail(row) for row in rows]


def list_about(db: Database, kind: str, object_id: str, recipient: str) -> list[Mail]:
    """Mails of a kind about one thing to one person, in any state, oldest first."""
    sql = f"{_MAILS} where kind = ? and object = ? and recipient = ? order by made_at, id"
    return [_mail(row) for row in fetch_all(db, sql, kind, object_id, recipient)]


def list_of(db: Database, kind: str, object_id: str) -> list[Mail]:
    """Mails of a kind about one thing, to whomever, in any state, oldest first."""
    sql = f"{_MAILS} where kind = ? and object = ? order by made_at, id"
    return [_mail(row) for row in fetch_all(db, sql, kind, object_id)]


def list_waiting(db: Database, kind: str, *, object_id: str = "", recipient: str = "") -> list[Mail]:
    """Mails of a kind that wait for a person to send them, oldest first: about one thing, to somebody, or all."""
    sql = (
        f"{_MAILS} where kind = ?1 and state in ('draft', 'failed') and recipient <> '' "
        "and (?2 = '' or object = ?2) and (?3 = '' or recipient = ?3) order by made_at, id"
    )
    return [_mail(row) for row in fetch_all(db, sql, kind, object_id, recipient)]


def list_about_object(db: Database, object_id: str) -> list[Mail]:
    """Mails about one thing to anybody, in any state, oldest first."""
    return [_mail(row) for row in fetch_all(db, f"{_MAILS} where object = ? order by made_at, id", object_id)]


def find_by_message_id(db: Database, message_id: str) -> Mail | None:
    """The mail that travels under a Message-ID; None: none of ours does."""
    row = fetch_one(db, f"{_MAILS} where id = ? and message_id = ?", message_id.partition("@")[0], message_id)
    return None if row is None else _mail(row)


def list_returned_mails(db: Database, *, limit: int = 200) -> list[Mail]:
    """Mails that came back and were not sent again since, newest first."""
    sql = f"{_RETURNED} order by made_at desc, id limit ?"
    return [_mail(row) for row in fetch_all(db, sql, limit)]


def count_returned_mails(db: Database) -> int:
    """How many mails came back and were not sent again since."""
    row = fetch_one(db, f"select count(*) as n from ({_RETURNED})")  # noqa: S608  our own words
    return int(row["n"]) if row else 0


def count_mails(db: Database) -> dict[MailState, int]:
    """How many mails are in each state; states without any are 0."""
    counted = {row["state"]: row["n"] for row in fetch_all(db, "select state, count(*) as n from mails group by state")}
    return {state: int(counted.get(state.value, 0)) for state in MailState}


def describe_outbox(path: Path) -> str:
    """What waits in a hub's outbox, in words, whether the hub runs or not; empty when nothing does."""
    if not path.is_file():
        return ""
    connection = connect(path, read_only=True)
    try:
        counted = dict(connection.execute("select state, count(*) from mails group by state").fetchall())
    except sqlite3.Error:  # a database that no hub of this version has opened yet has no outbox
        return ""
    finally:
        connection.close()
    shown = (MailState.DRAFT, MailState.QUEUED, MailState.FAILED)
    return ", ".join(f"{counted[state.value]} {state.value}" for state in shown if counted.get(state.value))


def edit_mail(db: Database, mail_id: str, *, subject: str, body: str, edition: int, at: datetime, author: str) -> Mail:
    """Give a mail another text.

    Raises:
        NotFound, Conflict, BadInput: as `streamhub.outbox.rules.decide_edit` says.
    """
    before = load_mail(db, mail_id)
    after = decide_edit(before, subject=subject, body=body, edition=edition)
    sql = "update mails set subject = ?, body = ?, edition = ? where id = ?"
    change(db, sql, after.subject, after.body, after.edition, mail_id)
    _log(db, after, "mail.edit", at=at, author=author)
    return after


def step_mail(db: Database, mail_id: str, to: MailState, *, at: datetime, author: str) -> Mail:
    """Take a mail a step on, as a person does: queue it, hold it back, discard it.

    A mail that failed or waited is tried at once and counts from the beginning.

    Raises:
        NotFound: there is no such mail.
        Conflict: the step is not allowed from here.
    """
    before = load_mail(db, mail_id)
    after = decide_step(before, to)
    if after is before and not (to is MailState.QUEUED and before.retry_at):
        return before
    fresh = replace(after, tries=0, retry_at=None, problem="") if to is MailState.QUEUED else after
    _save(db, replace(fresh, edition=before.edition + 1))
    _log(db, after, "mail.step", at=at, author=author, to=to.value)
    return load_mail(db, mail_id)


def put_words(db: Database, recipient: str, before: str, after: str) -> int:
    """Put other words into the mails to somebody that can still go out; returns how many had the old ones."""
    sql = (
        "update mails set body = replace(body, ?1, ?2), edition = edition + 1 where recipient = ?3 and recipient <> '' "
        "and state in ('draft', 'queued', 'failed', 'discarded') and instr(body, ?1) > 0"
    )
    return change(db, sql, before, after, recipient)


def claim_mail(db: Database, domain: str, *, at: datetime, wanted: Callable[[Database, Mail], bool]) -> Mail | None:
    """Take the next mail that is due for sending; None when none is.

    What is not wanted any more is left to whoever wrote it.

    Args:
        db: the database.
        domain: of Message-IDs that are drawn up now.
        at: now, UTC.
        wanted: whether a mail's reason still holds.
    """
    due = fetch_all(
        db,
        f"{_MAILS} where state = 'queued' and (retry_at is null or retry_at <= ?) order by made_at, id",
        format_instant(at),
    )
    for mail in map(_mail, due):
        if wanted(db, mail):
            taken = replace(mail, state=MailState.SENDING, message_id=plan_message_id(mail, domain))
            _save(db, taken)
            return taken
    return None


def finish_mail(db: Database, mail_id: str, *, at: datetime) -> None:
    """Note that the mail server took a mail."""
    _save(db, replace(load_mail(db, mail_id), state=MailState.SENT, sent_at=at, retry_at=None, problem=""))
    _blank_erased(db)


def refuse_mail(db: Database, mail_id: str, problem: str) -> None:
    """Note that a mail will never be taken."""
    _save(db, replace(load_mail(db, mail_id), state=MailState.FAILED, retry_at=None, problem=problem))
    _blank_erased(db)


def postpone_mail(db: Database, mail_id: str, problem: str, *, at: datetime) -> Mail:
    """Put a mail back after an attempt that failed, to be tried later or given up."""
    after = decide_retry(load_mail(db, mail_id), problem, at=at)
    _save(db, after)
    _blank_erased(db)
    return after


def recover_mails(db: Database) -> int:
    """Queue what was being sent when the hub died; returns how many there were."""
    count = change(db, "update mails set state = 'queued', retry_at = null where state = 'sending'")
    _blank_erased(db)
    return count


def _blank_erased(db: Database) -> None:
    """Take the words out of mails whose questions were erased while they were on their way."""
    change(
        db,
        "update mails set recipient = '', subject = '', body = '', leave_url = '', calendar = '', "
        "state = case state when 'sent' then 'sent' else 'discarded' end "
        "where recipient <> '' and state <> 'sending' and (object in (select question_id from erasures) "
        "or followed in (select question_id from erasures))",
    )


def delete_mail(db: Database, mail_id: str) -> None:
    """Delete a mail of which nobody heard; one that was to be sent again stays as it was sent."""
    change(db, "update mails set state = 'sent' where id = ? and state <> 'sending' and sent_at is not null", mail_id)
    change(db, "delete from mails where id = ? and state <> 'sending' and sent_at is null", mail_id)


def forget_mails(db: Database, *, made_before: datetime) -> int:
    """Delete address and words of old mails; their ids stay, so that none is ever written again."""
    return change(
        db,
        "update mails set recipient = '', subject = '', body = '', leave_url = '', calendar = '', "
        "state = case state when 'sent' then 'sent' when 'sending' then 'sending' else 'discarded' end "
        "where recipient <> '' and state <> 'sending' and made_at < ?",
        format_instant(made_before),
    )


def _save(db: Database, mail: Mail) -> None:
    change(
        db,
        "update mails set state = ?, sent_at = ?, message_id = ?, tries = ?, retry_at = ?, problem = ?, edition = ? "
        "where id = ?",
        mail.state.value,
        text_or_none(mail.sent_at),
        mail.message_id,
        mail.tries,
        text_or_none(mail.retry_at),
        mail.problem,
        mail.edition,
        mail.id,
    )


def _log(db: Database, mail: Mail, action: str, *, at: datetime, author: str, **details: object) -> None:
    log_action(db, at=at, author=author, action=action, object_kind="mail", object_id=mail.id, details=details)


def _row(mail: Mail) -> Row:
    return {
        "id": mail.id,
        "kind": mail.kind,
        "object": mail.object,
        "version": mail.version,
        "followed": mail.followed,
        "recipient": mail.recipient,
        "language": mail.language,
        "subject": mail.subject,
        "body": mail.body,
        "leave_url": mail.leave_url,
        "calendar": mail.calendar,
        "state": mail.state.value,
        "made_at": format_instant(mail.made_at),
        "sent_at": text_or_none(mail.sent_at),
        "message_id": mail.message_id,
        "tries": mail.tries,
        "retry_at": text_or_none(mail.retry_at),
        "problem": mail.problem,
        "edition": mail.edition,
    }


def _mail(row: Row) -> Mail:
    values = {
        **row,
        "state": MailState(row["state"]),
        "made_at": parse_instant(row["made_at"]),
        "sent_at": instant_or_none(row["sent_at"]),
        "retry_at": instant_or_none(row["retry_at"]),
    }
    return Mail(**values)
