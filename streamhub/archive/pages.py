"""Pages: views printed by templates. Pure but for the templates' compilation.

Owns the template environment: escaping, strict variables, phrases of the page's language, links relative to the page.
Refuses to know disks and what is public.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from keyword import iskeyword
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

from babel.support import Translations
from jinja2 import (
    Environment,
    FunctionLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    nodes,
    select_autoescape,
)
from jinja2.compiler import CodeGenerator
from jinja2.compiler import Frame as CodeFrame
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from streamhub.archive.catalogue import (
    format_clock,
    format_day,
    format_iso_length,
    format_length,
    format_moment,
    format_short_day,
    load_translations,
)
from streamhub.archive.compiled import CompiledTemplates
from streamhub.archive.embeds import Licence
from streamhub.archive.exports import escape_markdown
from streamhub.archive.markdown import cut_text
from streamhub.archive.plan import Part, digest_of
from streamhub.archive.structured import absolute, render_json_ld
from streamhub.archive.theme import Theme, find_template_line, load_template
from streamhub.archive.views import CueView, Head
from streamhub.errors import BadInput
from streamhub.text import LANGUAGES

NOT_FOUND = "404.html"
FRAME = "_frame.html"
"""What is around every page."""
PARTS_KEPT = 512
TRANSLATORS = frozenset({"_", "gettext", "ngettext", "npgettext", "pgettext"})
"""Functions that want to know a template's state."""
_MISTAKES = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What expressions in a template of an owner's may raise."""
_SPECIAL = re.compile("[&<>\"']")
_NAMED = re.compile(r"(?<!%)%\((\w+)\)s")
"""Where a phrase has a value; it parts the phrase into words, name, words, name ... words."""
GENERATOR = "streamhub"
"""By this name pages say who made them; a deploy knows its own site by it."""
EXPORTED_LENGTH = 600
"""Letters of an answer in a blog post."""
_NO_TEXT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
    + "]"
)
"""Controls and noncharacters: HTML forbids them, and they show nothing."""
_CONTROLS = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
_RARE_STARTS = (b"\xef", b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")
"""In UTF-8 each of the other noncharacters begins with one of these; few letters do."""
_HIGH_CONTROLS = re.compile(b"\xc2[\x80-\x9f]")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'{data}; media-src 'self'{media}; {frame}manifest-src 'self'; form-action 'self'; base-uri 'none'"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What is around every page.

    Attributes:
        title: of the site.
        language: of its start page.
        url: public address; empty when it is not known.
        hub_url: where the next question can be asked; empty when nowhere.
        csp: the content security policy.
        has_products, has_people, has_topics: which lists there are.
        legal: names of the legal pages that there are.
        styles: style sheets that are laid over the theme's, in order.
        logo: file of the sign, below ``static/``; empty for the theme's own.
        logo_width: of the sign, in CSS pixels; 0 when it is not known.
        fonts: typefaces that every page needs: file below ``static/`` and media type.
        ai_crawlers: what AI crawlers may do: ``allow``, ``no-training`` or ``deny``.
        licence: under what the answers may be used.
        framers: origins whose pages may show embeds in a frame; none for all.
        others: addresses of other archives that visitors can ask, each ending in ``/``.
    """

    title: str
    language: str
    url: str
    hub_url: str
    csp: str
    has_products: bool
    has_people: bool
    has_topics: bool
    legal: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    logo: str = ""
    logo_width: int = 0
    fonts: tuple[tuple[str, str], ...] = ()
    ai_crawlers: str = "allow"
    licence: Licence = field(default_factory=Licence)
    framers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class Printer:
    """Prints views with a theme's templates.

    Args:
        theme: templates and catalogues.
        frame: what is around every page.
        kept: folder in which compiled templates are kept from build to build; None for nowhere.

    Attributes:
        theme: templates and catalogues.
        frame: what is around every page.
        digest: of both.
    """

    def __init__(self, theme: Theme, frame: Frame, *, kept: Path | None = None) -> None:
        self._environment_of = partial(make_environment, theme, kept=kept)
        self.theme = theme
        self.frame = frame
        self.digest = digest_of(theme.digest, frame)
        self._static_digest = digest_of(sorted(theme.static.items()))[:10]
        self._print_part = lru_cache(maxsize=PARTS_KEPT)(self._render_part)

    def plan_page(self, template: str, view: Any, **more: Any) -> Part:
        """A page as a part of the site."""
        return Part(
            name=f"page {view.head.path}",
            digest=digest_of(self.digest, view_digest(template, view, more)),
            make=lambda present: {view.head.path: self.print_page(template, view, **more)},
        )

    def print_page(self, template: str, view: Any, **more: Any) -> bytes:
        """The bytes of a page.

        Raises:
            BadInput: the template fails; says which, on which page.
        """
        head: Head = view.head
        environment = self._environment_of(language=head.language)
        try:
            text = environment.get_template(template).render(
                view=view, page=head, site=self.frame, **self._helpers(head), **more
            )
        except TemplateNotFound as error:
            raise BadInput(f"{head.path}: there is no template {error.name}, which {template} names") from error
        except (TemplateError, *_MISTAKES) as error:
            place = find_template_line(self.theme, error) or template
            raise BadInput(f"{head.path}: template {place} fails: {getattr(error, 'message', error)}") from error
        return encode_text(text.strip()) + b"\n"

    def _helpers(self, head: Head) -> dict[str, Any]:
        to = Links(head.path, root=self.frame.url if head.path == NOT_FOUND else "")
        return {
            "frame": partial(self._print_part, head.language, to.up),
            "generator": GENERATOR,
            "link": to,
            "static": partial(self._static, to),
            "address": partial(absolute, self.frame.url),
            "reach": partial(absolute, self.frame.url) if self.frame.url else to,
            "json_ld": lambda data: Markup(render_json_ld(data)),  # noqa: S704 - escaped for script elements there
            "lang_attr": partial(_lang_attr, head.language),
            "other": _other(head.language),
            "home": _home(head.language, self.frame.language),
        }

    def _render_part(self, language: str, up: str, name: str, *values: Any) -> Markup:
        """A macro of `FRAME`; it is told nothing else of the page, since others that hand over the same get it too."""
        place = Place(
            link=lambda target: up + target or "./",
            static=partial(self._static, lambda target: up + target),
            language=language,
            other=_other(language),
            home=_home(language, self.frame.language),
            generator=GENERATOR,
        )
        macros = self._environment_of(language=language).get_template(FRAME).module
        return Markup(str(getattr(macros, name)(self.frame, place, *values)).strip())  # noqa: S704 - escaped there

    def _static(self, to: Callable[[str], str], name: str) -> str:
        if name not in self.theme.static:
            raise BadInput(f"the theme has no static file {name}", hint="look at the theme's static folder")
        return f"{to(f'static/{name}')}?v={self._static_digest}"


def encode_text(text: str) -> bytes:
    """A text in UTF-8, without what `_NO_TEXT` names; that is looked for letter by letter only where it may be."""
    data = text.encode("utf-8", "replace").translate(None, _CONTROLS)
    if _HIGH_CONTROLS.search(data) or any(map(data.__contains__, _RARE_STARTS)):
        return _NO_TEXT.sub("", text).encode("utf-8", "replace")
    return data


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where what is around a page stands: how to link from there, and in which language it is said."""

    link: Callable[[str], str]
    static: Callable[[str], str]
    language: str
    other: str
    home: str
    generator: str


class Links:
    """Makes relative addresses from one page; the page for wrong addresses is shown at any depth and needs whole ones.

    Args:
        page: its path.
        root: the public address of the site, where addresses have to be whole.

    Attributes:
        up: from the page to the root of the site.
    """

    def __init__(self, page: str, *, root: str = "") -> None:
        self._page = page
        self._root = root
        self._first = page.partition("/")[0]
        self.up = root.rstrip("/") + "/" if root else "../" * page.count("/")

    def __call__(self, target: str) -> str:
        """The address of a target, relative to the root of the site, as seen from the page."""
        if self._root:
            return absolute(self._root, target)
        if target and not target.startswith(self._first) and ":" not in target and "#" not in target:
            return self.up + target  # nothing in common: the rule for most links, said shortly
        return link(self._page, target)


@lru_cache(maxsize=8)
def load_phrases(theme: Theme, language: str) -> Translations:
    """The theme's phrases in a language."""
    return load_translations(language, theme.catalogues.get(language, ()))


def say(value: object) -> str:
    """What a template says of a value: escaped, unless it is markup already."""
    kind = type(value)
    if kind is Markup or (kind is str and not _SPECIAL.search(cast("str", value))):
        return cast("str", value)
    return escape(value)


class _Generator(CodeGenerator):
    """Writes templates as code that spends no time where nothing can come of it.

    Values are said by `say`, which makes no markup of what is joined to a text at once; and only what translates wants
    to know a template's state: everything else is called as what it is.
    """

    def _output_child_pre(self, node: nodes.Expr, frame: CodeFrame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.say(")

    def visit_Call(self, node: nodes.Call, frame: CodeFrame, forward_caller: bool = False) -> None:  # noqa: N802
        translates = isinstance(node.node, nodes.Name) and node.node.name in TRANSLATORS
        if translates or forward_caller or node.dyn_args or node.dyn_kwargs or any(map(_is_reserved, node.kwargs)):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for argument in node.args:
            self.visit(argument, frame)
            self.write(", ")
        for named in node.kwargs:
            self.write(f"{named.key}=")
            self.visit(named.value, frame)
            self.write(", ")
        self.write(")")


def _is_reserved(argument: nodes.Keyword) -> bool:
    return iskeyword(argument.key)


class _Environment(Environment):
    """Translates phrases when a template is compiled, all but those that count: each is said on thousands of pages."""

    code_generator_class = _Generator
    say = staticmethod(say)

    def __init__(self, phrases: Translations, **options: Any) -> None:
        super().__init__(**options)
        self._phrases = phrases

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        return cast("nodes.Template", _Translator(self._phrases).visit(tree))


class _Translator(NodeTransformer):
    def __init__(self, phrases: Translations) -> None:
        self._phrases = phrases

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the name that the visitor looks for
        """``_("a phrase of %(name)s", name=value)``, as `gettext` of the new style would say it when it is printed."""
        self.generic_visit(node)
        plain = not (node.dyn_args or node.dyn_kwargs) and len(node.args) == 1
        if plain and isinstance(node.node, nodes.Name) and node.node.name == "_":
            said = node.args[0]
            if isinstance(said, nodes.Const) and isinstance(said.value, str):
                return self._say(said.value, {one.key: one.value for one in node.kwargs}) or node
        return node

    def _say(self, phrase: str, values: Mapping[str, nodes.Expr]) -> nodes.Expr | None:
        """The phrase with its values between its words; None where it says more of them than their names."""
        text, *rest = _NAMED.split(self._phrases.ugettext(phrase))
        parts: list[nodes.Expr] = []
        try:
            for name, after in zip([None, *rest[::2]], [text, *rest[1::2]], strict=True):
                parts += [values[name]] if name else []
                parts.append(nodes.MarkSafe(nodes.Const(after % {})))
        except (LookupError, TypeError, ValueError):
            return None
        return nodes.Concat(parts) if values else parts[0]


@lru_cache(maxsize=8)
def make_environment(theme: Theme, *, language: str, kept: Path | None = None) -> Environment:
    """The template environment of a language; compiled templates stay as long as the theme, and in a folder."""
    phrases = load_phrases(theme, language)
    environment = _Environment(
        phrases,
        loader=FunctionLoader(partial(load_template, theme)),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        bytecode_cache=CompiledTemplates(kept, made_with=theme.digest, language=language),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(phrases, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= _filters(language)
    return environment


def _filters(language: str) -> dict[str, Callable[..., str]]:
    def short_day(instant: datetime, zone: str) -> str:
        return format_short_day(instant, zone, language)

    return {
        "day": lambda instant, zone: format_day(instant, zone, language),
        "short_day": short_day,
        "moment": lambda instant, zone: format_moment(instant, zone, language),
        "date": lambda value: format_short_day(
            datetime(value.year, value.month, value.day, tzinfo=UTC), "UTC", language
        ),
        "clock": format_clock,
        "duration": lambda duration_ms: format_length(duration_ms, language),
        "iso_length": format_iso_length,
        "seconds": format_seconds,
        "cues": print_cues,
        "join": join_texts,
        "pieces": print_pieces,
        "safe_url": safe_url,
        "trusted": Markup,
        "initials": initials,
        "md": lambda text: Markup(escape_markdown(str(text))),  # noqa: S704 - escaped there, for HTML too
        "quoted": lambda text: Markup(json.dumps(" ".join(text.split()), ensure_ascii=False)),  # noqa: S704 - for YAML
        "excerpt": lambda text: cut_text(text, max_length=EXPORTED_LENGTH),
    }


@lru_cache(maxsize=4096)
def format_seconds(at_ms: int) -> str:
    """Milliseconds as seconds for an attribute: ``65.25``, ``65``."""
    return f"{at_ms / 1000:.3f}".rstrip("0").rstrip(".")


def join_texts(texts: Iterable[object], between: str = "") -> str:
    """Texts in one, as Jinja's filter of that name makes it: markup if one of them is."""
    items = [one if isinstance(one, str) else str(one) for one in texts]
    markup = isinstance(between, Markup) or any(isinstance(one, Markup) for one in items)
    return escape(between).join(items) if markup else between.join(items)


@lru_cache(maxsize=64)
def print_pieces(pieces: tuple[tuple[int, int, int, int], ...]) -> Markup:
    """How session time maps onto a recording, for an attribute; the same for all answers of a session."""
    return Markup(json.dumps(pieces))  # noqa: S704 - numbers alone


def print_cues(cues: Sequence[CueView]) -> Markup:
    """A paragraph's cues as elements: id, times, language where that is another one, and a link from the second one on.

    The one thing on a page that no template writes: there are thirty of them for each answer.
    """
    return Markup(" ".join(_print_cue(cue, is_first=not number) for number, cue in enumerate(cues)))  # noqa: S704 - each is escaped


def _print_cue(cue: CueView, *, is_first: bool) -> str:
    name = say(cue.id)
    attributes = f'id="t-{name}" data-at="{format_seconds(cue.at_ms)}"'
    if cue.language:
        attributes += f' lang="{say(cue.language)}"'
    if cue.media_start_ms is not None and cue.media_end_ms is not None:
        start, end = format_seconds(cue.media_start_ms), format_seconds(cue.media_end_ms)
        attributes += f' data-start="{start}" data-end="{end}"'
    here = ""
    if not is_first:
        at = format_clock(cue.at_ms)
        here = (
            f'<a class="here" href="#t-{name}" data-cue="t-{name}" tabindex="-1" aria-label="{at}" title="{at}">#</a>'
        )
    return f'<span class="cue" {attributes}>{say(cue.text)}{here}</span>'


def safe_url(url: str) -> str:
    """The address if it may stand in a link: relative, or http(s); else ``#``."""
    parts = urlsplit(url)
    return url if parts.scheme in {"http", "https"} or (not parts.scheme and not url.startswith("//")) else "#"


def initials(name: str) -> str:
    """First letters of the first and the last word of a name that begin with a letter."""
    words = [word for word in name.split() if word[0].isalpha() and not word.endswith(".")]
    return "".join(word[0].upper() for word in ([words[0], words[-1]] if len(words) > 1 else words))


def link(page: str, target: str) -> str:
    """The relative address of a target as seen from a page; a target that ends in ``/`` or is empty is a folder."""
    path, _, fragment = target.partition("#")
    if ":" in path and urlsplit(path).scheme:
        return target
    start, steps = page.split("/")[:-1], path.split("/")
    same = 0
    while same < min(len(start), len(steps) - 1) and start[same] == steps[same]:
        same += 1
    relative = "../" * (len(start) - same) + "/".join(steps[same:]) or "./"
    # Archive paths are plain; recordings may be named anything, and come quoted.
    return relative + (f"#{quote(fragment)}" if fragment else "")


_NOTHING = Markup()


def _lang_attr(page_language: str, language: str) -> Markup:
    """A ``lang`` attribute where a text is in another language than the page."""
    if not language or language == page_language:
        return _NOTHING
    return Markup(' lang="{}"').format(language)


def _other(language: str) -> str:
    return next(one for one in LANGUAGES if one != language)


def _home(language: str, site_language: str) -> str:
    return "" if language == site_language else f"{language}/"


def plan_csp(origins: Iterable[str], others: Sequence[str] = (), frames: Iterable[str] = ()) -> str:
    """The policy: hosts of recordings that are served elsewhere, other archives, and players that may stand in a frame.

    None of them is asked before somebody clicks; without any of them the policy does not even name the possibility.
    """
    hosts = {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, others)}
    data = "".join(f" {origin}" for origin in sorted(hosts))
    media = "".join(f" {origin}" for origin in sorted({*origins} - {""}))
    players = " ".join(sorted({*frames} - {""}))
    return CSP.format(media=media, data=data, frame=f"frame-src {players}; " if players else "")


def view_digest(template: str, view: Any, more: Mapping[str, Any] | None = None) -> str:
    """Digest of what goes into a page besides the theme and the frame."""
    return digest_of(template, view, dict(more or {}))
