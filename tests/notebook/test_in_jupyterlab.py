"""The explorer as its user meets it: in JupyterLab, with a mouse and a kernel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import nbformat
import pytest

from pareto_explorer.results.run import load_run
from pareto_explorer.schema.checkpoint_ids import checkpoint_id
from pareto_explorer.schema.columns import checkpoints_of
from tests.synthetic import write_synthetic_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = "from pareto_explorer import explore, load_run\nexplorer = explore('run')\nexplorer"
RUN_CELL = "() => window.jupyterapp.commands.execute('notebook:run-cell')"
NEXT_CELL = "() => window.jupyterapp.commands.execute('notebook:move-cursor-down')"
KERNEL = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({ code });
  let text = '';
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === 'stream') text += content.text;
    if (header.msg_type === 'error') text += content.traceback.join('');
  };
  await future.done;
  return text;
}"""
IDLE = """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status
  === 'idle'"""
DRAWN = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done())))"""
PLACES = """(view) => {
  const plot = document.querySelectorAll('.jp-OutputArea .js-plotly-plot')[2 * view];
  plot.scrollIntoView({ block: 'center' });
  const { xaxis, yaxis, _size } = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  return { left: box.left + _size.l, top: box.top + _size.t,
           x: [0.0, 0.3].map((v) => box.left + _size.l + xaxis.d2p(v)),
           y: [-0.001, 0.02].map((v) => box.top + _size.t + yaxis.d2p(v)) };
}"""
SELECTED = """(view) => {
  const plot = document.querySelectorAll('.jp-OutputArea .js-plotly-plot')[2 * view];
  return plot._fullData.filter((t) => t.selectedpoints)
    .reduce((sum, t) => sum + t.selectedpoints.length, 0);
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, the same with more points, and a notebook that explores it."""
    folder = tmp_path_factory.mktemp("lab")
    write_synthetic_run(folder / "run", configurations=2)
    write_synthetic_run(folder / "later", configurations=3)
    cells = [nbformat.v4.new_code_cell(text) for text in (CELL, "explorer")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "explore.ipynb")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab, with nothing but the notebook to look at."""
    pytest.importorskip("jupyterlab")
    home = tmp_path_factory.mktemp("home")
    (home / "labconfig").mkdir()
    news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (home / "labconfig" / "page_config.json").write_text(json.dumps(news))
    words = ["--no-browser", "--allow-root", "--expose-app-in-browser", "--ip=127.0.0.1"]
    words += ["--ServerApp.port=0", f"--ServerApp.root_dir={folder}"]
    words += ["--LabApp.extension_manager=readonly"]
    own = {name: str(home) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "HOME")}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **own, "JUPYTER_RUNTIME_DIR": str(home / "runtime")},
    )
    found = None
    for line in server.stderr:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/lab\?token=(\w+)", line)
        if found:
            break
    assert found, "JupyterLab did not start"
    Thread(target=server.stderr.read, daemon=True).start()  # or it would wait for a reader
    yield f"http://127.0.0.1:{found[1]}/lab/tree/explore.ipynb?token={found[2]}"
    server.terminate()
    server.wait(timeout=30)


