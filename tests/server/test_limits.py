"""Each limit has its answer, can be set, and leaves the server working."""

import dataclasses
import threading
import time

import pytest

from dav_gateway.server.limits import ServerLimits


def refused(client):
    reply = client.reply()
    assert reply.headers["connection"] == "close"
    assert client.end() in {"eof", "reset"}
    return reply.status, reply.text


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(ServerLimits)])
def test_a_limit_is_more_than_nothing(field):
    with pytest.raises(ValueError, match=field):
        ServerLimits(**{field: 0})


def test_long_address(serve, connect):
    rig = serve(request_line_bytes=200, close_seconds=0.1)
    assert connect(rig.port).ask(path="/dav/" + "a" * 190).status == 200
    client = connect(rig.port)
    client.request(path="/dav/" + "a" * 200)
    assert refused(client) == (414, "The address is longer than 200 bytes.\n")


def test_many_header_lines(serve, connect):
    rig = serve(header_count=20, close_seconds=0.1)
    assert connect(rig.port).ask(headers=tuple(f"X-{n}: y" for n in range(18))).status == 200
    client = connect(rig.port)
    client.request(headers=tuple(f"X-{n}: y" for n in range(19)))
    assert refused(client) == (431, "The request's header has too many lines or is too long.\n")


def test_large_header(serve, connect):
    rig = serve(header_bytes=2000, close_seconds=0.1)
    assert connect(rig.port).ask(headers=("X: " + "y" * 1800,)).status == 200
    client = connect(rig.port)
    client.request(headers=("X: " + "y" * 2000,))
    assert refused(client)[0] == 431


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /dav/ HTTP/1.1\r\nHost: a\r\nX: ",
        b"GET /dav/ HTTP/1.1\r\nHost: a\r\n",
        b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;",
    ],
    ids=["value", "name", "chunk extension"],
)
def test_a_line_that_never_ends_is_not_kept(serve, connect, beginning):
    """The parser collects an unfinished line in memory, without a word: fails without the count of unheard octets."""
    client = connect(serve(close_seconds=0.1, header_bytes=32_000).port)
    client.send(beginning)
    end = time.monotonic() + 5
    ended = False
    while not ended:
        assert time.monotonic() < end
        try:
            client.send(b"y" * 10_000)
        except OSError:
            ended = True


def test_a_line_that_never_ends_is_answered(serve, connect):
    client = connect(serve(close_seconds=0.1, header_bytes=1000).port)
    client.send(b"GET /dav/ HTTP/1.1\r\nHost: a\r\nX: ")
    time.sleep(0.05)
    client.send(b"y" * 1100)
    assert refused(client)[0] == 431


def test_endless_trailers(serve, connect):
    client = connect(serve(close_seconds=0.1, header_count=10).port)
    client.send(b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 20)
    assert refused(client)[0] == 431


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("at_once", [False, True])
def test_large_body(serve, connect, chunked, at_once):
    called = []

    def application(_environ, start_response):
        called.append(1)
        start_response("201 Created", [])
        return []

    rig = serve(application, body_bytes=1000, close_seconds=0.5)
    client = connect(rig.port)
    assert client.ask("PUT", body=b"x" * 1000).status == 201
    head = b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: 1001\r\n\r\n"
    body = b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n" if chunked else b"x" * 1001
    if at_once:
        client.send(head + body)
    else:
        client.send(head)
        time.sleep(0.05)
        client.send(body)
    reply = client.reply()
    assert (reply.status, reply.text) == (413, "The body is longer than 1000 bytes.\n")
    assert called == [1]


def test_body_announced_too_long_is_refused_before_admission(serve, connect):
    rig = serve(body_bytes=1000)
    client = connect(rig.port)
    client.request("PUT", headers=("Content-Length: 1001", "Expect: 100-continue"))
    assert client.reply().status == 413
    assert rig.gate.admitted == []


