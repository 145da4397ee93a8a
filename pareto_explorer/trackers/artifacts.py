"""The files of a run that go with it: its report, and the models of its front with their cards."""

from __future__ import annotations

from collections.abc import Iterator

from pareto_explorer.errors import InputError
from pareto_explorer.reports.model_card import ModelFile, render_model_card
from pareto_explorer.results import Run
from pareto_explorer.runs import find_model
from pareto_explorer.runs.kept_models import expected_shapes, read_kept_models
from pareto_explorer.runs.model_checks import check_weights, is_plain
from pareto_explorer.schema.columns import checkpoint_of, checkpoints_of, place
from pareto_explorer.trackers.records import Artifact

__all__ = ["front_models", "report_files"]

_REPORT = ("index.html", "summary.md", "front.csv", "hypervolume.json")


def report_files(run: Run) -> Iterator[Artifact]:
    """The report as it lies in the run directory, if one does.

    Raises:
        InputError: One of its files is a link, which may lead to anything.
    """
    folder = run.directory.report
    files = {name: folder / name for name in _REPORT}
    try:
        there = {name: path for name, path in files.items() if is_plain(path, run.directory.path)}
    except InputError as error:
        raise InputError(str(error).replace("models:", "report:", 1)) from None
    if there:
        yield Artifact("report", "report", there)


def front_models(run: Run, storage: str) -> dict[tuple[str, int], list[Artifact]]:
    """The kept models of the front, each with its card, by trial and replicate.

    Args:
        run: A run.
        storage: The URI that it was read from, if any.

    Raises:
        InputError: Kept weights are not what they should be.
    """
    if not run.directory.sweep_yaml.exists():
        return {}
    front = set(checkpoints_of(run.front()))
    found: dict[tuple[str, int], list[Artifact]] = {}
    for entry in read_kept_models(run.directory).values():
        checkpoint, replicate = checkpoint_of(entry), entry["replicate"]
        if checkpoint not in front:
            continue
        trial_id, step, position = checkpoint
        point = trial_id, replicate, step
        weights = find_model(run.directory, *point, position, storage=storage)
        if weights is None:
            continue
        check_weights(weights, *point, expected_shapes(run.directory), position=position)
        selection = run.select(trial_id=trial_id, step=step, position=position)
        file = ModelFile(weights.name, entry["sha256"], replicate, None)
        card = render_model_card(run, selection, file)
        name = place(step, position).replace(",", "").replace(" ", "-")
        artifact = Artifact(name, "model", {weights.name: weights, "README.md": card})
        found.setdefault((trial_id, replicate), []).append(artifact)
    return found
