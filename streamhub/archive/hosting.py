"""What web hosts and robots are told: robots.txt with a choice for AI crawlers, and the security headers. Pure.

The headers are written once, as the file ``_headers`` that several hosts read; what nginx and Apache need is made from
that file. Refuses to know pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from streamhub.archive.legal import LEGAL_PAGES
from streamhub.archive.structured import absolute
from streamhub.errors import BadInput
from streamhub.text import LANGUAGES

TRAINING_CRAWLERS = (
    *("AI2Bot", "Amazonbot", "anthropic-ai", "Applebot-Extended", "Bytespider", "CCBot", "ClaudeBot", "cohere-ai"),
    *("cohere-training-data-crawler", "Diffbot", "FacebookBot", "Google-Extended", "GPTBot", "ImagesiftBot"),
    *("Meta-ExternalAgent", "omgili", "PanguBot", "Timpibot", "Webzio-Extended"),
)
"""Those whose makers say that they gather what models are trained with."""
ANSWERING_CRAWLERS = (
    *("ChatGPT-User", "Claude-SearchBot", "Claude-User", "DuckAssistBot", "meta-externalfetcher", "MistralAI-User"),
    *("OAI-SearchBot", "Perplexity-User", "PerplexityBot", "YouBot"),
)
"""Those that fetch pages for an assistant's answer and name them as its source."""
UNFRAMED = (
    "/",
    *(
        f"/{folder}/*"
        for folder in (
            "a",
            "s",
            "topics",
            "products",
            "people",
            "shows",
            "sessions",
            "search",
            *LEGAL_PAGES,
            *LANGUAGES,
        )
    ),
)
"""The pages that nobody may show in a frame."""
HOSTS = ("nginx", "apache")
INDEXES = ("search", "speech")
"""Folders of the indexes of the search: pieces named by their content, and a manifest that names them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderRule:
    """Headers for paths; ``*`` in the pattern stands for anything."""

    pattern: str
    headers: tuple[tuple[str, str], ...]


def render_robots(base: str, ai_crawlers: str = "allow") -> bytes:
    """Everybody may read everything, but the AI crawlers that the owner keeps out; the sitemap is named.

    Args:
        base: public address of the site; empty for none.
        ai_crawlers: ``allow``, ``no-training`` or ``deny``.
    """
    refused = [*(TRAINING_CRAWLERS if ai_crawlers != "allow" else ())]
    refused += ANSWERING_CRAWLERS if ai_crawlers == "deny" else ()
    lines = [f"User-agent: {name}" for name in sorted(refused, key=str.casefold)]
    lines += ["Disallow: /", ""] if refused else []
    lines += ["User-agent: *", "Allow: /"]
    if base:
        lines += ["", f"Sitemap: {absolute(base, 'sitemap.xml')}"]
    return ("\n".join(lines) + "\n").encode()


def plan_headers(csp: str, *, reserved: bool, framers: Iterable[str] = ()) -> tuple[HeaderRule, ...]:
    """The headers of the site.

    Several hosts put the headers of all rules that fit together, and several policies hold at once. So the rule for
    everything says nothing about frames: other pages than those that are made for it forbid them one by one.

    Args:
        csp: the policy of its pages.
        framers: origins whose pages may show embeds in a frame; none for all.
        reserved: whether text and data mining is reserved (https://www.w3.org/community/reports/tdmrep/).
    """
    everywhere = [
        ("Content-Security-Policy", csp),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
        ("Access-Control-Allow-Origin", "*"),  # embeds and other archives read the data from their own pages
        *([("tdm-reservation", "1")] if reserved else []),
    ]
    return (
        HeaderRule(pattern="/*", headers=tuple(everywhere)),
        *(
            HeaderRule(pattern=pattern, headers=(("Content-Security-Policy", f"{csp}; frame-ancestors 'self'"),))
            for pattern in UNFRAMED
        ),
        HeaderRule(
            pattern="/embed/*",
            headers=(("Content-Security-Policy", f"{csp}; frame-ancestors {' '.join(framers) or '*'}"),),
        ),
        HeaderRule(pattern="/static/*", headers=(("Cache-Control", "public, max-age=86400"),)),
        *(
            rule
            for folder in INDEXES
            for rule in (
                HeaderRule(
                    pattern=f"/{folder}/*/*.idx", headers=(("Cache-Control", "public, max-age=31536000, immutable"),)
                ),
                HeaderRule(pattern=f"/{folder}/*/m.json", headers=(("Cache-Control", "no-cache"),)),
            )
        ),
    )


def render_headers(rules: Iterable[HeaderRule]) -> bytes:
    """Headers for web hosts that read a file ``_headers``."""
    lines = [line for rule in rules for line in (rule.pattern, *(f"  {name}: {value}" for name, value in rule.headers))]
    return ("\n".join(lines) + "\n").encode()


def parse_headers(text: str) -> tuple[HeaderRule, ...]:
    """The rules of a file ``_headers``.

    Raises:
        BadInput: a line is neither a path nor a header below one.
    """
    rules: list[HeaderRule] = []
    for number, line in enumerate(text.splitlines(), 1):
        name, colon, value = line.strip().partition(":")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.startswith("/"):
            rules.append(HeaderRule(pattern=line.strip(), headers=()))
        elif line[:1].isspace() and colon and rules:
            before = rules.pop()
            rules.append(HeaderRule(pattern=before.pattern, headers=(*before.headers, (name, value.strip()))))
        else:
            raise BadInput(f"_headers:{number}: {line!r} is no path and no header", hint="build the site again")
    return tuple(rules)


def render_for_host(rules: Iterable[HeaderRule], host: str, folder: str = "") -> str:
    """The same headers for a web server's own configuration.

    Args:
        rules: the headers.
        host: one of `HOSTS`.
        folder: path under which the server shows the site, such as ``/archiv``; empty for its root.
    """
    found = list(rules)
    return _nginx(found, folder) if host == "nginx" else _apache(found, folder)


def _nginx(rules: list[HeaderRule], folder: str) -> str:
    """A map per header: an ``add_header`` in a location would drop those of the server around it."""
    lines = ["# Outside server { }:"]
    names = list(dict.fromkeys(name for rule in rules for name, _ in rule.headers))
    for name in names:
        lines.append(f"map $uri ${_variable(name)} {{")
        # nginx takes the first expression that fits, and the most particular rule stands last.
        for rule in reversed(rules):
            for header, value in rule.headers:
                if header == name:
                    lines.append(f'    "~{_expression(rule.pattern, folder)}" "{_quoted(value)}";')
        lines += ['    default "";', "}"]
    lines += ["", "# Inside server { }:"]
    lines += [f"add_header {name} ${_variable(name)} always;" for name in names]
    return "\n".join([*lines, "error_page 404 " + (f"{folder}/404.html;"), ""])


def _apache(rules: list[HeaderRule], folder: str) -> str:
    """Expressions on the address, which work in ``.htaccess`` too; needs mod_headers."""
    lines = [f"ErrorDocument 404 {folder}/404.html"]
    for rule in rules:
        lines.append(f'<If "%{{REQUEST_URI}} =~ m#{_expression(rule.pattern, folder)}#">')
        lines += [f'    Header always set {name} "{_quoted(value)}"' for name, value in rule.headers]
        lines.append("</If>")
    return "\n".join([*lines, ""])


def _variable(name: str) -> str:
    return "site_" + re.sub(r"\W", "_", name.lower())


def _expression(pattern: str, folder: str) -> str:
    steps = [re.escape(step) for step in f"{folder}{pattern}".split("*")]
    return "^" + ".*".join(steps) + ("" if pattern.endswith("*") else "$")


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
