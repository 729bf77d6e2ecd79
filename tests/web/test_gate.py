"""The gate on the review page, by plain forms: consents are noted and shown, addenda stand in the files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.web.reviewed import review_session

if TYPE_CHECKING:
    from tests.web.conftest import Browser, World
    from tests.web.reviewed import Reviewed


async def send(host: Browser, one: Reviewed, deed: str, **fields: str) -> tuple[int, str]:
    """Send a form about the first answer; returns status, and where it leads or what it says."""
    async with await host.post(one.path, deed=deed, **{"answer": one.ids[0], **fields}) as answer:
        return answer.status, answer.headers.get("Location", "") or await answer.text()


async def read(host: Browser, one: Reviewed) -> str:
    async with await host.get(f"{one.path}?answer={one.ids[0]}") as page:
        return await page.text()


async def test_consents_are_noted_on_the_page(world: World) -> None:
    """Everybody who is to be heard is listed with what he said; a word about the answer counts before the session's."""
    one = await review_session(world)
    host = await world.sign_in()
    text = await read(host, one)
    assert text.count("hat noch nichts gesagt") == 2
    assert (await send(host, one, "consent", name="Ali Demir", word="yes-all"))[0] == 303
    assert (await send(host, one, "consent", name="Jana Weber", word="no"))[0] == 303
    text = await read(host, one)
    assert "Zustimmung fehlt: Jana Weber" in text
    assert "✓ stimmt der ganzen Sendung zu" in text
    await send(host, one, "consent", name="Jana Weber", word="yes")
    assert "Zustimmung fehlt" not in await read(host, one)
    assert (await send(host, one, "consent", name="Jana Weber", word="vielleicht"))[0] == 400
    assert (await send(host, one, "consent", name=" ", word="yes"))[0] == 400
    await host.close()


async def test_an_addendum_is_a_correction_like_others(world: World) -> None:
    """It stands in the file, overwrites nobody, is named among what was corrected, and can be taken back."""
    one = await review_session(world)
    host = await world.sign_in()
    empty = json.dumps({"body": ""})
    assert (await send(host, one, "addendum", body="Seit Mai gilt **mehr**.", seen=empty))[0] == 303
    assert one.answer(0).body.strip() == "Seit Mai gilt **mehr**."
    text = await read(host, one)
    assert "schrieb eine Ergänzung" in text
    status, said = await send(host, one, "addendum", body="Anders.", seen=empty)
    assert status == 409
    assert "Anders." in said  # what was typed is not lost
    status, said = await send(host, one, "addendum", body="x" * 20_001, seen=json.dumps({"body": one.answer(0).body}))
    assert (status, "Höchstens 20000 Zeichen" in said) == (400, True)
    number = (await world.hub.review.edits(one.session))[0].id
    assert (await send(host, one, "undo", edit=str(number)))[0] == 303
    assert one.answer(0).body == ""
    await host.close()


async def test_what_is_not_public_has_no_successor(world: World) -> None:
    """Without a public answer to take its place there is no chooser, and a forged form is refused."""
    one = await review_session(world)
    host = await world.sign_in()
    assert 'id="succession"' not in await read(host, one)
    assert (await send(host, one, "supersede", successor=one.ids[1]))[0] == 409
    assert (await send(host, one, "supersede", successor="fremd"))[0] == 404
    assert (await send(host, one, "clip"))[0] == 409  # this hub cuts no media
    await host.close()
