"""A person's own second factors: turning on and off, recovery codes, passkeys. All of it needs a recent identity.

Who is at the stage ENROL of a sign-in (the company requires a factor and the account has none) may set one up, too.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from dav_gateway.core import sign_in
from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.core.one_time_code import Enrolment
from dav_gateway.core.sign_in import Policy, SignIn, Stage
from dav_gateway.service import one_time_codes, qr
from dav_gateway.service.caller import Caller, note
from dav_gateway.service.factor_change import FactorChanged
from dav_gateway.service.factor_kinds import FactorKinds
from dav_gateway.service.means import Means
from dav_gateway.service.passkey_answers import label_from
from dav_gateway.service.passkeys import Options
from dav_gateway.service.passkeys import add as add_passkey
from dav_gateway.service.standings import IdentityNeeded, standing_of
from dav_gateway.store import accounts, passkeys, recovery_codes
from dav_gateway.store.passkeys import Passkey


@dataclass(frozen=True, slots=True)
class TurnedOn:
    """A factor is on. `recovery` has ten codes to show once, or none when the account has codes already."""

    identity: SignIn
    recovery: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page of security shows."""

    codes_are_on: bool
    passkeys: tuple[Passkey, ...]
    recovery_codes_left: int
    passkeys_are_possible: bool


