import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score, roc_curve

from pareto_explorer.audits.statistics import auc, threshold_auc, true_positive_rate

scores = st.integers(1, 30).flatmap(
    lambda n: arrays(np.float64, n, elements=st.integers(-4, 4).map(float))
)


@settings(max_examples=40)
@given(scores, scores)
def test_agrees_with_scikit_learn(positive, negative):
    values = np.concatenate([positive, negative])
    labels = np.arange(len(values)) < len(positive)
    assert auc(positive, negative) == pytest.approx(roc_auc_score(labels, values))
    rates, found, _ = roc_curve(labels, values, drop_intermediate=False)
    for share in (0.0, 0.01, 0.1, 0.5):
        expected = found[rates <= share].max()
        assert true_positive_rate(positive, negative, share) == pytest.approx(expected)


def test_one_value_for_each_model():
    first, second = [[1.0, 2.0], [0.0, 0.0]], [[0.0, 1.0, 3.0], [0.0, 0.0, 0.0]]
    assert threshold_auc(first, second).tolist() == pytest.approx([(1.5 + 2) / 6, 0.5])
