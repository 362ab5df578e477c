"""Which reports work on which resource: `D:supported-report-set` (RFC 3253 section 3.1.5) tells what is served."""

from dav_gateway.core.scope import Kind, Scope
from dav_gateway.dav.names import clark

EVERYWHERE = ("D:expand-property", "D:acl-principal-prop-set")
PRINCIPALS = ("D:principal-match", "D:principal-property-search", "D:principal-search-property-set")
COLLECTION = {
    Scope.CALENDARS: (
        "D:sync-collection",
        "D:principal-match",
        "C:calendar-multiget",
        "C:calendar-query",
        "C:free-busy-query",
    ),
    Scope.CONTACTS: ("D:sync-collection", "D:principal-match", "CR:addressbook-multiget", "CR:addressbook-query"),
}
HOME = {
    Scope.CALENDARS: ("D:principal-match", "C:calendar-multiget", "C:calendar-query", "C:free-busy-query"),
    Scope.CONTACTS: ("D:principal-match",),
}
"""RFC 4791 section 7: a home answers for all of its calendars."""

OBJECT = {
    Scope.CALENDARS: ("C:calendar-multiget", "C:calendar-query"),
    Scope.CONTACTS: ("CR:addressbook-multiget", "CR:addressbook-query"),
}


def reports(kind: Kind, home: Scope | None) -> tuple[str, ...]:
    """Names of the reports that work on such a resource, with their prefixes."""
    if kind in (Kind.ROOT, Kind.PRINCIPAL):
        return EVERYWHERE + PRINCIPALS
    if home is None:
        return EVERYWHERE
    match kind:
        case Kind.HOME:
            return EVERYWHERE + HOME[home]
        case Kind.COLLECTION:
            return EVERYWHERE + COLLECTION[home]
        case _:
            return EVERYWHERE + OBJECT[home]


def offers(kind: Kind, home: Scope | None, report: str) -> bool:
    """Whether `report` (Clark notation) works on such a resource."""
    return report in map(clark, reports(kind, home))
