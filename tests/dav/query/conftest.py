"""`asked`: a calendar and an address book to put objects into and to ask."""

import pytest

from dav_gateway.core.scope import Scope
from tests.dav.query.asking import CALENDAR, SPACES, Asking
from tests.dav.support import Rig


@pytest.fixture
def asked(rig: Rig) -> Asking:
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    # The calendar that everybody is given takes events only.
    kinds = "".join(f"<C:comp name='{name}'/>" for name in ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"))
    body = (
        f"<C:mkcalendar {SPACES}><D:set><D:prop><C:supported-calendar-component-set>{kinds}"
        "</C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"
    )
    assert rig.request("DELETE", CALENDAR, password=password).status == 204
    assert rig.request("MKCALENDAR", CALENDAR, body.encode(), password=password).status == 201
    return Asking(rig, password)
