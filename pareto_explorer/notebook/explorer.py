"""The linked explorer for notebooks: what is selected in the picture comes back to Python."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.figures import LIGHT, FamilyStyle, family_styles, parallel_axes
from pareto_explorer.figures.shared.hover import plain, point_hover, seeds_line, told_knobs
from pareto_explorer.figures.shared.style import base_layout
from pareto_explorer.notebook.parts import (
    FAINT,
    axis_columns,
    axis_dimension,
    colour_steps,
    column_name,
    ranges,
    summary,
)
from pareto_explorer.results import Run, load_run
from pareto_explorer.schema.columns import metric_columns
from pareto_explorer.schema.metrics import BETTER

__all__ = ["Explorer", "explore"]

_LANDMARKS = {"original": ("x", "Original model"), "retrained": ("star", "Retrained model")}
_WIDTH = 960  # a figure widget would begin at 700 and jump at the first selection


def explore(run: Run | str | PathLike[str]) -> Explorer:
    """Shows a run as a linked widget in a notebook.

    Args:
        run: A loaded run, or the path of a run directory.

    Returns:
        The explorer; a cell that ends with it shows it.

    Raises:
        InputError: The packages for notebooks are not installed, or the run has no finite point.

    >>> explorer = explore("runs/digits")    # doctest: +SKIP
    >>> explorer                             # doctest: +SKIP
    >>> explorer.selected                    # doctest: +SKIP
    """
    return Explorer(run if isinstance(run, Run) else load_run(run))


class Explorer:
    """A scatter of any two columns and parallel coordinates over knobs and objectives, linked.

    How to use it:

    - Draw a box or a lasso in the scatter; a double click there takes it back.
    - Drag along an axis of the parallel coordinates to keep a range; a click on the axis takes it
      back. Several ranges on one axis are joined, ranges on several axes all have to hold.
    - Both filter each other: what passes everything keeps its colour in both pictures.
    - ``selected`` gives the models that pass, as they are at that moment.

    Args:
        run: A loaded run.

    Raises:
        InputError: As for ``explore``.
    """

    def __init__(self, run: Run) -> None:
        self._ipywidgets = _notebook_packages()
        self._run = run
        self._means = run.means()
        if self._means.empty:
            raise InputError("run: no trial has given a finite point yet, so there is no picture.")
        self._styles = family_styles(run.points)
        self._axes = parallel_axes(self._means, run.box)
        self._drawn: NDArray[np.bool_] | None = None
        self._families = [
            (style, np.flatnonzero((self._means["family"] == name).to_numpy()))
            for name, style in self._styles.items()
        ]
        there = set(run.landmarks["landmark"])
        self._kinds = [kind for kind in _LANDMARKS if kind in there]
        self._columns = axis_columns(self._means, run)
        self._figure = self._scatter()
        self._parallel = self._parallel_coordinates()
        self._summary = self._ipywidgets.HTML()
        self._choices = {letter: self._dropdown(letter, i) for i, letter in enumerate("xy")}
        self._widget = self._assembled()
        self._connect()
        self._refresh()

    @property
    def selected(self) -> pd.DataFrame:
        """The replicate means that pass every selection; all of them while there is none."""
        return self._means[self._mask()].reset_index(drop=True)

    @property
    def figure(self) -> Any:
        """The scatter, a Plotly ``FigureWidget``."""
        return self._figure

    @property
    def parallel(self) -> Any:
        """The parallel coordinates, a Plotly ``FigureWidget``."""
        return self._parallel

    @property
    def widget(self) -> Any:
        """The whole explorer, an ``ipywidgets.VBox``."""
        return self._widget

    def clear(self) -> None:
        """Takes every selection back, in both pictures."""
        self._drawn = None
        self._figure.layout.selections = ()
        with self._parallel.batch_update():
            for dimension in self._parallel.data[0].dimensions:
                dimension.constraintrange = None
        self._refresh()

    def show_axes(self, x: str, y: str) -> None:
        """Puts two columns of the replicate means on the scatter's axes; selections stay.

        Raises:
            InputError: A column is not among the metrics, diagnostics, costs and numeric knobs.
        """
        for column in (x, y):
            if column not in self._columns:
                raise unknown("column", column, self._columns)
        self._choices["x"].value = x
        self._choices["y"].value = y

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self._widget._repr_mimebundle_(**options)

    def _mask(self) -> NDArray[np.bool_]:
        mask = np.ones(len(self._means), dtype=np.bool_)
        if self._drawn is not None:
            mask &= self._drawn
        heights = {axis.column: axis.values for axis in self._axes}
        for dimension in self._parallel.data[0].dimensions:
            kept = ranges(dimension.constraintrange)
            if kept:
                values = heights[dimension.name]
                inside = [(values >= low) & (values <= high) for low, high in kept]
                mask &= np.any(inside, axis=0)
        return mask

    def _refresh(self) -> None:
        mask = self._mask()
        everything = bool(mask.all())
        with self._figure.batch_update():
            for trace, (_, members) in zip(self._figure.data, self._families, strict=False):
                trace.selectedpoints = None if everything else np.flatnonzero(mask[members])
        colours = np.zeros(len(mask))
        for index, (_, members) in enumerate(self._families, start=1):
            colours[members] = index
        self._parallel.data[0].line.color = np.where(mask, colours, 0.0)
        self._summary.value = summary(self._means, mask, self._run)

    def _on_selection(self, trace: Any, points: Any, _selector: Any) -> None:
        """Called for each family in turn after a box or a lasso; the last call closes the round."""
        index = next(i for i, other in enumerate(self._figure.data) if other is trace)
        if index == 0 or self._drawn is None:
            self._drawn = np.zeros(len(self._means), dtype=np.bool_)
        self._drawn[self._families[index][1][list(points.point_inds)]] = True
        if index == len(self._families) - 1:
            if not self._drawn.any():  # a box around nothing
                self._drawn = None
            self._refresh()

    def _on_deselect(self, trace: Any, _points: Any) -> None:
        if trace is self._figure.data[0]:
            self._drawn = None
            self._refresh()

    def _on_axis(self, _change: Any) -> None:
        x, y = self._choices["x"].value, self._choices["y"].value
        with self._figure.batch_update():
            self._figure.layout.selections = ()  # drawn in the former axes' units
            for trace, (_, members) in zip(self._figure.data, self._families, strict=False):
                trace.x = self._means[x].to_numpy(dtype=float, na_value=np.nan)[members]
                trace.y = self._means[y].to_numpy(dtype=float, na_value=np.nan)[members]
            clouds = self._figure.data[len(self._families) :]
            for trace, kind in zip(clouds, self._kinds, strict=True):
                trace.x, trace.y = self._landmark(kind, x), self._landmark(kind, y)
            self._figure.layout.xaxis.title.text = self._title(x)
            self._figure.layout.yaxis.title.text = self._title(y)

    def _connect(self) -> None:
        for trace in self._figure.data[: len(self._families)]:
            trace.on_selection(self._on_selection)
            trace.on_deselect(self._on_deselect)
        self._parallel.data[0].on_change(lambda *_: self._refresh(), "dimensions")
        for choice in self._choices.values():
            choice.observe(self._on_axis, names="value")

    def _scatter(self) -> Any:
        import plotly.graph_objects as go  # needs the packages checked above

        x, y, *_ = self._run.box.metrics
        metrics = list(dict.fromkeys([*self._run.box.metrics, *metric_columns(self._run.points)]))
        seeds = seeds_line(self._run.points)
        knobs = told_knobs(self._means)
        hover = [point_hover(row, metrics, seeds, knobs) for row in self._means.to_dict("records")]
        traces = [
            self._family_trace(name, style, members, hover, x, y)
            for name, (style, members) in zip(self._styles, self._families, strict=True)
        ]
        for kind in self._kinds:
            symbol, title = _LANDMARKS[kind]
            traces.append(
                go.Scatter(
                    x=self._landmark(kind, x),
                    y=self._landmark(kind, y),
                    mode="markers",
                    name=title,
                    marker={"symbol": symbol, "size": 11, "color": LIGHT.text},
                    unselected={"marker": {"opacity": 0.9}},
                )
            )
        layout = base_layout(LIGHT) | {"height": 460, "dragmode": "select", "hovermode": "closest"}
        for letter, column in (("x", x), ("y", y)):
            layout[f"{letter}axis"] |= {"title": {"text": self._title(column)}}
        return _figure(traces, layout)

    def _family_trace(
        self,
        name: str,
        style: FamilyStyle,
        members: NDArray[np.intp],
        hover: Sequence[str],
        x: str,
        y: str,
    ) -> Any:
        import plotly.graph_objects as go

        front = self._means["on_family_front"].to_numpy(dtype=bool)[members]
        draw = go.Scattergl if len(self._means) > 5000 else go.Scatter
        return draw(
            x=self._means[x].to_numpy(dtype=float)[members],
            y=self._means[y].to_numpy(dtype=float)[members],
            mode="markers",
            name=plain(name),
            marker={
                "symbol": style.symbol,
                "color": style.colour(LIGHT),
                "size": np.where(front, 10, 7),
                "opacity": 0.85,
            },
            selected={"marker": {"opacity": 1.0}},
            unselected={"marker": {"opacity": 0.1}},
            hovertext=[hover[i] for i in members],
            hoverinfo="text",
        )

    def _parallel_coordinates(self) -> Any:
        import plotly.graph_objects as go

        trace = go.Parcoords(
            dimensions=[axis_dimension(axis) for axis in self._axes],
            line={
                "cmin": 0,
                "cmax": len(self._families),
                "colorscale": colour_steps([style for style, _ in self._families]),
                "color": np.zeros(len(self._means)),
            },
            unselected={"line": {"color": FAINT, "opacity": 0.3}},
            labelangle=-20 if len(self._axes) > 8 else 0,
        )
        margin = {"l": 72, "r": 48, "t": 72 if len(self._axes) > 8 else 48, "b": 24}
        layout = base_layout(LIGHT) | {"height": 340, "margin": margin}
        return _figure([trace], layout)

    def _dropdown(self, letter: str, objective: int) -> Any:
        return self._ipywidgets.Dropdown(
            options=[(column_name(column), column) for column in self._columns],
            value=self._run.box.metrics[objective],
            description=f"{letter} axis",
        )

    def _assembled(self) -> Any:
        clear = self._ipywidgets.Button(description="Clear selection")
        clear.on_click(lambda _button: self.clear())
        controls = self._ipywidgets.HBox([*self._choices.values(), clear])
        parts = [controls, self._figure, self._summary, self._parallel]
        return self._ipywidgets.VBox(parts)

    def _landmark(self, kind: str, column: str) -> NDArray[np.float64]:
        rows = self._run.landmarks[self._run.landmarks["landmark"] == kind]
        if column not in metric_columns(rows):
            return np.full(len(rows), np.nan)
        return rows[column].to_numpy(dtype=float)

    def _title(self, column: str) -> str:
        better = {o.metric: f", {BETTER[o.direction]}" for o in self._run.box.objectives}
        return plain(column_name(column)) + better.get(column, "")


def _notebook_packages() -> Any:
    """The module ``ipywidgets``; Plotly's figure widgets need ``anywidget`` beside it."""
    try:
        importlib.import_module("anywidget")
        return importlib.import_module("ipywidgets")
    except ImportError as error:
        raise InputError(
            f"explore: the package {error.name!r} is not installed; "
            "run pip install 'pareto-explorer[notebook]'."
        ) from error


def _figure(traces: Sequence[Any], layout: dict[str, Any]) -> Any:
    import plotly.graph_objects as go

    return go.FigureWidget(data=traces, layout=layout | {"width": _WIDTH})
