"""`rig`: the WSGI application on SQLite; `rig_anywhere`: on both engines."""

import pytest

from dav_gateway.core.verifier import BLAKE2B
from dav_gateway.service.services import assemble
from dav_gateway.store.database import Database
from tests.dav.support import Rig


def _rig(database: Database) -> Rig:
    services = assemble(database, profile=BLAKE2B, company="Example")
    services.accounts.add(name="ana", email="ana@example.org", display_name="Ana Ruiz", by="test")
    services.accounts.add(name="ben", email="ben@example.org", display_name="Ben Okafor", by="test")
    return Rig(services)


@pytest.fixture
def rig(sqlite_database: Database) -> Rig:
    return _rig(sqlite_database)


@pytest.fixture
def rig_anywhere(database: Database) -> Rig:
    return _rig(database)
