"""Heads: what pages are called and where they lie, in both languages. Pure."""

from __future__ import annotations

from streamhub.archive.pages import Printer, load_phrases
from streamhub.archive.structured import Crumb
from streamhub.archive.views import Head
from streamhub.text import LANGUAGES


def phrase(text: str) -> str:
    """Marks a text as a phrase that the site's catalogues translate, where no template asks for it."""
    return text


class Heads:
    """Makes heads of pages that exist in both languages.

    Args:
        printer: knows the site's language and its phrases.
    """

    def __init__(self, printer: Printer) -> None:
        self._language = printer.frame.language
        self._phrases = {language: load_phrases(printer.theme, language) for language in LANGUAGES}

    def say(self, language: str, phrase: str) -> str:
        """A phrase in a language; the empty one stays empty."""
        return str(self._phrases[language].gettext(phrase)) if phrase else ""

    def root(self, language: str) -> str:
        """The folder of the start page in a language, relative to the root of the site."""
        return "" if language == self._language else f"{language}/"

    def make(self, folder: str, language: str, title: str, *, section: str = "", description: str = "") -> Head:
        """The head of a page that exists in both languages; its title and description are phrases."""
        other = next(one for one in LANGUAGES if one != language)
        return Head(
            path=f"{self.root(language)}{folder}index.html",
            twin=f"{self.root(other)}{folder}",
            language=language,
            title=self.say(language, title),
            description=self.say(language, description),
            section=section,
        )

    def above(self, section: str, language: str) -> Crumb:
        """Name and path of a list, in a language."""
        return self.say(language, section.capitalize()), f"{self.root(language)}{section}/"
