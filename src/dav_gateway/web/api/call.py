"""One request of a portal, as the operations take it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dav_gateway.core.account import Account
from dav_gateway.core.api_key import ApiKey
from dav_gateway.core.credential import Credential
from dav_gateway.service.revocation import required_credential
from dav_gateway.service.services import Services
from dav_gateway.web.api import records

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a long list is asked for: at most so many, after the one that ended the part before."""

    limit: int = 100
    after: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a portal, checked: the key may do it, and the body is what the schema says."""

    services: Services
    dav_url: str
    key: ApiKey
    params: Mapping[str, str]
    body: Mapping[str, Any] = field(default_factory=dict)
    part: Part = field(default_factory=Part)

    @property
    def actor(self) -> str:
        """Who does it, as the audit names it."""
        return f"api:{self.key.name}"

    def owner(self) -> Account:
        """The account of the path, by name or e-mail. Raises NotFound."""
        return self.services.accounts.get(self.params["account"])

    def found(self) -> tuple[Credential, Account]:
        """The app password of the path and its owner. Raises NotFound."""
        with self.services.database.read() as connection:
            return required_credential(connection, self.params["id"])

    def told(self) -> Answer:
        """The app password of the path as it is now."""
        return records.app_password(*self.found(), self.services.clock())
