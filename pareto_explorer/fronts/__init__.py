"""The mathematics of fronts: objectives and boxes, dominance, hypervolume."""

from pareto_explorer.fronts.dominance import non_dominated
from pareto_explorer.fronts.families import (
    FamilyHypervolume,
    family_hypervolumes,
    hypervolume_json,
    pooled_hypervolume,
)
from pareto_explorer.fronts.hypervolume import HypervolumeResult, hypervolume
from pareto_explorer.fronts.objectives import Box, Objective, require_same_box
from pareto_explorer.fronts.presets import (
    OBJECTIVES,
    Preset,
    efficacy_fidelity_box,
    retrain_gap_box,
)
from pareto_explorer.fronts.tables import front, replicate_means

__all__ = [
    "OBJECTIVES",
    "Box",
    "FamilyHypervolume",
    "HypervolumeResult",
    "Objective",
    "Preset",
    "efficacy_fidelity_box",
    "family_hypervolumes",
    "front",
    "hypervolume",
    "hypervolume_json",
    "non_dominated",
    "pooled_hypervolume",
    "replicate_means",
    "require_same_box",
    "retrain_gap_box",
]
