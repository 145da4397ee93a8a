"""Runs in Python: loaded, looked at, and put together.

>>> from pareto_explorer.results import load_run
>>> run = load_run("runs/digits")
>>> run.box.metrics
('forget_gap', 'retain_gap')
>>> bool(run.front()["on_front"].all())
True
>>> best = run.hypervolume().to_dataframe().iloc[0]
>>> bool(best["low"] <= best["mean"] <= best["high"])
True

``pareto_explorer.load_run`` gives a run that writes its report as well.

| to | there is |
|---|---|
| load one run | ``load_run``, ``Run`` |
| see its hypervolumes as a table | ``Hypervolumes`` |
| put several together | ``combine_runs``, ``MEMBER`` |
| load several, in another box | ``load_runs``, ``read_box`` |
"""

from pareto_explorer.results.combining import combine_runs, load_runs, read_box
from pareto_explorer.results.hypervolumes import Hypervolumes
from pareto_explorer.results.run import MEMBER, Run, load_run

__all__ = ["MEMBER", "Hypervolumes", "Run", "combine_runs", "load_run", "load_runs", "read_box"]
