"""The linked explorer for notebooks: what is selected in the picture comes back to Python."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.figures import family_styles, parallel_axes
from pareto_explorer.notebook.parts import (
    CORNERS,
    axis_columns,
    column_name,
    inside,
    ranges,
    summary,
)
from pareto_explorer.notebook.pictures import (
    Family,
    axis_title,
    landmark_kinds,
    landmark_values,
    parallel,
    scatter,
)
from pareto_explorer.results import Run, load_run
from pareto_explorer.schema.checkpoint_ids import checkpoint_id
from pareto_explorer.schema.columns import checkpoint_of, checkpoints_of

__all__ = ["Explorer", "explore"]


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
    - ``selected`` gives the models that pass, as they are at that moment, and ``ids`` their ids.
    - Set ``selected`` to ids, or to rows such as those of ``run.front()``, and the pictures show
      these.
    - Set ``run`` to the run as it is now, while its sweep goes on; what is selected stays so.

    Args:
        run: A loaded run.

    Raises:
        InputError: As for ``explore``.
    """

    def __init__(self, run: Run) -> None:
        self._ipywidgets = _notebook_packages()
        self._drawn: NDArray[np.bool_] | None = None
        self._seen: list[dict[str, Any]] = []
        self._summary = self._ipywidgets.HTML()
        self._widget = self._ipywidgets.VBox()
        self._show(run, run.box.metrics[0], run.box.metrics[1])

    @property
    def run(self) -> Run:
        """What is shown; set it to the same run as it is now."""
        return self._run

    @run.setter
    def run(self, run: Run) -> None:
        kept = None if self._mask().all() else set(checkpoints_of(self.selected))
        x, y = (choice.value for choice in self._choices.values())
        self._show(run, x, y)
        if kept is not None:
            self._select(kept)

    @property
    def selected(self) -> pd.DataFrame:
        """The replicate means that pass every selection; all of them while there is none.

        Set it to ids, see `Run.points_of`, or to a table with trials and steps, to select these;
        to None to take every selection back.
        """
        return self._means[self._mask()].reset_index(drop=True)

    @selected.setter
    def selected(self, chosen: str | Iterable[str] | pd.DataFrame | None) -> None:
        if chosen is None:
            self.clear()
            return
        rows = chosen if isinstance(chosen, pd.DataFrame) else self._run.points_of(chosen)
        for column in ("trial_id", "step"):
            if column not in rows:
                raise InputError(f"selected: the table has no column {column}; give ids instead.")
        self._select(set(checkpoints_of(rows)))

    @property
    def ids(self) -> list[str]:
        """The ids of the selected models, for `Run.points_of` and for ``selected``."""
        return [checkpoint_id(*checkpoint) for checkpoint in checkpoints_of(self.selected)]

    @property
    def figure(self) -> Any:
        """The scatter, a Plotly ``FigureWidget``; another one once ``run`` was set."""
        return self._figure

    @property
    def parallel(self) -> Any:
        """The parallel coordinates, a Plotly ``FigureWidget``; another one once ``run`` was set."""
        return self._parallel

    @property
    def widget(self) -> Any:
        """The whole explorer, an ``ipywidgets.VBox``."""
        return self._widget

    def clear(self) -> None:
        """Takes every selection back, in both pictures."""
        self._draw(None)

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

    def _show(self, run: Run, x: str, y: str) -> None:
        """Makes both pictures of a run, in place of any former ones, with nothing selected."""
        means = run.means()
        if means.empty:
            raise InputError("run: no trial has given a finite point yet, so there is no picture.")
        self._run, self._means, self._drawn, self._seen = run, means, None, []
        self._axes = parallel_axes(means, run.box)
        self._families: list[Family] = [
            (name, style, np.flatnonzero((means["family"] == name).to_numpy()))
            for name, style in family_styles(run.points).items()
        ]
        self._columns = axis_columns(means, run)
        self._choices = {
            letter: self._dropdown(letter, column if column in self._columns else own)
            for letter, column, own in zip("xy", (x, y), run.box.metrics, strict=False)
        }
        shown = [choice.value for choice in self._choices.values()]
        self._figure = scatter(run, means, self._families, *shown)
        self._parallel = parallel(self._axes, self._families, len(means))
        self._round = np.zeros(len(means), dtype=np.bool_)
        self._connect()
        self._refresh()
        clear = self._ipywidgets.Button(description="Clear selection")
        clear.on_click(lambda _button: self.clear())
        controls = self._ipywidgets.HBox([*self._choices.values(), clear])
        self._widget.children = [controls, self._figure, self._summary, self._parallel]

    def _select(self, chosen: set[Any]) -> None:
        own = map(checkpoint_of, self._means.to_dict("records"))
        self._draw(np.array([checkpoint in chosen for checkpoint in own], dtype=np.bool_))

    def _draw(self, drawn: NDArray[np.bool_] | None) -> None:
        """Replaces every selection, in both pictures."""
        self._drawn = drawn
        self._erase()
        with self._parallel.batch_update():
            for dimension in self._parallel.data[0].dimensions:
                dimension.constraintrange = None
        self._refresh()

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
            for trace, (*_, members) in zip(self._figure.data, self._families, strict=False):
                trace.selectedpoints = None if everything else np.flatnonzero(mask[members])
        colours = np.zeros(len(mask))
        for index, (*_, members) in enumerate(self._families, start=1):
            colours[members] = index
        self._parallel.data[0].line.color = np.where(mask, colours, 0.0)
        self._summary.value = summary(self._means, mask, self._run)

    def _on_selection(self, trace: Any, points: Any, _selector: Any) -> None:
        """Called for each family in turn after a box or a lasso; the last call closes the round.

        There is a round without points when Python has erased a box, and the browser with it what
        was selected, which it is then told again.
        """
        index = next(i for i, other in enumerate(self._figure.data) if other is trace)
        if index == 0:
            self._round = np.zeros(len(self._means), dtype=np.bool_)
        self._round[self._families[index][2][list(points.point_inds)]] = True
        if index < len(self._families) - 1:
            return
        if self._round.any():
            self._drawn = self._round
        else:
            with self._figure.batch_update():
                for each, _ in zip(self._figure.data, self._families, strict=False):
                    each.selectedpoints = None  # or nothing would be sent, as nothing changes here
        self._refresh()

    def _on_relayout(self, _change: Any) -> None:
        """Looks at what boxes and lassos the user has drawn or taken back, if any.

        The event of selecting may get lost: of events that follow each other, such as that of the
        pointer leaving a point, a widget sends only the last. Of a box that is moved there is only
        that event.
        """
        there = self._boxes()
        if there == self._seen:
            return
        self._seen, self._drawn = there, None
        if there:
            marks = np.zeros(len(self._means), dtype=np.bool_)
            for trace, (*_, members) in zip(self._figure.data, self._families, strict=False):
                if trace.visible in (None, True):
                    places = np.asarray(trace.x, dtype=float), np.asarray(trace.y, dtype=float)
                    marks[members] = np.any([inside(drawn, *places) for drawn in there], axis=0)
            self._drawn = marks if marks.any() else None  # a box around nothing
        self._refresh()

    def _boxes(self) -> list[dict[str, Any]]:
        """The boxes and lassos in the scatter; ``layout.selections`` misses those of the user."""
        drawn = self._figure.layout.to_plotly_json().get("selections") or ()
        return [{name: one.get(name) for name in CORNERS} for one in drawn]

    def _erase(self) -> None:
        """Takes boxes and lassos out of the scatter; what they have selected stays."""
        if self._boxes():  # which an assignment to layout.selections would not know of
            self._figure.plotly_relayout({"selections": []})
        self._seen = []

    def _on_axis(self, _change: Any) -> None:
        x, y = self._choices["x"].value, self._choices["y"].value
        self._erase()  # they are in the former axes' units
        with self._figure.batch_update():
            for trace, (*_, members) in zip(self._figure.data, self._families, strict=False):
                trace.x = self._means[x].to_numpy(dtype=float, na_value=np.nan)[members]
                trace.y = self._means[y].to_numpy(dtype=float, na_value=np.nan)[members]
            clouds = self._figure.data[len(self._families) :]
            for trace, kind in zip(clouds, landmark_kinds(self._run), strict=True):
                trace.x = landmark_values(self._run, kind, x)
                trace.y = landmark_values(self._run, kind, y)
            self._figure.layout.xaxis.title.text = axis_title(self._run, x)
            self._figure.layout.yaxis.title.text = axis_title(self._run, y)

    def _connect(self) -> None:
        for trace in self._figure.data[: len(self._families)]:
            trace.on_selection(self._on_selection)
        self._figure.observe(self._on_relayout, names="_js2py_relayout")
        self._parallel.data[0].on_change(lambda *_: self._refresh(), "dimensions")
        for choice in self._choices.values():
            choice.observe(self._on_axis, names="value")

    def _dropdown(self, letter: str, column: str) -> Any:
        return self._ipywidgets.Dropdown(
            options=[(column_name(name), name) for name in self._columns],
            value=column,
            description=f"{letter} axis",
        )


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
