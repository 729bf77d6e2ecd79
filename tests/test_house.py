"""The laws of the house: who may import whom, where brands may be named, what pure files must not touch."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import streamhub
from streamhub import errors

PACKAGE = Path(streamhub.__file__).parent
REPOSITORY = PACKAGE.parent
STAGES = ["schedule", "questions", "live", "recording", "transcript", "answers", "archive"]
WORKFLOWS = {"pipeline", "ordering", "archiving"}
CORE = {"errors", "timecode", "text", "config", "process", "spreadsheet", "wordforms"}
NOUNS = {
    "schedule": {
        "agreement",
        "appraising",
        "board",
        "calendar_reply",
        "columns",
        "demand",
        "event",
        "frame",
        "greedy",
        "invitation",
        "masks",
        "master",
        "people",
        "poll",
        "programme",
        "proposing",
        "public",
        "reasons",
        "reminder",
        "rundown",
        "series",
        "show",
        "usage",
    },
    "questions": {
        "change",
        "follower",
        "clusters",
        "encoder",
        "finding",
        "grouping",
        "hiding",
        "intake",
        "likeness",
        "notice",
        "question",
        "refusal",
        "trouble",
        "verdict",
        "vocabulary",
        "wordbag",
        "writing",
    },
    "live": {"mark", "platform", "ingest", "problem", "quota", "video"},
    "recording": {"clip", "recording", "track"},
    "transcript": {
        "glossary",
        "hiding",
        "names",
        "piece",
        "signs",
        "speakers",
        "sounds",
        "transcript",
        "vtt",
    },  # vtt is the noun's notation, pure
    "archive": {"archived", "event", "learned", "review"},
    "answers": {"answer", "consent", "overheard", "spoken"},
}
PURE = {"rules", "vtt", "curating", "smartcut", "stitching"}  # and every noun
IO_MODULES = {
    "aiohttp", "asyncio", "av", "dbos", "ffmpeg", "http", "multiprocessing", "os", "requests", "shutil", "socket",
    "sqlite3", "sqlite_utils", "subprocess", "tempfile", "threading", "urllib.request",
}  # fmt: skip
BRANDS = {
    "dbos": {"engine"},
    "pyrtmp": {"live/rtmp"},
    "faster.whisper": {"transcript/faster_whisper"},
    "openai.whisper": {"transcript/openai_whisper"},
    "imageio.ffmpeg": {"recording/ffmpeg"},
    "ctranslate2": {"transcript/faster_whisper", "transcript/models"},
    "youtube": {"live/youtube", "recording/yt_dlp"},  # which addresses are fetched is written at its home
    "safetensors": {"questions/bert"},
    "yt.dlp": {"recording/yt_dlp"},
    "mastodon": {"questions/mastodon"},
    "feedparser": {"questions/feed"},
    "imap": {"questions/imap"},
    "aiosmtplib": {"outbox/smtp"},
    "sherpa.onnx": {"transcript/sherpa_onnx"},
    "boto3": {"archive/s3"},
    "highs": {"schedule/highs", "schedule/highs_solving"},
}
EVERYWHERE = {"app", "config"}  # the rooms that may name brands


def modules() -> list[tuple[str, Path]]:
    return [(str(path.relative_to(PACKAGE).with_suffix("")), path) for path in sorted(PACKAGE.rglob("*.py"))]


def imports_of(path: Path) -> set[str]:
    """Absolute names of everything that a file imports, ``from a import b`` as ``a.b``, type checking included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ours(path: Path) -> set[tuple[str, ...]]:
    return {tuple(name.split(".")[1:]) for name in imports_of(path) if name.startswith("streamhub.")}


def is_pure(name: str) -> bool:
    """Whether a file of a stage is a noun of it, or holds rules; a brand may call a file as it likes."""
    stage, _, rest = name.partition("/")
    return rest in NOUNS[stage] or Path(name).name in PURE


MODULES = modules()
IN_STAGES = [(name, path) for name, path in MODULES if name.split("/", maxsplit=1)[0] in STAGES]
PURE_FILES = [(name, path) for name, path in IN_STAGES if is_pure(name)] + [
    (name, path) for name, path in MODULES if name.startswith("wordforms/")
]


