"""Executes the notebooks and keeps their outputs in a form that code hosts show.

Figures are kept as pictures: a code host shows no Plotly figure, and one that is opened in Jupyter
is interactive again as soon as its cell is run. Chromium draws the pictures.

    python notebooks/refresh.py [NAME.ipynb ...]
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import Page, sync_playwright
from plotly.offline import get_plotlyjs

FOLDER = Path(__file__).resolve().parent
PLOTLY = "application/vnd.plotly.v1+json"
WIDTH, HEIGHT = 900, 520


def main() -> None:
    """Executes the notebooks that are named, or all."""
    paths = [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb"))
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_content("<body style='margin:0'><div id='figure'></div></body>")
        page.add_script_tag(content=get_plotlyjs())
        for path in paths:
            notebook = nbformat.read(path, as_version=4)
            where = {"metadata": {"path": str(FOLDER)}}
            NotebookClient(notebook, timeout=1200, resources=where).execute()
            keep(notebook, page)
            nbformat.write(notebook, path)
            print(path.name)
        browser.close()


def keep(notebook: Any, page: Page) -> None:
    """Leaves of every output what a reader without a kernel can see."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("execution", None)
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if says_something(output)]
        for output in cell.outputs:
            data = output.get("data", {})
            if PLOTLY in data:
                output.data = {"image/png": picture(page, data[PLOTLY])}
            data.pop("application/vnd.jupyter.widget-view+json", None)
            for kind in data.keys() & {"text/html", "text/plain"}:
                data[kind] = data[kind].replace(str(Path.home()), "~")


def says_something(output: Any) -> bool:
    """Whether an output is neither a warning nor an empty place that was filled in Jupyter only."""
    markup = output.get("data", {}).get("text/html")
    return output.get("name") != "stderr" and (markup is None or bool(markup.strip()))


def picture(page: Page, figure: dict[str, Any]) -> str:
    """A figure as a PNG in base64."""
    layout = figure["layout"] | {"width": WIDTH, "height": figure["layout"].get("height", HEIGHT)}
    url = page.evaluate(
        """async ([data, layout]) => {
          await Plotly.newPlot("figure", JSON.parse(data), JSON.parse(layout));
          const {width, height} = JSON.parse(layout);
          return Plotly.toImage("figure", {format: "png", width, height});
        }""",
        [json.dumps(figure["data"]), json.dumps(layout)],
    )
    encoded = url.partition(",")[2]
    base64.b64decode(encoded, validate=True)
    return encoded


if __name__ == "__main__":
    main()
