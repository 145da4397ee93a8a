"""The run directory: all that a sweep leaves behind, and all that a report needs.

Whatever is read is checked: types, ranges, keys, and that the rows are this run's own. What does
not fit is one sentence with file, row and value. Neither torch nor Ray is needed.

>>> from pathlib import Path
>>> from pareto_explorer.runs import RunDirectory, read_manifest, read_points
>>> directory = RunDirectory(Path("runs/digits"))
>>> points = read_points(directory)
>>> sorted({"trial_id", "replicate", "step", "family"} - {*points.columns})
[]
>>> [objective["metric"] for objective in read_manifest(directory)["box"]["objectives"]]
['forget_gap', 'retain_gap']

| part of a run | what reads and writes it |
|---|---|
| its places | ``RunDirectory`` |
| ``sweep.yaml``, the manifest | ``read_manifest``, ``recorded_entry``, ``write_manifest`` |
| the points | ``read_points``, ``read_plans``, ``PointsWriter``, ``finished_trials``, \
``forget_unfinished`` |
| their columns | ``config_columns``, ``metric_columns``, ``diagnostic_columns`` |
| the landmarks | ``read_landmarks``, ``write_landmarks`` |
| kept models | ``find_model``, ``keep_model`` |
| that all belongs together | ``require_own``, ``require_planned`` |
| files, each whole or not at all | ``atomic_path``, ``write_text`` |
| runs in storage | ``Mirror``, ``is_uri`` |
"""

from pareto_explorer.runs.files.atomic import atomic_path, write_text
from pareto_explorer.runs.kept_models import find_model, keep_model
from pareto_explorer.runs.landmarks_table import read_landmarks, write_landmarks
from pareto_explorer.runs.manifest import (
    RunDirectory,
    read_manifest,
    recorded_entry,
    write_manifest,
)
from pareto_explorer.runs.own import require_own, require_planned
from pareto_explorer.runs.points import (
    PointsWriter,
    finished_trials,
    forget_unfinished,
    read_plans,
    read_points,
)
from pareto_explorer.runs.remote.mirror import Mirror, is_uri
from pareto_explorer.schema.columns import config_columns, diagnostic_columns, metric_columns

__all__ = [
    "Mirror",
    "PointsWriter",
    "RunDirectory",
    "atomic_path",
    "config_columns",
    "diagnostic_columns",
    "find_model",
    "finished_trials",
    "forget_unfinished",
    "is_uri",
    "keep_model",
    "metric_columns",
    "read_landmarks",
    "read_manifest",
    "read_plans",
    "read_points",
    "recorded_entry",
    "require_own",
    "require_planned",
    "write_landmarks",
    "write_manifest",
    "write_text",
]
