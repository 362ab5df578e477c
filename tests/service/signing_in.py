"""Ana at the page: signs in step by step, with an authenticator app of her own."""

from dataclasses import dataclass, field

import pyotp

from dav_gateway.core.moment import SECOND
from dav_gateway.core.sign_in import SignIn, Stage, again, begin
from dav_gateway.service.caller import Caller
from dav_gateway.service.identity import Outcome
from dav_gateway.service.page_services import PageServices
from dav_gateway.store import audit

from .authenticator import Authenticator
from .conftest import HOME, PUBLIC_URL, Company

PASSWORD = "correct horse battery"
DESK = Caller(HOME, "Mozilla/5.0", "request-1")
PHONE = Caller("198.51.100.9", "Mozilla/5.0", "request-2")
RP_ID = "dav.nogal.example"


@dataclass
class Ana:
    """A person with a main password."""

    company: Company
    app: pyotp.TOTP | None = None
    recovery: tuple[str, ...] = ()
    device: Authenticator = field(default_factory=lambda: Authenticator(PUBLIC_URL, RP_ID))

    def __post_init__(self) -> None:
        self.company.services.accounts.set_password("ana", PASSWORD, by="test")
        self.id = self.company.services.accounts.get("ana").id

    @property
    def page(self) -> PageServices:
        return self.company.services.page

    def code(self, steps: int = 0) -> str:
        """What the app shows, so many steps from now."""
        assert self.app is not None
        return self.app.at(self.company.clock() // SECOND + 30 * steps)

    def password(self, at: SignIn | None = None, password: str = PASSWORD, caller: Caller = DESK) -> Outcome:
        return self.page.identity.by_password(at or begin(), "ana", password, caller)

    def signed_in(self) -> SignIn:
        """A recent identity, with everything that is asked for."""
        self.company.clock.advance(30 * SECOND)
        outcome = self.password()
        if outcome.sign_in.stage is Stage.SECOND:
            outcome = self.page.identity.by_code(outcome.sign_in, self.code(), DESK)
        assert outcome.is_signed_in, outcome
        return outcome.sign_in

    def turn_codes_on(self, identity: SignIn | None = None, caller: Caller = DESK) -> SignIn:
        """Set up an authenticator app as a person does."""
        identity = identity or self.signed_in()
        enrolment, _svg = self.page.factors.enrol(identity)
        self.app = pyotp.parse_uri(enrolment.uri)  # type: ignore[assignment]
        done = self.page.factors.confirm(identity, self.code(), caller)
        assert done is not None
        self.recovery = done.recovery or self.recovery
        return done.identity

    def add_passkey(self, identity: SignIn | None = None, label: str = "Laptop") -> SignIn:
        """Register the software authenticator."""
        identity = identity or self.signed_in()
        options = self.page.factors.passkey_options(identity)
        done = self.page.factors.add_passkey(identity, options.handle, self.device.register(options.json), label, DESK)
        self.recovery = done.recovery or self.recovery
        return done.identity

    def show_passkey(self, at: SignIn | None = None, caller: Caller = DESK) -> Outcome:
        at = at or begin()
        options = self.page.identity.passkey_options(at)
        return self.page.identity.by_passkey(at, options.handle, self.device.sign_in(options.json), caller)

    def again(self) -> SignIn:
        return again(self.id)

    def audit(self) -> list[tuple[str, dict[str, object]]]:
        """What the audit says of signing in, oldest first."""
        with self.company.database.read() as connection:
            found = audit.select(connection, limit=1000)
        return [
            (each.event, dict(each.detail))
            for each in reversed(found)
            if not each.event.startswith(("account_", "password_set"))
        ]
