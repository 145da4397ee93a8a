from __future__ import annotations

import pytest
import torch

from pareto_explorer.sweeps.trials.replicate import ReplicateRun
from pareto_explorer.tasks.landmarks.training import repeatable


@pytest.fixture
def racing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)


def flags() -> tuple[bool, bool]:
    return torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark


def test_no_algorithm_is_chosen_by_a_race_and_all_is_put_back(racing: None) -> None:
    with repeatable():
        assert flags() == (True, False)
    assert flags() == (False, True)


def test_unlearning_and_evaluation_are_repeatable(
    racing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReplicateRun, "_advance", lambda _: flags())
    assert next(ReplicateRun.__new__(ReplicateRun)) == (True, False)
    assert flags() == (False, True)
