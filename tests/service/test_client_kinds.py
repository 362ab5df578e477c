"""One password, one kind of client: fixed by the service at issue, or learnt from the first client seen."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from dav_gateway.core.client_family import FamilyPolicy
from dav_gateway.core.credential import Reason, Service
from dav_gateway.service.verification import Granted, Refused
from dav_gateway.store.database import Database

from .conftest import IPHONE, THUNDERBIRD, Company


def test_the_service_chosen_at_issue_decides(company: Company) -> None:
    password, credential = company.issue(service=Service.IPHONE)
    assert credential.client_family == "ios"
    verdict = company.verify(password, user_agent=THUNDERBIRD)
    assert verdict == Refused(
        Reason.CLIENT, credential.id, "it belongs to another kind of client: iPhone, iPad", hint="thunderbird"
    )
    assert company.stored(credential.id).first_used_at is None
    assert company.reason(password, user_agent="iOS/18.4 (22E240) accountsd/1.0") is None
    company.services.usage.flush(everything=True)
    stored = company.stored(credential.id)
    assert (stored.last_refusal_reason, stored.last_refusal_hint) == ("client", "thunderbird")


def test_otherwise_the_first_client_seen_decides(company: Company) -> None:
    password, credential = company.issue()
    assert credential.client_family is None
    verdict = company.verify(password, user_agent=THUNDERBIRD)
    assert isinstance(verdict, Granted)
    assert verdict.grant.credential.client_family == "thunderbird"
    stored = company.stored(credential.id)
    assert stored.client_family == "thunderbird"
    assert stored.first_used_at == company.clock.now
    assert stored.last_used_client == THUNDERBIRD
    assert company.reason(password, user_agent=IPHONE) is Reason.CLIENT
    assert company.reason(password, user_agent=THUNDERBIRD) is None
    assert company.events(credential.id).count("first_used") == 1


def test_a_client_that_the_data_does_not_list_is_a_kind_of_its_own(small_company: Company) -> None:
    password, credential = small_company.issue()
    assert small_company.reason(password, user_agent="MyCal/1.0") is None
    assert small_company.stored(credential.id).client_family == "other:mycal"
    assert small_company.reason(password, user_agent="MyCal/2.0 (beta)") is None
    assert small_company.reason(password, user_agent="YourCal/1.0") is Reason.CLIENT


def test_a_request_without_a_user_agent_teaches_nothing(company: Company) -> None:
    password, credential = company.issue()
    assert company.reason(password, user_agent="") is None
    assert company.stored(credential.id).client_family is None
    assert company.reason(password, user_agent=IPHONE) is None
    assert company.stored(credential.id).client_family == "ios"
    assert company.reason(password, user_agent="") is None
    assert company.events(credential.id).count("first_used") == 1


def test_this_is_my_new_device(company: Company) -> None:
    password, credential = company.issue(service=Service.IPHONE)
    company.verify(password)
    company.services.issuing.accept_new_client(credential.id, actor="ana")
    assert company.reason(password, user_agent=THUNDERBIRD) is None
    assert company.reason(password, user_agent=IPHONE) is Reason.CLIENT
    assert "changed" in company.events(credential.id)


@pytest.mark.parametrize("policy", [FamilyPolicy.WARN, FamilyPolicy.OFF])
def test_the_policy_may_let_others_in(
    sqlite_database: Database, found_company: Callable[..., Company], policy: FamilyPolicy
) -> None:
    company = found_company(sqlite_database, family_policy=policy)
    password, credential = company.issue()
    assert company.reason(password, user_agent=IPHONE) is None
    assert company.reason(password, user_agent=THUNDERBIRD) is None
    learnt = company.stored(credential.id).client_family
    assert learnt == (None if policy is FamilyPolicy.OFF else "ios")
    with company.statements() as statements:
        assert company.reason(password, user_agent=THUNDERBIRD) is None
    assert len(statements) == 1
    company.services.usage.flush(everything=True)
    warned = "client_warned" in company.events(credential.id)
    assert warned is (policy is FamilyPolicy.WARN)


def test_of_two_first_clients_at_once_one_decides(company: Company) -> None:
    for _ in range(5):
        password, credential = company.issue()
        barrier = threading.Barrier(2)

        def first(user_agent: str, barrier: threading.Barrier = barrier, password: object = password) -> Reason | None:
            barrier.wait()
            return company.reason(password, user_agent=user_agent)  # type: ignore[arg-type]

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(first, [IPHONE, THUNDERBIRD]))
        assert sorted(map(str, answers)) == ["None", "client"]
        winner = ["ios", "thunderbird"][answers.index(None)]
        assert company.stored(credential.id).client_family == winner
        assert company.events(credential.id).count("first_used") == 1
        company.services.revocation.revoke([credential.id], by="test", why="test")
