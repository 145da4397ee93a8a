"""What a card makes of landmark training, of unlearning steps, and of trials side by side.

    python benchmarks/gpu.py                       # some minutes on one GPU
    python benchmarks/gpu.py --quick               # two or three minutes
    python benchmarks/gpu.py --device cpu --tiny   # tries the code path; its numbers mean nothing

The task is `textures` (32x32x3, made on the card: no data are needed) with a ResNet-18 with CIFAR
stem, batches of 256, or 256 + 256 for unlearning. The unlearning step of this package (UPGrad,
KL to the uniform distribution, diagnostics included) stands beside (a) the same step as TorchJD's
documentation writes it, with both rows of the Jacobian at once (which does not work under autocast
or with a compiled model) or one after the other, and (b) a plain step on the weighted sum of the
two losses, from the same weights, batches, model and optimiser; their rounds are interleaved and
medians shown. The share of the ceiling is the FLOP/s that went into forward and backward passes,
counted operation by operation, over (c) the FLOP/s of the card's best bfloat16 product of two large
matrices.

Trials side by side are processes that each run one trial after the other (unlearning of one
replicate and one evaluation of all sets), limited to their share of the memory as in a sweep.

Whatever else the card does makes every number worse. Compare within one run.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from gpu_steps import PRECISIONS, Timing, ceiling, flops_per_image, make, steps, training
from gpu_trials import Together, trials_together

from pareto_explorer.sweeps.spec.parts import BudgetSpec

NO_GPU = (
    "There is no GPU that PyTorch can use on this machine: nothing was measured. "
    "`--device cpu --tiny` tries the code path."
)
SUM = "(b) weighted sum"


@dataclass(frozen=True)
class Size:
    """How large a run is.

    Attributes:
        task: Options of the textures task.
        batch: Samples per batch.
        epochs: Of landmark training.
        rounds: Rounds of each unlearning step.
        in_round: Steps in a round.
        side: Of the matrices of the ceiling.
        trial: Budget of a trial.
        seconds: Of each number of trials side by side.
        together: Trials at a time.
    """

    task: dict[str, Any]
    batch: int
    epochs: int
    rounds: int
    in_round: int
    side: int
    trial: BudgetSpec
    seconds: float
    together: tuple[int, ...]


RESNET = {"model": {"name": "resnet18"}}
WHOLE = Size(
    RESNET | {"train_size": 45_000},
    *(256, 5, 20, 20, 8192),
    BudgetSpec(steps=90, batch_size=256, evaluate_every=90),
    60,
    (1, 2, 4, 8),
)
QUICK = Size(
    RESNET | {"train_size": 11_250},
    *(256, 3, 8, 10, 8192),
    BudgetSpec(steps=30, batch_size=256, evaluate_every=30),
    10,
    (1, 2, 4, 8),
)
TINY = Size(
    {
        "model": {"name": "resnet18", "width": 4},
        "superclasses": 2,
        "subclasses": 2,
        "train_size": 72,
        "size": 8,
    },
    *(16, 2, 1, 1, 64),
    BudgetSpec(steps=1, batch_size=16, evaluate_every=1),
    0,
    (1, 2),
)


def measure_steps(size: Size, device: str, compiled: bool) -> tuple[float, list[list[str]]]:
    """The ceiling in FLOP/s, and the rows of the table of steps."""
    top = ceiling(device, size.side)
    flops = flops_per_image(make(size.task, {}, device))
    variants = dict(PRECISIONS)
    if compiled:
        first, options = next(iter(variants.items()))
        variants[f"{first}, compiled"] = options | {"compile": True}
    rows = []
    for name, options in variants.items():
        task = make(size.task, options, device)
        found = {"landmark training": training(task, size.batch, device, size.epochs)}
        found |= steps(task, size.batch, device, size.rounds, size.in_round)
        rows += [_row(what, name, own, found[SUM], flops, top) for what, own in found.items()]
    return top, rows


def _row(what: str, model: str, own: Timing, plain: Timing, flops: float, top: float) -> list[str]:
    if own.failed:
        return [what, model, f"fails: {own.failed}", "", "", ""]
    alike = own.images == plain.images and not plain.failed
    return [
        what,
        model,
        f"{1e3 * own.seconds:.2f}",
        f"{own.rate:,.0f}",
        f"{own.seconds / plain.seconds:.2f}" if alike else "",
        f"{own.rate * flops / top:.1%}",
    ]


def measure_trials(size: Size, device: str, counts: Sequence[int]) -> list[list[str]]:
    """The rows of the table of trials side by side."""
    found: list[Together] = []
    for count in counts:
        found.append(trials_together(count, size.task, device, size.trial, size.seconds))
        print(f"  {count} at a time: done", file=sys.stderr, flush=True)
    alone = found[0].per_minute
    return [
        [
            str(own.trials),
            f"fails: {own.failed}" if own.failed else f"{own.per_minute:.1f}",
            "" if own.failed or not alone else f"{own.per_minute / alone:.2f}",
            own.memory,
        ]
        for own in found
    ]


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but those of words are set to the right."""
    words = ("step", "model")
    line = [":--" if heading in words else "--:" for heading in headings]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, line, *rows))


def _card(device: str) -> str:
    if device == "cpu":
        return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    card = torch.cuda.get_device_properties(0)
    return f"{card.name}, {card.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="fewer images, rounds and seconds")
    parser.add_argument("--tiny", action="store_true", help="tries the code path only")
    parser.add_argument("--compile", action="store_true", help="also with torch.compile")
    parser.add_argument("--trials", type=int, nargs="*", help="trials at a time; none: leave out")
    options = parser.parse_args()
    if options.device != "cpu" and not torch.cuda.is_available():
        print(NO_GPU)
        return 0
    size = TINY if options.tiny else QUICK if options.quick else WHOLE
    top, rows = measure_steps(size, options.device, options.compile)
    batch, train = size.batch, size.task["train_size"]
    print(f"\n{_card(options.device)}, torch {torch.__version__}, {train:,} training images\n")
    print(f"Ceiling: {top / 1e12:.1f} TFLOP/s (bfloat16, {size.side} x {size.side})\n")
    print(f"Steps, batch {batch} (landmark training) and {batch} + {batch} (unlearning):\n")
    headings = ("step", "model", "ms", "images/s", "x weighted sum", "of the ceiling")
    print(markdown(headings, rows), flush=True)
    counts = size.together if options.trials is None else tuple(options.trials)
    if counts:
        trials = measure_trials(size, options.device, counts)
        print(
            f"\nTrials of {size.trial.steps} steps and one evaluation, bfloat16, channels last:\n"
        )
        print(markdown(("at a time", "trials/min", "x one", "memory of each"), trials))
    return 0


if __name__ == "__main__":
    sys.exit(main())
