"""The promise: when a cut has returned, no further byte leaves under the credential and no request of it is begun.

Each test names the mechanism that it fails without.
"""

import asyncio
import socket
import threading
import time

import pytest

from dav_gateway.server.registry import Cutter, CutUnconfirmed

LARGE = b"x" * 50_000_000


class Application:
    """Answers `body`; while `hold` is set up it waits inside the call. Keeps who was connected when it was called."""

    def __init__(self, body=b"done"):
        self.body = body
        self.calls = []
        self.entered = threading.Event()
        self.hold = None
        self.finished = threading.Event()

    def __call__(self, environ, start_response):
        self.calls.append(environ["REQUEST_METHOD"])
        self.entered.set()
        if self.hold is not None:
            self.hold.wait(10)
        environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "text/plain")])
        self.finished.set()
        return [self.body]


def until_called(application, times):
    end = time.monotonic() + 5
    while len(application.calls) < times:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_running_download_stops_at_once(link):
    """Fails without the abort (everything follows) and without linger (the kernel's send queue follows)."""
    rig, connect = link(Application(LARGE))
    client = connect(receive_buffer=16 * 1024)
    client.request()
    client.raw.recv(65536)
    time.sleep(0.3)  # let the kernel's send queue fill
    count = rig.registry.cut_from_thread({"ana"}, 1)
    after, end = client.drain(pause=0.002)
    assert count[:2] == (1, 1)
    assert end == "reset"
    assert after <= client.receive_buffer


def test_download_in_the_kernels_hands_stops_too(link):
    """The answer fits the send queue and the connection was to be closed after it: fails when close lets go early."""
    rig, connect = link(Application(b"x" * 1_000_000))
    client = connect(receive_buffer=16 * 1024)
    client.request(headers=("Connection: close",))
    client.raw.recv(4096)
    time.sleep(0.3)
    count = rig.registry.cut_from_thread({"ana"}, 1)
    after, end = client.drain(pause=0.002)
    assert count.connections == 1
    assert end == "reset"
    assert after <= client.receive_buffer


def test_idle_connection_is_reset(link):
    """Fails without the registry's memory of finished requests."""
    rig, connect = link(Application())
    client = connect()
    assert client.ask().body == b"done"
    assert rig.registry.cut_from_thread({"ana"}, 1)[:2] == (1, 0)
    assert client.end() == "reset"
    assert rig.registry.connected() == {}


def test_trickled_upload_is_reset_and_never_reaches_the_application(link, trickle, until):
    """Fails without attach-before-admit."""
    application = Application()
    rig, connect = link(application)
    client = connect()
    client.send(b"PUT /dav/x HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YW5hOng=\r\nContent-Length: 500\r\n\r\n")
    trickle(client, b"y" * 500)
    until(lambda: rig.gate.admitted)
    time.sleep(0.1)
    assert rig.registry.cut_from_thread({"ana"}, 1)[:2] == (1, 1)
    assert client.drain()[1] == "reset"
    assert application.calls == []


def test_cut_during_admission(link):
    """The gate has looked but not answered yet: fails without attach-before-admit."""
    application = Application()
    rig, connect = link(application)
    rig.gate.hold = threading.Event()
    client = connect()
    client.send(b"PUT /dav/x HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YW5hOng=\r\nContent-Length: 2\r\n\r\n")
    assert rig.gate.entered.wait(5)
    assert rig.registry.cut_from_thread({"ana"}, 1)[:2] == (1, 1)
    rig.gate.hold.set()
    assert client.end() == "reset"
    assert application.calls == []


def test_result_of_a_running_thread_is_thrown_away(link):
    """The application has read that the credential is alive: fails without attach-before-call."""
    application = Application()
    application.hold = threading.Event()
    rig, connect = link(application)
    client = connect()
    client.request()
    assert application.entered.wait(5)
    assert rig.registry.cut_from_thread({"ana"}, 1)[:2] == (1, 1)
    application.hold.set()
    assert application.finished.wait(5)
    assert client.end() == "reset"


