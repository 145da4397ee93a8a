"""What others expect: runs for Optuna and pymoo, and sweeps of other tools as runs."""

from pareto_explorer.interchange.importing import (
    ForeignRun,
    import_run,
    is_foreign,
    read_foreign,
)
from pareto_explorer.interchange.mapping import (
    ColumnMapping,
    LandmarkRows,
    ObjectiveColumn,
    load_mapping,
)
from pareto_explorer.interchange.to_optuna import to_optuna
from pareto_explorer.interchange.to_pymoo import to_pymoo

__all__ = [
    "ColumnMapping",
    "ForeignRun",
    "LandmarkRows",
    "ObjectiveColumn",
    "import_run",
    "is_foreign",
    "load_mapping",
    "read_foreign",
    "to_optuna",
    "to_pymoo",
]
