"""Login Flow v2: its rules, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text
from tests.service.conftest import START, Company

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.login_flow import LIFETIME
from dav_gateway.core.moment import DAY, SECOND, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.login_flow import (
    MOST_OPEN_OF_ONE_ORIGIN,
    STARTS,
    Collected,
    Started,
    TooManyFlows,
    service_of,
)
from dav_gateway.service.services import assemble
from dav_gateway.service.wish import Wish, wish_from
from dav_gateway.store import login_flows

DAVX5 = "DAVx5/4.5-ose (at.bitfire.davdroid)"
PHONE = "198.51.100.4"
WISH = wish_from(
    service=Service.ANDROID,
    scopes=[Scope.CALENDARS, Scope.CONTACTS],
    access=Access.READ_WRITE,
    label="Ana's phone",
    origin=Origin.LOGIN_FLOW,
)


def start(company: Company, address: str = PHONE) -> Started:
    return company.services.login_flow.start(user_agent=DAVX5, address=address)


def collect(company: Company, started: Started) -> Collected | None:
    return company.services.login_flow.collect(started.poll.reveal(), address=PHONE)


def approve(company: Company, started: Started, wish: Wish = WISH) -> None:
    company.services.login_flow.approve(started.login.reveal(), "ana", wish)


def test_from_start_to_password(company: Company) -> None:
    started = start(company)
    assert collect(company, started) is None
    flow = company.services.login_flow.look(started.login.reveal())
    assert flow is not None
    assert (flow.client, flow.address, flow.created_at) == (DAVX5, PHONE, START)
    assert service_of(flow) is Service.ANDROID
    assert company.services.login_flow.look(started.login.reveal()) == flow, "looking changes nothing"
    approve(company, started)
    assert company.services.login_flow.look(started.login.reveal()) is None
    collected = collect(company, started)
    assert collected is not None
    assert collected.login_name == "ana"
    assert company.reason(collected.password, user_agent=DAVX5) is None
    stored = company.stored(collected.credential.id)
    assert (stored.label, stored.origin, stored.scopes) == ("Ana's phone", Origin.LOGIN_FLOW, frozenset(Scope))
    assert stored.client_family == "davx5"
    assert collect(company, started) is None
    words = [word for word in company.events() if word.startswith(("flow", "issued"))]
    assert words == ["flow_started", "flow_approved", "flow_collected", "issued"]


def test_nothing_secret_is_stored(company: Company) -> None:
    started = start(company)
    approve(company, started)
    with company.database.read() as connection:
        before = str(connection.execute(text("SELECT * FROM login_flow")).all())
    collected = collect(company, started)
    assert collected is not None
    with company.database.read() as connection:
        tables = ("login_flow", "audit", "credential")
        stored = before + "".join(str(connection.execute(text(f"SELECT * FROM {each}")).all()) for each in tables)
    for secret in (started.poll.reveal(), started.login.reveal(), collected.password.reveal("")):
        assert secret not in stored
        assert secret not in repr((started, collected))
    assert collected.password.reveal() not in stored
    assert "$" not in before, "no verifier waits in a flow"


def test_a_denied_flow_gives_nothing(company: Company) -> None:
    started = start(company)
    company.services.login_flow.deny(started.login.reveal(), "ana")
    assert collect(company, started) is None
    with pytest.raises(NotFound):
        approve(company, started)
    assert company.events()[-1] == "flow_denied"


def test_the_two_secrets_are_not_interchangeable(company: Company) -> None:
    started, flows = start(company), company.services.login_flow
    assert flows.look(started.poll.reveal()) is None
    with pytest.raises(NotFound):
        flows.approve(started.poll.reveal(), "ana", WISH)
    approve(company, started)
    assert flows.collect(started.login.reveal(), address=PHONE) is None
    assert collect(company, started) is not None


@pytest.mark.parametrize("junk", ["", "x", "x" * 43, "é" * 43, "x" * 100_000, "\x00" * 43])
def test_junk_is_nothing(small_company: Company, junk: str) -> None:
    flows = small_company.services.login_flow
    assert flows.look(junk) is None
    assert flows.collect(junk, address=PHONE) is None
    with pytest.raises(NotFound):
        flows.approve(junk, "ana", WISH)
    with pytest.raises(NotFound):
        flows.deny(junk, "ana")


def test_a_flow_lives_twenty_minutes(company: Company) -> None:
    waiting, approved = start(company), start(company)
    approve(company, approved)
    company.clock.advance(LIFETIME - 1)
    assert company.services.login_flow.look(waiting.login.reveal()) is not None
    company.clock.advance(1)
    assert company.services.login_flow.look(waiting.login.reveal()) is None
    assert collect(company, approved) is None
    with pytest.raises(NotFound):
        approve(company, waiting)
    company.services.login_flow.sweep()
    company.services.login_flow.sweep()
    assert company.events()[-2:] == ["flow_expired", "flow_expired"], "each once"
    company.clock.advance(2 * DAY)
    company.services.login_flow.sweep()
    with company.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM login_flow")).scalar_one() == 0


def test_it_survives_a_restart(company: Company) -> None:
    started = start(company)
    approve(company, started)
    restarted = assemble(company.database, clock=company.clock, profile=CHEAPEST)
    assert restarted.login_flow.collect(started.poll.reveal(), address=PHONE) is not None
    assert collect(company, started) is None


def test_of_polls_at_once_one_gets_the_password(company: Company) -> None:
    """Each poll is of another process, as far as the database can tell."""
    processes = [assemble(company.database, clock=company.clock, profile=CHEAPEST) for _ in range(4)]
    for _round in range(5):
        started = start(company)
        approve(company, started)
        together = Barrier(len(processes))

        def poll(number: int, started: Started = started, together: Barrier = together) -> Collected | None:
            together.wait()
            return processes[number].login_flow.collect(started.poll.reveal(), address=PHONE)

        with ThreadPoolExecutor(len(processes)) as pool:
            got = [each for each in pool.map(poll, range(len(processes))) if each is not None]
        assert len(got) == 1
    assert company.events().count("issued") == 5
    assert company.events().count("flow_collected") == 5


def test_of_two_decisions_at_once_one_counts(company: Company) -> None:
    for _round in range(5):
        started, together = start(company), Barrier(2)

        def decide(yes: bool, started: Started = started, together: Barrier = together) -> bool:
            together.wait()
            flows = company.services.login_flow
            try:
                if yes:
                    flows.approve(started.login.reveal(), "ana", WISH)
                else:
                    flows.deny(started.login.reveal(), "ana")
            except NotFound:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            approved, denied = pool.map(decide, [True, False])
        assert approved is not denied
        assert (collect(company, started) is not None) is approved


def test_what_cannot_be_issued_is_not_approved(company: Company) -> None:
    started = start(company)
    for _each in range(MOST_LIVE):
        company.issue()
    with pytest.raises(Refusal, match="25"):
        approve(company, started)
    company.services.revocation.revoke_all("ana", by="ana", why="test")
    bad = wish_from(service=Service.ANDROID, scopes=[Scope.CALENDARS], collections=["nowhere"], origin=Origin.PAGE)
    with pytest.raises(NotFound, match="nowhere"):
        approve(company, started, bad)
    assert company.services.login_flow.look(started.login.reveal()) is not None, "a refusal leaves it open"
    approve(company, started)


def test_an_account_deactivated_meanwhile_gets_nothing(company: Company) -> None:
    started = start(company)
    approve(company, started)
    company.services.accounts.deactivate("ana", by="test")
    assert collect(company, started) is None
    assert "issued" not in company.events()
    company.services.accounts.activate("ana", by="test")
    assert collect(company, started) is not None


def test_starts_are_limited_for_each_origin(small_company: Company) -> None:
    for _each in range(STARTS.burst):
        start(small_company)
    with pytest.raises(TooManyFlows) as caught:
        start(small_company)
    assert 0 < caught.value.retry_after <= STARTS.interval // SECOND
    start(small_company, "203.0.113.9")
    small_company.clock.advance(STARTS.interval)
    start(small_company)


def test_open_flows_are_bounded(company: Company) -> None:
    def fill() -> int:
        for number in range(1, 1000):
            small = assemble(company.database, clock=company.clock, profile=CHEAPEST)  # its own allowance
            try:
                small.login_flow.start(user_agent=DAVX5, address=PHONE)
            except TooManyFlows:
                return number
        return 0

    assert fill() == MOST_OPEN_OF_ONE_ORIGIN + 1
    start(company, "203.0.113.9")
    company.clock.advance(LIFETIME)
    start(company)
    with company.database.read() as connection:
        assert login_flows.open_count(connection, company.clock.now) == 1


def test_an_empty_user_agent_names_nobody(small_company: Company) -> None:
    started = small_company.services.login_flow.start(user_agent="\u202e\x00", address=PHONE)
    flow = small_company.services.login_flow.look(started.login.reveal())
    assert flow is not None
    assert (flow.client, service_of(flow)) == ("", Service.OTHER)


def test_moments_are_of_the_clock(small_company: Company) -> None:
    started = start(small_company)
    flow = small_company.services.login_flow.look(started.login.reveal())
    assert flow is not None
    assert flow.expires_at == Moment(START + 1200 * SECOND)
