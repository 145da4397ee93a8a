"""What a run suggests to do next, each with the numbers that say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from statistics import stdev
from typing import Any, NamedTuple

import pandas as pd

from pareto_explorer.fronts import (
    Box,
    Comparison,
    KnobDomain,
    edge_sentences,
    objective_values,
    standing,
)
from pareto_explorer.fronts.statistics.comparison import SEPARABLE_FROM
from pareto_explorer.reports.shared.commands import audit_command
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.reports.shared.more_replicates import replicates_option
from pareto_explorer.reports.shared.phrases import percent, share
from pareto_explorer.results import Run
from pareto_explorer.schema.columns import CONFIG_PREFIX
from pareto_explorer.schema.statuses import DIVERGED, FAILED, FINISHED, RUNNING
from pareto_explorer.text import called, count, families, listing, plural
from pareto_explorer.trust.redaction import redacted

__all__ = ["NextStep", "next_steps", "replicates_to_see", "widened"]

_POWER = 2.8
"""Standard errors that a mean must be from 0 to be seen at 5 % in four of five repetitions."""
_MANY_TIMES = 8
_RISING = 0.05
_MOST = 0.75
_NAMED = 2


class NextStep(NamedTuple):
    """One thing to try.

    Attributes:
        what: What to do, as an order.
        why: The numbers that say so.
        line: A command, or what to change in the search space; may be empty.
        card: The key of the card that tells more; may be empty.
    """

    what: str
    why: str
    line: str = ""
    card: str = ""


def next_steps(material: Material) -> list[NextStep]:
    """Everything that applies, what comes first first.

    Args:
        material: Of the run.
    """
    if material.nothing_to_forget:
        first = NextStep("Take another forget request, or other objectives", _nothing(material))
        return [first, *_failed(material), *_diverged(material)]
    if material.validation_means.empty:  # of what is not there, nothing can be said
        return [*_unfinished(material), *_failed(material), *_diverged(material)]
    return [step for rule in _RULES for step in rule(material)]


def _nothing(material: Material) -> str:
    return f"{material.nothing_to_forget} Until then, nothing can be compared."


def _unfinished(material: Material) -> Iterator[NextStep]:
    waiting, total = material.unfinished
    if not waiting:
        return
    commands = [_command(run) for run in _runs(material) if _waits(run)]
    yield NextStep(
        "Let the sweep end",
        f"{waiting:,} of {count(total, 'planned trial')} {plural(waiting, 'has', 'have')} not "
        "ended, so no family is called better yet; if it is not running, the same command "
        "continues it.",
        next(filter(None, commands), ""),
        "failures",
    )


def _failed(material: Material) -> Iterator[NextStep]:
    trials = material.trials
    failed = trials[trials["trial_status"] == FAILED]
    if failed.empty:
        return
    causes = failed["error"].fillna("").map(lambda text: text or "no message").value_counts()
    said = f"{int(causes.iloc[0])} with “{causes.index[0]}”" if len(causes) > 1 else causes.index[0]
    yield NextStep(
        f"See why {count(len(failed), 'trial')} failed",
        f"{listing(_families(failed), _NAMED)}: {said[:200]}. What they had reached before counts.",
        card="failures",
    )


def _diverged(material: Material) -> Iterator[NextStep]:
    """Where all that diverged had a larger learning rate than all that did not, lower its end."""
    trials = material.trials
    diverged = trials[trials["trial_status"] == DIVERGED]
    column = f"{CONFIG_PREFIX}lr"
    told = set()
    for family, rows in trials.groupby("family"):
        domain = material.run.domains.get(str(family), {}).get("lr")
        bad = rows[rows["trial_status"] == DIVERGED]
        well = rows[rows["trial_status"] == FINISHED]
        if domain is None or not domain.bounded or bad.empty or well.empty:
            continue
        lowest, highest = bad[column].min(), well[column].max()
        if not lowest > highest:
            continue
        told.add(family)
        yield NextStep(
            f"Keep the learning rate of {family} lower",
            f"{count(len(bad), 'trial')} diverged, from lr {lowest:.3g} on; the "
            f"{len(well)} that ended well had {highest:.3g} or less.",
            f"lr: {{{domain.kind}: [{domain.arguments[0]:g}, {highest:.2g}]}}",
            "failures",
        )
    rest = diverged[~diverged["family"].isin(told)]
    if len(rest):
        yield NextStep(
            f"See why {count(len(rest), 'trial')} diverged",
            f"A loss or a metric of {listing(_families(rest), _NAMED)} was no longer finite.",
            card="failures",
        )


def _more_seeds(material: Material) -> Iterator[NextStep]:
    """Replicates, where there are too few for a verdict or the leaders lie within the noise."""
    if len(material.competitors) < 2 or material.unfinished[0]:
        return
    have = len(material.replicates)
    if have < SEPARABLE_FROM:
        yield NextStep(
            f"Repeat with {SEPARABLE_FROM} replicates",
            f"{count(have, 'replicate')} cannot tell any two families apart; it takes at least "
            f"{SEPARABLE_FROM}, in a new run.",
            replicates_option(material.run.manifest, SEPARABLE_FROM),
            "differences",
        )
        return
    found = standing(material.competitors, material.comparisons)
    pairs = [
        pair
        for pair in material.comparisons
        if pair.first == found.leader and pair.second in found.tied and not pair.holds_in_seeds
    ]
    if not pairs:
        return
    pair = pairs[0]
    names = families([pair.second for pair in pairs], _NAMED)
    needed = replicates_to_see(pair)
    start = f"{called(pair.first)} leads {called(pair.second)} by {share(abs(pair.mean))}"
    if needed is None or needed > _MANY_TIMES * have:
        yield NextStep(
            f"Take {called(found.leader)} and {names} for equally good",
            f"{start}, which is nothing beside how it varies over {have} replicates: choose by "
            "cost, by an audit or by the model that you need.",
            card="differences",
        )
    else:
        more = max(needed, have + 1)
        yield NextStep(
            f"Repeat with about {more} replicates to settle the tie",
            f"{start} over {have} replicates, with a standard deviation of "
            f"{share(stdev(pair.differences.values()))}; if both stay so, that many show it four "
            "times of five.",
            replicates_option(material.run.manifest, more),
            "differences",
        )


def replicates_to_see(pair: Comparison) -> int | None:
    """How many replicates a paired test needs to see this difference; None if there is none."""
    values = list(pair.differences.values())
    if not pair.mean or len(values) < 2:
        return None
    return max(ceil((_POWER * stdev(values) / pair.mean) ** 2), SEPARABLE_FROM)


def _more_configurations(material: Material) -> Iterator[NextStep]:
    """Configurations, where another draw could turn the order or the search had not ended."""
    if material.unfinished[0] or not material.has_points:
        return
    found = standing(material.competitors, material.comparisons)
    shares = {
        pair.second: pair.draw_share for pair in material.comparisons if pair.first == found.leader
    }
    line = _twice_the_configurations(material)
    if found.unsettled:
        name = found.unsettled[0]
        yield NextStep(
            "Draw more configurations",
            f"The lead of {called(found.leader)} over {families(found.unsettled, _NAMED)} may be "
            f"luck of the draw: over {called(name)}, it holds in {percent(shares[name] or 0.0)} of "
            "the random halves of the configurations.",
            line,
            "differences",
        )
        return
    volume = material.competitors[found.leader]
    samples = volume.half_samples
    if samples is None or not samples.varied:
        return
    half = samples.spread()[0]
    if volume.mean - half >= _RISING * volume.mean > 0:
        yield NextStep(
            "Draw more configurations",
            f"{called(found.leader)} is still rising: with half of its configurations it reaches "
            f"{share(half)} on average, with all of them {share(volume.mean)}.",
            line,
            "anytime",
        )


def _edges(material: Material) -> Iterator[NextStep]:
    edges = material.edges
    if edges.empty:
        return
    for _, rows in edges.groupby(["knob", "domain", "end"], sort=False):
        worst = rows.sort_values("lost").iloc[-1]
        family, knob = str(worst["family"]), str(worst["knob"])
        yield NextStep(
            edge_sentences(rows)[0].removesuffix("; widen it.") + ": widen the range",
            f"Without the outer tenth of it, {family} loses {percent(worst['lost'])} of its "
            "hypervolume, and what lies nearer to that end is better.",
            widened(knob, material.run.domains[family][knob], str(worst["end"])),
            "ranges",
        )


def widened(knob: str, domain: KnobDomain, end: str) -> str:
    """A range on a logarithmic scale that reaches three times farther; others have limits."""
    if not domain.kind.startswith("log"):
        return ""
    low, high = domain.arguments
    low, high = (low / 3, high) if end == "lower" else (low, high * 3)
    whole = domain.kind.endswith("randint")
    ends = f"{max(int(low), 1)}, {int(high)}" if whole else f"{low:.2g}, {high:.2g}"
    return f"{knob}: {{{domain.kind}: [{ends}]}}"


def _longer(material: Material) -> Iterator[NextStep]:
    """A longer budget, where nearly all of the front are last steps."""
    points = material.run.points
    if points.groupby("trial_id")["step"].nunique().max() < 2 or material.front.empty:
        return
    last = material.front["trial_id"].map(points.groupby("trial_id")["step"].max())
    at_end = int((material.front["step"] == last).sum())
    several = material.front["trial_id"].map(points.groupby("trial_id")["step"].nunique()) > 1
    if not several.all() or at_end < _MOST * len(material.front) or len(material.front) < 3:
        return
    steps = int(points["step"].max())
    yield NextStep(
        "Give every trial more steps",
        f"{at_end} of {count(len(material.front), 'point')} on the front of all families are the "
        "last step of their trial, so trials were cut while they still improved.",
        _set(material, "budget.steps", 2 * steps),
        "anytime",
    )


def _coverage(material: Material) -> Iterator[NextStep]:
    coverage = material.coverage
    poor = coverage[coverage["poor"].astype(bool)] if len(coverage) else coverage
    if poor.empty:
        return
    yield NextStep(
        "Cover the ranges",
        f"{count(len(poor), 'range')} of {len(coverage)} {plural(len(poor), 'was', 'were')} hardly "
        f"tried, among them {poor['knob'].iloc[0]} of {poor['family'].iloc[0]}: "
        f"{count(int(poor['configurations'].iloc[0]), 'configuration')} in "
        f"{poor['domain'].iloc[0]}.",
        _twice_the_configurations(material),
        "ranges",
    )


def _unequal(material: Material) -> Iterator[NextStep]:
    """Equal budgets for families, where one search shared them out."""
    modes = {run.manifest.get("spec", {}).get("search", {}).get("mode") for run in _runs(material)}
    if "explore" in modes and len(material.competitors) > 1:
        trials = material.trials.groupby("family").size()
        yield NextStep(
            "Compare the best families at equal budgets",
            f"One search drew the trials, {trials.max()} for {called(str(trials.idxmax()))} and "
            f"{trials.min()} for {called(str(trials.idxmin()))}: that finds models and ranks no "
            "families.",
            _set(material, "search.mode", "compare"),
            "hypervolume",
        )


def _retraining(material: Material) -> Iterator[NextStep]:
    if material.run.retrained or not len(material.run.landmarks):
        return
    yield NextStep(
        "Retrain for comparison",
        "No model was retrained, so nothing says how near to retraining these models come.",
        _set(material, "objectives", "retrain_gap"),
        "finding",
    )


def _audit(material: Material) -> Iterator[NextStep]:
    run, audits = material.run, material.run.audits
    if any("imported" in one.manifest for one in _runs(material)):
        return
    inside = [name for name, near in material.inside_floor.items() if near]
    if audits is None or not audits.points:
        near = (
            f"{families(inside, _NAMED)} {plural(len(inside), 'comes', 'come')} as near to "
            "retraining as another retrained model, so these metrics see no more. "
            if inside
            else ""
        )
        yield NextStep(
            "Audit the model that you would take",
            f"{near}No point was audited, and means over samples miss what an attacker sees who "
            "looks at each.",
            audit_command(run),
            "audit",
        )
    elif inside:
        yield NextStep(
            "Try a harder forget request",
            f"{families(inside, _NAMED)} {plural(len(inside), 'comes', 'come')} as near to "
            "retraining as another retrained model does, so this request tells no better methods "
            "apart.",
            card="finding",
        )


def _outside(material: Material) -> Iterator[NextStep]:
    """Families that never enter the box."""
    out = [name for name, volume in material.competitors.items() if not volume.mean]
    out = [name for name in out if material.run.domains.get(name)]
    if not out or len(out) == len(material.competitors):
        return
    yield NextStep(
        f"Leave out {families(out, _NAMED)}, or give {plural(len(out), 'it', 'them')} other ranges",
        f"No point of {plural(len(out), 'it', 'them')} lies inside the box: "
        f"{_nearest(material, out[0])}.",
        card="hypervolume",
    )


def _nearest(material: Material, family: str) -> str:
    """How near to the box a family has come, in the objective that keeps it out."""
    box: Box = material.run.box
    own = material.means[material.means["family"] == family]
    if own.empty:
        return "none could be measured"
    units = box.normalise(objective_values(own, box)) / box.reference
    worst = units.max(axis=1).argmin()
    metric = box.metrics[units[worst].argmax()]
    return f"its best has {metric.replace('_', ' ')} {own[metric].iloc[worst]:.3g}"


def _behind(material: Material) -> Iterator[NextStep]:
    if not any(volume.mean for volume in material.competitors.values()):
        return
    found = standing(material.competitors, material.comparisons)
    behind = [name for name in found.behind if material.competitors[name].mean]
    if not behind or len(behind) + 1 < len(material.competitors) / 2:
        return
    yield NextStep(
        f"Spend the trials of {families(behind, _NAMED)} on the others",
        f"{count(len(behind), 'family is', 'families are')} clearly behind {called(found.leader)}, "
        "over the seeds and over the draw.",
        card="differences",
    )


_RULES: tuple[Callable[[Material], Iterator[NextStep]], ...] = (
    _unfinished,
    _failed,
    _diverged,
    _more_seeds,
    _more_configurations,
    _edges,
    _longer,
    _audit,
    _retraining,
    _unequal,
    _coverage,
    _outside,
    _behind,
)
"""What stands in the way of any finding comes first, then what would change it."""


def _runs(material: Material) -> list[Run]:
    return [*(material.run.members.values() or [material.run])]


def _waits(run: Run) -> bool:
    trials = run.points.groupby("trial_id")["trial_status"].last()
    return bool((run.planned or 0) > len(trials) or (trials == RUNNING).any())


def _command(run: Run) -> str:
    return redacted(str(run.manifest.get("command", "")))


def _families(trials: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(trials["family"]))


def _twice_the_configurations(material: Material) -> str:
    search: Mapping[str, Any] = material.run.manifest.get("spec", {}).get("search", {})
    now = search.get("configurations")
    return _set(material, "search.configurations", 2 * now) if isinstance(now, int) else ""


def _set(material: Material, entry: str, value: object) -> str:
    """An entry to change, as one gives it to the command line, or writes it into a search space."""
    run = material.run
    if not run.manifest.get("spec"):
        return ""
    if run.manifest.get("command"):
        return f'--set "{entry}={value}"'
    *outer, last = entry.split(".")
    return "".join(f"{name}: {{" for name in outer) + f"{last}: {value}" + "}" * len(outer)
