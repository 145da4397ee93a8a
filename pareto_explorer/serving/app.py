"""The page, its events and its notes, over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.reports.html import embed
from pareto_explorer.runs.notes import LONGEST_NOTE
from pareto_explorer.serving.guard import Guard
from pareto_explorer.serving.pages import Page, Pages
from pareto_explorer.trust.files import parse_json

__all__ = ["MOST_VIEWERS", "application"]

MOST_VIEWERS = 32
"""Streams of events at a time."""

_LOGGER = logging.getLogger(__name__)

_MOST_BYTES = 8 * LONGEST_NOTE
"""Of what a page may send."""

_PULSE = 15.0
"""Seconds after which a page hears something even if nothing has changed."""


class _Desk:
    """Takes the steps of a page while somebody looks at it, and wakes who waits for the next.

    Args:
        pages: What is stepped.
    """

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.viewers = 0
        self._wanted, self._hurried = asyncio.Event(), asyncio.Event()
        self._changed = asyncio.Condition()

    async def work(self) -> None:
        """Steps for ever."""
        while True:
            await self._wanted.wait()
            before = self.pages.page
            try:
                await asyncio.to_thread(self.pages.step)
            except Exception as error:
                _LOGGER.exception("live page: it is no longer kept up to date")
                self.pages.page = replace(before, problem=_stopped(error))
                async with self._changed:
                    self._changed.notify_all()
                return
            if self.pages.page != before:
                async with self._changed:
                    self._changed.notify_all()
            self._hurried.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurried.wait(), max(self.pages.wait(), 0.05))

    @asynccontextmanager
    async def viewer(self) -> AsyncIterator[None]:
        """Counts a viewer in, and out."""
        self.viewers += 1
        self._wanted.set()
        self._hurried.set()
        try:
            yield
        finally:
            self.viewers -= 1
            if not self.viewers:
                self._wanted.clear()

    async def first(self) -> Page:
        """The page, once there is something on it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.pages.begun)
        return self.pages.page

    async def after(self, page: Page) -> Page:
        """The page that comes after one; the same if that takes long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PULSE), self._changed:
                await self._changed.wait_for(lambda: self.pages.page != page)
        return self.pages.page

    def hurry(self) -> None:
        """Has what was written shown at once."""
        self.pages.hurry()
        self._hurried.set()


def application(pages: Pages, token: str) -> Guard:
    """What a server runs: a page below a token, and nothing else.

    Args:
        pages: The page.
        token: The first segment of its path.
    """
    desk = _Desk(pages)
    writing = asyncio.Lock()  # each note replaces the file

    @asynccontextmanager
    async def working(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(desk.work())
        yield
        task.cancel()

    async def page(_: Request) -> Response:
        async with desk.viewer():
            shown = await desk.first()
        sections = [part.section for part in shown.parts.values()]
        live = {"have": _written(shown.digests), "state": _state(shown)}
        return HTMLResponse(await asyncio.to_thread(embed, shown.name, sections, shown.facts, live))

    async def events(request: Request) -> Response:
        if desk.viewers >= MOST_VIEWERS:
            return JSONResponse({"error": "too many pages look at this run"}, 503)
        have = request.headers.get("last-event-id") or request.query_params.get("have", "")
        return StreamingResponse(_stream(desk, _read(have)), media_type="text/event-stream")

    async def notes(request: Request) -> Response:
        try:
            record = await _body(request)
            async with writing:
                if request.method == "POST":
                    await asyncio.to_thread(pages.note, record["point"], record["text"])
                else:
                    await asyncio.to_thread(pages.take_back, record["point"], record["time"])
        except InputError as error:
            return JSONResponse({"error": str(error)}, 400)
        desk.hurry()
        return Response(status_code=204)

    routes = [
        Route("/", page),
        Route("/events", events),
        Route("/notes", notes, methods=["POST", "DELETE"]),
    ]
    app = Starlette(routes=routes, lifespan=working)
    app.router.redirect_slashes = False
    return Guard(app, token)


def _stopped(error: Exception) -> str:
    return (
        f"this page is no longer kept up to date ({type(error).__name__}: {first_line(error)}); "
        "end the server and start it again, and see its terminal for what went wrong."
    )


async def _stream(desk: _Desk, have: dict[str, str]) -> AsyncIterator[str]:
    """What a page lacks, whenever there is something; it says itself what it has."""
    told = ""
    async with desk.viewer():
        yield "retry: 1000\n\n"
        page = await desk.first()
        while True:
            digests = page.digests
            if list(have.items()) != list(digests.items()):
                new = {
                    key: part.section.to_json()
                    for key, part in page.parts.items()
                    if have.get(key) != digests[key]
                }
                have = digests
                yield _event("sections", _update(page, new), _written(have))
            state = json.dumps(_state(page))
            if state != told:
                yield _event("state", state)
            told, seen = state, page
            page = await desk.after(page)
            if page is seen:
                yield _event("pulse", "")


def _update(page: Page, new: Mapping[str, str]) -> str:
    head = {"name": page.name, "facts": page.facts, "order": [*page.parts]}
    members = ",".join(f"{json.dumps(key)}:{section}" for key, section in new.items())
    return f'{json.dumps(head)[:-1]},"sections":{{{members}}}}}'


def _state(page: Page) -> dict[str, Any]:
    """What the head of the page says of the sweeps."""
    courses = [
        {
            "run": course.run,
            "alive": course.alive,
            "over": course.standing.over,
            "phase": course.standing.phase,
            "done": course.standing.done,
            "total": course.standing.total,
            "failed": course.standing.failed,
            "running": course.standing.running,
            "left": course.standing.left,
        }
        for course in page.courses
    ]
    return {"sweeps": courses, "problem": page.problem}


def _event(kind: str, data: str, name: str = "") -> str:
    number = f"id: {name}\n" if name else ""
    return f"{number}event: {kind}\ndata: {data}\n\n"


def _written(digests: Mapping[str, str]) -> str:
    return ",".join(f"{key}.{digest}" for key, digest in digests.items())


def _read(have: str) -> dict[str, str]:
    pairs = (pair.partition(".") for pair in have.split(",") if pair)
    return {key: digest for key, _, digest in pairs}


async def _body(request: Request) -> dict[str, str]:
    """What a page sends: a mapping to texts.

    Raises:
        InputError: It is something else, or too much.
    """
    if request.headers.get("content-type") != "application/json":
        raise InputError("the content must be application/json.")
    content = b""
    with suppress(ClientDisconnect):
        async for piece in request.stream():
            content += piece
            if len(content) > _MOST_BYTES:
                raise InputError("it is too long.")
    try:
        record = parse_json(content.decode(), "it")
    except UnicodeDecodeError:
        raise InputError("it is no UTF-8 text.") from None
    wanted = {"point", "text" if request.method == "POST" else "time"}
    if not isinstance(record, dict) or record.keys() != wanted:
        raise InputError(f"it needs {' and '.join(sorted(wanted))}.")
    if not all(isinstance(value, str) for value in record.values()):
        raise InputError("all of it must be texts.")
    return record
