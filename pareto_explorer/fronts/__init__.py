"""The mathematics of fronts: objectives in a box, fronts, hypervolumes, and what is more than luck.

A metric with a direction and bounds is an ``Objective``; two or three make a ``Box``, and a
hypervolume means something only together with its box. All other functions take a points table,
one row per trial, replicate and step, as ``runs.read_points`` gives it.

>>> from pareto_explorer.fronts import Box, Objective, hypervolume
>>> box = Box((Objective("forget_gap", "min", 0, 0.8), Objective("retain_gap", "min", 0, 0.1)))
>>> hypervolume([[0.4, 0.05], [0.2, 0.2]], box).value
0.25

| to | there is |
|---|---|
| declare what counts | ``Objective``, ``Box``, ``require_same_box``, ``validation_box`` |
| take a preset | ``OBJECTIVES``, ``Preset``, ``retrain_gap_box``, ``efficacy_fidelity_box``, \
``indistinguishable_box``, ``oracle_free_box``, ``oracle_free_doubt``, ``original_excess``, \
``tofu_box`` |
| find the front | ``front``, ``non_dominated``, ``replicate_means``, ``objective_values`` |
| measure it | ``hypervolume``, ``HypervolumeResult``, ``family_hypervolumes``, \
``FamilyHypervolume``, ``pooled_hypervolume``, ``expected_hypervolume``, ``hypervolume_json`` |
| tell families apart | ``compare_families``, ``Comparison``, ``Interval``, ``standing``, \
``Standing``, ``standing_sentence`` |
| know the limits | ``retrain_floor``, ``RetrainFloor``, ``families_inside``, \
``floor_sentence``, ``nothing_to_forget``, ``forget_nadir``, ``destruction_sentences``, \
``collapse_sentence`` |
| see who contributes | ``family_contributions``, ``knob_contributions``, \
``point_contributions`` |
| judge the knobs | ``KnobDomain``, ``read_domains``, ``knob_coverage``, \
``coverage_sentences``, ``knob_edges``, ``edge_sentences``, ``knob_importance``, \
``ImportanceResult`` |
| doubt the box | ``reference_sensitivity``, ``ranking_changes`` |
| use other indicators | ``family_indicators``, ``igd_plus``, ``additive_epsilon``, ``r2`` |
| see what seeds do to a front | ``family_attainment``, ``Attainment``, \
``attainment_difference``, ``AttainmentDifference``, ``vorobev``, ``VorobevResult`` |
| follow a search | ``anytime_curves``, ``common_grid`` |
| choose a model | ``select``, ``Selection``, ``Constraint``, ``Move`` |
"""

from pareto_explorer.fronts.box_presets import (
    OBJECTIVES,
    Preset,
    efficacy_fidelity_box,
    indistinguishable_box,
    oracle_free_box,
    oracle_free_doubt,
    original_excess,
    retrain_gap_box,
    tofu_box,
)
from pareto_explorer.fronts.core.box import Box, Objective, require_same_box
from pareto_explorer.fronts.core.domains import KnobDomain, read_domains
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.hypervolume import HypervolumeResult, hypervolume
from pareto_explorer.fronts.core.tables import front, objective_values, replicate_means
from pareto_explorer.fronts.core.validation_twins import validation_box
from pareto_explorer.fronts.selection.constraints import Constraint
from pareto_explorer.fronts.selection.moves import Move
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
from pareto_explorer.fronts.statistics.destruction import (
    collapse_sentence,
    destruction_sentences,
)
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
    "Constraint",
    "FamilyHypervolume",
    "HypervolumeResult",
    "ImportanceResult",
    "Interval",
    "KnobDomain",
    "Move",
    "Objective",
    "Preset",
    "RetrainFloor",
    "Selection",
    "Standing",
    "VorobevResult",
    "additive_epsilon",
    "anytime_curves",
    "attainment_difference",
    "collapse_sentence",
    "common_grid",
    "compare_families",
    "coverage_sentences",
    "destruction_sentences",
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
    "indistinguishable_box",
    "knob_contributions",
    "knob_coverage",
    "knob_edges",
    "knob_importance",
    "non_dominated",
    "nothing_to_forget",
    "objective_values",
    "oracle_free_box",
    "oracle_free_doubt",
    "original_excess",
    "point_contributions",
    "pooled_hypervolume",
    "r2",
    "ranking_changes",
    "read_domains",
    "reference_sensitivity",
    "replicate_means",
    "require_same_box",
    "retrain_floor",
    "retrain_gap_box",
    "select",
    "standing",
    "standing_sentence",
    "tofu_box",
    "validation_box",
    "vorobev",
]
