import sys
from dataclasses import replace

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from pareto_explorer.errors import InputError
from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.notebook.explorer import explore
from pareto_explorer.results.run import load_run
from pareto_explorer.schema.checkpoint_ids import checkpoint_id
from pareto_explorer.schema.columns import checkpoints_of
from tests.synthetic import HOSTILE_KNOB, HOSTILE_LOSS, write_oracle_free_run, write_synthetic_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("notebook") / "run").path)


@pytest.fixture
def explorer(run):
    return explore(run)


def send(explorer, *selections):
    """What the browser sends after boxes and lassos were drawn, or taken back."""
    explorer.figure._js2py_relayout = {
        "relayout_data": {"selections": list(selections)},
        "source_view_id": "view",
    }


def box(x, y):
    (x0, x1), (y0, y1) = x, y
    return {"type": "rect", "xref": "x", "yref": "y", "x0": x0, "x1": x1, "y0": y0, "y1": y1}


def draw(explorer, marks):
    """A small box around each of some replicate means, given by one mark each."""
    means, size = explorer._means[np.asarray(marks)], 1e-9
    across, up = (choice.value for choice in explorer._choices.values())
    send(
        explorer,
        *[
            box((x - size, x + size), (y + size, y - size))
            for x, y in zip(means[across], means[up], strict=True)
        ],
    )


def brush(explorer, column, ranges):
    """What the browser sends after a drag along an axis."""
    names = [dimension.name for dimension in explorer.parallel.data[0].dimensions]
    explorer.parallel._js2py_restyle = {
        "style_data": {f"dimensions[{names.index(column)}].constraintrange": ranges},
        "style_traces": [0],
        "source_view_id": "view",
    }


def coloured(explorer):
    """Which lines of the parallel coordinates are not faint."""
    return np.asarray(explorer.parallel.data[0].line.color) > 0


def bright(explorer):
    """Which points of the scatter are not faded, in the order of the replicate means."""
    marks = np.zeros(len(explorer._means), dtype=bool)
    for trace, (*_, members) in zip(explorer.figure.data, explorer._families, strict=False):
        chosen = trace.selectedpoints
        marks[members[list(range(len(members)) if chosen is None else chosen)]] = True
    return marks


def test_at_first_everything_is_selected(run, explorer):
    assert explorer.selected.equals(run.means())
    assert coloured(explorer).all()
    assert bright(explorer).all()
    assert "All 50 models" in explorer._summary.value
    assert explorer.selected is not explorer.selected


def test_a_box_in_the_scatter_selects_in_both_pictures(run, explorer):
    marks = (run.means()["forget_gap"] < 0.3).to_numpy()
    draw(explorer, marks)
    assert explorer.selected.equals(run.means()[marks].reset_index(drop=True))
    assert (coloured(explorer) == marks).all()
    assert (bright(explorer) == marks).all()
    assert f"{marks.sum()} of 50 models" in explorer._summary.value


def test_a_range_in_the_parallel_coordinates_selects_in_both_pictures(run, explorer):
    marks = (run.means()["retain_gap"] <= 0.02).to_numpy()
    brush(explorer, "retain_gap", [[0.0, 0.02]])
    assert explorer.selected.equals(run.means()[marks].reset_index(drop=True))
    assert (bright(explorer) == marks).all()
    assert (coloured(explorer) == marks).all()


def test_selections_of_both_pictures_have_to_hold(run, explorer):
    means = run.means()
    forget = (means["forget_gap"] < 0.3).to_numpy()
    retain = means["retain_gap"].between(0, 0.02) | means["retain_gap"].between(0.05, 0.1)
    late = means["step"].to_numpy() == 60
    draw(explorer, forget)
    brush(explorer, "retain_gap", [[[0.0, 0.02], [0.05, 0.1]]])
    assert len(explorer.selected) == (forget & retain).sum() > 0
    brush(explorer, "step", [[60, 60]])
    assert len(explorer.selected) == (forget & retain & late).sum()
    send(explorer)
    assert len(explorer.selected) == (retain & late).sum()
    brush(explorer, "retain_gap", None)
    assert len(explorer.selected) == late.sum()


