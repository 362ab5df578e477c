"""Radicale `[storage]`: collections and objects from the gateway's store, in the transaction of the request.

Radicale asks for etag and sync state after it has left its lock, and leaves the lock cleanly after a failure; so the
lock here only opens the request's transaction, and the application that wraps Radicale ends it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from email.utils import formatdate
from typing import Any

from radicale import config, pathutils, types
from radicale import item as radicale_item
from radicale.item import filter as radicale_filter
from radicale.storage import BaseCollection, BaseStorage

from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Kind, Resource, Scope, resource_at
from dav_gateway.service import homes
from dav_gateway.service.request import DavRequest, required_request
from dav_gateway.store import collections, objects
from dav_gateway.store.collections import Collection as StoredCollection
from dav_gateway.store.errors import SyncTokenTooOld
from dav_gateway.store.objects import NewObject, StoredObject
from dav_gateway_radicale.evaluable import evaluable

TAGS = {Scope.CALENDARS: "VCALENDAR", Scope.CONTACTS: "VADDRESSBOOK"}
FOR_EVER = (radicale_filter.TIMESTAMP_MIN, radicale_filter.TIMESTAMP_MAX)


class Item(radicale_item.Item):
    """An object as stored: `serialize()` gives the client's own text, vobject sees it only when a filter asks."""

    @property
    def vobject_item(self) -> Any:
        """Parsed for Radicale's filters."""
        if self._vobject_item is None:
            self._vobject_item = evaluable(self.serialize())
        return self._vobject_item


class Listing(BaseCollection):
    """Root, principal and homes: collections that only hold others. They exist because the account does."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def path(self) -> str:
        """Without slashes at its ends; empty for the root."""
        return self._path

    @property
    def etag(self) -> str:
        """Listings do not change."""
        return f'"{self._path}"'

    def get_all(self) -> Iterable[radicale_item.Item]:
        """No objects."""
        return ()

    def get_multi(self, hrefs: Iterable[str]) -> Iterable[tuple[str, None]]:
        """None of them."""
        return ((href, None) for href in hrefs)

    def get_meta(self, key: str | None = None) -> Any:
        """No properties."""
        return {} if key is None else None

    @property
    def last_modified(self) -> str:
        """An HTTP date."""
        return formatdate(0, usegmt=True)


class Collection(BaseCollection):
    """A calendar or an address book."""

    def __init__(self, request: DavRequest, path: str, home: Scope, stored: StoredCollection) -> None:
        self._request = request
        self._path = path
        self._home = home
        self.stored = stored

    @property
    def path(self) -> str:
        """`ana/calendars/work`."""
        return self._path

    @property
    def tag(self) -> str:
        """The kind, fixed by the home."""
        return TAGS[self._home]

    @property
    def etag(self) -> str:
        """Also the ctag; moves with every change of the collection."""
        return self.stored.etag

    @property
    def last_modified(self) -> str:
        """An HTTP date."""
        return formatdate(self.stored.modified_at / 1000, usegmt=True)

    def get_meta(self, key: str | None = None) -> Any:
        """Properties by Radicale's human tags; values are text."""
        meta = {"tag": self.tag, **self.stored.properties}
        if self.stored.components:
            meta["C:supported-calendar-component-set"] = ",".join(self.stored.components)
        return meta if key is None else meta.get(key)

    def sync(self, old_token: str = "") -> tuple[str, Iterable[str]]:
        """The sync token and the names changed since `old_token`. Raises ValueError for a foreign or expired one."""
        if not old_token:
            names = (each.name for each in objects.every(self._request.connection, self.stored.id, octets=False))
            return self.stored.sync_token, names
        try:
            changed, removed = objects.changes_since(
                self._request.connection, self.stored, self.stored.change_at(old_token)
            )
        except SyncTokenTooOld as error:
            raise ValueError(str(error)) from error
        return self.stored.sync_token, [*changed, *removed]

    def get_all(self) -> Iterator[radicale_item.Item]:
        """Every object, as stored."""
        return map(self.item, objects.every(self._request.connection, self.stored.id))

    def get_multi(self, hrefs: Iterable[str]) -> Iterator[tuple[str, radicale_item.Item | None]]:
        """Objects by name; None for a name that does not exist."""
        only = self._request.only
        wanted = [href for href in dict.fromkeys(hrefs) if only is None or href in only]
        self._request.shown += wanted
        found = {each.name: each for each in objects.get_many(self._request.connection, self.stored.id, wanted)}
        for name in wanted:
            yield name, self.item(found[name]) if name in found else None

    def get_filtered(self, filters: Iterable[Any]) -> Iterator[tuple[radicale_item.Item, bool]]:
        """Candidates for the filters by component and occurrence bounds; Radicale examines the rest of the filter."""
        component, start, end, simple = radicale_filter.simplify_prefilters(filters, self.tag)
        rows = objects.between(self._request.connection, self.stored.id, component, start, end)
        for row in rows:
            if self._request.only is not None and row.name not in self._request.only:
                continue
            self._request.shown.append(row.name)
            yield self.item(row), simple and (start, end) == FOR_EVER

    def has_uid(self, uid: str) -> bool:  # noqa: ARG002
        """Never: the store's unique constraint decides, in the write, and names the holder."""
        return False

    def upload(self, href: str, item: radicale_item.Item) -> tuple[radicale_item.Item, radicale_item.Item | None]:
        """Store an object that Radicale serialized (our PUT goes around this to keep the client's octets)."""
        connection = self._request.begin_write()
        old = objects.get(connection, self.stored.id, href)
        start, end = item.time_range
        new = NewObject(
            name=href,
            uid=item.uid,
            component=item.component_name or item.name,
            octets=item.serialize().encode(),
            starts=None if start == FOR_EVER[0] else start,
            ends=None if end == FOR_EVER[1] else end,
        )
        stored = objects.put(connection, self.stored.id, new, self._request.services.clock())
        return self.item(stored), self.item(old) if old else None

    def delete(self, href: str | None = None) -> None:
        """Delete one object, or the whole collection."""
        connection = self._request.begin_write()
        if href is None:
            collections.remove(connection, self.stored.id)
        else:
            objects.remove(connection, self.stored.id, href, self._request.services.clock())

    def set_meta(self, props: Mapping[str, str]) -> None:
        """Replace the properties. Kind and components stay as they are: they are not properties here."""
        kept = {key: value for key, value in props.items() if key not in ("tag", "C:supported-calendar-component-set")}
        collections.set_properties(self._request.begin_write(), self.stored.id, kept, self._request.services.clock())

    def item(self, row: StoredObject) -> Item:
        """A row as Radicale's item, not parsed."""
        start, end = FOR_EVER
        return Item(
            collection=self,
            href=row.name,
            last_modified=formatdate(row.modified_at / 1000, usegmt=True),
            text=as_text(row.octets),
            etag=row.etag,
            uid=row.uid,
            name="VCALENDAR" if self._home is Scope.CALENDARS else "VCARD",
            component_name=row.component if self._home is Scope.CALENDARS else "",
            time_range=(row.starts if row.starts is not None else start, row.ends if row.ends is not None else end),
        )


