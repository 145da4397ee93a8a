"""What one of several trials may hold of the card that they share."""

from __future__ import annotations

import torch

from pareto_explorer.sweeps.cluster.room import trials_per_card

__all__ = ["CONTEXT", "allowance", "limit_memory", "share_fraction"]

CONTEXT = 512 * 2**20
"""What a CUDA context and its libraries hold beside PyTorch's own memory, where nobody knows."""


def allowance(share: float) -> float:
    """What is kept of a share for the context."""
    return min(CONTEXT, share / 2)


def share_fraction(gpu: float, total: int) -> float | None:
    """The part of a card's memory that PyTorch may hold in one of the trials that share it.

    Args:
        gpu: What the trial books.
        total: Memory of the card in bytes.

    Returns:
        From 0 to 1; ``None`` where the card is the trial's own.
    """
    trials = trials_per_card(gpu) if gpu > 0 else 1
    if trials == 1:
        return None
    share = total / trials
    return (share - allowance(share)) / total


def limit_memory(gpu: float) -> None:
    """Keeps this process within its share of the card: it runs out of memory, not its neighbours.

    Args:
        gpu: What the process books of the card that it sees first.
    """
    if gpu <= 0 or not torch.cuda.is_available():
        return
    fraction = share_fraction(gpu, torch.cuda.get_device_properties(0).total_memory)
    if fraction is not None:
        torch.cuda.set_per_process_memory_fraction(fraction, 0)
