import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from pareto_explorer.figures import draw_sketch, front_info
from pareto_explorer.fronts import Box
from pareto_explorer.results import load_run
from tests.synthetic import write_synthetic_run

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("sketch") / "run").path)


def parsed(info):
    drawing = draw_sketch(info).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1)
    return ET.fromstring(drawing)  # noqa: S314 - it is our own


def test_it_shows_every_front_and_staircase(run):
    info = front_info(run.points, run.landmarks, run.box)
    drawing = parsed(info)
    circles = drawing.findall(f".//{SVG}circle")
    inside = sum(
        int((family.on_front & np.all(_within(family.values, info), axis=1)).sum())
        for family in info.families
    )
    assert len([c for c in circles if c.get("r") == "3.5"]) == inside > 0
    stairs = [p for p in drawing.findall(f"{SVG}path") if p.get("stroke") != "currentColor"]
    assert len(stairs) == sum(len(family.stairs) > 0 for family in info.families)
    text = " ".join(t.text or "" for t in drawing.iter(f"{SVG}text"))
    assert "Forget gap, lower is better" in text
    assert "+ Retrained model" in text


def test_points_lie_where_the_axes_say(run):
    info = front_info(run.points, run.landmarks, run.box)
    drawing = parsed(info)
    box = drawing.find(f".//{SVG}rect")
    corners = [float(box.get(name)) for name in ("x", "y", "width", "height")]
    left, bottom = corners[0], corners[1] + corners[3]  # the ideal, (0, 0)
    family = info.families[0]
    best = family.values[family.on_front][0]
    expected = (
        left + best[0] / info.reference[0] * corners[2],
        bottom - best[1] / info.reference[1] * corners[3],
    )
    places = [(float(c.get("cx")), float(c.get("cy"))) for c in drawing.iter(f"{SVG}circle")]
    assert min(np.hypot(*(np.array(place) - expected)) for place in places) < 0.3


def test_names_are_text(run):
    hostile = "<script>alert(1)</script>"
    rows = run.points.rename(columns={"forget_gap": hostile})
    first, second = run.box.objectives
    box = Box((replace(first, metric=hostile), second), run.box.reference)
    drawing = draw_sketch(front_info(rows, run.landmarks, box))
    assert "<script" not in drawing
    assert "&lt;script&gt;alert(1)" in drawing


def test_a_run_without_points_has_a_frame_only(run):
    drawing = parsed(front_info(run.points.assign(status="failed"), run.landmarks, run.box))
    assert drawing.find(f".//{SVG}circle") is None
    assert drawing.find(f".//{SVG}rect") is not None


def _within(values, info):
    low, high = np.array(info.view).T
    return (values >= low) & (values <= high)
