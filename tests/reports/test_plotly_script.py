"""The page's Plotly: which one it is, and that every figure of the project can be drawn with it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs, get_plotlyjs_version

from pareto_explorer import figures
from pareto_explorer.fronts import Box, Objective, family_hypervolumes
from pareto_explorer.results import Run, load_run
from tests.audited import computed_audits

STATIC = files("pareto_explorer.reports") / "static"
PACKAGE = Path(__file__).parents[2] / "plotly_build" / "package.json"
DRAW = """async ({data, layout}) => {
  document.body.innerHTML = '<div style="width: 700px; height: 500px"></div>';
  const plot = document.querySelector('div');
  await Plotly.newPlot(plot, data, layout);
  const attributes = ['d', 'x', 'y', 'transform', 'style', 'points', 'width', 'height'];
  const parts = [...plot.querySelectorAll('.main-svg *')].map((part) => [
    part.tagName, ...attributes.map((name) => part.getAttribute(name)),
    part.childElementCount ? null : part.textContent,
  ]);
  return [plot._fullData.map((trace) => trace.type), parts];
}"""
FAMILIES = ("upgrad/kl_heldout", "upgrad/kl_uniform")


def script() -> str:
    return (STATIC / "plotly.min.js").read_text(encoding="utf-8")


def test_the_script_has_the_pinned_version_which_suits_the_installed_plotly() -> None:
    (version,) = re.findall(r"plotly\.js v([\d.]+)", script())
    assert version == json.loads(PACKAGE.read_text(encoding="utf-8"))["dependencies"]["plotly.js"]
    # figures of an older plotly.py have nothing that a newer script does not know
    assert int(version.split(".")[0]) >= int(get_plotlyjs_version().split(".")[0])


def test_licences_of_what_is_in_the_script_lie_beside_it() -> None:
    licences = (STATIC / "plotly.licences.txt").read_text(encoding="utf-8")
    (version,) = re.findall(r"plotly\.js v([\d.]+)", script())
    assert f"plotly.js {version} (MIT)" in licences
    assert "Permission is hereby granted, free of charge" in licences
    assert "Licensed under the MIT license" in script()[:300]


def test_the_script_is_small() -> None:
    assert len(script().encode()) < 1_700_000


@pytest.fixture(scope="module")
def drawn(run_path: Path) -> dict[str, go.Figure]:
    """Every figure of the project, by the name of the function that draws it."""
    run = load_run(run_path)
    deep = Box((*run.box.objectives, Objective("js_divergence", "min", 0.0, 0.6)))
    front = run.front()[["trial_id", "step", "forget_gap", "retain_gap"]]
    audited = front.head(2)[["trial_id", "step"]].itertuples(index=False, name=None)
    audits = computed_audits(list(audited))
    tables = (run.points, run.landmarks, run.box)
    return {
        "plot_anytime": figures.plot_anytime(run.points, run.box),
        "plot_attainment": figures.plot_attainment(*tables),
        "plot_audit": figures.plot_audit(audits.table, audits.samples, front=front),
        "plot_diagnostics": figures.plot_diagnostics(run.points),
        "plot_difference": figures.plot_difference(*tables, *FAMILIES),
        "plot_front": figures.plot_front(*tables),
        "plot_hypervolumes": figures.plot_hypervolumes(
            family_hypervolumes(run.points, run.box), figures.family_styles(run.points)
        ),
        "plot_importance": figures.plot_importance(run.points, run.box),
        "plot_sensitivity": figures.plot_sensitivity(run.points, run.box),
        "three objectives": _front(replace(run, box=deep)),
    }


def _front(run: Run) -> go.Figure:
    return figures.plot_front(run.points, run.landmarks, run.box)


def test_every_figure_is_among_them(drawn: dict[str, go.Figure]) -> None:
    assert {name for name in figures.__all__ if name.startswith("plot_")} <= set(drawn)


def pictures(chromium: Any, plotly: str, drawn: dict[str, go.Figure]) -> dict[str, Any]:
    """The types of the traces, and what is in the drawing, of each figure."""
    trouble: list[str] = []
    page = chromium.new_page()
    page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.add_script_tag(content=plotly)
    found = {}
    for name, figure in drawn.items():
        plain = json.loads(figure.to_json())
        plain["layout"].pop("template")
        found[name] = page.evaluate(DRAW, plain)
    page.close()
    assert trouble == []
    return found


@pytest.mark.browser
def test_every_figure_has_the_traces_that_it_asks_for(
    chromium: Any, drawn: dict[str, go.Figure]
) -> None:
    for name, (types, parts) in pictures(chromium, script(), drawn).items():
        assert types == [trace.type for trace in drawn[name].data], name  # not scatter instead
        assert len(parts) > 50


@pytest.mark.slow
@pytest.mark.browser
def test_every_figure_is_as_the_whole_of_plotly_draws_it(
    chromium: Any, drawn: dict[str, go.Figure]
) -> None:
    flat = {name: figure for name, figure in drawn.items() if name != "three objectives"}
    ours, whole = (pictures(chromium, plotly, flat) for plotly in (script(), get_plotlyjs()))
    for name, picture in ours.items():
        assert picture == whole[name], name
