"""Put the example company into a database: accounts as the command line adds them, objects as a PUT stores them."""

from datetime import date
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.dav.analysis import analyse
from dav_gateway.example.people import Person, people
from dav_gateway.example.templates import objects
from dav_gateway.service.provisioning import provide
from dav_gateway.service.services import Services
from dav_gateway.store import collections
from dav_gateway.store.objects import put_many

ACTOR = "example"
"""Who did it, in the audit."""


def fill(services: Services, today: date) -> list[Account]:
    """Add the people and everything they keep, with dates around `today`; their accounts, the administrator first.

    What a person keeps is stored in the transaction that makes their collections: an interrupted start is completed by
    the next one, and after that nothing is added or brought back. Raises Refusal where other people have accounts.
    """
    company = people()
    present = {account.name for account in services.accounts.every()}
    if present - {person.name for person in company}:
        raise Refusal("the example company goes into a database of its own: this one has other accounts")
    for person in company:
        if person.name not in present:
            _add(services, person)
        now = services.clock()
        account = services.accounts.get(person.name)
        with services.database.write() as connection:
            if provide(connection, account.id, now):
                _store(connection, account, person, today, now)
    return [services.accounts.get(person.name) for person in company]


def _add(services: Services, person: Person) -> None:
    services.accounts.add(
        name=person.name,
        email=person.email,
        display_name=person.display_name,
        admin=person.admin,
        language=person.language,
        phones=person.phones,
        title=person.title,
        department=person.department,
        by=ACTOR,
    )


def _store(connection: Connection, account: Account, person: Person, today: date, now: Moment) -> None:
    """Everything of one person; `analyse` refuses what a PUT would refuse, which is then a fault of the templates."""
    for (home, name), kept in groupby(objects(person, today), key=itemgetter(0, 1)):
        collection = collections.find(connection, account.id, home, name)
        if collection is None:
            raise NotFound(f"the example has no collection {name} to store into")
        put_many(connection, collection.id, [analyse(octets, home, title) for _, _, title, octets in kept], now)
