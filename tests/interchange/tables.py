"""Small foreign sweeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pareto_explorer.interchange import ColumnMapping

OBJECTIVES = [
    {"metric": "loss", "direction": "min", "ideal": 0, "nadir": 1},
    {"metric": "gain", "direction": "max", "ideal": 1, "nadir": 0},
]


def mapping(**parts: Any) -> ColumnMapping:
    return ColumnMapping.from_dict({"objectives": OBJECTIVES, **parts})


def write(path: Path, text: str) -> Path:
    path.write_text("\n".join(line.strip() for line in text.strip().split("\n")) + "\n")
    return path


def ray_trial(
    folder: Path, config: dict[str, Any], reports: list[dict[str, Any]], error: str = ""
) -> None:
    """The files that Ray Tune 2.60 leaves of one trial."""
    folder.mkdir(parents=True)
    (folder / "params.json").write_text(json.dumps(config, indent=2))
    if error:
        (folder / "error.txt").write_text(f"Failure # 1\nTraceback:\n  ...\n{error}\n")
    if not reports:
        return
    lines = [
        json.dumps(
            {
                **report,
                "timestamp": 1795231982,
                "checkpoint_dir_name": None,
                "done": False,
                "training_iteration": report.get("training_iteration", i),
                "trial_id": folder.name,
                "date": "2031-05-06_07-08-09",
                "time_this_iter_s": 0.5,
                "time_total_s": 0.5 * i,
                "pid": 10953,
                "hostname": "host",
                "node_ip": "192.0.2.2",
                "config": config,
                "time_since_restore": 0.5 * i,
                "iterations_since_restore": i,
            }
        )
        for i, report in enumerate(reports, start=1)
    ]
    (folder / "result.json").write_text("\n".join(lines) + "\n")
