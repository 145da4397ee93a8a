from __future__ import annotations

import pytest

from pareto_explorer.tasks import UnlearningTask
from tests.tasks.small import small_task


@pytest.fixture
def task() -> UnlearningTask:
    return small_task()
