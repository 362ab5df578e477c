"""HTTP/1.1 as clients of calendars speak it (RFC 9110, RFC 9112)."""

import json
import socket
import threading
import time
from contextvars import ContextVar

import pytest

from dav_gateway.core.errors import Asleep, StoreUnavailable
from dav_gateway.server.answer import Answer


def echo(environ, start_response):
    """The environ's texts and the body, as JSON."""
    body = environ["wsgi.input"].read()
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"environ": seen, "body": body.decode("latin-1")}).encode()]


def test_a_connection_is_kept_and_reused(link):
    _rig, connect = link()
    client = connect()
    for _ in range(20):
        reply = client.ask("PROPFIND", body=b"<propfind/>")
        assert (reply.status, reply.body) == (200, b"hello")
        assert "connection" not in reply.headers
        assert "server" not in reply.headers
        assert reply.headers["date"].endswith("GMT")


def test_header_names_are_written_as_people_write_them(serve, connect):
    """Proxies and scripts that match them literally exist; python-caldav's suite drives one."""

    def application(_environ, start_response):
        start_response("200 OK", [("etag", '"1"'), ("dav", "1"), ("x-a-b", "y"), ("content-type", "text/plain")])
        return [b"etag: untouched\r\n\r\n"]

    client = connect(serve(application, close_seconds=0.1).port)
    client.request()
    client.request(headers=("Host: again",))
    time.sleep(0.1)
    head, _, rest = client.sock.recv(65536).decode().partition("\r\n\r\n")
    names = {line.partition(":")[0] for line in head.split("\r\n")[1:]}
    assert names == {"Date", "ETag", "DAV", "X-A-B", "Content-Type", "Content-Length"}
    assert rest.startswith("etag: untouched")
    assert "\r\nContent-Length: " in rest
    assert "\r\nConnection: close\r\n" in rest


def test_http_1_0_and_connection_close_end_the_connection(link):
    _rig, connect = link(close_seconds=0.2)
    old = connect()
    old.send(b"GET /dav/ HTTP/1.0\r\n\r\n")
    assert old.reply().body == b"hello"
    assert old.end() == "eof"
    client = connect()
    client.request(headers=("Connection: close",))
    assert client.reply().headers["connection"] == "close"
    assert client.end() == "eof"


@pytest.mark.parametrize("size", [5, 100_000, 3_000_000])
def test_head_announces_the_length_and_sends_nothing(serve, connect, size):
    def large(_environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(size))])
        return [b"x" * size]

    client = connect(serve(large).port)
    assert client.ask("HEAD").headers["content-length"] == str(size)
    assert len(client.ask("GET").body) == size


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body_have_no_length(serve, connect, status, method):
    """RFC 9110 section 8.6: that of a 304 would be what GET has, which it does not know."""

    def empty(_environ, start_response):
        start_response(status, [("Content-Length", "7"), ("ETag", '"1"')])
        return [b"nothing"]

    client = connect(serve(empty).port)
    for _ in range(2):
        reply = client.ask(method)
        assert reply.status == int(status[:3])
        assert "content-length" not in reply.headers
        assert "transfer-encoding" not in reply.headers
        assert reply.headers["etag"] == '"1"'


def test_pipelined_requests_are_answered_in_order(serve, connect, make_request):
    running = []
    most = []

    def slow_first(environ, start_response):
        running.append(1)
        most.append(len(running))
        if environ["PATH_INFO"] == "/0":
            time.sleep(0.2)
        body = environ["wsgi.input"].read()
        running.pop()
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode() + body]

    client = connect(serve(slow_first).port)
    client.send(b"".join(make_request("PUT", f"/dav/{number}", body=b"-%d" % number) for number in range(30)))
    assert [client.reply().body for _ in range(30)] == [b"/%d-%d" % (number, number) for number in range(30)]
    assert max(most) == 1


def test_a_malformed_request_behind_good_ones_is_refused_in_its_turn(serve, connect, make_request):
    rig = serve(close_seconds=0.2)
    client = connect(rig.port)
    client.send(make_request() + make_request() + b"GET / HTTP/1.1\r\nHost : a\r\n\r\n" + make_request())
    assert [client.reply().status for _ in range(3)] == [200, 200, 400]
    assert client.end() == "eof"