class Storage(BaseStorage):
    """Paths of the gateway as Radicale's collections and items."""

    _is_collision_free = True
    _supports_unicode = True
    _supports_trailing_whitespace = True
    _supports_problematic_chars = True

    def __init__(self, configuration: config.Configuration) -> None:
        super().__init__(configuration)

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

    def move(self, item: radicale_item.Item, to_collection: BaseCollection, to_href: str) -> None:
        """Move an object; an object at the target is replaced."""
        request = required_request()
        if not (isinstance(item.collection, Collection) and isinstance(to_collection, Collection) and item.href):
            raise ValueError("only objects of calendars and address books can be moved")
        objects.move(
            request.begin_write(),
            item.collection.stored.id,
            item.href,
            to_collection.stored.id,
            to_href,
            request.services.clock(),
        )

    def create_collection(
        self,
        href: str,
        items: Iterable[radicale_item.Item] | None = None,
        props: Mapping[str, str] | None = None,
    ) -> tuple[BaseCollection, dict[str, radicale_item.Item], list[str]]:
        """Make an empty calendar or address book. Raises ValueError for anything else: clients make no homes."""
        request = required_request()
        resource = resource_at(href)
        tag = (props or {}).get("tag")
        if resource is None or resource.home is None or resource.kind is not Kind.COLLECTION:
            raise ValueError(f"no collection can be made at {href!r}")
        if tag != TAGS[resource.home] or items:
            raise ValueError(f"{href!r} takes an empty {TAGS[resource.home]}")
        components = (props or {}).get("C:supported-calendar-component-set", "")
        stored = collections.create(
            request.begin_write(),
            account_id=request.granted.account.id,
            home=resource.home.value,
            name=resource.collection,
            components=tuple(filter(None, components.split(","))),
            properties={key: value for key, value in (props or {}).items() if key != "tag"},
            now=request.services.clock(),
        )
        return Collection(request, pathutils.strip_path(href), resource.home, stored), {}, []

    @contextmanager
    def acquire_lock(self, mode: str, user: str = "", *args: object, **kwargs: object) -> Iterator[None]:  # noqa: ARG002
        """Open the request's transaction: for `w` the fenced write. The application ends it, by the status."""
        if mode == "w":
            required_request().begin_write()
        yield

    def verify(self) -> bool:
        """Radicale's `--verify-storage`; the database checks itself (`dav-gateway database status`)."""
        return True
