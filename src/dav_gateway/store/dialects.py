"""The INSERT with ON CONFLICT and RETURNING that both engines speak.

SQLAlchemy offers the construct once per dialect; SQLite's compiler reads PostgreSQL's, clause by clause the same, so
that a statement is written once. The contract suite runs every one of them on both engines.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.dml import ReturningInsert

__all__ = ["Insert", "insert", "insert_or_nothing"]


def insert_or_nothing(table: Table, returning: Iterable[ColumnElement[Any]]) -> ReturningInsert[Any]:
    """An INSERT that gives no row where any unique constraint stands against it, and leaves the transaction usable
    (an IntegrityError would abort it on PostgreSQL)."""
    return insert(table).on_conflict_do_nothing().returning(*returning)
