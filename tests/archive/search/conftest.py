"""A small archive of answers, its built index, and a node process that runs the browser's half."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.archive.search.index import plan_index

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "site" / "static"
STEMMERS = ("base-stemmer.js", "german-stemmer.js", "english-stemmer.js")

ARCHIVE = [
    ("leitung", "de", "Wie lange dauert die Schaltung einer Amtsleitung?", "2026-01-10", [
        (0, "Host", "Guten Abend und willkommen zur nächsten Frage."),
        (12_400, "Anna", "Eine neue Amtsleitung wird meist in zehn Werktagen geschaltet."),
        (31_000, "Peter", "Der Techniker misst anschließend die Strecke durch."),
    ]),
    ("rauschen", "de", "Warum rauscht es nach dem Gewitter?", "2026-01-10", [
        (5_000, "Anna", "Feuchtigkeit im Verteiler ist die häufigste Ursache."),
        (21_999, "Julia", "Lassen Sie die Telefonleitungen durchmessen, und tauschen Sie den Splitter aus."),
    ]),
    ("kuendigung", "de", "Welche Frist gilt bei der Kündigung?", "2026-02-01", [
        (1_000, "Julia", "Sie müssen einen Monat vorher kündigen, am besten schriftlich."),
    ]),
    ("gekuendigt", "de", "Ich bekomme trotzdem eine Rechnung", "2026-02-02", [
        (2_000, "Julia", "Wer gekündigt hat, legt die Bestätigung bei und widerspricht."),
    ]),
    ("router", "de", "Mein Router ist defekt, was kann ich tun?", "2026-02-03", [
        (3_000, "Peter", "Ein defekter Router lässt sich oft durch einen Neustart retten."),
        (9_000, "Peter", "Die Störung melden Sie der Hotline."),
    ]),
    ("fritz", "de", "FRITZ!Box 7590 verliert die Verbindung", "2026-02-04", [
        (4_000, "Anna", "Ein Update auf FRITZ!OS 8.02 behebt die Abbrüche der Geräte im Haus."),
    ]),
    ("waermepumpe", "de", "Lohnt sich eine Wärmepumpe in alten Häusern?", "2026-02-05", [
        (8_000, "Peter", "Entscheidend ist die Vorlauftemperatur der Fußbodenheizung."),
    ]),
    ("router-en", "en", "My router is broken, what should I do?", "2026-03-01", [
        (6_000, "Anna", "Restart the broken router first."),
        (14_000, "Peter", "If it stays dead, we ship a replacement unit."),
    ]),
    ("cancel-en", "en", "How do I cancel my contract early?", "2026-03-02", [
        (7_000, "Julia", "Cancellation is possible when you relocate; don't forget the notice."),
    ]),
    ("meter-en", "en", "Smart meter readings are missing", "2026-03-03", [
        (2_000, "Peter", "Check the gateway and the SIM signal before you forward the numbers."),
    ]),
]  # fmt: skip

DRIVER = """
import fs from "node:fs";
import vm from "node:vm";
for (const name of STEMMERS) vm.runInThisContext(fs.readFileSync(`vendor/${name}`, "utf8"));
const analysis = await import("./analysis.js");
const engine = await import("./search-engine.js");
const input = JSON.parse(fs.readFileSync("input.json", "utf8"));
const output = await run(input);
fs.writeFileSync("output.json", JSON.stringify(output));
"""


def make_document(document_id: str = "one", **changes: Any) -> SearchDocument:
    """A valid document; only what a test is about needs to be said."""
    values: dict[str, Any] = {
        "id": document_id,
        "url": f"answers/{document_id}/",
        "language": "de",
        "question": "Frage",
        "date": "2026-01-01",
    }
    return SearchDocument(**(values | changes))


@pytest.fixture(name="make_document")
def make_document_fixture() -> Callable[..., SearchDocument]:
    return make_document


@pytest.fixture(scope="session")
def archive() -> list[SearchDocument]:
    return [
        make_document(
            name,
            language=language,
            question=question,
            date=date,
            turns=tuple(Turn(start_ms=start, speaker=speaker, text=text) for start, speaker, text in turns),
            speakers=tuple(dict.fromkeys(speaker for _, speaker, _ in turns)),
            session_title="Netzabend",
            topics=("Telefon",) if "leitung" in name or "ausch" in name else ("Verträge",) if "kuend" in name else (),
            show="Sprechstunde" if language == "de" else "",
        )
        for name, language, question, date, turns in ARCHIVE
    ]


@pytest.fixture(scope="session")
def files(archive: list[SearchDocument]) -> dict[str, bytes]:
    return plan_index(archive)


@pytest.fixture(scope="session")
def static() -> Path:
    """The theme's scripts; skips where the stemmers have not been brought by an installation."""
    missing = [name for name in STEMMERS if not (STATIC / "vendor" / name).is_file()]
    if missing:
        pytest.skip(f"site/static/vendor lacks {', '.join(missing)}; `pip install -e .` brings them")
    return STATIC


@pytest.fixture
def run_node(static: Path, tmp_path: Path) -> Callable[[str, Any], Any]:
    """Run a JavaScript function `run(input)` beside the theme's modules and return its result."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the browser tests compare the same")

    def run(script: str, value: Any) -> Any:
        (tmp_path / "package.json").write_text('{"type": "module"}')
        for name in ("analysis.js", "search-engine.js"):
            shutil.copyfile(static / name, tmp_path / name)
        shutil.copytree(static / "vendor", tmp_path / "vendor", dirs_exist_ok=True)
        (tmp_path / "input.json").write_text(json.dumps(value))
        (tmp_path / "main.js").write_text(DRIVER.replace("STEMMERS", json.dumps(STEMMERS)) + script)
        done = subprocess.run([node, "main.js"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 0, done.stderr
        return json.loads((tmp_path / "output.json").read_text())

    return run
