"""Single sign-on against a provider in a process of its own, over real sockets."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests

from dav_gateway.core.errors import Refusal
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.moment import MINUTE, Moment
from dav_gateway.core.sign_in import Proof, SignIn, SignInReason, Stage, begin
from dav_gateway.service.identity import Outcome
from dav_gateway.service.oidc_provider import OidcProvider, ProviderFault
from dav_gateway.service.oidc_registration import Registration
from dav_gateway.service.page_services import PageOptions
from dav_gateway.service.single_sign_on import SingleSignOn
from dav_gateway.service.standings import IdentityNeeded
from dav_gateway.store.database import Database, system_clock

from .conftest import KEY, PUBLIC_URL, Company
from .signing_in import DESK, Ana

BROWSER = "the session cookie of this browser"
PEOPLE = [
    {"sub": "ana-there", "claims": {"email": "Ana@nogal.example", "email_verified": True}},
    {"sub": "mallory", "claims": {"email": "ana@nogal.example", "email_verified": False}},
    {"sub": "truthy", "claims": {"email": "ana@nogal.example", "email_verified": "true"}},
    {"sub": "heir", "claims": {"email": "ana@nogal.example", "email_verified": True}},
    {"sub": "stranger", "claims": {"email": "stranger@elsewhere.example", "email_verified": True}},
    {"sub": "name-only", "claims": {"email": "ana", "email_verified": True}},
    {"sub": "strong", "claims": {"email": "ana@nogal.example", "email_verified": True, "amr": ["pwd", "mfa"]}},
]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The provider's address."""
    program = Path(__file__).with_name("provider.py")
    process = subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdin, process.stdout:
        print(json.dumps(PEOPLE), file=process.stdin, flush=True)
        yield f"http://localhost:{int(process.stdout.readline())}"
        process.kill()


@dataclass
class Desk:
    """Ana's company with the provider, and a browser."""

    ana: Ana
    issuer: str

    @property
    def sso(self) -> SingleSignOn:
        found = self.ana.page.single_sign_on
        assert found is not None
        return found

    def go(self, url: str, subject: str) -> dict[str, str]:
        """What the browser brings back after `subject` signed in there."""
        sent = requests.post(url, data={"sub": subject}, allow_redirects=False, timeout=20)
        assert sent.status_code == 302, sent.text
        assert sent.headers["Location"].startswith(f"{PUBLIC_URL}/login/single-sign-on?")
        return dict(parse_qsl(urlsplit(sent.headers["Location"]).query))

    def sign_in(self, subject: str, at: SignIn | None = None) -> Outcome:
        answer = self.go(self.sso.begin(BROWSER), subject)
        return self.sso.finish(at or begin(), BROWSER, answer, DESK)


@pytest.fixture
def make_desk(found_company: Callable[..., Company], issuer: str) -> Callable[..., Desk]:
    def made(database: Database, **registration: object) -> Desk:
        given = {"issuer": issuer, "client_id": "dav-gateway", "client_secret": "hush", **registration}
        options = PageOptions(
            public_url=PUBLIC_URL,
            read_key=lambda: Keyring(KEY),
            provider=Registration(**given),  # type: ignore[arg-type]
        )
        company = found_company(database, page=options)
        company.clock.now = system_clock()  # the provider has the machine's
        return Desk(Ana(company), issuer)

    return made


@pytest.fixture
def desk(database: Database, make_desk: Callable[..., Desk]) -> Desk:
    return make_desk(database)


@pytest.fixture
def small_desk(sqlite_database: Database, make_desk: Callable[..., Desk]) -> Desk:
    return make_desk(sqlite_database)


def test_a_verified_address_finds_its_account_and_links_it(desk: Desk) -> None:
    outcome = desk.sign_in("ana-there")
    assert (outcome.sign_in.stage, outcome.sign_in.account_id) == (Stage.SIGNED_IN, desk.ana.id)
    assert outcome.sign_in.proofs == {Proof.SINGLE_SIGN_ON}
    desk.ana.company.services.accounts.change("ana", by="test", email="other@nogal.example")
    assert desk.sign_in("ana-there").sign_in.account_id == desk.ana.id, "from now on the link counts"


@pytest.mark.parametrize("subject", ["mallory", "truthy", "stranger", "name-only", "nobody-known"])
def test_whoever_is_not_certainly_an_account_gets_nowhere(small_desk: Desk, subject: str) -> None:
    outcome = small_desk.sign_in(subject)
    assert (outcome.sign_in.stage, outcome.sign_in.reason) == (Stage.FIRST, SignInReason.NOT_LINKED)
    assert small_desk.ana.audit()[-1] == ("sign_in_failed", {"reason": "not-linked", "proof": "single-sign-on"})


