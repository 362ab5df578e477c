"""What follows when a second factor is turned on or off, in the transaction that does it."""

from dataclasses import dataclass

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.service.caller import Caller
from dav_gateway.service.mail.notices import Notices
from dav_gateway.store import web_sessions


@dataclass(frozen=True, slots=True)
class FactorChanged:
    """Every session of the account ends but the one that asks, and the owner is told by mail."""

    notices: Notices

    def __call__(self, connection: Connection, account: Account, now: Moment, caller: Caller, *, on: bool) -> None:
        """A factor was turned on or off."""
        web_sessions.end_all(connection, account.id, except_digest=caller.session)
        self.notices.second_factor(connection, account, now, on=on, address=caller.address)
