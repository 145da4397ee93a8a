"""The whole job in one call: sweep, then report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pareto_explorer.loading import Run, load_run
from pareto_explorer.reports import write_report
from pareto_explorer.runs import Mirror, is_uri
from pareto_explorer.sweeps import SweepSpec, execute
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.tasks import UnlearningTask

__all__ = ["run_sweep"]


def run_sweep(
    spec: SweepSpec,
    out: str | Path,
    *,
    task: UnlearningTask | None = None,
    address: str | None = None,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
    verbose: bool = False,
    dashboard: bool = False,
    name: str = "",
) -> Run:
    """Runs a sweep, or what is left of it, and writes its report.

    Args:
        spec: What to sweep.
        out: The run directory, or a URI that pyarrow opens, such as ``"s3://bucket/run"``. One
            that the same specification made is continued: trials that ended are kept, the others
            run. A URI is worked on in a local folder and kept in line with it.
        task: What is unlearned, where that is an object of Python; the specification's own ``task``
            then only names it, as in ``{"name": task.name}``, and whoever reproduces or exports a
            model of the run has to give the task again. By default the specification says it all.
        address: Ray cluster to join (``"auto"``, ``"host:port"``, ``"ray://host:port"``); ``None``
            uses the cluster that this process is connected to, else starts one on this machine.
        cache_dir: Folder of the landmark cache; by default the user's.
        progress: Display; silent by default.
        verbose: Leaves Ray's own output on the terminal instead of in ``sweep.log``.
        dashboard: Starts Ray's dashboard, for this machine only.
        name: What the report calls the sweep; by default the name of the directory.

    Returns:
        The run, finished.

    Raises:
        InputError: The directory, the address or the task does not fit, or the model fails in the
            training of a landmark; nothing is overwritten.
        WriteError: The run directory can no longer be written.
        KeyboardInterrupt: Somebody has stopped the sweep; what was done is kept, and the same call
            continues it. A cluster that was connected before stays so.
    """
    progress = progress or Progress()

    def work(folder: str | Path, storage: str, changed: Callable[[], None]) -> Run:
        run = execute(
            spec,
            folder,
            task=task,
            address=address,
            cache_dir=cache_dir,
            progress=progress,
            verbose=verbose,
            dashboard=dashboard,
            name=name,
            storage=storage,
            changed=changed,
        )
        write_report(folder)
        return load_run(run.path)

    if not is_uri(str(out)):
        return work(out, "", lambda: None)
    with Mirror(str(out), tell=progress.stage) as mirror:
        if mirror.aside is not None:
            progress.stage(f"an earlier local copy that differs was moved to {mirror.aside}")
        return work(mirror.folder, mirror.uri, mirror.push)
