"""The model card of exported weights: Markdown that says what they are and how they were chosen."""

from __future__ import annotations

import pprint
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import jinja2
import pandas as pd

from pareto_explorer._version import __version__
from pareto_explorer.fronts import (
    FamilyHypervolume,
    Selection,
    collapse_sentence,
    nothing_to_forget,
)
from pareto_explorer.reports.front_matter import front_matter
from pareto_explorer.reports.shared.commands import reproduce_call, reproduce_command
from pareto_explorer.reports.shared.phrases import box_sentence, share
from pareto_explorer.reports.shared.standing import shown_kinds, spread, standing
from pareto_explorer.reports.shared.verdicts import findings, verdict
from pareto_explorer.results import Run
from pareto_explorer.schema.columns import STD_SUFFIX, of_checkpoint, plain_position
from pareto_explorer.schema.metrics import SAID_EXACTLY, measure, number, tokens_in
from pareto_explorer.text import count

__all__ = [
    "ModelFile",
    "loader_snippet",
    "render_model_card",
    "shown_kinds",
    "spread",
    "standing",
]


def _on_tokens(table: pd.DataFrame) -> str:
    """What accuracies are there, and whether the model no longer answers what it should."""
    return f"{SAID_EXACTLY} {collapse_sentence(table)}".rstrip()


_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*[]<>#|"} | {"&": "&amp;", "\n": " ", "\r": " "})


@dataclass(frozen=True)
class ModelFile:
    """Exported weights.

    Attributes:
        name: The file's name, without its folder.
        sha256: The hash of its content.
        replicate: The replicate whose weights they are.
        difference: Largest difference between the row and the model that was run again to get
            them; None where the sweep had kept them.
    """

    name: str
    sha256: str
    replicate: int
    difference: float | None


