"""Models: where a recogniser's model lies, and what it is.

Owns the order of looking: ``rehearsal``, a folder or file, the workspace's own cache, the user's cache, and at last
the network (a mirror, else the public hub), which is given seconds to answer. Refuses to know engines: each brings a
`Shelf` that says what its models consist of.

A model may carry a ``streamhub.json`` beside its files: ``{"rehearsal": true, "decode": {"beam_size": 1}}``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streamhub.config import TranscriptSettings
from streamhub.errors import BadInput, ModelMissing
from streamhub.text import slugify
from streamhub.transcript.model_files import FileList, Progress, fetch_model, is_complete

REHEARSAL = "rehearsal"
REHEARSAL_FOLDER = Path(__file__).parent / "rehearsal"
CARD = "streamhub.json"

_SAMPLE_BYTES = 65_536

_DEMO_ORDER = ("small", "large-v3-turbo", "turbo", "base", "medium", "tiny")
_PATH_LIKE = re.compile(r"^(?:[.~/\\]|[A-Za-z]:[\\/])|\.pt$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """What the models of one engine consist of, and where else they may lie.

    Attributes:
        engine: its name, for messages.
        rehearsal: where its form of the rehearsal model lies in the rehearsal folder.
        suffix: of a model that is one file; empty for models that are folders.
        required, one_of, optional: files of a model folder.
        names: models that can be had by name.
        cached: finds a named model in this user's cache, without the network.
        source: public address of a named model: of the folder, or of the one file; empty if there is none.
    """

    engine: str
    rehearsal: str
    suffix: str = ""
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    names: tuple[str, ...]
    cached: Callable[[str, Mapping[str, str]], Path | None]
    source: Callable[[str, Mapping[str, str]], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model that is here.

    Attributes:
        name: for the reader.
        path: its folder, or its one file.
        rehearsal: it knows the rehearsal's closed vocabulary and nothing else.
        decode: options of the engine that this model wants.
    """

    name: str
    path: Path
    rehearsal: bool = False
    decode: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelReport:
    """What is known of the configured model, for `streamhub doctor`.

    Attributes:
        model: as found; None when it is not here.
        sentence: what it is.
        advice: what to do; empty when all is well.
    """

    model: Model | None
    sentence: str
    advice: str = ""


def model_title(name: str) -> str:
    """A model's name for the reader: of a path or an address only its last part, for the rest is nobody's business."""
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1].removesuffix(".pt") or name


def find_local_model(shelf: Shelf, name: str, *, cache: Path, environ: Mapping[str, str]) -> Model | None:
    """The model if it is on this machine; never asks the network.

    Raises:
        ModelMissing: the name is a path, and what lies there is no model of this engine.
    """
    if name == REHEARSAL:
        path = REHEARSAL_FOLDER / shelf.rehearsal
        return _model(REHEARSAL, path, rehearsal=True) if not _lacks(shelf, path) else None
    given = Path(name).expanduser()
    if _PATH_LIKE.search(name) or ("://" not in name and given.exists()):
        if lacks := _lacks(shelf, given):
            raise ModelMissing(
                f"model {name}: {lacks}",
                hint=f"give a folder or file that {shelf.engine} can load, or one of {', '.join(shelf.names[:4])}",
            )
        return _model(model_title(name), given)
    own = _own_place(shelf, name, cache)
    if is_complete(own):
        return _model(model_title(name), own / f"model{shelf.suffix}" if shelf.suffix else own)
    users = shelf.cached(name, environ)
    return _model(name, users) if users and not _lacks(shelf, users) else None


async def find_model(
    shelf: Shelf,
    settings: TranscriptSettings,
    *,
    cache: Path,
    environ: Mapping[str, str],
    progress: Progress = lambda done, total: None,
) -> Model:
    """The configured model; fetched into ``cache`` if it is not here, and if a server answers within seconds.

    Raises:
        ModelMissing: it is not here and cannot be fetched; the hint says how to get it.
        BadInput: the mirror's address is not https.
    """
    name = settings.model
    if found := find_local_model(shelf, name, cache=cache, environ=environ):
        return found
    address = _address(shelf, settings, environ)
    if not address:
        raise ModelMissing(
            f"model {name!r}: is not here, and {shelf.engine} knows no model of that name", hint=_fix(shelf)
        )
    place = _own_place(shelf, name, cache)
    try:
        await fetch_model(address, _files(shelf), place, progress)
    except ModelMissing as error:
        raise ModelMissing(
            f"model {name!r}: is not here and cannot be fetched: {error.message}", hint=_fix(shelf)
        ) from error
    found = find_local_model(shelf, name, cache=cache, environ=environ)
    assert found is not None
    return found


