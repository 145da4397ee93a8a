"""Runs the sweeps that the documentation shows, and writes what they printed into its pages.

    python benchmarks/docs_results.py    # two sweeps and their audits, some minutes, landmarks anew

Between `<!-- digits -->` and `<!-- /digits -->` a page holds what the terminal showed, what the
report found, and on what and when; between the `digits_aggregators` marks another has the same in
short. What an audit of the chosen model has found stands below each, and for digits in the README.
The text is that of the program; nothing here knows a number.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from pareto_explorer import load_run
from pareto_explorer.reports.cards.audit import audit_card
from pareto_explorer.reports.cards.finding import finding_card
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.run import Run

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = {"digits": DOCS / "first-front.md", "digits_aggregators": DOCS / "comparison.md"}
PACKAGES = ("torch", "torchjd", "ray", "numpy")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        for space, page in PAGES.items():
            printed, seconds = call("sweep", space, Path(folder))
            run = load_run(Path(folder) / "runs" / space)
            text = block(run, printed if space == "digits" else "", seconds)
            _, seconds = call("audit", f"runs/{space}", Path(folder))
            found = audited(load_run(run.directory.path))
            text += (
                f"\n\n`pareto-explorer audit runs/{space}` says of the chosen model:\n\n{found}\n\n"
                f"It took {seconds:.0f} s with the models of further seeds that it trains."
            )
            print(text, flush=True)
            _replace(page, space, text)
            if space == "digits":
                _replace(ROOT / "README.md", "audit", found)
    return 0


def call(command: str, what: str, folder: Path) -> tuple[str, float]:
    """Runs a command with a cache of its own; what it printed, and the seconds that it took."""
    arguments = [sys.executable, "-m", "pareto_explorer", command, what]
    environment = os.environ | {"PARETO_EXPLORER_CACHE": str(folder / "cache")}
    started = perf_counter()
    done = subprocess.run(  # noqa: S603
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    seconds = perf_counter() - started
    shown = done.stdout.replace(str(folder / "cache"), "~/.cache/pareto-explorer")
    return shown.replace(f"{folder}/", ""), seconds


def audited(run: Run) -> str:
    """What an audit found of the model that ``select`` chooses."""
    return f"> {audit_card(Material(run)).sentence}"


def block(run: Run, printed: str, seconds: float) -> str:
    """One result: the terminal's text, or hypervolumes side by side; and what the report found."""
    card = finding_card(Material(run))
    trials = run.points["trial_id"].nunique()
    replicates = run.points["replicate"].nunique()
    made = (
        f"{trials} trials, {replicates} replicates each, took {seconds:.0f} s with the training of "
        f"all landmarks. {_where(run.manifest)}"
    )
    # Where the first sentence leaves families out, one of those that follow says the same of more.
    opening, answer = card.sentence.partition(",")[0], card.context["answer"]
    whole = [sentence for sentence in answer if sentence.startswith(opening)] or [card.sentence]
    others = [sentence for sentence in answer if sentence not in whole]
    found = "\n".join(f"> {sentence}" for sentence in [*whole, *others])
    shown = f"```text\n{_shortened(printed)}\n```" if printed else _side_by_side(run)
    return f"{shown}\n\n{made} The report says:\n\n{found}"


def _side_by_side(run: Run) -> str:
    """Mean hypervolumes, a forget loss a line and an aggregator a column."""
    means = {name: volume.mean for name, volume in run.hypervolume().items()}
    parts = run.points[run.points["forget_loss"] != ""].drop_duplicates("family")
    table = parts.assign(mean=parts["family"].map(means)).pivot_table(
        index="forget_loss", columns="aggregator", values="mean", sort=False
    )
    lines = [
        f"| hypervolume | {' | '.join(table.columns)} |",
        f"| --- |{' --: |' * len(table.columns)}",
        *(
            f"| `{loss}` | {' | '.join(f'{v:.3f}' for v in row)} |"
            for loss, row in table.iterrows()
        ),
    ]
    return "\n".join(lines)


def _where(manifest: Mapping[str, Any]) -> str:
    machine, versions = manifest["machine"], manifest["versions"]
    packages = ", ".join(f"{name} {versions[name]}" for name in ("python", *PACKAGES))
    return (
        f"Measured on {manifest['written'][:10]}, {machine['processor']}, {machine['cpus']} cores, "
        f"{packages}."
    )


def _shortened(printed: str) -> str:
    """The terminal's lines with the first and the last of the progress."""
    lines = [line.rstrip() for line in printed.strip().splitlines()]
    progress = [i for i, line in enumerate(lines) if re.match(r"\d+/\d+ trials", line)]
    for number in reversed(progress[1:-1]):
        del lines[number]
    if len(progress) > 2:
        lines.insert(progress[0] + 1, "...")
    return "\n".join(textwrap.fill(line, 100, break_on_hyphens=False) for line in lines)


def _pattern(space: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {space} -->\n)(.+?)(\n<!-- /{space} -->)", re.DOTALL)


def _replace(page: Path, space: str, text: str) -> None:
    found = _pattern(space).subn(lambda match: match[1] + text + match[3], page.read_text())
    if found[1] != 1:
        raise SystemExit(f"{page.name} has no marks for {space}.")
    page.write_text(found[0])


if __name__ == "__main__":
    sys.exit(main())
