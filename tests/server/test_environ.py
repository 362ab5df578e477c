"""What the WSGI application is told."""

import contextlib
import json
from ipaddress import ip_network
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.server.peers import TrustedProxies
from dav_gateway.server.target import BadTarget, decode_path, path_of_target


def echo(environ, start_response):
    environ["wsgi.input"].read()
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    start_response("200 OK", [])
    return [json.dumps(seen).encode()]


def asked(client, *arguments, **named):
    return json.loads(client.ask(*arguments, **named).body)


def test_the_environ_is_finished(serve, connect):
    rig = serve(echo)
    client = connect(rig.port)
    environ = asked(
        client,
        "PROPFIND",
        "/dav/ana/calendars/?view=freebusy&token=x",
        body=b"<propfind/>",
        headers=("Content-Type: application/xml", "Depth: 1", "X-Twice: a", "X-Twice: b", "Cookie: a=1", "Cookie: b=2"),
    )
    assert environ["REQUEST_METHOD"] == "PROPFIND"
    assert environ["SCRIPT_NAME"] == "/dav"
    assert environ["PATH_INFO"] == "/ana/calendars/"
    assert environ["QUERY_STRING"] == ""
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", str(rig.port))
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["CONTENT_LENGTH"] == "11"
    assert environ["CONTENT_TYPE"] == "application/xml"
    assert environ["wsgi.url_scheme"] == "http"
    assert "HTTPS" not in environ
    assert environ["HTTP_DEPTH"] == "1"
    assert environ["HTTP_X_TWICE"] == "a, b"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_HOST"] == "localhost"
    assert environ["dav_gateway.alias"] == ""
    assert environ["dav_gateway.request_id"]
    assert "freebusy" not in json.dumps(environ)


def test_request_ids_differ(serve, connect):
    client = connect(serve(echo).port)
    assert len({asked(client)["dav_gateway.request_id"] for _ in range(10)}) == 10


def test_tls_shows(serve, connect, certificate, tls_client):
    rig = serve(echo, tls=certificate)
    environ = asked(connect(rig.port, tls=tls_client))
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTPS"] == "on"


def test_the_public_addresss_scheme_wins(serve, connect):
    environ = asked(connect(serve(echo, scheme="https").port))
    assert (environ["wsgi.url_scheme"], environ["HTTPS"]) == ("https", "on")


FORGED = (
    "X-Forwarded-For: 203.0.113.9",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.example",
    "X-Script-Name: //evil.example",
    "X-Remote-User: eva",
    "X-Remote-Addr: 203.0.113.9",
    "Forwarded: for=203.0.113.9",
    "X-Real-IP: 203.0.113.9",
    "Proxy: http://evil.example",
)


@pytest.mark.parametrize(
    ("networks", "address"), [((), "127.0.0.1"), (("10.0.0.0/8",), "127.0.0.1"), (("127.0.0.0/8",), "203.0.113.9")]
)
def test_a_proxys_word_is_dropped_but_for_the_address_from_a_trusted_one(serve, connect, networks, address):
    proxies = TrustedProxies([ip_network(network) for network in networks])
    environ = asked(connect(serve(echo, proxies=proxies).port), headers=FORGED)
    assert environ["REMOTE_ADDR"] == address
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["SCRIPT_NAME"] == "/dav"
    heard = {key for key in environ if key.startswith("HTTP_")}
    assert heard == {"HTTP_HOST", "HTTP_AUTHORIZATION"}


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ([], "10.0.0.1"),
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9, 10.0.0.7"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (["10.0.0.5, 10.0.0.7"], "10.0.0.5"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["unknown"], ""),
        ([""], ""),
        (["203.0.113.9, _hidden"], ""),
        (["<script>"], ""),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_of_ours(lines, address):
    proxies = TrustedProxies([ip_network("10.0.0.0/8")])
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    assert proxies.client_address("10.0.0.1", headers) == address
    assert proxies.client_address("::ffff:10.0.0.1", headers) == (address if lines else "::ffff:10.0.0.1")
    assert proxies.client_address("192.0.2.1", headers) == "192.0.2.1"


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"/ana%40example.com/", "/ana@example.com/"),
        (b"/%D1%84/caf%C3%A9.ics", "/ф/café.ics"),
        (b"/a%20b+c%25", "/a b+c%"),
        (b"/.hidden/..ics/a..b", "/.hidden/..ics/a..b"),
        (b"//double//", "//double//"),
        (b"/%252e%252e", "/%2e%2e"),
        (b"/a%0Ab.ics", "/a\nb.ics"),
    ],
)
def test_paths_are_decoded_once(raw, path):
    assert decode_path(raw) == path


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_every_plain_path_survives_escaping(text):
    path = "/" + text
    raw = quote(path, safe="/").encode()
    if any(segment in {".", ".."} for segment in path.split("/")):
        with pytest.raises(BadTarget):
            decode_path(raw)
    else:
        assert decode_path(raw) == path


@given(st.binary(max_size=40))
def test_what_comes_through_is_plain(octets):
    with contextlib.suppress(BadTarget):
        path = decode_path(b"/" + octets)
        assert not {".", ".."} & set(path.split("/"))
        assert not any((ord(one) < 0x20 and one != "\n") or 0x7F <= ord(one) < 0xA0 for one in path)
        assert path.count("/") == octets.count(b"/") + 1


def test_a_path_reaches_the_application_as_octets(serve, connect):
    environ = asked(connect(serve(echo).port), path="/dav/caf%C3%A9%20%2B.ics")
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/café +.ics"


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        (b"/dav/?a=b", b"h", "/dav/"),
        (b"http://h/dav/", b"h", "/dav/"),
        (b"http://H:8080/dav/", b"h:8080", "/dav/"),
        (b"https://h/dav/", None, "/dav/"),
    ],
)
def test_origin_form_and_absolute_form(target, host, path):
    assert path_of_target(target, host) == path


@pytest.mark.parametrize("target", [b"dav/", b"", b"*", b"http://h", b"h:443"])
def test_other_forms_are_refused(target):
    with pytest.raises(BadTarget):
        path_of_target(target, b"h")
