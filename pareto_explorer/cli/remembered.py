"""Facts about this package that take long to collect, remembered in the user's cache folder.

They hold for the very files that they were collected from: any other size or time of one, another
version of what the files build on, and they are collected anew. So are they where the file cannot
be read; where it cannot be written, nothing is remembered.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from pareto_explorer import __version__
from pareto_explorer.sweeps.spec.shipped import shipped_spaces

__all__ = ["foundations", "recall", "remember"]

_OURS = Path(__file__).parents[1]
_PACKAGES = ("torch", "torchjd", "torchvision")
"""Others that tell some of the facts, such as defaults."""


def foundations() -> str:
    """What the facts depend on, as it is now, in a few letters."""
    code, spaces = sorted(_OURS.rglob("*.py")), shipped_spaces().values()
    files = [(str(file), file.stat()) for file in [*code, *spaces]]
    seen = [(name, about.st_size, about.st_mtime_ns) for name, about in files]
    versions = [__version__, sys.version, *map(_version, _PACKAGES)]
    return _hash([seen, versions])


def recall(of: str) -> dict[str, Any]:
    """The facts that are remembered of these foundations; empty where there are none."""
    try:
        content = json.loads(_place().read_text(encoding="utf-8"))
        if content["seal"] == _hash([of, content["facts"]]):
            return dict(content["facts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return {}


def remember(facts: dict[str, Any], of: str) -> None:
    """Remembers facts, in place of those before.

    Args:
        facts: Plain data by name.
        of: The foundations, as they were before the facts were collected.
    """
    place = _place()
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_name(f".{place.name}.{os.getpid()}")
        temporary.write_text(
            json.dumps({"seal": _hash([of, facts]), "facts": facts}), encoding="utf-8"
        )
        temporary.replace(place)


def _place() -> Path:
    return user_cache_path("pareto-explorer") / "catalogue.json"


def _hash(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