def test_continue_is_sent_after_admission_only(link):
    rig, connect = link(echo)
    rig.gate.hold = threading.Event()
    client = connect()
    head = (
        b"PUT /dav/a HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YW5hOng=\r\n"
        b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )
    client.send(head)
    assert rig.gate.entered.wait(5)
    client.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.sock.recv(1)
    client.sock.settimeout(10)
    rig.gate.hold.set()
    assert client.reply().status == 100
    client.send(b"abc")
    assert json.loads(client.reply().body)["body"] == "abc"
    assert client.ask().status == 200


def test_no_continue_when_the_body_came_along(serve, connect):
    client = connect(serve(echo).port)
    client.request("PUT", body=b"abc", headers=("Expect: 100-continue",))
    assert client.reply().status == 200


def test_refused_head_lets_no_body_in(link):
    """The refusal is whole at the client even though it goes on sending, and the connection ends."""

    def never(_environ, _start_response):
        raise AssertionError

    rig, connect = link(never)
    rig.gate.refuse_with = Answer.plain(401, "Sign in.", [("www-authenticate", 'Basic realm="x"')])
    client = connect()
    client.request("PUT", headers=("Content-Length: 10000000",))
    client.send(b"z" * 200_000)
    reply = client.reply()
    assert reply.status == 401
    assert reply.headers["connection"] == "close"
    assert reply.headers["www-authenticate"] == 'Basic realm="x"'
    (head,) = rig.gate.admitted
    assert (head.method, head.path, head.content_length, head.address) == ("PUT", "/", 10_000_000, "127.0.0.1")
    assert "Basic" not in repr(head)


