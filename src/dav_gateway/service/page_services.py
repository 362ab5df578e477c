"""The use cases behind the page's sign-in and security, put together once; a part of `services`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dav_gateway.core.account import Account
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.moment import Moment
from dav_gateway.core.sign_in import Policy
from dav_gateway.service.accounts import Accounts
from dav_gateway.service.ceremonies import Ceremonies
from dav_gateway.service.factor_change import FactorChanged
from dav_gateway.service.factor_kinds import FactorKinds
from dav_gateway.service.factor_removal import take_away
from dav_gateway.service.hashing import Hashing
from dav_gateway.service.identity import Identity
from dav_gateway.service.keys import Keys, no_key
from dav_gateway.service.mail.notices import Notices
from dav_gateway.service.means import Means
from dav_gateway.service.oidc_registration import Registration
from dav_gateway.service.one_time_codes import OneTimeCodes
from dav_gateway.service.own_factors import OwnFactors
from dav_gateway.service.passkeys import Passkeys
from dav_gateway.service.password_reset import PasswordReset
from dav_gateway.service.recovery import RecoveryCodes
from dav_gateway.service.revocation import Revocation
from dav_gateway.service.standings import Standings
from dav_gateway.service.throttle import Throttle
from dav_gateway.store.database import Database

if TYPE_CHECKING:
    from dav_gateway.service.single_sign_on import SingleSignOn

CALLBACK = "/login/single-sign-on"
"""Where the provider sends the browser back; registered there as the redirect URI."""


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What the configuration says about the page. `read_key` gives the installation's key (see `keys.Keys`)."""

    public_url: str = "http://localhost:8765"
    company: str = ""
    policy: Policy = Policy.OPTIONAL
    read_key: Callable[[], Keyring] = field(default=no_key, repr=False)
    provider: Registration | None = None


@dataclass(frozen=True, slots=True)
class PageServices:
    """Signing in, second factors, passwords."""

    keys: Keys
    ceremonies: Ceremonies
    identity: Identity
    standings: Standings
    factors: OwnFactors
    passwords: PasswordReset
    single_sign_on: "SingleSignOn | None"
    take_factors_away: Callable[..., tuple[Account, bool]]


def assemble_page(
    database: Database,
    people: Accounts,
    revocation: Revocation,
    hashing: Hashing,
    *,
    clock: Callable[[], Moment],
    choose: Callable[[int], bytes],
    options: PageOptions,
    notices: Notices,
) -> PageServices:
    """`hashing` makes verifiers of passwords that people invent; `choose(n)` returns n random bytes; `notices` tells
    people by mail."""
    means = Means(database, Keys(options.read_key), clock, choose, options.policy)
    ceremonies = Ceremonies(means)
    name = options.company or "dav-gateway"
    kinds = FactorKinds(
        OneTimeCodes(means, issuer=name),
        RecoveryCodes(means),
        Passkeys(means, ceremonies, public_url=options.public_url, name=name),
    )

    changed = FactorChanged(notices)
    identity = Identity(means, hashing, kinds, Throttle(clock))

    def take_factors_away(account: str, *, by: str) -> tuple[Account, bool]:
        return take_away(database, account, clock, by=by, changed=changed)

    return PageServices(
        keys=means.keys,
        ceremonies=ceremonies,
        standings=Standings(means),
        identity=identity,
        factors=OwnFactors(means, kinds, changed),
        passwords=PasswordReset(means, people, revocation, public_url=options.public_url, notices=notices),
        single_sign_on=_single_sign_on(means, ceremonies, identity, options, notices),
        take_factors_away=take_factors_away,
    )


def _single_sign_on(
    means: Means, ceremonies: Ceremonies, identity: Identity, options: PageOptions, notices: Notices
) -> "SingleSignOn | None":
    if options.provider is None:
        return None
    from dav_gateway.service.oidc_provider import OidcProvider
    from dav_gateway.service.single_sign_on import SingleSignOn

    provider = OidcProvider(options.provider, f"{options.public_url.rstrip('/')}{CALLBACK}", means.clock)
    return SingleSignOn(means, ceremonies, identity, provider, by_email=options.provider.by_email, notices=notices)
