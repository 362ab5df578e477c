"""From the first request of DAVx5 to its discovery, through the server itself: Login Flow v2, then `remote.php/dav`."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from queue import Queue
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from starlette.applications import Starlette
from tests.automatic.over_http import Answer, Site
from tests.automatic.test_login_flow import DAVX5, WISH

from dav_gateway import bootstrap, doors
from dav_gateway.config import Settings
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.dav.configuration import load as load_radicale
from dav_gateway.dav.gate import Admission
from dav_gateway.dav.site import Site as DavSite
from dav_gateway.dav.wsgi import Gateway
from dav_gateway.server.bridge import WsgiBridge
from dav_gateway.server.front import Front
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.peers import TrustedProxies
from dav_gateway.server.registry import ConnectionRegistry, Cutter
from dav_gateway.server.request_log import RequestLog
from dav_gateway.server.serve import run
from dav_gateway.server.settings import ServerSettings
from dav_gateway.service.services import Services, assemble
from dav_gateway.store.database import Database
from dav_gateway.web import login_flow, ocs

PUBLIC = "https://dav.example.com"
PRINCIPAL = b'<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'


@pytest.fixture
def gateway(sqlite_database: Database) -> Iterator[tuple[Services, Site]]:
    """The services of a gateway that runs, with the endpoints of automatic set-up as its pages."""
    registry, limits = ConnectionRegistry(), ServerLimits()
    services = assemble(sqlite_database, cutter=Cutter(registry), profile=CHEAPEST, human_profile=CHEAPEST)
    services.accounts.add(name="ana", email="ana@nogal.example", by="test")
    dav = DavSite("dav-gateway", PUBLIC, 1_000_000)
    bridge = WsgiBridge(
        Gateway(services, load_radicale(bootstrap.radicale_ini(Settings())), dav),
        doors.Gate(Admission(services, dav), lambda: None),
        registry=registry,
        limits=limits,
        proxies=TrustedProxies(()),
        scheme="http",
    )
    pages = Starlette(
        routes=[
            *login_flow.routes(services.login_flow, public_url=PUBLIC),
            *ocs.routes(services, realm="dav-gateway"),
        ]
    )
    app = RequestLog(Front(bridge, limits=limits, ready=lambda: None, pages=pages))
    ports: Queue[int] = Queue()
    until = threading.Event()
    settings = ServerSettings(port=0, limits=limits)
    thread = threading.Thread(
        target=run,
        args=(app, settings, registry),
        kwargs={"on_started": ports.put, "on_stop": bridge.close, "until": until},
    )
    services.start()
    thread.start()
    try:
        yield services, Site(ports.get(timeout=60))
    finally:
        until.set()
        thread.join()
        services.stop()


def test_no_typing_but_the_sign_in(gateway: tuple[Services, Site]) -> None:
    services, site = gateway
    begun = json.loads(site.ask("POST", "/index.php/login/v2", b"", {"User-Agent": DAVX5}).body)
    services.login_flow.approve(begun["login"].rpartition("/")[2], "ana", WISH)
    form = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": DAVX5}
    poll = urlsplit(begun["poll"]["endpoint"]).path
    given = json.loads(site.ask("POST", poll, f"token={begun['poll']['token']}".encode(), form).body)
    basic = b64encode(f"{given['loginName']}:{given['appPassword']}".encode()).decode()
    headers = {"User-Agent": DAVX5, "Authorization": f"Basic {basic}", "Depth": "0", "Content-Type": "application/xml"}

    # withTrailingSlash(), then resolve("remote.php/dav"): no slash at the end.
    found = site.ask("PROPFIND", "/remote.php/dav", PRINCIPAL, headers)
    assert found.status == 207
    [principal] = [
        node.text for node in ET.fromstring(found.body).iterfind(".//{DAV:}current-user-principal/{DAV:}href")
    ]
    assert principal == "/dav/ana/"
    options = site.ask("OPTIONS", principal, headers=headers)
    assert {"calendar-access", "addressbook"} <= {each.strip() for each in options.headers["DAV"].split(",")}

    signed_out: Answer = site.ask("DELETE", ocs.PATH, headers={**headers, "OCS-APIRequest": "true"})
    assert signed_out.status == 200
    assert site.ask("PROPFIND", "/remote.php/dav", PRINCIPAL, headers).status == 401
    again = site.ask("POST", poll, f"token={begun['poll']['token']}".encode(), form)
    assert (again.status, again.body) == (404, b"[]")
