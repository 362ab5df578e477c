"""The endpoints that clients call, over real sockets: DAVx5's flow step by step, profiles, signing out."""

import json
import plistlib
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from starlette.applications import Starlette
from tests.automatic.over_http import Answer, Site, served
from tests.automatic.test_login_flow import DAVX5, WISH
from tests.automatic.test_setup_links import TWO
from tests.service.conftest import Company
from tests.system import program

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.profile_signature import ProfileSigner
from dav_gateway.core.scope import Scope
from dav_gateway.core.secret import AppPassword
from dav_gateway.core.setup_link import SetupKind
from dav_gateway.server.registry import CutUnconfirmed
from dav_gateway.service.profiles import Profiles
from dav_gateway.service.wish import wish_from
from dav_gateway.web import login_flow, ocs, profiles

PUBLIC = "https://dav.example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": DAVX5}
OCS = "/ocs/v2.php/core/apppassword"


@pytest.fixture
def site(company: Company) -> Iterator[Site]:
    with served(app(company)) as site:
        yield site


def app(company: Company, maker: Profiles | None = None) -> Starlette:
    services = company.services
    maker = maker or Profiles(PUBLIC, "Nogal")
    return Starlette(
        routes=[
            *login_flow.routes(services.login_flow, public_url=PUBLIC),
            *profiles.routes(services.setup_links, maker),
            *ocs.routes(services, realm="dav-gateway"),
        ]
    )


def post_for_json(site: Site, path: str, body: bytes, headers: dict[str, str]) -> dict[str, object]:
    """As `postForJson` of NextcloudLoginFlow.kt: 200, application/json, an object."""
    answer = site.ask("POST", path, body, headers)
    assert answer.status == 200
    assert answer.headers.get_content_type() == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    content = json.loads(answer.body)
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("prefix", ["", "/index.php"])
def test_davx5_signs_in(company: Company, site: Site, prefix: str) -> None:
    begun = post_for_json(site, f"{prefix}/login/v2", b"", {"User-Agent": DAVX5, "Host": "evil.example"})
    assert begun.keys() == {"poll", "login"}
    poll, login = begun["poll"], str(begun["login"])
    assert isinstance(poll, dict)
    assert poll.keys() == {"token", "endpoint"}
    assert poll["endpoint"] == f"{PUBLIC}/login/v2/poll"
    assert login.startswith(f"{PUBLIC}/login/v2/flow/")
    company.services.login_flow.approve(login.rpartition("/")[2], "ana", WISH)
    endpoint = prefix + urlsplit(poll["endpoint"]).path
    given = post_for_json(site, endpoint, f"token={poll['token']}".encode(), FORM)
    assert given.keys() == {"server", "loginName", "appPassword"}
    assert (given["server"], given["loginName"]) == (PUBLIC, "ana")
    assert company.reason(str(given["appPassword"]), user_agent=DAVX5) is None
    again = site.ask("POST", endpoint, f"token={poll['token']}".encode(), FORM)
    assert (again.status, again.body) == (404, b"[]")


@pytest.mark.parametrize(
    "body",
    [b"", b"token=", b"token", b"token=x", b"x=" + b"y" * 43, b"token=" + b"x" * 43, b"\xff\xfe",
     b"token=" + b"x" * 9000, b"&".join([b"token=a"] * 5), b"&" * 100, b'{"token": "x"}'],
)  # fmt: skip
def test_every_other_poll_is_404_with_an_empty_list(small_company: Company, body: bytes) -> None:
    with served(app(small_company)) as site:
        answer = site.ask("POST", "/login/v2/poll", body, FORM)
    assert (answer.status, answer.body) == (404, b"[]")
    assert answer.headers["Content-Type"] == "application/json"


def test_a_flow_that_waits_or_was_denied_is_404_too(company: Company, site: Site) -> None:
    started = company.services.login_flow.start(user_agent=DAVX5, address="::1")
    body = f"token={started.poll.reveal()}".encode()
    assert site.ask("POST", "/login/v2/poll", body, FORM).body == b"[]"
    company.services.login_flow.deny(started.login.reveal(), "ana")
    answer = site.ask("POST", "/login/v2/poll", body, FORM)
    assert (answer.status, answer.body) == (404, b"[]")


