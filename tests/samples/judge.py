"""Why an object may not be stored, found without any of the gateway's code: a reader of content lines and icalendar.

Each fault comes with the preconditions that may be named for it: RFC 4791 section 5.3.2.1, RFC 6352 section 6.3.2.1.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import icalendar

CALENDAR_DATA = "C:valid-calendar-data"
CALENDAR_OBJECT = "C:valid-calendar-object-resource"
MAX_INSTANCES = "C:max-instances"
COMPONENT = "C:supported-calendar-component"
ADDRESS_DATA = "CR:valid-address-data"
ADDRESS_VERSION = "CR:supported-address-data"

STORABLE = {"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"}
FREQUENCIES = {"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}

FORMS = {"DATE": r"\d{8}", "DATE-TIME": r"\d{8}T\d{6}Z?"}
FORMS["PERIOD"] = rf"{FORMS['DATE-TIME']}/({FORMS['DATE-TIME']}|P[0-9DTHMSW]+)"
TIMES = {
    **dict.fromkeys(("DTSTAMP", "CREATED", "LAST-MODIFIED", "COMPLETED"), frozenset()),
    **dict.fromkeys(("DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "EXDATE"), frozenset({"DATE"})),
    "RDATE": frozenset({"DATE", "PERIOD"}),
    "FREEBUSY": frozenset({"PERIOD"}),
}
"""Which forms a property may have besides its own: RFC 5545 sections 3.6.5, 3.8.2 and 3.8.5 to 3.8.7."""

VALUE = r"""(?:"[^"]*"|[^";:,]*)"""
LINE = re.compile(
    rf"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+(?:={VALUE}(?:,{VALUE})*)?)*):(.*)", re.DOTALL
)
"""A content line: group, name, parameters (in vCard 3.0 as Outlook writes it, some without a value), value."""


@dataclass
class Component:
    """A component with its properties (name, parameters, value) and the components inside it."""

    name: str
    properties: list[tuple[str, str, str]] = field(default_factory=list)
    inside: list["Component"] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        return [value for key, _, value in self.properties if key == name]


class Unreadable(Exception):
    """The text is no tree of components."""


def faults(octets: bytes, *, card: bool) -> dict[str, set[str]]:
    """Each fault in words, with the preconditions that fit it; empty for an object that must be stored."""
    data = ADDRESS_DATA if card else CALENDAR_DATA
    if card and re.search(rb"^VERSION:2\.1\s*$", octets, re.MULTILINE):
        return {"a vCard 2.1, whose lines are others": {ADDRESS_VERSION, ADDRESS_DATA}}
    try:
        roots = parsed(octets)
    except Unreadable as unreadable:
        return {str(unreadable): {data}}
    if len(roots) != 1:
        return {f"{len(roots)} objects": {data}}
    if card:
        return dict(card_faults(roots[0]))
    return dict(calendar_faults(roots[0])) | unreadable_to_icalendar(octets)


def parsed(octets: bytes) -> list[Component]:
    try:
        text = re.sub(rb"\r?\n[ \t]", b"", octets).decode()
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8") from error
    top = Component("")
    path = [top]
    for line in re.split(r"\r\n|\n|\r", text):
        if not line.strip():
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise Unreadable(f"not a content line: {line[:60]!r}")
        name, parameters, value = match[1].upper(), match[2].upper(), match[3]
        if name == "BEGIN":
            path[-1].inside.append(Component(value.strip().upper()))
            path.append(path[-1].inside[-1])
        elif name == "END":
            if len(path) == 1 or path.pop().name != value.strip().upper():
                raise Unreadable(f"END:{value} closes nothing")
        elif len(path) == 1:
            raise Unreadable("text outside of components")
        else:
            path[-1].properties.append((name, parameters, value))
    if len(path) != 1:
        raise Unreadable(f"{path[-1].name} is never closed")
    return top.inside


def calendar_faults(calendar: Component) -> Iterator[tuple[str, set[str]]]:
    if calendar.name != "VCALENDAR":
        yield f"a {calendar.name}", {CALENDAR_DATA}
        return
    if calendar.values("VERSION") not in (["2.0"], []):
        yield "another version", {"C:supported-calendar-data", CALENDAR_DATA}
    if calendar.values("METHOD"):
        yield "a METHOD", {CALENDAR_OBJECT}
    components = [each for each in calendar.inside if each.name in STORABLE]
    kinds = {each.name for each in components}
    if len(kinds) != 1:
        yield f"components {sorted(kinds)}", {CALENDAR_OBJECT, COMPONENT}
    uids = {tuple(each.values("UID")) for each in components}
    if any(len(uid) != 1 or not uid[0].strip() for uid in uids):
        yield "a component without a UID", {CALENDAR_OBJECT}
    elif len(uids) > 1:
        yield "several UIDs", {CALENDAR_OBJECT}
    if sum(not each.values("RECURRENCE-ID") for each in components) > 1:
        yield "several components without RECURRENCE-ID", {CALENDAR_OBJECT}
    for each in calendar.inside:
        yield from time_faults(each)
    for each in components:
        yield from rule_faults(each.values("RRULE"))
        yield from span_faults(each)


def span_faults(component: Component) -> Iterator[tuple[str, set[str]]]:
    if component.name == "VEVENT" and not component.values("DTSTART"):
        yield "an event without DTSTART", {CALENDAR_DATA, CALENDAR_OBJECT}
    if component.values("DURATION") and (component.values("DTEND") or component.values("DUE")):
        yield "an end and a duration", {CALENDAR_DATA}


def time_faults(component: Component) -> Iterator[tuple[str, set[str]]]:
    for name, parameters, value in component.properties:
        if name in TIMES:
            observance = component.name in ("STANDARD", "DAYLIGHT")
            kind = re.search(r";VALUE=(DATE|PERIOD)\b(?!-)", parameters)
            allowed = TIMES[name] - ({"DATE", "PERIOD"} if observance else set())
            form = FORMS[kind[1] if kind and kind[1] in allowed else "PERIOD" if name == "FREEBUSY" else "DATE-TIME"]
            if not re.fullmatch(f"{form}(,{form})*", value.strip()):
                yield f"{component.name}: {name}{parameters}:{value}"[:200], {CALENDAR_DATA}
    for each in component.inside:
        yield from time_faults(each)


def rule_faults(rules: list[str]) -> Iterator[tuple[str, set[str]]]:
    if len(rules) > 1:
        yield "two RRULEs", {CALENDAR_DATA}
    for rule in rules:
        parts = dict(part.partition("=")[::2] for part in rule.upper().strip(";").split(";"))
        if parts.get("FREQ", "") not in FREQUENCIES:
            yield f"no frequency: {rule}", {CALENDAR_DATA}
        if {"COUNT", "UNTIL"} <= parts.keys():
            yield "COUNT and UNTIL", {CALENDAR_DATA}
        if parts.get("FREQ") in ("SECONDLY", "MINUTELY"):
            yield "a rule by the minute", {MAX_INSTANCES}
        if "RSCALE" in parts:
            yield "a rule of another calendar system", {CALENDAR_DATA, "C:supported-rscale"}  # RFC 7529 section 6


def unreadable_to_icalendar(octets: bytes) -> dict[str, set[str]]:
    text = re.sub(rb"\r?\n[ \t]", b"", octets).decode()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            calendar = icalendar.Calendar.from_ical(text)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        return {f"icalendar: {error}"[:200]: {CALENDAR_DATA, CALENDAR_OBJECT}}
    errors = [f"icalendar: {each.name} {error}"[:200] for each in calendar.walk() for error in each.errors]
    return {error: {CALENDAR_DATA} for error in errors}


def card_faults(card: Component) -> Iterator[tuple[str, set[str]]]:
    if card.name != "VCARD":
        yield f"a {card.name}", {ADDRESS_DATA}
        return
    match card.values("VERSION"):
        case []:
            yield "no VERSION", {ADDRESS_DATA}
        case ["3.0" | "4.0"]:
            pass
        case _:
            yield "another version", {ADDRESS_VERSION, ADDRESS_DATA}
    if not any(uid.strip() for uid in card.values("UID")):
        yield "no UID", {ADDRESS_DATA}
    if not (card.values("FN") or card.values("N") or card.values("ORG")):
        yield "no name", {ADDRESS_DATA}
