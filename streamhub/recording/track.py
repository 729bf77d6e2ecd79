"""Tracks that hold one voice each: which of them do, and who is heard when. Pure.

Owns what the levels of several tracks (or of the two channels of one) say. They are compared with each other, never
with a fixed threshold, because every microphone also hears the others from afar. A track that is as loud as whoever
speaks is a mix; where all are, nothing is known of who speaks. Refuses to know sound, files and names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamhub.timecode import Span

FRAME_MS = 100
QUIETEST_DB = -90

_AS_LOUD_DB = 8.0  # a mix plays a voice about as loud as its own track does
_OWN_DB = 10.0  # so near to its usual level, a track hears its own speaker
_APART_DB = 6.0
_LEAST_FRAMES = 10
_SILENT_DB = -25.0  # below everybody's usual level
_LOUD_RANGE_DB = 40.0
_MOST_APART_DB = 24.0
_RARELY = 3  # percent of the time: who speaks less is not known well enough to judge his microphone
_MOST_TOGETHER = 0.25
_MOST_DOUBT_DB = 12.0
_CHANGE_COST = 36.0
_CHANGE_COST_IN_PAUSE = 12.0

_AT_ONCE = 36_000  # frames: an hour

Levels = NDArray[np.float32]
"""Loudness in dB of full scale, a row for each track, a column for each `FRAME_MS`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackPlan:
    """What the tracks of a recording are.

    Attributes:
        voices: numbers, from 0, of the tracks that hold one voice each; empty: nothing tells who speaks.
        mixes: those that hold everybody.
    """

    voices: tuple[int, ...] = ()
    mixes: tuple[int, ...] = ()

    @property
    def needs_mix(self) -> bool:
        """Whether listeners hear everybody only when the tracks are mixed; players play the first track alone."""
        return bool(self.voices) and 0 not in self.mixes


@dataclass(frozen=True, slots=True)
class TrackTurn:
    """A voice speaks: the number of its track, from 0, and when, in media milliseconds."""

    track: int
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardTracks:
    """What was heard of the tracks of a file.

    Attributes:
        plan: which hold voices.
        titles: what the file calls its tracks; empty where it does not.
        turns: who is heard when, in order; what nobody is heard to say is in none.
    """

    plan: TrackPlan
    titles: tuple[str, ...]
    turns: tuple[TrackTurn, ...] = ()


def plan_tracks(levels: Levels) -> TrackPlan:
    """Which tracks hold one voice each.

    None do where they are alike (the two channels of a room), or are loud at the same time (a translation beside the
    original).
    """
    if len(levels) < 2 or not levels.size:
        return TrackPlan()
    usual = np.percentile(levels, 95, axis=1)
    mixes = _find_mixes(levels, usual)
    voices = tuple(track for track in range(len(levels)) if track not in mixes and usual[track] > QUIETEST_DB)
    if len(voices) + bool(mixes) < 2 or not voices:
        return TrackPlan(mixes=mixes)
    if len(voices) > 1:
        ranked = np.sort(_even(levels[list(voices)]), axis=0)
        spoken = ranked[-1] >= _SILENT_DB
        together = spoken & (ranked[-2] >= ranked[-1] - _APART_DB)
        if together.sum() > _MOST_TOGETHER * max(1, spoken.sum()):
            return TrackPlan(mixes=mixes)
    return TrackPlan(voices=voices, mixes=mixes)


def _find_mixes(levels: Levels, usual: NDArray[np.float32]) -> tuple[int, ...]:
    """The tracks that are as loud as the most others; two that are alike are both a mix."""
    supports = [_support(levels, usual, track) for track in range(len(levels))]
    most = max(supports)
    return tuple(track for track, support in enumerate(supports) if most and support == most)


