"""Writes down the course of a sweep for `test_remaining`.

python -m tests.sweeps.live.record SPACE FILE [KEY=VALUE ...]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from pareto_explorer.sweeps import SweepSpec, execute
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.families import TrialPlan


class Recorder(Progress):
    """Keeps what a display is told of trials, with the seconds since the first could start."""

    def expect(self, plans: Sequence[TrialPlan], *more: Any) -> None:
        super().expect(plans, *more)
        self.plan = {plan.trial_id: plan.family.name for plan in plans}
        self.events: list[list[Any]] = []

    def schedule(self, slots: int, parts: int, *more: Any) -> None:
        super().schedule(slots, parts, *more)
        self.how = {"slots": slots, "parts": parts}

    def starts(self, part: str, trial_id: str) -> None:
        super().starts(part, trial_id)
        self._note("start", trial_id, part)

    def reaches(self, part: str, share: float) -> None:
        super().reaches(part, share)
        self._note("reach", round(share, 4), part)

    def leaves(self, part: str) -> None:
        super().leaves(part)
        self._note("end", None, part)

    def _note(self, what: str, more: Any, part: str) -> None:
        seconds = round(perf_counter() - self._started, 2)
        self.events.append([seconds, what, part.split("_")[-1], more])


def main(space: str, file: str, *overrides: str) -> None:
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as folder:
        execute(SweepSpec.load(space, list(overrides)), Path(folder) / "run", progress=recorder)
    lines = ",\n".join(map(json.dumps, recorder.events))
    head = json.dumps(recorder.how | {"plan": recorder.plan})[:-1]
    Path(file).write_text(f'{head},\n"events": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
