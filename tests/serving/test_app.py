"""Who is answered, and with what."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from pareto_explorer.reports.html import POLICY
from pareto_explorer.runs import RunDirectory, read_points
from pareto_explorer.runs.notes import LONGEST_NOTE, notes_file, read_notes
from pareto_explorer.schema.checkpoint_ids import checkpoint_id
from pareto_explorer.serving.app import _Desk
from pareto_explorer.serving.pages import Page, Pages
from tests.serving.conftest import Served


def point_of(served: Served) -> str:
    row = read_points(RunDirectory(served.run)).iloc[0]
    return checkpoint_id(row["trial_id"], row["step"])


def events(served: Served, have: str = "", last: str | None = None) -> http.client.HTTPResponse:
    connection = served.connect()
    headers = {} if last is None else {"Last-Event-ID": last}
    connection.request("GET", f"/{served.token}/events?have={have}", headers=headers)
    return connection.getresponse()


def next_event(stream: http.client.HTTPResponse, kind: str) -> dict[str, str]:
    """The fields of the next event of a kind."""
    while True:
        found = {}
        while (line := stream.readline().decode().rstrip("\n")) or not found:
            name, _, value = line.partition(": ")
            if name:
                found[name] = value
        if found.get("event") == kind:
            return found


def complete(served: Served) -> tuple[str, dict[str, dict[str, str]]]:
    """What a page has in the end, which begins with nothing, and how it says so."""
    stream, have, sections = events(served), "", {}
    while "specification" not in have:
        event = next_event(stream, "sections")
        sections |= json.loads(event["data"])["sections"]
        have = event["id"]
    stream.close()
    return have, sections


@pytest.mark.parametrize("path", ["", "events", "notes"])
@pytest.mark.parametrize(
    "host",
    ["example.org", "127.0.0.1.example.org", "127.0.0.2", "", "a@localhost", "localhost:1:2"],
)
def test_only_names_of_this_machine_are_answered(served, path, host):
    status, _, content = served.ask("GET", f"/{served.token}/{path}", headers=(("Host", host),))
    assert (status, content) == (403, b"Forbidden")


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost", "LOCALHOST:65535", "[::1]:80"])
def test_the_names_of_this_machine_are_with_any_port(served, host):
    status, _, content = served.ask("HEAD", f"/{served.token}/", headers=(("Host", host),))
    assert (status, content) == (200, b"")


def test_two_hosts_are_none(served):
    host = ("Host", f"127.0.0.1:{served.port}")
    assert served.ask("GET", f"/{served.token}/", headers=(host, host))[0] in (400, 403)


@pytest.mark.parametrize(
    "origin",
    [
        "http://example.org",
        "null",
        "https://127.0.0.1:{port}",
        "http://localhost:{port}",
        "http://127.0.0.1",
    ],
)
def test_pages_from_elsewhere_are_not_answered(served, origin):
    origin = origin.format(port=served.port)
    path = f"/{served.token}/"
    assert served.ask("GET", path, headers=(("Origin", origin),))[0] == 403
    body = json.dumps({"point": point_of(served), "text": "from elsewhere"})
    assert served.note("POST", body, ("Origin", origin))[0] == 403
    assert not notes_file(RunDirectory(served.run)).exists()


def test_what_writes_must_say_where_it_is_from(served):
    path, body = f"/{served.token}/notes", json.dumps({"point": point_of(served), "text": "x"})
    assert served.ask("POST", path, body, (("Content-Type", "application/json"),))[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/notes",
        "/{other}/",
        "/{token}x/",
        "//{token}/",
        "/{token}//",
        "/{token}/sweep.yaml",
        "/{token}/../sweep.yaml",
        "/{token}/%2e%2e/sweep.yaml",
        "/{token}/events/",
        "/{token}/events/../../etc/passwd",
        "/{token}/..%2f..%2fetc%2fpasswd",
        "/%ff%fe/",
        "/favicon.ico",
        "/{token}/index.html",
        "/{token}/report/index.html",
    ],
)
def test_there_is_nothing_else(served, path):
    other = "a" * len(served.token)
    status, headers, content = served.ask("GET", path.format(token=served.token, other=other))
    assert (status, content) == (404, b"Not Found")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_methods_are_those_that_there_are(served):
    origin = (("Origin", served.origin),)
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        for path in ("", "events"):
            assert served.ask(method, f"/{served.token}/{path}", headers=origin)[0] == 405
    for method in ("GET", "PUT", "PATCH", "OPTIONS"):
        assert served.ask(method, f"/{served.token}/notes", headers=origin)[0] == 405


def test_every_answer_has_the_headers_of_safety(served):
    for path in (f"/{served.token}/", "/", f"/{served.token}/nothing"):
        _, headers, _ = served.ask("HEAD", path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith(f"{POLICY}; connect-src 'self'; ")
        assert "frame-ancestors 'none'" in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Server"] is None


def test_the_page_asks_its_own_server_only_and_says_so(served):
    status, _, content = served.ask("GET", f"/{served.token}/")
    page = content.decode()
    assert status == 200
    assert f"{POLICY}; connect-src 'self'" in page
    assert served.token not in page  # whoever saves the page does not save the way in


def test_a_page_that_has_nothing_gets_all_and_one_that_has_all_gets_nothing(served):
    have, sections = complete(served)
    assert sections.keys() == {part.partition(".")[0] for part in have.split(",")} - {""}
    assert sections["front"]["payload"]["rows"] > 0
    stream = events(served, have=have)
    assert stream.readline() == b"retry: 1000\n"
    assert next_event(stream, "state")  # the first one: no sections before it
    stream.close()


def test_a_page_that_comes_back_gets_what_it_lacks(served):
    have, _ = complete(served)
    lacking = ",".join(part for part in have.split(",") if not part.startswith("failures"))
    stream = events(served, have="", last=lacking)  # what the browser remembers comes first
    event = next_event(stream, "sections")
    assert json.loads(event["data"])["sections"].keys() == {"failures"}
    assert event["id"] == have
    stream.close()


@pytest.mark.parametrize("have", ["x", ",,,", "a.b.c", "%00%0a.%0d", "." * 1000])
def test_a_page_that_says_nonsense_gets_all(served, have):
    stream = events(served, have=have)
    assert "front" in json.loads(next_event(stream, "sections")["data"])["sections"]
    stream.close()


def test_a_note_is_kept_shown_and_taken_back(served):
    have, _ = complete(served)
    run, point = RunDirectory(served.run), point_of(served)
    text = "worth an audit\n<b>&\u202e \x1b[2J"
    assert served.note("POST", json.dumps({"point": point, "text": text}))[0] == 204
    ((found, (note,)),) = read_notes(run).items()
    assert (found, note.text) == (point, "worth an audit\n<b>& [2J")

    stream = events(served, have=have)
    event = next_event(stream, "sections")
    section = json.loads(event["data"])["sections"]["notes"]
    assert section["payload"] == {point: [note._asdict()]}
    assert "&lt;b&gt;&amp;" in section["html"]
    status, _, _ = served.note("DELETE", json.dumps({"point": point, "time": note.time}))
    assert status == 204
    assert read_notes(run) == {}
    while "notes" in json.loads(event["data"])["order"]:
        event = next_event(stream, "sections")
    stream.close()
    notes_file(run).unlink()


def test_notes_that_come_at_once_are_all_kept(served):
    point = point_of(served)
    bodies = [json.dumps({"point": point, "text": f"note {i}"}) for i in range(16)]
    with ThreadPoolExecutor(8) as senders:
        answers = [*senders.map(lambda body: served.note("POST", body)[0], bodies)]
    assert answers == [204] * 16
    run = RunDirectory(served.run)
    assert {note.text for note in read_notes(run)[point]} == {f"note {i}" for i in range(16)}
    notes_file(run).unlink()


def test_a_page_that_is_no_longer_kept_up_to_date_says_so(caplog):
    class Broken(Pages):
        def step(self) -> None:
            raise ZeroDivisionError("by <nothing>")

    async def first() -> Page:
        desk = _Desk(Broken([]))
        async with desk.viewer():
            await desk.work()
            return await desk.first()

    with ThreadPoolExecutor() as pool:  # in this one, a browser of other tests has a loop
        page = pool.submit(asyncio.run, first()).result()
    assert "ZeroDivisionError: by <nothing>" in page.problem
    assert "end the server and start it again" in page.problem
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"point": "nobody@1", "text": "x"}', "no point of this run"),
        ('{"point": "none", "text": "x"}', "not the id of a checkpoint"),
        ('{"point": "{point}", "text": " \\u0000\\n "}', "0 characters"),
        ('{"point": "{point}", "text": "' + "x" * (LONGEST_NOTE + 1) + '"}', "2,001 characters"),
        ('{"point": "{point}"}', "needs"),
        ('{"point": "{point}", "text": "x", "path": "/etc/passwd"}', "needs"),
        ('{"point": "{point}", "text": 1}', "texts"),
        ("[]", "needs"),
        ("{", "no JSON"),
        ("\ud800".encode("utf-8", "surrogatepass"), "UTF-8"),
        ('{"text": "' + "x" * 100_000 + '"}', "too long"),
    ],
)
def test_what_is_no_note_is_refused_in_a_sentence(served, body, said):
    if isinstance(body, str):
        body = body.replace("{point}", point_of(served))
    status, _, content = served.note("POST", body)
    assert status == 400
    assert said in json.loads(content)["error"]
    assert not notes_file(RunDirectory(served.run)).exists()


def test_a_form_of_another_page_is_no_note(served):
    body = json.dumps({"point": point_of(served), "text": "x"})
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        assert served.note("POST", body, ("Content-Type", kind))[0] == 400


def test_nobody_else_on_the_network_can_connect(served):
    others = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    for name in {*others, "127.0.0.2"} - {"127.0.0.1"}:
        with pytest.raises(OSError), socket.create_connection((name, served.port), timeout=5):
            pass


def test_the_events_of_two_pages_do_not_depend_on_one_another(served):
    streams = [events(served) for _ in range(3)]
    found = [json.loads(next_event(stream, "sections")["data"])["order"] for stream in streams]
    assert all(one[:1] == other[:1] for one, other in pairwise(found))
    for stream in streams:
        stream.close()


def test_an_address_without_its_last_stroke_leads_to_the_page(served):
    status, headers, _ = served.ask("GET", f"/{served.token}")
    assert (status, headers["Location"]) == (307, f"/{served.token}/")