def _support(levels: Levels, usual: NDArray[np.float32], track: int) -> int:
    """How many others a track is as loud as whenever they hear their own speaker; 0 if it is not so of any one."""
    support = 0
    for other in range(len(levels)):
        if other == track or usual[other] <= QUIETEST_DB:
            continue
        own = levels[other] >= usual[other] - _OWN_DB
        for one in range(len(levels)):
            if one not in {track, other}:
                own &= levels[other] >= levels[one] + _APART_DB
        if own.sum() < _LEAST_FRAMES:
            continue
        low, middle = np.percentile(levels[track][own] - levels[other][own], [15, 50])
        if low < -_AS_LOUD_DB or abs(middle) > _AS_LOUD_DB:
            return 0
        support += 1
    return support


def _even(levels: Levels) -> Levels:
    """The levels as if all microphones were set alike; 0 dB is about as loud as people speak.

    Of two tracks, the difference of their levels lies between what it is while the one's speaker speaks and what it is
    while the other's does; the middle of both is how differently they are set.
    """
    loud = levels[:, levels.max(axis=0) >= levels.max() - _LOUD_RANGE_DB]
    gains = np.zeros(len(levels), np.float32)
    for track, row in enumerate(loud):
        apart = np.clip(row - loud, -_MOST_APART_DB, _MOST_APART_DB)
        low, high = np.percentile(apart, [_RARELY, 100 - _RARELY], axis=1)
        gains[track] = ((low + high) / 2).mean()
    even: Levels = levels - gains[:, None]
    even -= np.float32(np.percentile(even.max(axis=0), 95))
    return even


def find_turns(levels: Levels, plan: TrackPlan) -> tuple[TrackTurn, ...]:
    """Who is heard when, without flutter: a change has to be worth it, and is cheaper while nobody speaks."""
    if not plan.voices or not levels.size:
        return ()
    heard = _even(levels[list(plan.voices)])
    if plan.mixes:  # whoever is in the mix and in no track of his own
        mix = levels[list(plan.mixes)].max(axis=0)
        heard = np.vstack([heard, mix - np.percentile(mix, 95) - _AS_LOUD_DB])
    best = heard.max(axis=0)
    silent = best < _SILENT_DB
    worth = np.clip(heard - best, -_MOST_DOUBT_DB, 0)
    worth[:, silent] = 0
    costs = np.where(silent, _CHANGE_COST_IN_PAUSE, _CHANGE_COST)
    return _turns_of(_best_path(worth, costs), silent.tolist(), plan.voices)


def _best_path(worth: Levels, costs: NDArray[np.float64]) -> bytes:
    """The voice of each frame such that what they are worth, less what the changes cost, is the most."""
    count = len(worth)
    came = bytearray()  # a byte for each voice and frame: a recording may last for a day
    scores = [float(value) for value in worth[:, 0]]
    for begin in range(1, worth.shape[1], _AT_ONCE):
        block = slice(begin, begin + _AT_ONCE)
        for values, cost in zip(worth[:, block].T.tolist(), costs[block].tolist(), strict=True):
            top = max(range(count), key=scores.__getitem__)
            floor = scores[top] - cost
            came += bytes(voice if score >= floor else top for voice, score in enumerate(scores))
            scores = [max(score, floor) + value for score, value in zip(scores, values, strict=True)]
    voice = max(range(count), key=scores.__getitem__)
    path = bytearray([voice])
    for at in range(len(came) - count, -1, -count):
        voice = came[at + voice]
        path.append(voice)
    return bytes(reversed(path))


def _turns_of(path: Sequence[int], silent: Sequence[bool], voices: Sequence[int]) -> tuple[TrackTurn, ...]:
    """Runs of one voice, from its first sound to its last."""
    turns: list[TrackTurn] = []
    begin = 0
    for end in range(1, len(path) + 1):
        if end < len(path) and path[end] == path[begin]:
            continue
        sounding = [frame for frame in range(begin, end) if not silent[frame]]
        if sounding and path[begin] < len(voices):
            span = Span(sounding[0] * FRAME_MS, (sounding[-1] + 1) * FRAME_MS)
            turns.append(TrackTurn(voices[path[begin]], span))
        begin = end
    return tuple(turns)
