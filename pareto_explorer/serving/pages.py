"""What a page about runs shows, and which parts of it are computed when."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import NamedTuple

from pareto_explorer.errors import InputError, brief
from pareto_explorer.reports import Card
from pareto_explorer.reports.cards import CARDS, FOLLOWING
from pareto_explorer.reports.html import Section, page_facts, reason_section, render_sections
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.combining import put_together
from pareto_explorer.runs.files.progress_file import HEARTBEAT, Standing
from pareto_explorer.runs.notes import note_line, removal_line
from pareto_explorer.serving.pace import Pace
from pareto_explorer.serving.places import Place
from pareto_explorer.text import listing

__all__ = ["Course", "Page", "Pages", "Part"]

_SHARES = (0.05, 0.02)
"""Of one core: what sections that follow every point may take, and the others."""

_SILENCE = 3 * HEARTBEAT
"""Seconds without a sign of life after which a driver counts as gone."""


class Part(NamedTuple):
    """A section, and what tells it from what it was before."""

    section: Section
    digest: str


class Course(NamedTuple):
    """How far the sweep of a run is.

    Attributes:
        run: The run.
        standing: What its driver said last.
        alive: Whether the driver still is.
    """

    run: str
    standing: Standing
    alive: bool


@dataclass(frozen=True)
class Page:
    """A page as it is now.

    Attributes:
        name: What it is called.
        facts: What its head says.
        parts: Its sections by key, in their order.
        courses: How far the sweeps are.
        problem: What cannot be shown, and why; empty if nothing.
    """

    name: str
    facts: tuple[str, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    courses: tuple[Course, ...] = ()
    problem: str = ""

    @property
    def digests(self) -> dict[str, str]:
        """What tells each part from others of its kind; that of the head under no key."""
        head = {"": _digest(repr((self.name, self.facts)))}
        return head | {key: part.digest for key, part in self.parts.items()}


class Pages:
    """Keeps a page up to date, a step at a time, for little computing.

    What a step computes it does in the thread that calls it; steps must not overlap.

    Args:
        places: Where the runs are.
        box: Where another box is to be read from.
        clock: Seconds that pass.
        wall: Seconds since the epoch.
        cost: Seconds that this thread has computed.

    Attributes:
        page: As it is now.
    """

    def __init__(
        self,
        places: Sequence[Place],
        box: str | PathLike[str] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        cost: Callable[[], float] = time.thread_time,
    ) -> None:
        self._places, self._box = places, box
        self._clock, self._wall, self._cost = clock, wall, cost
        names = " and ".join(place.name for place in places)
        self.page = Page(names)
        self._next_looks = [-math.inf] * len(places)
        self._stamps: list[Hashable] = [None] * len(places)
        self._signs: dict[str, tuple[float, float]] = {}  # what a driver said, and when we heard it
        self._problems: dict[str, str] = {}
        self._paces = tuple(Pace(share, 1.0) for share in _SHARES)
        self._made: list[Hashable] = [None for _ in _SHARES]  # of which stamps the sections are
        self._material: Material | None = None
        self._parts: dict[Callable[[Material], Card], list[Part]] = {}

    @property
    def begun(self) -> bool:
        """Whether there is anything to show, be it that there is nothing yet."""
        return bool(self.page.parts or self.page.problem)

    def wait(self) -> float:
        """Seconds until there can be something to do."""
        now, stamps = self._clock(), tuple(self._stamps)
        due = [
            pace.left(now)
            for pace, made in zip(self._paces, self._made, strict=True)
            if made != stamps
        ]
        return max(min([min(self._next_looks) - now, *due]), 0.0)

    def hurry(self) -> None:
        """Lets the next step look, and compute what follows every point, at once."""
        self._next_looks = [-math.inf] * len(self._places)
        self._paces[0].hurry()

    def step(self) -> None:
        """Looks where it is time to, then computes one group of sections if any is due."""
        self._look()
        courses = self._courses()
        if any(c.alive for c in self.page.courses) and not any(c.alive for c in courses):
            for pace in self._paces:
                pace.hurry()  # once the sweep has ended, all is brought up to date
        now, stamps = self._clock(), tuple(self._stamps)
        for index, (pace, show) in enumerate(
            zip(self._paces, (self._follow, self._catch_up), strict=True)
        ):
            if self._made[index] != stamps and pace.due(now):
                self._made[index] = stamps
                started = self._cost()
                show()
                pace.spent(self._cost() - started, self._clock())
                break
        self.page = replace(self.page, courses=courses, problem=" ".join(self._problems.values()))

    def note(self, point: str, text: str) -> None:
        """Makes a note on a point.

        Args:
            point: Its id.
            text: The note.

        Raises:
            InputError: There is no such point, the note is too long, or it cannot be written.
        """
        place, own = self._place_of(point)
        place.note(note_line(own, text))

    def take_back(self, point: str, time: str) -> None:
        """Takes a note back.

        Args:
            point: The id of its point.
            time: When it was made.

        Raises:
            InputError: There is no such point, or it cannot be written.
        """
        place, own = self._place_of(point)
        place.note(removal_line(own, time))

    def _place_of(self, point: str) -> tuple[Place, str]:
        """Where the run of a point is, and the point's id there."""
        material = self._material
        if material is None:
            raise InputError(f"`point`: {brief(point)} is not there, as no run is.")
        run, own = material.run.locate_point(point)
        return next(place for place in self._places if place.name == run.shown), own

    def _look(self) -> None:
        for index, place in enumerate(self._places):
            if self._clock() < self._next_looks[index]:
                continue
            self._problems.pop(place.name, None)
            try:
                self._stamps[index] = place.look()
            except InputError as error:
                self._problems[place.name] = str(error)
            self._next_looks[index] = self._clock() + place.pause

    def _courses(self) -> tuple[Course, ...]:
        """How far the sweeps are; a driver that has not been heard of for long is gone.

        It may be on another machine, whose clock is another one, so that only the first time its
        own word is taken for when it wrote.
        """
        found = []
        for place in self._places:
            standing = place.standing()
            if standing is None:
                continue
            now = self._clock()
            age = max(self._wall() - standing.time, 0.0)
            said, heard = self._signs.get(place.name, (standing.time, now - age))
            if said != standing.time:
                said, heard = standing.time, now
            self._signs[place.name] = said, heard
            silence = _SILENCE + 2 * place.pause
            found.append(Course(place.name, standing, not standing.over and now - heard < silence))
        return tuple(found)

    def _follow(self) -> None:
        """Reads the runs, and shows what follows every point."""
        self._problems.pop("", None)
        try:
            runs = {place.name: place.load() for place in self._places}
            pointed = [run for run in runs.values() if run is not None and len(run.points)]
            if len(runs) > 1:
                without = [name for name, run in runs.items() if run not in pointed]
                if pointed and without:
                    self._problems[""] = f"{_have(without)} no points yet."
            shown = pointed or [run for run in runs.values() if run is not None][:1]
            if not shown and self._material is not None:
                self._problems[""] = f"{_have([*runs])} no run any more; this is what there was."
                return
            if not shown:
                self._wait_for_runs()
                return
            self._material = Material(put_together(shown, self._box))
        except InputError as error:
            self._problems[""] = str(error)
            return
        self._show(FOLLOWING)

    def _catch_up(self) -> None:
        """Shows all the rest."""
        if self._material is not None:
            self._show([card for card in CARDS if card not in FOLLOWING])

    def _show(self, builders: Sequence[Callable[[Material], Card]]) -> None:
        material = self._material
        assert material is not None  # noqa: S101 - the callers have seen to it
        for build in builders:
            sections = render_sections([build(material)], material)
            self._parts[build] = [_part(section) for section in sections]
        parts = [part for build in CARDS for part in self._parts.get(build, ())]
        self.page = replace(
            self.page,
            name=material.run.name,
            facts=tuple(page_facts(material)),
            parts={part.section.key: part for part in parts},
        )

    def _wait_for_runs(self) -> None:
        names = [place.name for place in self._places]
        reason = f"{_have(names)} no run yet; this page fills by itself as soon as there is one."
        section = reason_section(Card("waiting", "Nothing to show yet", reason=reason))
        self.page = replace(self.page, parts={section.key: _part(section)})


def _have(names: Sequence[str]) -> str:
    """The beginning of a sentence about what runs have."""
    return f"{listing([*map(repr, names)])} {'have' if len(names) > 1 else 'has'}"


def _part(section: Section) -> Part:
    return Part(section, _digest(section.to_json()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
