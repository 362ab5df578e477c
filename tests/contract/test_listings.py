"""Dead properties of what only lists: kept for each account and place."""

from collections.abc import Iterator

import pytest
from alembic import command

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.store import collections, listings, migration
from dav_gateway.store.database import Database, open_database


def test_what_is_kept_is_read_again(database: Database, ana: Account) -> None:
    with database.write() as c:
        assert listings.properties(c, ana.id, "root") == {}
        listings.set_properties(c, ana.id, "root", {"D:x": "1", "{urn:y}z": "é"})
        listings.set_properties(c, ana.id, "calendars", {"D:x": "2"})
    with database.write() as c:
        assert listings.properties(c, ana.id, "root") == {"D:x": "1", "{urn:y}z": "é"}
        listings.set_properties(c, ana.id, "root", {})
        assert listings.properties(c, ana.id, "root") == {}
        assert listings.properties(c, ana.id, "calendars") == {"D:x": "2"}
        assert listings.properties(c, ana.id + 1, "calendars") == {}


@pytest.fixture
def older(empty_database_url: str) -> Iterator[Database]:
    """A database as the first version made it, with a collection of two objects."""
    database = open_database(empty_database_url)
    with database.migrate() as c:
        command.upgrade(migration._config(c), "0001")
        c.exec_driver_sql(
            "INSERT INTO account VALUES (1, 'ana', 'a@b.c', 'Ana', false, true, 'en', '[]', '', '', NULL, false, 1)"
        )
        c.exec_driver_sql("INSERT INTO collection VALUES (1, 1, 'calendars', 'work', 'i', '', '{}', 1, 0, 1, 1)")
        for name, size in (("a", 3), ("b", 4)):
            c.exec_driver_sql(
                f"INSERT INTO object VALUES (1, '{name}', '{name}', 'e', 'VEVENT', {size}, NULL, NULL, 1, 1, '')"
            )
    yield database
    database.dispose()


def test_an_upgrade_counts_what_is_there(older: Database) -> None:
    migration.upgrade(older)
    with older.write() as c:
        found = collections.get(c, 1)
        assert found is not None
        assert (found.size, found.modified_at, collections.total_size(c, 1)) == (7, Moment(1), 7)