def test_starting_is_post_alone_and_limited(small_company: Company) -> None:
    with served(app(small_company)) as site:
        assert site.ask("GET", "/login/v2").status == 405
        statuses = [site.ask("POST", "/login/v2", b"").status for _each in range(25)]
        answer = site.ask("POST", "/index.php/login/v2", b"")
    assert statuses[:20] == [200] * 20
    assert 429 in statuses
    assert int(answer.headers["Retry-After"]) > 0


def test_trouble_with_the_database_is_503(small_company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = small_company.services.login_flow.start(user_agent="", address="::1").poll.reveal()
    password, _credential = small_company.issue()

    def gone(*_arguments: object, **_more: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(small_company.database, "read", gone)
    monkeypatch.setattr(small_company.database, "write", gone)
    with served(app(small_company)) as site:
        answers = [
            site.ask("POST", "/login/v2", b""),
            site.ask("POST", "/login/v2/poll", f"token={secret}".encode(), FORM),
            site.ask("POST", f"/profile/{secret}", b""),
            sign_out(site, password),
        ]
    assert [each.status for each in answers] == [503] * 4
    assert "Retry-After" in answers[0].headers


def test_an_apple_profile_is_made_by_post_and_once(company: Company, site: Site) -> None:
    link = company.services.setup_links.make("ana", SetupKind.APPLE_PROFILE, TWO).reveal()
    for method in ("GET", "HEAD", "OPTIONS"):
        assert site.ask(method, f"/profile/{link}").status == 405
    answer = site.ask("POST", f"/profile/{link}", b"")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-apple-aspen-config"
    assert answer.headers["Cache-Control"] == "no-store"
    profile = plistlib.loads(answer.body)
    calendars, contacts = profile["PayloadContent"]
    assert (calendars["PayloadType"], contacts["PayloadType"]) == (
        "com.apple.caldav.account",
        "com.apple.carddav.account",
    )
    assert calendars["CalDAVAccountDescription"] == "Nogal: Calendar"
    assert company.reason(calendars["CalDAVPassword"], calendars["CalDAVUsername"]) is None
    assert company.reason(contacts["CardDAVPassword"], contacts["CardDAVUsername"]) is None
    assert calendars["CalDAVPassword"] != contacts["CardDAVPassword"]
    again = site.ask("POST", f"/profile/{link}", b"")
    assert again.status == 404
    assert b"make a new one" in again.body


def test_a_signed_profile_and_one_that_cannot_be_signed(small_company: Company, tmp_path: Path) -> None:
    make_certificate(tmp_path)
    key = tmp_path / "key.pem"

    def signer() -> ProfileSigner:
        return ProfileSigner((tmp_path / "cert.pem").read_bytes(), key.read_bytes())

    link = small_company.services.setup_links.make("ana", SetupKind.APPLE_PROFILE, TWO).reveal()
    with served(app(small_company, Profiles(PUBLIC, signer=signer))) as site:
        key.rename(tmp_path / "away")
        assert site.ask("POST", f"/profile/{link}", b"").status == 503
        (tmp_path / "away").rename(key)
        signed = site.ask("POST", f"/profile/{link}", b"")
    assert signed.status == 200, "what cannot be signed uses nothing up"
    done = subprocess.run(
        [program("openssl"), "cms", "-verify", "-inform", "DER", "-CAfile", "cert.pem", "-binary"],
        cwd=tmp_path, input=signed.body, capture_output=True, check=True,
    )  # fmt: skip
    assert len(plistlib.loads(done.stdout)["PayloadContent"]) == 2


def test_davx5_is_opened_with_everything_filled_in(company: Company, site: Site) -> None:
    both = wish_from(service=Service.ANDROID, scopes=list(Scope), origin=Origin.PAGE)
    link = company.services.setup_links.make("ana", SetupKind.DAVX5, [both]).reveal()
    answer = site.ask("POST", f"/profile/{link}", b"")
    assert (answer.status, answer.headers["Cache-Control"]) == (303, "no-store")
    target = urlsplit(answer.headers["Location"])
    login, password = target.netloc.rpartition("@")[0].split(":")
    assert (target.scheme, target.hostname, login) == ("davx5", "dav.example.com", "ana")
    assert company.reason(password, login, user_agent=DAVX5) is None
    assert site.ask("POST", f"/profile/{link}", b"").status == 404


def test_davx5_is_not_opened_where_it_would_lose_the_port(small_company: Company) -> None:
    both = wish_from(service=Service.ANDROID, scopes=list(Scope), origin=Origin.PAGE)
    link = small_company.services.setup_links.make("ana", SetupKind.DAVX5, [both]).reveal()
    with served(app(small_company, Profiles("https://dav.example.com:8443"))) as site:
        answer = site.ask("POST", f"/profile/{link}", b"")
    assert answer.status == 409
    assert small_company.services.setup_links.look(link) is not None


def test_a_device_signs_out(company: Company, site: Site) -> None:
    password, credential = company.issue(service=Service.ANDROID)
    answer = sign_out(site, password)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/xml; charset=utf-8")
    root = ET.fromstring(answer.body)
    assert root.tag == "ocs"
    assert [(each.tag, each.text) for each in root[0]] == [("status", "ok"), ("statuscode", "200"), ("message", "OK")]
    assert root.find("data") is not None
    stored = company.stored(credential.id)
    assert (stored.revoked_by, stored.revoked_why) == ("ana", ocs.WHY)
    assert company.witness.cuts == [[credential.id]], "its connections are cut"
    again = sign_out(site, password, {"Accept": "application/json"})
    assert again.status == 401
    assert again.headers["WWW-Authenticate"] == 'Basic realm="dav-gateway", charset="UTF-8"'
    meta = {"status": "failure", "statuscode": 997, "message": "Current user is not logged in"}
    assert json.loads(again.body) == {"ocs": {"meta": meta, "data": []}}


def test_a_sign_out_that_is_not_certainly_cut_is_503(small_company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    password, credential = small_company.issue(service=Service.ANDROID)

    def unconfirmed(_ids: object) -> None:
        raise CutUnconfirmed("the server did not confirm")

    monkeypatch.setattr(small_company.witness, "cut", unconfirmed)
    with served(app(small_company)) as site:
        answer = sign_out(site, password)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert small_company.stored(credential.id).revoked_at is not None


def test_signing_out_as_json(small_company: Company) -> None:
    password, _credential = small_company.issue(service=Service.ANDROID)
    with served(app(small_company)) as site:
        answer = sign_out(site, password, query="?format=json")
    assert json.loads(answer.body) == {
        "ocs": {"meta": {"status": "ok", "statuscode": 200, "message": "OK"}, "data": []}
    }


def test_who_may_not_sign_out_changes_nothing(company: Company, site: Site) -> None:
    password, credential = company.issue(service=Service.ANDROID)
    company.services.accounts.add(name="ben", email="ben@nogal.example", by="test")
    wrong: list[Callable[[], Answer]] = [
        lambda: site.ask("DELETE", OCS),
        lambda: site.ask("DELETE", OCS, headers={"Authorization": "Basic Og=="}),
        lambda: site.ask("DELETE", OCS, headers={"Authorization": "Bearer x"}),
        lambda: site.ask("DELETE", OCS, headers={"Authorization": "Basic " + "A" * 5000}),
        lambda: sign_out(site, password, login="ben"),
    ]
    assert [ask().status for ask in wrong] == [401] * len(wrong)
    assert sign_out(site, password, {"User-Agent": "Thunderbird/128.0"}).status == 403
    assert site.ask("GET", OCS).status == 405
    assert company.stored(credential.id).revoked_at is None


def sign_out(
    site: Site,
    password: AppPassword,
    headers: dict[str, str] | None = None,
    *,
    login: str = "ana",
    query: str = "",
) -> Answer:
    basic = b64encode(f"{login}:{password.reveal()}".encode()).decode()
    given = {"Authorization": f"Basic {basic}", "OCS-APIRequest": "true", "User-Agent": DAVX5} | (headers or {})
    return site.ask("DELETE", OCS + query, headers=given)


def make_certificate(folder: Path) -> None:
    """`cert.pem` and `key.pem` that may sign."""
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc",
         "-subj", "/CN=Nogal", "-addext", "extendedKeyUsage=emailProtection", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
