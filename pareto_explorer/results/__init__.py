"""Runs in Python: loaded, and put together."""

from pareto_explorer.results.combining import combine_runs, load_runs, read_box
from pareto_explorer.results.hypervolumes import Hypervolumes
from pareto_explorer.results.run import MEMBER, Run, load_run

__all__ = ["MEMBER", "Hypervolumes", "Run", "combine_runs", "load_run", "load_runs", "read_box"]
