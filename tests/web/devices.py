"""Devices that set themselves up, for tests of the page: DAVx5 with its login flow, and set-up links."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from dav_gateway.core import secret
from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.scope import Scope
from dav_gateway.core.setup_link import SetupKind
from dav_gateway.service.verification import Presented, Refused
from dav_gateway.service.wish import wish_from

from .conftest import Answered, House

DAVX5 = "DAVx5/4.5.1-ose (at.bitfire.davdroid)"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": DAVX5}


@dataclass
class Phone:
    """DAVx5: it starts a flow, opens the browser at `page`, and polls."""

    house: House
    page: str
    poll_secret: str

    def poll(self) -> Answered:
        return self.house.browser().ask("POST", "/login/v2/poll", {"token": self.poll_secret}, FORM)


def phone(house: House, prefix: str = "/index.php") -> Phone:
    begun = json.loads(house.browser().ask("POST", f"{prefix}/login/v2", b"", {"User-Agent": DAVX5}).text)
    return Phone(house, urlsplit(begun["login"]).path, begun["poll"]["token"])


def opens(house: House, login: str, password: str) -> bool:
    presented = Presented(login, secret.parse(password), "127.0.0.1", DAVX5, "test")
    with house.services.database.read() as connection:
        return not isinstance(house.services.verification.verify(connection, presented), Refused)


def link(house: House, kind: SetupKind = SetupKind.APPLE_PROFILE, service: Service = Service.IPHONE) -> str:
    wish = wish_from(service=service, scopes=list(Scope), label="iPhone de Ana", origin=Origin.PAGE)
    return f"/profile/{house.services.setup_links.make('ana', kind, [wish]).reveal()}"
