import numpy as np
import pytest

from pareto_explorer.audits.statistics import probe_gain, relearn_gain
from pareto_explorer.errors import InputError

ORIGINAL = np.array([[0.997, 0.995, 0.977, 0.954]] * 4)
UNLEARNED = np.array([[0.054, 0.224, 0.209, 0.216]] * 4)
RETRAINED = np.array([[0.003, 0.018, 0.008, 0.015]] * 4)


def test_relearn_gain_is_the_mean_distance_of_the_curves():
    expected = (0.054 + 0.224 + 0.209 + 0.216 - 0.003 - 0.018 - 0.008 - 0.015) / 4 / 0.994
    assert relearn_gain(ORIGINAL, RETRAINED, UNLEARNED) == pytest.approx(expected)


def test_ends_of_the_scale():
    assert relearn_gain(ORIGINAL, RETRAINED, RETRAINED) == 0.0
    still = np.full((3, 5), 0.9)
    assert relearn_gain(still, still - 0.6, still) == pytest.approx(1)
    assert probe_gain([0.97, 0.99], [0.7, 0.84], [0.7, 0.84]) == 0.0
    assert probe_gain([0.97, 0.99], [0.7, 0.84], [0.97, 0.99]) == 1.0
    assert probe_gain([0.97], [0.77], [0.95]) == pytest.approx(0.9)


def test_where_nothing_can_come_back_there_is_no_gain():
    known = np.full((2, 3), 0.985)
    with pytest.raises(InputError, match=r"retrained: accuracy only .* below the original"):
        relearn_gain(np.ones((2, 3)), known, known)
    with pytest.raises(InputError, match="leave this audit out"):
        probe_gain([1.0], [1.0], [1.0])
