"""Producers and new personal links in a real browser: on a phone and a desk, in both languages, by night."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.keepers.inviter import Inviter, InviterParts
from streamhub.schedule.calendar_reply import Weight
from streamhub.schedule.invitation import Reply
from streamhub.schedule.people import Person
from streamhub.schedule.rundown import Rundown, Topic
from streamhub.schedule.show import Role
from streamhub.store import invitations, mails, notices, people
from streamhub.store import stage as stage_rows
from streamhub.web.links import Links, make_me
from tests.web.browsing import CHROMIUM, open_browser, open_tab, sign_in

if TYPE_CHECKING:
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser"),
    pytest.mark.timeout(240),
]


async def fill(world: World) -> str:
    """A confirmed producer, and a guest whose links were made anew after his invitation went out."""
    session_id, now = await world.plan(title="Netz"), world.clock()
    inviter = Inviter(
        InviterParts(
            store=world.hub.store,
            links=Links(hub_url=world.url, secret=world.hub.secret),
            hub_name="Runde",
            address="hub@example.org",
            by_rule=False,
            secret=world.hub.secret,
            now=world.clock,
        )
    )
    ada = Person(id="ada", name="Ada Weber", email="ada@example.org")

    def invite(db: Any) -> None:
        people.save_person(db, ada)
        people.save_person(db, Person(id="pia", name="Pia Regler", role=Role.PRODUCER, zone="America/New_York"))
        for one, role in (("ada", Role.EXPERT), ("pia", Role.PRODUCER)):
            invitations.invite(db, session_id, one, role, at=now, author="")
        said = replace(
            invitations.load_invitation(db, session_id, "pia"), reply=Reply.ACCEPTED, replied_at=now, confirmed_at=now
        )
        invitations.change_invitation(db, said, "invitation.confirm", at=now, author="")

        def plan(rundown: Rundown) -> Rundown:
            topics = [
                Topic(id=str(n), title=title, planned_minutes=15, speaker="Ada Weber") for n, title in enumerate(TOPICS)
            ]
            return replace(rundown, topics=tuple(topics))

        stage_rows.change_rundown(db, session_id, plan, version=0, at=now, author="", action="rundown.add")

    def renew(db: Any) -> None:
        db.execute("update mails set state = 'sent', sent_at = made_at")
        people.save_person(db, replace(ada, link_version=2))
        kept = notices.KeptReply(
            ref="1", session_id=session_id, person_id="ada", at=now, weight=Weight.RENEWED, reply=Reply.DECLINED
        )
        notices.keep_reply(db, kept)

    await world.hub.store.write(invite)
    await inviter.sync()
    await world.hub.store.write(renew)
    await inviter.sync()
    return session_id


TOPICS = ("Begrüßung", "Warum die Leitung rauscht, wenn es regnet", "Fragen aus dem Publikum")


@pytest.mark.parametrize(("width", "look"), [(390, "light"), (1280, "light"), (390, "dark")])
async def test_pages_fit_and_complain_of_nothing(world: World, width: int, look: str) -> None:
    """What hosts, the producer and whoever has an old link see fits the screen and breaks no policy."""
    session_id = await fill(world)
    secret = world.hub.secret
    pia, old = f"/me/{make_me(secret, 'pia', 1)}", f"/me/{make_me(secret, 'ada', 1)}"
    paths = {
        "invitations": f"/host/s/{session_id}/invitations",
        "person": "/host/people/ada?said=relinked",
        "rundown": f"/host/s/{session_id}/rundown",
        "technique": f"/host/s/{session_id}/technique",
        "me": pia,
        "my-rundown": f"{pia}/s/{session_id}/rundown",
        "door": f"{pia}/s/{session_id}/studio",
    }
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width, color_scheme=look)
        await sign_in(world, tab)
        for language in ("de", "en"):
            for name, path in paths.items():
                await tab.page.goto(f"{world.url}{path}{'&' if '?' in path else '?'}lang={language}")
                await tab.shoot(f"renewed-{name}-{language}-{width}-{look}")
                over = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert over <= 0, (name, language)
        assert tab.complaints == []
        await tab.page.goto(f"{world.url}{old}?lang=de")
        await tab.shoot(f"renewed-old-{width}-{look}")
        assert "Sie haben neue persönliche Links." in await tab.page.content()


async def test_one_click_sends_without_scripts(world: World) -> None:
    """On a phone, without JavaScript and by keyboard, a host sends the invitation with the new links and comes back."""
    session_id = await fill(world)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        await sign_in(world, tab)
        page = tab.page
        await page.goto(f"{world.url}/host/s/{session_id}/invitations?lang=de")
        await page.get_by_text("Neue persönliche Links: Netz").wait_for(timeout=40_000)
        await page.get_by_role("button", name="Jetzt senden").press("Enter")
        await page.get_by_text("Die Nachricht ist unterwegs.").wait_for(timeout=40_000)
        assert page.url.endswith("/invitations?said=sent#said")
    waiting = await world.hub.store.read(lambda db: mails.list_waiting(db, "invitation", object_id=session_id))
    assert waiting == []
