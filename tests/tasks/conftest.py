from __future__ import annotations

import pytest
import torch

from pareto_explorer.tasks import UnlearningTask
from tests.tasks.small import small_task


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def task() -> UnlearningTask:
    return small_task()
