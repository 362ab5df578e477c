"""The quick lane: answers in the event loop's turn, and everything it does not answer as if it were not there."""

import asyncio
import io
import json
import threading
import time

import pytest

from dav_gateway.server.answer import Answer
from dav_gateway.server.front import Front
from dav_gateway.server.quick import LONGEST_BODY, QuickLane
from dav_gateway.server.request_log import configure_logging

QUICK = Answer.make(207, [("Content-Type", "text/plain"), ("ETag", '"1"')], b"quick")


class Asked:
    """What the lane was asked, and what it says to `path`s that begin with /quick: at once, or in a coroutine."""

    def __init__(self, soon):
        self.soon = soon
        self.environs = []
        self.bodies = []
        self.threads = set()

    def __call__(self, environ):
        self.environs.append(environ)
        self.bodies.append(environ["wsgi.input"].read())
        self.threads.add(threading.current_thread().name)
        return self.later(environ) if self.soon else self.now(environ)

    async def later(self, environ):
        await asyncio.sleep(0.01)
        return self.now(environ)

    def now(self, environ):
        if environ["PATH_INFO"] == "/broken":
            raise RuntimeError("a test")
        environ["dav_gateway.credential_id"] = "k7mqx"
        return QUICK if environ["PATH_INFO"].startswith("/quick") else None


@pytest.fixture(params=["at once", "soon"])
def asked(request):
    return Asked(request.param == "soon")


def test_what_is_quick_is_answered_in_the_loops_thread(link, asked):
    _rig, connect = link(ask=asked)
    client = connect()
    for number in range(5):
        reply = client.ask("PROPFIND", "/dav/quick", body=b"%d" % number)
        assert (reply.status, reply.body, reply.headers["etag"]) == (207, b"quick", '"1"')
        assert reply.headers["date"].endswith("GMT")
        assert "connection" not in reply.headers
    assert asked.bodies == [b"%d" % number for number in range(5)]
    assert asked.threads == {"server"}
    environ = asked.environs[0]
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["REMOTE_ADDR"]) == ("/dav", "/quick", "127.0.0.1")


@pytest.mark.parametrize("path", ["/dav/other", "/dav/broken"])
def test_the_rest_is_answered_by_the_application(serve, connect, asked, path):
    client = connect(serve(ask=asked).port)
    assert client.ask("PROPFIND", path, body=b"x").body == b"hello"
    assert len(asked.environs) == 1
    assert client.ask("PROPFIND", "/dav/quick", body=b"x").body == b"quick"


@pytest.mark.parametrize(
    ("method", "path", "login", "body", "headers"),
    [
        ("PUT", "/dav/quick", "ana", b"x", ()),
        ("DELETE", "/dav/quick", "ana", None, ()),
        ("PROPFIND", "/remote.php/dav/quick", "ana", b"x", ()),
        ("PROPFIND", "/dav/quick", None, b"x", ()),
        ("PROPFIND", "/dav/quick", "ana", b"x" * (LONGEST_BODY + 1), ()),
    ],
)
def test_it_is_asked_for_short_reading_requests_that_name_a_credential(
    serve, connect, asked, method, path, login, body, headers
):
    client = connect(serve(ask=asked).port)
    client.request(method, path, login=login, body=body, headers=headers)
    assert client.reply().body != b"quick"
    assert asked.environs == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET", "PROPFIND", "REPORT"])
def test_what_is_complete_needs_no_messages_of_asgi(serve, connect, monkeypatch, make_request, method):
    started = []
    front = Front.__call__

    async def noted(*asked):
        started.append(asked)
        await front(*asked)

    monkeypatch.setattr(Front, "__call__", noted)
    client = connect(serve().port)
    for _ in range(2):
        assert client.ask(method, "/dav/x", body=b"x").body == b"hello"
    assert started == []
    client.send(make_request(method, "/dav/x", headers=("Transfer-Encoding: chunked",)) + b"1\r\nx\r\n0\r\n\r\n")
    assert client.reply().body == b"hello"
    assert len(started) == 1


def test_an_application_that_fails_behind_the_lane_ends_its_own_request_only(serve, connect, monkeypatch):
    rig = serve()

    async def fail(*_):
        raise RuntimeError("a test")

    client = connect(rig.port)
    assert client.ask("PUT", "/dav/x", body=b"x").body == b"hello"
    monkeypatch.setattr(QuickLane, "call", fail)
    client.request("PUT", "/dav/x", body=b"x")
    assert client.drain() == (0, "reset")
    monkeypatch.undo()
    assert connect(rig.port).ask("PUT", "/dav/x", body=b"x").body == b"hello"


