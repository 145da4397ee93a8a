"""What a method may spend and what it has spent."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Real

import torch
from torch import Tensor

from pareto_explorer.errors import InputError, brief

__all__ = ["Budget", "Diagnostic", "Ledger", "as_position"]

Diagnostic = Callable[..., dict[str, Tensor]]
#: Steps whose diagnostics are kept apart before they are added up; bounds the memory.
_MOST_PENDING = 256


@dataclass
class Ledger:
    """Counts of one run: what every point carries so that methods can be compared.

    Attributes:
        step: Optimiser steps taken.
        forward: Samples passed forward by the method, with or without gradient.
        backward: Samples passed backward.
        seconds: Wall-clock seconds inside :meth:`clock`, which whoever runs a method puts around
            each of its steps to the next model, so that evaluation is not among them.
        stopped: Why a method ended before its budget did; empty if it did not.
        position: Where, among the models that a method shows at one step, the next one is; see
            :meth:`along`.
        more: Whether others follow at this step.
    """

    step: int = 0
    position: float = 0.0
    more: bool = False
    forward: int = 0
    backward: int = 0
    seconds: float = 0.0
    stopped: str = ""
    _pending: dict[Diagnostic, list[tuple[Tensor, ...]]] = field(
        default_factory=dict, init=False, repr=False
    )
    _sums: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)
    _counts: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    @property
    def samples(self) -> int:
        """Samples passed forward plus samples passed backward."""
        return self.forward + self.backward

    def along(self, positions: Iterable[float]) -> Iterator[float]:
        """Walks the places of several models that are shown at one step, as of one line.

        ``for position in ledger.along(positions): yield model_at(position)``: each model is a point
        of its own, and all of them make one report, so that early stopping compares whole lines.
        The iterator can be pickled.

        Args:
            positions: Numbers from 0 on, each once.

        Raises:
            InputError: A position is no such number, or there twice.
        """
        places = [as_position(position) for position in positions]
        for index, place in enumerate(places):
            if place in places[:index]:
                raise InputError(f"position: {place!r} is there twice; give each model its own.")
        return _Places(self, places)

    def count(self, *, forward: int = 0, backward: int = 0) -> None:
        """Adds samples that were passed forward and backward."""
        self.forward += forward
        self.backward += backward

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Adds the wall-clock seconds of the block, and of the work that it left to a GPU."""
        start = time.perf_counter()
        try:
            yield
        finally:
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                torch.cuda.synchronize()
            self.seconds += time.perf_counter() - start

    def observe(self, diagnostic: Diagnostic, *values: Tensor) -> None:
        """Notes what a step's diagnostics are computed from, at next to no cost for the step.

        Args:
            diagnostic: Called with each of ``values`` stacked over n steps, shape (n, ...), and
                returns columns of shape (n,), whose means :meth:`drain` gives.
            values: Small tensors. They stay on their device, and nothing waits for them.
        """
        pending = self._pending.setdefault(diagnostic, [])
        pending.append(tuple(value.detach() for value in values))
        if len(pending) >= _MOST_PENDING:
            self._add_up(diagnostic)

    def drain(self) -> dict[str, float]:
        """Returns the mean of every diagnostic since the last call and starts anew.

        The host waits once for the device.
        """
        for diagnostic in self._pending:
            self._add_up(diagnostic)
        if not self._sums:
            return {}
        means = torch.stack([total / self._counts[name] for name, total in self._sums.items()])
        result = dict(zip(self._sums, means.tolist(), strict=True))
        self._pending.clear()
        self._sums.clear()
        self._counts.clear()
        return result

    def _add_up(self, diagnostic: Diagnostic) -> None:
        """Turns what was noted into sums."""
        pending = self._pending[diagnostic]
        if not pending:
            return
        stacked = (torch.stack(values) for values in zip(*pending, strict=True))
        for name, column in diagnostic(*stacked).items():
            self._sums[name] = self._sums.get(name, 0) + column.sum(dtype=torch.float64)
            self._counts[name] = self._counts.get(name, 0) + len(pending)
        pending.clear()


@dataclass
class _Places:
    """Tells a ledger where the next model is, and forgets it when there is none."""

    ledger: Ledger
    left: list[float]

    def __iter__(self) -> Iterator[float]:
        return self

    def __next__(self) -> float:
        if not self.left:
            self.ledger.position = 0.0
            raise StopIteration
        position = self.ledger.position = self.left.pop(0)
        self.ledger.more = bool(self.left)
        return position


def as_position(value: object) -> float:
    """A position as a float, without a sign where it is 0.

    Raises:
        InputError: It is no finite number from 0 on.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0 <= value <= sys.float_info.max:  # type: ignore[operator]
        raise InputError(f"position: {brief(value)} must be a finite number from 0 on.")
    return float(value) + 0.0  # type: ignore[arg-type]


@dataclass(frozen=True)
class Budget:
    """What a method may spend: gradient steps and samples per batch.

    Equal budgets mean equal numbers of steps with equal batches. How many samples that is depends
    on how many batches a step of the method reads; the ledger counts them.

    Attributes:
        steps: Optimiser steps.
        batch_size: Samples in one batch of one set.
        evaluate_every: Steps between two evaluations.
        ledger: What has been spent so far. Every budget has its own; ``dataclasses.replace``
            gives an unspent copy.

    Raises:
        InputError: When a number is not a positive integer.
    """

    steps: int
    batch_size: int
    evaluate_every: int
    ledger: Ledger = field(default_factory=Ledger, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        values: Mapping[str, object] = vars(self)
        for name in ("steps", "batch_size", "evaluate_every"):
            value = values[name]
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"budget.{name}: {value!r} must be a whole number above 0.")

    def evaluation_steps(self) -> tuple[int, ...]:
        """The steps after which a method yields: multiples of ``evaluate_every`` and the last."""
        multiples = range(self.evaluate_every, self.steps, self.evaluate_every)
        return (*multiples, self.steps)
