"""The archive as a folder: loading sessions and saving them so that no hand edit is lost.

Every file is written whole or not at all (`*.part`, fsync, replace), and a new session appears in one step with all its
files, so that neither a build at that moment nor a crash finds half of one. Symbolic links are refused: what a link
points to would be published. Owns the disk; the files' meaning is `streamhub.archive.format`'s.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.edits import Written, decide_text, digest_keys
from streamhub.archive.format import (
    ANSWERS_FOLDER,
    SESSION_FILE,
    is_archive_file,
    parse_session,
    render_session,
    session_folder,
    translation_name,
)
from streamhub.archive.plan import digest_of
from streamhub.archive.sheet import Plain, parse_sheet
from streamhub.errors import BadArchive, BadInput, DiskFull, NotFound, StreamhubError
from streamhub.transcript.transcript import Transcript

WRITTEN_FILE = ".written.json"
_RECORDINGS = "recordings"
_GRAIN_NS = 2_000_000_000
MAX_FILE_BYTES = 64 * 1024 * 1024


def load_archive(root: Path) -> tuple[ArchivedSession, ...]:
    """Load every session of the archive, oldest first.

    Raises:
        NotFound: there is no such folder.
        BadArchive: the first file that is wrong, with line and reason.
    """
    sessions = [load_session(root, show_id, session_id) for show_id, session_id in list_sessions(root)]
    ordered = tuple(sorted(sessions, key=lambda session: (session.starts_at, session.id)))
    _require_distinct(ordered)
    return ordered


def list_sessions(root: Path) -> tuple[tuple[str, str], ...]:
    """Show and session of every session's folder.

    Raises:
        NotFound: there is no such folder.
        BadArchive: a folder is a link.
    """
    if not root.is_dir():
        raise NotFound(f"archive {root}: no such folder", hint="name the folder that holds <show>/<session>/session.md")
    return tuple((show.name, folder.name) for show in _folders(root) for folder in _folders(show))


def stamp_session(root: Path, show_id: str, session_id: str) -> str:
    """What changes whenever a file of a session does, without reading any; empty while one was written just now.

    A file that is written twice within the grain of the disk's clock, to the same length, would go unseen: a session
    whose files are younger than that is not trusted to be as it was.
    """
    folder = root / show_id / session_id
    found: list[tuple[str, int, int, int]] = []
    youngest_ns = 0
    for place in (folder, folder / ANSWERS_FOLDER):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(place) as entries:
            for entry in entries:
                if entry.name.startswith(".") or (entry.is_dir(follow_symlinks=False)):
                    continue
                state = entry.stat(follow_symlinks=False)
                found.append((f"{place.name}/{entry.name}", state.st_size, state.st_mtime_ns, state.st_ino))
                youngest_ns = max(youngest_ns, state.st_mtime_ns, state.st_ctime_ns)
    return "" if time.time_ns() - youngest_ns < _GRAIN_NS else digest_of(sorted(found))


def load_session(root: Path, show_id: str, session_id: str) -> ArchivedSession:
    """Load one session.

    Raises:
        NotFound: it is not in the archive.
        BadArchive: a file of it is wrong.
    """
    folder = _session_path(root, show_id, session_id)
    if not (folder / SESSION_FILE).is_file():
        if folder.is_dir():
            raise BadArchive(f"{show_id}/{session_id}", 0, f"has no {SESSION_FILE}", hint="add it or remove the folder")
        raise NotFound(f"session {session_id}: not in the archive {root}", hint="look at the folder of its show")
    return parse_session({f"{show_id}/{session_id}/{name}": text for name, text in _read_files(folder).items()})


def save_session(root: Path, session: ArchivedSession, *, loaded: ArchivedSession | None = None) -> tuple[Path, ...]:
    """Save a session; comments, unknown keys and whatever a person changed by hand stay.

    Args:
        root: the archive; made if it is missing.
        session: what to save.
        loaded: the session as it was loaded, when `session` was made from it by changing something: then these
            changes are a person's, they win over the files and over whatever the pipeline writes later. Without it,
            `session` was made anew (by the pipeline): it fills what no person touched.

    Returns:
        The files that were written or removed.

    Raises:
        BadArchive: a file that is there cannot be read; nothing was written.
        BadInput: an id cannot stand in a path.
    """
    folder = _session_path(root, session.show_id, session.id)
    prefix = f"{session_folder(session.show_id, session.id)}/"
    existing = _read_files(folder) if folder.is_dir() else {}
    known = None
    if loaded is not None and session.transcripts == loaded.transcripts:  # of a long session they are most of the work
        known = loaded.transcripts
        session, loaded = replace(session, transcripts=()), replace(loaded, transcripts=())
    new = {path.removeprefix(prefix): text for path, text in render_session(session).items()}
    written = read_written(folder)
    base: Written = _digest_all(loaded) if loaded else written
    placed = _place(new, existing, renames=loaded is not None)
    texts = {
        name: decide_text(name, existing[name], text, base.get(name, {}), new_wins=loaded is not None)
        if name in existing
        else text
        for name, text in placed.items()
    }
    _keep_pairs(texts, placed, existing)
    gone = [name for name in existing if name not in texts and digest_keys(name, existing[name]) == base.get(name)]
    parse_session({prefix + name: text for name, text in {**_without(existing, gone), **texts}.items()}, known=known)
    changed = [folder / name for name in texts if existing.get(name) != texts[name]]
    with _open_folder(folder) as place:
        for name in sorted(texts, key=lambda name: (name == SESSION_FILE, name)):
            if existing.get(name) != texts[name]:
                write_atomically(place / name, texts[name].encode("utf-8"))
        for name in gone:
            (place / name).unlink()
        if loaded is None:
            digests = {name: digest_keys(name, text) for name, text in sorted(placed.items())}
            digests |= {name: written.get(name, {}) for name in placed if _is_corrected(name, existing, written)}
            write_atomically(place / WRITTEN_FILE, render_written(digests))
    return (*changed, *(folder / name for name in gone))


def save_recordings(root: Path, loaded: ArchivedSession, recordings: tuple[ArchivedRecording, ...]) -> None:
    """Let the machine change the recordings of a session and nothing else.

    Recordings that nobody touched stay the machine's, so that the pipeline goes on filling them; once a person changed
    one they are the person's, and stay so.

    Args:
        root: the archive.
        loaded: the session as it was loaded.
        recordings: what it should have.

    Raises:
        BadArchive: a file that is there cannot be read; nothing was written.
    """
    folder = _session_path(root, loaded.show_id, loaded.id)
    ours = are_recordings_ours(root, loaded)
    save_session(root, replace(loaded, recordings=recordings), loaded=loaded)
    if ours:
        digests = read_written(folder)
        text = read_text(folder / SESSION_FILE, f"{loaded.show_id}/{loaded.id}/{SESSION_FILE}")
        digests.setdefault(SESSION_FILE, {})[_RECORDINGS] = digest_keys(SESSION_FILE, text)[_RECORDINGS]
        write_atomically(folder / WRITTEN_FILE, render_written(digests))


def save_transcripts(root: Path, loaded: ArchivedSession, transcripts: tuple[Transcript, ...]) -> None:
    """Let the machine change the words of a session and nothing else; words that were the machine's stay its own.

    Args:
        root: the archive.
        loaded: the session as it was loaded.
        transcripts: what it should have; a person's corrections are among them.

    Raises:
        BadArchive: a file that is there cannot be read; nothing was written.
    """
    folder = _session_path(root, loaded.show_id, loaded.id)
    written = read_written(folder)
    before = {name: text for name, text in _read_files(folder).items() if not name.endswith(".md")}
    ours = [name for name, text in before.items() if written.get(name) == digest_keys(name, text)]
    save_session(root, replace(loaded, transcripts=transcripts), loaded=loaded)
    after = _read_files(folder)
    digests = written | {name: digest_keys(name, after[name]) for name in ours if name in after}
    write_atomically(folder / WRITTEN_FILE, render_written(digests))


def save_translation(root: Path, loaded: ArchivedSession, translation: Transcript) -> bool:
    """Let the machine write its translation of a session and nothing else; whether it wrote anything.

    Args:
        root: the archive.
        loaded: the session as it was loaded.
        translation: into its language; one that a person corrected stays as it is.

    Raises:
        BadArchive: a file that is there cannot be read; nothing was written.
    """
    folder, name = _session_path(root, loaded.show_id, loaded.id), translation_name(translation.language)
    before = _read_files(folder).get(name)
    if before is not None and read_written(folder).get(name) != digest_keys(name, before):
        return False
    kept = (one for one in loaded.translations if one.language != translation.language)
    changed = save_session(root, replace(loaded, translations=(*kept, translation)), loaded=loaded)
    digests = read_written(folder) | {name: digest_keys(name, _read_files(folder)[name])}
    write_atomically(folder / WRITTEN_FILE, render_written(digests))
    return bool(changed)


def are_recordings_ours(root: Path, session: ArchivedSession) -> bool:
    """Whether the recordings of a session stand there as the machine wrote them last."""
    folder = _session_path(root, session.show_id, session.id)
    text = read_text(folder / SESSION_FILE, f"{session.show_id}/{session.id}/{SESSION_FILE}")
    written = read_written(folder).get(SESSION_FILE, {}).get(_RECORDINGS)
    return written == digest_keys(SESSION_FILE, text).get(_RECORDINGS)


@contextlib.contextmanager
def _open_folder(folder: Path) -> Iterator[Path]:
    """Where to write a session's files: its folder, or a hidden one that takes its place when the block is through."""
    if folder.is_dir():
        yield folder
        return
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
    try:
        yield part
        part.rename(folder)
    except OSError as error:
        raise translate_os_error(folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_atomically(path: Path, content: bytes, *, durably: bool = True) -> None:
    """Write a file whole or not at all; folders above it are made.

    Args:
        path: of the file.
        content: of the file.
        durably: whether it must be on the disk when this returns; else a crash of the machine may lose or cut it.

    Raises:
        DiskFull: no room.
        BadInput: the place cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            if durably:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise translate_os_error(path, error) from error


def translate_os_error(path: Path, error: OSError) -> StreamhubError:
    """Our error for a failed write."""
    if error.errno in {28, 122}:  # ENOSPC, EDQUOT
        return DiskFull(f"{path}: no room left on the disk", hint="free some space; nothing was half-written")
    return BadInput(f"{path}: cannot be written ({error.strerror or error})", hint="check the folder and its rights")


def _session_path(root: Path, show_id: str, session_id: str) -> Path:
    base = root.resolve()
    path = base / session_folder(show_id, session_id)
    for part in (path.parent, path):
        if part.is_symlink():
            raise BadArchive(str(part.relative_to(base)), 0, "is a symbolic link", hint="put the folder itself there")
    if not path.resolve().is_relative_to(base):
        raise BadArchive(str(path.relative_to(base)), 0, "leads out of the archive")
    return path


def _folders(path: Path) -> Iterator[Path]:
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            raise BadArchive(entry.name, 0, "is a symbolic link", hint="put the folder itself there")
        if entry.is_dir():
            yield entry


def _read_files(folder: Path) -> dict[str, str]:
    """The archive's files in a session's folder: name inside it, to text."""
    answers = folder / ANSWERS_FOLDER
    entries = [*folder.iterdir(), *(answers.iterdir() if answers.is_dir() and not answers.is_symlink() else ())]
    texts: dict[str, str] = {}
    for entry in sorted(entries):
        name = entry.relative_to(folder).as_posix()
        shown = f"{folder.parent.name}/{folder.name}/{name}"
        if entry.is_symlink() and (name == ANSWERS_FOLDER or is_archive_file(name)):
            raise BadArchive(shown, 0, "is a symbolic link", hint="put the file itself there")
        if not is_archive_file(name) or entry.name.startswith(".") or entry.name == "README.md":
            continue
        texts[name] = read_text(entry, shown)
    return texts


def read_text(path: Path, shown: str) -> str:
    """A file of the archive; ``shown`` is what messages call it.

    Raises:
        BadArchive: it is too large, or no UTF-8, or cannot be read.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadArchive(shown, 0, f"has {path.stat().st_size} bytes, at most {MAX_FILE_BYTES} are read")
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise BadArchive(shown, line, "is not UTF-8", hint="save it as UTF-8") from error
    except OSError as error:
        raise BadArchive(shown, 0, f"cannot be read ({error.strerror or error})") from error


def read_written(folder: Path) -> dict[str, dict[str, str]]:
    """What the machine wrote last into a folder; nothing where it never did.

    Raises:
        BadArchive: it is damaged.
    """
    path = folder / WRITTEN_FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_bytes())
        return {str(name): {str(k): str(v) for k, v in keys.items()} for name, keys in content.items()}
    except (ValueError, AttributeError) as error:
        hint = "remove it: then everything that stands in the session's files counts as written by hand"
        raise BadArchive(
            f"{folder.parent.name}/{folder.name}/{WRITTEN_FILE}", 0, f"is damaged: {error}", hint=hint
        ) from error


