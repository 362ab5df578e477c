"""The gateway's WSGI application over a real SQLite file, called in process: `Rig`."""

import base64
import io
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

from sqlalchemy import text

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.scope import Access, Scope
from dav_gateway.core.verifier import BLAKE2B
from dav_gateway.dav.configuration import load
from dav_gateway.dav.site import Site
from dav_gateway.dav.wsgi import Gateway
from dav_gateway.service.services import Services, assemble
from dav_gateway.store.database import Database

RADICALE_INI = Path(__file__).parents[2] / "config" / "radicale.ini"


def calendar_object(uid: str, *lines: str, component: str = "VEVENT") -> bytes:
    """An iCalendar object with one component."""
    start = [] if component != "VEVENT" else ["DTSTART:20261122T120000Z", "DTEND:20261122T130000Z"]
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", f"BEGIN:{component}", f"UID:{uid}",
         "DTSTAMP:20261122T100000Z", *start, *lines, f"END:{component}", "END:VCALENDAR", ""]
    ).encode()  # fmt: skip


def vcard(uid: str, *lines: str) -> bytes:
    """A vCard 3.0."""
    return "\r\n".join(
        ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", "FN:Secret Person", "N:Person;Secret;;;", *lines, "END:VCARD", ""]
    ).encode()


EVENT = calendar_object("e1", "SUMMARY:First")
CARD = vcard("c1")


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def hrefs(self) -> list[str]:
        """The hrefs of a multistatus, in order."""
        return [response.findtext("{DAV:}href") or "" for response in fromstring(self.body).findall("{DAV:}response")]

    def text_of(self, name: str) -> str:
        """The text of the first element of this name (Clark notation)."""
        return next(fromstring(self.body).iter(name)).text or ""


@dataclass
class Rig:
    """A gateway with the accounts ana and ben."""

    services: Services
    site: Site = field(default_factory=lambda: Site(public_url="https://dav.example.org"))
    gateway: Callable[..., Any] = field(init=False)

    def __post_init__(self) -> None:
        self.gateway = Gateway(self.services, load(RADICALE_INI), self.site)

    def password(
        self,
        scopes: Collection[Scope],
        *,
        account: str = "ana",
        access: Access = Access.READ_WRITE,
        collections: Collection[str] | None = None,
        service: Service = Service.OTHER,
    ) -> str:
        """A new app password."""
        secret, _ = self.services.issuing.issue(
            account,
            service=service,
            scopes=frozenset(scopes),
            access=access,
            collections=None if collections is None else frozenset(collections),
            label="test",
            origin=Origin.CLI,
            actor="test",
        )
        return secret.reveal()

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        password: str | None = None,
        login: str = "ana",
        depth: str | None = None,
        destination: str | None = None,
        alias: str = "",
        extra: dict[str, str] | None = None,
        call: Callable[..., Any] | None = None,
    ) -> Reply:
        """One request as the server would hand it over."""
        below = path.removeprefix("/dav").encode().decode("latin-1")  # PEP 3333
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "/dav", "PATH_INFO": below, "QUERY_STRING": "",
            "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "192.0.2.7",
            "HTTP_HOST": "localhost", "HTTP_USER_AGENT": "test/1", "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
            "dav_gateway.alias": alias, **(extra or {}),
        }  # fmt: skip
        if password is not None:
            environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()
        if depth is not None:
            environ["HTTP_DEPTH"] = depth
        if destination is not None:
            environ["HTTP_DESTINATION"] = destination
        started: list[tuple[str, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], object]:
            assert not started or exc_info is not None
            started[:], written[:] = [(status, headers)], []
            return written.append

        written += (call or self.gateway)(environ, start_response)
        status, headers = started[0]
        return Reply(int(status[:3]), dict(headers), b"".join(written))

    def seed(self) -> None:
        """An event and a card for ana, an event for ben, by PUT."""
        both = {Scope.CALENDARS, Scope.CONTACTS}
        ana, ben = self.password(both), self.password(both, account="ben")
        for login, password, path, octets in [
            ("ana", ana, "/dav/ana/calendars/calendar/e1.ics", EVENT),
            ("ana", ana, "/dav/ana/contacts/contacts/c1.vcf", CARD),
            ("ben", ben, "/dav/ben/calendars/calendar/e1.ics", EVENT),
        ]:
            assert self.request("PUT", path, octets, password=password, login=login).status == 201

    def everything(self) -> dict[str, list[Any]]:
        """All rows of collections and objects: what a refused request must not change."""
        with self.services.database.read() as connection:
            return {
                table: [tuple(row) for row in connection.execute(text(f'SELECT * FROM "{table}" ORDER BY 1, 2'))]
                for table in ("collection", "object", "tombstone")
            }


def rig_on(database: Database) -> Rig:
    """A gateway on this database."""
    services = assemble(database, profile=BLAKE2B, company="Example")
    services.accounts.add(name="ana", email="ana@example.org", display_name="Ana Ruiz", by="test")
    services.accounts.add(name="ben", email="ben@example.org", display_name="Ben Okafor", by="test")
    return Rig(services)
