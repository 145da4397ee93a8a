"""Size of a report's page, and CPU seconds until it is at rest, beside a page with all of Plotly.

    python benchmarks/page_start.py runs/digits
    python benchmarks/page_start.py runs/digits --against old/index.html

The other page is one that was written before (`--against`), or else the same one with the whole of
Plotly in it and every figure drawn at once. Both are opened in turn in Chromium, whose CPU is
throttled to a quarter (`--rate`); what counts is the time of the page's main thread, the waits of
the throttle included, until the page is loaded and idle. Needs the extra ``dev`` and Chromium. The
exit code is 1 if a goal was missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from plotly.offline import get_plotlyjs
from rich.console import Console
from rich.table import Table

from pareto_explorer.reports import write_report
from pareto_explorer.reports.html import plotly_script, without_tags

GOAL_MEGABYTES, GOAL_SECONDS = 2.5, 1.5
IDLE = "() => new Promise((done) => requestIdleCallback(() => requestIdleCallback(done)))"
AT_ONCE = """<script>window.IntersectionObserver = class {
  constructor(tell) { this.tell = tell; }
  observe(target) { queueMicrotask(() => this.tell([{target, isIntersecting: true}], this)); }
  unobserve() {}
  disconnect() {}
};</script>"""


def whole(page: str) -> str:
    """The page with all of Plotly, to which everything seems to be near the screen."""
    ours = without_tags(plotly_script())
    assert ours in page
    page = page.replace(ours, without_tags(get_plotlyjs()))
    return page.replace("</head>", f"{AT_ONCE}</head>", 1)


def seconds(browser: Any, page: Path, rate: float) -> float:
    """CPU seconds of the main thread until the page is idle."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    session = context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    tab.goto(page.resolve().as_uri(), wait_until="load")
    tab.evaluate(IDLE)
    metrics = session.send("Performance.getMetrics")["metrics"]
    figures = tab.locator(".main-svg").count()
    context.close()
    if not figures:
        sys.exit(f"{page}: no figure was drawn, so its time says nothing.")
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", help="a run directory, which is only read")
    parser.add_argument("--against", type=Path, help="the page of a report written before")
    parser.add_argument("--rate", type=float, default=4.0, help="one part in so many of the CPU")
    parser.add_argument("--rounds", type=int, default=3, help="the shortest of so many times")
    options = parser.parse_args()
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    console = Console()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        ours, other = write_report(options.run, folder), options.against
        if other is None:
            other = Path(folder, "whole.html")
            other.write_text(whole(ours.read_text(encoding="utf-8")), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        rounds = [
            [seconds(browser, page, options.rate) for page in (other, ours)]
            for _ in range(options.rounds)
        ]
        browser.close()
        sizes = [page.stat().st_size / 1e6 for page in (other, ours)]
    times = [min(column) for column in zip(*rounds, strict=True)]
    table = Table(title=f"CPU throttled by {options.rate:g}", title_justify="left")
    for heading in ("", "MB", "CPU seconds"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, size, time in zip(("before", "now"), sizes, times, strict=True):
        table.add_row(name, f"{size:.2f}", f"{time:.2f}")
    table.add_row("ratio", *(f"{before / now:.1f}" for before, now in (sizes, times)))
    console.print(table)
    met = sizes[1] <= GOAL_MEGABYTES and times[1] <= GOAL_SECONDS
    console.print(
        f"Goal, {GOAL_MEGABYTES:g} MB and {GOAL_SECONDS:g} s of CPU: {'met' if met else 'missed'}."
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
