"""Code that a run directory names: whether and when it may be imported.

A run directory is data, wherever it comes from. What it names beyond this package is imported only
if the user trusts the run, or names the same in a search-space file of their own; and of a trusted
run, only what says of itself that it is a task, a method, an aggregator or a forget loss is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory, recorded_entry
from pareto_explorer.runs.named_code import NamedCode, named_code
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.tasks.registry import makes_task
from pareto_explorer.trust.own_code import find
from pareto_explorer.unlearning.registry import UNMARKED, is_part

__all__ = ["recorded_spec"]

_NO_TASK = (
    "is not annotated to return an UnlearningTask, so it is not called; annotate it with "
    "-> UnlearningTask."
)


def recorded_spec(
    run: RunDirectory,
    manifest: Mapping[str, Any],
    *,
    trust: bool = False,
    given: SweepSpec | None = None,
    without_task: bool = False,
) -> SweepSpec:
    """The specification of a run, once what it names may be imported.

    Args:
        run: The run directory.
        manifest: Its manifest.
        trust: Whether to import what the run names.
        given: The specification that was swept, from the user: what it names is the user's own.
        without_task: Whether the task comes from elsewhere, so that the run's is not built.

    Raises:
        InputError: The run names code and is not trusted, ``given`` is another specification, what
            the run names is not what it should be, or the specification is damaged.
    """
    recorded = recorded_entry(run, manifest, "spec")
    named = [one for one in named_code(recorded) if not (without_task and one.part == "task")]
    for one in named:
        if given is not None:
            _require_given(run, one, given.to_mapping())
        elif trust:
            _require_marked(one)
        else:
            module, _, attribute = one.name.partition(":")
            raise InputError(
                f"{one.where}: {str(run.sweep_yaml)!r} names {attribute!r} of the module "
                f"{module!r}, and whoever made the run may have chosen what that does; give the "
                "search space that was swept with `spec`, or allow it with `trust=True`."
            )
    return SweepSpec.from_mapping(recorded, str(run.sweep_yaml))


def _require_given(run: RunDirectory, one: NamedCode, given: Mapping[str, Any]) -> None:
    """Refuses a search-space file that does not name the same, with the same arguments."""
    entries = [given["task"]] if one.part == "task" else given["families"]
    if one.entry not in entries:
        whole = "task" if one.part == "task" else one.where.rpartition(".")[0]
        raise InputError(
            f"`spec`: {whole} of {str(run.sweep_yaml)!r}, which names {one.name!r}, is not in "
            "what is given; give it as it was swept, or allow what the run names with "
            "`trust=True`."
        )


def _require_marked(one: NamedCode) -> None:
    found = find(one.name, one.where)
    if one.part == "task":
        marked, reason = makes_task(found), _NO_TASK
    else:
        marked, reason = is_part(one.part, found), UNMARKED[one.part]
    if not marked:
        raise InputError(f"{one.where}: {one.name!r} {reason}")
