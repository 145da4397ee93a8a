"""Ray Tune runs the trials that are left, while the driver listens."""

from __future__ import annotations

from typing import Any

from ray import tune

from pareto_explorer.errors import WriteError
from pareto_explorer.fronts import Box
from pareto_explorer.interruption import held_back
from pareto_explorer.runs import PointsWriter
from pareto_explorer.sweeps.cluster.room import pending_trials
from pareto_explorer.sweeps.cluster.workers import Patience
from pareto_explorer.sweeps.driver.callbacks import Driver, Over, OverInOrder, SweepCallback
from pareto_explorer.sweeps.driver.keeper import Keeper
from pareto_explorer.sweeps.driver.prepare import Prepared
from pareto_explorer.sweeps.driver.settings import Settings
from pareto_explorer.sweeps.search.trial_source import at_a_time, concurrency_of, searcher_for
from pareto_explorer.sweeps.spec.families import TrialPlan
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.stopping.hypervolume_stopper import HypervolumeStopper
from pareto_explorer.sweeps.stopping.pareto_asha import ParetoASHA
from pareto_explorer.sweeps.trials.model_store import ModelStore
from pareto_explorer.sweeps.trials.trainable import Job, UnlearningTrial

__all__ = ["tune_trials"]


def tune_trials(
    prepared: Prepared,
    job: Job,
    box: Box,
    stopper: HypervolumeStopper | None,
    settings: Settings,
    *,
    room: int,
    own: bool,
) -> None:
    """Runs the trials that are left.

    Args:
        prepared: The sweep.
        job: What its trials share.
        box: The objectives.
        stopper: What ends the sweep early, if anything does.
        settings: How it is run.
        room: How many trials fit the cluster.
        own: Whether the cluster ends with the sweep.

    Raises:
        WriteError: The run directory can no longer be written.
    """
    sweep, progress = prepared.sweep, settings.progress
    spec, run, resources = sweep.spec, sweep.run, sweep.spec.resources
    scheduler = _scheduler(spec, box)
    if scheduler is not None:
        scheduler.seed_rungs(sweep.points)
    spread = resources.replicate_parallelism == "replicate"
    storage, keep = settings.storage or str(run.path), spec.checkpoints.keep
    store = job.models or ModelStore(storage)
    with (
        PointsWriter(run) as writer,
        Keeper(run, store, box, keep, len(job.replicates), sweep.points) as keeper,
        held_back() as held,
    ):

        def keep_plan(plan: TrialPlan) -> None:
            writer.plan(plan.trial_id, plan.family.name, plan.knobs)
            progress.drawn(plan)

        searcher = searcher_for(sweep, box, keep_plan)
        driver = Driver(
            run=run,
            writer=writer,
            keeper=keeper,
            progress=progress,
            families=job.families,
            replicates=job.replicates,
            parts=len(job.replicates) if spread else 1,
            searcher=searcher,
            scheduler=scheduler,
            stopper=stopper,
            changed=settings.changed,
            patience=Patience(resources, progress.stage),
            held=held,
            over=Over() if own else OverInOrder(),
        )
        callback = SweepCallback(driver)
        tuner = tune.Tuner(
            tune.with_resources(
                tune.with_parameters(UnlearningTrial, job=job),
                {"cpu": resources.cpu, "gpu": resources.gpu, **resources.custom},
            ),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=scheduler,
                num_samples=-1,  # until the search has no more
                max_concurrent_trials=concurrency_of(spec, room),
                reuse_actors=True,
                trial_dirname_creator=_directory,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=storage,
                callbacks=[callback, *prepared.loggers],
                failure_config=tune.FailureConfig(max_failures=spec.retries),
                checkpoint_config=tune.CheckpointConfig(num_to_keep=1, checkpoint_at_end=False),
                stop=stopper,
                verbose=0,
                progress_reporter=Wordless(),
            ),
        )
        progress.schedule(at_a_time(spec, room), driver.parts, sweep.points)
        try:
            with pending_trials(room):
                tuner.fit()
        except (Exception, Over) as error:
            refused = WriteError.of(error, run.path) if isinstance(error, OSError) else None
            if failure := callback.failure or refused:
                raise failure from None
            if held.stop is None:
                raise


class Wordless(tune.ProgressReporter):
    """In place of Ray's own, which clears the cell of a notebook whatever its verbosity."""

    def should_report(self, trials: list[Any], done: bool = False) -> bool:
        """Never."""
        del trials, done
        return False


def _directory(trial: Any) -> str:
    replicate = trial.config.get("replicate")
    name: str = trial.config["trial_id"]
    return name if replicate is None else f"{name}-replicate-{replicate}"


def _scheduler(spec: SweepSpec, box: Box) -> ParetoASHA | None:
    wanted = spec.early_stopping
    if wanted is None:
        return None
    return ParetoASHA(
        box, spec.most_steps, wanted.grace, wanted.eta, wanted.margin, wanted.by_family
    )
