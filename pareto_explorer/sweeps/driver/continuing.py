"""What a run that exists demands of a sweep that goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory, read_manifest, recorded_entry
from pareto_explorer.runs.files.progress_file import PROGRESS, UNFINISHED
from pareto_explorer.runs.remote.staging import STATE
from pareto_explorer.sweeps.driver.endings import ERRORS
from pareto_explorer.sweeps.driver.lock import LOCK
from pareto_explorer.sweeps.driver.output import LOG
from pareto_explorer.sweeps.spec.draws import RULE
from pareto_explorer.sweeps.spec.parts import CompareSearch
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.given_task import BUILT, GIVEN

__all__ = ["earlier_manifest", "extends", "require_balanced"]

FREE = ("resources", "retries", "stop", "checkpoints", "loggers")
"""Parts of a specification that may change between two runs of the same sweep."""

OURS = (LOCK, STATE, LOG, ERRORS, PROGRESS, UNFINISHED)
"""What there may be in a run directory before its specification."""


def earlier_manifest(
    run: RunDirectory, spec: SweepSpec, digests: Mapping[str, str]
) -> dict[str, Any] | None:
    """The manifest that the sweep goes on with, or None for a new directory.

    Args:
        run: The run directory.
        spec: The specification.
        digests: Those of the task, by their key in a manifest.

    Raises:
        InputError: The directory is no run, or one of another task or specification.
    """
    if not run.sweep_yaml.exists():
        strangers = [p.name for p in run.path.iterdir() if p.name not in OURS]
        if strangers and not run.landmarks.exists():
            raise InputError(
                f"`out`: {str(run.path)!r} holds other files ({min(strangers)}, ...); "
                "choose an empty folder."
            )
        return None
    manifest = read_manifest(run)
    earlier: dict[str, Any] = recorded_entry(run, manifest, "spec")
    given, built = digests.get(GIVEN), digests.get(BUILT)
    if manifest.get(GIVEN) != given or manifest.get(BUILT, built) != built:
        raise InputError(
            f"`out`: {str(run.path)!r} was made with another task than this one (its data, split, "
            "model or recipe differ); choose another folder with `out`, or give the task that it "
            "was made with."
        )
    wanted = spec.to_mapping()
    before = _with_defaults(earlier, wanted)
    for part, new in wanted.items():
        old = before.get(part)
        if part in FREE or old == new or (part == "search" and extends(old, new)):
            continue
        raise InputError(
            f"`out`: {str(run.path)!r} was made by another specification ({part} differs: "
            f"{old!r} there, {new!r} here); choose another folder with `out`."
        )
    return manifest


def _with_defaults(earlier: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """An earlier specification with the defaults of what its version did not have yet."""
    own = {"task": wanted["task"], "families": wanted["families"]}
    try:
        completed = SweepSpec.from_mapping({**earlier, **own}).to_mapping()
    except InputError:
        return earlier
    return completed | {part: earlier.get(part) for part in own}


def require_balanced(run: RunDirectory, spec: SweepSpec, draws: str | None) -> None:
    """Refuses to draw more where earlier configurations were drawn by another rule.

    Args:
        run: The run directory.
        spec: The specification.
        draws: The rule of the run.

    Raises:
        InputError: The two do not go together.
    """
    drawn = any(domain.drawn for family in spec.family_list() for domain in family.domains.values())
    if isinstance(spec.search, CompareSearch) and drawn and draws != RULE:
        raise InputError(
            f"`out`: the configurations of {str(run.path)!r} were drawn independently of each "
            "other, as earlier versions did, and balanced draws cannot go on from them; report, "
            "select and reproduce still take it, but choose another folder with `out` to sweep."
        )


def extends(old: Any, new: Any) -> bool:
    """Whether there are more configurations, seconds or samples, or another concurrency."""
    size = {"configurations": 0, "budget_per_family": 0, "concurrency": 0}
    if {**old, **size} != {**new, **size}:
        return False
    if all(old.get(name) == new.get(name) for name in ("configurations", "budget_per_family")):
        return True
    if new["configurations"] is None:
        before, after = (part.get("budget_per_family") or {} for part in (old, new))
        longer = before.keys() == after.keys() and all(after[k] > before[k] for k in before)
        return longer and old.get("configurations") is None
    before = old.get("configurations")
    return before is not None and new["configurations"] > before
