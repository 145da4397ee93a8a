"""Figures of a run in Plotly: for each, a function to plain data and one that draws it."""

from pareto_explorer.figures.anytime import plot_anytime
from pareto_explorer.figures.attainment import plot_attainment
from pareto_explorer.figures.diagnostics import plot_diagnostics
from pareto_explorer.figures.difference import plot_difference
from pareto_explorer.figures.front import draw_front, plot_front
from pareto_explorer.figures.front_info import FamilyFront, FrontInfo, front_info
from pareto_explorer.figures.hypervolume import plot_hypervolumes
from pareto_explorer.figures.importance import plot_importance
from pareto_explorer.figures.sensitivity import plot_sensitivity
from pareto_explorer.figures.shared.landmark_clouds import LandmarkCloud
from pareto_explorer.figures.shared.style import DARK, LIGHT, FamilyStyle, Theme, family_styles
from pareto_explorer.figures.sketch import draw_sketch

__all__ = [
    "DARK",
    "LIGHT",
    "FamilyFront",
    "FamilyStyle",
    "FrontInfo",
    "LandmarkCloud",
    "Theme",
    "draw_front",
    "draw_sketch",
    "family_styles",
    "front_info",
    "plot_anytime",
    "plot_attainment",
    "plot_diagnostics",
    "plot_difference",
    "plot_front",
    "plot_hypervolumes",
    "plot_importance",
    "plot_sensitivity",
]
