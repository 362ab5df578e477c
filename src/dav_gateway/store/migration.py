"""Bringing a database to the tables that this version needs, with Alembic.

An embedded SQLite database is upgraded at start. PostgreSQL is upgraded by command only, and a server refuses to start
beside tables that are not its own: several nodes share them, and one must not change them under the others.

Alembic is imported where something is upgraded only: whether it is must be known at every start, and Alembic would
cost that 0.1 s, and each worker 9 MB for good.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect

from dav_gateway.core.errors import Refusal
from dav_gateway.store import (  # noqa: F401 - their tables are part of what a database has
    cut_tables,
    identity_tables,
    object_tables,
    page_tables,
)
from dav_gateway.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Run what is missing, all of it or nothing; two processes at once run it once. Nothing happens at head.

    Raises Refusal when the database was made by a newer version, StoreUnavailable.
    """
    from alembic import command

    with database.migrate() as c:
        config = _config(c)
        _refuse_newer(c, config)
        command.upgrade(config, "head")


def status(database: Database) -> tuple[str | None, str]:
    """(revision of the database or None when it has no tables, revision that this version needs)."""
    with database.read() as c:
        return _current(c), head()


def require_head(database: Database) -> None:
    """Raises Refusal, naming the command that helps, unless the database is at the revision this version needs."""
    current, needed = status(database)
    if current != needed:
        raise Refusal(
            f"the database is at revision {current or 'none'} and this version needs {needed}:"
            " run `dav-gateway database upgrade`"
        )


def head() -> str:
    """The revision that this version needs: the number of the last file of `migrations/versions`."""
    return max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _config(c: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = c
    return config


def _current(c: Connection) -> str | None:
    if not inspect(c).has_table("alembic_version"):
        return None
    revision: str | None = c.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return revision


def _refuse_newer(c: Connection, config: "Config") -> None:
    from alembic.script import ScriptDirectory

    current = _current(c)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise Refusal(f"the database is at revision {current}, which only a newer version knows")
