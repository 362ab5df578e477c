"""What a request presents for verification, and what comes of it."""

from dataclasses import dataclass, field

from dav_gateway.core.credential import Grant, Reason
from dav_gateway.core.secret import AppPassword, Mistyped


@dataclass(frozen=True, slots=True)
class Presented:
    """The parts of a request that verification looks at. What was typed shows nowhere: not even the login name,
    because people paste passwords into it."""

    login: str = field(repr=False)
    password: AppPassword | Mistyped = field(repr=False)
    address: str
    user_agent: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Granted:
    """The credential is what it claims to be and may act; what it may do is asked of the grant."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not. `detail` is one sentence for the owner and the log; `retry_after` is in seconds, 0 for never; `hint`
    is the one fact that the owner's page needs to say it better (see `service.notes`)."""

    reason: Reason
    credential_id: str | None
    detail: str
    retry_after: int = 0
    hint: str | None = None
