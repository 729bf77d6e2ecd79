"""A solver's process that reads and never says anything."""

from __future__ import annotations

import sys
import time

if __name__ == "__main__":
    for _ in sys.stdin:
        time.sleep(600)