def test_an_address_that_was_given_to_somebody_else_is_no_way_in(small_desk: Desk) -> None:
    assert small_desk.sign_in("ana-there").is_signed_in
    assert small_desk.sign_in("heir").sign_in.reason is SignInReason.NOT_LINKED


def test_the_factor_of_the_account_is_asked_for_all_the_same(small_desk: Desk) -> None:
    small_desk.ana.turn_codes_on()
    small_desk.ana.company.clock.advance(30_000)
    half = small_desk.sign_in("ana-there").sign_in
    assert half.stage is Stage.SECOND
    assert small_desk.ana.page.identity.by_code(half, small_desk.ana.code(), DESK).is_signed_in


def test_unless_the_provider_asked_for_one(small_desk: Desk) -> None:
    small_desk.ana.turn_codes_on()
    outcome = small_desk.sign_in("strong")
    assert outcome.is_signed_in
    assert outcome.sign_in.proofs == {Proof.SINGLE_SIGN_ON_STRONG}


def test_a_deactivated_account_stays_out(small_desk: Desk) -> None:
    assert small_desk.sign_in("ana-there").is_signed_in
    small_desk.ana.company.services.accounts.deactivate("ana", by="test")
    outcome = small_desk.sign_in("ana-there")
    assert (outcome.sign_in.stage, outcome.sign_in.reason) == (Stage.REFUSED, SignInReason.INACTIVE)


def test_what_the_provider_is_asked(small_desk: Desk) -> None:
    query = parse_qs(urlsplit(small_desk.sso.begin(BROWSER)).query)
    assert query["response_type"] == ["code"]
    assert query["scope"] == ["openid email"]
    assert query["redirect_uri"] == [f"{PUBLIC_URL}/login/single-sign-on"]
    assert query["code_challenge_method"] == ["S256"]
    assert {len(query[name][0]) for name in ("state", "nonce", "code_challenge")} == {43}
    again = parse_qs(urlsplit(small_desk.sso.begin(BROWSER)).query)
    for name in ("state", "nonce", "code_challenge"):
        assert again[name] != query[name]
    with small_desk.ana.company.database.read() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM ceremony").all())
    assert query["state"][0] not in rows
    assert query["nonce"][0] not in rows


def test_a_state_counts_once_for_one_browser_and_for_ten_minutes(desk: Desk) -> None:
    answer = desk.go(desk.sso.begin(BROWSER), "ana-there")
    assert desk.sso.finish(begin(), "another browser", answer, DESK).sign_in.reason is SignInReason.FORGED
    assert desk.sso.finish(begin(), BROWSER, answer, DESK).sign_in.reason is SignInReason.FORGED, "it was used up"
    answer = desk.go(desk.sso.begin(BROWSER), "ana-there")
    assert desk.sso.finish(begin(), BROWSER, answer, DESK).is_signed_in
    assert desk.sso.finish(begin(), BROWSER, answer, DESK).sign_in.reason is SignInReason.FORGED
    answer = desk.go(desk.sso.begin(BROWSER), "ana-there")
    desk.ana.company.clock.advance(10 * MINUTE)
    assert desk.sso.finish(begin(), BROWSER, answer, DESK).sign_in.reason is SignInReason.FORGED


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"state": ""},
        {"state": "x" * 100_000, "code": "x"},
        {"state": "\u00e9", "code": "x"},
        {"code": "x"},
        {"error": "access_denied"},
    ],
)
def test_an_answer_to_no_question(small_desk: Desk, answer: dict[str, str]) -> None:
    outcome = small_desk.sso.finish(begin(), BROWSER, answer, DESK)
    assert (outcome.sign_in.stage, outcome.sign_in.reason) == (Stage.FIRST, SignInReason.FORGED)


def test_a_refusal_there_another_issuer_and_an_invented_code(small_desk: Desk) -> None:
    def state() -> str:
        return parse_qs(urlsplit(small_desk.sso.begin(BROWSER)).query)["state"][0]

    denied = small_desk.sso.finish(begin(), BROWSER, {"state": state(), "error": "access_denied"}, DESK)
    assert denied.sign_in.reason is SignInReason.WRONG
    empty = small_desk.sso.finish(begin(), BROWSER, {"state": state(), "code": ""}, DESK)
    assert empty.sign_in.reason is SignInReason.WRONG
    mixed = {**small_desk.go(small_desk.sso.begin(BROWSER), "ana-there"), "iss": "https://evil.example"}
    assert small_desk.sso.finish(begin(), BROWSER, mixed, DESK).sign_in.reason is SignInReason.FORGED
    with pytest.raises(ProviderFault):
        small_desk.sso.finish(begin(), BROWSER, {"state": state(), "code": "invented"}, DESK)


