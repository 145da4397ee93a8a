"""How it is unlearned: methods, weightings, forget losses and what they spend."""

from pareto_explorer.unlearning.budget import Budget, Ledger
from pareto_explorer.unlearning.data import Batches, UnlearningData
from pareto_explorer.unlearning.demands import Demanding
from pareto_explorer.unlearning.losses import ForgetBatch, ForgetLoss
from pareto_explorer.unlearning.methods import Method
from pareto_explorer.unlearning.presets import PRESETS, Preset, find_preset
from pareto_explorer.unlearning.references import References, reads_original
from pareto_explorer.unlearning.registry import (
    FORGET_LOSSES,
    METHODS,
    WEIGHTINGS,
    Entry,
    Knob,
    knobs_of,
    make_method,
    resolve,
)
from pareto_explorer.unlearning.rules import Descent, Rule, Step

__all__ = [
    "FORGET_LOSSES",
    "METHODS",
    "PRESETS",
    "WEIGHTINGS",
    "Batches",
    "Budget",
    "Demanding",
    "Descent",
    "Entry",
    "ForgetBatch",
    "ForgetLoss",
    "Knob",
    "Ledger",
    "Method",
    "Preset",
    "References",
    "Rule",
    "Step",
    "UnlearningData",
    "find_preset",
    "knobs_of",
    "make_method",
    "reads_original",
    "resolve",
]
