"""Tasks on Ray's workers: started, waited for, and their errors told in one sentence."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.interruption import held_back
from pareto_explorer.sweeps.cluster.connect import log_folder
from pareto_explorer.sweeps.live.course import clock
from pareto_explorer.sweeps.spec.parts import Resources

__all__ = ["Patience", "WorkerError", "completed", "here", "outcomes", "ready", "start", "take"]

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

    def __init__(self, what: str, reason: str, text: str) -> None:
        super().__init__(f"{what} ({reason})")
        self.text = re.sub(r"\x1b\[[0-9;]*m", "", text)


class _Failure(NamedTuple):
    """An error of the function, made on its worker: Ray could not bring every one of them here."""

    reason: str
    text: str
    input: bool


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
        InputError: The task has raised it.
        WorkerError: The task has raised something else.
        RayError: The worker is lost.
    """
    with held_back():
        try:
            item = ray.get(next(stream))
        except RayTaskError as error:  # not even the function's arguments could be read there
            raise WorkerError(what, _reason_of(error.cause), str(error)) from None
    return _result(item, what)


def here(function: Callable[..., Result], *args: Any, what: str) -> Result:
    """Calls a function in this process; what goes wrong is told as if it were a worker.

    Args:
        function: What is called.
        args: Its arguments.
        what: What can go wrong, as for `take`.

    Raises:
        InputError: The function has raised it.
        WorkerError: The function has raised something else.
    """
    _, item = _announced(_once, function, *args)
    found: Result = _result(item, what)
    return found


def _result(item: Any, what: str) -> Any:
    if isinstance(item, _Failure):
        if item.input:
            raise InputError(item.reason)
        raise WorkerError(what, item.reason, item.text)
    return item


def outcomes(
    function: Callable[..., Result],
    arguments: Mapping[Key, Sequence[Any]],
    resources: Resources,
    what: str,
    tell: Callable[[str], object],
) -> dict[Key, Result]:
    """Calls a function on workers, side by side, and waits for all that it returns.

    Args and errors are those of `completed`.
    """
    return dict(completed(function, arguments, resources, what, tell))


def completed(
    function: Callable[..., Result],
    arguments: Mapping[Key, Sequence[Any]],
    resources: Resources,
    what: str,
    tell: Callable[[str], object],
) -> Generator[tuple[Key, Result], None, None]:
    """Calls a function on workers, side by side, and yields what it returns as it comes in.

    Args:
        function: What the workers call.
        arguments: By key, those of one call; see ``start``.
        resources: What a call books.
        what: What can go wrong, as for ``take``.
        tell: Told where no worker starts.

    Yields:
        The key of a call, and its result. Calls that are left are cancelled when the iteration
        ends.

    Raises:
        InputError: A call has raised it.
        WorkerError: A call has raised something else, or lost its worker.
    """
    patience = Patience(resources, tell)
    waiting = {start(_once, resources, function, *own): key for key, own in arguments.items()}
    begun: set[Any] = set()
    try:
        while waiting:
            stream = ready(waiting, lambda: patience.look(len(begun)))
            try:
                result = take(stream, what)
            except RayError as error:
                raise WorkerError(what, first_line(error), str(error)) from None
            if stream in begun:
                begun.remove(stream)
                yield waiting.pop(stream), result
            else:
                begun.add(stream)
    finally:
        for stream in waiting:
            ray.cancel(stream)


def _announced(function: Callable[..., Iterator[Any]], *args: Any) -> Iterator[Any]:
    yield None
    try:
        yield from function(*args)
    except InputError as error:
        yield _Failure(str(error), "", input=True)
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        yield _Failure(_reason_of(error), text, input=False)


def _once(function: Callable[..., Result], *args: Any) -> Iterator[Result]:
    yield function(*args)


def _reason_of(error: BaseException) -> str:
    """An error in one line, with its kind."""
    kind, said = type(error).__name__, first_line(error)
    return kind if said == kind else f"{kind}: {said}"
