"""Passkeys with an authenticator in software: what is accepted, and every field in which an answer can lie."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.moment import MINUTE, SECOND
from dav_gateway.core.sign_in import Proof, SignInReason, Stage, begin
from dav_gateway.service.page_services import PageOptions
from dav_gateway.store.database import Database

from .authenticator import BACKED_UP, BACKUP_ELIGIBLE, PRESENT, Authenticator, base64url
from .conftest import KEY, PUBLIC_URL, Company
from .signing_in import DESK, PHONE, RP_ID, Ana


@pytest.fixture
def ana(company: Company) -> Ana:
    return Ana(company)


@pytest.fixture
def small_ana(small_company: Company) -> Ana:
    return Ana(small_company)


def test_a_passkey_signs_in_alone_and_as_the_second_proof(ana: Ana) -> None:
    identity = ana.add_passkey(label=" Laptop  de Ana ")
    assert ana.page.standings.is_recent(identity)
    [passkey] = ana.page.factors.overview(ana.id).passkeys
    assert (passkey.label, passkey.transports, passkey.sign_count) == ("Laptop  de Ana", ("hybrid", "internal"), 1)
    assert len(ana.recovery) == 10
    alone = ana.show_passkey()
    assert alone.is_signed_in
    assert (alone.sign_in.account_id, alone.sign_in.proofs) == (ana.id, {Proof.PASSKEY_VERIFIED})
    half = ana.password().sign_in
    assert half.stage is Stage.SECOND
    ana.device.flags = PRESENT
    both = ana.show_passkey(half)
    assert both.sign_in.proofs == {Proof.PASSWORD, Proof.PASSKEY}
    [used] = ana.page.factors.overview(ana.id).passkeys
    assert (used.sign_count, used.last_used_at) == (3, ana.company.clock())
    assert [word for word, _ in ana.audit()] == ["signed_in", "second_factor_on", "signed_in", "signed_in"]


def test_what_the_browser_is_asked(small_ana: Ana) -> None:
    identity = small_ana.signed_in()
    asked = json.loads(small_ana.page.factors.passkey_options(identity).json)
    assert asked["rp"] == {"name": "Nogal", "id": RP_ID}
    assert asked["user"]["name"] == "ana"
    handle = base64.urlsafe_b64decode(asked["user"]["id"] + "==")
    assert b"ana" not in handle
    assert len(handle) == 32
    assert asked["attestation"] == "none"
    more = json.loads(small_ana.page.factors.passkey_options(small_ana.add_passkey(identity)).json)
    assert [each["id"] for each in more["excludeCredentials"]] == [base64url(small_ana.device.credential_id)]
    assert more["user"] == asked["user"], "one account, one user handle"
    anybody = json.loads(small_ana.page.identity.passkey_options(begin()).json)
    assert (anybody["rpId"], anybody["userVerification"], anybody.get("allowCredentials", [])) == (
        RP_ID,
        "required",
        [],
    )
    half = small_ana.password().sign_in
    second = json.loads(small_ana.page.identity.passkey_options(half).json)
    assert [each["id"] for each in second["allowCredentials"]] == [base64url(small_ana.device.credential_id)]
    assert second["userVerification"] == "preferred"
    challenges = {json.loads(small_ana.page.identity.passkey_options(begin()).json)["challenge"] for _ in range(5)}
    assert len(challenges) == 5


def test_alone_it_must_make_sure_of_its_user(small_ana: Ana) -> None:
    small_ana.add_passkey()
    small_ana.device.flags = PRESENT
    assert small_ana.show_passkey().sign_in.reason is SignInReason.WRONG
    assert small_ana.show_passkey(small_ana.again()).sign_in.reason is SignInReason.WRONG, (
        "asked again, it is alone too"
    )
    small_ana.device.flags |= 0x04
    assert small_ana.show_passkey(small_ana.again()).is_signed_in


LIES: dict[str, Callable[[Authenticator], None]] = {
    "another origin": lambda device: setattr(device, "origin", "https://dav.nogal.example.evil.example"),
    "plain http": lambda device: setattr(device, "origin", "http://dav.nogal.example"),
    "another relying party": lambda device: setattr(device, "rp_id", "evil.example"),
    "nobody present": lambda device: setattr(device, "flags", 0x04),
    "another key": lambda device: setattr(device, "key", Authenticator("", "").key),
    "another id": lambda device: setattr(device, "credential_id", b"\x08" * 16),
    "another user": lambda device: setattr(device, "user_handle", b"somebody else"),
    "no counter any more": lambda device: setattr(device, "count", 0),
    "a counter that stood still": lambda device: setattr(device, "count", device.count - 1),
    "flags that contradict": lambda device: setattr(device, "flags", 0x05 | BACKED_UP),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_lies(small_ana: Ana, lie: str) -> None:
    small_ana.add_passkey()
    assert small_ana.show_passkey().is_signed_in
    truth = replace(small_ana.device)
    LIES[lie](small_ana.device)
    outcome = small_ana.show_passkey()
    assert (outcome.sign_in.stage, outcome.sign_in.reason) == (Stage.FIRST, SignInReason.WRONG)
    small_ana.device = replace(truth, count=truth.count + 5)
    assert small_ana.show_passkey().is_signed_in


@pytest.mark.parametrize("lie", ["another origin", "another relying party", "nobody present"])
def test_a_registration_that_lies(small_ana: Ana, lie: str) -> None:
    identity = small_ana.signed_in()
    options = small_ana.page.factors.passkey_options(identity)
    LIES[lie](small_ana.device)
    answer = small_ana.device.register(options.json)
    with pytest.raises(Refusal, match="could not be verified"):
        small_ana.page.factors.add_passkey(identity, options.handle, answer, "Laptop", DESK)
    assert small_ana.page.factors.overview(small_ana.id).passkeys == ()
    assert "second_factor_on" not in [word for word, _ in small_ana.audit()]


def test_a_challenge_is_answered_once_in_time_and_by_whom_it_was_for(ana: Ana) -> None:
    ana.add_passkey()
    identity = ana.page.identity
    options = identity.passkey_options(begin())
    answer = ana.device.sign_in(options.json)
    assert identity.by_passkey(begin(), options.handle, answer, DESK).is_signed_in
    assert identity.by_passkey(begin(), options.handle, answer, DESK).sign_in.reason is SignInReason.WRONG
    other = identity.passkey_options(begin())
    assert not identity.by_passkey(begin(), other.handle, answer, DESK).is_signed_in, "an answer to another challenge"
    late = identity.passkey_options(begin())
    answer = ana.device.sign_in(late.json)
    ana.company.clock.advance(5 * MINUTE)
    assert not identity.by_passkey(begin(), late.handle, answer, DESK).is_signed_in
    half = ana.password().sign_in
    strangers = identity.passkey_options(begin())
    answer = ana.device.sign_in(strangers.json)
    assert not identity.by_passkey(half, strangers.handle, answer, DESK).is_signed_in, "begun for nobody known"
    for handle in ("", "x", "\u00e9" * 43, "A" * 43, "A" * 10_000):
        assert not identity.by_passkey(begin(), handle, answer, PHONE).is_signed_in


def test_of_many_answers_at_once_one_is_looked_at(ana: Ana) -> None:
    ana.add_passkey()
    options = ana.page.identity.passkey_options(begin())
    answer = ana.device.sign_in(options.json)
    barrier = Barrier(6)

    def attempt(_number: int) -> bool:
        barrier.wait(30)
        return ana.page.identity.by_passkey(begin(), options.handle, answer, DESK).is_signed_in

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(6))) == 1


def test_a_synced_passkey_counts_nothing(small_ana: Ana) -> None:
    small_ana.device.count = 0
    small_ana.device.flags |= BACKUP_ELIGIBLE
    small_ana.add_passkey()
    small_ana.device.flags |= BACKED_UP
    assert small_ana.show_passkey().is_signed_in
    assert small_ana.show_passkey().is_signed_in
    [passkey] = small_ana.page.factors.overview(small_ana.id).passkeys
    assert (passkey.sign_count, passkey.backed_up) == (0, True)


def test_somebody_elses_passkey_is_no_second_proof(small_ana: Ana) -> None:
    small_ana.add_passkey()
    services = small_ana.company.services
    services.accounts.add(name="ben", email="ben@nogal.example", password="correct horse ben", by="test")
    ben = services.page.identity.by_password(begin(), "ben", "correct horse ben", DESK).sign_in
    options = services.page.factors.passkey_options(ben)
    device = Authenticator(PUBLIC_URL, RP_ID, credential_id=b"\x09" * 16)
    ben = services.page.factors.add_passkey(ben, options.handle, device.register(options.json), "Ben", DESK).identity
    half = small_ana.password().sign_in
    asked = services.page.identity.passkey_options(half)
    outcome = services.page.identity.by_passkey(half, asked.handle, device.sign_in(asked.json), DESK)
    assert (outcome.sign_in.stage, outcome.sign_in.reason) == (Stage.SECOND, SignInReason.WRONG)
    options = services.page.factors.passkey_options(ben)
    stolen = replace(device, credential_id=small_ana.device.credential_id)
    with pytest.raises(Refusal, match="registered already"):
        services.page.factors.add_passkey(ben, options.handle, stolen.register(options.json), "Ana's", DESK)
    with pytest.raises(NotFound):
        services.page.factors.remove_passkey(ben, base64url(small_ana.device.credential_id), DESK)
    assert small_ana.show_passkey().is_signed_in


def test_names_and_removal(small_ana: Ana) -> None:
    identity = small_ana.add_passkey()
    [passkey] = small_ana.page.factors.overview(small_ana.id).passkeys
    small_ana.page.factors.rename_passkey(small_ana.id, passkey.id, " Portátil ")
    assert small_ana.page.factors.overview(small_ana.id).passkeys[0].label == "Portátil"
    for label in ("", "  ", "x" * 81, "a\nb", "a\u202eb"):
        with pytest.raises(Refusal, match="one line"):
            small_ana.page.factors.rename_passkey(small_ana.id, passkey.id, label)
    for name in ("unknown", "a\x00b", "\ud800", ""):
        with pytest.raises(NotFound):
            small_ana.page.factors.rename_passkey(small_ana.id, name, "x")
        with pytest.raises(NotFound):
            small_ana.page.factors.remove_passkey(identity, name, DESK)
    small_ana.page.factors.remove_passkey(identity, passkey.id, DESK)
    overview = small_ana.page.factors.overview(small_ana.id)
    assert (overview.passkeys, overview.recovery_codes_left) == ((), 0)
    assert small_ana.show_passkey().sign_in.reason is SignInReason.WRONG
    assert small_ana.password().is_signed_in


def test_at_most_twenty(small_ana: Ana) -> None:
    identity = small_ana.signed_in()
    for number in range(20):
        small_ana.device = replace(small_ana.device, credential_id=bytes([number]) * 16)
        identity = small_ana.add_passkey(identity)
    with pytest.raises(Refusal, match="at most 20"):
        small_ana.page.factors.passkey_options(identity)


@pytest.mark.parametrize(
    ("public_url", "possible"),
    [
        ("https://dav.nogal.example", True),
        ("https://dav.nogal.example:8443", True),
        ("http://localhost:8765", True),
        ("http://dav.nogal.example", False),
        ("http://127.0.0.1:8765", False),
        ("https://[::1]:8765", False),
    ],
)
def test_where_browsers_offer_them(
    sqlite_database: Database, found_company: Callable[..., Company], public_url: str, possible: bool
) -> None:
    ana = Ana(found_company(sqlite_database, page=PageOptions(public_url=public_url, read_key=lambda: Keyring(KEY))))
    assert ana.page.factors.overview(ana.id).passkeys_are_possible is possible
    if possible:
        ana.device = Authenticator(public_url, public_url.split("//")[1].split(":", maxsplit=1)[0])
        ana.add_passkey()
        assert ana.show_passkey().is_signed_in
    else:
        with pytest.raises(Refusal, match="host name and https"):
            ana.add_passkey()


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["public-key", "AAAA", "e30"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature", "userHandle"]
FIELDS += ["attestationObject", "transports"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(FIELDS), value=ANSWERS | st.binary(max_size=200).map(base64url), text=st.text(max_size=30))
def test_no_answer_breaks_it(small_ana: Ana, field: str, value: Any, text: str) -> None:
    """Hostile JSON, base64url, CBOR: refused, never a fault; and the honest one is accepted afterwards."""
    small_ana.company.clock.advance(30 * SECOND * 100)
    identity = small_ana.password().sign_in
    if identity.stage is Stage.SECOND:
        identity = small_ana.show_passkey().sign_in
    if not small_ana.page.factors.overview(small_ana.id).passkeys:
        identity = small_ana.add_passkey(identity)
    options = small_ana.page.factors.passkey_options(identity)
    answer = _changed(replace(small_ana.device, credential_id=b"new").register(options.json), field, value)
    for broken in (answer, text):
        try:
            done = small_ana.page.factors.add_passkey(identity, options.handle, broken, "Broken", DESK)
        except Refusal:
            continue
        [*_, added] = small_ana.page.factors.overview(small_ana.id).passkeys
        small_ana.page.factors.remove_passkey(done.identity, added.id, DESK)
    asked = small_ana.page.identity.passkey_options(begin())
    answer = _changed(small_ana.device.sign_in(asked.json), field, value)
    small_ana.page.identity.by_passkey(begin(), asked.handle, answer, DESK)
    assert small_ana.show_passkey(caller=PHONE).is_signed_in


def _changed(answer: str, field: str, value: Any) -> str:
    told = json.loads(answer)
    (told if field in told else told["response"])[field] = value
    return json.dumps(told)
