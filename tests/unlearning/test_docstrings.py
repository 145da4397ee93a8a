import doctest
import importlib

import pytest


@pytest.mark.parametrize("room", ["", ".core", ".forget_losses", ".aggregators", ".methods"])
def test_the_example_of_every_room_runs(room):
    found = doctest.testmod(importlib.import_module(f"pareto_explorer.unlearning{room}"))
    assert found.attempted > 2
    assert found.failed == 0
