"""Rows of `card_line`: the properties of cards that address books are searched by, folded as their search folds text.

A card that nobody has looked at yet has one row of the property UNKNOWN, one that is beyond what is kept one of LOOK.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select

from dav_gateway.store.object_reads import HEAD
from dav_gateway.store.object_rows import LOOK, UNKNOWN, CardLine, NewObject, StoredObject
from dav_gateway.store.schema import card_line, object_

LONGEST = 200
"""So much of a searched text is given to the database; SQLite refuses long patterns."""
_KEY = and_(card_line.c.collection_id == bindparam("inside"), card_line.c.name == bindparam("called"))
_CLEAR = delete(card_line).where(_KEY)
_INSERT = insert(card_line)
_COPY_ALL = _INSERT.from_select(
    card_line.c.keys(),
    select(
        *(
            bindparam("to_inside", type_=column.type) if column.name == "collection_id" else column
            for column in card_line.c
        )
    ).where(card_line.c.collection_id == bindparam("inside")),
)
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
    """Give cards, by their names, other lines than they had: two statements, one where
    the objects are new under their names."""
    if not lines_of:
        return
    if not new_names:
        c.execute(_CLEAR, [{"inside": collection_id, "called": name} for name in lines_of])
    values = [
        {"collection_id": collection_id, "property": line.property, "name": name, "part": part, "value": line.value}
        for name, lines in lines_of.items()
        for part, line in enumerate(lines)
    ]
    if values:
        c.execute(_INSERT, values)


def of_new(new: NewObject) -> tuple[CardLine, ...]:
    """The lines of an object that is about to be stored; only a card has any."""
    if new.lines is not None:
        return new.lines
    return (CardLine(UNKNOWN, ""),) if new.component == "VCARD" else ()


def copy_all(c: Connection, from_collection_id: int, to_collection_id: int) -> None:
    """Give the cards of a collection that was just copied the lines of the originals."""
    c.execute(_COPY_ALL, {"inside": from_collection_id, "to_inside": to_collection_id})
