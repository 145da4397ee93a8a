"""The statistics of audits, computed from stored margins and outputs; neither torch nor Ray."""

from pareto_explorer.audits.statistics.certified import certified_losses
from pareto_explorer.audits.statistics.confusion import confusion_error, confusion_swaps
from pareto_explorer.audits.statistics.excess_auc import (
    effect_sizes,
    energy_distance,
    equivalent_auc,
    excess_auc,
    squared_excess_auc,
    squared_excess_auc_by_seed,
    squared_excess_auc_independent,
)
from pareto_explorer.audits.statistics.floors import beside_floor, between_seeds, over_splits
from pareto_explorer.audits.statistics.jackknife import Estimate, jackknife, minimum_detectable
from pareto_explorer.audits.statistics.klom import gaussian_klom, klom
from pareto_explorer.audits.statistics.leakage import by_role, swap_advantage, swap_advantages
from pareto_explorer.audits.statistics.margins import margins
from pareto_explorer.audits.statistics.memorisation import (
    TERCILES,
    memorisation,
    terciles,
    u_lira_by_tercile,
)
from pareto_explorer.audits.statistics.neurips_score import (
    forgetting_quality,
    privacy_losses,
    quality_points,
)
from pareto_explorer.audits.statistics.outputs import (
    calibration_error,
    churn,
    js_divergence,
    zero_retrain_forgetting,
)
from pareto_explorer.audits.statistics.poison import poison_auc, poison_scores
from pareto_explorer.audits.statistics.recovery import probe_gain, relearn_gain
from pareto_explorer.audits.statistics.reference_attacks import offline_lira, rmia
from pareto_explorer.audits.statistics.remaining import (
    remaining_accuracy,
    remaining_log_probabilities,
)
from pareto_explorer.audits.statistics.roc import auc, threshold_auc, true_positive_rate
from pareto_explorer.audits.statistics.sign_flips import attack_estimate, sign_flips
from pareto_explorer.audits.statistics.u_lira import (
    Attack,
    pooled,
    shrunken,
    u_lira,
    u_lira_accuracy,
    u_lira_scores,
)

__all__ = [
    "TERCILES",
    "Attack",
    "Estimate",
    "attack_estimate",
    "auc",
    "beside_floor",
    "between_seeds",
    "by_role",
    "calibration_error",
    "certified_losses",
    "churn",
    "confusion_error",
    "confusion_swaps",
    "effect_sizes",
    "energy_distance",
    "equivalent_auc",
    "excess_auc",
    "forgetting_quality",
    "gaussian_klom",
    "jackknife",
    "js_divergence",
    "klom",
    "margins",
    "memorisation",
    "minimum_detectable",
    "offline_lira",
    "over_splits",
    "poison_auc",
    "poison_scores",
    "pooled",
    "privacy_losses",
    "probe_gain",
    "quality_points",
    "relearn_gain",
    "remaining_accuracy",
    "remaining_log_probabilities",
    "rmia",
    "shrunken",
    "sign_flips",
    "squared_excess_auc",
    "squared_excess_auc_by_seed",
    "squared_excess_auc_independent",
    "swap_advantage",
    "swap_advantages",
    "terciles",
    "threshold_auc",
    "true_positive_rate",
    "u_lira",
    "u_lira_accuracy",
    "u_lira_by_tercile",
    "u_lira_scores",
    "zero_retrain_forgetting",
]
