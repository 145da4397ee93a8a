"""What reports are made of: cards, and a run with what is derived from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, TypeVar

import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.errors import InputError
from pareto_explorer.figures import (
    AttainmentInfo,
    FamilyStyle,
    FrontInfo,
    Theme,
    attainment_info,
    family_styles,
    front_info,
)
from pareto_explorer.fronts import (
    Comparison,
    FamilyHypervolume,
    RetrainFloor,
    coverage_sentences,
    edge_sentences,
    families_inside,
    front,
    nothing_to_forget,
    reference_sensitivity,
    replicate_means,
    retrain_floor,
    validation_box,
)
from pareto_explorer.fronts.statistics.comparison import competitors, judge_families, unfinished
from pareto_explorer.reports.shared.commands import reproduce_command
from pareto_explorer.results import Run

__all__ = [
    "Card",
    "Material",
    "failed",
    "guarded",
]

M = TypeVar("M")

_LOGGER = logging.getLogger("pareto_explorer.reports")
_LOGGER.addHandler(logging.NullHandler())  # without any handler, Python would print it
_LONGEST = 400  # characters of what went wrong
_FEW = 8


@dataclass(frozen=True)
class Card:
    """One thing that a report shows.

    Attributes:
        key: Identifier in the page and name of the template ``cards/<key>.html``.
        title: A few words.
        sentence: What the card shows, in plain words.
        reason: Why the card does not apply to this run; then nothing else is shown.
        how_to_read: Help for the figure or table.
        data: The table behind the card, which the page offers as CSV.
        tables: Those of its parts by name, which their headings offer.
        draw: Draws the card's figure under a theme.
        context: What else the card's template needs.
        payload: Plain data for the card's script, which then offers the table itself.
        folded: Whether the page shows title and sentence alone until the reader opens it.
        broken: Whether it could not be made; ``reason`` says why.
        absent: Whether there is nothing to show, and nothing to say of that: it is left out.
    """

    key: str
    title: str
    sentence: str = ""
    reason: str = ""
    how_to_read: str = ""
    data: pd.DataFrame | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    draw: Callable[[Theme], go.Figure] | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    payload: Mapping[str, Any] | None = None
    folded: bool = False
    broken: bool = False
    absent: bool = False


def guarded(key: str, title: str) -> Callable[[Callable[[M], Card]], Callable[[M], Card]]:
    """Makes a function that builds a card give one whatever happens: it says what went wrong.

    Args:
        key: The card's key.
        title: Its title.
    """

    def guard(build: Callable[[M], Card]) -> Callable[[M], Card]:
        @wraps(build)
        def built(material: M) -> Card:
            try:
                return build(material)
            except Exception as error:
                return failed(key, title, error)

        return built

    return guard


def failed(key: str, title: str, error: Exception) -> Card:
    """The card in place of one that could not be made; the log gets the traceback.

    Args:
        key: The card's key.
        title: Its title.
        error: Bad input is told in its own words.
    """
    _LOGGER.error("report: the card %r failed", key, exc_info=error)
    text = " ".join(str(error).split())[:_LONGEST]
    if not isinstance(error, InputError):
        name = type(error).__name__
        text = f"This card could not be drawn ({f'{name}: {text}' if text else name})."
    return Card(key, title, reason=text, broken=True)


@dataclass(frozen=True)
class Material:
    """A run and what is derived from it.

    Attributes:
        run: The loaded run.
    """

    run: Run

    @cached_property
    def means(self) -> pd.DataFrame:
        """Every checkpoint's replicate means, marked, from which the cards take them."""
        return self.run.means()

    @cached_property
    def validation_means(self) -> pd.DataFrame:
        """The same, marked by the validation metrics that a choice looks at."""
        run = self.run
        box = validation_box(run.points, run.box)
        return self.means if box == run.box else replicate_means(run.points, box)

    @cached_property
    def info(self) -> FrontInfo:
        """The data of the front figure."""
        run = self.run
        return front_info(run.points, run.landmarks, run.box, means=self.means)

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
    def competitors(self) -> dict[str, FamilyHypervolume]:
        """Those of families that do more than show the way between two models; all if none does."""
        return competitors(self.hypervolumes, self.run.points)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Every pair of competitors compared over the replicates, those of the leader first.

        See ``fronts.comparison.judge_families`` for where none is distinguishable.
        """
        run = self.run
        return judge_families(
            self.competitors, run.points, run.box, run.landmarks, run.domains, run.planned
        )

    @cached_property
    def unfinished(self) -> tuple[int, int]:
        """How many trials have not ended, and how many are planned."""
        return unfinished(self.run.points, self.run.planned)

    @cached_property
    def nothing_to_forget(self) -> str:
        """Why these objectives cannot show forgetting, so that nothing is ranked; empty if not."""
        return nothing_to_forget(self.run.landmarks, self.run.box.metrics)

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """How much of each knob's range was tried."""
        return self.run.coverage()

    @cached_property
    def edges(self) -> pd.DataFrame:
        """The knobs whose best values lie at an end of their range."""
        return self.run.edges()

    @property
    def range_warnings(self) -> list[str]:
        """What to widen, and what was poorly covered; a search may leave parts out on purpose."""
        holes = [] if self.run.searched else coverage_sentences(self.coverage)
        return [*edge_sentences(self.edges), *holes]

    @cached_property
    def floor(self) -> RetrainFloor | None:
        """How far two retrained models are from each other."""
        return retrain_floor(self.run.landmarks, self.run.box)

    @cached_property
    def inside_floor(self) -> dict[str, bool]:
        """Which families come as near to the retrained model as another retrained model."""
        return families_inside(self.run.points, self.run.landmarks, self.run.box)

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        """Hypervolumes and ranks under other reference points."""
        return reference_sensitivity(self.run.points, self.run.box)

    @cached_property
    def attainment(self) -> AttainmentInfo:
        """Attainment surfaces of all families; there must be two objectives."""
        return attainment_info(self.run.points, self.run.landmarks, self.run.box)

    @property
    def has_points(self) -> bool:
        """Whether any row can be on a front."""
        return any(volume.n_points for volume in self.hypervolumes.values())

    @cached_property
    def front(self) -> pd.DataFrame:
        """The front of all families together, best first in the first objective."""
        return front(self.run.points, self.run.box, means=self.means)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row per trial, its last point: ``trial_id, family, trial_status, error, ...``."""
        return self.run.points.groupby("trial_id", sort=True).tail(1)

    def leading(self, families: Sequence[str]) -> list[str]:
        """The families that a figure shows at first: all, or the first ones of a crowd."""
        return list(families if len(families) <= _FEW else families[:_FEW])

    @property
    def replicates(self) -> list[int]:
        """The replicates' numbers."""
        return sorted(int(r) for r in self.run.points["replicate"].unique())

    def reproduce(self, trial: str, replicate: int, step: int, position: float) -> str:
        """The command that runs one point again, quoted for a POSIX shell."""
        return reproduce_command(self.run, trial, replicate, step, position)
