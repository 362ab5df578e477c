"""Migrations: a fresh database, an upgraded one and the tables in the code are the same, on both engines."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.store import accounts, migration
from dav_gateway.store.database import Database, open_database
from dav_gateway.store.schema import metadata

HEAD = "0009"


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Database]:
    """A database without tables, on each engine."""
    database = open_database(empty_database_url)
    yield database
    database.dispose()


def test_a_fresh_database_has_the_tables_of_the_code(empty: Database) -> None:
    assert migration.status(empty) == (None, HEAD)
    with pytest.raises(Refusal, match="dav-gateway database upgrade"):
        migration.require_head(empty)
    migration.upgrade(empty)
    assert migration.status(empty) == (HEAD, HEAD)
    migration.require_head(empty)
    with empty.read() as c:
        context = MigrationContext.configure(c, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert set(inspect(c).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_details_that_alembic_does_not_compare(empty: Database) -> None:
    migration.upgrade(empty)
    with empty.read() as c:
        inspector = inspect(c)
        for table in metadata.tables.values():
            if table.name != "cut":  # AUTOINCREMENT leaves no room for a name
                assert inspector.get_pk_constraint(table.name)["name"] == f"pk_{table.name}"
            stored = [column["name"] for column in inspector.get_columns(table.name)]
            assert stored == table.c.keys()
            for key in inspector.get_foreign_keys(table.name):
                cascade = table.name in {"object", "tombstone", "occurrence", "card_line", "object_property"}
                assert key["options"].get("ondelete") == ("CASCADE" if cascade else None)
        if empty.dialect == "sqlite":
            [sql] = c.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'cut'").scalars()
            assert "AUTOINCREMENT" in sql


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    with database.write() as c:
        ana = accounts.add(c, name="ana", email="ana@example.org", display_name="Ana", now=Moment(1))
    migration.upgrade(database)
    assert migration.status(database) == (HEAD, HEAD)
    with database.read() as c:
        assert accounts.every(c) == [ana]


def test_two_processes_upgrade_at_once(empty: Database, empty_database_url: str) -> None:
    program = (
        "import sys; from dav_gateway.store import migration; from dav_gateway.store.database import open_database;"
        "migration.upgrade(open_database(sys.argv[1]))"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, empty_database_url]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert migration.status(empty) == (HEAD, HEAD)


def test_an_upgrade_that_fails_leaves_nothing(empty: Database) -> None:
    with empty.write() as c:
        c.exec_driver_sql("CREATE TABLE cut (in_the_way INTEGER)")
    with pytest.raises(Exception, match=r"cut|SQLITE_ERROR"):
        migration.upgrade(empty)
    with empty.read() as c:
        assert inspect(c).get_table_names() == ["cut"]


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.write() as c:
        c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Refusal, match="9999"):
        migration.upgrade(database)
    with pytest.raises(Refusal, match="9999"):
        migration.require_head(database)
