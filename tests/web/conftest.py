"""The page behind the gateway's own server, in a thread of the test process; services on both engines."""

import asyncio
import io
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlencode

import pyotp
import pytest
import structlog
import uvloop

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Origin, Service
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.moment import MINUTE, Moment
from dav_gateway.core.scope import Scope
from dav_gateway.core.sign_in import Policy, begin
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.server.answer import Answer, deliver
from dav_gateway.server.front import Front
from dav_gateway.server.gateway_server import GatewayServer
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.listen import bind
from dav_gateway.server.registry import ConnectionRegistry
from dav_gateway.server.request_log import RequestLog, configure_logging
from dav_gateway.server.settings import ServerSettings
from dav_gateway.service.caller import Caller
from dav_gateway.service.page_services import PageOptions
from dav_gateway.service.services import Services, assemble
from dav_gateway.store import credentials
from dav_gateway.store.database import Database
from dav_gateway.web.routes import pages
from dav_gateway.web.site import PageSite

PASSWORD = "nogal y roble"
LIST = "/account/app-passwords"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = Moment(1_790_000_000_000)

    def __call__(self) -> Moment:
        return self.now

    def advance(self, milliseconds: int) -> None:
        self.now = Moment(self.now + milliseconds)


@dataclass
class Answered:
    """One answer."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    text: str

    @property
    def to(self) -> str:
        return self.headers["location"]

    def field(self, name: str) -> str:
        """The value of the first hidden field of this name."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found, f"no field {name}"
        return unescape(found.group(1))

    @property
    def password(self) -> str:
        """The app password that the page shows."""
        found = re.search(r'id="password">(.*?)</span></dd>', self.text)
        assert found, "no password is shown"
        return re.sub("<[^>]*>", "", found.group(1) + "</span>")