@pytest.mark.parametrize(("name", "path"), IN_STAGES, ids=[name for name, _ in IN_STAGES])
def test_stages_look_left_only(name: str, path: Path) -> None:
    """A stage imports its own files, nouns of stages to its left, the core and the store, and no other room."""
    stage = name.split("/", maxsplit=1)[0]
    for target in ours(path):
        room = target[0]
        if room in CORE or room == stage:
            continue
        if room == "store":
            assert not is_pure(name), f"{name} is pure and imports the store"
            continue
        assert room in STAGES, f"{name} imports {'.'.join(target)}: not a room that a stage may know"
        assert STAGES.index(room) < STAGES.index(stage), f"{name} imports {'.'.join(target)}, which is to its right"
        assert target[1] in NOUNS[room], f"{name} imports {'.'.join(target)}, which is no noun"


OUTBOX = [(name, path) for name, path in MODULES if name.startswith("outbox/")]


@pytest.mark.parametrize(("name", "path"), OUTBOX, ids=[name for name, _ in OUTBOX])
def test_the_outbox_knows_no_reasons(name: str, path: Path) -> None:
    """The outbox imports itself and the core alone, and only its brand touches the outside."""
    assert {target[0] for target in ours(path)} <= CORE | {"outbox"}
    if name != "outbox/smtp":
        assert not {found for found in imports_of(path) if found.split(".")[0] in IO_MODULES | {"aiosmtplib", "ssl"}}


@pytest.mark.parametrize("room", sorted(CORE))
def test_core_knows_only_the_core(room: str) -> None:
    """The core imports nothing of the house but the core."""
    files = [path for name, path in MODULES if name.split("/", maxsplit=1)[0] == room]
    assert files
    for path in files:
        rooms = {target[0] for target in ours(path)}
        assert rooms <= CORE, f"{path.name} imports {rooms - CORE}"


