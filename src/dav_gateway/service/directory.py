"""The company directory: one read-only address book `employees`, stored once, made from the active accounts.

It is refreshed inside the transactions that change accounts, and writes only the differences: its sync token moves
only when a card does.
"""

from sqlalchemy import Connection

from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import EMPLOYEES, Scope
from dav_gateway.service.vcard import uid_of, vcard
from dav_gateway.store import accounts, collections, objects
from dav_gateway.store.collections import Collection
from dav_gateway.store.errors import CollectionExists
from dav_gateway.store.objects import NewObject


class Directory:
    """Keeps the address book equal to the accounts."""

    def __init__(self, company: str = "") -> None:
        """`company` is the organisation on every card; empty for none."""
        self._company = company

    def refresh(self, connection: Connection, now: Moment) -> int:
        """Bring the address book up to date, making it if there is none; how many cards changed, came or went."""
        directory = _directory(connection, now)
        # Two refreshes at once would each write what the other has just written, and move the counter for nothing.
        collections.lock(connection, [directory.id])
        kept = {card.name: card.etag for card in objects.every(connection, directory.id, octets=False)}
        wanted = [
            NewObject(f"{account.name}.vcf", uid_of(account), "VCARD", vcard(account, self._company))
            for account in accounts.every(connection)
            if account.active
        ]
        changed = [card for card in wanted if kept.get(card.name) != card.etag]
        gone = sorted(kept.keys() - {card.name for card in wanted})
        if changed:
            objects.put_many(connection, directory.id, changed, now)
        for name in gone:
            objects.remove(connection, directory.id, name, now)
        return len(changed) + len(gone)


def _directory(connection: Connection, now: Moment) -> Collection:
    found = collections.directory(connection)
    if found is not None:
        return found
    try:
        return collections.create(
            connection,
            account_id=None,
            home=Scope.CONTACTS,
            name=EMPLOYEES,
            components=(),
            properties={"D:displayname": "Employees"},
            now=now,
        )
    except CollectionExists:
        made_meanwhile = collections.directory(connection)
        if made_meanwhile is None:
            raise
        return made_meanwhile
