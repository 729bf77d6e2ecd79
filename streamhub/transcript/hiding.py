"""The noun of hiding: what was heard, without the names that must not be shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NewType

from streamhub.schedule.masks import Masker
from streamhub.schedule.public import PublicSession
from streamhub.transcript.live_words import LiveCaptions
from streamhub.transcript.transcript import Cue

PublicCaptions = NewType("PublicCaptions", LiveCaptions)
"""What was heard of a session that runs, as everybody may read it."""


def hide_in_captions(session: PublicSession, heard: LiveCaptions) -> PublicCaptions:
    """What was heard so far of a session that runs, as everybody may read it.

    Nothing while somebody in it does not agree to be read, for nobody knows yet whose words they are.
    """
    if not session.readable:
        return PublicCaptions(LiveCaptions())
    now = hide_in_cues((heard.now,), session.masker)[0] if heard.now is not None else None
    return PublicCaptions(replace(heard, cues=hide_in_cues(heard.cues, session.masker), now=now))


def hide_in_cues(cues: Iterable[Cue], masker: Masker) -> tuple[Cue, ...]:
    """Captions without these names; the times of a sentence's words go with the name that stood among them."""
    if not masker:
        return tuple(cues)
    hidden = []
    for cue in cues:
        text = masker.text(cue.text)
        words = cue.words if text == cue.text else ()
        hidden.append(replace(cue, text=text, speaker=masker.name(cue.speaker), words=words))
    return tuple(hidden)
