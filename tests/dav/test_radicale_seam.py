"""Where we hold on to Radicale: its signatures as of 3.9.0, and its real application driven end to end.

When this fails after an upgrade, read the diff of what it names before changing the expectation.
"""

import inspect
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from radicale.app import Application as StockApplication
from radicale.auth import BaseAuth
from radicale.rights import BaseRights
from radicale.storage import BaseStorage
from radicale.web import BaseWeb

from dav_gateway.core import secret
from dav_gateway.core.scope import Scope
from dav_gateway.dav.application import Application
from dav_gateway.dav.configuration import RadicaleConfigurationError, load
from dav_gateway.service.request import DavRequest, EndOfRequest, serving
from dav_gateway.service.verification import Presented
from dav_gateway_radicale import auth, rights, storage, web
from tests.dav.support import RADICALE_INI, Rig

HANDLER = ["self", "environ", "base_prefix", "path", "user", "user_groups", "request_info"]
SIGNATURES = {
    (BaseAuth, "get_external_login"): ["self", "environ"],
    (BaseAuth, "_login_ext_with_groups"): ["self", "login", "password", "context"],
    (BaseAuth, "_sleep_for_constant_exec_time"): ["self", "time_ns_begin"],
    (BaseRights, "authorization"): ["self", "user", "user_groups", "path"],
    (BaseStorage, "discover"): ["self", "path", "depth", "child_context_manager", "user_groups"],
    (BaseStorage, "acquire_lock"): ["self", "mode", "user", "args", "kwargs"],
    (BaseStorage, "verify"): ["self"],
    (BaseWeb, "get"): HANDLER,
    (BaseWeb, "post"): HANDLER,
    (StockApplication, "__init__"): ["self", "configuration"],
    (StockApplication, "__call__"): ["self", "environ", "start_response"],
    **{
        (StockApplication, f"do_{method}"): HANDLER
        for method in (
            "DELETE", "GET", "HEAD", "MKCALENDAR", "MKCOL", "MOVE", "OPTIONS", "POST", "PROPFIND", "PROPPATCH", "PUT",
            "REPORT",
        )
    },
}  # fmt: skip


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("radicale").startswith("3.9.")


@pytest.mark.parametrize(("owner", "name"), SIGNATURES, ids=lambda value: getattr(value, "__name__", value))
def test_signatures_that_we_override(owner: type, name: str) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == SIGNATURES[owner, name]


def test_every_handler_of_radicale_is_overridden() -> None:
    handlers = {name for name in dir(StockApplication) if name.startswith("do_")}
    ours = {name for name in vars(Application) if name.startswith("do_")}
    assert ours == handlers | {"do_COPY"}


@pytest.mark.parametrize(
    ("ours", "base"),
    [(auth.Auth, BaseAuth), (rights.Rights, BaseRights), (storage.Storage, BaseStorage), (web.Web, BaseWeb)],
)
def test_plug_ins_extend_their_base_and_override_only_what_it_has(ours: type, base: type) -> None:
    assert issubclass(ours, base)
    own = {name for name in vars(ours) if callable(getattr(ours, name)) and not name.startswith("__")}
    assert all(hasattr(base, name) for name in own)


def test_the_real_application_serves_a_query(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    for window, found in (("20261101", 1), ("20250101", 0)):
        body = (
            '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/>'
            '<C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
            f'<C:time-range start="{window}T000000Z" end="{window[:6]}28T000000Z"/></C:comp-filter></C:comp-filter>'
            "</C:filter></C:calendar-query>"
        ).encode()
        reply = rig.request("REPORT", "/dav/ana/calendars/calendar/", body, password=password, depth="1")
        assert reply.status == 207
        assert reply.body.count(b"BEGIN:VEVENT") == found


@pytest.mark.parametrize("path", ["/dav/.web/", "/dav/.sharing/v1/", "/dav/.token/x/", "/dav/.mobileconfig"])
@pytest.mark.parametrize("method", ["GET", "POST", "PROPFIND"])
def test_radicales_other_interfaces_are_not_there(rig: Rig, method: str, path: str) -> None:
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    assert rig.request(method, path, password=password).status == 404
    assert rig.request(method, path).status == 401


def test_plug_ins_grant_nothing_without_a_request(rig: Rig) -> None:
    configuration = load(RADICALE_INI)
    assert rights.Rights(configuration).authorization("ana", {"scope:calendars"}, "/ana/calendars/calendar/") == ""
    assert auth.Auth(configuration).get_external_login({"HTTP_AUTHORIZATION": "Basic YTpi"}) == ()
    rig.request("OPTIONS", "/dav/")
    assert rights.Rights(configuration).authorization("ana", set(), "/ana/") == ""
    with pytest.raises(EndOfRequest):
        list(storage.Storage(configuration).discover("/ana/"))


@pytest.mark.parametrize(
    ("path", "letters", "found"),
    [
        ("/", "R", []),
        ("/ana/", "R", ["ana"]),
        ("/ana/calendars/", "R", []),
        ("/ana/calendars/calendar/", "rw", []),
        ("/ana/calendars/calendar/e1.ics", "", []),
        ("/ana/contacts/", "", []),
        ("/ana/contacts/contacts/", "", []),
        ("/ben/", "", []),
        ("/ben/calendars/calendar/", "", []),
    ],
)
def test_what_radicale_itself_may_do_and_finds(rig: Rig, path: str, letters: str, found: list[str]) -> None:
    """The letters are those of the credential; there is nothing here to use them on, because every handler is ours."""
    rig.seed()
    configuration, password = load(RADICALE_INI), rig.password({Scope.CALENDARS})
    presented = Presented("ana", secret.parse(password), "192.0.2.7", "test/1", "x")
    with serving(DavRequest(rig.services, presented, href="/dav/")) as request:
        request.authenticate()
        assert rights.Rights(configuration).authorization("ana", {"scope:calendars"}, path) == letters
        assert [each.path for each in storage.Storage(configuration).discover(path, depth="1")] == found


@pytest.mark.parametrize(
    ("line", "replacement"),
    [
        ("cache_logins = false", "cache_logins = true"),
        ("delay = 0", "delay = 1"),
        ("type = dav_gateway_radicale.rights", "type = owner_only"),
        ("collection_by_token = false", "collection_by_token = true"),
        ("type = dav_gateway_radicale.auth", "type = none"),
        ("[logging]", "[headers]\nStrict-Transport-Security = max-age=1\n[logging]"),
    ],
)
def test_what_must_be_off_is_checked(tmp_path: Path, line: str, replacement: str) -> None:
    text = RADICALE_INI.read_text()
    assert line in text
    path = tmp_path / "radicale.ini"
    path.write_text(text.replace(line, replacement))
    with pytest.raises(RadicaleConfigurationError, match=re.escape(replacement.split(maxsplit=1)[0])):
        load(path)
