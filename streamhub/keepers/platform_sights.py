"""The hub's side of the roles around live platforms: what the pages show of them, and what hosts ask of them.

Owns the way from the rows and the keepers' memory to the records of `streamhub.web.platform_views`. Asks no platform
for what is only looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from streamhub.errors import WrongState
from streamhub.keepers.cases import Case, load_case
from streamhub.keepers.reconciler import Following, Reconciler
from streamhub.live.ingest import RelayPhase, RelayState
from streamhub.live.platform import Ingest, Phase, Signal
from streamhub.live.problem import Problem, ProblemCode
from streamhub.live.quota import Priority
from streamhub.live.rules import FOLLOWED
from streamhub.platforms import Remote
from streamhub.questions.refusal import Refusal
from streamhub.schedule.show import Privacy, SessionState
from streamhub.store.spending import list_spending
from streamhub.store.store import Store
from streamhub.timecode import Now
from streamhub.web import platform_views as views

_RELAY_PATIENCE_S = 10.0
_RELAY_VIEWS: Mapping[RelayPhase, views.RelayState] = {
    RelayPhase.OFF: views.RelayState.OFF,
    RelayPhase.WAITING: views.RelayState.OFF,
    RelayPhase.CONNECTING: views.RelayState.CONNECTING,
    RelayPhase.SENDING: views.RelayState.SENDING,
    RelayPhase.FAILING: views.RelayState.FAILING,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class HubPlatforms:
    """Live platforms beside the hub, for the pages.

    Attributes:
        store: the hub's data.
        reconciler: makes them follow.
        remotes: by the name that shows carry.
        relay_state: how the relaying of a session is doing.
        now: the clock.
    """

    store: Store
    reconciler: Reconciler
    remotes: Mapping[str, Remote]
    relay_state: Callable[[str], RelayState]
    now: Now

    def offered(self) -> Sequence[views.Offer]:
        """The platforms that a show may choose."""
        return [views.Offer(slug=slug, name=remote.platform.name) for slug, remote in self.remotes.items()]

    async def view(self, session_id: str) -> views.PlatformView | None:
        """A session on its show's platform; None when the hub alone shows it, and for a draft."""
        following = await self.reconciler.view(session_id)
        if following is None:
            return None
        case = await self._case(session_id)
        if case.session.state is SessionState.DRAFT:
            return None
        row = following.row
        there = row is not None and bool(row.ref)
        relay = None if case.show.direct else self.relay_state(session_id)
        return views.PlatformView(
            name=following.name,
            phase=row.phase if row is not None and (there or row.phase is Phase.LOST) else None,
            native_state=row.native_state if row else "",
            watch_url=row.watch_url if row else "",
            part=row.part if row else 1,
            direct=case.show.direct,
            signal=following.signal,
            relay=_view_relay(relay) if relay else None,
            seen_at=following.looked_at,
            problem=following.problem or self._relay_problem(following, relay),
        )

    async def public(self, session_id: str) -> views.WatchPlace | None:
        """Where the public may watch it."""
        case = await self._case(session_id)
        remote, row = self.remotes.get(case.show.platform), case.row
        if remote is None or row is None or case.show.privacy is Privacy.PRIVATE or row.phase is Phase.LOST:
            return None
        return views.WatchPlace(name=remote.platform.name, url=row.watch_url) if row.watch_url else None

    async def accounts(self) -> Sequence[views.AccountView]:
        """Whom the hub is signed in as."""
        return [await self._account(slug, remote) for slug, remote in self.remotes.items()]

    def wake(self, session_id: str) -> None:
        """A session changed."""
        self.reconciler.wake(session_id)

    async def retry(self, session_id: str) -> None:
        """Try again now what failed.

        Raises:
            Conflict: the session is on no platform.
        """
        await self._require(session_id)
        self.reconciler.wake(session_id)

    async def remake(self, session_id: str) -> None:
        """Make a broadcast again that is gone or over there.

        Raises:
            Conflict: the session is on no platform or over, or its broadcast can be used.
        """
        case = await self._require(session_id)
        if case.session.state not in FOLLOWED:
            message = f"session {session_id}: is {case.session.state}"
            raise WrongState(message, hint="nothing is to be shown any more", code=Refusal.NOT_SHOWN)
        if case.row is None or case.row.phase not in {Phase.LOST, Phase.ENDED}:
            message = f"session {session_id}: its broadcast is there"
            raise WrongState(message, hint="use that one", code=Refusal.BROADCAST_THERE)
        await self.reconciler.remake(session_id)

    async def ingest(self, session_id: str) -> Ingest:
        """Where the encoder of a direct show pushes to.

        Raises:
            Conflict: the show is not direct, or there is no such place yet.
        """
        case = await self._require(session_id)
        if not case.show.direct:
            message = f"session {session_id}: its encoder pushes to the hub"
            raise WrongState(message, hint="use the hub's address", code=Refusal.PUSHES_HERE)
        return await self.remotes[case.show.platform].platform.ingest(session_id)

    async def direct_signal(self, session_id: str) -> Signal | None:
        """What a platform receives of a session that is streamed straight to it; None for others."""
        case = await self._case(session_id)
        if not case.show.direct or case.show.platform not in self.remotes:
            return None
        following = await self.reconciler.view(session_id)
        return following.signal if following and following.signal else Signal(receiving=False, quality="unknown")

    async def _case(self, session_id: str) -> Case:
        return await self.store.read(lambda db: load_case(db, session_id))

    async def _require(self, session_id: str) -> Case:
        case = await self._case(session_id)
        if case.show.platform not in self.remotes:
            message = f"session {session_id}: the hub alone shows it"
            raise WrongState(message, hint="choose a platform for the show", code=Refusal.SHOWN_HERE)
        return case

    def _relay_problem(self, following: Following, relay: RelayState | None) -> Problem | None:
        if relay is None or relay.phase is not RelayPhase.FAILING or relay.since is None:
            return None
        if (self.now() - relay.since).total_seconds() < _RELAY_PATIENCE_S:
            return None
        return Problem(code=ProblemCode.RELAY_DOWN, details={"platform": following.name, "command": following.platform})

    async def _account(self, slug: str, remote: Remote) -> views.AccountView:
        at = self.now()
        day = remote.budget.day(at)
        rows = await self.store.read(lambda db: list_spending(db, slug, day=day))
        signed_in = remote.account()
        problems = list(self.reconciler.problems(slug))
        if signed_in is None and not problems:
            details = {"platform": remote.platform.name, "command": slug}
            problems.append(Problem(code=ProblemCode.NOT_CONNECTED, details=details))
        quota = views.QuotaView(
            spent=sum(int(row["units"]) for row in rows),
            units=remote.budget.units,
            reserved=remote.budget.reserve * (Priority.CHAT - 1),
            resets_at=remote.budget.next_day_at(at),
            lines=tuple(views.QuotaLine(**row) for row in rows),
        )
        return views.AccountView(
            platform=slug,
            name=remote.platform.name,
            account=signed_in.name if signed_in else "",
            signed_in_at=signed_in.at if signed_in else None,
            scopes=signed_in.scopes if signed_in else (),
            quota=quota,
            problems=tuple(problems),
        )


def _view_relay(state: RelayState) -> views.RelayView:
    return views.RelayView(state=_RELAY_VIEWS[state.phase], since=state.since, restarts=state.restarts)