def test_body_that_pauses(serve, connect):
    client = connect(serve(body_pause_seconds=0.2, close_seconds=0.1).port)
    client.send(b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    assert refused(client) == (408, "The body did not arrive in time.\n")


def test_body_that_trickles(serve, connect, trickle):
    client = connect(serve(body_pause_seconds=0.3, body_bytes_per_second=1000, close_seconds=0.1).port)
    client.send(b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n")
    trickle(client, b"x" * 500)
    reply = client.reply()
    assert (reply.status, reply.text) == (408, "The body arrives too slowly.\n")


def test_body_that_takes_too_long_in_total(serve, connect, trickle):
    client = connect(serve(body_seconds=0.3, body_bytes_per_second=1, close_seconds=0.1).port)
    client.send(b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n")
    trickle(client, b"x" * 500)
    assert client.reply().status == 408


def test_waiting_for_admission_is_not_the_clients_slowness(serve, connect):
    rig = serve(body_pause_seconds=0.2)
    rig.gate.hold = threading.Event()
    client = connect(rig.port)
    client.request("PUT", headers=("Content-Length: 2", "Expect: 100-continue"))
    assert rig.gate.entered.wait(5)
    time.sleep(0.4)
    rig.gate.hold.set()
    assert client.reply().status == 100
    client.send(b"ok")
    assert client.reply().status == 200


def test_header_that_never_ends_in_time(serve, connect):
    client = connect(serve(header_seconds=0.3, close_seconds=0.1).port)
    client.send(b"GET /dav/ HTTP/1.1\r\nHo")
    assert refused(client) == (408, "The request's header did not arrive in time.\n")


def test_trickled_header_has_the_same_time(serve, connect, trickle):
    client = connect(serve(header_seconds=0.3, close_seconds=0.1).port)
    begin = time.monotonic()
    trickle(client, b"GET /dav/ HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 500)
    assert client.reply().status == 408
    assert time.monotonic() - begin < 2


def test_second_header_has_its_own_time(serve, connect):
    client = connect(serve(header_seconds=0.3, close_seconds=0.1).port)
    client.ask()
    time.sleep(0.5)
    client.send(b"GET /dav/ HTTP/1.1\r\nHo")
    assert client.reply().status == 408


def test_silent_connection_is_closed_without_a_word(link):
    _rig, connect = link(header_seconds=0.3, close_seconds=0.2)
    assert connect().end() == "eof"


def test_idle_connection_is_closed_without_a_word(link):
    _rig, connect = link(idle_seconds=0.3, close_seconds=0.2)
    client = connect()
    assert client.ask().status == 200
    assert client.end() == "eof"


def test_running_request_is_not_idle(serve, connect):
    def slow(_environ, start_response):
        time.sleep(0.8)
        start_response("200 OK", [])
        return [b"slow"]

    client = connect(serve(slow, idle_seconds=0.2, header_seconds=0.2).port)
    assert client.ask().body == b"slow"


def test_client_that_stops_reading_is_dropped_and_holds_no_thread(link, until):
    body = b"x" * 20_000_000

    def large(environ, start_response):
        start_response("200 OK", [])
        return [body if environ["PATH_INFO"] == "/large" else b"small"]

    rig, connect = link(large, threads=1, write_seconds=0.5)
    client = connect(receive_buffer=16 * 1024)
    client.request(path="/dav/large")
    client.raw.recv(1000)
    assert connect().ask().body == b"small"
    until(lambda: rig.registry.connected() in ({}, {"ana": 1}))
    time.sleep(1.2)
    after, end = client.drain()
    assert end == "reset"
    assert after <= client.receive_buffer


def test_slow_but_steady_reader_gets_everything(serve, connect):
    body = b"x" * 6_000_000

    def large(_environ, start_response):
        start_response("200 OK", [])
        return [body]

    client = connect(serve(large, write_seconds=0.5).port, receive_buffer=256 * 1024)
    client.request(headers=("Connection: close",))
    count, end = client.drain(pause=0.02)
    assert count > len(body)
    assert end == "eof"


def test_too_many_pipelined(serve, connect, make_request):
    def slow(_environ, start_response):
        time.sleep(0.05)
        start_response("200 OK", [])
        return []

    client = connect(serve(slow, pipelined=3, close_seconds=0.1).port)
    client.send(make_request() * 8)
    replies = [client.reply() for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 200, 200, 200, 400]
    assert "waiting on this connection" in replies[-1].text
    assert client.end() in {"eof", "reset"}


def test_too_many_connections(serve, connect):
    rig = serve(connections=2, close_seconds=0.1)
    kept = [connect(rig.port) for _ in range(2)]
    for client in kept:
        assert client.ask().status == 200
    surplus = connect(rig.port)
    reply = surplus.reply()
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert surplus.end() in {"eof", "reset"}
    assert kept[0].ask().status == 200


def test_more_requests_than_threads_and_queue(serve, connect, until):
    release = threading.Event()
    running = []

    def wait(_environ, start_response):
        running.append(1)
        release.wait(10)
        start_response("200 OK", [])
        return []

    rig = serve(wait, threads=2, waiting=3, retry_after_seconds=7)
    clients = [connect(rig.port) for _ in range(7)]
    for number, client in enumerate(clients[:5]):
        client.request(login=f"person{number}")
        time.sleep(0.02)
    for client in clients[5:]:
        reply = client.ask()
        assert (reply.status, reply.headers["retry-after"]) == (503, "7")
    assert len(running) == 2
    uploading = connect(rig.port)
    uploading.request("PUT", headers=("Content-Length: 5",))
    assert uploading.reply().headers["connection"] == "close"
    release.set()
    assert [client.reply().status for client in clients[:5]] == [200] * 5
    assert clients[6].ask().status == 200


def test_one_app_password_has_neither_all_threads_nor_all_places(serve, connect):
    release = threading.Event()

    def wait_for_ana(environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            release.wait(10)
        start_response("200 OK", [])
        return []

    rig = serve(wait_for_ana, threads=4, waiting=8)
    many = [connect(rig.port) for _ in range(3 + 4)]
    for client in many:
        client.request(path="/dav/slow")
    time.sleep(0.1)
    assert connect(rig.port).ask().status == 503
    for _ in range(3):
        assert connect(rig.port).ask(login="ben").status == 200
    release.set()
    assert [client.reply().status for client in many] == [200] * 7


@pytest.mark.parametrize("kind", ["head", "body", "reader"])
def test_64_slow_clients_stall_nobody(serve, connect, kind):
    """Two threads, 64 clients that dawdle: threaded servers stall here on each kind."""

    def application(environ, start_response):
        environ["wsgi.input"].read()
        start_response("200 OK", [])
        return [b"x" * (4_000_000 if environ["PATH_INFO"] == "/large" else 2)]

    rig = serve(application, threads=2)
    slow = [connect(rig.port, receive_buffer=4096) for _ in range(64)]
    for client in slow:
        if kind == "head":
            client.send(b"GET /dav/ HTTP/1.1\r\nHost: a\r\nX: ")
        elif kind == "body":
            client.send(b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab")
        else:
            client.request(path="/dav/large")
            client.raw.recv(100)
    client = connect(rig.port)
    begin = time.monotonic()
    for _ in range(50):
        assert client.ask().status == 200
    assert time.monotonic() - begin < 2
