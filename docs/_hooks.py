"""What MkDocs does beside its own work: tables, API pages, and a look for what is loaded.

A page asks for a table by ``<!-- table: NAME -->``, one of ``_tables.TABLES``; what stands between
that and ``<!-- /table -->`` is for those who read the page as a file.
"""

from __future__ import annotations

import re
from pathlib import Path

from _tables import TABLES
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "pareto_explorer",
    "pareto_explorer.fronts",
    "pareto_explorer.figures",
    "pareto_explorer.results",
    "pareto_explorer.reports",
    "pareto_explorer.notebook",
    "pareto_explorer.tasks",
    "pareto_explorer.unlearning",
    "pareto_explorer.sweeps",
    "pareto_explorer.metrics",
    "pareto_explorer.interchange",
    "pareto_explorer.trackers",
    "pareto_explorer.audits.statistics",
    "pareto_explorer.runs",
    "pareto_explorer.schema",
)
_ELSEWHERE = re.compile(
    r"<(?:script|img|iframe|source|embed)[^>]*\ssrc=[\"']?(?:https?:)?//"
    r"|<link[^>]*\srel=[\"']?(?:stylesheet|icon|preconnect|preload)[^>]*\shref=[\"']?(?:https?:)?//"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the changelog, the guide for contributors, and a page for each public package."""
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text()
        files.append(File.generated(config, name.lower(), content=text))
    for package in PACKAGES:
        text = f"# {package}\n\n::: {package}\n"
        files.append(File.generated(config, f"api/{package}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Puts the tables where a page asks for them."""

    def table(match: re.Match[str]) -> str:
        if match[1] not in TABLES:
            raise PluginError(f"{page.file.src_uri}: there is no table {match[1]!r}.")
        return TABLES[match[1]]()

    return re.sub(r"<!-- table: (\w+) -->.*?<!-- /table -->", table, markdown, flags=re.DOTALL)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Refuses a page that loads anything from another place than the site itself."""
    found = _ELSEWHERE.search(output)
    if found:
        raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {found[0]}")
    return output