@dataclass
class Browser:
    """Keeps cookies, follows nothing by itself, and sends what a browser sends with a form of ours."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    language: str = "en"

    def get(self, path: str, **headers: str) -> Answered:
        return self.ask("GET", path, None, headers)

    def post(self, path: str, fields: Any, **headers: str) -> Answered:
        own = {"Origin": f"http://127.0.0.1:{self.port}", "Sec-Fetch-Site": "same-origin"}
        sent = {name: value for name, value in {**own, **headers}.items() if value}
        return self.ask("POST", path, fields, {"Content-Type": "application/x-www-form-urlencoded", **sent})

    def ask(self, method: str, path: str, fields: Any, headers: dict[str, str]) -> Answered:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Accept-Language": self.language, **({"Cookie": cookie} if cookie else {}), **given}
        body = fields if isinstance(fields, bytes | None) else urlencode(fields, doseq=True).encode()
        try:
            connection.request(method, path, body, sent)
            return self._kept(connection.getresponse())
        finally:
            connection.close()

    def _kept(self, response: HTTPResponse) -> Answered:
        lines = response.headers.get_all("set-cookie") or []
        for line in lines:
            name, _, value = line.partition(";")[0].partition("=")
            if "max-age=0" in line.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answered(response.status, found, lines, response.read().decode())

    def sign_in(self, login: str = "ana", password: str = PASSWORD, going: str = "") -> Answered:
        form = self.get(f"/login?next={going}" if going else "/login")
        fields = {"csrf": form.field("csrf"), "next": form.field("next"), "login": login, "password": password}
        return self.post("/login", fields)

    def submit(self, shown: str, to: str | None = None, **fields: Any) -> Answered:
        """Send the form of a page with its own hidden word."""
        form = self.get(shown)
        assert form.status == 200, form.status
        hidden = {"csrf": form.field("csrf")}
        if 'name="form"' in form.text:
            hidden["form"] = form.field("form")
        return self.post(to or shown, {**hidden, **fields})

    def make(self, **fields: str) -> Answered:
        wish = {"what": "calendar", "where": "other", "comment": "", "access": "read-write", "ends": "0", **fields}
        return self.submit(f"{LIST}/new", **wish)


@dataclass
class House:
    """The page, what stands behind it, and the few things that tests do again and again."""

    services: Services
    clock: Clock
    port: int
    log: io.StringIO

    def browser(self, **settings: Any) -> Browser:
        return Browser(self.port, **settings)

    def with_codes(self, login: str = "ana") -> pyotp.TOTP:
        """Turn an authenticator app on, as its owner does."""
        return self._protect(login)[0]

    def with_recovery_codes(self, login: str = "ana") -> tuple[str, ...]:
        """The same; the recovery codes that it gives."""
        return self._protect(login)[1]

    def _protect(self, login: str) -> tuple[pyotp.TOTP, tuple[str, ...]]:
        page, here = self.services.page, Caller("192.0.2.1")
        identity = page.identity.by_password(begin(), login, PASSWORD, here).sign_in
        app = pyotp.parse_uri(page.factors.enrol(identity)[0].uri)
        assert isinstance(app, pyotp.TOTP)
        done = page.factors.confirm(identity, app.at(self.clock() // 1000), here)
        assert done is not None
        self.clock.advance(MINUTE)
        return app, done.recovery

    def code(self, app: pyotp.TOTP) -> str:
        """What the app shows."""
        return app.at(self.clock() // 1000)

    def signed_in(self, login: str = "ana") -> Browser:
        browser = self.browser()
        assert browser.sign_in(login).status == 303
        return browser

    @property
    def ana(self) -> Account:
        return self.services.accounts.get("ana")

    def issue(self, account: str = "ana", **wish: Any) -> Credential:
        chosen = {"service": Service.OTHER, "scopes": [Scope.CALENDARS], "origin": Origin.CLI, "actor": "t", **wish}
        return self.services.issuing.issue(account, **chosen)[1]

    def stored(self, account: str = "ana") -> list[Credential]:
        with self.services.database.read() as connection:
            return credentials.of_account(connection, self.services.accounts.get(account).id)


@pytest.fixture
def found_house() -> Iterator[Callable[..., House]]:
    """Opens the page on a database."""
    running: list[tuple[GatewayServer, threading.Thread]] = []
    log = io.StringIO()
    configure_logging("json", log)

    def found(
        database: Database,
        *,
        public_url: str = "",
        address: str = "",
        policy: Policy = Policy.OPTIONAL,
        **also: Any,
    ) -> House:
        clock = Clock()
        sockets = bind("127.0.0.1", 0)
        port = sockets[0].getsockname()[1]
        url = public_url or f"http://127.0.0.1:{port}"
        provider = also.pop("provider", None)
        options = PageOptions(
            public_url=url,
            policy=policy,
            provider=provider,
            read_key=lambda: Keyring(bytes(range(32))),
        )
        services = assemble(database, clock=clock, profile=CHEAPEST, human_profile=CHEAPEST, page=options, **also)
        for name, admin in (("ana", True), ("ben", False)):
            services.accounts.add(
                name=name, email=f"{name}@nogal.example", display_name=f"{name.title()} Ruiz", admin=admin,
                password=PASSWORD, by="test",
            )  # fmt: skip
        limits = ServerLimits()
        site = PageSite(url, f"{url}/dav/", "", ("en", "es"), lambda scope: address or scope["client"][0])

        async def dav(scope: Any, receive: Any, send: Any) -> None:
            await deliver(Answer.plain(401, "DAV answers here."), scope, send)

        front = Front(dav, limits=limits, ready=lambda: None, pages=pages(services, site))
        started = threading.Event()
        settings = ServerSettings(port=port, limits=limits)
        server = GatewayServer(RequestLog(front), settings, ConnectionRegistry(), lambda _port: started.set())

        def serve() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(server.serve(sockets))

        thread = threading.Thread(target=serve, name="page")
        thread.start()
        running.append((server, thread))
        assert started.wait(10)
        return House(services, clock, port, log)

    yield found
    for server, thread in running:
        server.force_exit = True
        server.stop()
        thread.join(10)
        assert not thread.is_alive()
    structlog.reset_defaults()


@pytest.fixture
def house(database: Database, found_house: Callable[..., House]) -> House:
    """The page on each engine."""
    return found_house(database)


@pytest.fixture
def small_house(sqlite_database: Database, found_house: Callable[..., House]) -> House:
    """The page on SQLite, where the engine makes no difference."""
    return found_house(sqlite_database)
