"""An app password that was just shown, for the seconds in which the same form may come a second time: a double click
without JavaScript shows the answer to the second request only.

What is kept is sealed under the form's own word, of which the store has nothing but a digest: the word stands in the
browser alone, so neither the database nor this process can open what is kept. It is deleted when the seconds are over.
"""

from collections.abc import Callable
from hashlib import blake2b

from sqlalchemy import Connection

from dav_gateway.core import secret
from dav_gateway.core.account import Account
from dav_gateway.core.keyring import NONCE_LENGTH, Keyring
from dav_gateway.core.moment import SECOND, Moment
from dav_gateway.core.secret import AppPassword
from dav_gateway.store import audit, ceremonies
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database

LIFETIME = 30 * SECOND
SHORTEST_WORD = 32
"""Hexadecimal digits: 128 random bits. The key is made of the word, so it must not be guessed."""

_KIND = "shown-again"


class ShownAgain:
    """Keeps what was shown, and shows it again to who has the word."""

    def __init__(self, database: Database, clock: Callable[[], Moment], choose: Callable[[int], bytes]) -> None:
        """`choose(n)` returns n random bytes."""
        self._database = database
        self._clock = clock
        self._choose = choose

    def keep(self, connection: Connection, word: str, password: AppPassword, account_id: int) -> None:
        """In the transaction that issues `password`: keep it for whoever brings `word` of the account."""
        digest, now = _digest(word), self._clock()
        sealed = _key(word).seal(_KIND, digest, password.reveal().encode(), self._choose(NONCE_LENGTH))
        ceremonies.add(
            connection,
            digest=digest,
            kind=_KIND,
            account_id=account_id,
            detail=sealed,
            expires_at=Moment(now + LIFETIME),
            now=now,
        )

    def look(self, word: str, account: Account) -> AppPassword | None:
        """What was kept under this word for this account; None when the seconds are over. The audit says so."""
        if len(word) < SHORTEST_WORD:
            return None
        digest, now = _digest(word), self._clock()
        with self._database.write() as connection:
            found = ceremonies.look(connection, digest=digest, kind=_KIND, now=now)
            if found is None or found[0] != account.id:
                return None
            password = secret.parse(_key(word).open(_KIND, digest, found[1]).decode())
            assert isinstance(password, AppPassword), "only whole ones are kept"
            detail = {"again": True}
            audit.append(connection, Event(now, "shown", account.name, password.id, account.name, detail=detail))
        return password

    def sweep(self) -> None:
        """Forget what is over. Raises StoreUnavailable."""
        now = self._clock()
        with self._database.read() as connection:
            if not ceremonies.is_any_over(connection, now):
                return
        with self._database.write() as connection:
            ceremonies.forget(connection, now)


def _digest(word: str) -> str:
    return blake2b(word.encode(errors="replace"), digest_size=32, person=b"shown-again").hexdigest()


def _key(word: str) -> Keyring:
    return Keyring(blake2b(word.encode(errors="replace"), digest_size=32, person=b"shown-again-key").digest())
