"""Each baseline, at its defaults, unlearns mislabelled digits where doing nothing does not."""

import pytest

from pareto_explorer.tasks import digits
from pareto_explorer.unlearning import make_method
from tests.unlearning.methods.on_digits import measure

pytestmark = pytest.mark.slow

BASELINES = (
    "retrain",
    "negative_gradient_plus",
    "random_labelling",
    "salun",
    "salun_soft",
    "l1_sparse",
    "scrub",
    "bad_teacher",
)


@pytest.mark.parametrize("name", BASELINES)
def test_forgets_wrong_labels_and_keeps_the_rest(name, cache_dir):
    unchanged, unlearned = measure(make_method({"method": name}), digits(), range(8), cache_dir)
    remembered, retained, correct = unlearned.tolist()
    assert unchanged[0] > 0.95
    assert remembered < unchanged[0] - 0.4
    assert retained > 0.95
    assert correct > unchanged[2] - 0.02
