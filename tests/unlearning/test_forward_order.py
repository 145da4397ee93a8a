"""The order in which a step passes its batches forward is the same in all methods."""

import re

import pytest

from pareto_explorer.unlearning import (
    AGGREGATORS,
    FORGET_LOSSES,
    METHODS,
    Budget,
    knobs_of,
    make_method,
)
from tests.unlearning.toys import draws, make_data, network

PARTS = ("method", "aggregator", "forget_loss")
FAMILIES = [
    *({"method": name} for name, entry in METHODS.items() if not entry.needs),
    *({"aggregator": name, "forget_loss": "kl_uniform"} for name in AGGREGATORS),
    *({"aggregator": "mean", "forget_loss": name} for name in FORGET_LOSSES),
    {"aggregator": "ngdiff", "forget_loss": "kl_uniform", "auto_lr": True},
    {"aggregator": "ngdiff", "forget_loss": "kl_uniform", "saliency": 0.5},
]
STEPS = 6


def passes(config):
    """The batches that move running statistics in each step: r(etain), f(orget), h(eldout).

    A batch is known by its first sample; one of refusals counts as one of held-out samples.
    """
    if "batch_norm" in knobs_of(*(config.get(part) for part in PARTS)):
        config = config | {"batch_norm": "batch"}
    data, model, budget = make_data(), network(), Budget(STEPS, 5, STEPS)
    sets = {
        tuple(row): letter
        for name, letter in zip(("retain", "forget", "heldout", "refusals"), "rfhh", strict=True)
        for row in getattr(data, name).inputs.tolist()
    }
    steps = [""] * STEPS

    def note(module, inputs):
        if module[1].training and module[1].track_running_stats:
            steps[budget.ledger.step] += sets[tuple(inputs[0][0].tolist())]

    model.register_forward_pre_hook(note)
    for _ in make_method(config).run(model, data, budget, draws()):
        pass
    return steps


@pytest.mark.parametrize("config", FAMILIES, ids=lambda c: "-".join(map(str, c.values())))
def test_the_retain_batch_passes_before_the_forget_batch_and_that_before_the_held_out(config):
    found = passes({"method": "jacobian_descent"} | config)
    for step in found:
        assert re.fullmatch("r*|f*|(r+f+h*)+", step), found


def test_several_methods_pass_both_batches_in_a_step():
    both = {"jacobian_descent", "negative_gradient_plus", "bad_teacher", "raul_calibrated"}
    for name in both | {"entanglement"}:
        needed = {"aggregator": "mean", "forget_loss": "kl_heldout"}
        config = {"method": name} | (needed if METHODS[name].needs else {})
        assert {"r", "f"} <= set(passes(config)[0])
