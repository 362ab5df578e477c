"""Which part answers which address."""

import json

import pytest


def echo(environ, start_response):
    environ["wsgi.input"].read()
    start_response("207 Multi-Status", [])
    return [json.dumps([environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["dav_gateway.alias"]]).encode()]


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/dav", ["/dav", "/", ""]),
        ("/dav/", ["/dav", "/", ""]),
        ("/%64av/ana/", ["/dav", "/ana/", ""]),
        ("/dav/ana/calendars/x.ics", ["/dav", "/ana/calendars/x.ics", ""]),
        ("/", ["/dav", "/", "/"]),
        ("/principals/", ["/dav", "/", "/principals"]),
        ("/principals", ["/dav", "/", "/principals"]),
        ("/remote.php/dav", ["/dav", "/", "/remote.php/dav"]),
        ("/remote.php/dav/ana/contacts/", ["/dav", "/ana/contacts/", "/remote.php/dav"]),
    ],
)
def test_dav_and_its_aliases(serve, connect, path, seen):
    reply = connect(serve(echo).port).ask("PROPFIND", path)
    assert reply.status == 207
    assert json.loads(reply.body) == seen


@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND", "OPTIONS", "REPORT", "PUT"])
@pytest.mark.parametrize("path", ["/.well-known/caldav", "/.well-known/carddav", "/.well-known/caldav/"])
def test_discovery_needs_no_sign_in(serve, connect, method, path):
    rig = serve()
    client = connect(rig.port)
    reply = client.ask(method, path, login=None, body=b"<x/>")
    assert (reply.status, reply.headers["location"]) == (301, "/dav/")
    assert client.ask(method, path, login=None).status == 301
    assert rig.registry.connected() == {}


@pytest.mark.parametrize(
    ("host", "location"),
    [
        ("dav.example.org", "https://dav.example.org/dav/"),
        ("DAV.example.org", "https://dav.example.org/dav/"),
        ("dav.example.org:8443", "/dav/"),
        ("evil.example.org", "/dav/"),
    ],
)
def test_discovery_leads_to_the_name_the_client_came_by(serve, connect, host, location):
    """RFC 6764 section 5: a whole address for clients that take no other, never that of another host."""
    client = connect(serve().port)
    client.send(f"PROPFIND /.well-known/caldav HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.reply().headers["location"] == location


def test_discovery_with_a_body_on_its_way_ends_the_connection(serve, connect):
    client = connect(serve().port)
    client.request("PROPFIND", "/.well-known/caldav", headers=("Content-Length: 100",))
    reply = client.reply()
    assert (reply.status, reply.headers["connection"]) == (301, "close")


@pytest.mark.parametrize("path", ["/davx", "/nothing", "/.well-known/other", "/remote.php", "/principal"])
def test_other_addresses_without_pages(serve, connect, path):
    reply = connect(serve(echo).port).ask("PROPFIND", path)
    assert (reply.status, reply.text) == (404, "Nothing is here.\n")


def test_the_root_greets_browsers(serve, connect):
    client = connect(serve(echo).port)
    assert "gateway" in client.ask("GET", "/").text
    assert client.ask("HEAD", "/").status == 200
    assert client.ask("POST", "/", body=b"").status == 404


def test_health_and_readiness(serve, connect):
    rig = serve()
    client = connect(rig.port)
    assert client.ask(path="/healthz").text == "alive\n"
    assert client.ask(path="/readyz").status == 200
    rig.unready = "The database does not answer."
    reply = client.ask(path="/readyz")
    assert (reply.status, reply.text) == (503, "The database does not answer.\n")
    assert client.ask(path="/healthz").status == 200


async def pages(scope, receive, send):
    """A fallback application that reads the whole body."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def test_pages_get_the_rest(serve, connect):
    client = connect(serve(pages=pages).port)
    assert client.ask("POST", "/login", body=b"x=y").body == b"x=y"
    assert client.ask("GET", "/").status == 200
    assert client.ask("PROPFIND", "/dav/").body == b"hello"


def test_pages_are_limited_too(serve, connect):
    rig = serve(pages=pages, body_bytes=100, body_pause_seconds=0.2, close_seconds=0.1)
    client = connect(rig.port)
    client.request("POST", "/login", body=b"x" * 101)
    assert client.reply().status == 413
    client = connect(rig.port)
    client.request("POST", "/login", headers=("Content-Length: 5",))
    assert client.reply().status == 408


def test_pages_that_do_not_read_the_body(serve, connect):
    async def hasty(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    client = connect(serve(pages=hasty, close_seconds=0.1).port)
    client.request("POST", "/x", headers=("Content-Length: 40",))
    assert client.reply().body == b"ok"
    client.send(b"DELETE /dav/ HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.end() in {"eof", "reset"}


def test_pages_that_began_to_answer_a_body_too_long_are_cut_short(serve, connect):
    async def eager(_scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        while True:
            await receive()

    client = connect(serve(pages=eager, body_bytes=10).port)
    client.request("POST", "/x", body=b"x" * 11)
    assert client.drain()[1] == "reset"