@pytest.fixture(scope="module")
def page(chromium: Any, address: str) -> Iterator[Any]:
    """The notebook after its first cell was run."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1500})
    page = context.new_page()
    page.set_default_timeout(40_000)
    page.goto(address)
    page.wait_for_function(IDLE)
    page.evaluate(RUN_CELL)
    shown(page, "All")
    page.wait_for_selector(".jp-OutputArea .js-plotly-plot .main-svg", state="visible")
    yield page
    context.close()


@pytest.fixture
def kernel(page: Any) -> Callable[[str], str]:
    """Runs code where the notebook does, with nothing selected at first."""

    def run(code: str) -> str:
        page.evaluate(DRAWN)
        return str(page.evaluate(KERNEL, code)).strip()

    run("explorer.clear()")
    shown(page, "All")
    return run


def shown(page: Any, said: str) -> None:
    """Waits until the last explorer on the page says how many models are selected."""
    page.locator(".jp-OutputArea p", has_text=re.compile(rf"^{said}\b")).last.wait_for()


def brush(page: Any, view: int = 0) -> None:
    """Draws a box from 0 to 0.3 of the forget gap and up to 0.02 of the retain gap."""
    places = page.evaluate(PLACES, view)
    page.evaluate(DRAWN)
    places = page.evaluate(PLACES, view)
    left, right = places["x"]
    low, high = places["y"]
    page.mouse.move(max(left, places["left"]) + 1, low)
    page.mouse.down()
    page.mouse.move((left + right) / 2, (low + high) / 2)
    page.mouse.move(right, high)
    page.mouse.up()


def inside(folder: Path) -> list[str]:
    means = load_run(folder / "run").means()
    rows = means[means["forget_gap"].between(0, 0.3) & means["retain_gap"].between(0, 0.02)]
    return [checkpoint_id(*each) for each in checkpoints_of(rows)]


def test_a_box_selects_in_python_and_python_in_the_picture(page, kernel, folder):
    wanted = inside(folder)
    assert len(wanted) > 3
    brush(page)
    shown(page, rf"{len(wanted)} of \d+ models")
    assert json.loads(kernel("import json; print(json.dumps(explorer.ids))")) == wanted
    few = wanted[1:3]
    kernel(f"explorer.selected = {few}")
    shown(page, r"2 of \d+ models")
    page.wait_for_function(f"(view) => ({SELECTED})(view) === 2", arg=0)
    assert json.loads(kernel("print(json.dumps(explorer.ids))")) == few
    brush(page)
    shown(page, rf"{len(wanted)} of \d+ models")
    places = page.evaluate(PLACES, 0)
    page.mouse.dblclick(places["x"][1] + 50, places["y"][1] - 50)
    shown(page, "All")
    assert kernel("print(len(explorer.ids) == len(explorer.run.means()))") == "True"


def test_the_selection_survives_other_axes(page, kernel, folder):
    wanted = inside(folder)
    brush(page)
    shown(page, rf"{len(wanted)} of \d+ models")
    kernel("explorer.show_axes('test_accuracy', 'samples')")
    page.locator(".jp-OutputArea .xtitle", has_text="Test accuracy").first.wait_for()
    assert kernel("import json; print(json.dumps(explorer.ids))") == json.dumps(wanted)
    page.wait_for_function(f"(view) => ({SELECTED})(view) === {len(wanted)}", arg=0)
    kernel("explorer.show_axes('forget_gap', 'retain_gap')")
    page.locator(".jp-OutputArea .xtitle", has_text="Forget gap").first.wait_for()
    assert kernel("print(json.dumps(explorer.ids))") == json.dumps(wanted)


def test_the_selection_is_in_every_display_and_can_be_changed_in_each(page, kernel, folder):
    wanted = inside(folder)
    kernel(f"explorer.selected = {wanted[:2]}")
    shown(page, r"2 of \d+ models")
    page.evaluate(NEXT_CELL)
    page.evaluate(RUN_CELL)
    page.locator(".jp-OutputArea .js-plotly-plot").nth(2).wait_for()
    page.wait_for_function(f"(view) => ({SELECTED})(view) === 2", arg=1)
    assert kernel("import json; print(json.dumps(explorer.ids))") == json.dumps(wanted[:2])
    brush(page, 1)
    page.wait_for_function(f"(view) => ({SELECTED})(view) === {len(wanted)}", arg=0)
    assert kernel("print(json.dumps(explorer.ids))") == json.dumps(wanted)


def test_the_selection_survives_a_run_that_went_on(page, kernel, folder):
    wanted = inside(folder)
    brush(page)
    shown(page, rf"{len(wanted)} of \d+ models")
    before = kernel("print(len(explorer.run.means()))")
    kernel("explorer.run = load_run('later')")
    shown(page, rf"{len(wanted)} of (?!{before} )\d+ models")
    page.wait_for_function(f"(view) => ({SELECTED})(view) === {len(wanted)}", arg=0)
    assert json.loads(kernel("import json; print(json.dumps(explorer.ids))")) == wanted
    kernel("explorer.run = load_run('run')")
    shown(page, rf"{len(wanted)} of {before} models")
