"""``python -m streamhub``: the same as the command ``streamhub``."""

from streamhub.cli import main

main()
