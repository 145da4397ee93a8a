"""The picture in the README and on the first page: the top of a run's report.

    pareto-explorer sweep digits && python docs/screenshot.py runs/digits

Needs Chromium and the extra ``dev``; writes ``docs/images/report.png``.
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parent / "images" / "report.png"
WIDTH, HEIGHT = 1280, 1424  # the finding and the front


def main() -> None:
    """Opens the report of the given run and takes its picture."""
    parser = argparse.ArgumentParser(description="Take a picture of a run's report.")
    parser.add_argument("run", type=Path, help="a run directory with its report")
    report = parser.parse_args().run / "report" / "index.html"
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        PICTURE.write_bytes(picture(browser, report))
        browser.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1024:.0f} KiB")


def picture(browser: Any, report: Path) -> bytes:
    """The upper part of a page, once its figures are drawn, as a PNG of 256 colours."""
    page = browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", device_scale_factor=1
    )
    page.goto(report.resolve().as_uri())
    page.wait_for_selector(".main-svg", state="attached")
    with Image.open(io.BytesIO(page.screenshot())) as shot, io.BytesIO() as small:
        shot.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(
            small, "PNG", optimize=True
        )
        page.close()
        return small.getvalue()


if __name__ == "__main__":
    main()
