"""What a PUT says its body is (RFC 4791 section 5.3.2.1 and RFC 6352 section 6.3.2.1: `supported-calendar-data`,
`supported-address-data`)."""

import re
from collections.abc import Mapping
from typing import Any

from dav_gateway.core.scope import Scope

CALENDAR = {"text/calendar"}
CARDS = {"text/vcard", "text/x-vcard", "text/directory"}
_ANOTHER = re.compile(r"(text|application)/(xml|html|json|[\w.-]+\+(xml|json))")
"""Types that name a format which is neither. Other types say nothing: curl sends a form's, cadaver none, and what the
octets are is seen when they are read."""


def names_another(environ: Mapping[str, Any], home: Scope) -> bool:
    """Whether Content-Type names a format that the collections of `home` do not hold."""
    named = str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
    others = CARDS if home is Scope.CALENDARS else CALENDAR
    return named in others or _ANOTHER.fullmatch(named) is not None
