"""Figures of a run in Plotly: for each, a function to plain data and one that draws it."""

from pareto_explorer.figures.front import draw_front, plot_front
from pareto_explorer.figures.front_info import FamilyFront, FrontInfo, front_info
from pareto_explorer.figures.landmarks import LandmarkCloud
from pareto_explorer.figures.style import DARK, LIGHT, FamilyStyle, Theme, family_styles

__all__ = [
    "DARK",
    "LIGHT",
    "FamilyFront",
    "FamilyStyle",
    "FrontInfo",
    "LandmarkCloud",
    "Theme",
    "draw_front",
    "family_styles",
    "front_info",
    "plot_front",
]
