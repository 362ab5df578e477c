"""Small objects and request bodies that several tests send."""


def event(uid: str, summary: str = "Measure the kitchen", day: str = "20261203") -> str:
    """An event of two hours."""
    return lines(
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//dav-gateway//tests//EN", "BEGIN:VEVENT", f"UID:{uid}",
        "DTSTAMP:20261122T080000Z", f"DTSTART:{day}T090000Z", f"DTEND:{day}T110000Z", f"SUMMARY:{summary}",
        "END:VEVENT", "END:VCALENDAR",
    )  # fmt: skip


def task(uid: str, summary: str = "Order walnut") -> str:
    """A task without dates."""
    return lines(
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//dav-gateway//tests//EN", "BEGIN:VTODO", f"UID:{uid}",
        "DTSTAMP:20261122T080000Z", f"SUMMARY:{summary}", "STATUS:NEEDS-ACTION", "END:VTODO", "END:VCALENDAR",
    )  # fmt: skip


def card(uid: str, name: str = "Mila Nováková", version: str = "3.0") -> str:
    """A card with one address."""
    family = name.rpartition(" ")[2]
    return lines(
        "BEGIN:VCARD", f"VERSION:{version}", f"UID:{uid}", f"FN:{name}", f"N:{family};{name.partition(' ')[0]};;;",
        "EMAIL:mila@hardware.example", "END:VCARD",
    )  # fmt: skip


def lines(*content: str) -> str:
    return "".join(f"{line}\r\n" for line in content)


PROPFIND = """<?xml version="1.0" encoding="utf-8"?>
<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav">
<D:prop><D:current-user-principal/><D:displayname/><D:getetag/><D:resourcetype/><C:calendar-home-set/>
<CR:addressbook-home-set/></D:prop></D:propfind>"""

PROPPATCH = """<?xml version="1.0" encoding="utf-8"?>
<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Changed</D:displayname></D:prop></D:set>
</D:propertyupdate>"""

SYNC = """<?xml version="1.0" encoding="utf-8"?>
<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>
</D:sync-collection>"""

MKCOL = """<?xml version="1.0" encoding="utf-8"?>
<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:{namespace}"><D:set><D:prop>
<D:resourcetype><D:collection/><C:{kind}/></D:resourcetype><D:displayname>New</D:displayname></D:prop></D:set></D:mkcol>"""