def test_a_chunked_body_goes_the_usual_way(serve, connect, asked, make_request):
    client = connect(serve(ask=asked).port)
    client.send(make_request("PROPFIND", "/dav/quick", headers=("Transfer-Encoding: chunked",)))
    client.send(b"1\r\nx\r\n0\r\n\r\n")
    assert client.reply().body == b"hello"
    assert asked.environs == []


def test_a_client_that_waits_to_be_told_to_continue_is_told(serve, connect, asked, make_request):
    client = connect(serve(ask=asked).port)
    client.send(make_request("PROPFIND", "/dav/quick", headers=("Content-Length: 1", "Expect: 100-continue")))
    assert client.reply().status == 100
    client.send(b"x")
    assert client.reply().body == b"hello"


def test_a_body_in_a_packet_of_its_own_is_waited_for(serve, connect, asked, make_request):
    client = connect(serve(ask=asked).port)
    for _ in range(3):
        client.send(make_request("PROPFIND", "/dav/quick", headers=("Content-Length: 2",)))
        time.sleep(0.02)
        client.send(b"ab")
        assert client.reply().body == b"quick"
    assert asked.bodies == [b"ab"] * 3


def test_a_body_that_is_slow_goes_the_usual_way_with_its_limits(serve, connect, asked, make_request):
    rig = serve(ask=asked, body_pause_seconds=1.0)
    client = connect(rig.port)
    client.send(make_request("PROPFIND", "/dav/quick", headers=("Content-Length: 2",)))
    client.send(b"a")
    assert client.reply().status == 408
    assert rig.gate.admitted, "the gate sees the head before the body is there"
    assert asked.environs == []


def test_a_body_that_ends_early_is_told(serve, connect, asked, make_request):
    client = connect(serve(ask=asked).port)
    client.send(make_request("PROPFIND", "/dav/quick", headers=("Content-Length: 2",)))
    client.send(b"a")
    client.sock.shutdown(1)
    assert client.reply().status == 400
    assert client.end() == "eof"


def test_pipelined_requests_are_answered_in_their_order(serve, connect, asked, make_request):
    client = connect(serve(ask=asked).port)
    paths = ["/dav/quick", "/dav/quick", "/dav/other", "/dav/quick", "/dav/broken"]
    client.send(b"".join(make_request("PROPFIND", path, body=b"x") for path in paths))
    # What waits behind an answer of the application is the application's as well.
    second = b"hello" if asked.soon else b"quick"
    assert [client.reply().body for _ in paths] == [b"quick", second, b"hello", b"hello", b"hello"]
    assert client.ask("PROPFIND", "/dav/quick", body=b"x").body == b"quick"


