"""Runs as a user loads them: tables and figures, a chosen model, and the report."""

from __future__ import annotations

import webbrowser
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from pareto_explorer import results

if TYPE_CHECKING:
    from pareto_explorer.interchange import ColumnMapping
    from pareto_explorer.trackers import Sent

__all__ = ["Run", "load_run"]


class Run(results.Run):
    """What a sweep found, as it was when it was loaded.

    All of ``results.Run``, its report, and the way to trackers.
    """

    def report(self, out: str | PathLike[str] | None = None) -> Path:
        """Writes the report; see ``reports.write_report``.

        Args:
            out: The report's folder, by default ``report`` in the run directory.

        Returns:
            The path of ``index.html``.
        """
        from pareto_explorer.reports import write_report

        return write_report(self, out)

    def open(self, out: str | PathLike[str] | None = None) -> Path:
        """Writes the report and opens it in the browser.

        Args:
            out: As for ``report``.

        Returns:
            The path of ``index.html``, for a machine without a browser.
        """
        page = self.report(out)
        webbrowser.open(page.resolve().as_uri())
        return page

    def export(
        self,
        to: str,
        destination: str | PathLike[str] | None = None,
        *,
        name: str | None = None,
        models: bool = True,
    ) -> Sent:
        """Sends the run to MLflow, TensorBoard or W&B; see ``trackers.export_run``."""
        from pareto_explorer.trackers import export_run

        return export_run(self, to, destination, name=name, models=models)


def load_run(
    path: str | PathLike[str],
    mapping: ColumnMapping | str | PathLike[str] | None = None,
    *,
    study: str | None = None,
) -> Run:
    """Loads a run directory, of a finished or of a running sweep, or a sweep made elsewhere.

    Args:
        path: The run directory, or the URI of one in storage, of which a local copy is made; or a
            table, a Ray Tune experiment directory or a storage of Optuna, see
            ``interchange.read_foreign``.
        mapping: For a sweep made elsewhere: what its columns mean, and the objectives.
        study: For a storage of Optuna that holds several studies: which one.

    Returns:
        The run.

    Raises:
        InputError: The path is no run directory and nothing else that can be read, or one of its
            files is damaged.
    """
    return Run.load(path, mapping, study=study)
