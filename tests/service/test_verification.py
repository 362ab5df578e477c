"""Verification: the order of questions, the answer to each, and what each costs."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

import argon2
import pytest

from dav_gateway.core import secret, verifier
from dav_gateway.core.credential import Reason, Service
from dav_gateway.core.moment import DAY, SECOND, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.core.secret import ALPHABET
from dav_gateway.core.verifier import ARGON2ID, BLAKE2B, CHEAPEST
from dav_gateway.service.services import assemble
from dav_gateway.service.verification import Granted, Presented, Refused
from dav_gateway.store import accounts, credentials
from dav_gateway.store.database import Database

from .conftest import IPHONE, START, Company


def stranger() -> secret.AppPassword:
    """A well-formed app password that nobody issued."""
    return secret.make(lambda n: bytes(range(100, 100 + n)))


def with_other_secret(password: secret.AppPassword) -> secret.AppPassword:
    """A well-formed app password with the same id."""
    values = [ALPHABET.index(symbol) for symbol in password.reveal("")[:23]]
    values[10] ^= 1
    return secret.make(lambda _n: bytes(values))


def test_the_right_secret_is_granted_whatever_the_login_looks_like(company: Company) -> None:
    password, credential = company.issue(scopes=[Scope.CALENDARS, Scope.CONTACTS], access=Access.READ_ONLY)
    for login in ("ana", "ANA", " ana ", "Ana@Nogal.Example"):
        verdict = company.verify(password, login)
        assert isinstance(verdict, Granted)
        assert verdict.grant.account.name == "ana"
        assert verdict.grant.credential.id == credential.id
        assert verdict.grant.credential.access is Access.READ_ONLY
    assert company.reason(password.reveal("").upper()) is None


def test_a_request_in_use_costs_one_statement(company: Company) -> None:
    password, _ = company.issue(service=Service.IPHONE)
    company.verify(password)
    with company.database.read() as connection, company.statements() as statements:
        presented = Presented("ana", secret.parse(password.reveal()), "192.0.2.7", IPHONE, "r")
        assert isinstance(company.services.verification.verify(connection, presented), Granted)
    assert len(statements) == 1
    assert " JOIN account " in statements[0]


@pytest.mark.parametrize(
    "text", ["", "hunter2", "00000-00000-00000-00000-00001", "k7mqx-3f9tb-x2wne-hd4r8-6pzau", "x" * 900]
)
def test_what_is_no_app_password_costs_no_look_up_and_no_hash(small_company: Company, text: str) -> None:
    with small_company.database.read() as connection, small_company.statements() as statements:
        verdict = small_company.services.verification.verify(
            connection, Presented("ana", secret.parse(text), "192.0.2.7", IPHONE, "r")
        )
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.MISTYPED
    assert statements == []


def test_the_owner_sees_where_a_password_was_mistyped(company: Company) -> None:
    password, credential = company.issue()
    symbols = list(password.reveal(""))
    symbols[17] = "z" if symbols[17] != "z" else "y"
    verdict = company.verify("".join(symbols))
    assert verdict == Refused(Reason.MISTYPED, credential.id, "mistyped, probably in group 4", hint="4")
    company.services.usage.flush()
    assert company.stored(credential.id).last_refusal_reason == "mistyped"
    assert company.stored(credential.id).last_refusal_hint == "4"


def test_unknown_id_and_wrong_secret_look_the_same(company: Company) -> None:
    password, credential = company.issue()
    unknown, wrong = company.verify(stranger()), company.verify(with_other_secret(password))
    assert isinstance(unknown, Refused)
    assert isinstance(wrong, Refused)
    assert (unknown.reason, wrong.reason) == (Reason.UNKNOWN, Reason.WRONG_SECRET)
    assert unknown.detail == wrong.detail
    assert (unknown.credential_id, wrong.credential_id) == (None, credential.id)


def test_an_unknown_id_takes_the_time_of_a_known_one(
    sqlite_database: Database, found_company: Callable[..., Company]
) -> None:
    company = found_company(sqlite_database, profile=ARGON2ID)
    password, _ = company.issue()
    wrong = with_other_secret(password)

    def seconds(tried: secret.AppPassword) -> float:
        started = time.perf_counter()
        company.verify(tried)
        return time.perf_counter() - started

    unknown = median(seconds(stranger()) for _ in range(7))
    known = median(seconds(wrong) for _ in range(7))
    assert unknown > 0.003
    assert 0.4 < unknown / known < 2.5


def test_whose_secret_is_wrong_learns_nothing_else(company: Company) -> None:
    """Revoked, another person's login, another network: as long as the secret is wrong it is only wrong."""
    password, credential = company.issue(networks=["198.51.100.0/24"])
    company.services.revocation.revoke([credential.id], by="test", why="test")
    assert company.reason(with_other_secret(password), "ben") is Reason.WRONG_SECRET
    assert company.reason(password, "ben") is Reason.NOT_OWNER
    assert company.reason(password) is Reason.REVOKED