def test_the_last_answer_of_a_connection_says_so(serve, connect, asked, make_request):
    rig = serve(ask=asked, credentials_per_connection=2)
    client = connect(rig.port)
    assert "connection" not in client.ask("PROPFIND", "/dav/quick", login="one").headers
    assert client.ask("PROPFIND", "/dav/quick", login="two").headers["connection"] == "close"
    assert client.end() == "eof"
    client = connect(rig.port)
    client.request("PROPFIND", "/dav/quick", headers=("Connection: close",))
    assert client.reply().headers["connection"] == "close"
    assert client.end() == "eof"
    client = connect(rig.port)
    client.send(make_request("PROPFIND", "/dav/quick").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert client.reply().headers["connection"] == "close"
    assert client.end() == "eof"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_no_length(serve, connect, status):
    client = connect(serve(ask=lambda _environ: Answer.make(status, [], b"never")).port)
    client.request("GET", "/dav/quick")
    client.request("GET", "/dav/quick")
    replies = [client.reply(head_only=True) for _ in range(2)]
    assert [(reply.status, "content-length" in reply.headers) for reply in replies] == [(status, False)] * 2


def test_the_connection_is_attached_before_the_application_reads(serve, connect):
    """Else a cut between the two would miss the connection, and the answer would still leave."""
    seen = []

    def ask(_environ):
        seen.append(rig.registry.connected())
        return QUICK

    rig = serve(ask=ask)
    assert connect(rig.port).ask("PROPFIND", "/dav/quick", login="k7mqx").body == b"quick"
    assert seen == [{"k7mqx": 1}]


def test_nothing_leaves_on_a_connection_that_is_cut_while_it_is_answered(serve, connect):
    def ask(_environ):
        cutter = threading.Thread(target=lambda: rig.registry.cut_from_thread({"k7mqx"}))
        cutter.start()
        while not connections[0].cut:
            time.sleep(0.001)
        return QUICK

    rig = serve(ask=ask)
    client = connect(rig.port)
    connections = []
    attach = rig.registry.attach

    def noted(credential_id, connection):
        connections.append(connection)
        return attach(credential_id, connection)

    rig.registry.attach = noted
    client.request("PROPFIND", "/dav/quick", login="k7mqx")
    assert client.drain() == (0, "reset")


class Held:
    """Asked in a coroutine that ends when it is told to."""

    def __init__(self):
        self.entered = threading.Event()
        self.go_on = threading.Event()

    async def __call__(self, _environ):
        self.entered.set()
        while not self.go_on.is_set():
            await asyncio.sleep(0.001)
        return QUICK


@pytest.fixture
def held():
    held = Held()
    yield held
    held.go_on.set()


def test_nothing_leaves_on_a_connection_that_is_cut_while_its_answer_is_awaited(serve, connect, held):
    rig = serve(ask=held)
    client, other = connect(rig.port), connect(rig.port)
    client.request("PROPFIND", "/dav/quick", login="k7mqx")
    assert held.entered.wait(5)
    count = rig.registry.cut_from_thread({"k7mqx"})
    assert (count.connections, count.running) == (1, 1)
    held.go_on.set()
    assert client.drain() == (0, "reset")
    assert other.ask("PROPFIND", "/dav/quick").body == b"quick"


def test_others_are_served_while_an_answer_is_awaited(serve, connect, held):
    rig = serve(ask=lambda environ: held(environ) if environ["PATH_INFO"] == "/held" else QUICK)
    client, other = connect(rig.port), connect(rig.port)
    client.request("PROPFIND", "/dav/held")
    assert held.entered.wait(5)
    assert other.ask("PROPFIND", "/dav/quick").body == b"quick"
    held.go_on.set()
    assert client.reply().body == b"quick"
    assert client.ask("PROPFIND", "/dav/quick").body == b"quick"


def test_a_client_that_leaves_while_its_answer_is_awaited_leaves_nothing(serve, connect, held, until):
    rig = serve(ask=held)
    client = connect(rig.port)
    client.request("PROPFIND", "/dav/quick", login="k7mqx")
    assert held.entered.wait(5)
    client.sock.close()
    held.go_on.set()
    until(lambda: not rig.registry.connected())
    assert connect(rig.port).ask("PROPFIND", "/dav/quick").body == b"quick"


def test_a_stopping_server_waits_for_an_answer_that_is_awaited(serve, connect, held):
    rig = serve(ask=held, stop_seconds=5)
    client = connect(rig.port)
    client.request("PROPFIND", "/dav/quick")
    assert held.entered.wait(5)
    stopping = threading.Thread(target=rig.stop)
    stopping.start()
    time.sleep(0.2)
    held.go_on.set()
    reply = client.reply()
    assert (reply.body, reply.headers["connection"]) == (b"quick", "close")
    stopping.join(5)


def test_a_connection_that_was_cut_is_not_asked_about(serve, connect, asked):
    rig = serve(ask=asked)
    client = connect(rig.port)
    client.ask("PROPFIND", "/dav/quick", login="k7mqx")
    rig.registry.attach = lambda *_: False
    client.request("PROPFIND", "/dav/quick", login="k7mqx")
    time.sleep(0.1)
    assert len(asked.environs) == 1


def test_a_client_that_does_not_read_is_left_to_the_bridge(serve, connect, make_request):
    """The bridge waits for it; answers made in the loop would pile up in memory."""
    large = Answer.make(200, [], b"x" * 60_000)
    asked = []

    def ask(environ):
        asked.append(environ)
        return large

    client = connect(serve(ask=ask, pipelined=1000).port, receive_buffer=4096)
    for _ in range(200):
        client.send(make_request("PROPFIND", "/dav/quick"))
    time.sleep(0.5)
    assert len(asked) < 150


def test_each_request_has_its_line_in_the_log(serve, connect, asked):
    log = io.StringIO()
    configure_logging("json", log)
    client = connect(serve(ask=asked).port)
    client.ask("PROPFIND", "/dav/quick", body=b"x")
    line = json.loads(log.getvalue().splitlines()[-1])
    assert (line["method"], line["path"], line["status"], line["bytes"]) == ("PROPFIND", "/dav/quick", 207, 5)
    assert (line["credential"], line["cut"]) == ("k7mqx", False)
    assert line["id"]


def test_a_stopping_server_finishes_what_it_has_begun_to_receive(serve, connect, asked, make_request):
    rig = serve(ask=asked, stop_seconds=5)
    client = connect(rig.port)
    client.send(make_request("PROPFIND", "/dav/quick", headers=("Content-Length: 2",)))
    time.sleep(0.05)
    stopping = threading.Thread(target=rig.stop)
    stopping.start()
    time.sleep(0.2)
    client.send(b"ab")
    reply = client.reply()
    assert reply.status in (200, 207)
    assert reply.headers["connection"] == "close"
    stopping.join(5)