def test_admission_is_asked_only_for_bodies_still_on_their_way(serve, connect):
    rig = serve(echo)
    client = connect(rig.port)
    client.ask("PUT", body=b"small")
    assert rig.gate.admitted == []
    client.send(b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    time.sleep(0.05)
    client.send(b"3\r\nabc\r\n0\r\n\r\n")
    assert json.loads(client.reply().body)["body"] == "abc"
    assert [head.content_length for head in rig.gate.admitted] == [None]


def test_half_closed_client_is_answered(serve, connect):
    client = connect(serve(echo).port)
    client.request("PUT", body=b"abc")
    client.sock.shutdown(socket.SHUT_WR)
    assert json.loads(client.reply().body)["body"] == "abc"
    assert client.end() == "eof"


def test_truncated_body_is_told(serve, connect):
    client = connect(serve(echo).port)
    client.send(b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    client.sock.shutdown(socket.SHUT_WR)
    reply = client.reply()
    assert (reply.status, reply.text) == (400, "The request ended before it was complete.\n")
    assert client.end() == "eof"


def test_an_upgrade_is_not_taken(serve, connect):
    rig = serve(echo)
    client = connect(rig.port)
    client.request(headers=("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"))
    reply = client.reply()
    assert reply.status == 200
    assert "HTTP_UPGRADE" not in json.loads(reply.body)["environ"]
    assert client.end() == "eof"


def test_large_answer_arrives_whole(link):
    body = bytes(range(256)) * 40_000

    def large(_environ, start_response):
        start_response("200 OK", [])
        return [body[:1000], body[1000:]]

    _rig, connect = link(large)
    client = connect()
    for _ in range(2):
        assert client.ask().body == body


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [0, 1, 70_000, 256 * 1024, 256 * 1024 + 1, 3_000_000])
def test_bodies_of_every_size_arrive_whole(serve, connect, size, chunked):
    seen = {}

    def take(environ, start_response):
        seen["body"] = environ["wsgi.input"].read()
        seen["length"] = environ["CONTENT_LENGTH"]
        seen["spooled"] = getattr(environ["wsgi.input"], "_rolled", False)
        start_response("201 Created", [])
        return []

    client = connect(serve(take).port)
    body = bytes(range(251)) * (size // 251 + 1)
    body = body[:size]
    if chunked:
        pieces = [body[start : start + 9000] for start in range(0, size, 9000)]
        client.send(b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nX: y\r\n\r\n")
        assert client.reply().status == 201
    else:
        assert client.ask("PUT", body=body).status == 201
    assert seen["body"] == body
    assert seen["length"] == str(size)
    assert seen["spooled"] == (size > 256 * 1024)


def test_trailers_do_not_become_headers(serve, connect):
    client = connect(serve(echo).port)
    client.send(
        b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\nx\r\n0\r\nAuthorization: Basic YW5hOng=\r\nX-Late: 1\r\n\r\n"
    )
    environ = json.loads(client.reply().body)["environ"]
    assert "HTTP_AUTHORIZATION" not in environ
    assert "HTTP_X_LATE" not in environ
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_a_context_variable_does_not_outlive_its_request(serve, connect):
    who = ContextVar("who", default="nobody")

    def remember(environ, start_response):
        before = who.get()
        who.set("ana")
        start_response("200 OK", [])
        return [before.encode()]

    rig = serve(remember, threads=1)
    client = connect(rig.port)
    assert [client.ask().body for _ in range(3)] == [b"nobody"] * 3


@pytest.mark.parametrize("what", ["raise", "exit", "no start", "bad header", "bad name", "control", "bad status"])
def test_a_failing_application_is_a_500_and_the_server_lives(serve, connect, what):
    def fail(_environ, start_response):
        if what == "raise":
            raise ValueError("a secret")
        if what == "exit":
            raise SystemExit
        if what == "bad header":
            start_response("200 OK", [("X", "a\r\nInjected: b")])
        if what == "bad name":
            start_response("200 OK", [("X Y", "a")])
        if what == "control":
            start_response("200 OK", [("X", "a\x01")])
        if what == "bad status":
            start_response("fine", [])
        return [b"body"]

    rig = serve(fail)
    client = connect(rig.port)
    for _ in range(2):
        reply = client.ask()
        assert (reply.status, reply.text) == (500, "The server failed to answer this request.\n")


@pytest.mark.parametrize("where", ["gate", "application"])
def test_a_store_that_is_away_is_a_503_never_a_401(serve, connect, where):
    def locked(_environ, _start_response):
        raise StoreUnavailable("the database is locked")

    rig = serve(locked if where == "application" else echo)
    client = connect(rig.port)
    if where == "gate":
        rig.gate.error = StoreUnavailable("the database is locked")
        client.request("PUT", headers=("Content-Length: 5",))
        reply = client.reply()
    else:
        reply = client.ask("PUT", body=b"hello")
    assert reply.status == 503
    assert reply.headers["retry-after"] == "5"


@pytest.mark.parametrize(("error", "kept"), [(StoreUnavailable, True), (Asleep, False)])
def test_a_process_that_is_asleep_keeps_no_connection(serve, connect, error, kept):
    """Nothing is left to cut when it is awake again; other trouble passes on the connection it met."""

    def fail(_environ, _start_response):
        raise error("not now")

    client = connect(serve(fail).port)
    reply = client.ask("PUT", body=b"hello")
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert ("connection" not in reply.headers) == kept
    if kept:
        assert client.ask().status == 503
    else:
        assert client.drain() == (0, "eof")


def test_a_gate_that_fails_lets_nobody_in(serve, connect):
    called = []
    rig = serve(lambda *_: called.append(1))
    rig.gate.error = RuntimeError("broken")
    client = connect(rig.port)
    client.request("PUT", headers=("Content-Length: 5",))
    assert client.reply().status == 500
    assert called == []


def test_close_of_the_applications_iterable_is_called(serve, connect):
    closed = threading.Event()

    class Body:
        def __iter__(self):
            return iter([b"a", b"b"])

        def close(self):
            closed.set()

    def application(_environ, start_response):
        write = start_response("200 OK", [])
        write(b"0")
        return Body()

    assert connect(serve(application).port).ask().body == b"0ab"
    assert closed.is_set()
