"""Issuing: what is refused before anything is done, what is kept, and that the secret exists once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dav_gateway.core.credential import Credential, Origin, Reason, Service
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import EMPLOYEES, Access, Scope
from dav_gateway.core.secret import AppPassword, make, parse
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.services import assemble
from dav_gateway.store import accounts, credentials

from .conftest import START, Company


def test_the_record_is_what_was_asked_for(company: Company) -> None:
    password, credential = company.issue(
        Service.MAC,
        scopes=[Scope.CONTACTS, Scope.CALENDARS],
        access=Access.READ_ONLY,
        collections=["calendar", EMPLOYEES],
        networks=["192.0.2.0/24", "2001:db8::1"],
        expires_at=Moment(START + DAY),
        label="  Ana's Mac ",
        origin=Origin.PAGE,
    )
    assert parse(password.reveal()) == password
    assert credential == company.stored(password.id)
    assert credential.label == "Ana's Mac"
    assert credential.scopes == {Scope.CALENDARS, Scope.CONTACTS}
    assert credential.access is Access.READ_ONLY
    assert credential.collections == {"calendar", EMPLOYEES}
    assert [str(network) for network in credential.networks] == ["192.0.2.0/24", "2001:db8::1/128"]
    assert credential.expires_at == START + DAY
    assert credential.origin is Origin.PAGE
    assert credential.client_family == "macos"
    assert company.events(credential.id) == ["issued", "shown"]


def test_without_a_label_it_is_called_after_its_service(small_company: Company) -> None:
    assert small_company.issue(Service.IPHONE)[1].label == "iPhone"
    assert small_company.issue(Service.THUNDERBIRD)[1].label == "Thunderbird"


def test_the_secret_is_in_no_row(company: Company) -> None:
    password, credential = company.issue(label="k")
    with company.database.read() as connection:
        rows = str([tuple(row) for row in connection.exec_driver_sql("SELECT * FROM credential")])
        rows += str([tuple(row) for row in connection.exec_driver_sql("SELECT * FROM audit")])
    for shown in (rows, repr(credential), repr(password)):
        assert password.reveal()[6:] not in shown
        assert password.reveal("")[5:] not in shown
    assert "argon2" not in repr(credential)


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ({"scopes": []}, "at least one scope"),
        ({"expires_at": START}, "in the past"),
        ({"expires_at": Moment(START - 1)}, "in the past"),
        ({"label": "x" * 81}, "at most 80"),
        ({"label": "two\nlines"}, "control characters"),
        ({"networks": ["192.0.2.1/24"]}, "host bits"),
        ({"networks": ["everywhere"]}, "not a network"),
        ({"networks": [f"192.0.2.{i}" for i in range(33)]}, "at most 32"),
        ({"collections": []}, "at least one collection"),
        ({"collections": ["holidays"]}, "no collection 'holidays'"),
        ({"collections": ["calendar", "contacts"]}, "no collection 'contacts'"),
        ({"collections": [EMPLOYEES]}, "no collection 'employees'"),
        ({"scopes": [Scope.CONTACTS], "collections": ["calendar"]}, "no collection 'calendar'"),
    ],
)
def test_what_cannot_be_issued_is_refused_and_changes_nothing(
    small_company: Company, wish: dict[str, object], complaint: str
) -> None:
    before = small_company.events()
    with pytest.raises(Refusal, match=complaint):
        small_company.issue(**wish)  # type: ignore[arg-type]
    assert small_company.events() == before
    with small_company.database.read() as connection:
        account = accounts.by_name(connection, "ana")
        assert account is not None
        assert not account.provisioned
        assert credentials.of_account(connection, account.id) == []


def test_a_collection_of_the_person_may_be_named(company: Company) -> None:
    """Also by who never signed in: the default collections are made then."""
    password, credential = company.issue(collections=["tasks"])
    assert credential.collections == {"tasks"}
    assert company.services.accounts.get("ana").provisioned
    assert company.reason(password) is None
    _, directory_only = company.issue(scopes=[Scope.CONTACTS], collections=[EMPLOYEES])
    assert directory_only.collections == {EMPLOYEES}


def test_unknown_and_deactivated_accounts_get_nothing(company: Company) -> None:
    issuing = company.services.issuing
    wish = {"service": Service.OTHER, "scopes": [Scope.CALENDARS], "origin": Origin.CLI, "actor": "test"}
    with pytest.raises(NotFound, match="no account 'ben'"):
        issuing.issue("ben", **wish)  # type: ignore[arg-type]
    company.services.accounts.deactivate("ana", by="test")
    with pytest.raises(Refusal, match="deactivated"):
        issuing.issue("ana", **wish)  # type: ignore[arg-type]


def test_at_most_twenty_five_live_ones(company: Company) -> None:
    issued = [company.issue(expires_at=Moment(START + DAY) if n == 0 else None)[1] for n in range(25)]
    with pytest.raises(Refusal, match="25 app passwords"):
        company.issue()
    company.services.revocation.pause(issued[1].id, by="test")
    with pytest.raises(Refusal, match="25 app passwords"):
        company.issue()
    company.services.revocation.revoke([issued[1].id], by="test", why="test")
    company.issue()
    with pytest.raises(Refusal, match="25 app passwords"):
        company.issue()
    company.clock.advance(DAY)
    company.issue()


def test_not_even_when_two_are_issued_at_once(company: Company) -> None:
    """The second waits for the first to commit, and counts then."""
    issued = [company.issue()[1] for _ in range(24)]
    with ThreadPoolExecutor(1) as pool:
        with company.database.write() as connection:
            accounts.lock(connection, issued[0].account_id)
            second = pool.submit(company.issue)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
            credentials.add(connection, replace(issued[0], id="22222"))
        with pytest.raises(Refusal, match="25 app passwords"):
            second.result(timeout=10)


def test_a_public_id_that_is_taken_is_chosen_anew(company: Company) -> None:
    taken = make(bytes).id
    _, first = company.issue()
    with company.database.write() as connection:
        credentials.add(connection, replace(first, id=taken))
    draws = iter([bytes(23), bytes([7] * 23)])

    def choose(n: int) -> bytes:
        return next(draws) if n == 23 else bytes(n)

    repeating = assemble(company.database, clock=company.clock, choose=choose, profile=CHEAPEST)
    password, credential = repeating.issuing.issue(
        "ana", service=Service.OTHER, scopes=[Scope.CALENDARS], origin=Origin.API, actor="test"
    )
    assert credential.id == "77777"
    assert company.reason(password) is None


def test_renaming(company: Company) -> None:
    password, credential = company.issue(label="phone")
    renamed = company.services.issuing.rename(credential.id, " Ana's phone ", actor="ana")
    assert renamed.label == company.stored(credential.id).label == "Ana's phone"
    assert company.witness.cuts == []
    assert company.reason(password) is None
    with pytest.raises(Refusal, match="at most 80"):
        company.services.issuing.rename(credential.id, "x" * 81, actor="ana")
    with pytest.raises(NotFound):
        company.services.issuing.rename("00000", "x", actor="ana")
    assert company.events(credential.id)[2:] == ["renamed", "first_used"]


class TestRotation:
    """The new one may do what the old one may; the old one dies when the new one is first seen."""

    def rotate(self, company: Company, credential_id: str) -> tuple[AppPassword, Credential]:
        return company.services.issuing.rotate(credential_id, origin=Origin.PAGE, actor="ana")

    def test_the_old_one_dies_when_the_new_one_is_first_seen(self, company: Company) -> None:
        old_password, old = company.issue(
            Service.IPHONE, label="phone", access=Access.READ_ONLY, networks=["192.0.2.0/24"]
        )
        assert company.reason(old_password) is None
        company.clock.advance(DAY)
        new_password, new = self.rotate(company, old.id)
        assert (new.label, new.access, new.networks, new.scopes, new.client_family) == (
            old.label,
            old.access,
            old.networks,
            old.scopes,
            "ios",
        )
        assert new.replaces == old.id
        assert new.first_used_at is None
        assert company.reason(old_password) is None
        assert company.witness.cuts == []

        assert company.reason(new_password) is None
        assert company.witness.cuts[-1] == [old.id]
        committed = company.witness.committed[-1]
        assert committed is not None
        assert committed.revoked_at == company.clock.now
        assert company.reason(old_password) is Reason.REVOKED
        assert company.stored(old.id).revoked_why == f"replaced by {new.id}"
        assert company.events(new.id)[:4] == ["issued", "shown", "first_used", "rotated"]
        cuts = len(company.witness.cuts)
        assert company.reason(new_password) is None
        assert len(company.witness.cuts) == cuts

    def test_a_refused_first_request_does_not_end_the_old_one(self, company: Company) -> None:
        old_password, old = company.issue(Service.IPHONE)
        new_password, _ = self.rotate(company, old.id)
        assert company.reason(new_password, user_agent="Evolution/3.46.4") is Reason.CLIENT
        assert company.reason(new_password, "ben") is Reason.NOT_OWNER
        assert company.reason(old_password) is None

    def test_one_that_was_never_used_gives_way_to_the_next(self, company: Company) -> None:
        _, old = company.issue()
        lost, _ = self.rotate(company, old.id)
        found, _ = self.rotate(company, old.id)
        assert company.reason(lost) is Reason.REVOKED
        assert company.reason(found) is None

    def test_there_is_always_room_for_it(self, company: Company) -> None:
        issued = [company.issue()[1] for _ in range(25)]
        self.rotate(company, issued[0].id)
        with pytest.raises(Refusal, match="25 app passwords"):
            self.rotate(company, issued[1].id)

    def test_only_a_live_one_is_rotated(self, company: Company) -> None:
        _, paused = company.issue()
        company.services.revocation.pause(paused.id, by="test")
        with pytest.raises(Refusal, match="paused"):
            self.rotate(company, paused.id)
        company.services.revocation.revoke([paused.id], by="test", why="test")
        with pytest.raises(Refusal, match="revoked"):
            self.rotate(company, paused.id)
        with pytest.raises(NotFound):
            self.rotate(company, "00000")
