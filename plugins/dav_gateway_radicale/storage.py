"""Radicale `[storage]`: what is at a path, from the gateway's store, in the transaction of the request.

Radicale asks for etag and sync state after it has left its lock, and leaves the lock cleanly after a failure; so the
lock here opens nothing and the application that wraps Radicale ends the transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from radicale import pathutils, types
from radicale.storage import BaseStorage

from dav_gateway.core.scope import Kind, Resource, Scope, resource_at
from dav_gateway.service import homes
from dav_gateway.service.request import DavRequest, required_request
from dav_gateway.store import objects
from dav_gateway_radicale.collection import Collection, Listing


class Storage(BaseStorage):
    """Paths of the gateway as Radicale's collections and items."""

    _is_collision_free = True
    _supports_unicode = True
    _supports_trailing_whitespace = True
    _supports_problematic_chars = True

    def discover(
        self,
        path: str,
        depth: str = "0",
        child_context_manager: Callable[[str, str | None], AbstractContextManager[None]] | None = None,  # noqa: ARG002
        user_groups: set[str] | None = None,  # noqa: ARG002
    ) -> Iterator[types.CollectionOrItem]:
        """What is at `path`, then its children when `depth` is not "0". Nothing of another account exists here."""
        request = required_request()
        resource = resource_at(path)
        if resource is None or not request.permission(resource):
            return
        if resource.kind in (Kind.COLLECTION, Kind.OBJECT):
            yield from self._stored(request, resource, children=depth != "0")
            return
        yield Listing(pathutils.strip_path(path))
        if depth != "0":
            yield from self._listed(request, resource)

    def _stored(self, request: DavRequest, resource: Resource, *, children: bool) -> Iterator[types.CollectionOrItem]:
        assert resource.home is not None
        stored = homes.find(request.connection, request.granted.account, resource.home, resource.collection)
        if stored is None:
            return
        collection = Collection(
            request, f"{resource.account}/{resource.home}/{resource.collection}", resource.home, stored
        )
        if resource.kind is Kind.OBJECT:
            row = objects.get(request.connection, stored.id, resource.name)
            if row is not None:
                yield collection.item(row)
            return
        yield collection
        if children:
            yield from collection.get_all()

    def _listed(self, request: DavRequest, resource: Resource) -> Iterator[types.CollectionOrItem]:
        name = request.granted.account.name
        if resource.kind is Kind.ROOT:
            yield Listing(name)
        elif resource.kind is Kind.PRINCIPAL:
            yield from (Listing(f"{name}/{home}") for home in Scope if request.granted.has(home))
        elif resource.home is not None:
            for stored in homes.visible(request.connection, request.granted, resource.home):
                yield Collection(request, f"{name}/{resource.home}/{stored.name}", resource.home, stored)

    @contextmanager
    def acquire_lock(self, mode: str, user: str = "", *args: object, **kwargs: object) -> Iterator[None]:  # noqa: ARG002
        """Nothing to lock: reads share the request's snapshot, and every handler that writes is ours."""
        if mode == "w":
            raise PermissionError("Radicale's own handlers do not write here")
        yield

    def verify(self) -> bool:
        """Radicale's `--verify-storage`; the database checks itself (`dav-gateway database status`)."""
        return True
