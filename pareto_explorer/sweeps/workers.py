"""Tasks on Ray's workers: started, waited for, and their errors told in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from pareto_explorer.errors import InputError
from pareto_explorer.interruption import held_back
from pareto_explorer.sweeps.cluster import log_folder
from pareto_explorer.sweeps.course import clock
from pareto_explorer.sweeps.parts import Resources

__all__ = ["Patience", "WorkerError", "outcomes", "ready", "start", "take"]

TURN = 0.5
"""Seconds that Ray is waited for at a time."""

MINUTE = 60.0

Key = TypeVar("Key")
Result = TypeVar("Result")


class WorkerError(InputError):
    """Something went wrong on a worker.

    Attributes:
        text: The worker's traceback, or what Ray says.
    """

    def __init__(self, what: str, error: BaseException) -> None:
        self.text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip() + "\n"
        super().__init__(f"{what} ({_reason(error, self.text)})")


class Patience:
    """Says what is waited for, once a minute, while no worker runs anything.

    Args:
        resources: What is booked on a worker.
        tell: Told.
        now: Seconds.
    """

    def __init__(
        self,
        resources: Resources,
        tell: Callable[[str], object],
        now: Callable[[], float] = perf_counter,
    ) -> None:
        booked = {"cpu": resources.cpu, "gpu": resources.gpu, **resources.custom}
        self._booked = ", ".join(f"{name} {n:g}" for name, n in booked.items() if n)
        self._tell, self._now = tell, now
        self._idle_since = self._told = now()

    def look(self, running: int) -> None:
        """Takes how many workers run something; called all the time."""
        now = self._now()
        if running:
            self._idle_since = self._told = now
        elif now - self._told >= MINUTE:
            self._told = now
            self._tell(
                f"no worker has started for {clock(now - self._idle_since)}; waiting for one with "
                f"{self._booked}; Ray's logs are in {log_folder()}"
            )


def start(function: Callable[..., Any], resources: Resources, *args: Any, **options: Any) -> Any:
    """Starts a task that books what a trial books.

    Args:
        function: What the worker runs: it yields its results.
        resources: What is booked.
        args: The function's; what is in Ray's object store is given as a reference.
        options: Ray's.

    Returns:
        A stream: None as soon as there is a worker, then what the function yields.
    """
    booked = {
        "num_cpus": resources.cpu,
        "num_gpus": resources.gpu,
        "resources": dict(resources.custom),
    }
    remote: Any = ray.remote(_announced)
    return remote.options(num_returns="streaming", **booked, **options).remote(function, *args)


def ready(streams: Iterable[Any], waiting: Callable[[], object]) -> Any:
    """Waits until a stream has something, and returns it: of several the first.

    Args:
        streams: At least one.
        waiting: Called now and then.
    """
    streams = list(streams)
    while True:
        with held_back():
            found, _ = ray.wait(streams, num_returns=1, timeout=TURN)
        if found:
            return found[0]
        waiting()


def take(stream: Any, what: str) -> Any:
    """What a stream has next.

    Args:
        stream: One that is ready.
        what: What can go wrong, for messages: ``"model: fails in training"``.

    Raises:
        WorkerError: The task has raised something else than an InputError.
        InputError: As the task has raised it.
        RayError: The worker is lost.
    """
    with held_back():
        try:
            return ray.get(next(stream))
        except RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise error.cause from None
            raise WorkerError(what, error) from None


def outcomes(
    function: Callable[..., Result],
    arguments: Mapping[Key, Sequence[Any]],
    resources: Resources,
    what: str,
    tell: Callable[[str], object],
) -> dict[Key, Result]:
    """Calls a function on workers, side by side, and waits for what it returns.

    Args:
        function: What the workers call.
        arguments: By key, those of one call; see ``start``.
        resources: What a call books.
        what: What can go wrong, as for ``take``.
        tell: Told where no worker starts.

    Raises:
        InputError: A call has raised it.
        WorkerError: A call has raised something else, or lost its worker.
    """
    patience = Patience(resources, tell)
    waiting = {start(_once, resources, function, *own): key for key, own in arguments.items()}
    begun: set[Any] = set()
    found: dict[Key, Result] = {}
    try:
        while waiting:
            stream = ready(waiting, lambda: patience.look(len(begun)))
            result = take(stream, what)
            if stream in begun:
                found[waiting.pop(stream)] = result
                begun.remove(stream)
            else:
                begun.add(stream)
    except RayError as error:
        raise WorkerError(what, error) from None
    finally:
        for stream in waiting:
            ray.cancel(stream)
    return found


def _announced(function: Callable[..., Iterator[Any]], *args: Any) -> Iterator[Any]:
    yield None
    yield from function(*args)


def _once(function: Callable[..., Result], *args: Any) -> Iterator[Result]:
    yield function(*args)


def _reason(error: BaseException, text: str) -> str:
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException) and not isinstance(cause, RayError):
        first = next(iter(str(cause).strip().splitlines()), "")
        return f"{type(cause).__name__}: {first}" if first else type(cause).__name__
    lines = text.strip().splitlines()
    return lines[-1 if isinstance(error, RayTaskError) else 0]
