"""The role of a sentence encoder: texts become vectors that are near each other when the texts mean the same.

A hub runs without one. Refuses to know which model it is and where it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Encoder(Protocol):
    """Something that turns sentences into vectors of length 1."""

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it was made for; texts in others are compared without it."""

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One row per text. Takes milliseconds for each; several threads may ask."""
