"""The bus that fits a database."""

from dav_gateway.bus.protocol import Bus
from dav_gateway.bus.sqlite_bus import SqliteBus
from dav_gateway.store.database import Database


def open_bus(database: Database) -> Bus:
    """The bus between all processes on this database. Nothing is connected yet; what will be ends with the database."""
    if database.file is not None:
        return SqliteBus(database, database.file)
    from dav_gateway.bus.postgres_bus import PostgresBus

    bus = PostgresBus(database)
    database.before_dispose(bus.close)
    return bus
