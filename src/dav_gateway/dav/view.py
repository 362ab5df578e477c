"""What a PROPFIND or REPORT looks at: the resource behind a path with the rows it needs, read once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Grant
from dav_gateway.core.scope import Kind, Permission, Resource, Scope
from dav_gateway.dav.site import PREFIX
from dav_gateway.service import homes
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects
from dav_gateway.store.collections import Collection
from dav_gateway.store.objects import StoredObject


@dataclass(frozen=True, slots=True)
class View:
    """One resource as its properties see it. `path` is absolute, with the slash that collections end in; `known` are
    the dead properties, where nobody has to ask for them."""

    kind: Kind
    path: str
    request: DavRequest = field(repr=False, compare=False)
    permission: Permission
    home: Scope | None = None
    collection: Collection | None = None
    object: StoredObject | None = None
    known: Mapping[str, str] | None = None

    @property
    def grant(self) -> Grant:
        """Who looks."""
        return self.request.granted

    @property
    def place(self) -> str:
        """Where the dead properties of what only lists are kept. Those of the root and the principal are kept for each
        set of scopes: what one service stores there is no matter of the other."""
        if self.home is not None:
            return self.home.value
        return f"{self.kind.name.lower()} {' '.join(sorted(self.grant.credential.scopes))}"

    @property
    def kept(self) -> Mapping[str, str]:
        """The dead properties, in Radicale's spelling."""
        if self.known is not None:
            return self.known
        if self.collection is not None and self.object is not None:
            return self.request.kept_of(self.collection.id, self.object.name)
        if self.collection is not None:
            return self.collection.properties
        return self.request.kept_at(self.place)

    @property
    def account(self) -> Account:
        """Whose request this is, and whose homes these are."""
        return self.grant.account


def principal_path(account: Account) -> str:
    """`/dav/ana/`."""
    return f"{PREFIX}/{account.name}/"


def home_path(account: Account, home: Scope) -> str:
    """`/dav/ana/calendars/`."""
    return f"{PREFIX}/{account.name}/{home}/"


def collection_path(account: Account, home: Scope, name: str) -> str:
    """`/dav/ana/calendars/team/`."""
    return f"{PREFIX}/{account.name}/{home}/{name}/"


def look_up(request: DavRequest, resource: Resource, *, octets: bool = True) -> View | None:
    """The view of `resource`, or None where nothing is; an object comes without its `octets` where they are not asked
    for. The caller has asked for permission already."""
    grant = request.granted
    permission = request.permission(resource)
    match resource.kind:
        case Kind.ROOT:
            return View(Kind.ROOT, request.href, request, permission)
        case Kind.PRINCIPAL:
            return View(Kind.PRINCIPAL, principal_path(grant.account), request, permission)
        case Kind.HOME:
            home = _home(resource)
            return View(Kind.HOME, home_path(grant.account, home), request, permission, home)
        case _:
            return _stored(request, resource, permission, request.most_octets if octets else 0)


def _stored(request: DavRequest, resource: Resource, permission: Permission, most_octets: int | None) -> View | None:
    home = _home(resource)
    seen = request.seen(resource)
    account = request.granted.account
    collection = seen.collection if seen else homes.find(request.connection, account, home, resource.collection)
    if collection is None:
        return None
    path = collection_path(account, home, collection.name)
    if resource.kind is Kind.COLLECTION:
        return View(Kind.COLLECTION, path, request, permission, home, collection)
    name = resource.name
    stored = seen.object if seen else objects.get(request.connection, collection.id, name, most_octets=most_octets)
    if stored is None:
        return None
    request.expect_octets(stored.size)
    return View(Kind.OBJECT, path + stored.name, request, permission, home, collection, stored)


def children(request: DavRequest, view: View) -> Iterator[View]:
    """What `Depth: 1` adds: only what the credential may see."""
    grant = view.grant
    match view.kind:
        case Kind.ROOT:
            yield View(Kind.PRINCIPAL, principal_path(grant.account), request, Permission.READ)
        case Kind.PRINCIPAL:
            for home in Scope:
                if grant.has(home):
                    yield View(Kind.HOME, home_path(grant.account, home), request, Permission.READ, home)
        case Kind.HOME:
            assert view.home is not None
            found = homes.visible(request.connection, grant, view.home)
            request.expect(len(found))
            for collection in found:
                path = collection_path(grant.account, view.home, collection.name)
                resource = Resource(Kind.COLLECTION, grant.account.name, view.home, collection.name)
                yield View(Kind.COLLECTION, path, request, request.permission(resource), view.home, collection)
        case Kind.COLLECTION:
            assert view.collection is not None
            request.expect(None)
            for stored in objects.every(request.connection, view.collection.id, octets=False):
                yield member(view, stored)


def holders(request: DavRequest, view: View) -> Iterator[View]:
    """The collections that a report on `view` looks into: those of a home that the credential may see, or the one."""
    return children(request, view) if view.kind is Kind.HOME else iter([view])


def member(view: View, stored: StoredObject) -> View:
    """The view of an object of the collection in `view`; a view of that very object stays what it is."""
    path = view.path if view.kind is Kind.OBJECT else view.path + stored.name
    return View(Kind.OBJECT, path, view.request, view.permission, view.home, view.collection, stored)


def _home(resource: Resource) -> Scope:
    assert resource.home is not None, "homes, collections and objects have one"
    return resource.home
