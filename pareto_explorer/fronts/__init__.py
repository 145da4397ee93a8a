"""The mathematics of fronts: objectives and boxes, dominance, hypervolume, uncertainty, choice."""

from pareto_explorer.fronts.box_presets import (
    OBJECTIVES,
    Preset,
    efficacy_fidelity_box,
    oracle_free_box,
    oracle_free_doubt,
    retrain_gap_box,
)
from pareto_explorer.fronts.core.box import Box, Objective, require_same_box
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.hypervolume import HypervolumeResult, hypervolume
from pareto_explorer.fronts.core.tables import front, replicate_means
from pareto_explorer.fronts.core.validation_twins import validation_box
from pareto_explorer.fronts.selection.select import Selection, select
from pareto_explorer.fronts.statistics.anytime import anytime_curves, common_grid
from pareto_explorer.fronts.statistics.attainment import (
    Attainment,
    AttainmentDifference,
    attainment_difference,
    family_attainment,
)
from pareto_explorer.fronts.statistics.comparison import Comparison, compare_families
from pareto_explorer.fronts.statistics.contributions import (
    family_contributions,
    knob_contributions,
    point_contributions,
)
from pareto_explorer.fronts.statistics.coverage import coverage_sentences, knob_coverage
from pareto_explorer.fronts.statistics.edges import edge_sentences, knob_edges
from pareto_explorer.fronts.statistics.expected import expected_hypervolume
from pareto_explorer.fronts.statistics.families import (
    FamilyHypervolume,
    family_hypervolumes,
    pooled_hypervolume,
)
from pareto_explorer.fronts.statistics.floor import (
    RetrainFloor,
    families_inside,
    floor_sentence,
    retrain_floor,
)
from pareto_explorer.fronts.statistics.hypervolume_json import hypervolume_json
from pareto_explorer.fronts.statistics.importance import ImportanceResult, knob_importance
from pareto_explorer.fronts.statistics.indicators import (
    additive_epsilon,
    family_indicators,
    igd_plus,
    r2,
)
from pareto_explorer.fronts.statistics.resampling import Interval
from pareto_explorer.fronts.statistics.sensitivity import ranking_changes, reference_sensitivity
from pareto_explorer.fronts.statistics.standing import Standing, standing, standing_sentence
from pareto_explorer.fronts.statistics.to_forget import forget_nadir, nothing_to_forget
from pareto_explorer.fronts.statistics.vorobev import VorobevResult, vorobev

__all__ = [
    "OBJECTIVES",
    "Attainment",
    "AttainmentDifference",
    "Box",
    "Comparison",
    "FamilyHypervolume",
    "HypervolumeResult",
    "ImportanceResult",
    "Interval",
    "Objective",
    "Preset",
    "RetrainFloor",
    "Selection",
    "Standing",
    "VorobevResult",
    "additive_epsilon",
    "anytime_curves",
    "attainment_difference",
    "common_grid",
    "compare_families",
    "coverage_sentences",
    "edge_sentences",
    "efficacy_fidelity_box",
    "expected_hypervolume",
    "families_inside",
    "family_attainment",
    "family_contributions",
    "family_hypervolumes",
    "family_indicators",
    "floor_sentence",
    "forget_nadir",
    "front",
    "hypervolume",
    "hypervolume_json",
    "igd_plus",
    "knob_contributions",
    "knob_coverage",
    "knob_edges",
    "knob_importance",
    "non_dominated",
    "nothing_to_forget",
    "oracle_free_box",
    "oracle_free_doubt",
    "point_contributions",
    "pooled_hypervolume",
    "r2",
    "ranking_changes",
    "reference_sensitivity",
    "replicate_means",
    "require_same_box",
    "retrain_floor",
    "retrain_gap_box",
    "select",
    "standing",
    "standing_sentence",
    "validation_box",
    "vorobev",
]
