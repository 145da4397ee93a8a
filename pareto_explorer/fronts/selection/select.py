"""Choosing one model of a run, by a rule that looks at validation metrics only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import pandas as pd

from pareto_explorer.errors import InputError, bare, unknown
from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.tables import objective_values, replicate_means
from pareto_explorer.fronts.core.validation_twins import spares_test, validation_box
from pareto_explorer.fronts.selection.answers import ANSWERS, Question
from pareto_explorer.fronts.selection.constraints import (
    SPENT,
    Constraint,
    constraints_on,
    feasible,
    not_audited,
    require_feasible,
)
from pareto_explorer.fronts.selection.moves import Move, moves_from
from pareto_explorer.fronts.selection.named_families import named_families
from pareto_explorer.fronts.selection.one_standard_error import by_preference, simplest
from pareto_explorer.schema.columns import (
    CONFIG_PREFIX,
    Checkpoint,
    config_columns,
    place,
    place_items,
    plain_position,
)
from pareto_explorer.schema.metrics import measure, number
from pareto_explorer.text import count

__all__ = ["RULES", "Rule", "Selection", "select"]

Rule = Literal["knee", "closest", "weights", "tolerance"]
RULES: tuple[str, ...] = get_args(Rule)

_INSIDE = ["lie inside the box"]


@dataclass(frozen=True, eq=False)
class Selection:
    """A chosen model and why it was chosen.

    Attributes:
        chosen: Its row of ``replicate_means``: identity, knobs, the mean of every metric and its
            standard deviation over replicates under ``<metric>.std``.
        rule: ``knee``, ``closest``, ``weights``, ``tolerance``, or ``named`` when the caller named
            trial and step.
        reason: Why the rule takes its model, in words; without a full stop.
        one_standard_error: How the one-standard-error rule went on from there, in words; empty if
            not asked for.
        constraints: The bounds that it keeps.
        families: The families it was chosen among, sorted.
        n_candidates: The models of these families that are usable in every replicate.
        n_considered: Those among which the rule chose: they keep the constraints and, unless the
            rule is ``tolerance`` or no model does, lie inside the box.
        n_not_audited: The candidates that a constraint rules out for want of an audit.
        n_front: The models on the validation front of the candidates.
        moves: Where one could move from here along the validation front.
        box: The objectives that are reported.
        validation: The same with validation metrics: what the choice looked at.
    """

    chosen: pd.Series[Any]
    rule: str
    reason: str
    one_standard_error: str
    constraints: tuple[Constraint, ...]
    families: tuple[str, ...]
    n_candidates: int
    n_considered: int
    n_not_audited: int
    n_front: int
    moves: tuple[Move, ...]
    box: Box
    validation: Box

    def __repr__(self) -> str:
        values = [f"{metric} {measure(self.chosen[metric])}" for metric in self.box.metrics]
        knobs = [f"{name} {bare(number(value))}" for name, value in self.knobs.items()]
        return (
            f"<Selection {bare(self.trial_id)}, {self.place} of {bare(self.family)}, "
            f"by {self.rule}: {', '.join([*values, *knobs])}>"
        )

    @property
    def trial_id(self) -> str:
        """The chosen trial."""
        return str(self.chosen["trial_id"])

    @property
    def step(self) -> int:
        """The step of the chosen checkpoint."""
        return int(self.chosen["step"])

    @property
    def position(self) -> float:
        """Where it is among the models that its trial showed at this step; 0 if it was the only."""
        return float(self.chosen["position"])

    @property
    def checkpoint(self) -> Checkpoint:
        """The chosen trial, step and position."""
        return self.trial_id, self.step, self.position

    @property
    def place(self) -> str:
        """Step and position in words."""
        return place(self.step, self.position)

    @property
    def family(self) -> str:
        """The family of the chosen model."""
        return str(self.chosen["family"])

    @property
    def knobs(self) -> dict[str, Any]:
        """The chosen configuration: plain values by knob."""
        found = {name: self.chosen[name] for name in config_columns(self.chosen.to_frame().T)}
        return {
            name.removeprefix(CONFIG_PREFIX): value.item() if hasattr(value, "item") else value
            for name, value in found.items()
            if not pd.isna(value)
        }

    @property
    def unseparated(self) -> tuple[str, ...]:
        """What the choice looked at although it is reported, for lack of a validation twin."""
        objectives = [m for m in self.box.metrics if m in self.validation.metrics]
        bounds = [
            c.metric
            for c in self.constraints
            if c.column == c.metric and c.metric not in (*SPENT, *self.validation.metrics)
        ]
        return tuple(dict.fromkeys(objectives + bounds))

    @property
    def spared_test(self) -> bool:
        """Whether nothing that the choice looked at was measured on the test set."""
        looked_at = [*self.validation.metrics, *(c.column for c in self.constraints)]
        return all(spares_test(metric) for metric in looked_at)

    @property
    def picked_from(self) -> str:
        """How many models it was picked from, in words; without a full stop."""
        n, k = self.n_candidates, len(self.families)
        words = f"one of {count(n, 'candidate')} from {count(k, 'family', 'families')}"
        if self.n_considered == self.n_candidates:
            return words
        unknown = f"; {self.n_not_audited:,} were not audited" if self.n_not_audited else ""
        kept = ["keep the constraints"] if self.constraints else []
        inside = [] if self.rule == "tolerance" or self.chosen["beyond_box"] else _INSIDE
        return f"{words}, of which {self.n_considered:,} {' and '.join(kept + inside)}{unknown}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the metrics of the chosen row."""
        return {
            "trial_id": self.trial_id,
            **place_items(self.step, self.position),
            "family": self.family,
            "samples": float(self.chosen["samples"]),
            "knobs": self.knobs,
            "rule": self.rule,
            "reason": self.reason,
            "one_standard_error": self.one_standard_error,
            "constraints": [asdict(constraint) for constraint in self.constraints],
            "families": list(self.families),
            "candidates": self.n_candidates,
            "considered": self.n_considered,
            "not_audited": self.n_not_audited,
            "front": self.n_front,
            "moves": [move.to_dict() for move in self.moves],
            "box": self.box.to_dict(),
            "chosen_on": list(self.validation.metrics),
        }


