"""Forms of the page that are good for one use: who sends one twice makes one app password, is shown it again when that
was a double click, and is told so later."""

import re
from collections.abc import Callable

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.secret import AppPassword
from dav_gateway.service.issuing import Also
from dav_gateway.service.shown_again import ShownAgain
from dav_gateway.service.web_sessions import digest_of
from dav_gateway.store import form_uses
from dav_gateway.store.database import Database

_VALUE = re.compile("[0-9a-f]{32}")
_REMEMBERED = 15 * DAY
"""Longer than any session, so that no form outlives its use."""


class UsedBefore(Refusal):
    """The form was sent before, and made a credential then."""


class Forms:
    """Makes and redeems the values that such a form carries."""

    def __init__(self, database: Database, clock: Callable[[], Moment], choose: Callable[[int], bytes]) -> None:
        """`choose(n)` returns n random bytes."""
        self._database = database
        self._clock = clock
        self._choose = choose
        self.shown_again = ShownAgain(database, clock, choose)

    def new(self) -> str:
        """A value for one form."""
        return self._choose(16).hex()

    def redeem(self, value: str) -> Also:
        """What `Issuing` runs in its transaction; it raises UsedBefore when the form has made a credential.

        Raises Refusal for a text that `new` cannot have made.
        """
        if not _VALUE.fullmatch(value):
            raise Refusal("the form holds no value of ours")

        def also(connection: Connection, made: Credential, password: AppPassword) -> None:
            now = self._clock()
            form_uses.forget(connection, Moment(now - _REMEMBERED))
            if not form_uses.add(connection, digest_of(value), made.account_id, made.id, now):
                raise UsedBefore("this form was sent before")
            self.shown_again.keep(connection, value, password, made.account_id)

        return also

    def made_by(self, value: str, account: Account) -> str | None:
        """The id of the credential that the account made with the form."""
        with self._database.read() as connection:
            return form_uses.find(connection, digest_of(value), account.id)
