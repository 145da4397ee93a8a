"""Statuses stand in one table, and the rest of the package takes its words from there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pareto_explorer
from pareto_explorer.interchange import ColumnMapping
from pareto_explorer.schema import POINT_STATUSES, TRIAL_STATUSES
from pareto_explorer.schema.statuses import DIVERGED, FAILED, FINISHED, RUNNING, ending, stopped

PACKAGE = Path(pareto_explorer.__file__).parent
WORDS = {*POINT_STATUSES, *TRIAL_STATUSES}


def test_every_status_says_what_it_means():
    for meaning in (*POINT_STATUSES.values(), *TRIAL_STATUSES.values()):
        assert meaning.endswith(".")


def test_a_trial_of_several_parts_ended_as_the_worst_of_them_did():
    from pareto_explorer.sweeps.driver.callbacks import _worst

    ends = [(FINISHED, ""), (stopped("rung"), ""), (DIVERGED, "nan"), (FAILED, "died")]
    for count in range(1, 5):
        assert _worst(ends[:count][::-1]) == ends[count - 1]
    assert ending(stopped("at: 3")) == "stopped"
    assert ending(RUNNING) == "running"


def test_a_mapping_knows_every_status_of_a_point():
    words = get_args(ColumnMapping.model_fields["statuses"].annotation)[1]
    assert get_args(words) == tuple(POINT_STATUSES)


def test_no_status_is_compared_with_a_word_of_its_own():
    for path in PACKAGE.rglob("*.py"):
        compared = [
            side.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Compare)
            for side in (node.left, *node.comparators)
            if isinstance(side, ast.Constant) and isinstance(side.value, str)
        ]
        assert not WORDS.intersection(compared), path
