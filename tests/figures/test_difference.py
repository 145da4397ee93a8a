from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.figures.attainment import attainment_info
from pareto_explorer.figures.difference import difference_info, draw_difference, plot_difference
from pareto_explorer.figures.shared.style import DARK
from pareto_explorer.fronts.statistics.attainment import attainment_difference
from pareto_explorer.results.run import Run

FIRST, SECOND = "upgrad/kl_heldout", "mgda/kl_heldout"


@pytest.fixture(scope="module")
def info(run: Run) -> Any:
    attainment = attainment_info(run.points, run.landmarks, run.box)
    return difference_info(run.points, run.box, FIRST, SECOND, attainment=attainment)


def test_every_rectangle_is_drawn_in_the_colour_of_the_family_ahead(run: Run, info: Any) -> None:
    found = attainment_difference(run.points, run.box, FIRST, SECOND)
    assert len(found.differences)
    figure = draw_difference(info)
    drawn = 0
    for trace in (t for t in figure.data if t.meta["role"] == "lead"):
        lead = trace.meta["lead"]
        assert trace.legendgroup == f"family {FIRST if lead > 0 else SECOND}"
        assert f"in {round(abs(lead) * 3)} of 3 replicates more" in trace.text
        corners = np.column_stack([trace.x, trace.y])
        starts = corners[::6]
        rectangles = found.rectangles[found.differences == lead]
        assert starts.tolist() == rectangles[:, [0, 2]].tolist()
        assert corners[2::6].tolist() == rectangles[:, [1, 3]].tolist()
        drawn += len(starts)
    assert drawn == len(found.differences)


def test_a_larger_lead_has_a_stronger_tint(info: Any) -> None:
    tints = {}
    for trace in (t for t in draw_difference(info).data if t.meta["role"] == "lead"):
        alpha = float(trace.fillcolor.rstrip(")").rsplit(",", 1)[1])
        tints.setdefault(trace.legendgroup, []).append((abs(trace.meta["lead"]), alpha))
    assert all([a for _, a in sorted(t)] == sorted(a for _, a in t) for t in tints.values())


def test_both_medians_are_drawn(info: Any) -> None:
    medians = [t for t in draw_difference(info).data if t.meta["role"] == "median"]
    assert [t.legendgroup for t in medians] == [f"family {FIRST}", f"family {SECOND}"]


def test_swapping_the_families_swaps_the_signs(run: Run, info: Any) -> None:
    other = difference_info(run.points, run.box, SECOND, FIRST, attainment=info.attainment)
    ends = ["forget_gap.low", "forget_gap.high", "retain_gap.low", "retain_gap.high"]
    ours, theirs = (i.table().sort_values(ends, ignore_index=True) for i in (info, other))
    assert ours[ends].equals(theirs[ends])
    assert (ours["difference"] == -theirs["difference"]).all()


def test_dark_differs_in_colours_only(info: Any) -> None:
    light, dark = draw_difference(info), draw_difference(info, theme=DARK)
    for a, b in zip(light.data, dark.data, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        assert (a.text, a.meta) == (b.text, b.meta)


def test_an_unknown_family_is_refused(run: Run) -> None:
    with pytest.raises(InputError, match="upgrad"):
        plot_difference(run.points, run.landmarks, run.box, "upgrad/kl_heldou", SECOND)
