"""Models of an audit that were never trained: margins that are drawn."""

from __future__ import annotations

import numpy as np

from pareto_explorer.audits.records import DATA, Arrays, Shadow

FORGET, RETAIN, TEST, CLASSES = 30, 50, 40, 3
SIZES = {"forget": FORGET, "retain": RETAIN, "test": TEST}
TRIAL, STEP = "sum-000", 20


def data() -> Arrays:
    found = {name: np.arange(size) for name, size in SIZES.items()}
    found |= {"relearn_at": np.array([0, 20]), "probe_at": np.array([5])}
    return found | {f"{name}_labels": np.arange(size) % CLASSES for name, size in SIZES.items()}


def says(draws: np.random.Generator, shift: float = 0.0) -> Arrays:
    """What a model says whose margins on the forget set are shifted."""
    found: Arrays = {}
    for name, size in SIZES.items():
        margins = draws.normal(shift if name == "forget" else 0.0, 1.0, size)
        found[name] = margins.astype(np.float32)
        found[f"{name}_class"] = draws.integers(CLASSES, size=size).astype(np.int32)
    found["forget_logits"] = draws.normal(size=(FORGET, CLASSES)).astype(np.float32)
    found["ece"] = np.array(draws.uniform(0.0, 0.1))
    found["zrf"] = np.array(draws.uniform(0.8, 0.9))
    return found


def shadows(seeds: range, *, shift: float = 1.0) -> dict[Shadow, Arrays]:
    """Original, retrained and unlearned models; the latter forgot with margins that are shifted."""
    draws = np.random.default_rng(0)
    found: dict[Shadow, Arrays] = {DATA: data()}
    for seed in seeds:
        found[Shadow("original", seed)] = says(draws, 4.0)
        found[Shadow("retrained", seed)] = says(draws)
        found[Shadow("unlearned", seed, TRIAL, STEP)] = says(draws, shift)
    return found
