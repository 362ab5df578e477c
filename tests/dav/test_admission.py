"""Whether a body may come is decided of the credential that the connection counts under, or of none."""

import base64

import pytest

from dav_gateway.core import claim
from dav_gateway.core.scope import Scope
from dav_gateway.dav.gate import Admission
from tests.dav.support import Rig


@pytest.mark.parametrize("fields", [0, 1, 2])
def test_what_claims_nothing_is_admitted_to_nothing(rig: Rig, fields: int) -> None:
    password = rig.password({Scope.CALENDARS})
    credentials = b"Basic " + base64.b64encode(f"ana:{password}".encode())
    headers = [(b"host", b"x"), *[(b"authorization", credentials)] * fields]
    admission = Admission(rig.services, rig.site)
    place = "/ana/calendars/calendar/x.ics"
    refusal = admission.admit(method="PUT", path=place, address="192.0.2.7", request_id="r", headers=headers)
    assert (refusal is None) is (claim.of(headers) is not None) is (fields == 1)
    assert refusal is None or refusal[0] == 401
