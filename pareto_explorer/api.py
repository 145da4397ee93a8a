"""The whole job in one call: sweep, then report; and an audit of what it has found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pareto_explorer.audits.plan import GAMES, AuditPlan
from pareto_explorer.audits.result import Audit
from pareto_explorer.loading import Run, load_run
from pareto_explorer.reports import write_report
from pareto_explorer.runs import Mirror, is_uri
from pareto_explorer.sweeps import SweepSpec, execute
from pareto_explorer.sweeps.audit.audit_run import audit_run
from pareto_explorer.sweeps.driver.settings import Settings
from pareto_explorer.sweeps.live.display import display_for
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.tasks import UnlearningTask

__all__ = ["audit", "run_sweep"]


def run_sweep(
    spec: SweepSpec,
    out: str | Path,
    *,
    task: UnlearningTask | None = None,
    address: str | None = None,
    cache_dir: str | Path | None = None,
    progress: bool | Progress = True,
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
        progress: Whether to show how far the sweep is: below the cell in a notebook, in place on a
            terminal, and as lines elsewhere, both on standard error. Or a display of one's own.
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
    display = display_for(progress)

    def work(folder: str | Path, storage: str, changed: Callable[[], None]) -> Run:
        run = execute(
            spec,
            folder,
            task=task,
            address=address,
            cache_dir=cache_dir,
            progress=display,
            verbose=verbose,
            dashboard=dashboard,
            name=name,
            storage=storage,
            changed=changed,
        )
        display.stage("report: being written")
        write_report(folder)
        return load_run(run.path)

    if not is_uri(str(out)):
        return work(out, "", lambda: None)
    with Mirror(str(out), tell=display.stage) as mirror:
        if mirror.aside is not None:
            display.stage(f"an earlier local copy that differs was moved to {mirror.aside}")
        return work(mirror.folder, mirror.uri, mirror.push)


def audit(
    run: str | Path,
    *,
    models: int = 16,
    budget: float | None = None,
    front: bool = False,
    games: Sequence[str] = GAMES,
    rule: str | None = None,
    maximum: Mapping[str, float] | None = None,
    minimum: Mapping[str, float] | None = None,
    weights: Sequence[float] | None = None,
    families: str | Sequence[str] = (),
    one_standard_error: bool = False,
    trial_id: str | None = None,
    step: int | None = None,
    position: float = 0.0,
    dry_run: bool = False,
    planned: Callable[[AuditPlan], object] = lambda _: None,
    task: UnlearningTask | None = None,
    spec: SweepSpec | None = None,
    trust: bool = False,
    address: str | None = None,
    cache_dir: str | Path | None = None,
    progress: bool | Progress = True,
    verbose: bool = False,
    dashboard: bool = False,
) -> Audit:
    """Asks whether an attacker who knows the procedure would notice that a model was unlearned.

    Models of further training seeds are trained, retrained and unlearned as the sweep did; the
    attacker has all of them but those that are attacked. What they say is kept in the run
    directory, so that the same call continues an audit that was stopped, and a second audit of the
    run trains nothing again. Doing nothing is always audited beside the choice.

    Args:
        run: The run directory, or the URI of one.
        models: Most models of each role, one for each training seed; the sweep's own seeds first.
        budget: Seconds that there are, by what the run has measured; by default as many as it
            takes.
        front: Audits the points of the front, at most twelve, instead of one choice.
        games: What is asked: ``"indistinguishability"``, ``"leakage"``, ``"recovery"``.
        rule: Chooses the model as ``Run.select`` does, as do all up to ``position``.
        maximum: Largest values allowed.
        minimum: Smallest values allowed.
        weights: Importance of each objective.
        families: Chooses among these only.
        one_standard_error: Takes the earliest model that is not distinguishable from the best.
        trial_id: Names the model, with ``step``.
        step: See ``trial_id``.
        position: See ``trial_id``.
        dry_run: Stops after the plan.
        planned: Is given the plan before anything is done.
        task: The task, for a run whose task was built in Python.
        spec: The specification that was swept, for a run that names code of your own.
        trust: Whether to import and call code that the run names beyond this package.
        address: See `run_sweep`, as for the rest.
        cache_dir: Folder of the landmark cache.
        progress: Whether to show how far the audit is, or a display of one's own.
        verbose: Leaves Ray's own output on the terminal.
        dashboard: Starts Ray's dashboard.

    Returns:
        All audits of the run.

    Raises:
        InputError: There is nothing to choose, the run cannot be repeated, or an argument does not
            fit.
        WriteError: The run directory can no longer be written.
        KeyboardInterrupt: Somebody has stopped it; what was done is kept.
    """
    display = display_for(progress)
    chosen = {
        "rule": rule,
        "maximum": maximum,
        "minimum": minimum,
        "weights": weights,
        "families": families,
        "one_standard_error": one_standard_error,
        "trial_id": trial_id,
        "step": step,
        "position": position,
    }

    def work(folder: str | Path, changed: Callable[[], None]) -> Audit:
        found = audit_run(
            folder,
            chosen,
            Settings(address, cache_dir, display, verbose, dashboard, changed=changed),
            front=front,
            models=models,
            budget=budget,
            games=games,
            task=task,
            trust=trust,
            spec=spec,
            dry_run=dry_run,
            planned=planned,
        )
        if not dry_run:
            display.stage("report: being written")
            write_report(folder)
            changed()
        return found

    if not is_uri(str(run)):
        return work(run, lambda: None)
    with Mirror(str(run), tell=display.stage) as mirror:
        return work(mirror.folder, mirror.push)
