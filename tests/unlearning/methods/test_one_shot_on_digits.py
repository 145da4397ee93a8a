"""Each method, at its defaults, forgets wrong labels of digits where doing nothing does not."""

import pytest

from pareto_explorer.tasks import digits
from pareto_explorer.unlearning import make_method
from tests.unlearning.methods.on_digits import measure

pytestmark = pytest.mark.slow

#: At least so much less accurate on the forget set, at most so much on the retain and test set.
MARGINS = {
    "boundary_shrink": (0.9, 0.02, 0.0),
    "boundary_expand": (0.3, 0.02, 0.02),
    "influence_unlearning": (0.5, 0.02, 0.0),
    "fisher_forgetting": (0.1, 0.05, 0.1),
    "ssd": (0.2, 0.15, 0.15),
    "sfron": (0.9, 0.03, 0.02),
    "task_vector": (0.4, 0.03, 0.02),
    "neg_merge": (0.4, 0.03, 0.02),
    "not": (0.9, 0.02, 0.0),
}


@pytest.mark.parametrize("name", MARGINS)
def test_forgets_wrong_labels_and_keeps_most_of_the_rest(name, cache_dir):
    unchanged, unlearned = measure(make_method({"method": name}), digits(), range(8), cache_dir)
    forgotten, retain_lost, test_lost = unchanged - unlearned
    least, most_retain, most_test = MARGINS[name]
    assert forgotten > least
    assert retain_lost < most_retain
    assert test_lost < most_test
