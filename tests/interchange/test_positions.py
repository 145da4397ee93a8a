"""Several models at one step, in sweeps that were made elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pareto_explorer import load_run
from pareto_explorer.errors import InputError
from pareto_explorer.schema.columns import checkpoints_of
from tests.synthetic import write_synthetic_run

OBJECTIVES = [
    {"metric": "loss", "direction": "min", "ideal": 0, "nadir": 1},
    {"metric": "gain", "direction": "max", "ideal": 1, "nadir": 0},
]
TABLE = "run,epoch,place,loss,gain\na,1,0,0.1,0.5\na,1,0.5,0.2,0.6\na,1,1,0.3,0.7\nb,1,0,0.4,0.8\n"
COLUMNS = {"trial_id": "run", "family": "run", "step": "epoch"}


def load(path: Path, columns: dict[str, str], text: str = TABLE):
    (path / "table.csv").write_text(text)
    mapping = {"columns": columns, "objectives": OBJECTIVES}
    (path / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    return load_run(path / "table.csv", path / "mapping.yaml")


def test_a_column_can_be_the_position(tmp_path):
    run = load(tmp_path, COLUMNS | {"position": "place"})
    assert run.points["position"].tolist() == [0.0, 0.5, 1.0, 0.0]
    assert [*checkpoints_of(run.means())] == [
        ("a", 1, 0.0),
        ("a", 1, 0.5),
        ("a", 1, 1.0),
        ("b", 1, 0.0),
    ]


def test_without_one_all_are_at_0_and_what_falls_together_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"both trial 'a', replicate 0, step 1, but differ.*posit"):
        load(tmp_path, COLUMNS | {"replicate": "zero"}, changed(zero=0, place=1))
    run = load(tmp_path, COLUMNS | {"trial_id": "name"}, changed(name=[*"abcd"]))
    assert set(run.points["position"]) == {0.0}


def test_words_called_position_are_something_else(tmp_path):
    text = changed(name=[*"abcd"], position="head")
    run = load(tmp_path, COLUMNS | {"trial_id": "name"}, text)
    assert set(run.points["position"]) == {0.0}


@pytest.mark.parametrize("values", [[0.1, 0.5, 0.7, 0.9], [-1.0, 2.0, 0.0, 1.0]])
def test_numbers_called_position_are_a_metric_of_somebody_else(tmp_path, values):
    text = changed(name=[*"abcd"], position=values)
    run = load(tmp_path, COLUMNS | {"trial_id": "name"}, text)
    assert set(run.points["position"]) == {0.0}


def changed(**columns) -> str:
    return pd.read_csv(io.StringIO(TABLE)).assign(**columns).to_csv(index=False)


@pytest.mark.parametrize("cell", ["-1", "inf"])
def test_a_position_is_a_number_from_0_on(tmp_path, cell):
    with pytest.raises(InputError, match=r"column 'place' holds .* a number of at least 0"):
        load(tmp_path, COLUMNS | {"position": "place"}, TABLE.replace("0.5,0.2", f"{cell},0.2"))


def test_a_table_of_our_own_keeps_its_positions(tmp_path):
    run = load_run(write_synthetic_run(tmp_path / "run").path)
    points = run.points.assign(position=run.points["replicate"] * 0.0 + 1 / 3)
    points.to_csv(tmp_path / "points.csv", index=False)
    (tmp_path / "mapping.yaml").write_text(
        "columns: {position: position, trial_id: trial_id, family: family, step: step, "
        "replicate: replicate, training_seed: training_seed, status: status}\n"
        "objectives: [{metric: forget_gap, direction: min, ideal: 0, nadir: 1}, "
        "{metric: retain_gap, direction: min, ideal: 0, nadir: 1}]\n"
    )
    again = load_run(tmp_path / "points.csv", tmp_path / "mapping.yaml")
    assert set(again.points["position"]) == {1 / 3}
    assert len(again.points) == len(points)
