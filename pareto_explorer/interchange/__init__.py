"""What others expect: runs for Optuna and pymoo, and sweeps of other tools as runs.

A table, a Ray Tune experiment or a storage of Optuna becomes a run by a mapping, which says what
its columns mean and declares the objectives. A run leaves as a study or as a result of pymoo.

>>> from pathlib import Path
>>> import pandas as pd
>>> from pareto_explorer.interchange import read_foreign
>>> theirs = pd.DataFrame({"model": ["a", "b"], "loss": [0.1, 0.3], "gain": [0.90, 0.95]})
>>> theirs.to_csv("theirs.csv", index=False)
>>> _ = Path("mapping.yaml").write_text('''
... columns: {trial_id: model}
... objectives:
... - {metric: loss, direction: min, ideal: 0, nadir: 1}
... - {metric: gain, direction: max, ideal: 1, nadir: 0}
... ''')
>>> read_foreign("theirs.csv", "mapping.yaml").points[["trial_id", "loss", "gain"]]
  trial_id  loss  gain
0        a   0.1  0.90
1        b   0.3  0.95

| to | there is |
|---|---|
| read a sweep made elsewhere | ``read_foreign``, ``ForeignRun``, ``is_foreign`` |
| make a run directory of it | ``import_run`` |
| say what its columns mean | ``ColumnMapping``, ``ObjectiveColumn``, ``LandmarkRows``, \
``load_mapping`` |
| hand a run over | ``to_optuna``, ``to_pymoo``, ``Exported`` |
"""

from pareto_explorer.interchange.exported import Exported
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
    "Exported",
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
