"""The fence: what a request may still do when it commits, asked inside the transaction that writes."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest

from dav_gateway.core.credential import Credential, Network, Reason
from dav_gateway.core.errors import Fenced
from dav_gateway.core.moment import HOUR, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.service.reach import lost
from dav_gateway.service.verification import Granted
from dav_gateway.store import accounts

from .conftest import START, Company

BOTH = [Scope.CALENDARS, Scope.CONTACTS]
Change = Callable[[Company, str], object]


def nothing(_company: Company, _credential_id: str) -> None:
    """Leaves everything as it is."""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (nothing, None),
        (lambda c, i: c.services.issuing.rename(i, "new label", actor="test"), None),
        (lambda c, i: c.services.revocation.revoke([i], by="test", why="test"), Reason.REVOKED),
        (lambda c, i: c.services.revocation.revoke_all("ana", by="test", why="test"), Reason.REVOKED),
        (lambda c, i: c.services.revocation.pause(i, by="test"), Reason.PAUSED),
        (lambda c, i: c.services.accounts.deactivate("ana", by="test"), Reason.ACCOUNT_INACTIVE),
        (lambda c, i: c.clock.advance(HOUR), Reason.EXPIRED),
        (lambda c, i: c.services.revocation.narrow(i, by="test", scopes=frozenset({Scope.CONTACTS})), Reason.SCOPE),
        (lambda c, i: c.services.revocation.narrow(i, by="test", access=Access.READ_ONLY), Reason.READ_ONLY),
        (lambda c, i: c.services.revocation.narrow(i, by="test", collections=frozenset({"work"})), Reason.SCOPE),
        (
            lambda c, i: c.services.revocation.narrow(i, by="test", networks=(ip_network("192.0.2.0/28"),)),
            Reason.ADDRESS,
        ),
    ],
    ids=[
        "nothing",
        "renamed",
        "revoked",
        "all",
        "paused",
        "deactivated",
        "expired",
        "scope",
        "access",
        "collections",
        "networks",
    ],
)
def test_a_write_meets_what_was_decided_since(company: Company, change: Change, reason: Reason | None) -> None:
    password, credential = company.issue(scopes=BOTH, expires_at=Moment(START + HOUR), networks=["192.0.2.0/24"])
    verdict = company.verify(password)
    assert isinstance(verdict, Granted)
    change(company, credential.id)
    fence = company.services.verification.fence(verdict.grant)
    if reason is None:
        with company.database.write(fence) as connection:
            accounts.change(connection, verdict.grant.account.id, title="written")
        assert company.services.accounts.get("ana").title == "written"
        return
    with pytest.raises(Fenced) as fenced, company.database.write(fence) as connection:
        accounts.change(connection, verdict.grant.account.id, title="written")
    assert fenced.value.reason is reason
    assert company.services.accounts.get("ana").title == ""


def credential(**fields: object) -> Credential:
    made: dict[str, object] = {"access": Access.READ_WRITE, "collections": None, "networks": (), **fields}
    base = Credential.__new__(Credential)
    for name in Credential.__slots__:
        object.__setattr__(base, name, None)
    return replace(base, scopes=frozenset(made.pop("scopes", BOTH)), **made)  # type: ignore[arg-type, call-overload]


def nets(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {}, None),
        ({"scopes": {Scope.CALENDARS}}, {}, None),
        ({}, {"scopes": {Scope.CALENDARS}}, Reason.SCOPE),
        ({"access": Access.READ_ONLY}, {}, None),
        ({}, {"access": Access.READ_ONLY}, Reason.READ_ONLY),
        ({"collections": frozenset({"a"})}, {}, None),
        ({"collections": frozenset({"a"})}, {"collections": frozenset({"a", "b"})}, None),
        ({"collections": frozenset({"a", "b"})}, {"collections": frozenset({"a"})}, Reason.SCOPE),
        ({}, {"collections": frozenset({"a"})}, Reason.SCOPE),
        ({"networks": nets("192.0.2.0/24")}, {}, None),
        ({"networks": nets("192.0.2.0/28")}, {"networks": nets("192.0.2.0/24", "2001:db8::/32")}, None),
        ({"networks": nets("192.0.2.0/24")}, {"networks": nets("192.0.2.0/28")}, Reason.ADDRESS),
        ({"networks": nets("192.0.2.0/24", "2001:db8::/64")}, {"networks": nets("192.0.2.0/24")}, Reason.ADDRESS),
        ({}, {"networks": nets("0.0.0.0/0", "::/0")}, Reason.ADDRESS),
    ],
)
def test_what_one_state_has_that_the_other_lacks(
    before: dict[str, object], after: dict[str, object], reason: Reason | None
) -> None:
    assert lost(credential(**before), credential(**after)) is reason
