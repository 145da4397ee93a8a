"""The search spaces that come with the package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped_spaces"]


def shipped_spaces() -> dict[str, Path]:
    """The files by their names: those of the package, or of the repository that it lies in."""
    package = Path(__file__).resolve().parents[2]
    folders = (package / "_search_spaces", package.parent / "search_spaces")
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}
