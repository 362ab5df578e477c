"""A connection from an engine's pool, or StoreUnavailable."""

from sqlalchemy import Connection, Engine, exc

from dav_gateway.core.errors import StoreUnavailable


def connect(engine: Engine) -> Connection:
    """A connection without a transaction. Raises StoreUnavailable."""
    try:
        return engine.connect()
    except exc.TimeoutError as error:
        raise StoreUnavailable("every connection to the database is in use") from error