def render_model_card(run: Run, selection: Selection, file: ModelFile) -> str:
    """Renders the model card of one exported model.

    Text from the run is escaped, so that it can neither break a table nor become markup.

    Args:
        run: The loaded run.
        selection: The choice.
        file: The weights.
    """
    environment = jinja2.Environment(  # noqa: S701 - not HTML: finalize escapes for Markdown
        loader=jinja2.PackageLoader("pareto_explorer.reports"),
        undefined=jinja2.StrictUndefined,
        finalize=_markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    own = _row(run.points, selection, file.replicate)
    table = standing(selection, run.points, run.landmarks)
    budget = run.manifest.get("spec", {}).get("budget") or {}
    return environment.get_template("model_card.md.j2").render(
        run=run,
        name=run.manifest.get("name", run.directory.path.name),
        selection=selection,
        file=file,
        front_matter=_Verbatim(front_matter(run, selection, own, map(str, table.index))),
        own=own,
        seeds=(own["training_seed"], own["unlearning_seed"]),
        replicates=run.points["replicate"].nunique(),
        facts=list(_flat(run.manifest.get("facts", {}))),
        knobs={knob: number(value) for knob, value in selection.knobs.items()},
        kinds=shown_kinds(table),
        metrics=list(_metrics(table, own)),
        accuracies=_on_tokens(table) if tokens_in(run.points.columns) else "",
        moves=[list(_move(move.changes, move.errors)) for move in selection.moves],
        box=box_sentence(run.box),
        nothing=nothing_to_forget(run.landmarks, run.box.metrics),
        audit=_audit(run, selection),
        volumes=_volumes(run, selection.family),
        versions=run.manifest.get("versions", {}),
        machine=run.manifest.get("machine", {}),
        command=_again(run, selection, file.replicate),
        recomputed=budget.get("batch_norm_statistics") == "recompute",
        snippet=_fenced(loader_snippet(run.manifest, file.name), "python"),
        version=__version__,
        count=count,
        plain_position=plain_position,
        measure=measure,
    )


def loader_snippet(manifest: Mapping[str, Any], name: str) -> str:
    """Python that loads the weights, run in the folder of the file.

    The model is built by the run's own task, which the reader has where it was built in Python. A
    run without one, which was made elsewhere, gives the state only. Files of the task that have an
    absolute path are looked for beside the weights.
    """
    task = manifest.get("spec", {}).get("task")
    if task is None:
        return (
            "from safetensors.torch import load_file\n\n"
            f"state = load_file({name!r})  # for load_state_dict of your own model"
        )
    if "task_given" in manifest:
        return (
            "from pareto_explorer.tasks import restore_model\n"
            "from safetensors.torch import load_file\n\n"
            f"model = restore_model(task, load_file({name!r}), 'cpu')  # task: as in the sweep"
        )
    own = _portable(task)
    options = pprint.pformat(own, width=88, sort_dicts=False)
    note = "" if own == task else "# its files: beside this one, or write where yours are\n"
    return (
        "from pareto_explorer.tasks import make_task, restore_model\n"
        "from safetensors.torch import load_file\n\n"
        f"{note}task = make_task({options})\n"
        f"model = restore_model(task, load_file({name!r}), 'cpu')  # in eval mode"
    )


class _Verbatim(str):
    """Text that is Markdown already."""

    __slots__ = ()


def _markdown(value: object) -> str:
    return value if isinstance(value, _Verbatim) else str(value).translate(_SPECIAL)


def _fenced(code: str, language: str) -> _Verbatim:
    """A code block whose fence is longer than any run of backticks inside."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
    return _Verbatim(f"{fence}{language}\n{code}\n{fence}")


def _portable(value: Any) -> Any:
    """A value whose absolute paths, which other machines do not have, are names of files."""
    if isinstance(value, Mapping):
        return {name: _portable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_portable(inner) for inner in value]
    return _file_name(value) if isinstance(value, str) else value


def _file_name(text: str) -> str:
    for kind in (PurePosixPath, PureWindowsPath):
        path = kind(text)
        if path.is_absolute() or text.startswith(("~", "file://")):
            return path.name or "."
    return text


def _again(run: Run, selection: Selection, replicate: int) -> _Verbatim | None:
    run = replace(run, shown=_file_name(run.shown))
    point = (selection.trial_id, replicate, selection.step, selection.position)
    if run.task_given:
        call = reproduce_call(run, *point)
        code = f"import pareto_explorer.sweeps\n\n{call}  # task: as in the sweep"
        return _fenced(code, "python")
    return _fenced(reproduce_command(run, *point), "sh") if run.repeatable else None


def _row(points: pd.DataFrame, selection: Selection, replicate: int) -> pd.Series[Any]:
    key = of_checkpoint(points, *selection.checkpoint)
    return points[key & (points["replicate"] == replicate)].iloc[0]


def _metrics(table: pd.DataFrame, own: pd.Series[Any]) -> Iterator[tuple[str, Sequence[str]]]:
    kinds = shown_kinds(table)
    for metric, row in table.iterrows():
        cells = [spread(row[kind], row[kind + STD_SUFFIX]) for kind in kinds]
        yield str(metric), [*cells, spread(own[str(metric)], float("nan"))]


def _move(changes: Mapping[str, float], errors: Mapping[str, float]) -> Iterator[str]:
    for metric, change in changes.items():
        error = errors[metric]
        yield f"{change:+.4f}" + ("" if pd.isna(error) else f" (standard error {measure(error)})")


def _audit(run: Run, selection: Selection) -> dict[str, Any] | None:
    """What audits found of the chosen model; None where it was not audited."""
    point = selection.checkpoint
    audits = run.audits
    if audits is None or point not in audits.points:
        return None
    rows = [
        (
            value.words,
            *(measure(x) if x == x else "–" for x in (value.value, value.nothing, value.floor)),
            value.n_models,
        )
        for value in findings(audits, point)
    ]
    return {"verdict": verdict(audits, point), "rows": rows}


def _volumes(run: Run, family: str) -> list[tuple[str, str]]:
    measured = {family: run.hypervolume()[family], "all families": run.pooled_hypervolume()}
    return [(name, _volume(volume)) for name, volume in measured.items()]


def _volume(volume: FamilyHypervolume) -> str:
    low, high = volume.interval
    return f"{share(volume.mean)} ({share(low)} to {share(high)}, {volume.interval.words()})"


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", number(value)
