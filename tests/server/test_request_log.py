"""One line for each request, and nothing secret in it."""

import io
import json
import logging
import re
from secrets import token_bytes
from types import SimpleNamespace

import pytest
import structlog

from dav_gateway.core import api_key, one_time
from dav_gateway.server.request_log import RequestLine, configure_logging, without_secrets


@pytest.fixture(params=["json", "console"])
def lines(request):
    stream = io.StringIO()
    configure_logging(request.param, stream)
    yield stream
    structlog.reset_defaults()


@pytest.fixture
def records():
    stream = io.StringIO()
    configure_logging("json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()


def test_line_of_a_request(serve, connect, records, until):
    def application(environ, start_response):
        environ["dav_gateway.credential_id"] = "k7mqx"
        start_response("207 Multi-Status", [])
        return [b"x" * 321]

    client = connect(serve(application).port)
    client.ask("PROPFIND", "/dav/ana/?secret=1", body=b"<x/>", headers=("X-Secret: 1",))
    until(records)
    (record,) = records()
    assert record.pop("ms") >= 0
    assert record.pop("timestamp")
    assert record.pop("id")
    assert record == {
        "event": "request",
        "level": "info",
        "method": "PROPFIND",
        "path": "/dav/ana/",
        "status": 207,
        "bytes": 321,
        "credential": "k7mqx",
        "cut": False,
    }


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("path", ["/dav/ana/", "/dav/a b", "/dav/\u00e9=%0A\t\r", """/dav/'"\\\\""", "/dav/{x}%s"])
@pytest.mark.parametrize("credential", [None, "k7mqx"])
def test_the_line_of_a_request_is_the_renderers(style, path, credential):
    stream = io.StringIO()
    configure_logging(style, stream)
    scope = {"method": "GET", "state": {"request_id": "ab-1", "credential_id": credential}}
    RequestLine().write(
        {**scope, "extensions": {"dav_gateway": SimpleNamespace(cut=False)}}, path, status=207, size=9, began=0.0
    )
    written = stream.getvalue()
    ms = float(re.search(r"ms\W+([\d.]+)", written)[1])
    told = {"id": "ab-1", "method": "GET", "path": path, "status": 207, "ms": ms, "bytes": 9}
    structlog.get_logger().info("request", **told, credential=credential, cut=False)
    structlog.reset_defaults()
    ours, theirs = (re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "now", line) for line in stream.getvalue().splitlines())
    assert (json.loads(ours) == json.loads(theirs)) if style == "json" else ours == theirs


def test_nothing_secret_in_either_style(serve, connect, lines, until):
    rig = serve()
    client = connect(rig.port)
    client.ask("PUT", "/dav/k7mqx-3f9tb-x2wne-hd4r8-6pzay?key=hush", login="secretlogin", body=b"secretbody")
    client.send(b"GET /dav/ HTTP/1.1\r\nHost: a\r\nCookie: secretcookie\r\nHost: b\r\n\r\n")
    client.reply()
    until(lambda: "refused" in lines.getvalue())
    text = lines.getvalue()
    assert text.count("\n") == 2
    for secret in ("hush", "secret", "c2VjcmV0", "Basic", "6pzay"):
        assert secret not in text
    assert "[redacted]" in text


def test_a_cut_and_a_failure_are_told(serve, connect, records, until):
    def application(environ, start_response):
        if environ["REQUEST_METHOD"] == "DELETE":
            raise ValueError("broken")
        start_response("200 OK", [])
        return [b"x" * 50_000_000]

    rig = serve(application)
    client = connect(rig.port)
    client.ask("DELETE")
    client.request("GET")
    client.raw.recv(10)
    rig.registry.cut_from_thread({"ana"})
    until(lambda: len(records()) >= 3)
    failed, answered, cut = records()
    assert (failed["event"], failed["level"], failed["id"]) == ("failed", "error", answered["id"])
    assert "ValueError: broken" in failed["exception"]
    assert (answered["status"], answered["cut"]) == (500, False)
    assert (cut["status"], cut["cut"]) == (200, True)
    assert cut["bytes"] < 50_000_000


def test_an_error_shows_neither_local_variables_nor_passwords(serve, connect, lines, until):
    def application(environ, start_response):
        login = "secretlogin"
        raise ValueError(f"cannot read k7mqx-3f9tb-x2wne-hd4r8-6pzay of {len(login)} letters")

    connect(serve(application).port).ask()
    until(lambda: "cannot read" in lines.getvalue())
    text = lines.getvalue()
    assert "cannot read [redacted] of 11 letters" in text
    assert "secretlogin" not in text
    assert "6pzay" not in text


def test_level(records):
    structlog.get_logger("x").debug("unheard")
    assert records() == []
    stream = io.StringIO()
    configure_logging("json", stream, logging.DEBUG)
    structlog.get_logger("x").debug("heard")
    assert json.loads(stream.getvalue())["event"] == "heard"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/dav/ana/", "/dav/ana/"),
        ("/dav/k7mqx-3f9tb-x2wne-hd4r8-6pzay/x", "/dav/[redacted]/x"),
        ("/dav/K7MQX3F9TBX2WNEHD4R86PZAY", "/dav/[redacted]"),
        ("/dav/k7mqx 3f9tb x2wne hd4r8 6pzay", "/dav/[redacted]"),
        ("/dav/5f9b7a86-2c0e-4b61-9a44-0123456789ab.ics", "/dav/5f9b7a86-2c0e-4b61-9a44-0123456789ab.ics"),
        ("/dav/5f9b7a862c0e4b619a440123456789ab.ics", "/dav/5f9b7a862c0e4b619a440123456789ab.ics"),
        ("/profile/" + "aB3_-" * 8 + "xyz", "/profile/[redacted]"),
        ("/login/v2/flow/" + "-" * 43, "/login/v2/flow/[redacted]"),
        ("/api/davgw_" + "_" * 43 + "/x", "/api/[redacted]/x"),
        ("/dav/ana/calendars/calendar/" + "a" * 43 + ".ics", "/dav/ana/calendars/calendar/" + "a" * 43 + ".ics"),
        ("/dav/ana/" + "a" * 44, "/dav/ana/" + "a" * 44),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(path, shown):
    assert without_secrets(path) == shown


def test_every_one_time_secret_is_blotted_out():
    for made in (one_time.make, api_key.make):
        for _each in range(200):
            assert without_secrets(f"/x/{made(token_bytes).reveal()}") == "/x/[redacted]"