def test_the_next_box_replaces_the_first_and_an_empty_one_takes_it_back(explorer):
    marks = np.arange(50) < 10
    draw(explorer, marks)
    draw(explorer, ~marks)
    assert (coloured(explorer) == ~marks).all()
    send(explorer, box((7, 8), (7, 8)))
    assert len(explorer.selected) == 50


def test_clear_takes_everything_back(explorer):
    told = []
    explorer.figure.observe(lambda change: told.append(change["new"]), names="_py2js_relayout")
    draw(explorer, np.arange(50) < 10)
    brush(explorer, "step", [[60, 60]])
    told.clear()
    explorer.clear()
    assert [each["relayout_data"] for each in told if each] == [{"selections": []}]
    assert len(explorer.selected) == 50
    assert all(d.constraintrange is None for d in explorer.parallel.data[0].dimensions)
    assert bright(explorer).all()


def test_the_order_of_the_axes_does_not_matter(explorer):
    trace = explorer.parallel.data[0]
    trace.dimensions = trace.dimensions[::-1]  # dragged by the user
    brush(explorer, "step", [[60, 60]])
    assert set(explorer.selected["step"]) == {60}


def test_other_axes_keep_the_selection(run, explorer):
    marks = np.arange(50) < 10
    draw(explorer, marks)
    explorer.show_axes("test_accuracy", "config.lr")
    means = run.means()
    first = explorer.figure.data[0]
    members = explorer._families[0][2]
    assert list(first.x) == means["test_accuracy"][members].tolist()
    assert list(first.y) == means["config.lr"][members].tolist()
    assert explorer.figure.layout.xaxis.title.text == "Test accuracy"
    assert explorer.figure.layout.yaxis.title.text == "lr (knob)"
    assert (bright(explorer) == marks).all()
    originals = run.landmarks[run.landmarks["landmark"] == "original"]
    assert list(explorer.figure.data[-2].x) == originals["test_accuracy"].tolist()
    assert np.isnan(explorer.figure.data[-2].y).all()
    with pytest.raises(InputError, match=r"'test_acuracy' is not known; did you mean"):
        explorer.show_axes("test_acuracy", "config.lr")


def test_names_are_shown_letter_by_letter(explorer):
    names = [trace.name for trace in explorer.figure.data]
    assert plain(f"weighted_sum/{HOSTILE_LOSS}") in names
    assert not any("<b>" in name for name in names)
    draw(explorer, explorer._means["family"].str.startswith("weighted"))
    assert "<b>loss" not in explorer._summary.value
    notes = [d for d in explorer.parallel.data[0].dimensions if d.name == "config.note"]
    assert [HOSTILE_KNOB in d.ticktext for d in notes] == [True]  # Plotly's ticks know no markup


