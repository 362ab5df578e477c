"""What a request says its body is: that of a PUT (RFC 4791 section 5.3.2.1 and RFC 6352 section 6.3.2.1:
`supported-calendar-data`, `supported-address-data`), that of a MKCOL (RFC 4918 section 9.3.1: 415)."""

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
    named = _named(environ)
    others = CARDS if home is Scope.CALENDARS else CALENDAR
    return named in others or _ANOTHER.fullmatch(named) is not None


def is_foreign_to_xml(environ: Mapping[str, Any]) -> bool:
    """Whether Content-Type names something else than XML."""
    named = _named(environ)
    return bool(named) and not named.endswith(("/xml", "+xml"))


def _named(environ: Mapping[str, Any]) -> str:
    return str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
