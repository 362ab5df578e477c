"""A table of the index of objects: its rows belong to an object, and are replaced or copied all together."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, select

from dav_gateway.store.prepared import Prepared


class IndexTable:
    """Writes a table whose key begins with `collection_id` and tells rows of one object apart by `part`."""

    def __init__(self, table: Table) -> None:
        inside = table.c.collection_id == bindparam("inside")
        self._clear = Prepared(delete(table).where(and_(inside, table.c.name == bindparam("called"))))
        self._insert = Prepared(insert(table))
        copied = {"collection_id": bindparam("to_inside", type_=table.c.collection_id.type)}
        self._copy_all = insert(table).from_select(
            table.c.keys(), select(*(copied.get(column.name, column) for column in table.c)).where(inside)
        )

    def replace(
        self,
        c: Connection,
        collection_id: int,
        rows_of: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        new_names: bool = False,
    ) -> None:
        """Give objects, by their names, other rows than they had: two statements, one where the objects are new under
        their names."""
        if not rows_of:
            return
        if not new_names:
            self._clear.change_each(c, [{"inside": collection_id, "called": name} for name in rows_of])
        values = [
            {"collection_id": collection_id, "name": name, "part": part, **row}
            for name, rows in rows_of.items()
            for part, row in enumerate(rows)
        ]
        if values:
            self._insert.change_each(c, values)

    def copy_all(self, c: Connection, from_collection_id: int, to_collection_id: int) -> None:
        """Give the objects of a collection that was just copied the rows of the originals."""
        c.execute(self._copy_all, {"inside": from_collection_id, "to_inside": to_collection_id})
