"""Everything of YouTube in one piece: the sign-in, the calls, and the roles that are played with them.

Owns how the parts of this folder are put together, for a running hub and for the command line. Refuses to know what the
hub does with the roles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streamhub.config import YoutubeSettings
from streamhub.errors import BadInput
from streamhub.live.quota import Budget
from streamhub.live.youtube import connect, report
from streamhub.live.youtube.chat import YouTubeChat
from streamhub.live.youtube.client import Api
from streamhub.live.youtube.ledger import Ledger, make_budget
from streamhub.live.youtube.platform import Describe, YouTubePlatform
from streamhub.live.youtube.shelf import YouTubeShelf
from streamhub.live.youtube.token import FILE_NAME, KeptSignIn, TokenFile, TokenKeeper, TokenKeyring, WritePrivate
from streamhub.schedule.show import Session
from streamhub.store.store import Store
from streamhub.text import Random
from streamhub.timecode import Now

Say = Callable[[str], None]

_USUAL = Session(
    id="usual", show_id="usual", title="usual", starts_at=datetime(2027, 1, 1, tzinfo=UTC), planned_minutes=90
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The workspace, as far as YouTube needs to know it.

    Attributes:
        folder: the workspace.
        secret: its secret.
        write: how private files are written.
        settings: of this platform.
    """

    folder: Path
    secret: bytes
    write: WritePrivate
    settings: YoutubeSettings

    def keeper(self) -> TokenKeeper:
        """Where the sign-in is kept: the file or the keyring, as the settings say."""
        if self.settings.keep_token == "keyring":  # noqa: S105 - a place, no password
            return TokenKeyring(str(self.folder), self.secret)
        return TokenFile(self.folder / FILE_NAME, self.secret, self.write)

    def client_file(self) -> Path:
        """The OAuth client that the settings name.

        Raises:
            BadInput: they name none.
        """
        if not self.settings.client_file:
            raise BadInput(
                "youtube.client_file: is empty, so YouTube is off",
                hint="make an OAuth client of the type 'Desktop app' in the Google Cloud console, download its JSON "
                "next to streamhub.toml, and name it there",
            )
        return self.folder / self.settings.client_file


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """The channel that the hub acts on.

    Attributes:
        name: its title.
        at: when somebody signed in, UTC.
        scopes: what that allows.
    """

    name: str
    at: datetime
    scopes: tuple[str, ...]


def short_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes as people know them: without their address."""
    return tuple(scope.rsplit("/", maxsplit=1)[-1] for scope in scopes)


class YouTubeKit:
    """The roles that YouTube plays in a running hub, over one account."""

    def __init__(self, place: Place, store: Store, *, describe: Describe, now: Now, random: Random) -> None:
        settings = place.settings
        self._sign_in = KeptSignIn(place.keeper())
        self._ledger = Ledger(store, make_budget(settings), now)
        self._api = Api(self._sign_in, self._ledger, url=settings.api_url, now=now)
        self.platform = YouTubePlatform(self._api, store, settings, describe=describe, now=now, random=random)
        self.chat = YouTubeChat(self._api)
        self.shelf = YouTubeShelf(self._api, store)

    @property
    def budget(self) -> Budget:
        """What a day may cost."""
        return self._ledger.budget

    @property
    def chat_costs(self) -> tuple[int, int]:
        """Units of a look at the chat, and of a line written there."""
        return self.budget.cost("liveChatMessages.list"), self.budget.cost("liveChatMessages.insert")

    @property
    def session_units(self) -> int:
        """What a session of usual length costs beside its chat."""
        return report.estimate_session(self.budget, _USUAL)

    def account(self) -> SignedIn | None:
        """The channel, and what the sign-in allows; None when nobody is signed in."""
        account = self._sign_in.account
        if account is None:
            return None
        return SignedIn(name=account.channel_title, at=account.granted_at, scopes=short_scopes(account.scopes))

    async def close(self) -> None:
        """End the calls."""
        await self._api.close()


class YouTubeFront:
    """YouTube from the command line."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def connect(self, store: Store, wish: Any, *, say: Say, now: Now) -> Sequence[str]:
        """Have a person sign in, keep it, and return what to tell; blocks until it is done.

        Raises:
            StreamhubError: whatever keeps it from being done, in one sentence.
        """
        place = self._place
        course = connect.Wish(
            client_file=place.client_file(), port=wish.port, open_browser=wish.open_browser, paste=wish.paste
        )
        permission = connect.authorise(course, say=say, now=now)
        account = await connect.accept(
            permission,
            place.keeper(),
            Ledger(store, make_budget(place.settings), now),
            api_url=place.settings.api_url,
            now=now,
            change_account=wish.change_account,
        )
        signed_in = report.describe_sign_in(place.keeper(), now)
        lines = (f"connected with the channel {account.channel_title}, kept in {signed_in.place}", signed_in.notice)
        return [line for line in lines if line]

    def disconnect(self) -> Sequence[str]:
        """Forget the sign-in here and take it back there; returns what to tell."""
        there_was_one, taken_back = report.disconnect(self._place.keeper())
        if not there_was_one:
            return ["nobody was signed in"]
        if taken_back:
            return ["signed out, here and at Google"]
        return ["signed out here; Google was not told, so take it back at https://myaccount.google.com/permissions"]

    def describe(self, now: Now) -> tuple[bool, str, str]:
        """Whether the sign-in can be used, what was seen, and what to do or to know; asks nobody."""
        signed_in = report.describe_sign_in(self._place.keeper(), now)
        if signed_in.problem:
            return False, signed_in.problem, signed_in.advice
        scopes = ", ".join(short_scopes(signed_in.scopes))
        seen = f"{signed_in.account}, signed in {signed_in.age_days} days ago, may {scopes}; kept in {signed_in.place}"
        return True, seen, signed_in.notice

    async def read_day(
        self, store: Store, sessions: Sequence[Session], there: frozenset[str], *, now: Now
    ) -> tuple[Sequence[str], Mapping[str, Any]]:
        """What today cost and will cost, for people and for programs."""
        settings = self._place.settings
        ledger = Ledger(store, make_budget(settings), now)
        plan = await report.plan_today(ledger, sessions, now=now, chat=settings.chat, there=there)
        return report.say_day(plan), report.day_json(plan)

    def open(self, store: Store, *, describe: Describe, now: Now, random: Random) -> YouTubeKit:
        """YouTube for a running hub."""
        return YouTubeKit(self._place, store, describe=describe, now=now, random=random)