def test_another_persons_login_is_refused(small_company: Company) -> None:
    small_company.services.accounts.add(name="ben", email="ben@nogal.example", by="test")
    password, _ = small_company.issue()
    for login in ("ben", "ben@nogal.example", "", "ana ruiz", "ana\x00"):
        assert small_company.reason(password, login) is Reason.NOT_OWNER


def test_liveness_is_read_on_every_request(company: Company) -> None:
    """The memo says only "this secret is right": what is done to the row counts for the very next request."""
    password, credential = company.issue(expires_at=Moment(START + DAY))
    services = company.services
    assert company.reason(password) is None

    services.revocation.pause(credential.id, by="test")
    assert company.reason(password) is Reason.PAUSED
    services.revocation.resume(credential.id, by="test")
    assert company.reason(password) is None

    services.accounts.deactivate("ana", by="test")
    assert company.reason(password) is Reason.ACCOUNT_INACTIVE
    services.accounts.activate("ana", by="test")
    assert company.reason(password) is None

    company.clock.advance(DAY - 1)
    assert company.reason(password) is None
    company.clock.advance(1)
    assert company.reason(password) is Reason.EXPIRED
    services.revocation.revoke([credential.id], by="test", why="test")
    assert company.reason(password) is Reason.REVOKED


def test_a_revocation_written_by_anybody_else_counts_at_once(company: Company) -> None:
    password, credential = company.issue()
    assert company.reason(password) is None
    with company.database.change_credentials([credential.id]) as connection:
        credentials.change(connection, credential.id, revoked_at=START)
    with company.statements() as statements:
        assert company.reason(password) is Reason.REVOKED
    assert len(statements) == 1


def test_a_revoked_credential_is_refused_cheaply_and_never_throttled(company: Company) -> None:
    password, credential = company.issue()
    assert company.reason(password) is None
    company.services.revocation.revoke([credential.id], by="test", why="lost")
    for _ in range(100):
        assert company.reason(password) is Reason.REVOKED
    company.services.usage.flush()
    assert company.stored(credential.id).last_refusal_reason == "revoked"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("192.0.2.200", None),
        ("::ffff:192.0.2.200", None),
        ("2001:db8::5", None),
        ("198.51.100.1", Reason.ADDRESS),
        ("2001:db9::5", Reason.ADDRESS),
        ("not an address", Reason.ADDRESS),
    ],
)
def test_the_networks_of_a_credential_are_enforced(small_company: Company, address: str, reason: Reason | None) -> None:
    password, _ = small_company.issue(networks=["192.0.2.0/24", "2001:db8::/32"])
    assert small_company.reason(password, address=address) is reason


def test_a_verifier_is_replaced_at_the_next_use_after_the_setting_changed(company: Company) -> None:
    password, credential = company.issue()
    assert company.stored(credential.id).verifier.startswith("$argon2id$")
    company.verify(password)
    fleet = assemble(company.database, clock=company.clock, profile=BLAKE2B)
    assert isinstance(company.verify(password, services=fleet), Granted)
    replaced = company.stored(credential.id).verifier
    assert replaced.startswith("$blake2b$")
    with company.statements() as statements:
        assert isinstance(company.verify(password, services=fleet), Granted)
    assert len(statements) == 1
    # The process of before has remembered the old verifier; it checks the new one, and sets its own again.
    assert isinstance(company.verify(password), Granted)
    assert company.stored(credential.id).verifier.startswith("$argon2id$")


@pytest.mark.parametrize("separator", ["", "-"])
@pytest.mark.parametrize("kind", [argon2.Type.ID, argon2.Type.I])
def test_a_verifier_of_another_issuing_store_is_accepted(company: Company, kind: argon2.Type, separator: str) -> None:
    """Whether that store hashed the symbols or the text as it showed it."""
    password, credential = company.issue()
    foreign = argon2.PasswordHasher(time_cost=1, memory_cost=256, parallelism=2, hash_len=24, type=kind)
    with company.database.write() as connection:
        credentials.change(connection, credential.id, verifier=foreign.hash(password.reveal(separator)))
    assert company.reason(with_other_secret(password)) is Reason.WRONG_SECRET
    assert company.reason(password) is None
    assert not verifier.needs_rehash(company.stored(credential.id).verifier, CHEAPEST)


def test_a_damaged_verifier_is_our_trouble(small_company: Company) -> None:
    password, credential = small_company.issue()
    with small_company.database.write() as connection:
        credentials.change(connection, credential.id, verifier="$argon2id$broken")
    assert small_company.reason(password) is Reason.STORE


def test_too_much_argon2_at_once_is_503_and_a_remembered_secret_passes(small_company: Company) -> None:
    known, _ = small_company.issue()
    new, _ = small_company.issue()
    assert small_company.reason(known) is None
    hashing = small_company.services.verification._hashing
    hashing._all._patience = 0.05
    with ExitStack() as busy:
        for _ in range(os.cpu_count() or 1):
            busy.enter_context(hashing._all.slot())
        verdict = small_company.verify(new)
        assert isinstance(verdict, Refused)
        assert verdict.reason is Reason.OVERLOADED
        assert verdict.retry_after > 0
        assert small_company.reason(known) is None
    assert small_company.reason(new) is None


