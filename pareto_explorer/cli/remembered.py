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

__all__ = ["recall", "remember"]

_PACKAGE = Path(__file__).parents[1]
_FOUNDATIONS = ("torch", "torchjd", "torchvision")
"""Packages that tell some of the facts, such as defaults."""


def recall() -> dict[str, Any]:
    """What is remembered of the files as they are; empty where nothing is."""
    try:
        content = json.loads(_place().read_text(encoding="utf-8"))
        if content["seal"] == _seal(content["facts"]):
            return dict(content["facts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return {}


def remember(facts: dict[str, Any]) -> None:
    """Remembers facts, plain data by name, in place of those before."""
    place = _place()
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_name(f".{place.name}.{os.getpid()}")
        temporary.write_text(json.dumps({"seal": _seal(facts), "facts": facts}), encoding="utf-8")
        temporary.replace(place)


def _place() -> Path:
    return user_cache_path("pareto-explorer") / "catalogue.json"


def _seal(facts: Any) -> str:
    """A hash of facts and of everything that they depend on."""
    files = [(str(file), file.stat()) for file in sorted(_PACKAGE.rglob("*.py"))]
    seen = [(name, about.st_size, about.st_mtime_ns) for name, about in files]
    versions = [__version__, sys.version, *map(_version, _FOUNDATIONS)]
    return hashlib.sha256(json.dumps([facts, seen, versions]).encode()).hexdigest()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
