"""What the live page costs the sweep that it follows.

    python benchmarks/live.py                     # goal: less than 1 % of the driver's CPU
    python benchmarks/live.py --pairs 6

Runs a short digits sweep over and over, in turn alone and beside a server with one viewer, who
reads every event as a browser does. Prints the CPU seconds of the driver (its workers are processes
of their own), the wall time of the sweep, and the CPU seconds of the server from the viewer's
coming to the end of the sweep. Differences are told with their standard error over the pairs: what
is smaller than that has not been seen. All that a driver does for the page is to write
progress.json, at most once a second: that is timed by itself, many times, and judged by the goal.
Needs Linux.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

from pareto_explorer.runs.files.progress_file import Standing, write_standing

GOAL = 0.01
WRITINGS = 2000
SETTINGS = ("replicates.training_seeds=[0, 1]", "search.configurations=3")


class Cost(NamedTuple):
    """Of one sweep: CPU seconds of its driver, wall seconds, CPU seconds of the server."""

    driver: float
    wall: float
    server: float = 0.0


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pareto_explorer", *map(str, arguments)]


def sweep(run: Path, cache: Path) -> Cost:
    """Runs the sweep and waits for it."""
    settings = [word for text in SETTINGS for word in ("--set", text)]
    words = command("sweep", "digits", "--out", run, "--cache", cache, "--quiet", *settings)
    started = time.perf_counter()
    driver = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    os.waitid(os.P_PID, driver.pid, os.WEXITED | os.WNOWAIT)
    cost = Cost(cpu_of(driver.pid), time.perf_counter() - started)
    if driver.wait():
        sys.exit(f"the sweep ended with {driver.returncode}")
    return cost


def watched(run: Path, cache: Path) -> Cost:
    """The same beside a server whose page somebody looks at."""
    server = subprocess.Popen(  # noqa: S603
        command("serve", run), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdout is not None
    address = server.stdout.readline().removeprefix("live page: ").strip()
    received = [0]

    def view() -> None:
        with urllib.request.urlopen(address) as page:  # noqa: S310 - the server's own
            page.read()
        with urllib.request.urlopen(f"{address}events") as events:  # noqa: S310
            for line in events:
                received[0] += len(line)

    threading.Thread(target=view, daemon=True).start()
    before = cpu_of(server.pid)
    cost = sweep(run, cache)
    spent = cpu_of(server.pid) - before
    server.kill()
    server.wait()
    if not received[0]:
        sys.exit("the viewer has seen nothing")
    return cost._replace(server=spent)


def writing(folder: Path) -> float:
    """CPU seconds that it takes a driver to write once how far it is."""
    standing = Standing("trials", done=12, total=57, running=2, left=60.0)
    started = time.process_time()
    for _ in range(WRITINGS):
        write_standing(folder, standing)
    return (time.process_time() - started) / WRITINGS


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far, by Linux' own count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=4)
    pairs = parser.parse_args().pairs
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        cache = home / "cache"
        once = writing(home)
        sweep(home / "first", cache)  # trains the landmarks
        for i in range(pairs):
            runs = (home / f"alone{i}", home / f"seen{i}")
            if i % 2:
                seen = watched(runs[1], cache)
                alone = sweep(runs[0], cache)
            else:
                alone = sweep(runs[0], cache)
                seen = watched(runs[1], cache)
            costs.append((alone, seen))
            print(
                f"alone: driver {alone.driver:.2f} CPU s, sweep {alone.wall:.1f} s; with a viewer: "
                f"driver {seen.driver:.2f} CPU s, sweep {seen.wall:.1f} s, "
                f"server {seen.server:.2f} CPU s",
                flush=True,
            )
    for what in ("driver", "wall"):
        shares = [getattr(seen, what) / getattr(alone, what) - 1 for alone, seen in costs]
        spread = statistics.stdev(shares) / len(shares) ** 0.5 if pairs > 1 else float("nan")
        print(f"{what}: {statistics.mean(shares):+.1%} with a viewer, standard error {spread:.1%}")
    shares = [seen.server / seen.wall for _, seen in costs]
    print(f"server: {statistics.mean(shares):.1%} of one core, imports left out")
    share = statistics.mean(once * alone.wall / alone.driver for alone, _ in costs)
    print(f"progress.json once a second: {once * 1e6:.0f} µs each, {share:.3%} of the driver's CPU")
    print(f"goal: less than {GOAL:.0%} of the driver's CPU: {'met' if share < GOAL else 'missed'}")


if __name__ == "__main__":
    main()
