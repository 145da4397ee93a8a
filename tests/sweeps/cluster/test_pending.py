from __future__ import annotations

import os

import pytest

from pareto_explorer.sweeps.cluster.room import FEWEST, VARIABLE, pending_trials
from pareto_explorer.sweeps.search.compare import PlannedTrials


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize(("room", "pending"), [(0, FEWEST), (2, FEWEST), (64, 64)])
def test_ray_prepares_as_many_trials_as_there_is_room_for(room, pending):
    from ray.tune.execution.tune_controller import _get_max_pending_trials
    from ray.tune.search import SearchGenerator

    search = SearchGenerator(PlannedTrials([]))
    assert _get_max_pending_trials(search) == 1
    with pending_trials(room):
        assert _get_max_pending_trials(search) == pending
    assert VARIABLE not in os.environ


def test_it_is_unset_after_an_error():
    with pytest.raises(RuntimeError), pending_trials(2):
        raise RuntimeError
    assert VARIABLE not in os.environ


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv(VARIABLE, "3")
    with pending_trials(64):
        assert os.environ[VARIABLE] == "3"
    assert os.environ[VARIABLE] == "3"
