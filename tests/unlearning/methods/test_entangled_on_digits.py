"""Both methods at their defaults on digits, over three seeds, against doing nothing."""

import copy
from statistics import fmean

from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import Subclass, digits, train_model
from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.calibrated import RAULCalibrated
from pareto_explorer.unlearning.methods.entanglement import Entanglement
from tests.unlearning.methods.on_digits import accuracy
from tests.unlearning.toys import draws

SEEDS = (0, 1, 2)


def unlearned(task, method, parts):
    """Mean accuracies on the parts, of the original models and of the unlearned ones."""
    data, rows = unlearning_data(task), {"original": [], "unlearned": []}
    for seed in SEEDS:
        original = train_model(task, task.train, seed)
        model = copy.deepcopy(original)
        list(method.run(model, data, Budget(60, 64, 60), draws(seed)))
        for name, each in (("original", original), ("unlearned", model)):
            rows[name].append([accuracy(each, getattr(task, part)) for part in parts])
    return {name: [fmean(column) for column in zip(*r, strict=True)] for name, r in rows.items()}


def test_repair_brings_the_adjacent_part_back_and_not_the_forget_set():
    """The forget set is half of a class: what forgets it forgets the other half first."""
    task, parts = digits(Subclass(label=8)), ("forget", "adjacent", "remote")
    forgotten = unlearned(task, Entanglement(forget_share=1.0), parts)
    repaired = unlearned(task, Entanglement(), parts)
    assert forgotten["original"] == repaired["original"]
    assert min(forgotten["original"]) > 0.99
    forget, adjacent, remote = forgotten["unlearned"]
    assert max(forget, adjacent) < 0.1
    assert remote > 0.98
    forget, adjacent, remote = repaired["unlearned"]
    assert forget < 0.02
    assert min(adjacent, remote) > 0.85


def test_calibrated_raul_forgets_wrong_labels_as_far_as_its_smoothing_lets_it():
    """At RAUL's smoothing its third objective keeps the labels; with more of it they go."""
    task, parts = digits(), ("forget", "retain", "test")
    found = unlearned(task, RAULCalibrated(lr=0.1, smoothing=0.9), parts)
    before, after = found["original"], found["unlearned"]
    assert before[0] > 0.95
    assert after[0] < before[0] - 0.5
    assert after[1] > 0.97
    assert after[2] > before[2] - 0.02
