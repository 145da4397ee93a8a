"""A run as event files of TensorBoard: curves, a table of hyperparameters, and texts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import Any

from pareto_explorer.errors import InputError
from pareto_explorer.runs.files.model_files import model_folder
from pareto_explorer.schema.statuses import DIVERGED, FAILED, RUNNING
from pareto_explorer.trackers.packages import package
from pareto_explorer.trackers.records import Record, Sent, SweepRecord

__all__ = ["to_tensorboard"]

_MARK = ".pareto-explorer"
"""A file in what was exported, which says what that is; nothing else is ever replaced."""

_STATUSES = {RUNNING: "STATUS_RUNNING", FAILED: "STATUS_FAILURE", DIVERGED: "STATUS_FAILURE"}


def to_tensorboard(sweep: SweepRecord, folder: Path, name: str) -> Sent:
    """Writes event files below ``<folder>/<name>``: of the sweep, and of each trial's replicates.

    The replicates of a trial are one group in the table of hyperparameters, which shows their mean.
    What an earlier export has written there is replaced.

    Args:
        sweep: The run.
        folder: TensorBoard's log directory, which may hold other runs.
        name: The run's folder in it.

    Raises:
        InputError: tensorboardX is not installed, or the run's folder holds something else.
        OSError: It cannot be written.
    """
    package("tensorboardX", "tensorboard")
    target = folder / model_folder(name)
    partial = target.with_name(f".{target.name}.partial")
    look = f"tensorboard --logdir {quote(str(folder))}"
    count = sum(1 for _ in sweep.records())
    if target.exists():
        mark = target / _MARK
        if not mark.is_file():
            raise InputError(
                f"`destination`: {str(target)!r} is there and holds something else; choose another "
                "`name`."
            )
        if mark.read_text(encoding="utf-8") == sweep.digest:
            return Sent(str(target), look, 0, count, _left_out(sweep))
    shutil.rmtree(partial, ignore_errors=True)
    _write(partial / "sweep", sweep.sweep, [])
    for trial in sweep.trials:
        own = partial / model_folder(trial.trial_id)
        for number, record in trial.replicates.items():
            _write(own / f"replicate-{number}", record, _session(record, trial.trial_id))
    (partial / _MARK).write_text(sweep.digest, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return Sent(str(target), look, count, 0, _left_out(sweep))


def _write(folder: Path, record: Record, further: Iterable[Any]) -> None:
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder), flush_secs=3600) as writer:
        for row in record.rows:
            at = record.started + row.seconds
            for metric, value in row.values.items():
                writer.add_scalar(metric, value, row.step, at)
        for artifact in record.artifacts:
            for name, content in artifact.files.items():
                if name.endswith(".md"):
                    text = content.read_text("utf-8") if isinstance(content, Path) else content
                    writer.add_text(f"{artifact.name}/{name}", text, 0, record.started)
        if "error" in record.tags:
            writer.add_text("error", _verbatim(record.tags["error"]), 0, record.started)
        for summary in further:
            writer.file_writer.add_summary(summary, 0, record.started)


def _session(record: Record, trial_id: str) -> list[Any]:
    """What the table of hyperparameters is told of a replicate."""
    from tensorboardX.proto.api_pb2 import Status
    from tensorboardX.proto.plugin_hparams_pb2 import (
        HParamsPluginData,
        SessionEndInfo,
        SessionStartInfo,
    )

    start = SessionStartInfo(group_name=trial_id, start_time_secs=record.started)
    for name, value in {**record.params, "trial_status": record.tags["trial_status"]}.items():
        setattr(start.hparams[name], _kind(value), value)
    seconds = record.rows[-1].seconds if record.rows else 0.0
    status = Status.Value(_STATUSES.get(record.status, "STATUS_SUCCESS"))
    end = SessionEndInfo(status=status, end_time_secs=record.started + seconds)
    return [
        _of_plugin("session_start_info", HParamsPluginData(session_start_info=start)),
        _of_plugin("session_end_info", HParamsPluginData(session_end_info=end)),
    ]


def _of_plugin(name: str, data: Any) -> Any:
    from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data.SerializeToString())
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary(value=[Summary.Value(tag=f"_hparams_/{name}", metadata=metadata)])


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool_value"
    return "number_value" if isinstance(value, int | float) else "string_value"


def _verbatim(text: str) -> str:
    """A text that TensorBoard, which reads Markdown, shows as it is."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _left_out(sweep: SweepRecord) -> str:
    weights = [a for record in sweep.records() for a in record.artifacts if a.kind == "model"]
    if not weights:
        return ""
    return "TensorBoard keeps no files: of the kept models it shows the cards, not the weights."
