"""Requests as octets, made once, and what is read of an answer."""

import base64

ROOT = "/dav/"
LARGE = {"large.ics": 500_000, "huge.ics": 6_000_000}
"""What is downloaded. Linux takes up to 4 MB of an answer into its send queue (tcp_wmem): of the second one a part
always waits in the gateway."""


def basic(login: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


def calendar_path(account: str) -> str:
    """The address of an account's first calendar."""
    return f"{ROOT}{account}/calendars/calendar/"


def request(method: str, path: str, authorization: str, *lines: str, body: bytes = b"") -> bytes:
    """A whole request; a body's length is told unless one of `lines` says how it comes."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "User-Agent: stress/1", f"Authorization: {authorization}"]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, *lines, "", ""]).encode() + body


def poll(account: str, authorization: str) -> bytes:
    """The request that clients repeat all day."""
    return request("PROPFIND", calendar_path(account), authorization, "Depth: 0")


def event(name: str, filling: int = 0) -> bytes:
    """A calendar object whose UID is `name`, with a description of `filling` octets."""
    text = "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//stress//EN", "BEGIN:VEVENT", f"UID:{name}",
         "DTSTAMP:20261122T100000Z", "DTSTART:20261122T120000Z", "DTEND:20261122T130000Z",
         f"DESCRIPTION:{_folded(filling)}", "END:VEVENT", "END:VCALENDAR", ""]
    )  # fmt: skip
    return text.encode()


def put(account: str, authorization: str, name: str, octets: bytes) -> bytes:
    """Store an object."""
    return request("PUT", calendar_path(account) + name, authorization, body=octets)


def get(account: str, authorization: str, name: str) -> bytes:
    """Fetch an object."""
    return request("GET", calendar_path(account) + name, authorization)


def _folded(filling: int) -> str:
    line = "x" * 70
    return "\r\n ".join([line] * (filling // 73) or ["x"])
