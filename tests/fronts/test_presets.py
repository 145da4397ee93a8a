import math

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import OBJECTIVES, efficacy_fidelity_box, retrain_gap_box


def test_retrain_gap_scores_every_original_model_0_and_the_retrained_one_0_gap():
    gaps = [0.5, 0.25, 0.75]
    box = retrain_gap_box(gaps)
    assert box.metrics == OBJECTIVES["retrain_gap"].metrics
    assert box.normalise([[0.0, 0.0], [0.25, 0.1]]).tolist() == [[0, 0], [1, 1]]
    assert (box.normalise([[gap, 0.0] for gap in gaps])[:, 0] >= 1).all()
    assert retrain_gap_box(gaps, tolerance=0.2).objectives[1].nadir == 0.2


@pytest.mark.parametrize(
    ("gaps", "tolerance", "message"),
    [
        ([], 0.1, "needs original models that differ"),
        ([0.3, 0.0], 0.1, "needs original models that differ"),
        ([0.3, math.nan], 0.1, "forget_gap of original model 1: nan is not finite"),
        ([0.3], 0.0, "tolerance: 0.0 is not above 0"),
        ([0.3], math.nan, "tolerance: nan is not finite"),
    ],
)
def test_retrain_gap_refuses_what_cannot_be_measured(gaps, tolerance, message):
    with pytest.raises(InputError, match=message):
        retrain_gap_box(gaps, tolerance)


def test_efficacy_fidelity_maximises_both_accuracies():
    box = efficacy_fidelity_box()
    assert box.metrics == OBJECTIVES["efficacy_fidelity"].metrics
    assert box.normalise([[1.0, 1.0], [0.0, 0.0], [0.75, 1.0]]).tolist() == [
        [0, 0],
        [1, 1],
        [0.25, 0],
    ]


def test_the_registry_goes_by_its_own_names():
    assert all(name == preset.name for name, preset in OBJECTIVES.items())
    assert all(preset.summary and preset.source for preset in OBJECTIVES.values())
