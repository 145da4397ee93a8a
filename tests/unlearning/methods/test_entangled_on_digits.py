"""Both methods at their defaults on digits, against doing nothing."""

import pytest

from pareto_explorer.tasks import Subclass, digits
from pareto_explorer.unlearning.methods.calibrated import RAULCalibrated
from pareto_explorer.unlearning.methods.entanglement import Entanglement
from tests.unlearning.methods.on_digits import measure

pytestmark = pytest.mark.slow
SEEDS = range(3)


def test_repair_brings_the_adjacent_part_back_and_not_the_forget_set(cache_dir):
    """The forget set is half of a class: what forgets it forgets the other half first."""
    how = digits(Subclass(label=8)), SEEDS, cache_dir, ("forget", "adjacent", "remote")
    original, forgotten = measure(Entanglement(forget_share=1.0), *how)
    again, repaired = measure(Entanglement(), *how)
    assert original.tolist() == again.tolist()
    assert original.min() > 0.99
    forget, adjacent, remote = forgotten
    assert max(forget, adjacent) < 0.1
    assert remote > 0.98
    forget, adjacent, remote = repaired
    assert forget < 0.02
    assert min(adjacent, remote) > 0.85


def test_calibrated_raul_forgets_wrong_labels_as_far_as_its_smoothing_lets_it(cache_dir):
    """At RAUL's smoothing its third objective keeps the labels; with more of it they go."""
    method = RAULCalibrated(lr=0.1, smoothing=0.9)
    before, after = measure(method, digits(), SEEDS, cache_dir)
    assert before[0] > 0.95
    assert after[0] < before[0] - 0.5
    assert after[1] > 0.97
    assert after[2] > before[2] - 0.02
