"""Accounts: add, change, deactivate, the password for the page, and the collections of a first sign-in.

An account's main password never opens DAV, and no app password depends on it.
"""

import unicodedata
from collections.abc import Callable, Collection
from typing import Unpack

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.service.account_details import Details, details_from, name_from
from dav_gateway.service.directory import Directory
from dav_gateway.service.hashing import Hashing
from dav_gateway.service.provisioning import provide
from dav_gateway.service.revocation import Receipt, Revocation, locked_with_credentials, required_account
from dav_gateway.store import accounts, audit, password_resets, web_sessions
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database
from dav_gateway.store.web_sessions import WebSession

SHORTEST_PASSWORD = 8
"""NIST SP 800-63B section 5.1.1.2."""

LONGEST_PASSWORD = 1024


class Accounts:
    """Operations on accounts. `by` is who does it, as the audit names it."""

    def __init__(
        self,
        database: Database,
        revocation: Revocation,
        directory: Directory,
        hashing: Hashing,
        clock: Callable[[], Moment],
        *,
        language: str = "en",
    ) -> None:
        """`hashing` makes verifiers of passwords that people invent; `language` is of accounts that name none."""
        self._database = database
        self._revocation = revocation
        self._directory = directory
        self._hashing = hashing
        self._clock = clock
        self._language = language

    def every(self) -> list[Account]:
        """All accounts by name, deactivated ones too."""
        with self._database.read() as connection:
            return accounts.every(connection)

    def get(self, login: str) -> Account:
        """The account of this name or e-mail, in any case. Raises NotFound."""
        with self._database.read() as connection:
            found = accounts.by_login(connection, login)
        if found is None:
            raise NotFound(f"there is no account {login!r}")
        return found

    def add(
        self,
        *,
        name: str,
        email: str,
        by: str,
        display_name: str | None = None,
        admin: bool = False,
        language: str | None = None,
        phones: Collection[str] = (),
        title: str = "",
        department: str = "",
        password: str | None = None,
    ) -> Account:
        """Add an account; without a password it cannot sign in to the page.

        Raises Refusal for a name that is no path segment, an e-mail, language or password that cannot be one, and
        NameTaken (a Refusal) when another account has the name or the e-mail.
        """
        chosen = name_from(name)
        details = details_from(
            {
                "email": email,
                "display_name": display_name or chosen,
                "admin": admin,
                "language": language or self._language,
                "phones": phones,
                "title": title,
                "department": department,
            }
        )
        verifier = None if password is None else self.verifier_of(password)
        now = self._clock()
        with self._database.write() as connection:
            added = accounts.add(connection, name=chosen, password_verifier=verifier, now=now, **details)
            self._directory.refresh(connection, now)
            audit.append(connection, Event(now, "account_added", added.name, None, by, detail={"admin": admin}))
            return added

    def change(self, name: str, *, by: str, **details: Unpack[Details]) -> Account:
        """Change the given details. Raises NotFound, and Refusal as `add` does."""
        changes = details_from(details)
        now = self._clock()
        with self._database.write() as connection:
            account = required_account(connection, name)
            changed = accounts.change(connection, account.id, **changes)
            self._directory.refresh(connection, now)
            detail = {"changed": sorted(changes)}
            audit.append(connection, Event(now, "account_changed", changed.name, None, by, detail=detail))
            return changed

    def deactivate(self, name: str, *, by: str) -> Receipt:
        """Stop an account, end its sessions and cut everything that its credentials do. Raises NotFound."""

        def change(connection: Connection, now: Moment) -> list[str]:
            account, found = locked_with_credentials(connection, name)
            if account.active:
                accounts.change(connection, account.id, active=False)
                self._directory.refresh(connection, now)
                web_sessions.end_all(connection, account.id)
                audit.append(connection, Event(now, "account_deactivated", account.name, None, by))
            return [credential.id for credential in found]

        return self._revocation.carry_out(change, by=by)

    def activate(self, name: str, *, by: str) -> Account:
        """Let an account and its credentials act again. Raises NotFound."""
        now = self._clock()
        with self._database.write() as connection:
            account = required_account(connection, name)
            if account.active:
                return account
            activated = accounts.change(connection, account.id, active=True)
            self._directory.refresh(connection, now)
            audit.append(connection, Event(now, "account_activated", account.name, None, by))
            return activated

    def set_password(self, name: str, password: str, *, by: str, keep: WebSession | None = None) -> None:
        """Set the password for the page, and end every session but `keep`: whoever knew the old one is out.

        Raises NotFound, and Refusal for one that is too short or too long.
        """
        verifier = self.verifier_of(password)
        now = self._clock()
        with self._database.write() as connection:
            account = required_account(connection, name)
            accounts.change(connection, account.id, password_verifier=verifier)
            password_resets.void(connection, account.id, now)
            web_sessions.end_all(connection, account.id, except_digest=keep.digest if keep else "")
            audit.append(connection, Event(now, "password_set", account.name, None, by))

    def provision(self, account: Account) -> bool:
        """Make the default collections at the first sign-in; whether this call made them. Raises NotFound.

        It is one write of its own, and none for an account that has them: ask whenever an account signs in.
        """
        if account.provisioned:
            return False
        with self._database.write() as connection:
            return provide(connection, account.id, self._clock())

    def verifier_of(self, password: str) -> str:
        """What is kept of a password that a person invents. Raises Refusal for one that is too short or too long."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise Refusal(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
        # NIST SP 800-63B section 5.1.1.2: the same password typed on two systems must be the same octets.
        return self._hashing.make(unicodedata.normalize("NFKC", password))