def test_a_code_of_another_sign_in_is_refused_by_its_verifier(small_desk: Desk) -> None:
    stolen = small_desk.go(small_desk.sso.begin(BROWSER), "ana-there")
    mine = parse_qs(urlsplit(small_desk.sso.begin("mallory's browser")).query)["state"][0]
    with pytest.raises(ProviderFault):
        small_desk.sso.finish(begin(), "mallory's browser", {"state": mine, "code": stolen["code"]}, DESK)


def test_an_id_token_for_another_question_is_refused(small_desk: Desk) -> None:
    registration = Registration(small_desk.issuer, "dav-gateway", "hush")
    provider = OidcProvider(registration, f"{PUBLIC_URL}/login/single-sign-on", system_clock)
    verifier = "v" * 43

    def code() -> str:
        url = provider.authorization_url(state="s", nonce="asked" * 9, verifier=verifier)
        return small_desk.go(url, "ana-there")["code"]

    assert provider.claims(code(), nonce="asked" * 9, verifier=verifier).subject == "ana-there"
    with pytest.raises(ProviderFault):
        provider.claims(code(), nonce="other" * 9, verifier=verifier)
    with pytest.raises(ProviderFault):
        provider.claims(code(), nonce="asked" * 9, verifier="w" * 43)
    other = OidcProvider(
        Registration(small_desk.issuer, "another", "hush"), f"{PUBLIC_URL}/login/single-sign-on", system_clock
    )
    url = other.authorization_url(state="s", nonce="n" * 43, verifier=verifier)
    with pytest.raises(ProviderFault):
        provider.claims(small_desk.go(url, "ana-there")["code"], nonce="n" * 43, verifier=verifier)


def test_an_id_token_from_another_time_is_refused(small_desk: Desk) -> None:
    answer = small_desk.go(small_desk.sso.begin(BROWSER), "ana-there")
    small_desk.ana.company.clock.now = Moment(system_clock() - 5 * MINUTE)
    with pytest.raises(ProviderFault):
        small_desk.sso.finish(begin(), BROWSER, answer, DESK)


def test_where_only_links_count_one_is_made_by_who_is_signed_in(
    sqlite_database: Database, make_desk: Callable[..., Desk]
) -> None:
    desk = make_desk(sqlite_database, by_email=False)
    assert desk.sign_in("ana-there").sign_in.reason is SignInReason.NOT_LINKED
    with pytest.raises(IdentityNeeded):
        desk.sso.begin_link(begin(), BROWSER)
    identity = desk.ana.password().sign_in
    answer = desk.go(desk.sso.begin_link(identity, BROWSER), "ana-there")
    outcome = desk.sso.finish(begin(), BROWSER, answer, DESK)
    assert outcome.sign_in.reason is SignInReason.FORGED, "a link is no sign-in"
    desk.sso.finish_link(identity, BROWSER, answer, DESK)
    assert desk.sign_in("ana-there").is_signed_in
    with pytest.raises(Refusal, match="begin again"):
        desk.sso.finish_link(identity, BROWSER, answer, DESK)
    answer = desk.go(desk.sso.begin_link(identity, BROWSER), "ana-there")
    with pytest.raises(Refusal, match="linked to an account already"):
        desk.sso.finish_link(identity, BROWSER, answer, DESK)


@pytest.mark.parametrize("path", ["/nothing-here", "/oauth2/authorize"])
def test_a_provider_that_is_not_one(
    sqlite_database: Database, make_desk: Callable[..., Desk], issuer: str, path: str
) -> None:
    with pytest.raises(ProviderFault):
        make_desk(sqlite_database, issuer=issuer + path).sso.begin(BROWSER)


def test_a_provider_that_does_not_answer(sqlite_database: Database, make_desk: Callable[..., Desk]) -> None:
    with pytest.raises(ProviderFault, match="cannot be reached"):
        make_desk(sqlite_database, issuer="http://localhost:1").sso.begin(BROWSER)


def test_an_issuer_is_compared_to_the_letter(
    sqlite_database: Database, make_desk: Callable[..., Desk], issuer: str
) -> None:
    with pytest.raises(ProviderFault):
        make_desk(sqlite_database, issuer=issuer + "/").sso.begin(BROWSER)


def test_the_client_secret_does_not_print(issuer: str) -> None:
    assert "hush" not in repr(Registration(issuer, "dav-gateway", "hush"))
