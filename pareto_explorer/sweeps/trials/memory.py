"""How much memory a trial needs, and whether as many as share a card fit it."""

from __future__ import annotations

import math
import re
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.cluster.room import trials_per_card
from pareto_explorer.sweeps.cluster.workers import outcomes
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.families import TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.bundles import bundles, size_of
from pareto_explorer.sweeps.trials.card_share import CONTEXT, allowance
from pareto_explorer.sweeps.trials.refusals import representatives
from pareto_explorer.sweeps.trials.replicate import (
    Bench,
    Landmarks,
    run_replicate,
    step_together,
)
from pareto_explorer.tasks import UnlearningTask

__all__ = [
    "CardUse",
    "Peak",
    "card_use",
    "gibibytes",
    "measure_trial",
    "peak_memory",
    "require_gpu_room",
    "require_room",
]

MOST_CONTEXT = 3 * CONTEXT
"""More than this is held by other programs."""

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class CardUse:
    """A card as a process saw it after a trial's step and evaluation; all in bytes.

    Attributes:
        total: Memory of the card.
        free: What is free of it.
        held: What PyTorch holds in this process.
        peak: The most that PyTorch has held in this process.
        exhausted: The family that ran out of memory, if one did.
    """

    total: int
    free: int
    held: int
    peak: int
    exhausted: str = ""

    @property
    def context(self) -> int:
        """What this process holds beside PyTorch's own memory."""
        return min(max(self.total - self.free - self.held, 0), MOST_CONTEXT)

    @property
    def others(self) -> int:
        """What other programs hold."""
        return max(self.total - self.free - self.held - self.context, 0)

    def needed(self, share: float) -> int:
        """What one trial needs of a share of ``share`` bytes, context included."""
        return self.peak + int(max(self.context, allowance(share)))


def require_room(use: CardUse, gpu: float) -> None:
    """Refuses a share of a card that is too small for a trial.

    Args:
        use: What one trial was measured to need.
        gpu: What a trial books; a whole card from 1.

    Raises:
        InputError: As many trials as share a card do not fit it together.
    """
    if use.exhausted:
        raise InputError(
            f"resources.gpu: a trial of {use.exhausted!r} runs out of memory even alone on its "
            f"card, of whose {gibibytes(use.total)} other programs hold {gibibytes(use.others)}; "
            "use a smaller budget.batch_size."
        )
    room = use.total - use.others
    share = room / trials_per_card(gpu)
    if use.needed(share) <= share:
        return
    fitting = max((n for n in range(1, 101) if use.needed(room / n) <= room / n), default=0)
    held = f", as other programs hold {gibibytes(use.others)}" if use.others else ""
    fix = (
        f"book {_share_for(fitting):g}, or use a smaller budget.batch_size"
        if fitting
        else "use a smaller budget.batch_size"
    )
    what = "this card" if gpu >= 1 else f"a share of {gpu:g} of this card"
    raise InputError(
        f"resources.gpu: a trial needs {gibibytes(use.needed(share))} of GPU memory, but {what} "
        f"has {gibibytes(share)}{held}; {fix}."
    )


