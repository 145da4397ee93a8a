"""A small, realistic run directory that no model was trained for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from pareto_explorer.fronts import Box, oracle_free_box, retrain_gap_box
from pareto_explorer.metrics import METRICS, accuracy_drop, forget_accuracy_gap
from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    read_landmarks,
    read_manifest,
    read_points,
    write_landmarks,
    write_manifest,
)

HOSTILE_KNOB = "<script>alert(1)</script>"
HOSTILE_ERROR = 'RuntimeError: <img src=x onerror="alert(2)"> & "quotes"'
HOSTILE_LOSS = "mine:<b>loss</b>&'\""
TOLERANCE = 0.1
STEPS = (20, 40, 60)

# family: aggregator, forget loss, how near to the retrained model it comes (forget, retain)
DESCENT = {
    "upgrad/kl_heldout": ("upgrad", "kl_heldout", 0.06, 0.006),
    "upgrad/kl_uniform": ("upgrad", "kl_uniform", 0.10, 0.010),
    "mgda/kl_heldout": ("mgda", "kl_heldout", 0.20, 0.004),
    "cup/negative_cross_entropy": ("cup", "negative_cross_entropy", 0.12, 0.040),
    f"weighted_sum/{HOSTILE_LOSS}": ("weighted_sum", HOSTILE_LOSS, 0.15, 0.020),
}


def write_synthetic_run(
    path: Path,
    *,
    replicates: int = 3,
    configurations: int = 3,
    seed: int = 0,
) -> RunDirectory:
    """Writes a finished run: 7 families, some diverged and failed trials, one past the tolerance.

    Families: five of Jacobian descent (one with markup in its name), ``fine_tune`` (no aggregator,
    no forget loss) and ``none`` (one point at step 0, the original model).
    """
    rng = np.random.default_rng(seed)
    run = RunDirectory(Path(path))
    landmarks = [
        _landmark(kind, replicate, rng)
        for kind in ("original", "retrained")
        for replicate in range(replicates)
    ]
    gaps = [row["forget_gap"] for row in landmarks if row["landmark"] == "original"]
    write_manifest(run, manifest(retrain_gap_box(gaps, TOLERANCE), replicates, configurations))
    write_landmarks(run, landmarks)
    with PointsWriter(run) as writer:
        for family, (aggregator, loss, forget, retain) in DESCENT.items():
            for number in range(configurations):
                _descent_trial(
                    writer,
                    trial_id=f"{aggregator}-{loss}-{number}".replace("<b>loss</b>&'\"", "x"),
                    identity={
                        "family": family,
                        "method": "jacobian_descent",
                        "aggregator": aggregator,
                        "forget_loss": loss,
                    },
                    config={
                        "lr": [0.01, 0.003, 0.1][number % 3] * float(rng.uniform(0.8, 1.2)),
                        "optimizer": "sgd",
                        **({"intensity": 0.25 * (number + 1)} if aggregator == "cup" else {}),
                        **(
                            {"weight": 0.3, "note": HOSTILE_KNOB}
                            if aggregator == "weighted_sum"
                            else {}
                        ),
                    },
                    floor=(forget * (1 + number), retain * (1 + 3 * number)),
                    ending={("mgda", 2): "diverged", ("cup", 2): "failed"}.get(
                        (aggregator, number), "finished"
                    ),
                    replicates=replicates,
                    rng=rng,
                )
        for number in range(configurations):
            _descent_trial(
                writer,
                trial_id=f"fine_tune-{number}",
                identity={
                    "family": "fine_tune",
                    "method": "fine_tune",
                    "aggregator": None,
                    "forget_loss": None,
                },
                config={"lr": 0.01 * (number + 1), "optimizer": "sgd"},
                floor=(0.35, 0.002),
                ending="finished" if number else "failed_at_once",
                replicates=replicates,
                rng=rng,
            )
        identity = {"trial_id": "none-0", "family": "none", "method": "none"}
        originals = [row for row in landmarks if row["landmark"] == "original"]
        writer.append(
            [
                {
                    **identity,
                    "replicate": row["replicate"],
                    "training_seed": row["replicate"],
                    "unlearning_seed": 100 + row["replicate"],
                    "step": 0,
                    "samples": 0,
                    "seconds": 0.0,
                    "status": "ok",
                    **{
                        k: v
                        for k, v in row.items()
                        if k not in ("landmark", "replicate", "training_seed")
                    },
                }
                for row in originals
            ]
        )
        writer.finish("none-0", "finished")
    return run


def write_oracle_free_run(path: Path, **options: int) -> RunDirectory:
    """Writes the same sweep over a randomly drawn forget set, where nothing was retrained.

    Its objectives are those of ``oracle_free``; what needs the retrained model is in no row.
    """
    twin = write_synthetic_run(Path(path).with_name(f"{Path(path).name}-retrained"), **options)
    run = RunDirectory(Path(path))
    table = read_landmarks(twin)
    before = table[table["landmark"] == "original"].set_index("replicate").to_dict("index")

    def remeasured(row: dict[Any, Any]) -> dict[str, Any]:
        if not isinstance(row.get("forget_gap"), float) or math.isnan(row["forget_gap"]):
            kept = dict(row)
        else:
            original = before[row["replicate"]]
            known = original["validation_accuracy"] + 0.02 * row["forget_gap"]
            kept = row | {"unlearning_accuracy": 1 - known}
            kept["forget_accuracy_gap"] = forget_accuracy_gap(kept, original)
            kept["accuracy_drop"] = accuracy_drop(kept, original)
        return {
            str(name): value
            for name, value in kept.items()
            if not (name in METRICS and METRICS[name].needs_retrained)
            and not (isinstance(value, float) and math.isnan(value))
        }

    landmarks = [
        remeasured(row) for row in table.to_dict("records") if row["landmark"] == "original"
    ]
    box = oracle_free_box([row["forget_accuracy_gap"] for row in landmarks], TOLERANCE)
    written = read_manifest(twin)
    task = {"name": "digits", "forget": {"kind": "random", "fraction": 0.1}}
    spec = written["spec"] | {"task": task, "objectives": "oracle_free"}
    write_manifest(run, written | {"spec": spec, "box": box.to_dict(), "name": "oracle-free"})
    write_landmarks(run, landmarks)
    with PointsWriter(run) as writer:
        for trial_id, rows in read_points(twin).groupby("trial_id"):
            ending, error = rows[["trial_status", "error"]].iloc[-1]
            points = rows.drop(columns="trial_status").to_dict("records")
            writer.append([remeasured(row) for row in points])
            writer.finish(str(trial_id), ending, error or None)
    return run


def manifest(box: Box, replicates: int, configurations: int) -> dict[str, Any]:
    """The manifest of the synthetic run."""
    return {
        "name": "synthetic",
        "written": "2031-05-06T07:08:09+00:00",
        "command": "pareto-explorer sweep synthetic --set task.note='<i>x</i>'",
        "git_commit": "0123456789abcdef0123456789abcdef01234567",
        "versions": {
            "pareto-explorer": "0.1.0",
            "python": "3.11.7",
            "torch": "2.15.0",
            "ray": "2.60.0",
        },
        "machine": {"processor": "A fast one @ 3 GHz", "gpu": "B 200", "cpus": 64, "threads": 1},
        "facts": {
            "name": "digits",
            "train": 1078,
            "forget": 108,
            "retain": 970,
            "heldout": 180,
            "validation": 180,
            "test": 359,
            "n_classes": 10,
            "duplicates": 0,
        },
        "spec": {
            "task": {"name": "digits", "forget": {"kind": "mislabelled", "fraction": 0.1}},
            "replicates": {"training_seeds": list(range(replicates))},
            "budget": {"steps": STEPS[-1], "batch_size": 64, "evaluate_every": STEPS[0]},
            "objectives": "retrain_gap",
            "families": [
                {
                    "method": "jacobian_descent",
                    "aggregator": aggregator,
                    "forget_loss": loss,
                    "lr": {"loguniform": [0.001, 0.1]},
                    **({"note": HOSTILE_KNOB} if aggregator == "weighted_sum" else {}),
                }
                for aggregator, loss, _, _ in DESCENT.values()
            ]
            + [{"method": "fine_tune", "lr": {"loguniform": [0.001, 0.1]}}, {"method": "none"}],
            "search": {"mode": "compare", "configurations": configurations, "seed": 0},
            "resources": {"cpu": 1, "gpu": 0},
        },
        "domains": {
            **{
                family: {
                    "lr": {"loguniform": [0.001, 0.1]},
                    **({"intensity": {"uniform": [0.0, 1.0]}} if aggregator == "cup" else {}),
                }
                for family, (aggregator, *_) in DESCENT.items()
            },
            "fine_tune": {"lr": {"loguniform": [0.001, 0.1]}},
            "none": {},
        },
        "box": box.to_dict(),
    }


def _landmark(kind: str, replicate: int, rng: np.random.Generator) -> dict[str, Any]:
    identity = {"landmark": kind, "replicate": replicate, "training_seed": replicate}
    noise = float(rng.uniform(0, 0.02))
    if kind == "original":
        return identity | _metrics(0.85 - noise, 0.0 + noise / 4)
    spread = {
        name: _metrics(0.0, 0.0)[name] - noise
        for name in ("unlearning_accuracy", "retain_accuracy", "test_accuracy")
    }
    return identity | _metrics(0.0, 0.0) | spread


def _metrics(forget_gap: float, retain_gap: float) -> dict[str, float]:
    return {
        "unlearning_accuracy": 0.96 - 0.9 * forget_gap,
        "retain_accuracy": 0.99 - retain_gap,
        "test_accuracy": 0.97 - retain_gap,
        "validation_accuracy": 0.975 - retain_gap,
        "heldout_accuracy": 0.97 - retain_gap,
        "membership_inference": 0.9 - 0.8 * forget_gap,
        "validation_membership_inference": 0.91 - 0.8 * forget_gap,
        "forget_gap": forget_gap,
        "retain_gap": retain_gap,
        "validation_forget_gap": forget_gap * 1.02,
        "validation_retain_gap": retain_gap * 0.98,
        "average_gap": (forget_gap + retain_gap) / 2,
        "tug_of_war": (1 - forget_gap) * (1 - retain_gap) ** 2,
        "js_divergence": 0.6 * forget_gap,
    }


def _descent_trial(
    writer: PointsWriter,
    *,
    trial_id: str,
    identity: dict[str, Any],
    config: dict[str, Any],
    floor: tuple[float, float],
    ending: str,
    replicates: int,
    rng: np.random.Generator,
) -> None:
    def row(replicate: int, step: int) -> dict[str, Any]:
        return {
            "trial_id": trial_id, **identity, "replicate": replicate, "training_seed": replicate,
            "unlearning_seed": 100 + replicate, "step": step, "samples": step * 256,
            "seconds": 0.004 * step, "status": "ok",
            **{f"config.{name}": value for name, value in config.items()},
        }  # fmt: skip

    if ending == "failed_at_once":
        rows = [row(r, 0) | {"status": "failed", "error": HOSTILE_ERROR} for r in range(replicates)]
        writer.finish(trial_id, "failed", HOSTILE_ERROR, rows)
        return
    for step in STEPS:
        rows = []
        for replicate in range(replicates):
            progress = math.exp(-step / 15)
            noise = rng.uniform(0.9, 1.1, size=2)
            forget = min(0.9, (floor[0] + (0.85 - floor[0]) * progress) * noise[0])
            retain = floor[1] * (0.5 + step / STEPS[-1]) * noise[1]
            measures = _metrics(float(forget), float(retain)) | _diagnostics(identity, progress)
            if ending == "diverged" and step == STEPS[-1]:
                measures = {"status": "diverged"}
            rows.append(row(replicate, step) | measures)
        writer.append(rows)
        if ending == "failed" and step == STEPS[1]:
            break
    errors = {"failed": HOSTILE_ERROR, "diverged": "the loss is not finite at step 57"}
    writer.finish(trial_id, ending, errors.get(ending))


def _diagnostics(identity: dict[str, Any], progress: float) -> dict[str, float]:
    if identity["aggregator"] is None:
        return {}
    return {
        "cosine": -0.4 * progress,
        "norm_retain": 0.1 + progress,
        "norm_forget": 5 * progress,
        "weight_retain": 0.5,
        "weight_forget": 0.5 + progress,
        "hardness": 0.2 * progress,
        "loss_retain": 0.05,
        "loss_forget": 3 * progress,
    }
