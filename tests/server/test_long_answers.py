"""Long answers wait for their client in a file, whoever makes them and however they end."""

import os
import threading
from pathlib import Path

import pytest

from dav_gateway.server import wsgi
from dav_gateway.server.spooled import SpooledBody

LONG = wsgi.IN_MEMORY + 12_000_000  # more than the kernel keeps for a client that does not read
PIECE = b"0123456789abcdef" * 1024


def written(environ, start_response):
    """PEP 3333's `write`, in pieces."""
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    for _ in range(LONG // len(PIECE)):
        write(PIECE)
    return []


def iterated(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (PIECE for _ in range(LONG // len(PIECE)))


def files() -> int:
    """Open files of this process that have no name any more."""
    return sum("(deleted)" in os.readlink(each) for each in _descriptors())  # noqa: PTH115


def _descriptors():
    for each in Path("/proc/self/fd").iterdir():
        if each.is_symlink():
            yield each


@pytest.fixture
def before():
    return files()


@pytest.mark.parametrize("application", [written, iterated])
def test_a_long_answer_arrives_whole_and_its_file_is_given_back(link, application, before, until):
    _rig, connect = link(application)
    client = connect()
    for _ in range(3):
        reply = client.ask()
        assert reply.headers["content-length"] == str(len(reply.body))
        assert reply.body == PIECE * (LONG // len(PIECE))
    until(lambda: files() == before)


def test_the_thread_is_free_while_the_client_reads(serve, connect, before, until):
    rig = serve(written, threads=1)
    slow = connect(rig.port, receive_buffer=4096)
    slow.request()
    until(lambda: files() == before + 1)
    assert len(connect(rig.port).ask().body) == len(PIECE) * (LONG // len(PIECE))
    rig.registry.cut_from_thread({"ana"})
    assert slow.drain()[1] == "reset"
    until(lambda: files() == before)


def test_head_of_a_long_answer_gives_the_file_back(serve, connect, before, until):
    client = connect(serve(written).port)
    assert client.ask("HEAD").headers["content-length"] == str(len(PIECE) * (LONG // len(PIECE)))
    assert client.ask().status == 200
    until(lambda: files() == before)


def test_an_answer_that_nobody_waits_for_gives_the_file_back(serve, connect, before, until):
    hold, begun = threading.Event(), threading.Event()

    def application(environ, start_response):
        begun.set()
        hold.wait(5)
        return written(environ, start_response)

    client = connect(serve(application).port)
    client.request()
    assert begun.wait(5)
    client.close()
    hold.set()
    until(lambda: files() == before)


def test_an_answer_that_fails_after_its_beginning_is_replaced(serve, connect, before, until):
    """Nothing of it has left: the status is still to be said (PEP 3333, `exc_info`)."""

    def application(environ, start_response):
        try:
            written(environ, start_response)
            raise RuntimeError("a test")
        except RuntimeError as error:
            start_response("503 Service Unavailable", [], (RuntimeError, error, error.__traceback__))
            return [b"later"]

    reply = connect(serve(application).port).ask()
    assert (reply.status, reply.body) == (503, b"later")
    until(lambda: files() == before)


def test_an_answer_that_breaks_gives_the_file_back(serve, connect, before, until):
    def application(environ, start_response):
        yield from written(environ, start_response)
        raise RuntimeError("a test")

    assert connect(serve(application).port).ask().status == 500
    until(lambda: files() == before)


def test_a_spooled_body_is_read_in_slices():
    body = SpooledBody()
    for octets in (b"abc", b"", b"defg"):
        body.write(octets)
    assert len(body) == 7
    assert list(body.slices(3)) == [b"abc", b"def", b"g"]
    body.close()
    body.close()
