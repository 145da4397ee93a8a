"""A sweep from its specification to its points; running it again continues it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pareto_explorer.runs import RunDirectory
from pareto_explorer.sweeps.driver.endings import told, tracebacks, written
from pareto_explorer.sweeps.driver.lock import exclusive
from pareto_explorer.sweeps.driver.prepare import prepare, swept_task
from pareto_explorer.sweeps.driver.run_trials import run_trials
from pareto_explorer.sweeps.driver.settings import Settings, nothing
from pareto_explorer.sweeps.live.beacon import beacon
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.tasks import UnlearningTask

__all__ = ["execute"]


def execute(
    spec: SweepSpec,
    out: str | Path,
    task: UnlearningTask | None = None,
    *,
    address: str | None = None,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
    verbose: bool = False,
    dashboard: bool = False,
    name: str = "",
    storage: str = "",
    changed: Callable[[], None] = nothing,
) -> RunDirectory:
    """Runs a sweep, or what is left of it; the report is up to the caller.

    Args:
        spec: What to sweep.
        out: The run directory, on this machine.
        task: The task, where it was built in Python; ``spec.task`` is then no more than its name.
        address: See `Settings`, as for all the others.
        cache_dir: Folder of the landmark cache.
        progress: Display.
        verbose: Leaves Ray's own output on the terminal.
        dashboard: Starts Ray's dashboard.
        name: What the report calls the sweep.
        storage: Where the workers write models and checkpoints.
        changed: Called after the run directory has changed.

    Returns:
        The run directory.

    Raises:
        InputError: The directory, the address or the task does not fit, or the model fails in the
            training of a landmark; nothing is overwritten.
        WriteError: The run directory can no longer be written.
        KeyboardInterrupt: Somebody has stopped the sweep; what was done is kept, and the same call
            continues it. A cluster that was connected before stays so.
    """
    progress = progress or Progress()
    settings = Settings(address, cache_dir, progress, verbose, dashboard, name, storage, changed)
    run = RunDirectory(Path(out).resolve())
    progress.stage(f"task: {spec.task.get('name', 'given') if task is None else task.name}")
    task, digests = swept_task(spec, run, task)
    with exclusive(run), written(run), told(progress.count), tracebacks(run), beacon(run, progress):
        run_trials(prepare(spec, run, task, digests, progress), settings)
    return run
