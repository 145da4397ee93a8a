"""The manifest of a run: what was swept, where and with which versions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pareto_explorer.fronts import Box
from pareto_explorer.runs import RunDirectory, write_manifest
from pareto_explorer.sweeps.driver.provenance import machine, versions
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.trust.redaction import redacted_command

__all__ = ["record_sweep"]


def record_sweep(
    run: RunDirectory,
    spec: SweepSpec,
    box: Box,
    name: str,
    facts: Mapping[str, Any],
    entries: Mapping[str, Any],
    box_rule: str = "",
) -> None:
    """Writes the manifest of a run: what was swept, in which box, on which software and machine.

    Args:
        run: The run directory.
        spec: The specification, resolved.
        box: The objectives.
        name: What the report calls the sweep.
        facts: What the task says of itself.
        entries: Further ones: digests that tell the task from others, how many trials there are.
        box_rule: Where a nadir comes from that depends on the landmarks.
    """
    manifest = {
        "name": name,
        "spec": spec.to_mapping(),
        "domains": {
            family.name: {
                knob: {domain.kind: list(domain.arguments)}
                for knob, domain in family.domains.items()
            }
            for family in spec.family_list()
        },
        "box": box.to_dict(),
        **({"box_rule": box_rule} if box_rule else {}),
        "facts": dict(facts),
        **entries,
        "command": _command(),
        "versions": versions(),
        "machine": machine(spec.resources.threads),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    commit = _git_commit()
    if commit:
        manifest["git_commit"] = commit
    write_manifest(run, manifest)


def _command() -> str:
    """The command line, or nothing where the sweep was started from Python."""
    program = Path(sys.argv[0])
    ours = program.stem == "pareto-explorer" or program.parts[-2:] == (
        "pareto_explorer",
        "__main__.py",
    )
    return redacted_command(["pareto-explorer", *sys.argv[1:]]) if ours else ""


def _git_commit() -> str | None:
    try:
        found = subprocess.run(  # noqa: S603
            ["git", "-C", str(Path.cwd()), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return found.stdout.strip() or None