def measure_trial(
    task: UnlearningTask,
    landmarks: Mapping[int, Landmarks],
    replicates: Sequence[Replicate],
    batch_size: int,
    plans: Sequence[TrialPlan],
    *,
    together: bool = True,
    sizes: Mapping[str, int] = {},
) -> CardUse:
    """Takes one step and one evaluation of some trials on the card, one trial after the other.

    As in a worker that is used again, what one trial leaves in PyTorch's cache stays there. A
    trial that fails for another reason than memory is skipped: it will say so itself.

    Args:
        task: The task, on the CPU.
        landmarks: Landmarks by training seed.
        replicates: The replicates of a trial.
        batch_size: Samples per batch.
        plans: The trials.
        together: Whether a trial runs all of its replicates in turn, and so holds them at once.
        sizes: How many of them step together, by family; one where none is named.
    """
    bench = Bench(task, landmarks, "cuda")
    budget = BudgetSpec(steps=1, batch_size=batch_size, evaluate_every=1)
    exhausted = ""
    torch.cuda.reset_peak_memory_stats()
    for plan in plans:
        try:
            for replicate in replicates:
                bench.prepared(replicate.training_seed)
            runs = [
                run_replicate(bench, plan, replicate, budget)
                for replicate in (replicates if together else replicates[:1])
            ]
            for bundle in bundles(range(len(runs)), size_of(plan, sizes)):
                step_together([runs[index] for index in bundle])
                for index in bundle:
                    next(runs[index], None)
        except torch.OutOfMemoryError:
            exhausted = plan.family.name
            break
        except Exception:  # noqa: S112 - whatever it is, the trial will end with it
            continue
    return card_use(exhausted)


def card_use(exhausted: str = "") -> CardUse:
    """The card as this process sees it now."""
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    held, peak = torch.cuda.memory_reserved(), torch.cuda.max_memory_reserved()
    return CardUse(total, free, held, peak, exhausted)


def require_gpu_room(
    spec: SweepSpec,
    task_ref: Any,
    landmarks: Mapping[int, Landmarks],
    progress: Progress,
    sizes: Mapping[str, int] = {},
) -> None:
    """Measures a trial in one worker and refuses a sweep whose trials cannot share a card.

    Every pair of method and aggregator takes one step and is evaluated once. Cards of other nodes
    are taken to be no smaller than the worker's. Without a GPU in ``resources``, nothing happens.

    Args:
        spec: The sweep; nothing else must be running on its cards.
        task_ref: The task, in Ray's object store.
        landmarks: Landmarks by training seed.
        progress: Told the measurement.
        sizes: How many replicates of a trial step together, by family.

    Raises:
        InputError: A trial does not fit what it books.
    """
    resources = spec.resources
    if resources.gpu <= 0:
        return
    hungriest = {(family.method, family.aggregator): family for family in spec.family_list()}
    together = resources.replicate_parallelism == "trial"
    arguments = (
        task_ref,
        dict(landmarks),
        spec.replicate_list(),
        spec.budget.batch_size,
        representatives(list(hungriest.values())),
    )
    progress.stage("GPU memory: to be measured, a step and an evaluation of every method")
    use = outcomes(
        partial(measure_trial, together=together, sizes=sizes),
        {0: arguments},
        resources,
        "resources.gpu: the memory of a trial cannot be measured",
        progress.stage,
    )[0]
    require_room(use, resources.gpu)
    sharing = trials_per_card(resources.gpu)
    share = (use.total - use.others) / sharing
    progress.stage(
        f"GPU memory: a trial needs {gibibytes(use.needed(share))}, {sharing} at a time on a card "
        f"of {gibibytes(use.total)}"
    )


@dataclass
class Peak:
    """What a block of work has needed at most, in bytes; 0 while it runs."""

    bytes: int = 0


@contextmanager
def peak_memory(device: str) -> Iterator[Peak]:
    """Measures the most memory that this process holds during a block.

    On a GPU, that is what PyTorch holds there. Elsewhere it is the resident memory of the whole
    process; on systems that cannot start that measurement anew, the most since it began.
    """
    peak = Peak()
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        yield peak
        peak.bytes = torch.cuda.max_memory_reserved()
        return
    with suppress(OSError):
        _RESET.write_text("5")
    yield peak
    peak.bytes = _resident_peak()


def _resident_peak() -> int:
    if _STATUS.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", _STATUS.read_text())
        if found is not None:
            return int(found[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def gibibytes(count: float) -> str:
    """A number of bytes as a person reads it."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} bytes"


def _share_for(trials: int) -> float:
    """The share to book so that this many trials fit a card: two digits if they do."""
    rounded = math.floor(100 / trials) / 100
    return rounded if rounded and trials_per_card(rounded) == trials else 1 / trials
