"""What was run: specification, task, versions and machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.trust.redaction import redacted

__all__ = ["specification_card"]

_TITLE = "Specification and versions"


@guarded("specification", _TITLE)
def specification_card(material: Material) -> Card:
    """Everything needed to run the sweep again, or each of several sweeps."""
    run = material.run
    members = run.members or {"": run}
    versions = [
        {**({"run": name} if name else {}), "package": package, "version": version}
        for name, member in members.items()
        for package, version in member.manifest.get("versions", {}).items()
    ]
    return Card(
        "specification",
        _TITLE,
        "What was run, as it was resolved before the first trial started.",
        data=pd.DataFrame(versions),
        context={
            "runs": {name: _parts(member.manifest) for name, member in members.items()},
            "notes": run.notes,
        },
        folded=True,
    )


def _parts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "command": redacted(str(manifest.get("command", ""))),
        "commit": manifest.get("git_commit", ""),
        "spec": _yaml(manifest.get("spec", {})),
        "lists": {
            "Task": _flat(manifest.get("facts", {})),
            "Versions": manifest.get("versions", {}),
            "Machine": manifest.get("machine", {}),
        },
    }


def _flat(facts: Mapping[str, Any]) -> dict[str, str]:
    return {
        name.replace("_", " "): _yaml(value) if isinstance(value, dict | list) else str(value)
        for name, value in facts.items()
    }


def _yaml(value: object) -> str:
    """YAML with lists and mappings of plain values on one line, as one would write them."""
    return yaml.safe_dump(
        value, sort_keys=False, allow_unicode=True, width=88, default_flow_style=None
    ).strip()