def test_requests_waiting_behind_a_cut_one_are_never_begun(link, make_request):
    application = Application()
    application.hold = threading.Event()
    rig, connect = link(application)
    client = connect()
    client.send(make_request("GET") + make_request("DELETE", login="eva") + make_request("DELETE", login="eva"))
    assert application.entered.wait(5)
    rig.registry.cut_from_thread({"ana"}, 1)
    application.hold.set()
    assert client.end() == "reset"
    time.sleep(0.1)
    assert application.calls == ["GET"]


def test_request_waiting_for_a_thread_is_never_begun(link):
    """Its connection is known by an earlier request, it is not: fails without the look before the call."""
    application = Application()
    rig, connect = link(application, threads=1)
    waiting, blocking = connect(), connect()
    waiting.ask("HEAD", login="ana")
    application.hold = threading.Event()
    blocking.request("GET", login="eva")
    until_called(application, 2)
    waiting.request("DELETE", login=None)
    time.sleep(0.1)
    assert rig.registry.cut_from_thread({"ana"}, 1)[:2] == (1, 1)
    application.hold.set()
    assert blocking.reply().status == 200
    assert blocking.ask("GET", login="eva").status == 200
    assert application.calls == ["HEAD", "GET", "GET"]
    assert waiting.end() == "reset"


def test_only_the_named_credential_is_cut(link):
    rig, connect = link(Application())
    ana, eva = connect(), connect()
    assert ana.ask(login="ana").status == eva.ask(login="eva").status == 200
    assert rig.registry.cut_from_thread({"ana", "nobody"}, 1)[:2] == (1, 0)
    assert ana.end() == "reset"
    assert eva.ask(login="eva").status == 200


@pytest.mark.parametrize("cut", ["ana", "eva"])
def test_connection_of_several_credentials_is_cut_by_each(link, cut):
    rig, connect = link(Application())
    client = connect()
    assert client.ask(login="ana").status == client.ask(login="eva").status == 200
    assert rig.registry.connected() == {"ana": 1, "eva": 1}
    assert rig.registry.cut_from_thread({cut}, 1)[:2] == (1, 0)
    assert client.end() == "reset"
    assert rig.registry.connected() == {}


def test_connection_ends_after_its_share_of_credentials(link):
    _rig, connect = link(Application(), credentials_per_connection=2, close_seconds=0.2)
    client = connect()
    assert "connection" not in client.ask(login="a").headers
    assert client.ask(login="b").headers["connection"] == "close"
    assert client.end() == "eof"


def test_cut_all_spares_who_showed_no_credential(link):
    rig, connect = link(Application())
    clients = [connect() for _ in range(3)]
    for number, client in enumerate(clients[:2]):
        client.ask(login=f"c{number}")
    clients[2].ask(login=None)
    assert Cutter(rig.registry).cut_all()[:2] == (2, 0)
    assert [client.end() for client in clients[:2]] == ["reset", "reset"]
    assert clients[2].ask(login=None).status == 200


def test_cut_inside_the_event_loop(link):
    rig, connect = link(Application())
    client = connect()
    client.ask()

    async def wrongly():
        with pytest.raises(RuntimeError, match=r"await ConnectionRegistry.cut"):
            rig.registry.cut_from_thread({"ana"})

    rig.in_loop(wrongly())
    assert rig.in_loop(rig.registry.cut({"ana"}))[:2] == (1, 0)
    assert client.end() == "reset"


