"""Live properties: what each kind of resource tells about itself, as a table from name to function.

A function gives the content of the property's element, or None where the resource does not have it (a 404 propstat).
RFC 4918 section 15, RFC 4791 sections 5.2 and 6.2, RFC 6352 sections 6.2 and 7.1, RFC 3744 section 5, RFC 5397,
RFC 6578.
"""

from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate

from dav_gateway.core.moment import isoformat
from dav_gateway.core.scope import Kind, Scope
from dav_gateway.dav import dead, offered_reports, privileges
from dav_gateway.dav.multistatus import href
from dav_gateway.dav.names import clark, element, text
from dav_gateway.dav.site import PREFIX, Site
from dav_gateway.dav.view import View, home_path, principal_path
from dav_gateway.dav.wanted import Wanted

Property = Callable[[View, Site], str | None]

CALENDAR_COMPONENTS = ("VEVENT", "VTODO", "VJOURNAL")
COLLATIONS = ("i;ascii-casemap", "i;unicode-casemap", "i;octet")


def _resourcetype(view: View, _site: Site) -> str:
    match view.kind:
        case Kind.OBJECT:
            return ""
        case Kind.PRINCIPAL:
            return "<D:collection/><D:principal/>"
        case Kind.COLLECTION:
            return "<D:collection/>" + ("<C:calendar/>" if view.home is Scope.CALENDARS else "<CR:addressbook/>")
        case _:
            return "<D:collection/>"


def _reports(view: View, _site: Site) -> str:
    return "".join(
        f"<D:supported-report><D:report>{element(clark(name))}</D:report></D:supported-report>"
        for name in offered_reports.reports(view.kind, view.home)
    )


def _home_set(home: Scope) -> Property:
    def home_set(view: View, _site: Site) -> str | None:
        return href(home_path(view.account, home)) if view.grant.has(home) else None

    return home_set


def _displayname(view: View, _site: Site) -> str | None:
    if view.kind is Kind.PRINCIPAL:
        return text(view.account.display_name)
    if view.collection is None or view.kind is not Kind.COLLECTION:
        return None
    return text(view.collection.properties.get("D:displayname") or view.collection.name)


def _addresses(view: View, _site: Site) -> str:
    # The e-mail first: CalDav Synchronizer takes the first mailto: as the person's own address.
    return f"<D:href>mailto:{text(view.account.email)}</D:href>{href(principal_path(view.account))}"


def _owner(view: View, _site: Site) -> str | None:
    """RFC 3744 section 5.1; the company directory belongs to nobody who signs in."""
    if view.collection is not None and view.collection.account_id is None:
        return None
    return href(principal_path(view.account))


def _etag(view: View, _site: Site) -> str | None:
    if view.object is not None:
        return text(view.object.etag)
    return text(view.collection.etag) if view.collection else None


def content_type(view: View, _site: Site) -> str:
    kind = "text/calendar" if view.home is Scope.CALENDARS else "text/vcard"
    if view.object is None:
        return kind
    component = f";component={view.object.component}" if view.home is Scope.CALENDARS else ""
    return f"{kind};charset=utf-8{component}"


def last_modified(view: View, _site: Site) -> str | None:
    stored = view.object or view.collection
    return formatdate(stored.modified_at / 1000, usegmt=True) if stored else None


def _components(view: View, _site: Site) -> str | None:
    if view.home is not Scope.CALENDARS or view.collection is None:
        return None
    return "".join(f'<C:comp name="{name}"/>' for name in view.collection.components or CALENDAR_COMPONENTS)


def _available(view: View, site: Site) -> str | None:
    return str(max(0, site.account_bytes - view.request.used_bytes())) if site.account_bytes else None


def _used(view: View, _site: Site) -> str:
    return str(view.request.used_bytes())


def _only(home: Scope, content: str) -> Property:
    return lambda view, _site: content if view.home is home else None


