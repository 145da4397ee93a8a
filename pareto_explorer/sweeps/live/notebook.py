"""How far a sweep is, below a cell of a notebook."""

from __future__ import annotations

import io
from time import perf_counter
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from pareto_explorer.sweeps.live.progress import PanelProgress, Progress
from pareto_explorer.terminal import visible

__all__ = ["NotebookProgress"]

WIDTH = 100

EVERY_SECONDS = 0.5
"""The panel is redrawn at most so often: each time, all of it travels to the browser."""

_PAGE = (
    '<pre style="line-height:1.3;white-space:pre-wrap;'
    "font-family:Menlo,'DejaVu Sans Mono',consolas,monospace\">{code}</pre>"
)


class NotebookProgress(PanelProgress):
    """One output of a cell, redrawn in place: the stages, and the panel below them."""

    def __init__(self) -> None:
        super().__init__()
        self._stages: list[str] = []
        self._panel: RenderableType = ""
        self._handle: Any = None
        self._shown_at = 0.0

    def __exit__(self, *exception: object) -> None:
        """Leaves the last state of the families, below it what comes after them."""
        if self.begun:
            Progress.refresh(self, 0)
            self._panel = Group(Text(self.summary()), self.families())
            self._show()

    def stage(self, text: str) -> None:
        """Adds the stage to those above the panel."""
        super().stage(text)
        self._stages.append(visible(text))
        self._show()

    def draw(self, panel: RenderableType) -> None:
        """Redraws the panel, unless it was redrawn just now."""
        self._panel = panel
        if perf_counter() - self._shown_at >= EVERY_SECONDS:
            self._show()

    def _show(self) -> None:
        from IPython.display import display

        self._shown_at = perf_counter()
        data = _rendered([*map(Text, self._stages), *([self._panel] if self._panel else [])])
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(data, raw=True)


def _rendered(parts: list[RenderableType]) -> dict[str, str]:
    """The parts below each other, for a browser and for what only shows text."""
    console = Console(
        file=io.StringIO(),
        record=True,
        width=WIDTH,
        force_terminal=True,
        force_jupyter=False,
        color_system="truecolor",
        legacy_windows=False,
    )
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))
    html = console.export_html(inline_styles=True, clear=False, code_format=_PAGE)
    return {"text/plain": console.export_text(), "text/html": html}
