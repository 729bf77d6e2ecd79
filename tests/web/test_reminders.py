"""Reminders as hosts see them: what goes out when, what became of it, and the switch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamhub.keepers.inviter import InviterParts
from streamhub.keepers.reminding import Reminding
from streamhub.schedule.invitation import Reply
from streamhub.schedule.people import Person
from streamhub.schedule.reminder import Rung
from streamhub.schedule.show import Role, SessionState
from streamhub.store import invitations, people, shows
from streamhub.web.links import Links

if TYPE_CHECKING:
    from tests.web.conftest import World

START = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)


async def text_of(world: World, session_id: str, language: str = "de", **post: str) -> str:
    browser = await world.sign_in()
    if post:
        async with await browser.post(f"/host/s/{session_id}/reminders", **post) as answer:
            assert (answer.status, answer.headers["Location"]) == (
                303,
                f"/host/s/{session_id}/invitations?said=saved#reminders",
            )
    async with await browser.get(f"/host/s/{session_id}/invitations?lang={language}") as answer:
        text = await answer.text()
    await browser.close()
    return text.partition('id="reminders"')[2].partition("</section>")[0]


async def test_what_hosts_read_of_reminders(world: World) -> None:
    """Before it is planned, while it waits, once it went out, switched off, and after a move: in both languages."""
    session_id, at = await world.plan(), world.clock()

    def fill(db: Any) -> None:
        people.save_person(db, Person(id="ada", name="Ada", email="ada@example.org"))
        said = invitations.invite(db, session_id, "ada", Role.EXPERT, at=at, author="")
        invitations.save_invitation(db, replace(said, reply=Reply.ACCEPTED, replied_at=at, confirmed_at=at))

    await world.hub.store.write(fill)
    keeper = Reminding(
        InviterParts(
            store=world.hub.store,
            links=Links(hub_url="https://hub.example.org", secret=world.hub.secret),
            hub_name="Runde",
            address="hub@example.org",
            by_rule=False,
            secret=world.hub.secret,
            now=world.clock,
        )
    )
    before = await text_of(world, session_id)
    assert (before.count("kommt noch"), before.count("ausgelassen: ihr Zeitpunkt war vorbei")) == (3, 1)
    await keeper.sync()
    assert (await text_of(world, session_id)).partition("<form")[0] == before.partition("<form")[0]
    assert "Montag, 1. März 2027, 20:15" in before
    world.clock.at = START - timedelta(days=1)
    assert await keeper.remind(session_id, START, Rung.DAY) == "told"
    assert "1 E-Mail geschrieben: 0 gesendet, 1 im Postausgang" in await text_of(world, session_id)
    await world.hub.store.write(
        lambda db: db.execute("update mails set state = 'sent', sent_at = made_at where kind = 'reminder'") and None
    )
    assert "1 mail written: 1 sent, 0 waiting in the outbox" in await text_of(world, session_id, "en")
    off = await text_of(world, session_id, deed="off")
    assert "Für diese Sendung sind die Erinnerungen ausgeschaltet." in off
    assert off.count("<span>ausgeschaltet</span>") == 2
    world.clock.at = START - timedelta(hours=1)
    assert await keeper.remind(session_id, START, Rung.HOUR) == "off"
    on = await text_of(world, session_id, "en", deed="on")
    assert "left out: reminders were switched off" in on
    assert on.count("still to come") == 1
    await world.hub.store.write(
        lambda db: shows.save_session(
            db, replace(shows.load_session(db, session_id), starts_at=START + timedelta(days=30))
        )
    )
    await keeper.sync()
    assert (await text_of(world, session_id, "en")).count("still to come") == 4
    await world.hub.store.write(
        lambda db: shows.step_session(db, session_id, SessionState.CANCELLED, at=world.clock()) and None
    )
    assert (await text_of(world, session_id)).count("geht nicht hinaus") == 4
