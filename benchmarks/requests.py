"""The requests of the table as octets: what clients send, without anything of a client."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.objects import MONTH

_NAMESPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav" '
    'xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/" '
    'xmlns:ME="http://me.com/_namespace/" xmlns:P="https://bitfire.at/webdav-push"'
)

POLL = "CS:getctag D:sync-token"
ETAG = "D:getetag"
HOME = (
    # iOS
    """D:add-member CS:allowed-sharing-modes A:autoprovisioned ME:bulk-requests A:calendar-alarm A:calendar-color
    C:calendar-description C:calendar-free-busy-set A:calendar-order C:calendar-timezone D:current-user-privilege-set
    C:default-alarm-vevent-date C:default-alarm-vevent-datetime D:displayname CS:getctag CS:invite A:language-code
    A:location-code C:max-attendees-per-instance D:owner CS:pre-publish-url CS:publish-url CS:push-transports CS:pushkey
    D:quota-available-bytes D:quota-used-bytes A:refreshrate D:resource-id D:resourcetype C:schedule-calendar-transp
    C:schedule-default-calendar-URL CS:source CS:subscribed-strip-alarms CS:subscribed-strip-attachments
    CS:subscribed-strip-todos C:supported-calendar-component-set C:supported-calendar-component-sets
    D:supported-report-set D:sync-token""",
    # DAVx5
    """D:current-user-privilege-set D:displayname D:owner D:resourcetype P:transports P:topic A:calendar-color
    C:calendar-description C:calendar-timezone C:calendar-timezone-id C:supported-calendar-component-set CS:source""",
    # Thunderbird
    "D:resourcetype D:displayname D:current-user-privilege-set A:calendar-color",
)


@dataclass(frozen=True, slots=True)
class Place:
    """One account of a server: its `size` events, its cards, and how it is asked for them. Paths end with a slash."""

    size: int
    home: str
    calendar: str
    book: str
    authorization: str = ""

    def event(self, number: int) -> str:
        """Where the event of this number is."""
        return f"{self.calendar}event-{number}.ics"

    def card(self, number: int) -> str:
        """Where the card of this number is."""
        return f"{self.book}card-{number}.vcf"


def request(place: Place, method: str, path: str, body: bytes | str = b"", **headers: str) -> bytes:
    """A whole request. Underscores in the names of headers are hyphens."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "User-Agent: benchmark/1"]
    if place.authorization:
        lines.append(f"Authorization: {place.authorization}")
    if content or method in {"PUT", "POST"}:
        headers.setdefault("Content_Type", "application/xml; charset=utf-8")
        lines.append(f"Content-Length: {len(content)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _properties(names: str) -> str:
    return f"<D:prop>{''.join(f'<{name}/>' for name in names.split())}</D:prop>"


def propfind(place: Place, path: str, depth: int, names: str) -> bytes:
    """PROPFIND for properties by their names with prefixes."""
    body = f'<?xml version="1.0" encoding="utf-8"?><D:propfind {_NAMESPACES}>{_properties(names)}</D:propfind>'
    return request(place, "PROPFIND", path, body, Depth=str(depth))


def sync(place: Place, token: str) -> bytes:
    """sync-collection from a token on; an empty one begins."""
    body = (
        f'<?xml version="1.0" encoding="utf-8"?><D:sync-collection {_NAMESPACES}><D:sync-token>{token}</D:sync-token>'
        f"<D:sync-level>1</D:sync-level>{_properties(ETAG)}</D:sync-collection>"
    )
    return request(place, "REPORT", place.calendar, body, Depth="0")


def multiget(place: Place, kind: str, hrefs: Iterable[str]) -> bytes:
    """A multiget; `kind` is calendar or addressbook."""
    data, collection = ("C", place.calendar) if kind == "calendar" else ("CR", place.book)
    name = f"{data}:{kind}-multiget"
    asked = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
    properties = _properties(f"{ETAG} {data}:{'calendar' if data == 'C' else 'address'}-data")
    body = f'<?xml version="1.0" encoding="utf-8"?><{name} {_NAMESPACES}>{properties}{asked}</{name}>'
    return request(place, "REPORT", collection, body, Depth="1")


def query(place: Place, names: str, *, month: bool) -> bytes:
    """A calendar-query for events: those of the month, or all."""
    begin, end = MONTH
    bounds = f'<C:time-range start="{begin:%Y%m%d}T000000Z" end="{end:%Y%m%d}T000000Z"/>' if month else ""
    events = f'<C:comp-filter name="VEVENT">{bounds}</C:comp-filter>' if month else ""
    body = (
        f'<?xml version="1.0" encoding="utf-8"?><C:calendar-query {_NAMESPACES}>{_properties(names)}<C:filter>'
        f'<C:comp-filter name="VCALENDAR">{events}</C:comp-filter></C:filter></C:calendar-query>'
    )
    return request(place, "REPORT", place.calendar, body, Depth="1")


def put(place: Place, path: str, content: bytes, **headers: str) -> bytes:
    """Store an object."""
    kind = "text/calendar" if path.endswith(".ics") else "text/vcard"
    return request(place, "PUT", path, content, Content_Type=f"{kind}; charset=utf-8", **headers)