def test_missing_packages_are_named_with_the_remedy(run, monkeypatch):
    for name in ("anywidget", "ipywidgets"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            with pytest.raises(InputError, match=r"pip install 'pareto-explorer\[notebook\]'"):
                explore(run)


def test_a_run_without_a_finite_point_is_refused(run):
    with pytest.raises(InputError, match="no trial has given a finite point yet"):
        explore(replace(run, points=run.points.assign(status="failed")))


def test_it_lives_in_a_notebook(run):
    cells = [
        "from pareto_explorer.notebook.explorer import explore\n"
        f"explorer = explore({str(run.directory.path)!r})\nexplorer",
        "explorer.clear()\nlen(explorer.selected)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    done = NotebookClient(notebook, timeout=120).execute()
    shown, counted = (cell.outputs[0] for cell in done.cells)
    view = shown["data"]["application/vnd.jupyter.widget-view+json"]
    states = done.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    box = states[view["model_id"]]
    assert box["model_name"] == "VBoxModel"
    assert len(box["state"]["children"]) == 4
    assert counted["data"]["text/plain"] == "50"


def test_a_run_that_retrained_nothing_shows_the_original_alone(tmp_path):
    run = load_run(write_oracle_free_run(tmp_path / "run").path)
    explorer = explore(run)
    names = [trace.name for trace in explorer.figure.data[len(explorer._families) :]]
    assert names == ["Original model"]
    explorer.show_axes("test_accuracy", "accuracy_drop")
    originals = run.landmarks["test_accuracy"].tolist()
    assert list(explorer.figure.data[-1].x) == originals
    draw(explorer, explorer._means["on_front"])
    assert len(explorer.selected) == explorer._means["on_front"].sum()


def test_a_box_that_is_moved_selects_by_its_event(explorer):
    draw(explorer, np.arange(50) < 10)
    first = explorer._families[0][2]
    explorer.figure._js2py_pointsCallback = {
        "event_type": "plotly_selected",
        "points": {
            "trace_indexes": [0, 0],
            "point_indexes": [0, 1],
            "xs": [0.0, 0.0],
            "ys": [0.0, 0.0],
        },
        "selector": {"type": "box", "selector_state": {"xrange": [0, 1], "yrange": [0, 1]}},
        "device_state": None,
    }
    assert np.flatnonzero(coloured(explorer)).tolist() == first[:2].tolist()


def test_a_lasso_selects_what_it_surrounds(run, explorer):
    path = "M0,0L0.3,0L0.3,0.03L0.1,0.005Z"
    send(explorer, {"type": "path", "xref": "x", "yref": "y", "path": path})
    means = run.means()
    x, y = means["forget_gap"], means["retain_gap"]
    upper = np.where(x < 0.1, 0.05 * x, 0.005 + 0.125 * (x - 0.1))
    wanted = (x > 0) & (x < 0.3) & (y > 0) & (y < upper)
    assert 0 < wanted.sum() < len(means)
    assert explorer.selected.equals(means[wanted].reset_index(drop=True))


def test_families_that_are_hidden_are_not_selected(explorer):
    hidden = explorer._families[0][0]
    explorer.figure.data[0].visible = "legendonly"
    send(explorer, box((0, 1), (0, 1)))
    assert hidden not in set(explorer.selected["family"])
    assert len(explorer.selected) > 0


def test_python_selects_in_both_pictures(run, explorer):
    draw(explorer, np.arange(50) < 10)
    brush(explorer, "step", [[60, 60]])
    ids = [*explorer.ids[:2], "none-0@0"]
    explorer.selected = ids
    marks = np.array([checkpoint_id(*each) in ids for each in checkpoints_of(run.means())])
    assert marks.sum() == 3
    assert (bright(explorer) == marks).all()
    assert (coloured(explorer) == marks).all()
    assert sorted(explorer.ids) == sorted(ids)
    assert "3 of 50 models" in explorer._summary.value
    assert not explorer.figure.layout.to_plotly_json().get("selections")
    assert explorer.run.points_of(explorer.ids)["replicate"].nunique() == 3
    explorer.selected = run.front()
    assert len(explorer.selected) == len(run.front())
    explorer.selected = []
    assert explorer.ids == []
    explorer.selected = None
    assert len(explorer.selected) == 50


def test_what_is_no_point_cannot_be_selected(explorer):
    draw(explorer, np.arange(50) < 10)
    with pytest.raises(InputError, match="'nowhere@1' is no point of this run"):
        explorer.selected = ["nowhere@1"]
    with pytest.raises(InputError, match="selected: the table has no column trial_id"):
        explorer.selected = pd.DataFrame({"step": [1]})
    assert len(explorer.selected) == 10


def test_the_selection_survives_a_run_that_went_on(run, tmp_path):
    early = replace(run, points=run.points[run.points["step"] < 60])
    explorer = explore(early)
    shown = explorer.widget
    explorer.show_axes("test_accuracy", "samples")
    explorer.selected = run.points_of(["upgrad-kl_heldout-0@20", "none-0@0"])
    explorer.run = run
    assert sorted(explorer.ids) == ["none-0@0", "upgrad-kl_heldout-0@20"]
    assert bright(explorer).sum() == 2
    assert explorer.figure.layout.xaxis.title.text == "Test accuracy"
    assert explorer.widget is shown
    assert explorer.figure in shown.children
    explorer.clear()
    explorer.run = early
    assert len(explorer.selected) == len(early.means())
