"""What was noted on points."""

from __future__ import annotations

import pandas as pd

from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.text import count

__all__ = ["notes_card"]

_TITLE = "Notes"


@guarded("notes", _TITLE)
def notes_card(material: Material) -> Card:
    """Every note with its point; the payload has them by the point's id."""
    notes = material.run.annotations
    if not notes:
        return Card("notes", _TITLE, absent=True)
    rows = [
        {"point": point, "note": note.text, "time": note.time}
        for point, found in notes.items()
        for note in found
    ]
    return Card(
        "notes",
        _TITLE,
        f"{count(len(rows), 'note')} on {count(len(notes), 'point')}.",
        data=pd.DataFrame(rows),
        payload={point: [note._asdict() for note in found] for point, found in notes.items()},
    )
