"""Reports of a run: cards, and the pages that they make up.

A ``Card`` is one question with its answer in a sentence, a table and a figure. The same cards make
the page, which needs nothing from elsewhere, and the summary in Markdown.

>>> from pareto_explorer.reports import write_report
>>> page = write_report("runs/digits", "report")
>>> sorted(path.name for path in page.parent.iterdir())
['front.csv', 'hypervolume.json', 'index.html', 'summary.md']

| to | there is |
|---|---|
| write all files of a report | ``write_report`` |
| have its page as a PDF | ``write_pdf`` |
| know what a card holds | ``Card`` |
"""

from pareto_explorer.reports.pdf import write_pdf
from pareto_explorer.reports.report import write_report
from pareto_explorer.reports.shared.material import Card

__all__ = ["Card", "write_pdf", "write_report"]