def test_two_cuts_at_once_both_wait_for_the_end(link):
    rig, connect = link(Application())
    client = connect()
    client.ask()
    counts = []
    threads = [threading.Thread(target=lambda: counts.append(rig.registry.cut_from_thread({"ana"}))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (1, 0) in [count[:2] for count in counts]
    assert client.end() == "reset"


def test_a_loop_that_does_not_answer_is_reported_and_writes_nothing_more(serve, connect):
    """The answer is next in the loop, the cut behind it: fails when the flag is set only in the event loop."""
    application = Application(LARGE)
    application.hold = threading.Event()
    rig = serve(application)
    client = connect(rig.port)
    client.request()
    assert application.entered.wait(5)
    rig.loop.call_soon_threadsafe(time.sleep, 0.3)
    application.hold.set()
    assert application.finished.wait(5)
    time.sleep(0.1)
    rig.loop.call_soon_threadsafe(time.sleep, 0.6)  # runs right after the loop took over the thread's result
    time.sleep(0.4)
    with pytest.raises(CutUnconfirmed, match=r"within 0\.05 s"):
        rig.registry.cut_from_thread({"ana"}, 0.05)
    assert client.end() == "reset"


def test_nothing_is_written_once_the_flag_is_up(serve, connect):
    """Whoever writes, also the pages: fails when only the bridge looks at the flag."""
    rig = serve()
    client = connect(rig.port)
    client.ask()
    (connection,) = rig.registry._by_credential["ana"]

    async def write_after_the_flag():
        connection.cut = True
        connection.write(b"too late")

    rig.in_loop(write_after_the_flag())
    time.sleep(0.05)
    assert rig.registry.cut_from_thread({"ana"})[:2] == (1, 0)
    assert client.end() == "reset"


def test_cut_of_nobody_needs_no_server(serve):
    rig = serve()
    rig.stop()
    assert Cutter(rig.registry).cut({"ana"})[:2] == (0, 0)


def test_attach_is_refused_once_the_connection_is_cut_or_lost(serve, connect, until):
    rig = serve()
    for how in ("cut", "lost"):
        client = connect(rig.port)
        client.ask()
        (connection,) = rig.registry._by_credential["ana"]
        if how == "cut":
            rig.registry.cut_from_thread({"ana"})
        else:
            client.close()
        until(lambda connection=connection: connection.lost)
        assert rig.registry.attach("eva", connection) is False
        assert rig.registry.connected() == {}


def test_a_closed_descriptor_is_never_mistaken_for_a_new_socket(serve, connect, until):
    """Resetting a connection twice must not touch the socket that got its number."""
    rig = serve()
    old = connect(rig.port)
    old.ask()
    (connection,) = rig.registry._by_credential["ana"]
    rig.registry.cut_from_thread({"ana"})
    young = connect(rig.port)
    young.ask(login="eva")

    async def again():
        connection.reset()
        connection.close()

    rig.in_loop(again())
    assert young.ask(login="eva").status == 200


def test_a_socket_that_is_closed_before_we_are_told(link):
    """Under TLS there is a turn of the loop in between: fails when only OSError is expected of a closed socket."""
    rig, connect = link(Application())
    client = connect()
    client.ask()
    (connection,) = rig.registry._by_credential["ana"]

    async def close_in_between():
        connection._transport.abort()
        await asyncio.sleep(0)
        told = connection.lost
        connection.close()
        await connection.wait_closed()
        return told

    told = rig.in_loop(close_in_between())
    assert told is (client.sock is client.raw)
    assert client.end() == "reset"
    assert rig.registry.connected() == {}


def test_client_behind_a_half_closed_socket_gets_nothing_after_the_cut(link):
    """The client said it sends no more and reads slowly: fails when uvloop closes on EOF without linger."""
    rig, connect = link(Application(LARGE))
    client = connect(receive_buffer=16 * 1024)
    client.request()
    client.raw.recv(4096)
    time.sleep(0.2)
    client.raw.shutdown(socket.SHUT_WR)
    time.sleep(0.2)
    rig.registry.cut_from_thread({"ana"})
    after, end = client.drain(pause=0.002)
    assert end == "reset"
    assert after <= client.receive_buffer


def test_cut_of_a_download_is_quick(serve, connect):
    rig = serve(Application(LARGE))
    took = []
    for _ in range(5):
        client = connect(rig.port, receive_buffer=16 * 1024)
        client.request()
        client.raw.recv(4096)
        begin = time.perf_counter()
        assert rig.registry.cut_from_thread({"ana"})[:2] == (1, 1)
        took.append(time.perf_counter() - begin)
        client.close()
    assert sorted(took)[2] < 0.1, took
