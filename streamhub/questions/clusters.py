"""Topics of a session's questions: proposals of the machine that keep their ids and names, and what hosts made of them.

Owns the noun `Cluster` and the rules by which a new grouping becomes the clusters that hosts know already. What a host
placed stays where it was placed; what a host named or pinned is never dissolved. Refuses to know how questions are
compared (`streamhub.questions.grouping`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

MIN_SIZE = 2
MAX_NAME = 80
MIN_SHARE = 1 / 3
"""A group is the successor of a cluster when it has at least this share of either's questions."""

NEAREST = 3
JOIN_FLOOR = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Questions that ask for the same.

    Attributes:
        id: drawn once, never changed.
        session_id: whose questions they are.
        label: words that tell it from the others, found by the machine.
        name: given by a host; empty while the label does.
        central: id of the question that says it best; empty while nobody looked.
        pinned: whether it stays whatever the machine finds.
        members: ids of its questions.
        placed: those of them that a host put there.
    """

    id: str
    session_id: str
    label: str = ""
    name: str = ""
    central: str = ""
    pinned: bool = False
    members: frozenset[str] = frozenset()
    placed: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """What hosts read."""
        return self.name or self.label

    @property
    def kept(self) -> bool:
        """Whether it stays although no group of questions follows it any more."""
        return self.pinned or bool(self.name) or bool(self.placed)


def plan_clusters(
    old: Sequence[Cluster],
    groups: Iterable[frozenset[str]],
    *,
    alone: frozenset[str],
    draw: Callable[[], str],
    session_id: str,
) -> list[Cluster]:
    """What a new grouping makes of the clusters: ids and names go to the group that shares most questions.

    Args:
        old: the clusters as they are, with the members that still exist.
        groups: questions that belong together, as found now; no question in two of them.
        alone: questions that a host took out of all clusters.
        draw: draws an id.
        session_id: whose questions they are.

    Returns:
        The clusters, those kept first; a question is in one of them at most.
    """
    held = {member: one.id for one in old for member in (one.members if one.pinned else one.placed)}
    free = [frozenset(group - held.keys() - alone) for group in groups]
    successors = _match(old, free)
    clusters: list[Cluster] = []
    for one in old:
        own = one.members if one.pinned else one.placed
        members = own | (free[successors[one.id]] if one.id in successors else frozenset())
        if one.kept or len(members) >= MIN_SIZE:
            clusters.append(replace(one, members=members, placed=one.placed & members))
    taken = set(successors.values())
    for number, group in enumerate(free):
        if number not in taken and len(group) >= MIN_SIZE:
            clusters.append(Cluster(id=draw(), session_id=session_id, members=group))
    return clusters


def _match(old: Sequence[Cluster], groups: Sequence[frozenset[str]]) -> dict[str, int]:
    """Which group follows which cluster: the pairs that share most come first, each side in one pair at most."""
    shared: dict[tuple[int, int], int] = {}
    home = {member: number for number, group in enumerate(groups) for member in group}
    for place, one in enumerate(old):
        for member in one.members:
            if member in home:
                pair = (place, home[member])
                shared[pair] = shared.get(pair, 0) + 1
    found: dict[str, int] = {}
    taken: set[int] = set()
    for (place, number), count in sorted(shared.items(), key=lambda pair: (-pair[1], pair[0])):
        one = old[place]
        enough = count >= MIN_SHARE * min(len(one.members), len(groups[number]))
        if one.id not in found and number not in taken and enough:
            found[one.id] = number
            taken.add(number)
    return found


def plan_joining(likest: Iterable[tuple[str, float]], home: Mapping[str, str]) -> str:
    """Which cluster a new question joins; empty when it stays single.

    Args:
        likest: questions like it with how like they are.
        home: the cluster of each question that is in one.
    """
    near: dict[str, list[float]] = {}
    for question_id, score in likest:
        if question_id in home:
            near.setdefault(home[question_id], []).append(score)
    means = {
        cluster: sum(sorted(scores, reverse=True)[:NEAREST]) / min(NEAREST, len(scores))
        for cluster, scores in near.items()
    }
    best = max(means, key=lambda cluster: (means[cluster], cluster), default="")
    return best if best and means[best] >= JOIN_FLOOR else ""
