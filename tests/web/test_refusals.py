"""What the state of things forbids, in the host's language: every kind has a German sentence, and pages show it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import streamhub
from streamhub.errors import NotFound, WrongState
from streamhub.questions.refusal import SENTENCES, STATES, Refusal
from streamhub.schedule import rules, rundown
from streamhub.web.pages import load_catalogue
from streamhub.web.refusals import tell_refusal

if TYPE_CHECKING:
    from tests.web.conftest import Browser, World

PACKAGE = Path(streamhub.__file__).parent
DEEDS = (
    "questions/curating", "questions/answering", "questions/rules", "schedule/rundown", "schedule/rules",
    "store/merging", "store/carrying", "store/restoring", "store/proposals", "store/stories", "store/placing",
    "store/stage", "store/clusters", "store/changes", "keepers/source_desk",
)  # fmt: skip
"""Where what hosts do is decided and kept."""
_ENGLISH = re.compile(r"\b(the|is|question|session|it|first|cannot|already)\b", re.IGNORECASE)


@pytest.mark.parametrize("code", list(Refusal))
@pytest.mark.parametrize("state", ["", *STATES])
def test_every_refusal_has_a_german_sentence(code: Refusal, state: str) -> None:
    """Each kind is a German sentence with what to do, whatever state the thing is in, and told twice it is the same."""
    say = load_catalogue("de").gettext
    told = tell_refusal(WrongState("question 7: is open", code=code, state=state), say)
    for text, english in zip((told.message, told.hint), SENTENCES[code], strict=True):
        assert text.endswith((".", "!"))
        assert text != english
        assert not _ENGLISH.search(text), text
        assert "%(" not in text
    again = tell_refusal(told, say)
    assert (again.message, again.hint) == (told.message, told.hint)


def test_other_errors_stay_as_they_are() -> None:
    """What is no refusal is not touched."""
    error = NotFound("question 7: there is none")
    assert tell_refusal(error, str) is error


@pytest.mark.parametrize("name", DEEDS)
def test_deeds_of_hosts_raise_no_plain_conflict(name: str) -> None:
    """Whatever the rules and rows of hosts' deeds forbid carries a code, so that a page finds its sentence."""
    tree = ast.parse((PACKAGE / f"{name}.py").read_text("utf-8"))
    raised = [
        node.exc.func for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    ]
    assert "Conflict" not in {func.id for func in raised if isinstance(func, ast.Name)}


def test_codes_of_the_schedule_are_known() -> None:
    """The schedule knows nothing of questions, so its codes are plain words; each of them is a refusal."""
    for module in (rules, rundown):
        source = Path(module.__file__ or "").read_text("utf-8")
        for code in re.findall(r'code="(\w+)"', source):
            assert Refusal(code)


async def say_no(browser: Browser, path: str, **fields: str) -> tuple[int, str]:
    """What a page says when a form is refused."""
    async with await browser.post(path, **fields) as page:
        text = await page.text()
        box = re.search(r'class="[^"]*(?:error|notice|bad)[^"]*"[^>]*>(.*?)</(?:div|section|p|main)>', text, re.DOTALL)
        assert "question " not in (box[1] if box else ""), box
        return page.status, text


async def test_pages_say_it_in_german(world: World) -> None:
    """Merging, splitting, editing, carrying over, dragging and undoing are refused in German, with what to do."""
    session = await world.plan()
    one, two, three = [await world.ask(session, f"Was kostet das {n}?") for n in "abc"]
    browser = await world.sign_in()
    path = f"/host/s/{session}/questions"
    refusals = [
        (f"{path}/{one}/merge", {"into": one}, 409, "Eine Frage lässt sich nicht mit sich selbst zusammenlegen."),
        (f"{path}/{one}/merge", {"into": ""}, 400, "Mit welcher Frage zusammenlegen?"),
        (f"{path}/{one}/split", {"text": "Nur eines", "version": "1"}, 400, "in 2 bis 10 Teile aufgeteilt"),
        (f"{path}/{one}/unmerge", {}, 200, ""),
    ]
    await world.act(three, "decline")
    version = str((await world.act(two, "merge", into=one))["version"])
    refusals += [
        (f"{path}/{two}/merge", {"into": three}, 409, "Die Frage ist schon mit einer anderen zusammengelegt."),
        (f"{path}/{one}/merge", {"into": two}, 409, "ist selbst mit einer anderen zusammengelegt."),
        (f"{path}/{one}/merge", {"into": three}, 409, "wird da, wo sie steht, nichts zusammengelegt (abgelehnt)."),
        (f"{path}/{two}/queue", {}, 409, "Die Frage ist schon mit einer anderen zusammengelegt."),
        (
            f"{path}/{two}/edit",
            {"text": "Neu", "version": version},
            409,
            "bleiben jetzt, wie sie sind (zusammen",
        ),
        (f"{path}/{two}/split", {"text": "a\nb", "version": version}, 409, "lässt sie sich nicht aufteilen"),
        (f"{path}/{three}/carry", {}, 409, "lässt sie sich nicht weitergeben (abgelehnt)."),
        (f"{path}/{three}/unmerge", {}, 409, "Die Frage ist nicht zusammengelegt (abgelehnt)."),
        (f"/host/s/{session}/rundown", {"deed": "advance", "version": "0"}, 409, "Im Ablauf steht nichts mehr."),
        (f"/host/s/{session}/rundown", {"deed": "advance", "version": "7"}, 409, "hat den Ablauf eben geändert."),
    ]
    for address, fields, status, sentence in refusals:
        got, text = await say_no(browser, address, **fields)
        if status != 200:
            assert (got, sentence in text) == (status, True), (address, fields, text)
    await browser.close()


async def test_dragging_to_what_is_gone_is_refused_in_german(world: World) -> None:
    """A question that is dropped before one that left the queue meanwhile stays where it is, and the host reads why."""
    session = await world.plan()
    one, two = await world.ask(session, "Eins?"), await world.ask(session, "Zwei?")
    await world.act(one, "queue")
    browser = await world.sign_in()
    status, text = await say_no(browser, f"/host/s/{session}/questions/{one}/place", before=two)
    assert (status, "steht nicht mehr in der Warteschlange." in text) == (409, True)
    await browser.close()


async def test_an_undo_beside_another_on_air_is_refused_in_german(world: World) -> None:
    """Putting a question back on air while another one is there is refused, and nothing changes."""
    session = await world.plan(to="live")
    one, two = await world.ask(session, "Eins?"), await world.ask(session, "Zwei?")
    for action in ("queue", "on-air", "done"):
        await world.act(one, action)
    changes = (await world.host("GET", f"/sessions/{session}/changes"))["changes"]
    done = next(change["id"] for change in changes if change["action"] == "done")
    await world.act(two, "queue")
    await world.act(two, "on-air")
    browser = await world.sign_in()
    status, text = await say_no(browser, f"/host/s/{session}/undo", change=str(done))
    assert (status, "Jetzt ist eine andere Frage auf Sendung." in text) == (409, True), text
    async with browser.session.post(
        f"{world.url}/host/s/{session}/undo",
        data={"form_token": browser.form_token, "change": str(done)},
        headers={"Accept": "application/json"},
    ) as answer:
        assert "Jetzt ist eine andere Frage" in (await answer.json())["error"]["message"]
    await browser.close()