def render_written(digests: Written) -> bytes:
    """`WRITTEN_FILE` of a folder."""
    return (json.dumps(digests, indent=1, sort_keys=True) + "\n").encode()


def _digest_all(session: ArchivedSession) -> dict[str, dict[str, str]]:
    prefix = f"{session_folder(session.show_id, session.id)}/"
    return {path.removeprefix(prefix): digest_keys(path, text) for path, text in render_session(session).items()}


def _place(new: Mapping[str, str], existing: Mapping[str, str], *, renames: bool) -> dict[str, str]:
    """Answers keep the file that their id has already: an address does not change because a question was reworded."""
    if renames:
        return dict(new)
    by_id = {_answer_id(name, text): name for name, text in existing.items() if name.startswith(f"{ANSWERS_FOLDER}/")}
    placed = {}
    for name, text in new.items():
        known = by_id.get(_answer_id(name, text)) if name.startswith(f"{ANSWERS_FOLDER}/") else None
        placed[known or name] = text
    return placed


def _answer_id(name: str, text: str) -> Plain | None:
    return parse_sheet(text, name).values.get("id")


def _keep_pairs(texts: dict[str, str], placed: Mapping[str, str], existing: Mapping[str, str]) -> None:
    """A transcript that a person corrected keeps the word times that belong to it."""
    for name in list(texts):
        words = name.replace("transcript.", "words.", 1).removesuffix(".vtt") + ".json"
        if name.startswith("transcript.") and texts[name] != placed[name] and words in texts:
            if words in existing:
                texts[words] = existing[words]
            else:
                del texts[words]


def _is_corrected(name: str, existing: Mapping[str, str], written: Written) -> bool:
    """Whether a person changed a translation; it is no machine's any more, whoever saves the session."""
    ours = name not in existing or written.get(name) == digest_keys(name, existing[name])
    return name.startswith("translation.") and not ours


def _without(files: Mapping[str, str], gone: list[str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name not in gone}


def _require_distinct(sessions: tuple[ArchivedSession, ...]) -> None:
    seen: dict[str, str] = {}
    for session in sessions:
        place = f"{session.show_id}/{session.id}"
        for what, key in [("session", session.id), *(("answer", answer.id) for answer in session.answers)]:
            if seen.setdefault(f"{what} {key}", place) != place:
                reason = f"{what} {key!r} is in {seen[f'{what} {key}']} too"
                raise BadArchive(place, 0, reason, hint="ids are unique in an archive")
