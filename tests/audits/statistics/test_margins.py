import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pareto_explorer.audits.statistics import margins
from pareto_explorer.errors import InputError

logits = st.tuples(st.integers(1, 4), st.integers(2, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-8, 8))
)


@given(logits, st.data())
def test_is_the_log_odds_of_the_label(z, data):
    y = np.array([data.draw(st.integers(0, z.shape[1] - 1)) for _ in z])
    p = np.exp(z - z.max(1, keepdims=True))
    own = (p / p.sum(1, keepdims=True))[np.arange(len(z)), y]
    expected = np.log(own) - np.log1p(-own)
    # p itself is rounded, which the log of 1 - p sees where p is nearly 1
    assert margins(z, y) == pytest.approx(expected, abs=1e-12 + 1e-15 * np.exp(expected.max()))
    assert margins(z + 300, y) == pytest.approx(margins(z, y), abs=1e-12)
    assert margins(np.stack([z, -z]), y) == pytest.approx(np.stack([margins(z, y), margins(-z, y)]))


def test_does_not_saturate():
    z = np.array([[700.0, 0.0, 0.0], [-700.0, 0.0, 0.0], [1e300, -1e300, 0.0]])
    found = margins(z, np.zeros(3, dtype=int))
    assert found.tolist() == pytest.approx([700 - np.log(2), -700 - np.log(2), 1e300])


def test_single_precision_is_left():
    z = np.array([[20.0, 1e-3]], dtype=np.float32)
    assert margins(z, [0]).dtype == np.float64
    assert margins(z, [0])[0] == float(z[0, 0]) - float(z[0, 1])


@pytest.mark.parametrize(
    ("z", "y", "words"),
    [
        (np.zeros((3, 2)), [0, 1], r"labels: shape \(2,\) found beside logits of shape \(3, 2\)"),
        (np.zeros((3, 1)), [0, 0, 0], "two classes or more"),
        (np.zeros((2, 3)), [0, 3], "labels: 0 to 3 found; give 0 to 2"),
        (np.zeros((2, 3)), [-1, 0], "labels: -1 to 0 found"),
    ],
)
def test_refuses(z, y, words):
    with pytest.raises(InputError, match=words):
        margins(z, y)
