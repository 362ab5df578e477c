"""The table of answers in one place: what is presented, and what comes back."""

import base64
import sqlite3
import threading
from typing import Any

import pytest
from sqlalchemy import text

from dav_gateway.core.scope import Scope
from tests.dav.support import EVENT, Rig

PATH = "/dav/ana/calendars/"


def ask(rig: Rig, header: str | None, method: str = "PROPFIND") -> object:
    return rig.request(method, PATH, extra={} if header is None else {"HTTP_AUTHORIZATION": header})


def basic(pair: str | bytes) -> str:
    return base64.b64encode(pair if isinstance(pair, bytes) else pair.encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic Og==",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YW5h",
        "Basic " + base64.b64encode(b"ana:\xff\xfe").decode(),
        "Basic " + base64.b64encode(b"an\x00a:secret").decode(),
        "Basic " + "A" * 5000,
        "Bearer abc",
        "Digest username=ana",
        "Basic " + basic("ana:wrong"),
        "Basic " + basic("ana:00000-00000-00000-00000-00000"),
        "Basic " + basic(":"),
        "b\xe4sic x",
    ],
)
def test_what_cannot_be_right_has_one_answer(rig: Rig, header: str | None) -> None:
    reply = ask(rig, header)
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="dav-gateway", charset="UTF-8"'
    assert reply.body == b"Sign in with the user name and an app password.\n"


@pytest.mark.parametrize("login", ["ana", "ANA", "ana@example.org", "Ana@Example.ORG"])
@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_owner_in_any_case(rig: Rig, login: str, scheme: str) -> None:
    assert ask(rig, f"{scheme} {basic(f'{login}:{rig.password({Scope.CALENDARS})}')}").status == 207


def test_the_text_may_be_typed_in_many_ways(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    for typed in (password.upper(), password.replace("-", ""), password.replace("-", " "), password.replace("0", "o")):
        assert ask(rig, "Basic " + basic(f"ana:{typed}")).status == 207


@pytest.mark.parametrize("login", ["ben", "", "nobody", "ana "])
def test_another_persons_password(rig: Rig, login: str) -> None:
    expected = 207 if login == "ana " else 401
    assert ask(rig, "Basic " + basic(f"{login}:{rig.password({Scope.CALENDARS})}")).status == expected


def test_the_charset_of_the_body_does_not_touch_the_password(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    extra = {"CONTENT_TYPE": "text/xml; charset=utf-16"}
    assert rig.request("PROPFIND", PATH, password=password, extra=extra).status == 207


def test_revoked_paused_expired_deactivated(rig: Rig) -> None:
    for stop in ("revoke", "pause", "deactivate"):
        password = rig.password({Scope.CALENDARS}, account="ben")
        assert rig.request("PROPFIND", "/dav/ben/", password=password, login="ben").status == 207
        if stop == "revoke":
            rig.services.revocation.revoke([password[:5]], by="test", why="")
        elif stop == "pause":
            rig.services.revocation.pause(password[:5], by="test")
        else:
            rig.services.accounts.deactivate("ben", by="test")
        assert rig.request("PROPFIND", "/dav/ben/", password=password, login="ben").status == 401
    rig.services.accounts.activate("ben", by="test")


def test_another_kind_of_client_is_403_and_not_401(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    davx5 = {"HTTP_USER_AGENT": "DAVx5/4.5-ose (at.bitfire.davdroid)"}
    assert rig.request("PROPFIND", PATH, password=password, extra=davx5).status == 207
    other = {"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0"}
    reply = rig.request("PROPFIND", PATH, password=password, extra=other)
    assert reply.status == 403
    assert b"need-privileges" in reply.body


def test_a_locked_database_is_503_and_never_401(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    path = PATH + "calendar/e.ics"
    assert rig.request("PUT", path, EVENT, password=password).status == 201
    holder = sqlite3.connect(rig.services.database.url.database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    reply = rig.request("DELETE", path, password=password)
    assert reply.status == 503
    assert int(reply.headers["Retry-After"]) > 0
    holder.execute("ROLLBACK")
    holder.close()
    assert rig.request("GET", path, password=password).body == EVENT


def test_a_database_that_is_gone_is_503(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    assert rig.request("PROPFIND", PATH, password=password).status == 207
    with rig.services.database.write() as connection:
        connection.execute(text("ALTER TABLE credential RENAME TO elsewhere"))
    reply = rig.request("PROPFIND", PATH, password=password)
    assert (reply.status, "Retry-After" in reply.headers) == (503, True)


@pytest.mark.parametrize("way", ["verify", "verify_proven"])
def test_the_write_fence_stops_a_request_that_is_under_way(
    rig_anywhere: Rig, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The credential dies after verification and before the write: nothing is stored, and the answer is 401."""
    rig = rig_anywhere
    password = rig.password({Scope.CALENDARS})
    if way == "verify_proven":
        assert rig.request("PROPFIND", PATH, password=password).status == 207
    verify = getattr(rig.services.verification, way)
    revoked = []

    def slow(*arguments: object) -> object:
        verdict = verify(*arguments)
        if verdict is None:
            return None
        revoker = threading.Thread(target=rig.services.revocation.revoke, args=([password[:5]],),
                                   kwargs={"by": "test", "why": ""})  # fmt: skip
        revoker.start()
        revoker.join()
        revoked.append(verdict)
        return verdict

    monkeypatch.setattr(rig.services.verification, way, slow)
    reply = rig.request("PUT", PATH + "calendar/late.ics", EVENT, password=password)
    assert len(revoked) == 1
    assert reply.status == 401
    assert not any("late.ics" in row for row in rig.everything()["object"])


def test_the_write_fence_stops_properties_of_an_object(rig_anywhere: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_anywhere
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    verify, revoked = rig.services.verification.verify, []

    def slow(*arguments: Any) -> object:
        verdict = verify(*arguments)
        revoked.append(password[:5])
        revoker = threading.Thread(
            target=rig.services.revocation.revoke, args=(revoked,), kwargs={"by": "t", "why": ""}
        )
        revoker.start()
        revoker.join()
        return verdict

    with monkeypatch.context() as patch:
        patch.setattr(rig.services.verification, "verify", slow)
        body = b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><late xmlns="urn:y">1</late></D:prop></D:set>'
        path = PATH + "calendar/e1.ics"
        reply = rig.request("PROPPATCH", path, body + b"</D:propertyupdate>", password=password)
    assert (len(revoked), reply.status) == (1, 401)
    assert b"late" not in rig.request("PROPFIND", path, password=rig.password({Scope.CALENDARS})).body


def test_no_secret_in_logs_or_rows(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Invariant 7, also for a password pasted into the user name."""
    password = rig.password({Scope.CALENDARS})
    secret = password.replace("-", "")[5:]
    with caplog.at_level("DEBUG"):
        rig.request("PROPFIND", PATH, password=password)
        rig.request("PROPFIND", PATH, password="x", login=password)
        rig.request("PUT", PATH + "calendar/x.ics", b"nonsense", password=password)
        rig.request("PROPFIND", PATH, b"<", password=password)
    rig.services.usage.flush(everything=True)
    with rig.services.database.read() as connection:
        tables = [row[0] for row in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))]
        stored = "\n".join(str(row) for table in tables for row in connection.execute(text(f'SELECT * FROM "{table}"')))
    for place in (caplog.text, stored):
        assert password not in place
        assert secret not in place.replace("-", "")
        assert password[6:] not in place