COMMON: dict[str, Property] = {
    "D:resourcetype": _resourcetype,
    "D:current-user-principal": lambda view, _site: href(principal_path(view.account)),
    "D:current-user-privilege-set": privileges.current_user_privilege_set,
    "D:supported-privilege-set": privileges.supported_privilege_set,
    "D:acl": privileges.acl,
    "D:acl-restrictions": privileges.acl_restrictions,
    "D:inherited-acl-set": lambda _view, _site: "",
    "D:principal-collection-set": lambda _view, _site: href(f"{PREFIX}/"),
    "D:supported-report-set": _reports,
}
OWNED: dict[str, Property] = {"D:owner": _owner}
PRINCIPAL: dict[str, Property] = {
    "D:displayname": _displayname,
    "D:principal-URL": lambda view, _site: href(principal_path(view.account)),
    "D:alternate-URI-set": lambda _view, _site: "",
    "D:group-member-set": lambda _view, _site: "",
    "D:group-membership": lambda _view, _site: "",
    "C:calendar-home-set": _home_set(Scope.CALENDARS),
    "CR:addressbook-home-set": _home_set(Scope.CONTACTS),
    "C:calendar-user-address-set": _addresses,
    "C:calendar-user-type": lambda _view, _site: "INDIVIDUAL",
    "CS:email-address-set": lambda view, _site: element(clark("CS:email-address"), text(view.account.email)),
}
COLLECTION: dict[str, Property] = {
    "D:displayname": _displayname,
    "D:getetag": _etag,
    "D:getcontenttype": content_type,
    "D:getlastmodified": last_modified,
    "D:creationdate": lambda view, _site: isoformat(view.collection.created_at) if view.collection else None,
    "D:sync-token": lambda view, _site: view.collection.sync_token if view.collection else None,
    "CS:getctag": _etag,
    "C:supported-calendar-component-set": _components,
    "C:supported-calendar-data": _only(
        Scope.CALENDARS, '<C:calendar-data content-type="text/calendar" version="2.0"/>'
    ),
    "C:supported-collation-set": _only(
        Scope.CALENDARS, "".join(f"<C:supported-collation>{name}</C:supported-collation>" for name in COLLATIONS)
    ),
    "CR:supported-collation-set": _only(
        Scope.CONTACTS, "".join(f"<CR:supported-collation>{name}</CR:supported-collation>" for name in COLLATIONS)
    ),
    "CR:supported-address-data": _only(
        Scope.CONTACTS,
        '<CR:address-data-type content-type="text/vcard" version="3.0"/>'
        '<CR:address-data-type content-type="text/vcard" version="4.0"/>',
    ),
    "C:max-resource-size": lambda view, site: str(site.max_object_bytes) if view.home is Scope.CALENDARS else None,
    "CR:max-resource-size": lambda view, site: str(site.max_object_bytes) if view.home is Scope.CONTACTS else None,
}
OBJECT: dict[str, Property] = {
    "D:getetag": _etag,
    "D:getcontenttype": content_type,
    "D:getcontentlength": lambda view, _site: str(view.object.size) if view.object else None,
    "D:getlastmodified": last_modified,
}


# Of the account as a whole, wherever they are asked (RFC 4331 section 4); the company's directory has no limit.
QUOTA: dict[str, Property] = {"D:quota-available-bytes": _available, "D:quota-used-bytes": _used}


def _table(*parts: dict[str, Property]) -> Mapping[str, Property]:
    return {clark(name): function for part in parts for name, function in part.items()}


TABLES: Mapping[Kind, Mapping[str, Property]] = {
    Kind.ROOT: _table(COMMON),
    Kind.PRINCIPAL: _table(COMMON, OWNED, PRINCIPAL, QUOTA),
    Kind.HOME: _table(COMMON, OWNED, QUOTA),
    Kind.COLLECTION: _table(COMMON, OWNED, COLLECTION, QUOTA),
    Kind.OBJECT: _table(COMMON, OWNED, OBJECT),
}
DATA = {Scope.CALENDARS: clark("C:calendar-data"), Scope.CONTACTS: clark("CR:address-data")}
"""What reports tell of an object as if it were a property (RFC 4791 section 9.6, RFC 6352 section 10.4)."""

PROTECTED = frozenset(name for table in TABLES.values() for name in table) - {clark("D:displayname")} | {*DATA.values()}
"""Properties that PROPPATCH may not touch, whatever the resource: the server computes them."""

NOT_IN_ALLPROP = frozenset(
    clark(name)
    for name in (
        "C:max-resource-size", "CR:max-resource-size", "C:supported-calendar-data", "CR:supported-address-data",
        "C:supported-collation-set", "CR:supported-collation-set", "C:supported-calendar-component-set",
        "C:calendar-home-set", "CR:addressbook-home-set", "C:calendar-user-address-set", "D:current-user-privilege-set",
        "D:quota-available-bytes", "D:quota-used-bytes", "D:supported-privilege-set", "D:acl", "D:acl-restrictions",
        "D:inherited-acl-set", "D:alternate-URI-set", "D:principal-URL", "D:group-member-set", "D:group-membership",
        "D:supported-report-set", "D:principal-collection-set", "D:sync-token", "D:owner",
    )
)  # fmt: skip
"""Not returned by allprop (RFC 4791 section 5.2, RFC 6352 section 6.2, RFC 3744 section 5, RFC 6578 section 4)."""


def value(view: View, site: Site, name: str) -> str | None:
    """The finished element of property `name` (Clark notation), or None where the resource does not have it."""
    function = TABLES[view.kind].get(name)
    if function is not None:
        content = function(view, site)
        return None if content is None else element(name, content)
    return dead.read(view.kept, name)


def all_names(view: View, site: Site) -> list[str]:
    """Every property that the resource has, for propname and, without NOT_IN_ALLPROP, for allprop."""
    names = [name for name, function in TABLES[view.kind].items() if function(view, site) is not None]
    names += [name for name in dead.names(view.kept) if name not in TABLES[view.kind]]
    return names


def asked_of(view: View, site: Site, wanted: Wanted) -> Iterable[str]:
    """The names that a request means here, each once: those it lists, or what there is."""
    if wanted.names_only:
        return all_names(view, site)
    if wanted.everything:
        listed = [name for name in all_names(view, site) if name not in NOT_IN_ALLPROP]
        return dict.fromkeys([*listed, *wanted.names])
    return wanted.names
