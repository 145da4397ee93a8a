"""Reports of a run: cards, and the pages that they make up."""

from pareto_explorer.reports.report import write_report
from pareto_explorer.reports.shared.material import Card

__all__ = ["Card", "write_report"]