class OwnFactors:
    """The operations. `identity` is the finished (or enrolling) sign-in of the person who asks."""

    def __init__(
        self,
        means: Means,
        kinds: FactorKinds,
        changed: FactorChanged,
    ) -> None:
        """`changed` is told of each change. Where the company requires a factor, the last one cannot be turned off."""
        self._database = means.database
        self._clock = means.clock
        self._policy = means.policy
        self._codes = kinds.codes
        self._recovery = kinds.recovery
        self._passkeys = kinds.passkeys
        self._changed = changed

    @property
    def passkeys_are_possible(self) -> bool:
        """Whether browsers offer passkeys at the public address."""
        return self._passkeys.are_possible

    def overview(self, account_id: int) -> Overview:
        """What the account has; needs no recent identity."""
        with self._database.read() as connection:
            return Overview(
                one_time_codes.is_on(connection, account_id),
                tuple(passkeys.of_account(connection, account_id)),
                recovery_codes.left(connection, account_id),
                self._passkeys.are_possible,
            )

    def enrol(self, identity: SignIn) -> tuple[Enrolment, str]:
        """A secret for an authenticator app and its QR code as SVG. Raises IdentityNeeded, and Refusal when codes are
        on already."""
        with self._for(identity, enrolling=True) as (connection, account, now):
            begun = self._codes.draft(connection, account, now)
        return begun, qr.svg(begun.uri)

    def enrolling(self, identity: SignIn) -> tuple[Enrolment, str] | None:
        """The same once more, while it is not confirmed. Raises IdentityNeeded."""
        with self._for(identity, enrolling=True) as (connection, account, _now):
            begun = self._codes.show_draft(connection, account)
        return None if begun is None else (begun, qr.svg(begun.uri))

    def confirm(self, identity: SignIn, typed: str, caller: Caller) -> TurnedOn | None:
        """Turn codes on with a first one; None when it is not right. Raises IdentityNeeded, and Refusal when nothing
        is being set up."""
        with self._for(identity, enrolling=True) as (connection, account, now):
            if not self._codes.confirm(connection, account, typed, now):
                return None
            return self._turned_on(connection, account, identity, now, caller=caller, detail={"kind": "totp"})

    def turn_codes_off(self, identity: SignIn, caller: Caller) -> None:
        """Forget the authenticator app. Raises IdentityNeeded, and Refusal where the company requires a factor and
        this is the last."""
        with self._for(identity) as (connection, account, now):
            on = one_time_codes.is_on(connection, account.id)
            one_time_codes.remove(connection, account.id)
            if on:
                self._turned_off(connection, account, now, caller, {"kind": "totp"})

    def renew_recovery_codes(self, identity: SignIn, caller: Caller) -> tuple[str, ...]:
        """Ten new codes, shown once. Raises IdentityNeeded, and Refusal when no second factor is on."""
        with self._for(identity) as (connection, account, now):
            if not standing_of(connection, account, self._policy).is_protected:
                raise Refusal("recovery codes belong to a second factor: turn one on first")
            note(connection, now, "recovery_codes_made", account.name, caller, detail={})
            return self._recovery.renew(connection, account.id, now)

    def passkey_options(self, identity: SignIn) -> Options:
        """What the browser is asked to make a passkey. Raises IdentityNeeded, and Refusal (see `Passkeys`)."""
        with self._for(identity, enrolling=True) as (_connection, account, _now):
            pass
        return self._passkeys.registration(account)

    def add_passkey(self, identity: SignIn, handle: str, answer: str, label: str, caller: Caller) -> TurnedOn:
        """Store the passkey that the browser made. Raises IdentityNeeded, and Refusal for an answer that is wrong, late
        or sent twice."""
        with self._for(identity, enrolling=True) as (_connection, account, _now):
            pass
        made = self._passkeys.verify_registration(account, handle, answer, label)
        with self._for(identity, enrolling=True) as (connection, account, now):
            add_passkey(connection, made)
            detail = {"kind": "passkey", "label": made.label}
            return self._turned_on(connection, account, identity, now, caller=caller, detail=detail)

    def rename_passkey(self, account_id: int, passkey_id: str, label: str) -> None:
        """Give a passkey another name. Raises NotFound, and Refusal for a name that cannot be one."""
        name = label_from(label)
        with self._database.write() as connection:
            if passkeys.get(connection, passkey_id) is None or not passkeys.rename(
                connection, account_id, passkey_id, name
            ):
                raise NotFound("there is no such passkey")

    def remove_passkey(self, identity: SignIn, passkey_id: str, caller: Caller) -> None:
        """Forget a passkey. Raises IdentityNeeded, NotFound, and Refusal where the company requires a factor and this
        is the last."""
        with self._for(identity) as (connection, account, now):
            found = passkeys.get(connection, passkey_id)
            if found is None or not passkeys.remove(connection, account.id, [passkey_id]):
                raise NotFound("there is no such passkey")
            self._turned_off(connection, account, now, caller, {"kind": "passkey", "label": found.label})

    @contextmanager
    def _for(self, identity: SignIn, *, enrolling: bool = False) -> Iterator[tuple[Connection, Account, Moment]]:
        """A write for the account of a recent identity, locked so that two pages of one person follow each other."""
        if identity.account_id is None:
            raise IdentityNeeded("please sign in")
        now = self._clock()
        with self._database.write() as connection:
            account = accounts.lock(connection, identity.account_id)
            standing = standing_of(connection, account, self._policy)
            allowed = sign_in.is_recent(identity, standing, now)
            if enrolling and identity.stage is Stage.ENROL:
                allowed = sign_in.may_enrol(identity, standing, now)
            if not allowed:
                raise IdentityNeeded("please confirm that it is you")
            yield connection, account, now

    def _turned_on(
        self,
        connection: Connection,
        account: Account,
        identity: SignIn,
        now: Moment,
        *,
        caller: Caller,
        detail: Mapping[str, object],
    ) -> TurnedOn:
        note(connection, now, "second_factor_on", account.name, caller, detail=detail)
        self._changed(connection, account, now, caller, on=True)
        codes: tuple[str, ...] = ()
        if not recovery_codes.left(connection, account.id):
            codes = self._recovery.renew(connection, account.id, now)
        reached = sign_in.enrolled(identity, standing_of(connection, account, self._policy), now)
        if reached.stage is Stage.SIGNED_IN and identity.stage is not Stage.SIGNED_IN:
            proofs = sorted(each.value for each in reached.proofs)
            note(connection, now, "signed_in", account.name, caller, detail={"proofs": proofs})
        return TurnedOn(reached, codes)

    def _turned_off(
        self, connection: Connection, account: Account, now: Moment, caller: Caller, detail: Mapping[str, object]
    ) -> None:
        if not standing_of(connection, account, self._policy).is_protected:
            if self._policy is Policy.REQUIRED:
                raise Refusal("a second factor is required here: set up another one before you turn this off")
            recovery_codes.replace(connection, account.id, (), now)
        note(connection, now, "second_factor_off", account.name, caller, detail=detail)
        self._changed(connection, account, now, caller, on=False)
