"""Finding a date: asked by mail, answered behind personal links, reminded once, and closed as soon as a date works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.keepers.inviter import InviterParts
from streamhub.keepers.pollster import Pollster, is_open
from streamhub.outbox.mail import Mail, MailState
from streamhub.schedule.people import Person
from streamhub.schedule.poll import Poll, Suits, count_answers, decide_closing, is_reminder_due
from streamhub.store import invitations, mails, people, polls, shows
from streamhub.web.links import Links, make_me

if TYPE_CHECKING:
    from tests.web.conftest import World

NOW = datetime(2027, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ONE, TWO, THREE = NOW + 10 * DAY, NOW + 11 * DAY, NOW + 12 * DAY
POLL = Poll(
    session_id="s", options=(ONE, TWO, THREE), people=("a", "b", "c"), needed=2, made_at=NOW, ends_at=NOW + 6 * DAY
)  # fmt: skip
Y, M, N = Suits.YES, Suits.IF_NEEDED, Suits.NO


def said(*each: Suits) -> dict[datetime, Suits]:
    return dict(zip(POLL.options, each, strict=False))


@pytest.mark.parametrize(
    ("answers", "at", "found"),
    [
        ({}, NOW, "goes on"),
        ({"a": said(Y, Y, Y), "b": said(N, Y, M)}, NOW, "goes on"),
        ({"a": said(Y, Y, Y), "b": said(N, Y, M), "c": said(Y, M, Y)}, NOW, TWO),
        ({"a": said(M, M, M), "b": said(M, M, Y), "c": said(Y, Y, Y)}, NOW, THREE),
        ({"a": said(Y, N, N), "b": said(N, Y, N), "c": said(N, N, Y)}, NOW, "goes on"),
        ({"a": said(Y, N, N), "b": said(N, Y, N), "c": said(N, N, Y)}, NOW + 6 * DAY, None),
        ({"a": said(Y, Y, N), "b": said(M, Y, N)}, NOW + 6 * DAY, TWO),
        ({"a": said(Y)}, NOW + 6 * DAY, None),
        ({}, NOW + 6 * DAY, None),
        ({"a": said(Y, N, Y), "b": said(Y, N, M), "c": said(Y, N, M)}, ONE, THREE),
        ({}, THREE + DAY, None),
    ],
)  # fmt: skip
def test_when_a_poll_closes(answers: dict[str, Any], at: datetime, found: Any) -> None:
    """At once when all have answered and a date suits all; else at its end, with enough people, and no past date."""
    closing = decide_closing(POLL, answers, now=at)
    if found == "goes on":
        assert closing is None
    else:
        assert closing is not None
        assert (closing.tally.option if closing.tally else None) == found


def test_order_of_dates() -> None:
    """Who can counts before whom it suits well, and that before the earliest; a stranger's answer counts nothing."""
    answers = {"a": said(Y, M, N), "b": said(N, M, Y), "stranger": said(Y, Y, Y)}
    assert [one.option for one in count_answers(POLL, answers)] == [TWO, ONE, THREE]
    assert not is_reminder_due(POLL, now=NOW + 2 * DAY)
    assert is_reminder_due(POLL, now=NOW + 3 * DAY)
    assert not is_reminder_due(POLL, now=NOW + 6 * DAY)


class Asked:
    """A poll among three people, on a running hub."""

    def __init__(self, world: World, session_id: str, pollster: Pollster, browser: Any) -> None:
        self.world, self.session_id, self.pollster, self.browser = world, session_id, pollster, browser

    async def begin(self, **changes: str) -> tuple[int, str]:
        fields = {
            "date0": "2027-03-10T20:15", "date1": "2027-03-11T18:00", "p-ada": "1", "p-bob": "1", "needed": "1",
            "ends_at": "2027-03-06T12:00", "deed": "begin", **changes,
        }  # fmt: skip
        async with await self.browser.post(f"/host/s/{self.session_id}/poll", **fields) as page:
            return page.status, await page.text()

    async def answer(self, person: str, *each: str) -> tuple[int, str]:
        options = ("2027-03-10T19:15:00.000Z", "2027-03-11T17:00:00.000Z")
        path = f"/me/{make_me(self.world.hub.secret, person, 1)}/polls/{self.session_id}"
        async with self.world.client.post(path, data=dict(zip(options, each, strict=False))) as page:
            return page.status, await page.text()

    async def mails(self) -> list[Mail]:
        found = await self.world.hub.store.read(lambda db: mails.list_mails(db, states=list(MailState)))
        return sorted(found, key=lambda one: (one.recipient, one.version))

    async def send_all(self) -> None:
        def send(db: Any) -> None:
            db.execute("update mails set state = 'sent', sent_at = made_at where state = 'draft'")

        await self.world.hub.store.write(send)


