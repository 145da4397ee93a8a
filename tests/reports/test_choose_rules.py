"""The page chooses as `select` does: both on many runs, the page's own script in a browser."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pareto_explorer.reports
from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, replicate_means
from pareto_explorer.fronts.core.validation_twins import validation_box
from pareto_explorer.fronts.selection.select import RULES, select
from pareto_explorer.reports.shared.choose_data import choose_data
from tests.fronts.core.test_tables import row, table
from tests.reports.test_browser import browser

__all__ = ["browser"]  # a fixture

pytestmark = pytest.mark.browser

SCRIPTS = Path(pareto_explorer.reports.__file__).parent / "templates" / "scripts"
NAMES = ("a", "b", "c")
RUNS = 80
ANSWER = """({ runs, questions }) => questions.map(([run, question]) => {
  const model = models[run] ??= chooseModel(runs[run]);
  const found = model.choose(question);
  if (found.problem) return { id: model.idOf(found.nearest), problem: found.problem };
  const moves = found.moves.map((move) => ({ ...move, row: model.idOf(move.row) }));
  const { reason, simpler, pickedFrom } = found;
  return { id: model.idOf(found.row), reason, simpler, pickedFrom, moves };
})"""


def drawn_run(rng: np.random.Generator) -> tuple[pd.DataFrame, Box]:
    """A few families with ties, duplicates, points beyond the box and missing twins."""
    m, replicates = int(rng.integers(2, 4)), int(rng.integers(1, 5))
    names = NAMES[:m]
    directions = rng.choice(["min", "max"], m)
    ends = [sorted(rng.choice([0.0, 0.1, 1.0, 3.5], 2, replace=False)) for _ in names]
    objectives = tuple(
        Objective(name, kind, *map(float, pair if kind == "min" else pair[::-1]))
        for name, kind, pair in zip(names, directions, ends, strict=True)
    )
    grid, twins = rng.random() < 0.4, rng.random() < 0.8
    counted, positions = rng.random() < 0.8, rng.random() < 0.3
    reach = float(rng.choice([0.4, 0.9, 1.5]))
    shape = rng.choice(["round", "straight", "cloud"])
    rows = []
    for trial in range(int(rng.integers(1, 12))):
        family = f"family{rng.integers(3)}"
        knobs = {f"config.{k}": 0.5 for k in "xyz"[: rng.integers(0, 4)]}
        for step in range(1, int(rng.integers(2, 8))):
            units = rng.uniform(0, 1, m)
            if shape != "cloud":
                units /= np.linalg.norm(units, 2 if shape == "round" else 1)
            units *= rng.choice([1.0, reach * 2]) if shape != "cloud" else 2 * reach
            noise = rng.normal(0, rng.choice([0.0, 0.02, 0.2]), (replicates, m))
            for replicate in range(replicates):
                told = units + noise[replicate]
                told = np.round(told * 8) / 8 if grid else told
                values = {
                    o.metric: o.ideal + u * (o.nadir - o.ideal)
                    for o, u in zip(objectives, told, strict=True)
                }
                seen = {f"validation_{k}": v for k, v in values.items()} if twins else values
                found = row(f"t{trial}", replicate, step, 0.0, 0.0, family=family, **seen, **knobs)
                found |= {name: values[name] + 0.25 * twins for name in names}
                found |= {"samples": 10 * (step // 2) * counted}
                found |= {"position": 0.25 * (step % 2)} if positions else {}
                rows.append(found)
    return table(*rows), Box(objectives, (1.0,) * m)


def questions_of(
    rng: np.random.Generator, box: Box, means: pd.DataFrame, validation: Box, replicates: int
) -> Iterator[dict[str, Any]]:
    families = sorted(means["family"].unique())
    for rule in RULES:
        bounds: list[dict[str, Any]] = []
        if rule == "tolerance" or rng.random() < 0.3:
            count = int(rng.integers(1, len(box.metrics) + 1))
            for j in sorted(rng.choice(len(box.metrics), count, replace=False)):
                kind = {"min": "max", "max": "min"}[box.objectives[j].direction]
                column = means[validation.metrics[j]].to_numpy()
                value = float(rng.choice([*column, float(np.quantile(column, 0.3)), 0.0, 0.2]))
                bounds.append({"objective": int(j), "bound": kind, "value": value})
        bounds.sort(key=lambda bound: bound["bound"])  # as `select` reads them: max, then min
        yield {
            "rule": rule,
            "bounds": bounds,
            "weights": [float(w) for w in rng.choice([0.0, 0.125, 0.3, 1.0], len(box.metrics))],
            "families": [int(rng.integers(len(families)))] if rng.random() < 0.3 else None,
            "oneStandardError": bool(replicates > 1 and rng.random() < 0.5),
        }


def asked(
    points: pd.DataFrame, box: Box, means: pd.DataFrame, question: dict[str, Any]
) -> dict[str, Any]:
    """What Python says, in the form of the script's answer."""
    families = sorted(means["family"].unique())
    bounds = {
        kind: {
            box.metrics[bound["objective"]]: bound["value"]
            for bound in question["bounds"]
            if bound["bound"] == kind
        }
        for kind in ("max", "min")
    }
    try:
        found = select(
            points,
            box,
            rule=question["rule"],
            maximum=bounds["max"],
            minimum=bounds["min"],
            weights=question["weights"] if question["rule"] == "weights" else None,
            families=[families[i] for i in question["families"] or ()],
            one_standard_error=question["oneStandardError"],
            means=means,
        )
    except InputError as error:
        return {"problem": str(error)}
    moves = [
        {
            "row": point_id(move.trial_id, move.step, move.position),
            "samples": move.samples,
            "keeps": move.keeps_constraints,
            "parts": [
                {
                    "gains": metric in move.gains,
                    "change": change,
                    "error": None if math.isnan(move.errors[metric]) else move.errors[metric],
                }
                for metric, change in move.changes.items()
            ],
        }
        for move in found.moves
    ]
    return {
        "id": point_id(found.trial_id, found.step, found.position),
        "reason": found.reason,
        "simpler": found.one_standard_error,
        "pickedFrom": found.picked_from,
        "moves": moves,
    }


