"""The three kinds of second factor, as one."""

from dataclasses import dataclass

from dav_gateway.service.one_time_codes import OneTimeCodes
from dav_gateway.service.passkeys import Passkeys
from dav_gateway.service.recovery import RecoveryCodes


@dataclass(frozen=True, slots=True)
class FactorKinds:
    """How each kind is made and checked."""

    codes: OneTimeCodes
    recovery: RecoveryCodes
    passkeys: Passkeys
