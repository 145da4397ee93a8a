from __future__ import annotations

import doctest
import subprocess
import sys

import pytest

from pareto_explorer import schema
from pareto_explorer.schema import METRICS, caption, inline, label, statuses


def test_every_metric_is_described() -> None:
    for name, metric in METRICS.items():
        assert name == metric.name
        assert metric.label
        assert metric.caption
        assert metric.meaning.endswith(".")
        assert metric.source
        assert metric.direction in {"min", "max", "none"}


def test_gaps_are_to_be_small_and_accuracies_high() -> None:
    assert all(METRICS[name].direction == "min" for name in METRICS if name.endswith("_gap"))
    assert METRICS["accuracy_drop"].direction == "min"
    assert METRICS["tug_of_war"].direction == METRICS["test_accuracy"].direction == "max"
    assert METRICS["membership_inference"].direction == "none"


def test_a_twin_is_another_metric_of_the_same_kind_that_spares_the_test_set() -> None:
    twins = {name: metric.twin for name, metric in METRICS.items() if metric.twin}
    assert len(twins) == 7
    for name, twin in twins.items():
        mine, other = METRICS[name], METRICS[twin]
        assert (mine.reads_test, other.reads_test, other.twin) == (True, False, None)
        assert (mine.direction, mine.needs_retrained) == (other.direction, other.needs_retrained)
        assert tuple(METRICS[part].twin or part for part in mine.over) == other.over


def test_what_is_averaged_over_other_metrics_reads_what_they_read() -> None:
    gaps = [metric for metric in METRICS.values() if metric.over]
    assert len(gaps) == 5
    for gap in gaps:
        assert gap.needs_retrained
        assert gap.reads_test == any(METRICS[part].reads_test for part in gap.over)


def test_a_column_of_ones_own_has_words_as_well() -> None:
    assert (label("my_loss"), inline("my_loss"), caption("my_loss")) == ("My loss", "my loss", "")
    assert inline("forget_gap") == "forget gap"
    assert inline("js_divergence") == "JS divergence"


@pytest.mark.parametrize("module", [schema, statuses])
def test_the_examples_run(module) -> None:
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_the_tables_import_nothing_heavy_and_none_of_our_packages_above() -> None:
    code = "import sys, pareto_explorer.schema, pareto_explorer.schema.columns; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert not modules & {"torch", "ray", "optuna", "sklearn", "plotly"}
    ours = {name.split(".")[1] for name in modules if name.startswith("pareto_explorer.")}
    assert ours <= {"_version", "errors", "text", "trust", "schema"}


def test_rows_alone_need_no_tables() -> None:
    code = "import sys, pareto_explorer.schema; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"pandas", "numpy"}
