"""Points in time as a person types them."""

import re
from datetime import datetime

from dav_gateway.core.moment import DAY, HOUR, MINUTE, Moment, from_datetime, to_datetime

_RELATIVE = re.compile(r"([0-9]{1,6}) ?([mhdw])", re.IGNORECASE)
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
EXPECTED = "a date or time such as 2027-03-31 or 2027-03-31T18:00+02:00, or a length of time such as 90d or 12h"


def parse_when(text: str, now: Moment) -> Moment:
    """The moment that `text` names: an ISO 8601 date or time, or minutes, hours, days or weeks from `now` (`90d`).

    A time without a zone is local time; a date is the first moment of that day. Raises ValueError for anything else.
    """
    relative = _RELATIVE.fullmatch(text.strip())
    try:
        if relative:
            return from_datetime(to_datetime(Moment(now + int(relative[1]) * _UNITS[relative[2].lower()])))
        named = datetime.fromisoformat(text.strip())
        return from_datetime(named if named.tzinfo else named.astimezone())
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(EXPECTED) from error