@pytest.fixture
async def asked(world: World) -> Any:
    session_id = await world.plan()
    known = [
        Person(id="ada", name="Ada", email="ada@example.org"),
        Person(id="bob", name="Bob", email="bob@example.org", language="en", zone="America/New_York"),
    ]
    await world.hub.store.write(lambda db: [people.save_person(db, one) for one in known])
    parts = InviterParts(
        store=world.hub.store,
        links=Links(hub_url="https://hub.example.org", secret=world.hub.secret),
        hub_name="Runde",
        address="hub@example.org",
        by_rule=False,
        secret=world.hub.secret,
        now=world.clock,
    )
    browser = await world.sign_in()
    yield Asked(world, session_id, Pollster(parts), browser)
    await browser.close()


async def test_a_date_is_found(asked: Asked) -> None:
    """Everybody is asked once in his language; when a date suits all, the session has it and all are invited, once."""
    assert (await asked.begin())[0] == 303
    await asked.pollster.sync()
    await asked.pollster.sync()
    to_ada, to_bob = await asked.mails()
    assert (to_ada.subject, to_bob.subject) == ("Terminsuche: Netz", "Finding a date: Netz")
    assert to_ada.state is MailState.DRAFT
    assert "bob@" not in to_ada.body
    status, text = await asked.answer("ada", "no", "yes")
    assert status == 200
    assert "Donnerstag, 11. März 2027, 18:00" in text
    await asked.pollster.sync()
    assert [one.recipient for one in await asked.mails()] == ["bob@example.org"], "who answered is not asked any more"
    assert (await asked.answer("ada", "no", "if_needed"))[0] == 200
    await asked.answer("bob", "yes", "yes")
    await asked.pollster.sync()
    store, session_id = asked.world.hub.store, asked.session_id
    session = await store.read(lambda db: shows.load_session(db, session_id))
    assert session.starts_at == datetime(2027, 3, 11, 17, tzinfo=UTC)
    found = await store.read(lambda db: invitations.list_invitations(db, session_id=session_id))
    assert {one.person_id for one in found} == {"ada", "bob"}
    status, text = await asked.answer("bob", "no", "no")
    assert status == 409
    assert "entschieden" in text or "decided" in text
    async with await asked.browser.get(f"/host/s/{session_id}/poll") as page:
        assert "Gefunden: Donnerstag, 11. März 2027" in await page.text()


async def test_reminders_go_once_to_who_is_silent(asked: Asked) -> None:
    """When half of the time is over, who was asked and has not answered is reminded, once."""
    await asked.begin()
    await asked.pollster.sync()
    asked.world.clock.forward(days=4)
    await asked.pollster.sync()
    assert len(await asked.mails()) == 2, "nobody is reminded of what he was never sent"
    await asked.send_all()
    await asked.answer("bob", "yes", "no")
    for _ in range(2):
        await asked.pollster.sync()
    assert [(one.recipient, one.subject) for one in await asked.mails()][:2] == [
        ("ada@example.org", "Terminsuche: Netz"),
        ("ada@example.org", "Erinnerung an die Terminsuche: Netz"),
    ]
    assert len(await asked.mails()) == 3
    asked.world.clock.forward(days=2)
    await asked.pollster.sync()
    poll = await asked.world.hub.store.read(lambda db: polls.find_poll(db, asked.session_id))
    assert poll is not None
    assert poll.chosen == datetime(2027, 3, 10, 19, 15, tzinfo=UTC), "one is enough, as the host said"
    for mail in await asked.mails():
        assert not await asked.world.hub.store.read(lambda db, mail=mail: is_open(db, mail)), "it is closed"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"p-ada": "", "p-bob": ""}, "Niemand ist angekreuzt."),
        ({"date0": "", "date1": ""}, "Es steht kein Termin zur Wahl."),
        ({"date0": "2020-01-01T10:00"}, "Ein Termin liegt in der Vergangenheit."),
        ({"date0": "bald"}, "Das ist kein gültiger Zeitpunkt."),
        ({"ends_at": "2027-04-06T12:00"}, "Das Ende der Terminsuche muss in der Zukunft"),
        ({"ends_at": "2020-04-06T12:00"}, "Das Ende der Terminsuche muss in der Zukunft"),
        ({"needed": "3"}, "Die Mindestzahl ist größer als die Zahl der Gefragten."),
        ({"needed": "viele"}, "Die Mindestzahl ist größer als die Zahl der Gefragten."),
    ],
    ids=str,
)
async def test_polls_that_cannot_be(asked: Asked, wrong: dict[str, str], told: str) -> None:
    """A poll without people, dates or an end is refused with a sentence, and nothing is asked."""
    status, text = await asked.begin(**wrong)
    assert status == 400
    assert told in text
    assert await asked.world.hub.store.read(polls.list_polls) == []


async def test_strangers_and_forwarded_links(asked: Asked) -> None:
    """A link answers in its own name alone: who is not asked cannot answer, and an ended poll takes no more."""
    await asked.begin(**{"p-bob": ""})
    assert (await asked.answer("bob", "yes"))[0] == 404
    assert (await asked.answer("ada", "maybe", "yes"))[0] == 200
    answers = await asked.world.hub.store.read(lambda db: polls.list_answers(db, asked.session_id))
    assert answers == {"ada": {datetime(2027, 3, 11, 17, tzinfo=UTC): Suits.YES}}
    await asked.begin(deed="end")
    assert (await asked.answer("ada", "yes"))[0] == 409
