"""The lists that embeds show: which there are, and what each is made from.

Owns which answers stand in a list and when its pages are to be made again. Refuses to know how they look
(`streamhub.archive.embedding`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from streamhub.archive.embedding import Embedder
from streamhub.archive.embeds import ListedAnswer, ListPage, ListView, plan_pages
from streamhub.archive.gist import AnswerGist
from streamhub.archive.library import Library
from streamhub.archive.listing import KINDS
from streamhub.archive.pages import Printer
from streamhub.archive.plan import Content, Part, Present, digest_of
from streamhub.archive.public import key_of
from streamhub.archive.viewing import name_labels, name_person


class EmbedLists:
    """Plans the lists of one site."""

    def __init__(self, library: Library, printer: Printer, embedder: Embedder) -> None:
        self._library = library
        self._printer = printer
        self._embedder = embedder
        self._digests: dict[str, str] = {}

    def plan_lists(self) -> Iterator[Part]:
        """All answers, and those of each topic, product and person."""
        frame = self._printer.frame
        yield from self._list("", frame.title, frame.language, list(self._library.answers))
        for kind in KINDS:
            for label in getattr(self._library, kind).values():
                if label.answers:
                    yield from self._list(label.url, label.title, label.language, label.answers)

    def digest_of_answer(self, answer_id: str) -> str:
        """Digest of what lists say of an answer, with the addresses of its people, topics and products."""
        if answer_id not in self._digests:
            library, answer = self._library, self._library.answers[answer_id]
            named = ((library.people, answer.ref.answerers), (library.topics, answer.topics))
            labels = (*named, (library.products, answer.products))
            urls = [there[key].url for there, titles in labels for title in titles if (key := key_of(title)) in there]
            self._digests[answer_id] = digest_of(answer.digest, answer.topics, answer.products, urls)
        return self._digests[answer_id]

    def _list(self, folder: str, title: str, language: str, ids: Sequence[str]) -> Iterator[Part]:
        """The pages of a list, and the page for a frame, which shows the newest."""
        about = ListView(folder=folder, title=title, language=language, total=len(ids))
        for page in plan_pages(ids):
            said = list(map(self.digest_of_answer, page.members))
            yield Part(
                name=f"list {folder}{page.name}",
                digest=digest_of(self._printer.digest, about if page.is_newest else (folder, title), page.older, said),
                make=partial(self._list_files, about, page),
            )

    def _list_files(self, about: ListView, page: ListPage, present: Present) -> Mapping[str, Content]:
        listed = [self._listed(self._library.answers[one]) for one in page.members]
        return self._embedder.list_files(about, page, listed)

    def _listed(self, answer: AnswerGist) -> ListedAnswer:
        library = self._library
        return ListedAnswer(
            ref=answer.ref,
            people=tuple(name_person(name, library) for name in answer.ref.answerers),
            topics=name_labels(answer.topics, library.topics),
            products=name_labels(answer.products, library.products),
        )
