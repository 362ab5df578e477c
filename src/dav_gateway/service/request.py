"""One DAV request: whom it speaks for, what it may reach, and the transactions it runs in.

Radicale's plug-ins are called without the credential in hand (the target of MOVE gets no groups at all), so the request
travels beside them in a context variable. It is set and reset by `serving`; where it is absent nothing is granted.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from sqlalchemy import Connection

from dav_gateway.core.credential import Grant, Reason
from dav_gateway.core.errors import Fenced, GatewayError, Overloaded
from dav_gateway.core.scope import Kind, Permission, Resource, is_directory, resource_at
from dav_gateway.service.services import Services
from dav_gateway.service.verification import Granted, NotAsExpected, Presented
from dav_gateway.store import collections, listings, object_properties
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Fence
from dav_gateway.store.sight import Changes, Sight


class EndOfRequest(BaseException):
    """The request is over with a refusal or a fault of our own.

    A BaseException because Radicale turns every `Exception` of a plug-in into a 500 (`app/__init__.py`), and a store
    that is down must be a 503: the client would otherwise report a broken calendar or forget its password.
    """

    def __init__(self, reason: Reason, detail: str = "", retry_after: int = 0) -> None:
        super().__init__(reason.value)
        self.retry_after = retry_after
        self.reason = reason
        self.detail = detail

    @classmethod
    def of(cls, error: GatewayError) -> Self:
        """The end that an error of ours means: a dead credential is refused, everything else is trouble of our own."""
        if isinstance(error, Fenced):
            return cls(error.reason)
        return cls(Reason.OVERLOADED if isinstance(error, Overloaded) else Reason.STORE, str(error))


class TooMuch(Exception):
    """The answer would tell of more than this request may; it has to be asked again where that takes nobody's time."""


TOGETHER = 4
"""Objects of an answer may have so many times the octets of the largest that one may have."""


