"""Build hook: bring the browser's stemmers from their package.

The search page stems words with Snowball's JavaScript stemmers. They are third-party code (BSD) and so not in this
repository: the hook copies them from the Sphinx package, which is pinned in ``build-system.requires``, into the theme.
"""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = ("base-stemmer.js", "german-stemmer.js", "english-stemmer.js")


class BrowserLibraries(BuildHookInterface):  # type: ignore[misc]
    """Copies the stemmers into ``site/static/vendor/`` before the theme is packed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        spec = importlib.util.find_spec("sphinx")
        if spec is None or spec.origin is None:
            raise RuntimeError("the build needs the package sphinx, which pyproject.toml names under build-system")
        source = Path(spec.origin).parent / "search" / "minified-js"
        target = Path(self.root) / "site" / "static" / "vendor"
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(source / name, target / name)
        (target / "LICENSE.txt").write_text(
            "The stemmers in this folder come from Snowball (https://snowballstem.org), BSD 3-clause license,\n"
            "Copyright (c) 2001, Dr Martin Porter; Copyright (c) 2004, 2005, Richard Boulton.\n"
        )
