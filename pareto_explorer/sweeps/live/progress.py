"""How far a sweep is: counted, and shown as lines in a log or as a panel that is redrawn."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pareto_explorer.fronts import Box
from pareto_explorer.runs.files.progress_file import Standing
from pareto_explorer.schema.columns import NO_COMPETITORS
from pareto_explorer.schema.statuses import FAILED, FINISHED
from pareto_explorer.sweeps.live.course import QUIET_SECONDS, Course, clock
from pareto_explorer.sweeps.live.remaining import Remaining
from pareto_explorer.sweeps.spec.families import TrialPlan
from pareto_explorer.sweeps.stopping.hypervolume_stopper import GrowingHypervolume
from pareto_explorer.terminal import visible

__all__ = ["LiveProgress", "PanelProgress", "PlainProgress", "Progress"]


class Progress:
    """Counts trials and follows the best hypervolume of each family; draws nothing itself."""

    def __init__(self) -> None:
        self.running = 0
        self.hypervolumes: dict[str, float] = {}
        self.training: dict[str, Course] = {}
        self.planned: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.ended_by_family: Counter[str] = Counter()
        self.begun = False
        self.phase = ""
        self._total: int | None = None
        self._started = perf_counter()
        self._left: dict[str, str] = {}
        self._remaining = Remaining()
        self._new: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        self._aside: set[str] = set()
        self._growing: dict[str, GrowingHypervolume] = {}

    def expect(
        self, plans: Sequence[TrialPlan], statuses: Mapping[str, str], total: int | None = None
    ) -> None:
        """Takes what there is to do.

        Args:
            plans: Every trial of the sweep that is known.
            statuses: Trials that an earlier run of the sweep has ended, with their status.
            total: How many trials there will be, where that is known.
        """
        self._total = total
        self.planned = Counter(plan.family.name for plan in plans)
        self.statuses = Counter(statuses.values())
        self.ended_by_family = Counter(p.family.name for p in plans if p.trial_id in statuses)
        self._left = {p.trial_id: p.family.name for p in plans if p.trial_id not in statuses}

    def begin(self, points: pd.DataFrame, box: Box) -> None:
        """Starts counting, and the clock.

        Args:
            points: The points of trials that have ended.
            box: The box of the hypervolumes.
        """
        self.begun, self.box = True, box
        self.rows({str(k): v for k, v in row.items()} for row in points.to_dict("records"))
        self._started = perf_counter()

    def schedule(self, slots: int, parts: int, points: pd.DataFrame) -> None:
        """Takes how the trials will run, from which follows how long they take.

        Args:
            slots: Ray trials at a time; 0 where that is not known.
            parts: Ray trials that a trial is made of.
            points: The points of trials that have ended.
        """
        self._remaining = Remaining(max(slots, 1), parts)
        self._remaining.remember(_seconds_of_families(points, parts))
        for trial, family in self._left.items():
            self._remaining.expect(trial, family)
        at_a_time = f", {slots} at a time" if slots else ""
        self.stage(f"trials: {self.count()}{at_a_time}")
        self.phase = "trials"  # how many have ended is counted

    def stage(self, text: str) -> None:
        """Says what happens before the first trial, and after the last."""
        self.phase = text

    def landmark(self, name: str, epoch: int, epochs: int, loss: float) -> Course:
        """Takes how far the training of a landmark is, and returns its whole course.

        Args:
            name: The landmark, for example ``"retrained/seed 1"``.
            epoch: Epochs done.
            epochs: Epochs in all.
            loss: Mean training loss of the last one.
        """
        now = perf_counter()
        course = self.training.setdefault(name, Course(name, epoch, now))
        course.take(epoch, epochs, loss, now)
        if course.ended:
            del self.training[name]
        return course

    def models(self, done: int, total: int) -> str:
        """Takes how many models of an audit have been asked, and says it in a line.

        Args:
            done: Models asked; 0 starts the clock.
            total: Models to ask.
        """
        if not done:
            self._started = perf_counter()
        elapsed = perf_counter() - self._started
        times = f"{clock(elapsed)} elapsed"
        if 0 < done < total:
            times += f", about {clock(elapsed / done * (total - done))} left"
        return f"{done} of {total} models asked · {times}"

    def drawn(self, plan: TrialPlan) -> None:
        """Takes a trial that was drawn while the sweep runs."""
        self.planned[plan.family.name] += 1
        self._left[plan.trial_id] = plan.family.name
        self._remaining.expect(plan.trial_id, plan.family.name)

    def starts(self, part: str, trial_id: str) -> None:
        """Takes the start of a Ray trial that is a trial, or its part."""
        self._remaining.start(part, trial_id, perf_counter())

    def reaches(self, part: str, share: float) -> None:
        """Takes which share of its steps a Ray trial has taken."""
        self._remaining.reach(part, share, perf_counter())

    def leaves(self, part: str) -> None:
        """Takes the end of a Ray trial."""
        self._remaining.end(part, perf_counter())

    def loses(self, part: str) -> None:
        """A Ray trial has lost its worker and waits for another."""
        self._remaining.lose(part)

    def rows(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Takes rows of the points table."""
        for row in rows:
            self._new[row["family"]].append(row)
            if row.get("method") in NO_COMPETITORS:
                self._aside.add(row["family"])

    def ended(self, plan: TrialPlan, status: str) -> None:
        """Takes the end of a trial."""
        self.statuses[status] += 1
        self.ended_by_family[plan.family.name] += 1

    def refresh(self, running: int) -> None:
        """Brings the hypervolumes up to date."""
        self.running = running
        for family, rows in self._new.items():
            growing = self._growing.setdefault(family, GrowingHypervolume(self.box))
            growing.add(rows)
            self.hypervolumes[family] = growing.mean
        self._new.clear()

    def best(self) -> tuple[str, float] | None:
        """The family with the largest hypervolume so far, of those that compete."""
        found = {k: v for k, v in self.hypervolumes.items() if k not in self._aside}
        return max(found.items(), key=lambda item: item[1], default=None)

    @property
    def total(self) -> int:
        """Number of trials planned, or drawn so far where nobody knows."""
        return self._total or sum(self.planned.values())

    @property
    def done(self) -> int:
        """Number of trials ended, earlier runs included."""
        return sum(self.statuses.values())

    def count(self) -> str:
        """How many trials have ended, of how many if that is known: ``12 of 45 trials done``."""
        return f"{self.done}{f' of {self._total}' if self._total else ''} trials done"

    def headline(self) -> str:
        """One line: counts, elapsed and expected time."""
        counts = [f"{self.done}/{self.total} trials", f"{self.running} running"]
        counts += [f"{n} {status}" for status, n in self.statuses.items() if status != FINISHED]
        if not self.statuses[FAILED]:
            counts.append("0 failed")
        times = f"{clock(perf_counter() - self._started)} elapsed"
        left = self.left()
        if left is not None:
            times += f", about {clock(left)} left"
        return " · ".join([", ".join(counts), times])

    def summary(self) -> str:
        """The headline, and the best hypervolume so far."""
        best = self.best()
        return self.headline() + (f" · best hypervolume {best[1]:.3f} ({best[0]})" if best else "")

    def left(self) -> float | None:
        """Seconds that the trials will still take; None where nothing is known or left."""
        undrawn = max(self.total - sum(self.planned.values()), 0)
        left = self._remaining.seconds(perf_counter(), undrawn)
        return left if self.done < self.total else None

    def standing(self) -> Standing:
        """Where the sweep stands, for who is not at this terminal."""
        left = self.left()
        return Standing(
            phase=self.phase,
            done=self.done,
            total=self._total,
            failed=self.statuses[FAILED],
            running=self.running,
            left=None if left is None else round(left, 1),
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        """Leaves the last state on the screen."""


class PlainProgress(Progress):
    """A line when a tenth of the trials has ended, or a tenth more; for logs and pipes.

    Another one tells that the sweep is alive where nothing ended for long.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._told = -1  # trials that had ended at the last line
        self._told_at = 0.0

    def stage(self, text: str) -> None:
        """Prints the stage."""
        super().stage(text)
        self._print(text)

    def _print(self, text: str) -> None:
        self._told_at = perf_counter()
        self._console.print(Text(visible(text)), soft_wrap=True)

    def landmark(self, name: str, epoch: int, epochs: int, loss: float) -> Course:
        """Prints a line now and then."""
        course = super().landmark(name, epoch, epochs, loss)
        if course.due():
            self._print(f"landmark {name}: {course}")
        return course

    def models(self, done: int, total: int) -> str:
        """Prints a line when a tenth of the models has been asked."""
        line = super().models(done, total)
        if 10 * done // max(total, 1) > 10 * (done - 1) // max(total, 1):
            self._print(line)
        return line

    def refresh(self, running: int) -> None:
        """Prints a line if there is news, or if there was none for long."""
        super().refresh(running)
        told, done = self._told, self.done
        if self._total:
            due = told < 0 or 10 * done // self._total > 10 * told // self._total
        else:
            due = done > told + told // 10
        if due or self._quiet():
            self._told = done
            self._print(self.summary())

    def _quiet(self) -> bool:
        """Whether nothing was told for ten seconds, and for a fifth of the time that has passed."""
        now = perf_counter()
        return now - self._told_at >= max(QUIET_SECONDS, (now - self._started) / 5)

    def __exit__(self, *exception: object) -> None:
        """Prints the last line, if any trial could run."""
        if self.begun:
            self.refresh(0)


class PanelProgress(Progress):
    """A panel that is redrawn in place: counts, times, best hypervolume per family."""

    def __init__(self) -> None:
        super().__init__()
        self._next_drawing = 0.0

    def draw(self, panel: RenderableType) -> None:
        """Shows this in place of what was drawn before; an empty text shows nothing."""

    def landmark(self, name: str, epoch: int, epochs: int, loss: float) -> Course:
        """Redraws what is in training; nothing is left when all is done."""
        course = super().landmark(name, epoch, epochs, loss)
        table = Table(box=None, pad_edge=False)
        table.add_column("landmark")
        table.add_column("training")
        for each in self.training.values():
            table.add_row(Text(each.name), Text(str(each)))
        self.draw(table if self.training else "")
        return course

    def models(self, done: int, total: int) -> str:
        """Redraws the count."""
        line = super().models(done, total)
        self.draw(Group(Text(line), _bar(done, total)))
        return line

    def refresh(self, running: int) -> None:
        """Redraws the panel, at most a tenth of the time."""
        super().refresh(running)
        started = perf_counter()
        if started < self._next_drawing:
            return
        bar = _bar(self.done, self.total)
        self.draw(Group(Text(self.headline()), bar, self.families()))
        self._next_drawing = perf_counter() + 10 * (perf_counter() - started)

    def families(self) -> Table:
        """A row for each family: its trials, its best hypervolume so far."""
        table = Table(box=None, pad_edge=False)
        table.add_column("family")
        table.add_column("trials", justify="right")
        table.add_column("best hypervolume so far", justify="right")
        for family, planned in self.planned.items():
            value = self.hypervolumes.get(family)
            table.add_row(
                Text(family),
                f"{self.ended_by_family[family]}/{planned}",
                "" if value is None else f"{value:.3f}",
            )
        return table


class LiveProgress(PanelProgress):
    """The panel on a terminal, below the stages."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,  # what is printed meanwhile goes to the sweep's log
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Clears the panel, and leaves its first line if any trial could run."""
        self._live.stop()
        if self.begun:
            Progress.refresh(self, 0)
            self._console.print(Text(visible(self.summary())))

    def stage(self, text: str) -> None:
        """Prints the stage above the panel."""
        super().stage(text)
        self._print(text)

    def _print(self, text: str) -> None:
        self._console.print(Text(visible(text)), soft_wrap=True)

    def draw(self, panel: RenderableType) -> None:
        """Redraws the panel at once."""
        self._live.update(panel, refresh=True)


def _bar(done: int, total: int) -> RenderableType:
    """A bar, which by itself does not end its line."""
    return Group(ProgressBar(total=max(total, 1), completed=done, width=60), Text())


def _seconds_of_families(points: pd.DataFrame, parts: int) -> dict[str, float]:
    """What a Ray trial of each family took, by the points of trials that have ended."""
    if points.empty:
        return {}
    points = points[points["trial_status"] != FAILED]
    spent = points.groupby(["family", "trial_id", "replicate"])[["seconds", "evaluation_seconds"]]
    trials = spent.max().sum(axis=1).groupby(["family", "trial_id"]).sum()
    means = trials.groupby("family").mean() / parts
    return {str(family): float(seconds) for family, seconds in means.items()}
