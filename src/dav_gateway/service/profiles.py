"""Apple profiles of app passwords that were just made, signed when a certificate is configured."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dav_gateway.core import apple_profile
from dav_gateway.core.account import Account
from dav_gateway.core.apple_profile import DavAccount
from dav_gateway.core.credential import Credential
from dav_gateway.core.profile_signature import ProfileSigner
from dav_gateway.core.scope import Scope
from dav_gateway.core.secret import AppPassword

_TITLES = {
    "en": {Scope.CALENDARS: "Calendar", Scope.CONTACTS: "Contacts"},
    "es": {Scope.CALENDARS: "Calendario", Scope.CONTACTS: "Contactos"},
}


@dataclass(frozen=True, slots=True)
class Profiles:
    """Makes profiles. `signer` reads certificate and key anew for each profile (None: unsigned), so that a renewed
    certificate is in force at once."""

    public_url: str
    company: str = ""
    signer: Callable[[], ProfileSigner] | None = None

    def prepare(self) -> Callable[[Account, Iterable[tuple[Credential, AppPassword | None]]], bytes]:
        """What makes one profile. Everything that can fail is done before it is returned: call it before a link is
        redeemed. Raises UnfitSigner and OSError."""
        signer = self.signer() if self.signer else None

        def make(owner: Account, issued: Iterable[tuple[Credential, AppPassword | None]]) -> bytes:
            profile = apple_profile.build(
                [
                    DavAccount(
                        scope,
                        credential.id,
                        owner.name,
                        self._title(scope, owner),
                        None if password is None else password.reveal(),
                    )
                    for credential, password in issued
                    for scope in sorted(credential.scopes)
                ],
                public_url=self.public_url,
                title=self._named(owner),
            )
            return signer.sign(profile) if signer else profile

        return make

    def _named(self, owner: Account) -> str:
        return f"{self.company or 'dav-gateway'} ({owner.name})"

    def _title(self, scope: Scope, owner: Account) -> str:
        title = _TITLES.get(owner.language, _TITLES["en"])[scope]
        return f"{self.company}: {title}" if self.company else title