@pytest.mark.parametrize(("name", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_rooms_keep_their_doors_shut(name: str, path: Path) -> None:
    """The store knows no web and no engine, the engine no stage, and nobody but the top knows the composition root."""
    room = name.split("/", maxsplit=1)[0]
    rooms = {target[0] for target in ours(path)}
    forbidden = {
        "store": {"web", "engine", "app", "cli", "demo", "keepers", *WORKFLOWS},
        "engine": {*STAGES, "web", "app", "cli", "demo", "keepers", *WORKFLOWS},
        "web": {"engine", "app", "cli", "demo", "keepers", *WORKFLOWS},
        "pipeline": {"web", "app", "cli", "demo", "keepers"},
        "ordering": {"web", "engine", "app", "cli", "demo", "pipeline", "archiving", "keepers"},
        "archiving": {"web", "engine", "app", "cli", "demo", "pipeline", "ordering", "keepers"},
        "keepers": {"app", "cli", "demo"},
        **{stage: {"engine", "web", "app", "cli", "demo", "keepers", *WORKFLOWS} for stage in STAGES},
    }.get(room, set())
    assert not rooms & forbidden, f"{name} imports {rooms & forbidden}"


@pytest.mark.parametrize(("name", "path"), PURE_FILES, ids=[name for name, _ in PURE_FILES])
def test_pure_files_touch_nothing(name: str, path: Path) -> None:
    """Nouns and rules import no library that touches the outside."""
    touched = {
        found
        for found in imports_of(path)
        for module in IO_MODULES
        if found == module or found.startswith(f"{module}.")
    }
    assert not touched


@pytest.mark.parametrize(("brand", "homes"), BRANDS.items(), ids=list(BRANDS))
def test_brands_are_named_at_home(brand: str, homes: set[str]) -> None:
    """The name of a brand stands in its own file, the composition root and the settings alone."""
    pattern = re.compile(brand.replace(".", "[-_ ]?"), re.IGNORECASE)
    for name, path in MODULES:
        if name in EVERYWHERE or any(name == home or name.startswith(f"{home}/") for home in homes):
            continue
        code = _without_docstrings(path)
        assert not pattern.search(code), f"{name} names {brand}"


@cache
def _without_docstrings(path: Path) -> str:
    """A file's source without docstrings: prose may explain by example."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.ClassDef | ast.Module):
            node.body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return ast.unparse(tree)


def test_only_one_spawner_of_processes() -> None:
    """Nobody but `streamhub.process` starts a process."""
    spawning = re.compile(r"\b(subprocess\.|create_subprocess_|os\.(system|popen|spawn|fork|exec)|multiprocessing)")
    for name, path in MODULES:
        if name != "process":
            code = _without_docstrings(path)
            assert not spawning.search(code), f"{name} starts processes by itself"


def test_only_the_store_opens_databases() -> None:
    """SQL and database libraries stay in the store; the engine hides its own."""
    for name, path in MODULES:
        if name.startswith(("store/", "engine")) or name == "pipeline":
            continue
        found = {module for module in imports_of(path) if module.split(".")[0] in {"sqlite3", "pysqlite3"}}
        assert not found, f"{name} imports {found}"


FOR_EVERYBODY = re.compile(r"Action\.(SEE_PUBLIC|ASK|VOTE|USE_OVERLAY)\b")
PROVES_NAMES = {"web/proving"}
"""Recognises people by the names in their links, and prints none."""


def test_pages_for_everybody_get_public_sessions_alone() -> None:
    """Whatever has an address for everybody, or helps such a page, reads sessions and events by the public's reader."""
    texts = {name: _without_docstrings(path) for name, path in MODULES if name.startswith("web/")}
    paths = dict(MODULES)
    reached = {name for name, text in texts.items() if FOR_EVERYBODY.search(text) and name != "web/access"}
    assert len(reached) > 20
    while True:
        used = {f"web/{target[1]}" for name in reached for target in ours(paths[name]) if target[0] == "web"}
        helpers = {name for name in used & texts.keys() if "RouteTableDef" not in texts[name]}
        if helpers <= reached:
            break
        reached |= helpers
    for name in sorted(reached - PROVES_NAMES):
        shows = {target for target in ours(paths[name]) if target[:2] == ("store", "shows")}
        assert not shows, f"{name} reads sessions as hosts know them; use streamhub.store.public"
        raw = set(AS_HOSTS_READ.findall(texts[name]))
        assert not raw, f"{name} reads as hosts do; use streamhub.store.public"


AS_HOSTS_READ = re.compile(
    r"(?<!public_rows\.)(?<!def )\b(?:(?:load|find|list)_events?(?:_of|_sessions)?"
    r"|list_(?:questions|stories|proposals|accepted_in))\("
)
HIDING = {"questions/hiding", "transcript/hiding", "web/captions"}
"""Take the masks that a public session brings."""


def test_only_the_public_reader_makes_public_sessions() -> None:
    """Masks are put on in two places: where the public's sessions are read, and where the archive lets through."""
    homes = {
        "plan_public_session": {"store/public"},
        "plan_public_event": {"store/public"},
        "Masker": {"schedule/public", "archive/masking", "archive/event", *HIDING},
    }
    for name, path in MODULES:
        for target in ours(path):
            assert name in homes.get(target[-1], {name}), f"{name} puts masks on by itself: {target[-1]}"


def test_every_error_says_what_the_outside_does_with_it() -> None:
    """Every error has an exit code and an HTTP status that fit each other's meaning."""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.StreamhubError)
    ]
    assert len(kinds) > 10
    for kind in kinds:
        assert kind.__doc__
        assert 1 <= kind.exit_code <= 7 or kind.exit_code == 130
        assert 400 <= kind.http_status < 600


def test_every_module_and_public_name_is_documented() -> None:
    """Every module says what it owns, and every public function and class makes its promise in a line."""
    for name, path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        assert ast.get_docstring(tree), f"{name} has no docstring"
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith(
                "_"
            ):
                assert ast.get_docstring(node), f"{name}: {node.name} has no docstring"


def test_every_setting_and_command_stands_in_the_readme() -> None:
    """The README names every section of the settings and every command."""
    import dataclasses

    from streamhub.cli import cli
    from streamhub.config import Settings

    readme = (REPOSITORY / "README.md").read_text("utf-8")
    for section in dataclasses.fields(Settings):
        assert f"[{section.name}]" in readme, f"README does not name section [{section.name}]"
        for item in dataclasses.fields(getattr(Settings(), section.name)):
            assert f"`{item.name}`" in readme, f"README does not name {section.name}.{item.name}"
    for name, command in cli.commands.items():
        assert f"streamhub {name}" in readme, f"README does not name `streamhub {name}`"
        assert command.help, f"{name} has no help"
        assert "Example:" in (command.epilog or "") or name == "completion", f"{name} has no example"
