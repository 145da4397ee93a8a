"""A terminal for commands that run in this process."""

from __future__ import annotations

import re

import pytest
from rich.console import Console


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Takes standard output for a terminal of so many columns."""
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.setattr(Console, "is_dumb_terminal", False)
    monkeypatch.setenv("COLUMNS", str(columns))


def widest(output: str) -> int:
    """The columns of the longest line, without what sets colours."""
    return max(len(re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", line)) for line in output.splitlines())
