"""Figures of a run in Plotly: for each a function to plain data and one that draws them.

``plot_*`` does both. Who wants the numbers takes ``*_info``; who has changed them gives them to
``draw_*``. A family looks the same in all of them.

>>> from pareto_explorer import load_run
>>> from pareto_explorer.figures import draw_front, front_info
>>> run = load_run("runs/digits")
>>> info = front_info(run.points, run.landmarks, run.box)
>>> len(info.families) == run.points["family"].nunique()
True
>>> draw_front(info).layout.xaxis.title.text.startswith("Forget gap")
True

| figure | plain data, and what draws them |
|---|---|
| the front | ``plot_front``, ``front_info``, ``FrontInfo``, ``FamilyFront``, \
``LandmarkCloud``, ``draw_front``, ``draw_sketch`` |
| hypervolumes | ``plot_hypervolumes``, ``hypervolume_info``, ``HypervolumeInfo``, \
``FamilyVolume``, ``draw_hypervolumes`` |
| what seeds do to the front | ``plot_attainment``, ``attainment_info``, ``AttainmentInfo``, \
``FamilyBand``, ``draw_attainment`` |
| where one family leads another | ``plot_difference``, ``difference_info``, \
``DifferenceInfo``, ``draw_difference`` |
| how fast a search gets there | ``plot_anytime``, ``anytime_info``, ``AnytimeInfo``, \
``FamilyCurve``, ``draw_anytime`` |
| gradients on the way | ``plot_diagnostics``, ``diagnostics_info``, ``DiagnosticsInfo``, \
``FamilyDiagnostics``, ``draw_diagnostics`` |
| which knobs matter | ``plot_importance``, ``importance_info``, ``ImportanceInfo``, \
``draw_importance`` |
| other reference points | ``plot_sensitivity``, ``sensitivity_info``, ``SensitivityInfo``, \
``FamilyRanks``, ``draw_sensitivity`` |
| parallel axes | ``parallel_axes``, ``ParallelAxis`` |
| what attackers see | ``plot_audit``, ``audit_info``, ``AuditInfo``, ``draw_audit`` |
| their looks | ``LIGHT``, ``DARK``, ``Theme``, ``family_styles``, ``FamilyStyle`` |
"""

from pareto_explorer.figures.anytime import (
    AnytimeInfo,
    FamilyCurve,
    anytime_info,
    draw_anytime,
    plot_anytime,
)
from pareto_explorer.figures.attainment import (
    AttainmentInfo,
    FamilyBand,
    attainment_info,
    draw_attainment,
    plot_attainment,
)
from pareto_explorer.figures.audit import AuditInfo, audit_info, draw_audit, plot_audit
from pareto_explorer.figures.diagnostics import (
    DiagnosticsInfo,
    FamilyDiagnostics,
    diagnostics_info,
    draw_diagnostics,
    plot_diagnostics,
)
from pareto_explorer.figures.difference import (
    DifferenceInfo,
    difference_info,
    draw_difference,
    plot_difference,
)
from pareto_explorer.figures.front import draw_front, plot_front
from pareto_explorer.figures.front_info import FamilyFront, FrontInfo, front_info
from pareto_explorer.figures.hypervolume import (
    FamilyVolume,
    HypervolumeInfo,
    draw_hypervolumes,
    hypervolume_info,
    plot_hypervolumes,
)
from pareto_explorer.figures.importance import (
    ImportanceInfo,
    draw_importance,
    importance_info,
    plot_importance,
)
from pareto_explorer.figures.parallel_axes import ParallelAxis, parallel_axes
from pareto_explorer.figures.sensitivity import (
    FamilyRanks,
    SensitivityInfo,
    draw_sensitivity,
    plot_sensitivity,
    sensitivity_info,
)
from pareto_explorer.figures.shared.landmark_clouds import LandmarkCloud
from pareto_explorer.figures.shared.style import DARK, LIGHT, FamilyStyle, Theme, family_styles
from pareto_explorer.figures.sketch import draw_sketch

__all__ = [
    "DARK",
    "LIGHT",
    "AnytimeInfo",
    "AttainmentInfo",
    "AuditInfo",
    "DiagnosticsInfo",
    "DifferenceInfo",
    "FamilyBand",
    "FamilyCurve",
    "FamilyDiagnostics",
    "FamilyFront",
    "FamilyRanks",
    "FamilyStyle",
    "FamilyVolume",
    "FrontInfo",
    "HypervolumeInfo",
    "ImportanceInfo",
    "LandmarkCloud",
    "ParallelAxis",
    "SensitivityInfo",
    "Theme",
    "anytime_info",
    "attainment_info",
    "audit_info",
    "diagnostics_info",
    "difference_info",
    "draw_anytime",
    "draw_attainment",
    "draw_audit",
    "draw_diagnostics",
    "draw_difference",
    "draw_front",
    "draw_hypervolumes",
    "draw_importance",
    "draw_sensitivity",
    "draw_sketch",
    "family_styles",
    "front_info",
    "hypervolume_info",
    "importance_info",
    "parallel_axes",
    "plot_anytime",
    "plot_attainment",
    "plot_audit",
    "plot_diagnostics",
    "plot_difference",
    "plot_front",
    "plot_hypervolumes",
    "plot_importance",
    "plot_sensitivity",
    "sensitivity_info",
]
