"""streamhub: live expert round tables become a searchable archive of answered questions."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("streamhub")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
