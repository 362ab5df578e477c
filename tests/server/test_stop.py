"""The graceful stop, and the server as a process of its own."""

import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

from dav_gateway.server.listen import CannotListen, bind
from dav_gateway.server.settings import ServerSettings

PROGRAM = """
import sys, time, types
from dav_gateway.server.bridge import WsgiBridge
from dav_gateway.server.front import Front
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.registry import ConnectionRegistry
from dav_gateway.server.serve import run
from dav_gateway.server.settings import ServerSettings

class Gate:
    def claim(self, headers): return types.SimpleNamespace(id="ana")
    def admit(self, head): return None

def slow(environ, start_response):
    print("called", flush=True)
    time.sleep(float(environ["PATH_INFO"][1:] or 0))
    start_response("200 OK", [])
    return [b"finished"]

limits = ServerLimits(stop_seconds=1.5)
registry = ConnectionRegistry()
bridge = WsgiBridge(slow, Gate(), registry=registry, limits=limits)
front = Front(bridge, limits=limits, ready=lambda: None)

def stopped():
    bridge.close()
    print("stopped", registry.connected(), flush=True)

run(front, ServerSettings(port=0, limits=limits), registry,
    on_started=lambda port: print(port, flush=True), on_stop=stopped)
print("done", flush=True)
"""


@pytest.fixture
def process():
    running = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
    running.port = int(running.stdout.readline())
    yield running
    running.kill()
    running.wait()
    running.stdout.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stop_finishes_what_runs(process, connect, how):
    busy, idle = connect(process.port), connect(process.port)
    idle.ask()
    busy.request(path="/dav/0.7")
    for _ in range(2):
        assert process.stdout.readline() == "called\n"
    process.send_signal(how)
    assert idle.end() == "eof"
    time.sleep(0.2)
    with pytest.raises(ConnectionRefusedError):
        connect(process.port)
    reply = busy.reply()
    assert (reply.body, reply.headers["connection"]) == (b"finished", "close")
    assert busy.end() == "eof"
    assert process.wait(5) == 0
    assert process.stdout.read().endswith("stopped {}\ndone\n")


def test_stop_resets_what_takes_too_long(process, connect):
    busy = connect(process.port)
    busy.request(path="/dav/30")
    assert process.stdout.readline() == "called\n"
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert busy.end() == "reset"
    assert process.wait(5) == 0
    assert 1 < time.monotonic() - begin < 4


def test_second_interrupt_does_not_wait(process, connect):
    busy = connect(process.port)
    busy.request(path="/dav/30")
    assert process.stdout.readline() == "called\n"
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert busy.end() == "reset"
    assert process.wait(5) == 0
    assert time.monotonic() - begin < 1.4 + 1.0


def test_death_of_the_process_drops_what_was_queued(process, connect):
    """Linger is armed all the time, so the kernel resets what a killed process leaves behind."""
    client = connect(process.port)
    client.ask()
    process.kill()
    process.wait()
    assert client.end() == "reset"


def test_stop_from_a_thread_leaves_nothing(link):
    release = threading.Event()

    def wait(_environ, start_response):
        release.wait(10)
        start_response("200 OK", [])
        return [b"late"]

    rig, connect = link(wait, stop_seconds=0.3)
    busy, idle = connect(), connect()
    busy.request()
    time.sleep(0.1)
    rig.stop(5)
    release.set()
    assert busy.end() == "reset"
    assert idle.end() == "eof"
    assert rig.registry.connected() == {}


def test_stop_does_not_wait_for_a_client_that_is_gone(serve, connect, until):
    """It died with an answer on its way, and we read nothing of it: fails when its reset is not looked for."""
    rig = serve(lambda _, start: [start("200 OK", []), [b"x" * 2_000_000]][1], write_seconds=60, stop_seconds=5)
    client = connect(rig.port, receive_buffer=4096)
    client.request(headers=("Connection: close",))
    client.raw.recv(100)
    client.sock.shutdown(socket.SHUT_WR)
    time.sleep(0.2)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    begin = time.monotonic()
    rig.stop()
    assert time.monotonic() - begin < 2


def test_a_connection_that_fails_harms_no_other(serve, connect, monkeypatch):
    rig = serve()
    bad, good = connect(rig.port), connect(rig.port)
    bad.ask()
    good.ask()

    def fail(_now):
        raise ValueError("what should not happen")

    (protocol,) = [one for one in rig.server.server_state.connections if one.client == bad.sock.getsockname()]
    monkeypatch.setattr(protocol, "check", fail)
    assert bad.end() == "reset"
    assert good.ask().status == 200


def test_a_taken_port_is_told_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
            bind("127.0.0.1", port)


def test_an_unknown_host_is_told_in_a_sentence():
    with pytest.raises(CannotListen, match="cannot listen on"):
        bind("no-such-host.invalid", 0)


def test_a_name_with_several_addresses_gets_one_port(connect):
    sockets = bind("", 0)
    try:
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        assert sockets
    finally:
        for sock in sockets:
            sock.close()


def test_tls_needs_both_files(tmp_path):
    with pytest.raises(ValueError, match="both"):
        ServerSettings(certificate=tmp_path / "certificate.pem")
