"""`rig`: the WSGI application on SQLite; `rig_anywhere`: on both engines."""

import pytest

from dav_gateway.store.database import Database
from tests.dav.support import Rig, rig_on


@pytest.fixture
def rig(sqlite_database: Database) -> Rig:
    return rig_on(sqlite_database)


@pytest.fixture
def rig_anywhere(database: Database) -> Rig:
    return rig_on(database)
