from __future__ import annotations

import torch

from pareto_explorer.metrics import accuracy


def test_accuracy_is_the_share_of_right_answers() -> None:
    logits = torch.tensor([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]])
    assert accuracy(logits, torch.tensor([0, 1, 1])) == 2 / 3
    assert accuracy(logits, torch.tensor([1, 0, 1])) == 0.0
    assert accuracy(logits, torch.tensor([0, 1, 0])) == 1.0
