"""Collections and items as Radicale's handlers see them: rows of the store, read in the request's transaction.

Only what its GET of a collection asks for: every other handler is ours.
"""

from collections.abc import Iterable, Iterator
from email.utils import formatdate
from typing import Any

from radicale import item as radicale_item
from radicale.item import filter as radicale_filter
from radicale.storage import BaseCollection

from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Scope
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects
from dav_gateway.store.collections import Collection as StoredCollection
from dav_gateway.store.objects import StoredObject

TAGS = {Scope.CALENDARS: "VCALENDAR", Scope.CONTACTS: "VADDRESSBOOK"}
FOR_EVER = (radicale_filter.TIMESTAMP_MIN, radicale_filter.TIMESTAMP_MAX)


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
        """`ana/calendars/team`."""
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

    def get_all(self) -> Iterator[radicale_item.Item]:
        """Every object, as stored."""
        return map(self.item, objects.every(self._request.connection, self.stored.id))

    def get_multi(self, hrefs: Iterable[str]) -> Iterator[tuple[str, radicale_item.Item | None]]:
        """Objects by name; None for a name that does not exist."""
        wanted = list(dict.fromkeys(hrefs))
        found = {each.name: each for each in objects.each_of(self._request.connection, self.stored.id, wanted)}
        for name in wanted:
            yield name, self.item(found[name]) if name in found else None

    def item(self, row: StoredObject) -> radicale_item.Item:
        """A row as Radicale's item, not parsed."""
        start, end = FOR_EVER
        return radicale_item.Item(
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
