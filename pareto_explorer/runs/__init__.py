"""The run directory: all that a sweep leaves behind, and all that a report needs."""

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
