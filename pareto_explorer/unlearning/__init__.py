"""How it is unlearned: methods, weightings, forget losses and what they spend."""

from pareto_explorer.unlearning.aggregators import Descent, Rule, Step
from pareto_explorer.unlearning.core.budget import Budget, Ledger
from pareto_explorer.unlearning.core.data import Batches, UnlearningData
from pareto_explorer.unlearning.core.forget_losses import ForgetBatch, ForgetLoss
from pareto_explorer.unlearning.core.references import References, reads_original
from pareto_explorer.unlearning.family_presets import PRESETS, Preset, find_preset
from pareto_explorer.unlearning.methods import Method
from pareto_explorer.unlearning.methods._descent import Demanding
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
