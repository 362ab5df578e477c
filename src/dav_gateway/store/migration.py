"""Bringing a database to the tables that this version needs, with Alembic.

An embedded SQLite database is upgraded at start. PostgreSQL is upgraded by command only, and a server refuses to start
beside tables that are not its own: several nodes share them, and one must not change them under the others.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from dav_gateway.core.errors import Refusal
from dav_gateway.store import identity_tables  # noqa: F401 - its tables are part of what a database has
from dav_gateway.store.database import Database


def upgrade(database: Database) -> None:
    """Run what is missing, all of it or nothing; two processes at once run it once. Nothing happens at head.

    Raises Refusal when the database was made by a newer version, StoreUnavailable.
    """
    with database.migrate() as c:
        config = _config(c)
        _refuse_newer(c, config)
        command.upgrade(config, "head")


def status(database: Database) -> tuple[str | None, str]:
    """(revision of the database or None when it has no tables, revision that this version needs)."""
    with database.read() as c:
        return _current(c), _head(_config(c))


def require_head(database: Database) -> None:
    """Raises Refusal, naming the command that helps, unless the database is at the revision this version needs."""
    current, head = status(database)
    if current != head:
        raise Refusal(
            f"the database is at revision {current or 'none'} and this version needs {head}:"
            " run `dav-gateway database upgrade`"
        )


def _config(c: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = c
    return config


def _current(c: Connection) -> str | None:
    return MigrationContext.configure(c).get_current_revision()


def _head(config: Config) -> str:
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None, "there is a first revision"
    return head


def _refuse_newer(c: Connection, config: Config) -> None:
    current = _current(c)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise Refusal(f"the database is at revision {current}, which only a newer version knows")
