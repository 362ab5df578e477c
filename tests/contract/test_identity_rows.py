"""What stands behind signing in: each thing that may be used once is used once, whoever asks at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from dav_gateway.core.account import Account
from dav_gateway.core.moment import HOUR, Moment
from dav_gateway.store import (
    ceremonies,
    oidc_identities,
    passkeys,
    password_resets,
    recovery_codes,
    second_factors,
)
from dav_gateway.store.database import Database
from dav_gateway.store.passkeys import Passkey

AT_ONCE = 8


def winners(attempt: Callable[[], bool]) -> int:
    """How many of several attempts at the same moment succeed."""
    barrier = Barrier(AT_ONCE)

    def one(_number: int) -> bool:
        barrier.wait(30)
        return attempt()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(one, range(AT_ONCE)))


def test_a_draft_becomes_a_factor_once(database: Database, ana: Account, now: Moment) -> None:
    with database.write() as c:
        assert second_factors.draft(c, ana.id, "totp", b"first", now)
        assert second_factors.draft(c, ana.id, "totp", b"second", now)
        draft = second_factors.get(c, ana.id, "totp")
        assert draft is not None
        assert (draft.secret, draft.confirmed_at) == (b"second", None)
        assert not second_factors.use(c, ana.id, "totp", 5), "it is not on yet"
        assert not second_factors.confirm(c, replace(draft, secret=b"first"), 5, now), "not the draft that was shown"
    with database.write() as c:
        assert second_factors.confirm(c, draft, 5, now)
        assert not second_factors.confirm(c, draft, 6, now)
        assert not second_factors.draft(c, ana.id, "totp", b"third", now), "one that is on is not replaced"
        kept = second_factors.lock(c, ana.id, "totp")
    assert kept is not None
    assert (kept.secret, kept.confirmed_at, kept.last_step) == (b"second", now, 5)
    assert "second" not in repr(kept)
    with database.write() as c:
        assert second_factors.remove(c, ana.id, "totp")
        assert not second_factors.remove(c, ana.id, "totp")
        assert second_factors.get(c, ana.id, "totp") is None


def test_a_step_is_used_once(database: Database, ana: Account, now: Moment) -> None:
    with database.write() as c:
        second_factors.draft(c, ana.id, "totp", b"sealed", now)
        draft = second_factors.get(c, ana.id, "totp")
        assert draft is not None
        second_factors.confirm(c, draft, 5, now)

    def attempt() -> bool:
        with database.write() as c:
            return second_factors.use(c, ana.id, "totp", 6)

    assert winners(attempt) == 1
    with database.write() as c:
        assert not second_factors.use(c, ana.id, "totp", 4)
        assert second_factors.use(c, ana.id, "totp", 7)
        second_factors.fail(c, ana.id, "totp", 3, now)
        kept = second_factors.get(c, ana.id, "totp")
        assert kept is not None
        assert (kept.last_step, kept.failures, kept.failed_at) == (7, 3, now)
        second_factors.use(c, ana.id, "totp", 8)
        kept = second_factors.get(c, ana.id, "totp")
        assert kept is not None
        assert (kept.failures, kept.failed_at) == (0, None)


def test_a_recovery_code_is_used_once(database: Database, ana: Account, now: Moment) -> None:
    with database.write() as c:
        recovery_codes.replace(c, ana.id, ["a", "b"], now)

    def attempt() -> bool:
        with database.write() as c:
            return recovery_codes.use(c, ana.id, "a", now)

    assert winners(attempt) == 1
    with database.write() as c:
        assert recovery_codes.left(c, ana.id) == 1
        assert not recovery_codes.use(c, ana.id + 1, "b", now)
        assert recovery_codes.is_known(c, ana.id, "a")
        recovery_codes.replace(c, ana.id, ["c"], now)
        assert not recovery_codes.is_known(c, ana.id, "a")
        assert not recovery_codes.use(c, ana.id, "b", now)
        recovery_codes.replace(c, ana.id, [], now)
        assert recovery_codes.left(c, ana.id) == 0


def test_a_ceremony_is_taken_once_and_in_time(database: Database, ana: Account, now: Moment) -> None:
    def keep(digest: str, expires_at: int, account_id: int | None = ana.id) -> None:
        with database.write() as c:
            ceremonies.add(
                c,
                digest=digest,
                kind="passkey",
                account_id=account_id,
                detail=b"sealed",
                expires_at=Moment(expires_at),
                now=now,
            )

    keep("a", now + HOUR)

    def attempt() -> bool:
        with database.write() as c:
            return ceremonies.take(c, digest="a", kind="passkey", now=now) is not None

    with database.write() as c:
        assert ceremonies.take(c, digest="a", kind="oidc", now=now) is None, "of another kind"
    assert winners(attempt) == 1
    keep("late", now + 10)
    with database.write() as c:
        assert ceremonies.take(c, digest="late", kind="passkey", now=Moment(now + 10)) is None
    keep("stranger", now + 10, None)
    with database.write() as c:
        assert ceremonies.take(c, digest="stranger", kind="passkey", now=now) == (None, b"sealed")


def test_ceremonies_that_are_over_are_forgotten(database: Database, ana: Account, now: Moment) -> None:
    for number in range(3):
        with database.write() as c:
            ceremonies.add(
                c,
                digest=str(number),
                kind="passkey",
                account_id=None,
                detail=b"",
                expires_at=Moment(now + number * 10 + 5),
                now=Moment(now + number * 10),
            )
    with database.read() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM ceremony").scalar_one() == 1


def test_a_reset_link_is_used_once_and_in_time(database: Database, ana: Account, now: Moment) -> None:
    with database.write() as c:
        for digest in ("a", "b", "late"):
            expires_at = now if digest == "late" else Moment(now + HOUR)
            password_resets.add(c, digest=digest, account_id=ana.id, made_by="test", now=now, expires_at=expires_at)
        assert password_resets.find(c, "a", now) == ana.id
        assert password_resets.find(c, "late", now) is None
        assert password_resets.find(c, "a", Moment(now - 1)) is None, "the clock was set back"
        assert password_resets.use(c, "late", now) is None
        assert password_resets.use(c, "unknown", now) is None

    def attempt() -> bool:
        with database.write() as c:
            return password_resets.use(c, "a", now) == ana.id

    assert winners(attempt) == 1
    with database.write() as c:
        password_resets.void(c, ana.id, now)
        assert password_resets.find(c, "b", now) is None


def test_passkeys(database: Database, ana: Account, now: Moment) -> None:
    key = Passkey("id-1", ana.id, "Laptop", b"key", 5, ("hybrid", "internal"), backed_up=False, created_at=now)
    with database.write() as c:
        assert passkeys.add(c, key)
        assert not passkeys.add(c, replace(key, label="again"))
        assert passkeys.get(c, "id-1") == key
        assert passkeys.of_account(c, ana.id) == [key]
        assert not passkeys.use(c, "id-1", 5, now, backed_up=False), "the counter did not grow"
        assert not passkeys.use(c, "id-1", 0, now, backed_up=False)

    def attempt() -> bool:
        with database.write() as c:
            return passkeys.use(c, "id-1", 6, now, backed_up=True)

    assert winners(attempt) == 1
    with database.write() as c:
        used = passkeys.get(c, "id-1")
        assert used == replace(key, sign_count=6, backed_up=True, last_used_at=now)
        assert passkeys.add(c, replace(key, id="synced", sign_count=0))
        assert passkeys.use(c, "synced", 0, now, backed_up=True), "a synced passkey counts nothing"
        assert passkeys.rename(c, ana.id, "id-1", "Phone")
        assert not passkeys.rename(c, ana.id + 1, "id-1", "Mine")
        assert passkeys.remove(c, ana.id + 1, ["id-1"]) == 0
        assert passkeys.count(c, ana.id) == 2
        assert passkeys.remove(c, ana.id, ["id-1", "unknown"]) == 1
        assert passkeys.remove(c, ana.id) == 1


def test_a_subject_is_linked_once(database: Database, ana: Account, now: Moment) -> None:
    with database.write() as c:
        assert oidc_identities.find(c, "https://id.example", "sub") is None
        assert oidc_identities.link(c, "https://id.example", "sub", ana.id, now)
        assert not oidc_identities.link(c, "https://id.example", "sub", ana.id, now)
        assert oidc_identities.link(c, "https://other.example", "sub", ana.id, Moment(now + 1))
        assert oidc_identities.find(c, "https://id.example", "sub") == ana.id
        oidc_identities.note_use(c, "https://id.example", "sub", now)
        assert oidc_identities.of_account(c, ana.id) == [
            ("https://id.example", "sub"),
            ("https://other.example", "sub"),
        ]
        assert oidc_identities.unlink(c, ana.id) == 2
