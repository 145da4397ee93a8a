"""A run in Python, where neither torch nor Ray need be installed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from pareto_explorer.errors import InputError, bare, brief
from pareto_explorer.fronts import (
    Box,
    FamilyHypervolume,
    KnobDomain,
    Selection,
    family_hypervolumes,
    front,
    knob_coverage,
    knob_edges,
    pooled_hypervolume,
    read_domains,
    replicate_means,
    select,
)
from pareto_explorer.results.audited import Audits, audited_points, read_audits
from pareto_explorer.results.hypervolumes import Hypervolumes
from pareto_explorer.runs import (
    RunDirectory,
    read_landmarks,
    read_manifest,
    read_points,
    recorded_entry,
    require_own,
)
from pareto_explorer.runs.files.storage import is_storage
from pareto_explorer.runs.manifest import TRIALS
from pareto_explorer.runs.named_code import named_code
from pareto_explorer.runs.notes import Note, add_line, keeps_no_notes, note_line, read_notes
from pareto_explorer.runs.remote.copies import local_path
from pareto_explorer.schema.audited import AUDITED
from pareto_explorer.schema.checkpoint_ids import as_checkpoint, checkpoint_id, ids_form
from pareto_explorer.schema.columns import CHECKPOINT, MEMBER, of_checkpoint, positioned
from pareto_explorer.trust.redaction import redacted

if TYPE_CHECKING:
    import optuna
    import plotly.graph_objects as go
    from pymoo.core.result import Result

    from pareto_explorer.interchange import ColumnMapping

__all__ = ["MEMBER", "Run", "load_run"]


@dataclass(frozen=True, eq=False)
class Run:
    """What a sweep found, as it was when it was loaded.

    Attributes:
        directory: The run directory.
        manifest: The resolved specification, the versions and the command.
        points: The points table, one row per (trial, replicate, step, position).
        landmarks: The landmarks table, one row per (landmark, replicate).
        box: The objectives, bounds and reference point that were fixed before the first trial.
        shown: The run's path as the user wrote it, for commands; of an address, without secrets.
        members: The runs by name that were put together into this one; empty for a run of its own.
        notes: Sentences on what the run leaves out or measures in another way than it was swept.
        domains: What each family's knobs were drawn from; empty where the run does not record it.
    """

    directory: RunDirectory
    manifest: dict[str, Any]
    points: pd.DataFrame
    landmarks: pd.DataFrame
    box: Box
    shown: str
    members: Mapping[str, Run] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    domains: Mapping[str, Mapping[str, KnobDomain]] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        mapping: ColumnMapping | str | PathLike[str] | None = None,
        *,
        study: str | None = None,
    ) -> Self:
        """Loads a run of this class; see ``pareto_explorer.load_run``."""
        from pareto_explorer.interchange import is_foreign, read_foreign

        shown = redacted(str(path))
        if mapping is not None or study is not None or is_foreign(path):
            found = read_foreign(path, mapping, study=study)
            parts = (found.manifest, found.points, found.landmarks, found.box)
            domains = read_domains(found.manifest.get("domains", {}))
            return cls(RunDirectory(Path(path)), *parts, shown, domains=domains)
        directory = RunDirectory(local_path(path))
        return cls.of_directory(directory, shown, read_points(directory))

    @classmethod
    def of_directory(cls, directory: RunDirectory, shown: str, points: pd.DataFrame) -> Self:
        """A run of a directory whose points have been read.

        Args:
            directory: The run directory.
            shown: The run's path as the user wrote it.
            points: What ``read_points`` gives.

        Raises:
            InputError: One of its files is damaged, or does not go with the points.
        """
        manifest = read_manifest(directory)
        recorded = recorded_entry(directory, manifest, "box")
        try:
            box = Box.from_dict(recorded)
            domains = read_domains(manifest.get("domains", {}))
        except InputError as error:
            raise InputError(f"{str(directory.sweep_yaml)!r}: {error}") from None
        landmarks = read_landmarks(directory)
        require_own(directory, manifest, points, landmarks)
        return cls(directory, manifest, points, landmarks, box, shown, domains=domains)

    def __repr__(self) -> str:
        return f"<Run {self._heading}>"

    def _repr_html_(self) -> str:
        from pareto_explorer.results.html import run_html

        volumes = self.hypervolume()
        return run_html(self._heading, volumes, self.points, self.landmarks, self.box, self.notes)

    @property
    def _heading(self) -> str:
        return (
            f"{self.shown!r}: families {self.points['family'].nunique()}, "
            f"replicates {self.points['replicate'].nunique()}, points {len(self.points)}, "
            f"objectives {', '.join(map(bare, self.box.metrics))}"
        )

    @property
    def _parts(self) -> Collection[Run]:
        """The runs that it was put together from, or itself."""
        return self.members.values() or [self]

    @property
    def name(self) -> str:
        """What the sweep is called."""
        return str(self.manifest.get("name") or self.directory.path.resolve().name)

    @property
    def repeatable(self) -> bool:
        """Whether a command can run points again: not of an imported run, nor of a given task."""
        return not any({"imported", "task_given"} & run.manifest.keys() for run in self._parts)

    @property
    def task_given(self) -> bool:
        """Whether its task was built in Python, so that only Python can run points again."""
        return any("task_given" in run.manifest for run in self._parts)

    @property
    def planned(self) -> int | None:
        """How many trials there will be, where the run records it; of several runs, in all."""
        if self.members:
            counts = [run.planned for run in self.members.values()]
            known = [count for count in counts if count is not None]
            return sum(known) if len(known) == len(counts) else None
        return self.manifest.get(TRIALS)

    @property
    def retrained(self) -> bool:
        """Whether any model was retrained to compare with."""
        return bool((self.landmarks["landmark"] == "retrained").any())

    @property
    def searched(self) -> bool:
        """Whether earlier trials led to later ones, so that their order means something.

        Of several runs together, whether they did in any of them.
        """
        return any(
            run.manifest.get("spec", {}).get("search", {}).get("mode") == "explore"
            or run.manifest.get("imported", {}).get("kind") == "Optuna study"
            for run in self._parts
        )

    @property
    def not_recorded(self) -> tuple[str, ...]:
        """The costs that a sweep made elsewhere does not tell; their columns hold 0.

        Any of ``samples`` and ``seconds``. Of several runs together, what one of them lacks.
        """
        lacking = [run.manifest.get("imported", {}).get("not_recorded", ()) for run in self._parts]
        return tuple(sorted({name for names in lacking for name in names}))

    @property
    def names_code(self) -> bool:
        """Whether it names code beyond this package, which only the user may allow to be run."""
        return any(one for run in self._parts for one in named_code(run.manifest.get("spec")))

    @cached_property
    def audits(self) -> Audits | None:
        """What audits have found of its points; None where there was none.

        Raises:
            InputError: A file of an audit is damaged.
        """
        if not self.members:
            return read_audits(self.directory)
        found = [
            audits.of_member(f"{name}{MEMBER}")
            for name, run in self.members.items()
            if (audits := run.audits) is not None
        ]
        return Audits.together(found) if found else None

    @cached_property
    def annotations(self) -> dict[str, tuple[Note, ...]]:
        """The notes that were made on its points, by the point's id, the oldest first.

        Raises:
            InputError: Their file is damaged.
        """
        if not self.members:
            return read_notes(self.directory)
        return {
            f"{name}{MEMBER}{point}": notes
            for name, run in self.members.items()
            for point, notes in run.annotations.items()
        }

    def annotate(self, point: str, text: str) -> None:
        """Makes a note on a point, which every later report shows.

        Args:
            point: The point's id, see `points_of`.
            text: At most 2,000 characters.

        Raises:
            InputError: No point has this id, the text is too long, there is none, or the run is
                in storage or another tool's, where nothing is written.
            WriteError: The run directory cannot be written.

        >>> run.annotate("a1b2@100", "worth an audit")            # doctest: +SKIP
        """
        run, own = self.locate_point(point)
        if is_storage(run.shown):
            raise InputError(
                f"notes: {run.shown!r} was copied to be read; make notes on the page of "
                "`pareto-explorer serve`, which writes them to the storage."
            )
        if not run.directory.sweep_yaml.exists():
            raise keeps_no_notes(run.shown)
        add_line(run.directory, note_line(own, text))
        for each in (self, run):
            each.__dict__.pop("annotations", None)

    def locate(self, trial_id: str) -> tuple[Run, str]:
        """The run that made a trial, which may be this one, and the trial's id there.

        Args:
            trial_id: As in the points table.
        """
        name, separator, own = trial_id.partition(MEMBER)
        if self.members and separator:
            return self.members[name], own
        return self, trial_id

    def locate_point(self, point: str) -> tuple[Run, str]:
        """The run that made a point, which may be this one, and the point's id there.

        Args:
            point: Its id, see `points_of`.

        Raises:
            InputError: No point has this id.
        """
        trial_id, step, position = as_checkpoint(point, "`point`")
        if not of_checkpoint(self.points, trial_id, step, position).any():
            raise InputError(f"`point`: {brief(point)} is no point of this run; {ids_form()}.")
        run, own = self.locate(trial_id)
        return run, checkpoint_id(own, step, position)

    def front(self) -> pd.DataFrame:
        """The non-dominated replicate means of all families together; see ``fronts.front``."""
        return front(self.points, self.box)

    def means(self) -> pd.DataFrame:
        """Every checkpoint's replicate means, marked; see ``fronts.replicate_means``."""
        return replicate_means(self.points, self.box)

    def points_of(self, ids: str | Iterable[str]) -> pd.DataFrame:
        """The rows of some checkpoints, of all replicates, in the order of the ids.

        The report's button and the explorer give such ids: the trial and the step, and the
        position where a trial shows several models at one step.

        Args:
            ids: One id or several; one that is given twice counts once.

        Returns:
            Rows of the points table.

        Raises:
            InputError: A text is no id, or no point of this run has it.

        >>> run.points_of(["a1b2@100", "a1b2@100@0.25"])          # doctest: +SKIP
        """
        groups = positioned(self.points).groupby([*CHECKPOINT], sort=False).indices
        rows: list[int] = []
        for text in dict.fromkeys([ids] if isinstance(ids, str) else ids):
            found = groups.get(as_checkpoint(text))
            if found is None:
                raise InputError(f"`ids`: {brief(text)} is no point of this run; {ids_form()}.")
            rows.extend(found)
        return self.points.iloc[rows].reset_index(drop=True)

    def hypervolume(self) -> Hypervolumes:
        """The hypervolume of each family, shown as a table; see ``fronts.family_hypervolumes``."""
        return Hypervolumes(self._volumes)

    @cached_property
    def _volumes(self) -> Mapping[str, FamilyHypervolume]:
        return family_hypervolumes(self.points, self.box)

    def select(
        self,
        *,
        rule: str | None = None,
        maximum: Mapping[str, float] | None = None,
        minimum: Mapping[str, float] | None = None,
        weights: Sequence[float] | None = None,
        families: str | Sequence[str] = (),
        one_standard_error: bool = False,
        trial_id: str | None = None,
        step: int | None = None,
        position: float = 0.0,
    ) -> Selection:
        """Chooses one model by its validation metrics; see ``fronts.select`` for the arguments.

        >>> run.select(maximum={"retain_gap": 0.01})              # doctest: +SKIP

        A bound may also be on what an audit has found (`AUDITED`), for example
        ``attack_accuracy``. Only points that were audited keep such a bound, unless the sweep has
        measured it at every point.

        Raises:
            InputError: Nothing to choose from, no model keeps the constraints, an unknown name,
                arguments that do not go together, or a bound on a cost that was not recorded or on
                an audit that was not made.
        """
        for name in (*(maximum or ()), *(minimum or ())):
            if name in self.not_recorded:
                raise InputError(
                    f"{name}: where this sweep was made, it was not recorded; bound another metric."
                )
        return select(
            self._with_audits({*(maximum or ()), *(minimum or ())}),
            self.box,
            rule=rule,
            maximum=maximum,
            minimum=minimum,
            weights=weights,
            families=families,
            one_standard_error=one_standard_error,
            trial_id=trial_id,
            step=step,
            position=position,
        )

    def _with_audits(self, bounded: set[str]) -> pd.DataFrame:
        """The points, with what audits have found of them where a bound asks for it."""
        wanted = [name for name in AUDITED if name in bounded and name not in self.points]
        if not wanted:
            return self.points
        points, audits = self.points, self.audits
        if audits is not None:
            points = audited_points(points, audits, wanted)
        lacking = [name for name in wanted if name not in points or points[name].isna().all()]
        if lacking:
            raise InputError(
                f"{lacking[0]}: no audit of this run has measured it; audit the points to choose "
                f"from first, with `pareto-explorer audit {quote(self.shown)}`."
            )
        return points

    def coverage(self) -> pd.DataFrame:
        """How much of each knob's range was tried; see ``fronts.knob_coverage``."""
        return knob_coverage(self.points, self.domains)

    def edges(self) -> pd.DataFrame:
        """The knobs whose best values lie at an end of their range; see ``fronts.knob_edges``."""
        return knob_edges(self.points, self.box, self.domains)

    def pooled_hypervolume(self) -> FamilyHypervolume:
        """The hypervolume of all families together."""
        return self._pooled

    @cached_property
    def _pooled(self) -> FamilyHypervolume:
        return pooled_hypervolume(self.points, self.box)

    def figure(self) -> go.Figure:
        """The forget-versus-retain front as a Plotly figure; see ``figures.plot_front``."""
        from pareto_explorer.figures import plot_front

        return plot_front(self.points, self.landmarks, self.box)

    def to_dataframe(self) -> pd.DataFrame:
        """A copy of the points table, one row per (trial, replicate, step, position)."""
        return self.points.copy()

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Writes the points table as CSV."""
        self.points.to_csv(path, index=False, lineterminator="\n")

    def to_parquet(self, path: str | PathLike[str]) -> None:
        """Writes the points table as Parquet."""
        self.points.to_parquet(path, index=False)

    def to_json(self, path: str | PathLike[str]) -> None:
        """Writes the points table as a JSON list of rows; what is missing is null."""
        self.points.to_json(path, orient="records", double_precision=15)

    def to_optuna(self) -> optuna.Study:
        """The run as a study of Optuna; see ``interchange.to_optuna``."""
        from pareto_explorer.interchange import to_optuna

        return to_optuna(self)

    def to_pymoo(self) -> Result:
        """The run as a result of pymoo; see ``interchange.to_pymoo``."""
        from pareto_explorer.interchange import to_pymoo

        return to_pymoo(self)


def load_run(
    path: str | PathLike[str],
    mapping: ColumnMapping | str | PathLike[str] | None = None,
    *,
    study: str | None = None,
) -> Run:
    """Loads a run, as ``pareto_explorer.load_run`` does, without what writes its report."""
    return Run.load(path, mapping, study=study)
