"""What all cards of a report are made from, computed once."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from pareto_explorer.loading import Run
from pareto_explorer.figures import FamilyStyle, FrontInfo, family_styles, front_info
from pareto_explorer.fronts import FamilyHypervolume

__all__ = ["Material"]


@dataclass(frozen=True)
class Material:
    """A run and what is derived from it.

    Attributes:
        run: The loaded run.
        path: The run directory as the user wrote it, for commands.
    """

    run: Run
    path: str

    @cached_property
    def info(self) -> FrontInfo:
        """The data of the front figure."""
        return front_info(self.run.points, self.run.landmarks, self.run.box)

    @cached_property
    def styles(self) -> dict[str, FamilyStyle]:
        """The look of each family."""
        return family_styles(self.run.points)

    @cached_property
    def hypervolumes(self) -> dict[str, FamilyHypervolume]:
        """Hypervolumes by family, the largest mean first, names breaking ties."""
        found = self.run.hypervolume().items()
        return dict(sorted(found, key=lambda item: (-item[1].mean, item[0])))

    @cached_property
    def front(self) -> pd.DataFrame:
        """The front of all families together, best first in the first objective."""
        return self.run.front()

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row per trial, its last point: ``trial_id, family, trial_status, error, ...``."""
        return self.run.points.groupby("trial_id", sort=True).tail(1)

    @property
    def replicates(self) -> list[int]:
        """The replicates' numbers."""
        return sorted(int(r) for r in self.run.points["replicate"].unique())

    def reproduce(self, trial: str, replicate: int, step: int) -> str:
        """The command that runs one point again, quoted for a POSIX shell."""
        words = ["--trial", trial, "--replicate", str(replicate), "--step", str(step)]
        return shlex.join(["pareto-explorer", "reproduce", self.path, *words])