def fingerprint(shelf: Shelf, model: Model) -> str:
    """A short hash of a model: of its files' sizes, and of what stands at their beginning, middle and end.

    Models are gigabytes; three places of each file tell another training or another conversion apart in milliseconds.
    Damage elsewhere in a file is not seen.

    Raises:
        ModelMissing: a file cannot be read.
    """
    names = (*shelf.required, *shelf.one_of, *shelf.optional, CARD)
    files = [model.path] if model.path.is_file() else [model.path / name for name in names]
    seen = hashlib.sha256()
    try:
        for file in files:
            if not file.is_file():
                continue
            size = file.stat().st_size
            seen.update(f"{file.suffix} {size}\n".encode())
            with file.open("rb") as content:
                for at in (0, size // 2, max(0, size - _SAMPLE_BYTES)):
                    content.seek(at)
                    seen.update(content.read(_SAMPLE_BYTES))
    except OSError as error:
        raise ModelMissing(
            f"model {model.path}: cannot be read ({error.strerror})", hint="look at its rights"
        ) from error
    return seen.hexdigest()[:12]


def stamp_of(path: Path) -> int:
    """A number that changes with the files of a model, whether it is a folder or a file; 0 where there is nothing."""
    files = path.iterdir() if path.is_dir() else [path] if path.exists() else []
    return hash(frozenset((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files))


def describe_model(
    shelf: Shelf, settings: TranscriptSettings, *, cache: Path, environ: Mapping[str, str]
) -> ModelReport:
    """What the configured model is and where it lies; never asks the network."""
    try:
        model = find_local_model(shelf, settings.model, cache=cache, environ=environ)
    except ModelMissing as error:
        return ModelReport(model=None, sentence=error.message, advice=error.hint)
    if model is None:
        fetched = _address(shelf, settings, environ)
        where = f", it would be fetched from {urlsplit(fetched).netloc} at first use" if fetched else ""
        return ModelReport(
            model=None, sentence=f"{shelf.engine} {settings.model}: not on this machine{where}", advice=_fix(shelf)
        )
    if model.rehearsal:
        return ModelReport(
            model=model,
            sentence=f"{shelf.engine} rehearsal model: for demo and tests only, it knows about 130 words per language",
            advice="set transcript.model to a real Whisper model, such as small, before a real show",
        )
    return ModelReport(model=model, sentence=f"{shelf.engine} {model.name}, at {model.path}")


def choose_demo_model(shelf: Shelf, settings: TranscriptSettings, *, cache: Path, environ: Mapping[str, str]) -> str:
    """The name of a real model if one is configured or cached here, else ``rehearsal``; never asks the network."""
    for name in dict.fromkeys((settings.model, *_DEMO_ORDER)):
        try:
            if name != REHEARSAL and find_local_model(shelf, name, cache=cache, environ=environ):
                return name
        except ModelMissing:
            continue
    return REHEARSAL


def _model(name: str, path: Path, *, rehearsal: bool = False) -> Model:
    model = Model(name=name, path=path, rehearsal=rehearsal or REHEARSAL_FOLDER in path.resolve().parents)
    for folder in (path, path.parent) if path.is_file() or rehearsal else (path,):
        try:
            card = json.loads((folder / CARD).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        decode = card.get("decode")
        return replace(
            model,
            rehearsal=model.rehearsal or card.get("rehearsal") is True,
            decode=decode if isinstance(decode, dict) else {},
        )
    return model


def _lacks(shelf: Shelf, path: Path) -> str:
    """What keeps a path from being a model of this engine; empty if nothing does."""
    if shelf.suffix:
        return "" if path.is_file() and path.suffix == shelf.suffix else f"no file *{shelf.suffix} at {path}"
    if not path.is_dir():
        return f"no folder at {path}"
    missing = [name for name in shelf.required if not (path / name).is_file()]
    if shelf.one_of and not any((path / name).is_file() for name in shelf.one_of):
        missing.append(" or ".join(shelf.one_of))
    return f"{path} lacks {', '.join(missing)}" if missing else ""


def _files(shelf: Shelf) -> FileList:
    if shelf.suffix:
        return FileList(required=(f"model{shelf.suffix}",), single=True)
    return FileList(required=shelf.required, one_of=shelf.one_of, optional=shelf.optional)


def _own_place(shelf: Shelf, name: str, cache: Path) -> Path:
    return cache / shelf.engine / slugify(name, max_length=100)


def _address(shelf: Shelf, settings: TranscriptSettings, environ: Mapping[str, str]) -> str:
    """Where to fetch the model: its own address, the mirror (``{model}`` in it stands for the name), the public hub."""
    if settings.model == REHEARSAL:
        return ""
    if "://" in settings.model:
        return _require_https(settings.model)
    if settings.mirror_url:
        mirror = settings.mirror_url.rstrip("/").replace("{model}", settings.model)
        single = f"/{settings.model}{shelf.suffix}" if shelf.suffix and not mirror.endswith(shelf.suffix) else ""
        return _require_https(mirror + single)
    return shelf.source(settings.model, environ)


def _require_https(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}):
        return address.rstrip("/")
    raise BadInput(f"model address {address!r}: not https", hint="a model runs on this machine: fetch it by https only")


def _fix(shelf: Shelf) -> str:
    what = f"a file *{shelf.suffix}" if shelf.suffix else "a folder with model.bin"
    return (
        f"set transcript.model to {what} copied from another machine, or transcript.mirror_url to an https mirror that "
        "holds its files, or run once where the model hub can be reached"
    )
