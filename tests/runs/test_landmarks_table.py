import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory, metric_columns, read_landmarks, write_landmarks

ROWS = [
    {"landmark": "retrained", "replicate": 0, "training_seed": 5, "test_accuracy": 0.75},
    {"landmark": "original", "replicate": 1, "training_seed": 6, "forget_gap": np.nan},
    {"landmark": "original", "replicate": 0, "training_seed": 5, "forget_gap": 0.5},
]


def test_landmarks_come_back_sorted(tmp_path):
    run = RunDirectory(tmp_path)
    write_landmarks(run, ROWS)
    table = read_landmarks(run)
    assert table["landmark"].tolist() == ["original", "original", "retrained"]
    assert table["training_seed"].tolist() == [5, 6, 5]
    assert metric_columns(table) == ["forget_gap", "test_accuracy"]
    assert table["forget_gap"].isna().tolist() == [False, True, True]


def test_before_there_are_landmarks_the_table_is_empty(tmp_path):
    table = read_landmarks(RunDirectory(tmp_path))
    assert table.columns.tolist() == ["landmark", "replicate", "training_seed"]
    assert len(table) == 0


def test_an_unknown_landmark_is_refused(tmp_path):
    with pytest.raises(InputError, match="'orginal' is not known; did you mean 'original'"):
        write_landmarks(RunDirectory(tmp_path), [{**ROWS[0], "landmark": "orginal"}])


def test_a_damaged_file_is_refused_by_name(tmp_path):
    run = RunDirectory(tmp_path)
    run.landmarks.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match=r"landmarks\.parquet' is damaged"):
        read_landmarks(run)
