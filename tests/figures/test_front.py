from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from pareto_explorer.figures import DARK, draw_front, front_info, plot_front
from pareto_explorer.figures.shared.style import family_styles
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.results.run import Run


def role(figure: Any, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.meta["role"] == name]


def test_every_family_has_one_legend_group_with_all_its_traces(run: Run) -> None:
    figure = plot_front(run.points, run.landmarks, run.box)
    for family, style in family_styles(run.points).items():
        traces = [t for t in figure.data if t.legendgroup == f"family {family}"]
        assert {"front", "legend"} <= {t.meta["role"] for t in traces}
        assert sum(t.showlegend is not False for t in traces) == 1
        assert {t.marker.color for t in traces if t.marker.color} == {style.light}


def test_area_and_stairs_reach_the_reference_point(run: Run) -> None:
    info = front_info(run.points, run.landmarks, run.box)
    figure = draw_front(info)
    for area in role(figure, "area"):
        assert area.fill == "toself"
        assert (area.x[-1], area.y[-1]) == pytest.approx(info.reference)
    (reference,) = role(figure, "reference")
    assert (reference.x[0], reference.y[0]) == pytest.approx(info.reference)
    (outline,) = role(figure, "box")
    assert set(zip(outline.x, outline.y, strict=True)) == set(
        product(*((o.ideal, r) for o, r in zip(run.box.objectives, info.reference, strict=True)))
    )
    assert len(role(figure, "stairs")) == len(role(figure, "area")) == 6  # all but "none"


def test_points_carry_hover_and_key_and_dominated_ones_are_faded(run: Run) -> None:
    figure = plot_front(run.points, run.landmarks, run.box)
    for trace in role(figure, "front") + role(figure, "dominated"):
        assert len(trace.hovertext) == len(trace.x) == len(trace.customdata)
        assert trace.hoverinfo == "text"
    assert all(trace.marker.opacity < 0.5 for trace in role(figure, "dominated"))
    assert {t.name for t in role(figure, "landmark")} >= {"Original model", "Retrained model"}


def test_names_are_escaped_for_plotly(run: Run) -> None:
    figure = plot_front(run.points, run.landmarks, run.box)
    names = [trace.name for trace in role(figure, "legend")]
    assert "weighted_sum/mine:&lt;b&gt;loss&lt;/b&gt;&amp;'\"" in names


@pytest.mark.parametrize(
    ("directions", "corner"),
    [
        (("min", "min"), "lower left"),
        (("min", "max"), "upper left"),
        (("max", "min"), "lower right"),
        (("max", "max"), "upper right"),
    ],
)
def test_axis_titles_say_which_end_is_better(run: Run, directions: Any, corner: str) -> None:
    bounds = {"min": (0.0, 1.0), "max": (1.0, 0.0)}
    metrics = ("unlearning_accuracy", "retain_accuracy")
    box = Box(tuple(Objective(m, d, *bounds[d]) for m, d in zip(metrics, directions, strict=True)))
    layout = plot_front(run.points, run.landmarks, box).layout
    assert layout.annotations[0].text == f"the {corner} corner is best"
    for axis, direction in zip((layout.xaxis, layout.yaxis), directions, strict=True):
        words = {"min": "lower is better", "max": "higher is better"}[direction]
        assert words in axis.title.text
        assert axis.range[0] < axis.range[1]


def test_dark_differs_in_colours_only(run: Run) -> None:
    info = front_info(run.points, run.landmarks, run.box)
    light, dark = draw_front(info), draw_front(info, theme=DARK)
    assert dark.layout.paper_bgcolor == DARK.paper
    for a, b in zip(light.data, dark.data, strict=True):
        assert (a.meta, a.name, a.hovertext) == (b.meta, b.name, b.hovertext)
        np.testing.assert_array_equal(a.x, b.x)
    assert [t.line.color for t in role(light, "stairs")] != [
        t.line.color for t in role(dark, "stairs")
    ]


def test_shown_keeps_the_others_in_the_legend(run: Run) -> None:
    figure = plot_front(run.points, run.landmarks, run.box, shown=["fine_tune"])
    for trace in figure.data:
        if str(trace.legendgroup).startswith("family "):
            expected = True if trace.legendgroup == "family fine_tune" else "legendonly"
            assert trace.visible == expected


def test_three_objectives_give_three_dimensions(run: Run) -> None:
    box = Box((*run.box.objectives, Objective("test_accuracy", "max", 1.0, 0.5)))
    figure = plot_front(run.points, run.landmarks, box)
    assert {trace.type for trace in figure.data} == {"scatter3d"}
    assert not role(figure, "area")
    (outline,) = role(figure, "box")
    edges = np.column_stack([outline.x, outline.y, outline.z]).reshape(12, 3, 3)
    steps = edges[:, 1] - edges[:, 0]
    assert ((steps != 0).sum(axis=1) == 1).all()  # each edge follows one axis
    assert len({tuple(np.round(edge[:2], 9).ravel()) for edge in edges}) == 12
    assert "higher is better" in figure.layout.scene.zaxis.title.text