def select(
    points: pd.DataFrame,
    box: Box,
    *,
    rule: str | None = None,
    maximum: Mapping[str, float] | None = None,
    minimum: Mapping[str, float] | None = None,
    weights: Sequence[float] | None = None,
    families: str | Sequence[str] = (),
    one_standard_error: bool = False,
    trial_id: str | None = None,
    step: int | None = None,
    position: float = 0.0,
    means: pd.DataFrame | None = None,
) -> Selection:
    """Chooses one model among the replicate means of a run, by its validation metrics.

    The rules: ``knee`` takes the highest trade-off of the front (the model closest to the ideal
    where nothing stands out), ``closest`` the model whose worst objective is nearest to the ideal
    of the box, ``weights`` the one whose pseudo-weights are nearest to the given ones; see
    ``decision_rules``. ``tolerance`` takes the best value of the first objective that no constraint
    is on, which is the forget objective unless that is bounded. Of equally good models the one
    with the fewest samples is taken, then the one with the fewest knobs.

    Args:
        points: A points table.
        box: The objectives.
        rule: By default ``weights`` where they are given, else ``tolerance`` where a constraint
            is, else ``knee``.
        maximum: Largest replicate means allowed, by metric; looked at on the validation twins.
        minimum: Smallest ones.
        weights: For the rule ``weights``: the importance of each objective, in the box's order.
        families: Chooses among these only, one or several: names, what names begin with, or
            patterns such as ``"*/kl_heldout"``; see ``named_families``.
        one_standard_error: Takes the earliest model (fewest samples, then fewest knobs) that is
            not distinguishable from the rule's choice: whose score is at most one standard error
            of the paired differences over replicates worse. The score is the optimised objective
            for ``tolerance``, the distance to the ideal for ``closest``, and every objective on
            its own for the other rules, whose criterion a single model does not have.
        trial_id: Names the model instead of a rule, together with ``step``.
        step: See ``trial_id``.
        position: Where the named model is, if its trial showed several at this step.
        means: ``replicate_means(points, validation_box(points, box))``, where it is at hand
            already.

    Raises:
        InputError: Nothing to choose from, no model keeps the constraints, an unknown name, or
            options that do not go together.
    """
    constraints = constraints_on(points, box, maximum, minimum)
    named = trial_id is not None or step is not None or position != 0
    if named and (rule or constraints or weights or one_standard_error):
        raise InputError(
            "`trial_id`: a model that is named is not chosen by a rule; leave out `trial_id`, "
            "`step` and `position`, or everything else that chooses."
        )
    rule = "named" if named else _rule(rule, constraints, weights)
    validation = validation_box(points, box)
    means = replicate_means(points, validation) if means is None else means
    means = _candidates(means, points, families, validation)
    if named:
        chosen = _named(means, trial_id, step, position)
        reason, simpler, considered = "named by its trial and step", "", means
    else:
        require_feasible(means, constraints, validation)
        considered = means[feasible(means, constraints)]
        inside = considered[~considered["beyond_box"]]
        if rule != "tolerance" and len(inside):
            considered = inside
        considered = considered.iloc[by_preference(considered)].reset_index(drop=True)
        best, reason, scores = ANSWERS[rule](
            Question(points, considered, validation, constraints, weights)
        )
        chosen, simpler = considered.iloc[best], ""
        if one_standard_error:
            position, simpler = simplest(considered, scores(), best)
            chosen = considered.iloc[position]
    return Selection(
        chosen=chosen,
        rule=rule,
        reason=reason,
        one_standard_error=simpler,
        constraints=constraints,
        families=tuple(sorted(means["family"].unique())),
        n_candidates=len(means),
        n_considered=len(considered),
        n_not_audited=not_audited(means, constraints),
        n_front=int(means["on_front"].sum()),
        moves=moves_from(chosen, means, points, validation, constraints),
        box=box,
        validation=validation,
    )


