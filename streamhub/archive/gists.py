"""The gists of an archive as they are looked at: few are in memory at once, however many there are.

What is held of each session all the time is its slip: where it belongs, and the ids and digests of its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import overload

from streamhub.archive.gist import AnswerGist, SessionGist


@dataclass(frozen=True, kw_only=True, slots=True)
class Slip:
    """What is held of a session: its place among the others, its folder, and its published answers with digests."""

    id: str
    where: str
    starts_at: datetime
    answers: tuple[str, ...]
    digests: tuple[str, ...]


def plan_slip(gist: SessionGist) -> Slip:
    """The slip of a session."""
    return Slip(
        id=gist.id,
        where=gist.where,
        starts_at=gist.ref.starts_at,
        answers=tuple(answer.id for answer in gist.answers),
        digests=tuple(answer.digest for answer in gist.answers),
    )


class Gists:
    """All sessions and answers, newest first.

    Args:
        slips: of the sessions, in any order.
        load: gives the gist of the session in that folder; asked again and again.
    """

    def __init__(self, slips: Iterable[Slip], load: Callable[[str], SessionGist]) -> None:
        self.slips = sorted(slips, key=lambda slip: (slip.starts_at, slip.id), reverse=True)
        self.load = load
        self.by_session = {slip.id: slip for slip in self.slips}
        self.by_answer = {answer: slip for slip in self.slips for answer in slip.answers}

    @property
    def sessions(self) -> Sequence[SessionGist]:
        """Of the sessions."""
        return _Sessions(self)

    @property
    def by_id(self) -> Mapping[str, SessionGist]:
        """Of the sessions, by id."""
        return _ById(self)

    @property
    def answers(self) -> Mapping[str, AnswerGist]:
        """Of the published answers, by id; within a session in the order in which they were given."""
        return _Answers(self)

    def digest_of(self, answer_id: str) -> str:
        """The digest of a published answer's reference."""
        slip = self.by_answer[answer_id]
        return slip.digests[slip.answers.index(answer_id)]


class _Sessions(Sequence[SessionGist]):
    def __init__(self, gists: Gists) -> None:
        self._gists = gists

    def __len__(self) -> int:
        return len(self._gists.slips)

    @overload
    def __getitem__(self, place: int) -> SessionGist: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SessionGist]: ...

    def __getitem__(self, place: int | slice) -> SessionGist | Sequence[SessionGist]:
        if isinstance(place, slice):
            return [self._gists.load(slip.where) for slip in self._gists.slips[place]]
        return self._gists.load(self._gists.slips[place].where)


class _ById(Mapping[str, SessionGist]):
    def __init__(self, gists: Gists) -> None:
        self._gists = gists

    def __getitem__(self, session_id: str) -> SessionGist:
        return self._gists.load(self._gists.by_session[session_id].where)

    def __iter__(self) -> Iterator[str]:
        return iter(self._gists.by_session)

    def __len__(self) -> int:
        return len(self._gists.by_session)


class _Answers(Mapping[str, AnswerGist]):
    def __init__(self, gists: Gists) -> None:
        self._gists = gists

    def __getitem__(self, answer_id: str) -> AnswerGist:
        slip = self._gists.by_answer[answer_id]
        return self._gists.load(slip.where).answers[slip.answers.index(answer_id)]

    def __contains__(self, answer_id: object) -> bool:
        return answer_id in self._gists.by_answer

    def __iter__(self) -> Iterator[str]:
        return iter(self._gists.by_answer)

    def __len__(self) -> int:
        return len(self._gists.by_answer)
