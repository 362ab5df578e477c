"""Objects in, queries out, over the whole application."""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import fromstring

from tests.dav.support import Reply, Rig

CALENDAR = "/dav/ana/calendars/calendar/"
BOOK = "/dav/ana/contacts/contacts/"
SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"'
DATA = "{urn:ietf:params:xml:ns:caldav}calendar-data"
CARD_DATA = "{urn:ietf:params:xml:ns:carddav}address-data"
MADRID = (
    "BEGIN:VTIMEZONE\r\nTZID:{}\r\nBEGIN:DAYLIGHT\r\nDTSTART:19810329T020000\r\nTZOFFSETFROM:+0100\r\n"
    "TZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\nBEGIN:STANDARD\r\n"
    "DTSTART:19961027T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n"
    "END:STANDARD\r\nEND:VTIMEZONE\r\n"
)


@dataclass
class Asking:
    """Puts and asks for one account."""

    rig: Rig
    password: str

    def put(self, name: str, *lines: str, component: str = "VEVENT", outside: str = "", more: str = "") -> None:
        """Store one component; `outside` goes before it and `more` after it."""
        body = (
            f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n{outside}BEGIN:{component}\r\nUID:{name}\r\n"
            "DTSTAMP:20200101T000000Z\r\n" + "".join(f"{line}\r\n" for line in lines)
            + f"END:{component}\r\n{more}END:VCALENDAR\r\n"
        )  # fmt: skip
        reply = self.rig.request("PUT", f"{CALENDAR}{name}.ics", body.encode(), password=self.password)
        assert reply.status in (201, 204), reply.body

    def card(self, name: str, *lines: str) -> None:
        """Store one vCard 3.0."""
        body = (
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\n" + "".join(f"{line}\r\n" for line in lines) + "END:VCARD\r\n"
        )
        reply = self.rig.request("PUT", f"{BOOK}{name}.vcf", body.encode(), password=self.password)
        assert reply.status in (201, 204), reply.body

    def query(self, inner: str, *, prop: str = "<D:getetag/>", more: str = "", depth: str | None = "1") -> Reply:
        """A calendar-query whose filter holds `inner` inside of VCALENDAR."""
        body = (
            f"<C:calendar-query {SPACES}><D:prop>{prop}</D:prop><C:filter><C:comp-filter name='VCALENDAR'>{inner}"
            f"</C:comp-filter></C:filter>{more}</C:calendar-query>"
        )
        return self.rig.request("REPORT", CALENDAR, body.encode(), password=self.password, depth=depth)

    def events(self, inner: str, *, more: str = "") -> list[str]:
        """The names of the events that a condition in the comp-filter for VEVENT finds, sorted."""
        return self.names(self.query(f"<C:comp-filter name='VEVENT'>{inner}</C:comp-filter>", more=more))

    def between(self, start: str, end: str, component: str = "VEVENT", more: str = "") -> list[str]:
        """The names that a time-range finds."""
        sides = (f" start='{start}'" if start else "") + (f" end='{end}'" if end else "")
        inner = f"<C:comp-filter name='{component}'><C:time-range{sides}/></C:comp-filter>"
        return self.names(self.query(inner, more=more))

    def data(self, spec: str, inner: str = "<C:comp-filter name='VEVENT'/>", more: str = "") -> str:
        """The calendar data of the only object that a query finds."""
        reply = self.query(inner, prop=f"<C:calendar-data>{spec}</C:calendar-data>", more=more)
        assert reply.status == 207, reply.body
        [found] = fromstring(reply.body).iter(DATA)
        return (found.text or "").replace("\n", "\r\n")  # XML has one kind of line end

    def cards(self, inner: str, *, test: str = "", more: str = "", prop: str = "<D:getetag/>") -> Reply:
        """An addressbook-query."""
        said = f" test='{test}'" if test else ""
        body = (
            f"<CR:addressbook-query {SPACES}><D:prop>{prop}</D:prop><CR:filter{said}>{inner}</CR:filter>{more}"
            "</CR:addressbook-query>"
        )
        return self.rig.request("REPORT", BOOK, body.encode(), password=self.password, depth="1")

    @staticmethod
    def names(reply: Reply) -> list[str]:
        """The names of the objects in a multistatus, without endings, sorted."""
        assert reply.status == 207, reply.body
        return sorted(re.sub(r"\.\w+$", "", href.rpartition("/")[2]) for href in reply.hrefs())
