"""Seconds and memory that reading the points of a run takes.

    python benchmarks/reading.py
    python benchmarks/reading.py --points 100000 1000000

The run is synthetic: rows of 45 columns, as a sweep over three replicates reports them. It is read
by a fresh process each time, whose memory is the most that it ever held beyond what it held after
its imports. "compacted": points.parquet is up to date, as after a sweep. "with a tail": the last
hundredth of the reports are in the journal only, as while a sweep runs. "journal alone": as a
version without compaction, or a killed sweep that never compacted, leaves it. "table of another
version": there is a table, but nothing says how far it reaches, so both are read and compared.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from pareto_explorer.runs import PointsWriter, RunDirectory
from pareto_explorer.runs.journal import encode
from pareto_explorer.schema.columns import DIAGNOSTICS
from pareto_explorer.schema.metrics import METRICS

GOAL_POINTS, GOAL_SECONDS, GOAL_MEBIBYTES = 100_000, 0.5, 300.0
REPLICATES, STEPS = 3, 5

READ = """
import sys, time
from pathlib import Path
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.recorded import read_recorded
def peak():  # unlike ru_maxrss, which begins with the memory of the process that started this one
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
run = RunDirectory(Path(sys.argv[1]))
before = peak()
started = time.perf_counter()
recorded = read_recorded(run)
seconds = time.perf_counter() - started
print(seconds, (peak() - before) / 1024, len(recorded.points), len(recorded.ends))
"""


def records(points: int) -> Iterator[dict[str, Any]]:
    """The records of a sweep's journal, with about so many points."""
    rng = np.random.default_rng(0)
    measures = [*METRICS, *DIAGNOSTICS]
    for number in range(points // (REPLICATES * STEPS)):
        trial, family = f"upgrad-kl_uniform-{number:06d}", f"upgrad/kl_uniform {number % 8}"
        knobs = {"config.lr": rng.random(), "config.n": int(rng.integers(9)), "config.on": True}
        for step in range(1, STEPS + 1):
            values = rng.random((REPLICATES, len(measures))).tolist()
            rows = [
                {
                    "trial_id": trial,
                    "family": family,
                    "method": "jacobian_descent",
                    "aggregator": "upgrad",
                    "forget_loss": "kl_uniform",
                    "replicate": replicate,
                    "training_seed": replicate,
                    "unlearning_seed": 0,
                    "step": 20 * step,
                    "samples": 2560 * step,
                    "seconds": 0.1 * step,
                    "status": "ok",
                    "error": "",
                    **knobs,
                    **dict(zip(measures, values[replicate], strict=True)),
                }
                for replicate in range(REPLICATES)
            ]
            end = {"trial_id": trial, "trial_status": "finished", "error": None}
            yield {"rows": rows} | ({"end": end} if step == STEPS else {})


def write_run(folder: Path, points: int, compacted: float) -> None:
    """Writes a run of which a share of the points is compacted."""
    run = RunDirectory(folder)
    folder.mkdir()
    kept = int(points * compacted)
    written = 0
    for record in records(points):
        if written >= kept > 0:
            PointsWriter(run).close()
            kept = 0
        with run.journal.open("ab") as file:
            file.write(encode(record))
        written += len(record["rows"])
    if kept:
        PointsWriter(run).close()


def without_record(folder: Path) -> None:
    """Leaves a table as other programs, and earlier versions, write it."""
    path = RunDirectory(folder).points
    pd.read_parquet(path).to_parquet(path, index=False)


def without_table(folder: Path) -> None:
    """Leaves the journal alone."""
    RunDirectory(folder).points.unlink()


def measure(folder: Path) -> tuple[float, float, int, int]:
    """Seconds, MiB, points and ended trials of one reading."""
    command = [sys.executable, "-c", READ, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    seconds, mebibytes, points, ends = done.stdout.split()
    return float(seconds), float(mebibytes), int(points), int(ends)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", default=[GOAL_POINTS])
    parser.add_argument("--rounds", type=int, default=3, help="the shortest of so many times")
    parser.add_argument("--compacted-only", action="store_true", help="only what has a goal")
    options = parser.parse_args()
    console, met = Console(), None
    cases: dict[str, tuple[float, Callable[[Path], None] | None]] = {
        "compacted": (1.0, None),
        "with a tail": (0.99, None),
        "table of another version": (1.0, without_record),
        "journal alone": (1.0, without_table),
    }
    for points in options.points:
        table = Table(title=f"{points:,} points", title_justify="left")
        for heading in ("", "points", "trials", "journal, MB", "table, MB", "seconds", "MiB"):
            table.add_column(heading, justify="right" if heading else "left")
        for name, (share, change) in cases.items():
            if options.compacted_only and name != "compacted":
                continue
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "run")
                write_run(path, points, share)
                if change is not None:
                    change(path)
                run = RunDirectory(path)
                sizes = [p.stat().st_size if p.exists() else 0 for p in (run.journal, run.points)]
                found = [measure(path) for _ in range(options.rounds)]
            seconds, mebibytes = (min(column) for column in list(zip(*found, strict=True))[:2])
            counts = (f"{number:,}" for number in found[0][2:])
            megabytes = (f"{size / 1e6:.1f}" for size in sizes)
            table.add_row(name, *counts, *megabytes, f"{seconds:.2f}", f"{mebibytes:.0f}")
            if name == "compacted" and points == GOAL_POINTS:
                met = seconds <= GOAL_SECONDS and mebibytes <= GOAL_MEBIBYTES
        console.print(table)
    if met is None:
        return 0
    console.print(
        f"Goal, {GOAL_POINTS:,} compacted points in {GOAL_SECONDS:g} s and {GOAL_MEBIBYTES:g} MiB: "
        f"{'met' if met else 'missed'}."
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
