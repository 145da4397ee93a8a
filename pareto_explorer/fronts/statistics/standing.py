"""Where each family stands against the one with the largest mean hypervolume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pareto_explorer.fronts.statistics.comparison import SEPARABLE_FROM, Comparison
from pareto_explorer.fronts.statistics.families import FamilyHypervolume
from pareto_explorer.text import called, count, families, plural

__all__ = ["LARGEST", "REPEATED", "Standing", "standing", "standing_sentence"]

_HYPERVOLUME = "mean hypervolume (the share of the possible trade-offs that its models beat)"

LARGEST = f"has the largest {_HYPERVOLUME}"
"""What the leader of a ranking has, with half a sentence on the measure."""

REPEATED = "each repeats every trial with other seeds"
"""What replicates are."""

_NAMED = 5


@dataclass(frozen=True)
class Standing:
    """Every family in one group; in each group those with the larger mean first.

    Attributes:
        leader: The family with the largest mean over its own replicates.
        ahead: Those that are distinguishable from it and better where both were run, which takes
            families that were not run in the same replicates.
        tied: Those that are not distinguishable from it.
        behind: Those that are, and are worse.
        undecided: Those with fewer than six replicates in common with it, of which nothing is said.
        unsettled: Those of ``tied`` and ``undecided`` over which its lead may not survive another
            draw of the configurations; of ``tied``, only where the replicates alone would have
            told the two apart.
        shared: The most replicates that it has in common with another family.
        replicates: The number of replicates in which any family was run.
    """

    leader: str
    ahead: tuple[str, ...]
    tied: tuple[str, ...]
    behind: tuple[str, ...]
    undecided: tuple[str, ...]
    unsettled: tuple[str, ...]
    shared: int
    replicates: int


def standing(
    volumes: Mapping[str, FamilyHypervolume], comparisons: Sequence[Comparison]
) -> Standing:
    """Groups families by what can be said of them and the leader.

    Args:
        volumes: Hypervolumes by family, at least one.
        comparisons: What ``compare_families`` gives for them.
    """
    leader, *others = sorted(volumes, key=lambda name: (-volumes[name].mean, name))
    pairs = {c.second: c for c in comparisons if c.first == leader}
    enough = {name for name, c in pairs.items() if len(c.differences) >= SEPARABLE_FROM}
    apart = {name for name in enough if pairs[name].distinguishable}
    behind = {name for name in apart if pairs[name].behind == name}
    doubtful = {
        name
        for name, c in pairs.items()
        if c.behind == name and not c.holds_in_draws and (c.holds_in_seeds or name not in enough)
    }

    def group(members: set[str]) -> tuple[str, ...]:
        return tuple(name for name in others if name in members)

    return Standing(
        leader,
        ahead=group(apart - behind),
        tied=group(enough - apart),
        behind=group(behind),
        undecided=group(set(others) - enough),
        unsettled=group(doubtful - apart),
        shared=max((len(c.differences) for c in pairs.values()), default=0),
        replicates=len({r for volume in volumes.values() for r in volume.per_replicate}),
    )


def standing_sentence(found: Standing, remedy: str = "", *, named: int = _NAMED) -> str:
    """Names the leader, the families that cannot be told from it, and those clearly behind.

    With fewer than six replicates in common it claims neither a tie nor an order.

    Args:
        found: What ``standing`` returns.
        remedy: How to get six replicates: what follows "it takes 6, in".
        named: How many families of a group are named before the rest is counted.
    """
    ahead, tied, behind, undecided = (
        families(names, named) for names in (found.ahead, found.tied, found.behind, found.undecided)
    )
    leader = called(found.leader)
    if not (ahead or tied or behind or undecided):
        return f"{leader} is the only family: its {_HYPERVOLUME} has no other to compare with."
    if found.shared < SEPARABLE_FROM:
        return f"{leader} {LARGEST}, but {_too_few(found, remedy)}."
    if not (ahead or tied or undecided):
        every = "every other family: " if len(found.behind) > 1 else ""
        return f"{leader} {LARGEST}, clearly ahead of {every}{behind}."
    doubt = _doubt(found, named)
    if len(found.tied) > 1 and not (ahead or behind or undecided):
        return f"{leader} {LARGEST}, but no other family can be told from it: {tied}{doubt}."
    said = []
    if ahead:
        said.append(f"{ahead} {_be(found.ahead)} clearly ahead of it where both were run")
    if tied:
        said.append(f"{tied} cannot be told from it{doubt}")
    if behind:
        said.append(f"{behind} {_be(found.behind)} clearly behind")
    if undecided:
        have = plural(len(found.undecided), "has", "have")
        said.append(
            f"{undecided} {have} too few replicates ({REPEATED}) in common with it for a verdict"
        )
    joined = "and" if behind and not ahead else "but"
    return f"{leader} {LARGEST}, {joined} {'; '.join(said)}."


def _too_few(found: Standing, remedy: str) -> str:
    if found.shared == 0:
        return f"no other family was run in a replicate ({REPEATED}) with it"
    total = found.replicates
    if total >= SEPARABLE_FROM:
        return (
            f"it has at most {found.shared} of {total} replicates ({REPEATED}) in common with "
            f"another family, and a verdict takes {SEPARABLE_FROM}"
        )
    counted = f"{count(total, 'replicate')} ({REPEATED}) {plural(total, 'is', 'are')}"
    how = f", in {remedy}" if remedy else ""
    return f"{counted} too few to tell families apart: it takes {SEPARABLE_FROM}{how}"


def _doubt(found: Standing, named: int) -> str:
    """Which ties are ties only for the draw of the configurations."""
    over = [name for name in found.tied if name in found.unsettled]
    if not over:
        return ""
    which = "" if len(over) == len(found.tied) else f" over {families(over, named)}"
    return f" (its lead{which} may not survive another draw of the configurations)"


def _be(names: Sequence[str]) -> str:
    return plural(len(names), "is", "are")
