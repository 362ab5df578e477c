"""API keys, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text
from tests.service.conftest import START, Company

from dav_gateway.core.api_key import PREFIX, ApiScope
from dav_gateway.core.errors import NotFound, Refusal

READ = frozenset({ApiScope.APP_PASSWORDS_READ})


def test_a_key_from_issue_to_revocation(company: Company) -> None:
    keys = company.services.api_keys
    made, key = keys.issue(" portal ", READ, by="boss")
    assert made.reveal().startswith(PREFIX)
    assert (key.name, key.scopes, key.created_by, key.created_at) == ("portal", READ, "boss", START)
    assert keys.verify(made.reveal()) == key
    assert key.may(ApiScope.APP_PASSWORDS_READ)
    assert not key.may(ApiScope.APP_PASSWORDS_ISSUE)
    revoked = keys.revoke(key.id, by="other")
    assert (revoked.revoked_by, revoked.may(ApiScope.APP_PASSWORDS_READ)) == ("other", False)
    assert keys.verify(made.reveal()) is None
    with pytest.raises(NotFound):
        keys.revoke(key.id, by="boss")
    assert keys.every() == [revoked]
    assert [word for word in company.events() if word.startswith("api_key")] == ["api_key_issued", "api_key_revoked"]


def test_the_text_is_stored_nowhere(company: Company) -> None:
    made, key = company.services.api_keys.issue("portal", READ, by="boss")
    with company.database.read() as connection:
        stored = "".join(str(connection.execute(text(f"SELECT * FROM {each}")).all()) for each in ("api_key", "audit"))
    assert made.reveal().removeprefix(PREFIX) not in stored + repr((made, key))


def test_of_two_revocations_at_once_one_counts(company: Company) -> None:
    _made, key = company.services.api_keys.issue("portal", READ, by="boss")
    together = Barrier(2)

    def revoke(name: str) -> bool:
        together.wait()
        try:
            company.services.api_keys.revoke(key.id, by=name)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(revoke, ["a", "b"])) == [False, True]
    assert company.events().count("api_key_revoked") == 1


@pytest.mark.parametrize("junk", ["", PREFIX, "x", PREFIX + "x" * 43, "x" * 43, PREFIX + "é" * 43, "x" * 100_000])
def test_junk_is_no_key(small_company: Company, junk: str) -> None:
    small_company.services.api_keys.issue("portal", READ, by="boss")
    assert small_company.services.api_keys.verify(junk) is None


def test_the_prefix_belongs_to_the_key(small_company: Company) -> None:
    made, _key = small_company.services.api_keys.issue("portal", READ, by="boss")
    assert small_company.services.api_keys.verify(made.reveal().removeprefix(PREFIX)) is None


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 81, "a\u202eb"])
def test_names_that_cannot_be(small_company: Company, name: str) -> None:
    with pytest.raises(Refusal):
        small_company.services.api_keys.issue(name, READ, by="boss")
    with pytest.raises(Refusal, match="scope"):
        small_company.services.api_keys.issue("portal", frozenset(), by="boss")
    assert small_company.services.api_keys.every() == []
