"""A plain HTTP client that does what it is told: no redirects, no retries, no headers of its own."""

import base64
import gzip
import http.client
import select
import socket
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from xml.etree import ElementTree as ET

from live_gateway import AppPassword, Gateway

NAMESPACES = {
    "D": "DAV:",
    "C": "urn:ietf:params:xml:ns:caldav",
    "CR": "urn:ietf:params:xml:ns:carddav",
    "CS": "http://calendarserver.org/ns/",
    "A": "http://apple.com/ns/ical/",
    "ME": "http://me.com/_namespace/",
    "P": "https://bitfire.at/webdav-push",
}
CONTINUE_LIMIT = 5.0


def basic(login: str, password: str) -> str:
    """The value of a preemptive Authorization header."""
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


@dataclass
class Member:
    """One DAV:response of a multistatus: its properties by Clark name, by whether they were found."""

    href: str
    status: int | None
    found: dict[str, ET.Element] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def get(self, name: str) -> ET.Element | None:
        """The property `D:getetag`, or None where it was not found."""
        return self.found.get(clark(name))

    def text(self, name: str) -> str:
        """The text of a property, of its first href when it has one."""
        element = self.get(name)
        assert element is not None, f"{name} is missing at {self.href}: has {sorted(self.found)}"
        href = element.find(clark("D:href"))
        return ((element if href is None else href).text or "").strip()


@dataclass
class Reply:
    """An answer. `body` is decoded as its Content-Encoding says."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    continued: bool = False

    @property
    def xml(self) -> ET.Element:
        assert "xml" in self.headers.get("content-type", ""), f"{self.status} {dict(self.headers)} {self.body[:300]!r}"
        return ET.fromstring(self.body)

    @property
    def members(self) -> dict[str, Member]:
        """The responses of a multistatus by href."""
        root = self.xml
        assert root.tag == clark("D:multistatus"), root.tag
        members = [read_member(each) for each in root.findall(clark("D:response"))]
        assert len({each.href for each in members}) == len(members), "an href appears twice"
        return {each.href: each for each in members}

    def condition(self) -> set[str]:
        """The precondition elements of a DAV:error body, in Clark notation; a sentence for people is none of them."""
        root = self.xml
        assert root.tag == clark("D:error"), root.tag
        return {each.tag for each in root if not (each.text or "").strip()}

    def __str__(self) -> str:
        return f"{self.status} {dict(self.headers)}\n{self.body[:2000].decode(errors='replace')}"


def clark(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def read_member(response: ET.Element) -> Member:
    status = response.findtext(clark("D:status"))
    member = Member(response.findtext(clark("D:href")) or "", status_code(status) if status else None)
    for propstat in response.findall(clark("D:propstat")):
        properties = propstat.findall(f"{clark('D:prop')}/*")
        if status_code(propstat.findtext(clark("D:status")) or "") == 200:
            member.found |= {each.tag: each for each in properties}
        else:
            member.missing |= {each.tag for each in properties}
    return member


def status_code(line: str) -> int:
    return int(line.split()[1])


class Client:
    """One connection with one User-Agent and, unless told otherwise, one app password sent preemptively."""

    def __init__(self, gateway: Gateway, password: AppPassword | None = None, agent: str = "curl/8.5.0") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
        self.password = password
        self.agent = agent

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request. `Expect: 100-continue` is honoured: the body waits for the interim answer."""
        sent = {"Host": f"127.0.0.1:{self.connection.port}", "User-Agent": self.agent}
        if self.password is not None:
            sent["Authorization"] = basic(self.password.login, self.password.text)
        sent |= headers or {}
        octets = body.encode() if isinstance(body, str) else body
        if octets is not None:
            sent["Content-Length"] = str(len(octets))
        self.connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            self.connection.putheader(name, value)
        continued = False
        if octets is not None and sent.get("Expect") == "100-continue":
            self.connection.endheaders()
            continued = self._may_continue()
            if continued:
                self.connection.send(octets)
        else:
            self.connection.endheaders(octets)
        response = self.connection.getresponse()
        received = response.read()
        reply_headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, reply_headers, decoded(received, reply_headers), continued)

    def _may_continue(self) -> bool:
        waiting = self.connection.sock
        readable, _, _ = select.select([waiting], [], [], CONTINUE_LIMIT)
        assert readable, "no answer to Expect: 100-continue"
        return waiting.recv(12, socket.MSG_PEEK).endswith(b" 100")  # http.client reads the interim answer itself


def decoded(octets: bytes, headers: Mapping[str, str]) -> bytes:
    match headers.get("content-encoding", "identity"):
        case "gzip":
            return gzip.decompress(octets)
        case "deflate":
            return zlib.decompress(octets)
        case _:
            return octets