@dataclass
class DavRequest:
    """The state of one request; lives in one thread and is never shared. `href` is the absolute path as it was asked
    for, `path` the one below the DAV root. `read` opens its reads where they are not the database's own;
    `most_resources` and `most_octets` bound its answer where it is made in the event loop; with `reads_once` it ends
    with TooMuch when it needs more than the one statement that finds the credential. While it is `expecting`, `grant`
    is what it was at an earlier write: no answer may be made of it before `begin_write` has read what it is now.

    Reads share one snapshot that opens with the first statement. A write opens its own transaction, fenced by the
    credential's liveness, and stays open until `finish` decides by the status of the answer: Radicale's handlers turn
    a failure inside the storage lock into an ordinary return, so leaving the lock says nothing about success. What is
    to be asked first in it is `when_writing`, once; what that raises ends the request.
    """

    services: Services
    presented: Presented | None
    href: str
    path: str = "/"
    grant: Grant | None = None
    read: Callable[[], AbstractContextManager[Connection]] | None = field(default=None, repr=False)
    most_resources: int | None = None
    most_octets: int | None = None
    reads_once: bool = False
    expecting: bool = False
    when_writing: Callable[[], None] | None = field(default=None, repr=False)
    _seen: tuple[Resource | None, Sight] | None = field(default=None, repr=False)
    _used: int | None = field(default=None, repr=False)
    _kept: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _reading: AbstractContextManager[Connection] | None = field(default=None, repr=False)
    _writing: AbstractContextManager[Connection] | None = field(default=None, repr=False)
    _connection: Connection | None = field(default=None, repr=False)

    @cached_property
    def resource(self) -> Resource | None:
        """What `path` names; None for what no resource of ours can have as its path."""
        return resource_at(self.path)

    @property
    def connection(self) -> Connection:
        """The connection of the open transaction; opens the read snapshot when there is none."""
        if self._connection is None:
            if self.reads_once:
                raise TooMuch
            with self._own_faults():
                self._reading = (self.read or self.services.database.read)()
                self._connection = self._reading.__enter__()
        return self._connection

    @property
    def granted(self) -> Grant:
        """The grant of this request. Raises EndOfRequest before anybody is authenticated."""
        if self.grant is None:
            raise EndOfRequest(Reason.NO_CREDENTIALS)
        return self.grant

    def authenticate(self) -> Grant:
        """The grant of what was presented, verified now (one read). Raises EndOfRequest when there is none."""
        if self.presented is None:
            raise EndOfRequest(Reason.NO_CREDENTIALS)
        with self._own_faults():
            verdict = self.services.verification.verify(self.connection, self.presented)
        if not isinstance(verdict, Granted):
            raise EndOfRequest(verdict.reason, verdict.detail, verdict.retry_after)
        self.grant = verdict.grant
        if not verdict.grant.account.provisioned:
            self.finish(commit=False)
            with self._own_faults():
                self.services.accounts.provision(verdict.grant.account)
        return verdict.grant

    def authenticate_proven(self, resource: Resource | None = None, since: int | None = None) -> bool:
        """Whether what was presented is a secret that this process has proven before and nothing else is to be said or
        written; then `grant` is set, and what is at `resource` was read with it (`seen`), and what changed there after
        `since` (`changes_seen`). False asks for `authenticate`. Raises EndOfRequest for trouble of our own."""
        self.grant = self._seen = None
        self.expecting = False
        if self.presented is None:
            return False
        with self._own_faults():
            if self.reads_once:
                with self.services.database.read_once() as connection:
                    found = self._verify_proven(connection, self.presented, resource, since)
            else:
                found = self._verify_proven(self.connection, self.presented, resource, since)
        if found is None:
            return False
        self.grant, self._seen = found[0], (resource, found[1])
        return True

    def authenticate_seen(self, resource: Resource, seen: Sight | None) -> bool:
        """As `authenticate_proven`, of what was just read of `resource` with the credential that is presented."""
        found = None if self.presented is None else self.services.verification.verify_seen(seen, self.presented)
        if found is None:
            return False
        self.grant, self._seen = found[0], (resource, found[1])
        return True

    def expect_to_write(self, resource: Resource) -> bool:
        """Whether what is presented has written before and could write here then; from now on it is `expecting`."""
        grant = None if self.presented is None else self.services.verification.expected(self.presented)
        if grant is None or grant.permission(resource) is not Permission.WRITE:
            return False
        self.grant, self.expecting = grant, True
        return True

    def _verify_proven(
        self, connection: Connection, presented: Presented, resource: Resource | None, since: int | None
    ) -> tuple[Grant, Sight] | None:
        return self.services.verification.verify_proven(connection, presented, resource, self.most_octets, since)

    def seen(self, resource: Resource) -> Sight | None:
        """What was read of a collection or an object with the credential; None asks for a read of it."""
        return self._seen[1] if self._seen is not None and self._seen[0] == resource else None

    def changes_seen(self, collection: Collection, since: int) -> Changes | None:
        """What was read with the credential of the changes in `collection` after `since`; None asks for a read."""
        seen = None if self._seen is None else self._seen[1]
        if seen is None or seen.collection is not collection or seen.changes is None or seen.changes.since != since:
            return None
        return seen.changes

    def permission(self, resource: Resource | None) -> Permission:
        """What this request may do at `resource`: nothing, until somebody is authenticated."""
        return self.grant.permission(resource) if self.grant else Permission.NONE

    def reason_of_denial(self, resource: Resource | None) -> Reason:
        """What the owner is told of a request that the grant did not permit."""
        if resource is None or not self.permission(resource) or resource.kind in (Kind.ROOT, Kind.PRINCIPAL, Kind.HOME):
            return Reason.SCOPE
        return Reason.DIRECTORY if is_directory(resource) else Reason.READ_ONLY

    def note_refusal(self, reason: Reason, resource: Resource | None = None) -> None:
        """Tell the owner, later and outside this request, why the credential was refused `resource`."""
        if self.grant is not None and self.presented is not None:
            home = resource.home.value if resource is not None and resource.home is not None else None
            self.services.usage.refused(self.grant.credential.id, reason, self.presented, hint=home)

    def expect(self, resources: int | None) -> None:
        """Raises TooMuch when the answer may not tell of so many, None being nobody knows how many."""
        if self.most_resources is not None and (resources is None or resources > self.most_resources):
            raise TooMuch

    def expect_octets(self, size: int) -> None:
        """Raises TooMuch when so large an object may not be part of the answer."""
        if self.most_octets is not None and size > self.most_octets:
            raise TooMuch

    def expect_together(self, size: int) -> None:
        """Raises TooMuch when so many octets of all its objects may not be part of the answer."""
        if self.most_octets is not None and size > self.most_octets * TOGETHER:
            raise TooMuch

    def used_bytes(self) -> int:
        """Octets that the account's objects take (RFC 4331); read once in a request."""
        if self._used is None:
            self._used = collections.total_size(self.connection, self.granted.account.id)
        return self._used

    def kept_at(self, place: str) -> Mapping[str, str]:
        """Dead properties of the root, the principal or a home (`place`); read once in a request."""
        if place not in self._kept:
            self._kept[place] = listings.properties(self.connection, self.granted.account.id, place)
        return self._kept[place]

    def kept_of(self, collection_id: int, name: str) -> Mapping[str, str]:
        """Dead properties of an object; read once in a request. Raises TooMuch as `expect_octets` does."""
        place = f"{collection_id} {name}"
        if place not in self._kept:
            self._kept[place] = object_properties.of(self.connection, collection_id, name)
            self.expect_octets(object_properties.size(self._kept[place]))
        return self._kept[place]

    def begin_write(self) -> Connection:
        """Open the write transaction: lock, then the liveness of the credential, in that order."""
        if self._writing is None:
            self._open(self.services.verification.fence(self.granted))
        return self.connection

    def begin_write_at(self, resource: Resource, *, most_octets: int | None = None) -> Sight:
        """The same, and what is at `resource`, a collection or an object with so many octets at most, as it is until
        the end of the transaction. Raises NotAsExpected when the request is `expecting` and its credential is not what
        it was."""
        found: list[Sight] = []

        def note_expected(grant: Grant, sight: Sight) -> None:
            if grant.permission(resource) is not Permission.WRITE:
                raise NotAsExpected
            self.grant, self.expecting = grant, False
            found.append(sight)

        verification = self.services.verification
        if self.expecting:
            assert self.presented is not None, "nothing is expected of who shows nothing"
            self._open(verification.fence_of_expected(self.presented, resource, most_octets, note_expected))
        else:
            self._open(verification.fence(self.granted, resource, most_octets, found.append))
        return found[0]

    def _open(self, fence: Fence) -> None:
        self._close(commit=False)
        with self._own_faults():
            writing = self.services.database.write(fence)
            self._connection = writing.__enter__()
            self._writing = writing
        ask, self.when_writing = self.when_writing, None
        if ask is not None:
            ask()

    def finish(self, *, commit: bool) -> None:
        """End the open transaction; a write is kept only when `commit` is true."""
        with self._own_faults():
            self._close(commit=commit)

    def _close(self, *, commit: bool) -> None:
        transaction, writing = self._writing or self._reading, self._writing is not None
        self._reading = self._writing = self._connection = self._seen = None
        if transaction is None:
            return
        if writing and not commit:
            undo = _RollBack()
            # The context manager of a transaction rolls back on any exception and lets it pass.
            try:
                transaction.__exit__(_RollBack, undo, None)
            except _RollBack:
                return
        else:
            transaction.__exit__(None, None, None)

    @contextmanager
    def _own_faults(self) -> Iterator[None]:
        try:
            yield
        except GatewayError as error:
            raise EndOfRequest.of(error) from error


class _RollBack(Exception):
    """Ends a transaction without keeping it."""


_current: ContextVar[DavRequest | None] = ContextVar("dav_request", default=None)


def current_request() -> DavRequest | None:
    """The request that this thread is serving, or None: then there is no authority for anything."""
    return _current.get()


def required_request() -> DavRequest:
    """The request that this thread is serving. Raises EndOfRequest where there is none."""
    request = _current.get()
    if request is None:
        raise EndOfRequest(Reason.NO_CREDENTIALS)
    return request


@contextmanager
def serving(request: DavRequest) -> Iterator[DavRequest]:
    """Make `request` the current one; afterwards no transaction is open and the thread remembers nothing of it."""
    reset = _current.set(request)
    try:
        yield request
    finally:
        try:
            request.finish(commit=False)
        finally:
            _current.reset(reset)
