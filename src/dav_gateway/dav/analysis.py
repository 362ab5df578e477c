"""What is read from an object when it is stored: its UID and component, what the index keeps of it; and whether it may
be stored at all.

RFC 4791 sections 4.1 and 5.3.2.1, RFC 6352 sections 5.1 and 6.3.2.1. The octets themselves are kept as they came.
"""

from dataclasses import replace
from typing import Any

from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Scope
from dav_gateway.dav import content_lines, ordinary, recurrence, vobject_reader
from dav_gateway.dav.invalid import InvalidObject
from dav_gateway.dav.query import calendar_index, card_index
from dav_gateway.store.objects import NewObject

CALENDAR_DATA = "C:valid-calendar-data"
CALENDAR_OBJECT = "C:valid-calendar-object-resource"
ADDRESS_DATA = "CR:valid-address-data"
COMPONENTS = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY")
CARD_VERSIONS = ("3.0", "4.0")
MAX_UID = 1024


def analyse(octets: bytes, home: Scope, name: str) -> NewObject:
    """The object `name` ready to be stored in a collection of `home`. Raises InvalidObject."""
    return _calendar_object(octets, name) if home is Scope.CALENDARS else _card(octets, name)


def indexed(new: NewObject) -> NewObject:
    """An object that was stored before, with what the index keeps of it."""
    text = as_text(new.octets)
    if new.component == "VCARD":
        return replace(new, lines=card_index.lines(text))
    return replace(new, occurrences=calendar_index.rows(text))


def _parsed(lines: list[str], condition: str) -> Any:
    ordinary_object = ordinary.read(lines)
    if ordinary_object is not None:
        return ordinary_object
    try:
        # Unfolded: vobject copies the whole line at each fold, which for 10 MB in short lines takes minutes.
        found = vobject_reader.read(lines)
    except Exception as error:
        # vobject raises whatever its regular expressions and dateutil happen to raise.
        raise InvalidObject(condition, f"The body cannot be read: {_first_line(error)}") from error
    if len(found) != 1:
        raise InvalidObject(condition, f"The body has {len(found)} objects; a resource holds one.")
    return found[0]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def _calendar_object(octets: bytes, name: str) -> NewObject:
    lines = content_lines.unfolded(octets, CALENDAR_DATA)
    recurrence.check(lines)
    calendar = _parsed(lines, CALENDAR_DATA)
    if calendar.name != "VCALENDAR":
        raise InvalidObject(CALENDAR_DATA, f"This is a {str(calendar.name)[:20]}, not a VCALENDAR.")
    version = _text(calendar, "version")
    if version not in ("", "2.0"):
        raise InvalidObject("C:supported-calendar-data", f"iCalendar is version 2.0; this is {version[:20]}.")
    if "method" in calendar.contents:
        raise InvalidObject(CALENDAR_OBJECT, "An object in a calendar has no METHOD (RFC 4791 section 4.1).")
    components = [each for each in calendar.components() if each.name in COMPONENTS]
    kinds = {each.name for each in components}
    if len(kinds) != 1:
        told = ", ".join(sorted(kinds)) or "none"
        raise InvalidObject(
            CALENDAR_OBJECT, f"An object has components of one type (RFC 4791 section 4.1); here: {told}."
        )
    if any(each.name == "VEVENT" and "dtstart" not in each.contents for each in components):
        raise InvalidObject(CALENDAR_DATA, "A VEVENT needs DTSTART (RFC 5545 section 3.6.1).")
    uid = _one_uid(components)
    if sum(1 for each in components if "recurrence-id" not in each.contents) > 1:
        raise InvalidObject(CALENDAR_OBJECT, "Only one component may be without RECURRENCE-ID.")
    if any(len(each.contents.get("rrule", ())) > 1 for each in components):
        raise InvalidObject(CALENDAR_DATA, "A component has one RRULE (RFC 5545 section 3.8.5.3).")
    try:
        recurrence.check_times(components)
    except InvalidObject:
        raise
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:
        raise InvalidObject(CALENDAR_DATA, f"The dates cannot be read: {_first_line(error)}") from error
    return indexed(NewObject(name, uid, kinds.pop(), octets))


def _card(octets: bytes, name: str) -> NewObject:
    card = _parsed(content_lines.unfolded(octets, ADDRESS_DATA), ADDRESS_DATA)
    if card.name != "VCARD":
        raise InvalidObject(ADDRESS_DATA, f"This is a {str(card.name)[:20]}, not a VCARD.")
    version = _text(card, "version")
    if not version:
        raise InvalidObject(ADDRESS_DATA, "A vCard needs a VERSION.")
    if version not in CARD_VERSIONS:
        raise InvalidObject("CR:supported-address-data", f"vCards are stored as 3.0 or 4.0; this is {version[:20]}.")
    uid = _text(card, "uid")
    if not uid:
        raise InvalidObject(ADDRESS_DATA, "A vCard in an address book needs a UID (RFC 6352 section 5.1).")
    if not (_text(card, "fn") or "n" in card.contents or "org" in card.contents):
        raise InvalidObject(ADDRESS_DATA, "A vCard needs a name (FN).")
    return indexed(NewObject(name, _short(uid, ADDRESS_DATA), "VCARD", octets))


def _one_uid(components: list[Any]) -> str:
    uids = {_text(each, "uid") for each in components}
    if "" in uids:
        raise InvalidObject(CALENDAR_OBJECT, "Every component needs a UID.")
    if len(uids) != 1:
        raise InvalidObject(CALENDAR_OBJECT, "All components of an object have the same UID (RFC 4791 section 4.1).")
    return _short(uids.pop(), CALENDAR_OBJECT)


def _short(uid: str, condition: str) -> str:
    if len(uid) > MAX_UID:
        raise InvalidObject(condition, f"The UID has more than {MAX_UID} characters.")
    return uid


def _text(component: Any, name: str) -> str:
    found = component.contents.get(name)
    return str(found[0].value).strip() if found else ""
