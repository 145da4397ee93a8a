"""Searches that Ray neither saves nor restores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["Unsaved"]


class Unsaved:
    """A search without a state of its own: a sweep resumes from its points table."""

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles searches to restore them."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Saves nothing either."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Restores nothing."""
