"""What of a session may be shown: what an answer says where some of those who speak are not known."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session

from streamhub.archive.masking import mask_archived
from streamhub.archive.public import show_session


@pytest.mark.parametrize("unknown", ["", "Anna Weber"])
def test_what_somebody_says_whom_nobody_knows_belongs_to_the_answer(unknown: str) -> None:
    """Of an answer whose expert is only half known nothing is lost; what others are known to say stays out."""
    session = make_session()
    answer = session.answers[0]
    inside = [cue for cue in session.transcripts[0].cues if answer.ranges[0].overlap_ms(cue.span)]
    assert len(inside) >= 2
    names = {inside[0].id: answer.answerers[0], inside[-1].id: unknown}
    cues = tuple(replace(cue, speaker=names.get(cue.id, "Somebody else")) for cue in session.transcripts[0].cues)
    found = show_session(mask_archived(replace(session, transcripts=(replace(session.transcripts[0], cues=cues),))))
    assert found is not None
    text = next(one.text for one in found.answers if one.answer.id == answer.id)
    assert inside[0].text in text
    assert inside[-1].text in text
    assert all(cue.text not in text for cue in inside[1:-1])
