"""The theme: templates, static files and message catalogues, from the package and from the workspace over it.

A file of the workspace's ``site/`` takes the place of the shipped one of the same name; its templates can still extend
the shipped ones as ``shipped/<name>``. Owns finding and reading these files; refuses to know what they say.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from jinja2 import TemplateSyntaxError

from streamhub.archive.claims import require_site_path
from streamhub.archive.plan import digest_of
from streamhub.errors import BadInput, Environment

CATALOGUE = "site.po"
SYNONYMS = "synonyms.txt"
SHIPPED = "shipped/"
_SKIPPED_SUFFIXES = frozenset({".part", ".pyc", ".orig", ".rej"})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Theme:
    """What the site is made with. Compared by identity, so that what is compiled from it can be kept beside it.

    Attributes:
        templates: name to source; shipped ones are there under ``shipped/`` too.
        static: path below ``static/`` to content.
        catalogues: language to catalogues' texts, the shipped one first.
        synonyms: the owner's words that mean the same, as `streamhub.archive.search.synonyms` reads them.
        code: digest of the code that reads the archive and renders it.
        digest: of all of it, the code included.
    """

    templates: Mapping[str, str]
    static: Mapping[str, bytes]
    catalogues: Mapping[str, tuple[bytes, ...]]
    synonyms: str
    code: str
    digest: str


def find_shipped_theme() -> Path:
    """The folder of the shipped theme: inside an installed package, or in the source tree.

    Raises:
        Environment: it is in neither place.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_theme", package.parent / "site"):
        if (folder / "templates").is_dir():
            return folder
    raise Environment(f"{package}: the theme is not installed with it", hint="install streamhub again")


def load_theme(workspace_site: Path | None = None, *, shipped: Path | None = None) -> Theme:
    """Read the shipped theme and lay the workspace's files over it.

    Args:
        workspace_site: the workspace's ``site/``; it may be missing.
        shipped: the shipped theme's folder; found by itself when not given.

    Raises:
        Environment: the shipped theme is missing.
        BadInput: a file of a theme cannot be read, or is a link.
    """
    base = shipped or find_shipped_theme()
    folders = [base, *([workspace_site] if workspace_site and workspace_site.is_dir() else [])]
    templates: dict[str, str] = {}
    static: dict[str, bytes] = {}
    catalogues: dict[str, tuple[bytes, ...]] = {}
    synonyms = ""
    for folder in folders:
        for name, content in _read_tree(folder / "templates").items():
            templates[name] = _decode(content, folder / "templates" / name)
            if folder is base:
                templates[SHIPPED + name] = templates[name]
        static.update(_read_tree(folder / "static"))
        for path, content in _read_tree(folder / "locales").items():
            language, _, name = path.partition("/")
            if name == CATALOGUE:
                catalogues[language] = (*catalogues.get(language, ()), content)
        synonyms = _read_synonyms(folder / SYNONYMS) or synonyms
    code = digest_of(sorted(_read_tree(Path(__file__).resolve().parent, suffix=".py").items()))
    digest = digest_of(
        code, *(part for tree in (templates, catalogues) for part in sorted(tree.items())), _hashes(static)
    )
    return Theme(templates=templates, static=static, catalogues=catalogues, synonyms=synonyms, code=code, digest=digest)


def load_template(theme: Theme, name: str) -> tuple[str, str, Callable[[], bool]] | None:
    """A template for Jinja's `FunctionLoader`; its name stands for its file, so that tracebacks tell the template."""
    return (theme.templates[name], name, lambda: True) if name in theme.templates else None


def find_template_line(theme: Theme, error: Exception) -> str:
    """The template and line that an error comes from, such as ``answer.html:12``; empty when none is known."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name}:{error.lineno}"
    passed = (frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in theme.templates)
    return next((f"{frame.filename}:{frame.lineno}" for frame in reversed(list(passed))), "")


def find_misnamed(theme: Theme) -> list[str]:
    """A sentence for each template of an owner's that nothing uses and whose name is nearly that of a shipped one."""
    shipped = [name.removeprefix(SHIPPED) for name in theme.templates if name.startswith(SHIPPED)]
    unknown = sorted(theme.templates.keys() - {*shipped, *(SHIPPED + name for name in shipped)})
    unused = [name for name in unknown if not any(name in text for text in theme.templates.values())]
    meant = {name: get_close_matches(name, shipped, n=1, cutoff=0.8) for name in unused}
    said = "site/templates/%s: no page is made with it; did you mean %s?"
    return [said % (name, near[0]) for name, near in meant.items() if near]


def _read_synonyms(path: Path) -> str:
    if path.is_symlink():
        raise BadInput(f"{path}: is a symbolic link", hint="put the file itself there")
    return _decode(path.read_bytes(), path) if path.is_file() else ""


def _hashes(static: Mapping[str, bytes]) -> list[tuple[str, str]]:
    return [(name, digest_of(content)) for name, content in sorted(static.items())]


def _read_tree(folder: Path, *, suffix: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if not folder.is_dir():
        return found
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name.startswith(".") or path.suffix in _SKIPPED_SUFFIXES or not name.endswith(suffix):
            continue
        if path.is_symlink():
            raise BadInput(f"{path}: is a symbolic link", hint="put the file itself there")
        if path.is_file():
            try:
                found[require_site_path(name)] = path.read_bytes()
            except OSError as error:
                raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
    return found


def _decode(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8", hint="save it as UTF-8") from error
