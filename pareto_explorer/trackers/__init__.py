"""Runs for trackers of experiments, sent after the fact: MLflow, TensorBoard and W&B.

>>> from pareto_explorer.trackers import export_run
>>> sent = export_run("runs/digits", to="tensorboard", destination="boards")
>>> sent.where, sent.new > 0
('boards/synthetic', True)
>>> export_run("runs/digits", to="tensorboard", destination="boards").new  # it is there already
0

| to | there is |
|---|---|
| send a run | ``export_run`` |
| know which trackers there are | ``TRACKERS`` |
| see where it went | ``Sent`` |
"""

from pareto_explorer.trackers.export import TRACKERS, export_run
from pareto_explorer.trackers.records import Sent

__all__ = ["TRACKERS", "Sent", "export_run"]
