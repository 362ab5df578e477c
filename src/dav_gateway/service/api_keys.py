"""API keys: issue, verify, revoke. Whoever calls these has made sure that an administrator asks."""

import unicodedata
from collections.abc import Callable, Collection

from dav_gateway.core import api_key
from dav_gateway.core.api_key import ApiKey, ApiScope
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.core.one_time import OneTimeSecret
from dav_gateway.store import api_keys, audit
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database

LONGEST_NAME = 80


class ApiKeys:
    """The keys of one database."""

    def __init__(self, database: Database, clock: Callable[[], Moment], choose: Callable[[int], bytes]) -> None:
        """`choose(n)` returns n random bytes, fit for secrets."""
        self._database = database
        self._clock = clock
        self._choose = choose

    def issue(self, name: str, scopes: Collection[ApiScope], *, by: str) -> tuple[OneTimeSecret, ApiKey]:
        """A new key and its record; its text exists only in what is returned. Raises Refusal for a name or for scopes
        that cannot be."""
        named = unicodedata.normalize("NFC", name).strip()
        if not named or len(named) > LONGEST_NAME or not named.isprintable():
            raise Refusal(f"the name of an API key is one line of 1 to {LONGEST_NAME} characters")
        if not scopes:
            raise Refusal(f"an API key needs at least one scope: {', '.join(ApiScope)}")
        made, now = api_key.make(self._choose), self._clock()
        digest = api_key.digest(made.reveal())
        assert digest is not None, "what was made has the shape of what is presented"
        with self._database.write() as connection:
            key = api_keys.add(connection, digest=digest, name=named, scopes=scopes, by=by, now=now)
            detail = {"key": key.id, "name": key.name, "scopes": sorted(key.scopes)}
            audit.append(connection, Event(now, "api_key_issued", actor=by, detail=detail))
        return made, key

    def verify(self, text: str) -> ApiKey | None:
        """The key that is presented, read now; None for every other text and for a revoked one.

        A key has 256 random bits, so guessing needs no throttle. Raises StoreUnavailable.
        """
        digest = api_key.digest(text)
        if digest is None:
            return None
        with self._database.read() as connection:
            key = api_keys.by_digest(connection, digest)
        return key if key is not None and key.revoked_at is None else None

    def revoke(self, key_id: int, *, by: str) -> ApiKey:
        """End a key for good; requests that are verified after this are refused. Raises NotFound."""
        now = self._clock()
        with self._database.write() as connection:
            key = api_keys.revoke(connection, key_id, by, now)
            if key is None:
                raise NotFound(f"no API key {key_id} is in use")
            detail = {"key": key.id, "name": key.name}
            audit.append(connection, Event(now, "api_key_revoked", actor=by, detail=detail))
        return key

    def every(self) -> list[ApiKey]:
        """All keys, revoked ones too, oldest first."""
        with self._database.read() as connection:
            return api_keys.every(connection)
