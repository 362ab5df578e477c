"""Rows of `card_line`: the properties of cards that address books are searched by, folded as their search folds text.

A card that nobody has looked at yet has one row of the property UNKNOWN, one that is beyond what is kept one of LOOK.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from sqlalchemy import Connection, and_, bindparam, or_, select

from dav_gateway.store.index_table import IndexTable
from dav_gateway.store.object_reads import HEAD
from dav_gateway.store.object_rows import LOOK, UNKNOWN, CardLine, NewObject, StoredObject
from dav_gateway.store.object_tables import card_line, object_

LONGEST = 200
"""So much of a searched text is given to the database; SQLite refuses long patterns."""
_TABLE = IndexTable(card_line)
_OWN = and_(object_.c.collection_id == card_line.c.collection_id, object_.c.name == card_line.c.name)
_ROWS = (
    select(card_line.c.property, card_line.c.value, *HEAD)
    .join(object_, _OWN)
    .where(card_line.c.collection_id == bindparam("collection_id"))
)


def containing(
    c: Connection, collection_id: int, texts: Collection[tuple[str, str]]
) -> Iterator[tuple[CardLine, StoredObject]]:
    """The lines that have a property of `texts` and its text in them, and those of cards that are to be looked at. One
    statement."""
    conditions = [
        and_(card_line.c.property == name, card_line.c.value.contains(text[:LONGEST], autoescape=True))
        for name, text in texts
    ]
    statement = _ROWS.where(or_(card_line.c.property.in_([UNKNOWN, LOOK]), *conditions))
    for name, value, *head in c.execute(statement, {"collection_id": collection_id}):
        yield CardLine(name, value), StoredObject(*head)


def replace(
    c: Connection, collection_id: int, lines_of: Mapping[str, Iterable[CardLine]], *, new_names: bool = False
) -> None:
    """Give cards, by their names, other lines than they had. See `IndexTable.replace`."""
    rows_of = {name: [line._asdict() for line in lines] for name, lines in lines_of.items()}
    _TABLE.replace(c, collection_id, rows_of, new_names=new_names)


def of_new(new: NewObject) -> tuple[CardLine, ...]:
    """The lines of an object that is about to be stored; only a card has any."""
    if new.lines is not None:
        return new.lines
    return (CardLine(UNKNOWN, ""),) if new.component == "VCARD" else ()


copy_all = _TABLE.copy_all
