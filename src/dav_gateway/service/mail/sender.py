"""Sends what the outbox holds. Any number of processes may do so: each letter is leased by one at a time.

A process that dies between the mail server's yes and its own note leaves a letter that is sent again when the lease has
run out, with the same Message-ID; nothing else is sent twice, and nothing is lost.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from dav_gateway.core.account import Account
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import DAY, HOUR, MINUTE, Moment
from dav_gateway.service.mail.messages import Letterhead, Undeliverable, build
from dav_gateway.service.mail.notices import MailKind
from dav_gateway.service.mail.transport import NotDelivered, Transport
from dav_gateway.store import accounts, outbox
from dav_gateway.store.database import Database
from dav_gateway.store.outbox import Letter

LEASE = 10 * MINUTE
"""Longer than one delivery can take with every timeout of `transport` used up."""

MOST_ATTEMPTS = 12
KEEP = 60 * DAY
_LONGEST_PAUSE = 4 * HOUR
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Post:
    """How mail leaves: by which way, and who writes. `reset_link` makes a link to choose a new password when the mail
    with it is sent; whoever resets passwords puts it in."""

    transport: Transport
    head: Letterhead
    reset_link: Callable[[Account], str] | None = field(default=None)


class Sender:
    """Delivers letters, one at a time."""

    def __init__(self, database: Database, post: Post, clock: Callable[[], Moment]) -> None:
        self._database = database
        self._post = post
        self._clock = clock
        self._lease = secrets.token_hex(8)

    def deliver(self, should_stop: Callable[[], bool] = lambda: False) -> int:
        """Try everything that is due; how many were delivered. Raises StoreUnavailable."""
        delivered = 0
        while not should_stop():
            claimed = self._claim()
            if claimed is None:
                break
            delivered += self._try(*claimed)
        return delivered

    def sweep(self) -> None:
        """Forget what was settled long ago. Raises StoreUnavailable."""
        with self._database.write() as connection:
            outbox.forget(connection, Moment(self._clock() - KEEP))

    def _claim(self) -> tuple[Letter, Account] | None:
        now = self._clock()
        with self._database.read() as connection:
            if not outbox.is_due(connection, now):
                return None
        with self._database.write() as connection:
            letter = outbox.claim(connection, self._lease, now, Moment(now + LEASE))
            if letter is None:
                return None
            owner = accounts.by_id(connection, letter.account_id)
        assert owner is not None, "accounts are never deleted"
        return letter, owner

    def _try(self, letter: Letter, owner: Account) -> bool:
        try:
            message = build(letter, owner, self._post.head, self._clock(), link=self._link(letter, owner))
            self._post.transport.send(message, f"{letter.created_at}-{letter.id}")
        except Refusal as error:  # no message can be made of it, or no link for it: the account was deactivated since
            self._settle(letter, str(error), permanent=True)
            return False
        except NotDelivered as error:
            self._settle(letter, str(error), permanent=error.permanent)
            return False
        with self._database.write() as connection:
            outbox.sent(connection, letter.id, self._lease, self._clock())
        return True

    def _link(self, letter: Letter, owner: Account) -> str:
        if letter.kind != MailKind.PASSWORD_RESET:
            return ""
        if self._post.reset_link is None:
            raise Undeliverable("no link to choose a new password can be made here")
        return self._post.reset_link(owner)

    def _settle(self, letter: Letter, why: str, *, permanent: bool) -> None:
        """Try again later, each time four times as long, or give up."""
        hopeless = permanent or letter.attempts >= MOST_ATTEMPTS
        pause = min(MINUTE * 4 ** (letter.attempts - 1), _LONGEST_PAUSE)
        with self._database.write() as connection:
            if hopeless:
                outbox.give_up(connection, letter.id, self._lease, why)
            else:
                outbox.later(connection, letter.id, self._lease, Moment(self._clock() + pause), why)
        what = "is given up" if hopeless else "is tried again later"
        _log.warning("mail %s (%s) was not delivered and %s: %s", letter.id, letter.kind, what, why)
