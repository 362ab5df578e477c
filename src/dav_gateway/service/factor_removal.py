"""An administrator's way out for somebody who lost the phone and the recovery codes: the second factor off, audited."""

from collections.abc import Callable

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.service import one_time_codes
from dav_gateway.service.caller import Caller
from dav_gateway.service.factor_change import FactorChanged
from dav_gateway.service.revocation import required_account
from dav_gateway.store import accounts, audit, passkeys, recovery_codes
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database


def take_away(
    database: Database, name: str, now: Callable[[], Moment], *, by: str, changed: FactorChanged
) -> tuple[Account, bool]:
    """Forget every factor and recovery code of an account; whether one was on. Raises NotFound.

    It needs no key file: who lost that file must still be able to let people in. Where the company requires a factor,
    the person sets one up at the next sign-in. Every session of the account ends.
    """
    with database.write() as connection:
        account = accounts.lock(connection, required_account(connection, name).id)
        was_on = one_time_codes.is_on(connection, account.id)
        one_time_codes.remove(connection, account.id)
        found = passkeys.remove(connection, account.id)
        recovery_codes.replace(connection, account.id, (), now())
        if was_on or found:
            detail = {"kind": "all", "totp": was_on, "passkeys": found}
            audit.append(connection, Event(now(), "second_factor_off", account.name, None, by, detail=detail))
            changed(connection, account, now(), Caller(""), on=False)
    return account, was_on or bool(found)
