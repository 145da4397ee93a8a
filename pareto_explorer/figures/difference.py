"""Where one family reaches further than another: the difference of two attainment functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures.attainment import AttainmentInfo, FamilyBand, attainment_info
from pareto_explorer.figures.frame import draw_in_frame
from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.legend import with_legend
from pareto_explorer.figures.shared.style import LIGHT, Theme, fade
from pareto_explorer.fronts import AttainmentDifference, Box, attainment_difference

__all__ = ["DifferenceInfo", "difference_info", "draw_difference", "plot_difference"]

Values = npt.NDArray[np.float64]
_FAINT, _STRONG = 0.1, 0.65  # opacity of a lead in no and in all replicates


class DifferenceInfo(NamedTuple):
    """What the figure shows.

    Attributes:
        attainment: The surfaces of all families, with axes, box and landmarks.
        difference: Where which of the two families attains more often.
        bands: The two families, the first one first.
    """

    attainment: AttainmentInfo
    difference: AttainmentDifference
    bands: tuple[FamilyBand, FamilyBand]

    def table(self) -> pd.DataFrame:
        """One row per rectangle: its ends in each objective, and the lead of the first family."""
        ends = [
            f"{metric}.{end}"
            for metric in self.attainment.frame.box.metrics
            for end in ("low", "high")
        ]
        table = pd.DataFrame(self.difference.rectangles, columns=ends)
        return table.assign(
            first=self.difference.first,
            second=self.difference.second,
            difference=self.difference.differences,
        )


def difference_info(
    points: pd.DataFrame,
    box: Box,
    first: str,
    second: str,
    *,
    attainment: AttainmentInfo,
) -> DifferenceInfo:
    """Computes what ``plot_difference`` draws.

    Args:
        points: Points table.
        box: Two objectives with their bounds.
        first: A family.
        second: Another one.
        attainment: What ``attainment_info`` gives for the same table.

    Raises:
        InputError: A family that the table has not, or three objectives.
    """
    difference = attainment_difference(points, box, first, second)
    bands = {family.name: family for family in attainment.families}
    return DifferenceInfo(attainment, difference, (bands[first], bands[second]))


def plot_difference(
    points: pd.DataFrame,
    landmarks: pd.DataFrame,
    box: Box,
    first: str,
    second: str,
    *,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Draws where one family reaches further than another, and in how many replicates more.

    How to read it:

    - A tinted part of the box is reached in more replicates by the family of that colour; the
      stronger the tint, the more.
    - Where nothing is tinted, both reach it equally often.
    - The lines are the median fronts of the two.

    Args:
        points: Points table of one run.
        landmarks: Landmarks table of the same run.
        box: Two objectives with their bounds.
        first: A family.
        second: Another one.
        theme: ``style.LIGHT`` or ``style.DARK``.
    """
    attainment = attainment_info(points, landmarks, box)
    info = difference_info(points, box, first, second, attainment=attainment)
    return with_legend(draw_difference(info, theme=theme))


def draw_difference(info: DifferenceInfo, *, theme: Theme = LIGHT) -> go.Figure:
    """Turns the data of ``difference_info`` into a figure."""
    traces = []
    for band, sign in zip(info.bands, (1, -1), strict=True):
        traces += [_leads(band, lead, info, theme) for lead in _levels(info.difference, sign)]
    traces += [_median(band, info, theme) for band in info.bands]
    names = {band.name for band in info.bands}
    near = [*info.attainment.near(names), *_strong_corners(info)]
    return draw_in_frame(info.attainment.frame, traces, theme, near=near)


def _levels(difference: AttainmentDifference, sign: int) -> list[float]:
    """The leads of one family, as they are in the differences."""
    leads = np.unique(difference.differences[np.sign(difference.differences) == sign])
    return [float(lead) for lead in leads]


def _leads(band: FamilyBand, lead: float, info: DifferenceInfo, theme: Theme) -> go.Scatter:
    """All rectangles of one lead as one trace."""
    difference = info.difference
    rectangles = difference.rectangles[difference.differences == lead]
    corners = np.full((len(rectangles), 6, 2), np.nan)  # closed outline, then a gap
    corners[:, :5, 0] = rectangles[:, [0, 1, 1, 0, 0]]
    corners[:, :5, 1] = rectangles[:, [2, 2, 3, 3, 2]]
    path = corners.reshape(-1, 2)[:-1]
    colour = band.style.colour(theme)
    more = f"in {round(abs(lead) * difference.n)} of {difference.n} replicates more"
    return go.Scatter(
        x=path[:, 0],
        y=path[:, 1],
        mode="lines",
        line={"width": 0, "color": colour},
        fill="toself",
        fillcolor=fade(colour, _FAINT + (_STRONG - _FAINT) * abs(lead)),
        name=plain(band.name),
        text=f"<b>{plain(band.name)}</b><br>reaches this {more}",
        hoverinfo="text",
        hoveron="fills",
        legendgroup=f"family {band.name}",
        meta={"role": "lead", "lead": lead},
    )


def _median(band: FamilyBand, info: DifferenceInfo, theme: Theme) -> go.Scatter:
    stairs = band.stairs[info.attainment.median]
    line: Mapping[str, Any] = {
        "color": band.style.colour(theme),
        "dash": band.style.dash,
        "width": 2,
    }
    return go.Scatter(
        x=stairs[:, 0],
        y=stairs[:, 1],
        mode="lines",
        line=line,
        name=plain(band.name),
        hoverinfo="skip",
        legendgroup=f"family {band.name}",
        meta={"role": "median"},
    )


def _strong_corners(info: DifferenceInfo) -> list[Values]:
    """The corners nearest to the ideal of all rectangles, so that the first view holds them."""
    rectangles = info.difference.rectangles
    ends = [
        [0, 1][objective.direction == "max"] + 2 * axis
        for axis, objective in enumerate(info.attainment.frame.box.objectives)
    ]
    return [rectangles[:, ends]]