def test_a_database_that_is_gone_is_503(postgres_database: Database, found_company: Callable[..., Company]) -> None:
    company = found_company(postgres_database)
    password, _ = company.issue()
    with company.database.read() as connection:
        session = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with company.database.write() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({session})")
        verdict = company.services.verification.verify(
            connection, Presented("ana", secret.parse(password.reveal()), "192.0.2.7", IPHONE, "r")
        )
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.STORE
    assert verdict.retry_after > 0
    assert company.reason(password) is None


def test_nothing_of_what_was_typed_shows(company: Company) -> None:
    password, _ = company.issue()
    presented = Presented("k7mqx pasted into the login", secret.parse(password.reveal()), "192.0.2.7", IPHONE, "r")
    shown = repr(presented) + repr(company.verify(password, "k7mqx pasted")) + repr(company.verify(password))
    assert "pasted" not in shown
    assert password.reveal()[6:] not in shown
    assert "argon2" not in shown
    company.services.usage.flush(everything=True)
    with company.database.read() as connection:
        dump = str([tuple(row) for row in connection.exec_driver_sql("SELECT * FROM audit")])
        dump += str([tuple(row) for row in connection.exec_driver_sql("SELECT * FROM credential")])
    assert "pasted" not in dump
    assert password.reveal()[6:] not in dump
    assert password.reveal("")[5:] not in dump


def test_an_owner_who_was_renamed_in_the_database_is_read_anew(company: Company) -> None:
    password, _ = company.issue()
    assert company.reason(password, "ana@nogal.example") is None
    with company.database.write() as connection:
        account = accounts.by_name(connection, "ana")
        assert account is not None
        accounts.change(connection, account.id, email="ruiz@nogal.example")
    assert company.reason(password, "ana@nogal.example") is Reason.NOT_OWNER
    assert company.reason(password, "ruiz@nogal.example") is None


def test_only_failures_are_throttled(company: Company) -> None:
    password, _ = company.issue()
    wrong = with_other_secret(password)
    reasons = [company.reason(wrong) for _ in range(12)]
    assert reasons == [Reason.WRONG_SECRET] * 10 + [Reason.THROTTLED] * 2
    verdict = company.verify(wrong)
    assert isinstance(verdict, Refused)
    assert 0 < verdict.retry_after <= 90
    assert company.reason(password) is None
    assert company.reason(wrong, address="198.51.100.9") is Reason.WRONG_SECRET
    company.clock.advance(90 * SECOND)
    assert company.reason(wrong) is Reason.WRONG_SECRET
    assert company.reason(wrong) is Reason.THROTTLED
    company.services.usage.flush(everything=True)
    assert "throttled" in company.events()


def test_unknown_ids_are_throttled_by_the_address(small_company: Company) -> None:
    password, _ = small_company.issue()
    tried = [secret.make(lambda n, i=i: bytes([i, *range(n - 1)])) for i in range(32)]  # type: ignore[misc]
    reasons = [small_company.reason(each, address="2001:db8::1") for each in tried]
    assert reasons == [Reason.UNKNOWN] * 30 + [Reason.THROTTLED] * 2
    assert small_company.reason(tried[0], address="2001:db8::ffff") is Reason.THROTTLED
    assert small_company.reason(tried[0], address="2001:db8:0:1::1") is Reason.UNKNOWN
    assert small_company.reason(password, address="2001:db8::1") is None


def test_an_address_without_failures_left_shares_one_slot(small_company: Company) -> None:
    """A right secret is never blocked there, but what has to be hashed for it waits behind the other suspects."""
    company = small_company
    known, _ = company.issue()
    fresh, _ = company.issue()
    assert company.reason(known) is None
    while company.reason(with_other_secret(known)) is not Reason.THROTTLED:
        pass
    while company.reason(stranger()) is not Reason.THROTTLED:
        pass
    suspects = company.services.verification._hashing._suspects
    suspects._patience = 0.05
    with suspects.slot():
        assert company.reason(with_other_secret(known)) is Reason.OVERLOADED
        assert company.reason(known) is None
        assert company.reason(with_other_secret(known), address="198.51.100.9") is Reason.WRONG_SECRET
    assert company.reason(fresh) is None


def test_mistyped_and_dead_credentials_are_no_attack(small_company: Company) -> None:
    password, credential = small_company.issue()
    small_company.services.revocation.pause(credential.id, by="test")
    for _ in range(60):
        assert small_company.reason("mistyped") is Reason.MISTYPED
        assert small_company.reason(password) is Reason.PAUSED
        assert small_company.reason(password, "ben") is Reason.NOT_OWNER
    assert small_company.reason(stranger()) is Reason.UNKNOWN
