import pytest

from pareto_explorer.audits.statistics import confusion_error, confusion_swaps


def test_of_two_classes_among_three():
    labels = [0, 0, 0, 1, 1, 2, 2]
    predictions = [0, 1, 2, 0, 1, 0, 1]
    assert confusion_error(predictions, labels, (0, 1)) == pytest.approx(3 / 5)
    assert confusion_swaps(predictions, labels, (0, 1)) == 2
    assert confusion_swaps(predictions, labels, (1, 0)) == 2
    assert confusion_swaps(predictions, labels, (1, 2)) == 1
    assert confusion_error(labels, labels, (0, 1)) == confusion_swaps(labels, labels, (0, 1)) == 0
