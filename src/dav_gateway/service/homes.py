"""Home sets: which collections an account finds in its homes, the company directory among its contacts."""

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Grant
from dav_gateway.core.scope import EMPLOYEES, Scope
from dav_gateway.store import collections
from dav_gateway.store.collections import Collection


def find(connection: Connection, account: Account, home: Scope, name: str) -> Collection | None:
    """The collection `name` of the account's home, or None. `employees` is everybody's: it is stored once."""
    owner = None if home is Scope.CONTACTS and name == EMPLOYEES else account.id
    return collections.find(connection, owner, home.value, name)


def visible(connection: Connection, grant: Grant, home: Scope) -> list[Collection]:
    """The collections of a home that the credential may see, oldest first and the directory last.

    macOS Contacts takes the first address book of the home and no other, so the person's own one leads.
    """
    if not grant.has(home):
        return []
    found = sorted(collections.in_home(connection, grant.account.id, home.value), key=lambda each: each.id)
    if home is Scope.CONTACTS:
        directory = collections.directory(connection)
        found = [*found, directory] if directory else found
    chosen = grant.credential.collections
    return [each for each in found if chosen is None or each.name in chosen]
