"""One-time set-up links: made on the page, opened on the phone. A link holds no password; redeeming it makes one.

Looking changes nothing, so a previewer that fetches the address burns nothing; redeeming happens exactly once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from dav_gateway.core import one_time
from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Origin
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.one_time import OneTimeSecret
from dav_gateway.core.secret import AppPassword
from dav_gateway.core.setup_link import LIFETIME, SetupKind, SetupLink
from dav_gateway.service import stored_wish
from dav_gateway.service.issuing import Issuing, issuable, refuse_unknown_collections
from dav_gateway.service.revocation import required_account
from dav_gateway.service.shown_again import ShownAgain
from dav_gateway.service.wish import Wish
from dav_gateway.store import accounts, audit, form_uses, setup_links
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database

MOST_OPEN = 20
_ORIGINS = {SetupKind.APPLE_PROFILE: Origin.PROFILE, SetupKind.DAVX5: Origin.PAGE}


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a link gave, once: the passwords in the order of the wishes."""

    kind: SetupKind
    account: Account
    issued: Sequence[tuple[AppPassword, Credential]]


class SetupLinks:
    """The links of one database."""

    def __init__(
        self, database: Database, issuing: Issuing, clock: Callable[[], Moment], choose: Callable[[int], bytes]
    ) -> None:
        """`choose(n)` returns n random bytes, fit for secrets."""
        self._database = database
        self._issuing = issuing
        self._clock = clock
        self._choose = choose
        self._shown_again = ShownAgain(database, clock, choose)

    def make(self, account_name: str, kind: SetupKind, wishes: Iterable[Wish]) -> OneTimeSecret:
        """A link that issues `wishes` when it is redeemed within five minutes.

        Raises NotFound (account, collection) and Refusal: nothing is wished for, it could not be issued now, or the
        account has 20 links open.
        """
        now = self._clock()
        chosen = [replace(wish, origin=_ORIGINS[kind]) for wish in wishes]
        if not chosen:
            raise Refusal("a set-up link needs something to set up")
        for wish in chosen:
            wish.refuse_impossible(now)
        made = one_time.make(self._choose)
        with self._database.write() as connection:
            account = issuable(connection, required_account(connection, account_name), now, room_for=len(chosen))
            for wish in chosen:
                refuse_unknown_collections(connection, account, wish, now)
            if setup_links.open_count(connection, account.id, now) >= MOST_OPEN:
                raise Refusal("too many set-up links are open; use one of them or wait five minutes")
            setup_links.add(
                connection,
                digest=one_time.digest(made.reveal()) or "",
                account_id=account.id,
                kind=kind,
                wishes=stored_wish.dump(chosen),
                now=now,
                expires_at=Moment(now + LIFETIME),
            )
        return made

    def look(self, text: str) -> SetupLink | None:
        """The link of this text, while it can be redeemed; None for every other text. Changes nothing."""
        digest = one_time.digest(text)
        if digest is None:
            return None
        with self._database.read() as connection:
            link = setup_links.get(connection, digest)
        return link if link is not None and link.is_open(self._clock()) else None

    def find(self, handle: str, account: Account) -> tuple[SetupLink | None, str | None]:
        """The account's link behind a handle (`handle_of`), in whatever state, and the id of what it issued first."""
        with self._database.read() as connection:
            link = setup_links.get(connection, handle)
            if link is None or link.account_id != account.id:
                return None, None
            return link, form_uses.find(connection, handle, account.id)

    def redeem(self, text: str, *, address: str, request_id: str | None = None, by_hand: bool = False) -> Redeemed:
        """Issue what the link is for, exactly once. Of two redeemers at once one gets it. `by_hand`: the password is
        shown on the page instead, for somebody who types it.

        Raises NotFound for a link that is unknown, used or over, Refusal when it cannot be issued any more; after a
        Refusal, StoreUnavailable or Overloaded the link can still be redeemed.
        """
        link = self.look(text)
        if link is None:
            raise _over()
        with self._database.read() as connection:
            account = accounts.by_id(connection, link.account_id)
        assert account is not None, "accounts are never deleted"

        def claim(connection: Connection, ids: Sequence[str]) -> None:
            now = self._clock()
            if setup_links.redeem(connection, one_time.digest(text) or "", now) is None:
                raise _over()
            # As with a form that is good for one use: the page that shows the link learns what came of it.
            form_uses.add(connection, handle_of(text), account.id, ids[0], now)
            if link.kind is SetupKind.APPLE_PROFILE and not by_hand:
                audit.append(
                    connection,
                    *(
                        Event(now, "profile_downloaded", account.name, each, account.name, address, None, request_id)
                        for each in ids
                    ),
                )

        def keep(connection: Connection, made: Credential, password: AppPassword) -> None:
            self._shown_again.keep(connection, text, password, made.account_id)

        wishes = stored_wish.load(link.wishes)
        if by_hand:
            wishes = [replace(wish, origin=Origin.PAGE) for wish in wishes]
        issued = self._issuing.issue_all(
            account.name, wishes, actor=account.name, claim=claim, also=keep if by_hand else None
        )
        return Redeemed(link.kind, account, issued)

    def sweep(self) -> None:
        """Forget links that were over a day ago. Raises StoreUnavailable."""
        with self._database.write() as connection:
            setup_links.forget(connection, Moment(self._clock() - DAY))


def handle_of(text: str) -> str:
    """What the page may name a link by where its text would give away the password: it redeems nothing."""
    return one_time.digest(text) or ""


def _over() -> NotFound:
    return NotFound("this link was used or is older than five minutes: make a new one")