def point_id(trial: str, step: int, position: float) -> str:
    return f"{trial}@{step}" + (f"@{position:g}" if position else "")


@pytest.fixture(scope="module")
def ask(browser: Any) -> Iterator[Any]:
    """Puts questions to the page's own scripts."""
    page = browser.new_page()
    names = ("numbers", "choose_rules", "choose_model")
    text = "\n".join((SCRIPTS / f"{name}.js").read_text(encoding="utf-8") for name in names)
    page.add_script_tag(content=f"{text}\nconst models = [];")
    yield lambda call, argument: page.evaluate(call, argument)
    page.close()


def test_every_rule_chooses_as_in_python(ask: Any) -> None:
    rng = np.random.default_rng(17)
    runs, questions, expected = [], [], []
    for number in range(RUNS):
        points, box = drawn_run(rng)
        validation = validation_box(points, box)
        means = replicate_means(points, validation)
        runs.append(choose_data(points, means, box, validation, []))
        replicates = runs[-1]["replicates"]
        for question in questions_of(rng, box, means, validation, replicates):
            if question["rule"] == "weights" and not sum(question["weights"]):
                continue
            questions.append((number, question))
            expected.append(asked(points, box, means, question))
    answers = ask(ANSWER, {"runs": runs, "questions": questions})
    for (number, question), answer, wanted in zip(questions, answers, expected, strict=True):
        told = answer.pop("id") if "problem" in answer else None
        assert answer == wanted, (number, question)
        assert told is None or told.split("@")[0] in wanted["problem"]
    problems = sum("problem" in wanted for wanted in expected)
    assert problems > 10
    assert sum(bool(wanted.get("simpler")) for wanted in expected) > 20
    assert len(expected) > 200
