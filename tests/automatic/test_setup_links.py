"""One-time set-up links: looked at for nothing, redeemed once, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text
from tests.service.conftest import Company

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.moment import DAY
from dav_gateway.core.one_time import OneTimeSecret
from dav_gateway.core.scope import Scope
from dav_gateway.core.setup_link import LIFETIME, SetupKind
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.services import assemble
from dav_gateway.service.setup_links import MOST_OPEN, Redeemed
from dav_gateway.service.wish import Wish, wish_from

HERE = "198.51.100.4"


def wish(*scopes: Scope, service: Service = Service.IPHONE) -> Wish:
    return wish_from(service=service, scopes=scopes, label="Ana's iPhone", origin=Origin.PAGE)


TWO = (wish(Scope.CALENDARS), wish(Scope.CONTACTS))


def make(company: Company, *wishes: Wish, kind: SetupKind = SetupKind.APPLE_PROFILE) -> OneTimeSecret:
    return company.services.setup_links.make("ana", kind, wishes or TWO)


def redeem(company: Company, link: OneTimeSecret) -> Redeemed:
    return company.services.setup_links.redeem(link.reveal(), address=HERE)


def test_two_scoped_passwords_by_one_link(company: Company) -> None:
    link = make(company)
    for _previewer in range(3):
        seen = company.services.setup_links.look(link.reveal())
        assert seen is not None
        assert seen.redeemed_at is None
    assert "issued" not in company.events()
    given = redeem(company, link)
    assert (given.kind, given.account.name) == (SetupKind.APPLE_PROFILE, "ana")
    assert [credential.scopes for _password, credential in given.issued] == [{Scope.CALENDARS}, {Scope.CONTACTS}]
    assert {credential.origin for _password, credential in given.issued} == {Origin.PROFILE}
    for password, _credential in given.issued:
        assert company.reason(password) is None
    with pytest.raises(NotFound):
        redeem(company, link)
    assert company.services.setup_links.look(link.reveal()) is None
    assert company.events().count("profile_downloaded") == company.events().count("issued") == 2


def test_nothing_secret_is_stored(company: Company) -> None:
    link = make(company)
    given = redeem(company, link)
    with company.database.read() as connection:
        tables = ("setup_link", "audit", "credential")
        stored = "".join(str(connection.execute(text(f"SELECT * FROM {each}")).all()) for each in tables)
    for secret in (link.reveal(), *(password.reveal("") for password, _credential in given.issued)):
        assert secret not in stored
        assert secret not in repr((link, given))


def test_a_link_lives_five_minutes(company: Company) -> None:
    link, other = make(company), make(company)
    company.clock.advance(LIFETIME - 1)
    redeem(company, link)
    company.clock.advance(1)
    with pytest.raises(NotFound, match="five minutes"):
        redeem(company, other)
    company.clock.advance(2 * DAY)
    company.services.setup_links.sweep()
    with company.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM setup_link")).scalar_one() == 0


def test_of_redeemers_at_once_one_gets_it(company: Company) -> None:
    processes = [assemble(company.database, clock=company.clock, profile=CHEAPEST) for _ in range(4)]
    for _round in range(5):
        link, together = make(company), Barrier(len(processes))

        def take(number: int, link: OneTimeSecret = link, together: Barrier = together) -> bool:
            together.wait()
            try:
                processes[number].setup_links.redeem(link.reveal(), address=HERE)
            except NotFound:
                return False
            return True

        with ThreadPoolExecutor(len(processes)) as pool:
            assert sum(pool.map(take, range(len(processes)))) == 1
    assert company.events().count("issued") == 10


def test_a_refusal_uses_nothing_up(company: Company) -> None:
    link = make(company)
    ids = [company.issue()[1].id for _each in range(MOST_LIVE - 1)]
    with pytest.raises(Refusal, match="25"):
        redeem(company, link)  # two are wanted, one has room
    assert company.events().count("issued") == MOST_LIVE - 1
    company.services.revocation.revoke(ids[:1], by="ana", why="room")
    assert len(redeem(company, link).issued) == 2


def test_what_cannot_be_issued_gets_no_link(company: Company) -> None:
    with pytest.raises(Refusal, match="something"):
        company.services.setup_links.make("ana", SetupKind.DAVX5, [])
    with pytest.raises(Refusal, match="scope"):
        make(company, wish())
    with pytest.raises(NotFound):
        company.services.setup_links.make("nobody", SetupKind.DAVX5, TWO)
    for _each in range(MOST_OPEN):
        make(company)
    with pytest.raises(Refusal, match="open"):
        make(company)
    company.clock.advance(LIFETIME)
    make(company)


@pytest.mark.parametrize("junk", ["", "x" * 43, "é" * 43, "x" * 100_000])
def test_junk_is_nothing(small_company: Company, junk: str) -> None:
    assert small_company.services.setup_links.look(junk) is None
    with pytest.raises(NotFound):
        small_company.services.setup_links.redeem(junk, address=HERE)
