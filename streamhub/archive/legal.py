"""Legal pages: imprint, privacy and the statement on accessibility, published only once their owner has filled them.

A page that needs something that nobody gave is left out and named, and never filled with a sample: what stands there
must be true. Whoever lays a text of his own into the theme (``legal/imprint.de.html``) answers for it himself. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streamhub.archive.theme import SHIPPED
from streamhub.config import LegalSettings
from streamhub.text import LANGUAGES

LEGAL_PAGES: Mapping[str, str] = {
    "imprint": "Imprint",
    "privacy": "Privacy",
    "accessibility": "Accessibility",
}
"""Folder of each page, to its title as catalogues know it."""
_NEEDED = {
    "imprint": ("company", "address", "email"),
    "privacy": ("company", "address", "email", "privacy_host", "privacy_authority"),
    "accessibility": ("company", "email", "accessibility_state", "accessibility_checked"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LegalPlan:
    """Which legal pages there are, and what the others lack: page to settings."""

    pages: tuple[str, ...]
    missing: Mapping[str, tuple[str, ...]]

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do about each page that is missing, a line each."""
        return tuple(
            f"{name}: not published; set {', '.join(f'legal.{one}' for one in lacking)}"
            for name, lacking in self.missing.items()
        )


def plan_legal(settings: LegalSettings, templates: Mapping[str, str]) -> LegalPlan:
    """Decide which legal pages can be published.

    Args:
        settings: what the owner said.
        templates: of the theme; a text of the owner's own stands for all settings of its page.
    """
    pages, missing = [], {}
    for name in LEGAL_PAGES:
        lacking = tuple(one for one in _needed(name, settings) if not getattr(settings, one).strip())
        if not lacking or _has_own_text(name, templates):
            pages.append(name)
        else:
            missing[name] = lacking
    return LegalPlan(pages=tuple(pages), missing=missing)


def _needed(name: str, settings: LegalSettings) -> tuple[str, ...]:
    gaps = ("accessibility_gaps",) if name == "accessibility" and settings.accessibility_state == "partial" else ()
    return (*_NEEDED[name], *gaps)


def _has_own_text(name: str, templates: Mapping[str, str]) -> bool:
    texts = [f"legal/{name}.{language}.html" for language in LANGUAGES]
    return all(templates.get(text) != templates.get(SHIPPED + text) for text in texts)
