"""Objects as Radicale's filters and its expansion can evaluate them. Only the parsed copy is touched."""

import re
from datetime import datetime
from itertools import chain
from typing import Any

from dateutil import tz
from radicale import item as radicale_item

_BLANKS_IN_TZID = re.compile(r"(?im)(^TZID:[^\r\n]*?|;TZID=[^:;\r\n]*?)[ \t]+(?=[:;]|\r?$)")
ORIGINAL_TZID = "X-VOBJ-ORIGINAL-TZID"
DATES = ("dtstart", "dtend", "due", "recurrence-id", "exdate", "rdate")


def evaluable(text: str) -> Any:
    """The vobject component of a stored object, with what real clients write put in a form that Radicale compares.

    Blanks at the end of a TZID (Outlook) are dropped. A date-time whose zone is not known (floating, or a TZID with no
    VTIMEZONE) gets the zone of that name, or UTC, as everywhere in Radicale: dateutil compares no naive time with an
    aware one. EXRULE is left out: RFC 5545 dropped it, and one that excludes every instance keeps vobject
    looking for ever. So are empty RDATE and EXDATE, and the zero DURATION that Lightning writes beside DTEND.
    """
    (parsed,) = radicale_item.read_components(_BLANKS_IN_TZID.sub(r"\1", text))
    if parsed.name == "VCALENDAR":
        for component in parsed.components():
            if component.name != "VTIMEZONE":
                _mend(component)
    return parsed


def _mend(component: Any) -> None:
    contents = component.contents
    contents.pop("exrule", None)
    for name in ("rdate", "exdate"):
        contents[name] = [line for line in contents.get(name, []) if line.value]
        if not contents[name]:
            del contents[name]
    if "dtend" in contents and "duration" in contents:
        del contents["duration"]
    for line in chain.from_iterable(contents.get(name, []) for name in DATES):
        zone = _zone(line)
        if isinstance(line.value, list):
            line.value = [_aware(value, zone) for value in line.value]
        else:
            line.value = _aware(line.value, zone)


def _zone(line: Any) -> Any:
    named = line.params.get(ORIGINAL_TZID) or line.params.get("TZID") or [""]
    # Some producers begin a name of the Olson database with a slash (RFC 5545 section 3.8.3.1).
    return tz.gettz(str(named[0]).strip().lstrip("/")) if str(named[0]).strip() else None


def _aware(value: Any, zone: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_aware(each, zone) for each in value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=zone or tz.UTC)
    return value
