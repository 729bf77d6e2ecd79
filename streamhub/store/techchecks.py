"""Tech checks as rows: the last thing that a person told the hosts about camera, microphone and line.

Owns the table ``tech_checks``. What was measured is never here; it never left the person's browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from streamhub.store.rows import fetch_all, upsert
from streamhub.timecode import format_instant, parse_instant


class Verdict(StrEnum):
    """What somebody tells the hosts."""

    FINE = "fine"
    HELP = "help"


@dataclass(frozen=True, kw_only=True, slots=True)
class TechCheck:
    """The last word of a person; ``at``: when, UTC."""

    person_id: str
    verdict: Verdict
    at: datetime


def save_check(db: Database, check: TechCheck) -> None:
    """Keep what a person told; it takes the place of what was told before."""
    row = {"person_id": check.person_id, "verdict": check.verdict.value, "at": format_instant(check.at)}
    upsert(db, "tech_checks", row, key=("person_id",))


def list_checks(db: Database) -> dict[str, TechCheck]:
    """What people told, by person."""
    return {
        row["person_id"]: TechCheck(
            person_id=row["person_id"], verdict=Verdict(row["verdict"]), at=parse_instant(row["at"])
        )
        for row in fetch_all(db, "select * from tech_checks")
    }
