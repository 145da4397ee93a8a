"""How it is unlearned: methods, aggregators, forget losses and what they spend.

A family of a search space names a method and, where that descends on two losses, an aggregator and
a forget loss; all else in it are knobs. The same words build a method in Python:

>>> from pareto_explorer.unlearning import knobs_of, make_method
>>> names = {"method": "jacobian_descent", "aggregator": "cup", "forget_loss": "kl_uniform"}
>>> knobs_of(**names)["intensity"].domain
{'uniform': [0.01, 0.99]}
>>> make_method(names | {"intensity": 0.2, "lr": 0.01}).lr
0.01

| name | what it is |
|---|---|
| ``METHODS``, ``AGGREGATORS``, ``FORGET_LOSSES`` | all that is registered, by name |
| ``WEIGHTINGS`` | the former name of ``AGGREGATORS`` |
| :class:`Entry`, :class:`Knob` | what is known of a registered name and of its hyper-parameters |
| :func:`resolve`, :func:`knobs_of`, :func:`make_method` | from names to entries, knobs, methods |
| ``PRESETS``, :class:`Preset`, :func:`find_preset` | a paper's method with its settings |
| :class:`Method`, :class:`Demanding` | what a method is |
| :class:`Weighting`, :class:`Rule` | what an aggregator is: of a Gramian, or of a whole step |
| :class:`Step`, :class:`Descent` | what a rule sees, and the run that it takes part in |
| ``ForgetLoss``, :class:`ForgetBatch` | what a forget loss is, and what it sees |
| :class:`References`, :func:`reads_original` | what a forget loss may compare predictions with |
| :class:`UnlearningData`, :class:`Batches` | what a method may look at |
| :class:`Budget`, :class:`Ledger` | what a method may spend, and what it has spent |

Rooms, bottom first: ``core``, ``forget_losses``, ``aggregators``, ``methods``. An aggregator, a
method or a forget loss is one file of its room, found there by name.
"""

from pareto_explorer.unlearning.aggregators import Descent, Rule, Step, Weighting
from pareto_explorer.unlearning.core.budget import Budget, Ledger
from pareto_explorer.unlearning.core.data import Batches, UnlearningData
from pareto_explorer.unlearning.core.losses import ForgetBatch, ForgetLoss
from pareto_explorer.unlearning.core.references import References, reads_original
from pareto_explorer.unlearning.family_presets import PRESETS, Preset, find_preset
from pareto_explorer.unlearning.methods import Demanding, Method
from pareto_explorer.unlearning.registry import (
    AGGREGATORS,
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
    "AGGREGATORS",
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
    "Weighting",
    "find_preset",
    "knobs_of",
    "make_method",
    "reads_original",
    "resolve",
]
