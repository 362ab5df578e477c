"""The API of portals: the same use cases with an API key (RFC 6750), and its errors (RFC 9457)."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import pytest

from dav_gateway.core import secret
from dav_gateway.core.api_key import ApiScope
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import Scope
from dav_gateway.service.api_keys import ApiKeys
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.verification import Presented, Refused
from dav_gateway.store import audit
from dav_gateway.web.api.operations import OPERATIONS

from .conftest import House

ROOT = "/api/v1"
ALL = frozenset(ApiScope)
WISH = {"service": "thunderbird", "scopes": ["calendars"]}


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    content: Any


@dataclass
class Portal:
    """A program with an API key."""

    house: House
    key: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        octets = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if octets is not None:
            sent = {"Content-Type": "application/json", **sent}
        connection = HTTPConnection("127.0.0.1", self.house.port, timeout=20)
        try:
            connection.request(method, ROOT + path, octets, sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(answer.status, found, json.loads(answer.read() or b"null"))
        finally:
            connection.close()


def portal(house: House, scopes: frozenset[ApiScope] = ALL) -> Portal:
    made, _key = house.services.api_keys.issue("portal", scopes, by="ana")
    return Portal(house, made.reveal())


def opens(house: House, password: str) -> bool:
    presented = Presented("ana", secret.parse(password), "127.0.0.1", "Mozilla/5.0 Thunderbird/153.7.0", "test")
    with house.services.database.read() as connection:
        return not isinstance(house.services.verification.verify(connection, presented), Refused)


def test_the_life_of_an_app_password(house: House) -> None:
    api = portal(house)
    made = api.ask("POST", "/accounts/ana/app-passwords", {**WISH, "label": "Portátil", "expires_in_days": 30})
    assert (made.status, made.headers["cache-control"]) == (201, "no-store")
    password, record = made.content["password"], made.content["app_password"]
    assert made.content["login_name"] == "ana"
    assert made.content["dav_url"] == f"http://127.0.0.1:{house.port}/dav/"
    assert (record["label"], record["state"], record["origin"]) == ("Portátil", "live", "api")
    [stored] = house.stored()
    assert stored.expires_at == house.clock.now + 30 * DAY
    assert opens(house, password)
    one = f"/app-passwords/{record['id']}"
    assert api.ask("GET", one).content["label"] == "Portátil"
    assert api.ask("PATCH", one, {"label": "Otro"}).content["label"] == "Otro"
    assert api.ask("POST", f"{one}/pause").content["app_passwords"] == [record["id"]]
    assert not opens(house, password)
    assert api.ask("POST", f"{one}/resume").content["state"] == "live"
    assert opens(house, password)
    narrowed = api.ask("POST", f"{one}/narrow", {"access": "read-only", "networks": ["192.0.2.0/24"]})
    assert narrowed.status == 200
    assert house.stored()[0].access.value == "read-only"
    assert api.ask("POST", f"{one}/narrow", {"access": "read-write"}).status == 409
    rotated = api.ask("POST", f"{one}/rotate")
    assert rotated.status == 201
    assert rotated.content["app_password"]["replaces"] == record["id"]
    ended = api.ask("DELETE", one)
    assert (ended.status, ended.content["app_passwords"]) == (200, [record["id"]])
    assert api.ask("GET", f"{one}/receipt").content == ended.content
    assert api.ask("GET", one).content["state"] == "revoked"
    assert api.ask("POST", f"{one}/pause").status == 409
    listed = api.ask("GET", "/accounts/ana/app-passwords").content["app_passwords"]
    assert len(listed) == 2
    everything = api.ask("DELETE", "/accounts/ana/app-passwords")
    assert everything.content["app_passwords"] == [rotated.content["app_password"]["id"]]
    with house.services.database.read() as connection:
        acts = {(each.event, each.actor) for each in audit.select(connection) if each.credential_id}
    assert {actor for event, actor in acts if event not in {"refused", "first_used", "used"}} == {"api:portal"}


def test_widening_gives_more_and_never_less(house: House) -> None:
    api, made = portal(house), house.issue(networks=["192.0.2.0/24"], expires_at=Moment(house.clock.now + DAY))
    one = f"/app-passwords/{made.id}"
    wider = api.ask(
        "POST", f"{one}/widen", {"scopes": ["calendars", "contacts"], "networks": [], "expires_in_days": None}
    )
    assert wider.status == 200
    assert (wider.content["scopes"], wider.content["networks"]) == (["calendars", "contacts"], [])
    assert wider.content["expires_at"] is None
    [stored] = house.stored()
    assert (stored.scopes, stored.networks, stored.expires_at) == (frozenset(Scope), (), None)
    for less in (
        {"scopes": ["contacts"]},
        {"access": "read-only"},
        {"collections": ["calendar"]},
        {"expires_in_days": 3},
    ):
        assert api.ask("POST", f"{one}/widen", less).status == 409
    assert api.ask("POST", f"{one}/widen", {}).status == 422
    assert api.ask("POST", f"{one}/narrow", {"collections": ["calendar"]}).status == 200
    assert api.ask("POST", f"{one}/widen", {"collections": ["calendar", "nothing"]}).status == 404
    assert api.ask("POST", f"{one}/widen", {"collections": None}).content["collections"] is None
    api.ask("DELETE", one)
    assert api.ask("POST", f"{one}/widen", {"collections": None}).status == 409


def test_receipts_are_found_by_their_number(house: House) -> None:
    api, made = portal(house), [house.issue(), house.issue()]
    done = house.services.revocation.revoke([each.id for each in made], by="ana", why="test")
    found = api.ask("GET", f"/receipts/{done.number}")
    assert found.status == 200
    assert found.content["number"] == done.number
    assert set(found.content["app_passwords"]) == {each.id for each in made}
    for wrong in ("999999", "0", "-1", "x", "1" * 16, "9" * 40, "%EF%BC%91"):
        assert api.ask("GET", f"/receipts/{wrong}").status == 404


def test_long_lists_come_in_parts(house: House) -> None:
    api = portal(house)
    for number in range(5):
        house.services.accounts.add(
            name=f"p{number}", email=f"p{number}@nogal.example", display_name="P", password=None, by="test"
        )
    ids = {house.issue().id for _ in range(5)}
    lists = {"/accounts": ("accounts", "name"), "/directory": ("people", "name")}
    for path, (what, key) in {**lists, "/accounts/ana/app-passwords": ("app_passwords", "id")}.items():
        seen, after, parts = [], "", 0
        while after is not None:
            given = api.ask("GET", f"{path}?limit=2{f'&after={after}' if after else ''}").content
            assert len(given[what]) <= 2
            seen += [each[key] for each in given[what]]
            after, parts = given["next"], parts + 1
        whole = api.ask("GET", path).content
        assert (seen, whole["next"]) == ([each[key] for each in whole[what]], None)
        assert parts == -(-len(seen) // 2)
        assert key == "name" or set(seen) == ids
    for wrong in (
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=-1",
        "limit=1e3",
        "limit=",
        "limit=2&limit=3",
        "after=",
        "after=%00",
    ):
        refused = api.ask("GET", f"/accounts?{wrong}")
        assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
    assert api.ask("GET", "/accounts/ana/app-passwords?after=zzzzz").status == 404


def test_what_happened_is_told_in_parts_newest_first(small_house: House) -> None:
    api, house = portal(small_house, frozenset({ApiScope.AUDIT_READ})), small_house
    mine, other = house.issue(), house.issue()
    house.services.issuing.rename(mine.id, "Telefon", actor="ana")
    house.services.accounts.add(name="bo", email="bo@nogal.example", display_name="Bo", password=None, by="test")
    of_mine = api.ask("GET", f"/app-passwords/{mine.id}/audit").content
    assert [each["event"] for each in of_mine["events"]] == ["renamed", "shown", "issued"]
    assert {each["app_password"] for each in of_mine["events"]} == {mine.id}
    assert of_mine["next"] is None
    of_ana = api.ask("GET", "/accounts/ana/audit").content["events"]
    assert {each["account"] for each in of_ana} == {"ana"}
    assert {mine.id, other.id} <= {each["app_password"] for each in of_ana}
    assert [each["event"] for each in api.ask("GET", "/accounts/bo/audit").content["events"]] == ["account_added"]
    seen: list[int] = []
    after: str | None = ""
    while after is not None:
        given = api.ask("GET", f"/audit?limit=3{f'&after={after}' if after else ''}").content
        seen += [each["id"] for each in given["events"]]
        after = given["next"]
    assert seen == sorted(seen, reverse=True)
    with house.services.database.read() as c:
        assert set(seen) == {event.id for event in audit.select(c)}
    for wrong in ("abc", "0", "99999999999999999999", "-1"):
        assert api.ask("GET", f"/audit?after={wrong}").status == 404
    assert api.ask("GET", "/accounts/nobody/audit").status == 404
    assert api.ask("GET", "/app-passwords/zzzzz/audit").status == 404


def test_no_answer_but_the_first_holds_a_secret(small_house: House) -> None:
    api = portal(small_house)
    made = api.ask("POST", "/accounts/ana/app-passwords", WISH).content
    secret = made["password"].replace("-", "")[5:]
    one = f"/app-passwords/{made['app_password']['id']}"
    answers = [api.ask("GET", path) for path in ("/accounts", "/accounts/ana", "/accounts/ana/app-passwords", one)]
    answers += [api.ask("POST", f"{one}/pause"), api.ask("DELETE", one), api.ask("GET", f"{one}/receipt")]
    assert {each.status for each in answers} == {200}
    told = "".join(json.dumps(each.content) for each in answers)
    assert secret not in told.replace("-", "")
    assert "verifier" not in told
    assert "$blake2b$" not in told
    assert "$argon2id$" not in told
    log = small_house.log.getvalue()
    assert secret not in log.replace("-", "")
    assert api.key not in log


def test_accounts_and_directory(house: House) -> None:
    api = portal(house)
    house.services.accounts.deactivate("ben", by="test")
    accounts = {each["name"]: each["active"] for each in api.ask("GET", "/accounts").content["accounts"]}
    assert accounts == {"ana": True, "ben": False}
    assert api.ask("GET", "/accounts/ana").content["email"] == "ana@nogal.example"
    assert [each["name"] for each in api.ask("GET", "/directory").content["people"]] == ["ana"]
    assert api.ask("GET", "/accounts/nobody").status == 404


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)
def test_each_operation_needs_its_scope_and_no_other(small_house: House, operation: Any) -> None:
    made = small_house.issue()
    path = operation.path.format(account="ana", id=made.id, number=1)
    less = portal(small_house, ALL - {operation.scope})
    refused = less.ask(operation.method, path, b"not json")
    assert refused.status == 403
    assert f'scope="{operation.scope.value}"' in refused.headers["www-authenticate"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert small_house.stored()[0] == made
    bodies = {
        "Wish": WISH,
        "Rename": {"label": "x"},
        "Narrow": {"access": "read-only"},
        "Widen": {"scopes": ["calendars", "contacts"]},
    }
    if operation.gives == "Receipt" and operation.method == "GET":
        small_house.services.revocation.pause(made.id, by="ana")
    just = portal(small_house, frozenset({operation.scope}))
    done = just.ask(operation.method, path, bodies.get(operation.takes))
    assert done.status == operation.status


def test_without_a_valid_key_nothing_is_told(small_house: House) -> None:
    made, key = small_house.services.api_keys.issue("old", ALL, by="ana")
    small_house.services.api_keys.revoke(key.id, by="ana")
    for text in (made.reveal(), "", "davgw_" + "x" * 43, "x" * 5000, "é"):
        refused = Portal(small_house, text.encode().decode("latin-1")).ask("GET", "/accounts/nobody")
        assert refused.status == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.content["title"] == "Unauthorized"
    browser = small_house.signed_in()
    assert browser.get(f"{ROOT}/accounts").status == 401, "a session of the page is no key"
    password = browser.make().password
    assert Portal(small_house, password).ask("GET", "/accounts").status == 401


def test_errors_are_problems(small_house: House) -> None:
    api = portal(small_house)
    issue = "/accounts/ana/app-passwords"
    wrong = api.ask("POST", issue, {"service": "fax", "scopes": [], "admin": True})
    assert wrong.status == 422
    assert {each["pointer"] for each in wrong.content["errors"]} == {"#", "#/service", "#/scopes"}
    assert api.ask("POST", issue, {**WISH, "label": "a\u202eb"}).status == 409
    assert api.ask("POST", issue, {**WISH, "networks": ["nowhere"]}).status == 409
    assert api.ask("POST", issue, {**WISH, "collections": ["nothing"]}).status == 404
    for body in (b"", b"{", b"[" * 60_000, b'{"label": NaN}', b'{"label": "\\ud800"}', b"\xff"):
        assert api.ask("POST", issue, body).status == 400
    assert api.ask("POST", issue, b" " * 70_000).status == 413
    assert api.ask("POST", issue, b"{}", **{"Content-Type": "text/plain"}).status == 415
    assert api.ask("PUT", issue).status == 405
    assert api.ask("GET", "/nothing").status == 404
    for _ in range(MOST_LIVE):
        small_house.issue()
    full = api.ask("POST", issue, WISH)
    assert full.status == 409
    assert full.content["detail"].startswith(f"ana has {MOST_LIVE} app passwords")
    assert "Traceback" not in small_house.log.getvalue()


def test_trouble_of_our_own_is_503(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    api = portal(small_house)

    def fail(*_: object) -> None:
        raise StoreUnavailable("the database is locked")

    monkeypatch.setattr(ApiKeys, "verify", fail)
    answer = api.ask("GET", "/accounts")
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")


def test_the_document_names_every_operation(small_house: House) -> None:
    found = Portal(small_house, "").ask("GET", "/openapi.json")
    assert (found.status, found.content["openapi"]) == (200, "3.1.0")
    named = {(method.upper(), path) for path, methods in found.content["paths"].items() for method in methods}
    assert named == {(each.method, ROOT + each.path) for each in OPERATIONS}
