"""What the head of a request says that it is: a login with a well-formed app password, taken apart once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from dav_gateway.core import basic_auth, secret
from dav_gateway.core.secret import AppPassword

CLAIM = "dav_gateway.claim"
"""Where the WSGI environ of a request has it."""
_AUTHORIZATION = b"authorization"


@dataclass(frozen=True, slots=True)
class Claim:
    """By shape and check symbols alone: nothing was looked up, nothing is proven."""

    login: str = field(repr=False)
    password: AppPassword

    @property
    def id(self) -> str:
        """The public id: a request may be granted this credential and no other."""
        return self.password.id


def of(headers: Iterable[tuple[bytes, bytes]]) -> Claim | None:
    """The claim of a request with these headers; None without one, and where two fields say two things."""
    values = [value for name, value in headers if name == _AUTHORIZATION]
    if len(values) != 1:
        return None
    credentials = basic_auth.parse(values[0])
    if not isinstance(credentials, basic_auth.Parsed):
        return None
    password = secret.parse(credentials.password)
    return Claim(credentials.login, password) if isinstance(password, AppPassword) else None