def _rule(
    rule: str | None, constraints: Sequence[Constraint], weights: Sequence[float] | None
) -> str:
    rule = rule or ("weights" if weights else "tolerance" if constraints else "knee")
    if rule not in RULES:
        raise unknown("`rule`", rule, RULES)
    if weights and rule != "weights":
        raise InputError(f"`weights`: the rule {rule} has none; leave them out or use the other.")
    if rule == "tolerance" and not constraints:
        raise InputError(
            "`rule`: tolerance needs a constraint; bound a metric with `maximum` or `minimum`, for "
            "example retain_gap with 0.01."
        )
    return rule


def _candidates(
    means: pd.DataFrame, points: pd.DataFrame, families: str | Sequence[str], box: Box
) -> pd.DataFrame:
    if families:
        means = means[means["family"].isin(named_families(families, points["family"].unique()))]
        front = non_dominated(box.normalise(objective_values(means, box)))
        means = means.assign(on_front=front).reset_index(drop=True)
    if means.empty:
        raise InputError(
            "run: no model is usable in every replicate, so there is none to choose; see the "
            "report for what failed."
        )
    return means


def _named(
    means: pd.DataFrame, trial_id: str | None, step: int | None, position: float
) -> pd.Series[Any]:
    if trial_id is None or step is None:
        raise InputError("`trial_id` and `step` name a model together; give both.")
    of_trial = means[means["trial_id"] == trial_id]
    if of_trial.empty:
        raise unknown("`trial_id`", trial_id, means["trial_id"].unique())
    found = of_trial[of_trial["step"] == step]
    if found.empty:
        raise unknown("`step`", step, map(str, of_trial["step"].unique()))
    there = found[found["position"] == position]
    if there.empty:
        raise unknown("`position`", position, map(plain_position, found["position"]))
    return there.iloc[0]
