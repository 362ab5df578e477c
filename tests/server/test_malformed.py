"""Requests with two meanings or none: refused with a sentence, the connection ended, the application never called.

Request smuggling forms: RFC 9112 section 11.2, and the field's usual collections of them.
"""

import contextlib
import random

import pytest

CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"0\r\n\r\nDELETE /dav/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

MALFORMED = {
    "length and coding": (
        b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n" + CHUNKED + b"\r\n" + SMUGGLED,
        400,
    ),
    "coding and length": (
        b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"Content-Length: 4\r\n\r\n" + SMUGGLED,
        400,
    ),
    "two lengths": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400),
    "two equal lengths": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "list of lengths": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd", 400),
    "negative length": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    "signed length": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd", 400),
    "words for length": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n", 400),
    "empty length": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
    "hex length": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd", 400),
    "endless length": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    "two codings": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + CHUNKED + b"\r\n" + SMUGGLED, 400),
    "coding identity": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n" + SMUGGLED, 501),
    "coding unknown": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n" + SMUGGLED, 501),
    "coding in a list": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + SMUGGLED, 501),
    "coding disguised": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n" + SMUGGLED, 400),
    "coding in 1.0": (b"PUT /dav/ HTTP/1.0\r\nHost: a\r\n" + CHUNKED + b"\r\n" + SMUGGLED, 400),
    "chunk size in words": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\nxyz\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size negative": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n-1\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size with 0x": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n0x3\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size overflow": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n1" + b"0" * 16 + b"\r\n", 400),
    "chunk longer than said": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n2\r\nabc\r\n0\r\n\r\n", 400),
    "chunk without CR": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n3\nabc\r\n0\r\n\r\n", 400),
    "length in the trailer": (
        b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n0\r\nContent-Length: 5\r\n\r\n",
        400,
    ),
    "folded line": (b"GET /dav/ HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "line before the first": (b"GET /dav/ HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400),
    "blank before the colon": (b"GET /dav/ HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", 400),
    "no name": (b"GET /dav/ HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400),
    "no colon": (b"GET /dav/ HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    "bare LF": (b"GET /dav/ HTTP/1.1\nHost: a\n\n", 400),
    "bare CR": (b"GET /dav/ HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400),
    "NUL in a value": (b"GET /dav/ HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    "two hosts": (b"GET /dav/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "two equal hosts": (b"GET /dav/ HTTP/1.1\r\nHost: a\r\nHOST: a\r\n\r\n", 400),
    "no host": (b"GET /dav/ HTTP/1.1\r\n\r\n", 400),
    "empty host": (b"GET /dav/ HTTP/1.1\r\nHost: \r\n\r\n", 400),
    "two authorizations": (
        b"GET /dav/ HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTph\r\nAuthorization: Basic Yjpi\r\n\r\n",
        400,
    ),
    "two destinations": (b"MOVE /dav/a HTTP/1.1\r\nHost: a\r\nDestination: /b\r\nDestination: /c\r\n\r\n", 400),
    "two depths": (b"PROPFIND /dav/ HTTP/1.1\r\nHost: a\r\nDepth: 0\r\nDepth: 1\r\n\r\n", 400),
    "unknown method": (b"FROB /dav/ HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "small method": (b"get /dav/ HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "TLS on a plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 501),
    "HTTP/0.9": (b"GET /dav/ HTTP/0.9\r\n\r\n", 505),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/2.0": (b"GET /dav/ HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "HTTP/1.2": (b"GET /dav/ HTTP/1.2\r\nHost: a\r\n\r\n", 400),
    "blank in the address": (b"GET /dav/a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "octets in the address": (b"GET /dav/\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "fragment": (b"GET /dav/#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "another host": (b"GET http://b/dav/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "user information": (b"GET http://u:p@a/dav/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400),
    "upgrade with a body": (
        b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 48\r\n\r\n"
        + SMUGGLED,
        400,
    ),
    "other expectation": (b"PUT /dav/ HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\nx", 417),
}

PATHS = {
    "escaped slash": b"/dav/ana%2Fcalendars/",
    "escaped slash, small": b"/dav/ana%2fcalendars/",
    "escaped NUL": b"/dav/a%00b",
    "escaped line break": b"/dav/a%0d%0aX:%20y",
    "escaped DEL": b"/dav/a%7f",
    "C1 control": b"/dav/a%c2%85",
    "dot segment": b"/dav/./ana/",
    "dots": b"/dav/ana/../eva/",
    "dots at the end": b"/dav/ana/..",
    "escaped dots": b"/dav/ana/%2e%2e/eva/",
    "half escaped dots": b"/dav/ana/.%2E/eva/",
    "not UTF-8": b"/dav/%ff",
    "overlong UTF-8": b"/dav/%c0%af",
    "surrogate": b"/dav/%ed%a0%80",
    "lone percent": b"/dav/100%",
    "bad escape": b"/dav/%zz",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_request_is_refused(serve, connect, name):
    octets, status = MALFORMED[name]
    called = []

    def application(_environ, start_response):
        called.append(1)
        start_response("200 OK", [])
        return []

    client = connect(serve(application, close_seconds=0.1).port)
    client.send(octets)
    reply = client.reply()
    assert reply.status == status
    assert reply.headers["connection"] == "close"
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.text.endswith(".\n")
    assert client.drain()[0] == 0
    assert called == []


@pytest.mark.parametrize("name", PATHS)
def test_path_tricks_are_refused(serve, connect, name):
    client = connect(serve(close_seconds=0.1).port)
    client.send(b"GET " + PATHS[name] + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    reply = client.reply()
    assert reply.status == 400
    assert reply.text.startswith("The address ")


def test_split_into_single_octets_the_refusal_is_the_same(serve, connect):
    rig = serve(close_seconds=0.1)
    for name in ("length and coding", "two hosts", "folded line", "chunk size in words"):
        octets, status = MALFORMED[name]
        client = connect(rig.port)
        try:
            for one in octets:
                client.send(bytes([one]))
        except OSError:
            pass  # the refusal came before the end
        assert client.reply().status == status


def test_bad_chunk_after_admission_is_refused_and_the_application_not_called(serve, connect, until):
    called = []
    rig = serve(lambda *_: called.append(1))
    client = connect(rig.port)
    client.send(b"PUT /dav/ HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n3\r\nabc\r\n")
    until(lambda: rig.gate.admitted)
    client.send(b"zz\r\n")
    assert client.reply().status == 400
    assert called == []


def test_names_with_an_underscore_are_dropped(serve, connect):
    seen = {}

    def application(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return []

    client = connect(serve(application).port)
    client.request(login=None, headers=("Content_Length: 5", "X_Remote_User: eva", "Authorization_: x", "If_Match: *"))
    assert client.reply().status == 200
    assert seen["CONTENT_LENGTH"] == "0"
    assert not [key for key in seen if key.startswith(("HTTP_X_", "HTTP_AUTH", "HTTP_IF", "HTTP_CONTENT"))]


def test_nothing_behind_connection_close_is_a_request(serve, connect, make_request):
    called = []

    def application(environ, start_response):
        called.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [])
        return []

    client = connect(serve(application, close_seconds=0.1).port)
    client.send(make_request(headers=("Connection: close",)) + make_request("DELETE"))
    assert client.reply().status == 200
    assert client.drain()[0] == 0
    assert called == ["GET"]


def test_damaged_requests_never_hurt_the_server(serve, connect):
    """A thousand requests with octets changed, dropped, doubled or cut off: each gets an answer or an end."""
    chance = random.Random(20261122)
    whole = [octets for octets, _ in MALFORMED.values()]
    whole.append(b"PUT /dav/x HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n3;q=1\r\nabc\r\n0\r\nX: y\r\n\r\n")
    whole.append(b"PROPFIND /dav/ HTTP/1.1\r\nHost: a\r\nDepth: 1\r\nContent-Length: 4\r\n\r\n<x/>")
    rig = serve(header_seconds=0.2, body_pause_seconds=0.2, idle_seconds=0.2, close_seconds=0.1)
    for _ in range(10):
        clients = [connect(rig.port) for _ in range(100)]
        for client in clients:
            with contextlib.suppress(OSError):
                client.send(damaged(chance.choice(whole), chance))
        for client in clients:
            client.drain()
            client.close()
        good = connect(rig.port)
        assert good.ask("PUT", body=b"x").status == 200
        good.close()


def damaged(request, chance):
    octets = bytearray(request)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(octets))
        match chance.randrange(4):
            case 0:
                octets[place] = chance.choice(b"\0\t\r\n :;,%/._\x7f\xff09aZ")
            case 1 if len(octets) > 9:
                del octets[place : place + chance.randint(1, 3)]
            case 2:
                octets[place:place] = octets[place : place + chance.randint(1, 20)]
            case _ if place:
                del octets[place:]
    return bytes(octets)
