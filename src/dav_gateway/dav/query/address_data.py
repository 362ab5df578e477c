"""What a report wants of cards (RFC 6352 section 10.4): all of them, or some of their properties."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.names import clark
from dav_gateway.dav.query import tree
from dav_gateway.dav.query.text import InvalidFilter


@dataclass(frozen=True, slots=True)
class AddressData:
    """A CR:address-data element of a request; `names` maps properties to whether they are sent with their value."""

    names: dict[str, bool] | None = None

    @classmethod
    def read(cls, element: Element) -> "AddressData":
        """Raises InvalidFilter and BadXML."""
        kind = element.get("content-type", "text/vcard").partition(";")[0].strip().lower()
        if kind != "text/vcard" or element.get("version", "3.0") not in ("3.0", "4.0"):
            raise InvalidFilter("CR:supported-address-data", "Cards are sent as text/vcard, version 3.0 or 4.0.")
        if len(element) == 0 or [each.tag for each in element] == [clark("CR:allprop")]:
            return cls()
        if any(each.tag != clark("CR:prop") or not each.get("name") for each in element):
            raise BadXML("address-data holds allprop, or prop elements with a name.")
        return cls({each.get("name", "").upper(): each.get("novalue") != "yes" for each in element})

    @property
    def is_whole(self) -> bool:
        """Whether cards are sent as they are stored."""
        return self.names is None

    def text(self, stored: str) -> str:
        """What is sent of one card. Raises ValueError."""
        if self.names is None:
            return stored
        card = tree.parse(stored)
        lines = []
        for line in card.lines:
            with_value = self.names.get(
                f"{line.group.upper()}.{line.name}" if line.group else line.name, self.names.get(line.name)
            )
            if with_value is not None:
                lines.append(line.raw if with_value else f"{line.name}:\r\n")
        return "".join([card.opening, *lines, card.closing])
