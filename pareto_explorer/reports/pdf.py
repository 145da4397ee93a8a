"""A report's page on paper, as the reader's own browser prints it."""

from __future__ import annotations

import os
import shutil
import subprocess
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.runs import atomic_path

__all__ = ["write_pdf"]

_VARIABLE = "PARETO_EXPLORER_CHROME"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MACOS = "/Applications/{0}.app/Contents/MacOS/{0}"
_PLACES = (*_NAMES, _MACOS.format("Google Chrome"), _MACOS.format("Chromium"))
_SECONDS = 300  # more than any page has taken; a browser that hangs ends too
_QUIET = (
    "--headless",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pdf-header-footer",
)


def write_pdf(page: str | PathLike[str]) -> Path:
    """Prints the page of a report to ``report.pdf`` beside it, with Chromium or Chrome.

    The browser is the one that the environment variable ``PARETO_EXPLORER_CHROME`` names, or one
    that is in ``PATH``. It runs without a window and with a profile of its own, which is gone
    afterwards.

    Args:
        page: The path of ``index.html``, as ``write_report`` returns it.

    Returns:
        The path of ``report.pdf``.

    Raises:
        InputError: There is no such page, or no browser.
        WriteError: The browser has printed nothing, or the file cannot be written.
    """
    page = Path(page).resolve()
    if not page.is_file():
        raise InputError(f"`page`: {str(page)!r} is no file; give what `write_report` returns.")
    browser, out = _browser(), page.with_name("report.pdf")
    with TemporaryDirectory(prefix="pareto-explorer-", ignore_cleanup_errors=True) as scratch:
        printed = Path(scratch, "report.pdf")
        _print(browser, page, printed, profile=Path(scratch, "profile"))
        try:
            with atomic_path(out) as temporary:
                shutil.copyfile(printed, temporary)
        except OSError as error:
            raise WriteError(
                f"pdf: {str(out)!r} cannot be written ({error.strerror}); see to that and do the "
                "same again, or choose another folder for the report."
            ) from None
    return out


def _browser() -> str:
    named = os.environ.get(_VARIABLE)
    found = next(filter(None, map(shutil.which, [named] if named else _PLACES)), None)
    if found:
        return found
    if named:
        raise InputError(f"`{_VARIABLE}`: {named!r} is no program; name Chromium or Chrome by it.")
    raise InputError(
        "`pdf`: there is neither Chromium nor Chrome to print the page with; install one of them "
        f"(`apt install chromium`), or name it in the environment variable {_VARIABLE}."
    )


def _print(browser: str, page: Path, out: Path, *, profile: Path) -> None:
    command = [browser, *_QUIET, f"--user-data-dir={profile}", f"--print-to-pdf={out}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--no-sandbox")  # Chromium's own cannot run as root
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the page is a file of ours
            [*command, page.as_uri()],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WriteError(f"pdf: {browser!r} has not printed the page ({error}).") from None
    if not out.is_file():
        said = done.stderr.decode(errors="replace").strip().splitlines()
        last = f"; it said: {said[-1]}" if said else ""
        raise WriteError(
            f"pdf: {browser!r} has not printed the page (exit code {done.returncode}){last}."
        )
