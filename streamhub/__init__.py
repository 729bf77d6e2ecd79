"""streamhub: live expert round tables become a searchable archive of answered questions."""

import os
from importlib.metadata import PackageNotFoundError, version

# Before numpy is loaded: the small products that comparing questions needs get ten times slower when several threads
# share them on cores that are busy anyway.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    __version__ = version("streamhub")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
