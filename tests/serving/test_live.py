"""The page of a sweep that really runs, is killed and goes on, in a browser that stays open."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.ray, pytest.mark.browser, pytest.mark.slow]

SPACE = {
    "task": {"name": "tests.tasks.small:small_task"},
    "budget": {"steps": 300, "batch_size": 8, "evaluate_every": 100},
    "families": [
        {"method": "fine_tune", "lr": {"loguniform": [0.001, 0.01]}},
        {"method": "gradient_ascent", "lr": {"loguniform": [0.0001, 0.001]}},
    ],
    "search": {"configurations": 12},
}
TRIALS = 24
LONG = 300_000  # milliseconds: who waits so long has failed
POINTS = "() => Number(document.querySelector('[data-level=\"0\"] span')?.textContent ?? 0)"
KEPT = """() => ({
  marked: window.marked,
  pins: [...document.querySelectorAll('.pins thead small')].map((node) => node.textContent),
  search: document.querySelector('[data-search]').value,
  view: document.querySelector('[data-view][aria-pressed=true]').dataset.view,
  open: document.querySelector('#failures details, #specification details')?.open ?? null,
})"""


class Commands:
    """Commands of ours, which end with the test."""

    def __init__(self, folder: Path) -> None:
        self.environment = os.environ | {"XDG_STATE_HOME": str(folder / "state")}
        self.running: list[subprocess.Popen[str]] = []

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "pareto_explorer", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def serve(self, run: Path) -> tuple[subprocess.Popen[str], str]:
        process = self.start("serve", run)
        assert process.stdout is not None
        return process, process.stdout.readline().removeprefix("live page: ").strip()

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kills a command with all that it has started, as a machine does that goes down."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    found = Commands(tmp_path)
    yield found
    for process in found.running:
        if process.poll() is None:
            found.kill(process)


def test_a_page_follows_a_sweep_that_is_killed_and_goes_on(
    chromium: Any, commands: Commands, cache_dir: Path, tmp_path: Path
) -> None:
    space, run = tmp_path / "space.yaml", tmp_path / "run"
    space.write_text(yaml.safe_dump(SPACE))
    sweep = ("sweep", space, "--out", run, "--cache", cache_dir, "--quiet")
    server, address = commands.serve(run)

    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(LONG)
    errors, requests = [], set()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.add(request.url))
    page.goto(address)
    assert "no run yet" in page.locator("#waiting").inner_text()
    page.evaluate("window.marked = 'the same page'")

    first = commands.start(*sweep)
    page.wait_for_function(f"(n) => ({POINTS})() > n", arg=0)
    page.locator("[data-level='0']").click()
    page.locator("[data-view=front]").click()
    page.locator("table.points .pin").first.click()
    page.locator("[data-search]").fill("fine_tune")
    kept = page.evaluate(KEPT)
    assert (kept["marked"], len(kept["pins"])) == ("the same page", 1)

    before = page.evaluate(POINTS)
    page.wait_for_function(f"(n) => ({POINTS})() > n", arg=before)  # points arrive
    commands.kill(first)
    commands.kill(server)
    page.wait_for_selector(".live[data-sign=lost]")
    assert page.evaluate(KEPT) == kept

    second = commands.start(*sweep)
    server, again = commands.serve(run)
    assert again == address
    page.wait_for_selector(".live[data-sign=live]")
    assert second.wait(LONG / 1000) == 0, second.communicate()
    page.wait_for_selector(".live[data-sign=over]")
    assert re.search(
        rf"the sweep is over · {TRIALS} of {TRIALS} trials done", page.locator(".live").inner_text()
    )
    page.wait_for_function(f"(n) => ({POINTS})() === n", arg=TRIALS * 3)
    assert f"{TRIALS} trials" in page.locator(".facts").inner_text()
    assert page.evaluate(KEPT) == kept
    page.wait_for_selector("#importance", state="attached")

    row = page.locator(".pins textarea")
    row.fill("worth <b>an audit</b>")
    page.get_by_role("button", name="Keep note").click()
    page.wait_for_selector("#notes .note")
    assert page.locator("#notes .note").inner_text() == "worth <b>an audit</b>"
    assert (run / "notes.jsonl").read_text().count("\n") == 1

    assert errors == []
    assert {url for url in requests if not url.startswith((address, "data:", "blob:"))} == set()
    page.close()
