"""The tables of what devices sync: collections, their objects, and the index of objects.

As in `schema`, moments are milliseconds and stored shapes only grow. In `object` the octets stand last: SQLite stores
columns in order and reads a row only as far as the last column asked for, so a listing never touches the overflow pages
of long objects.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from dav_gateway.store.schema import Serial, metadata

__all__ = ["card_line", "collection", "listing", "object_", "occurrence", "tombstone"]

collection = Table(
    "collection",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("account_id", Serial, ForeignKey("account.id")),
    Column("home", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("incarnation", Text, nullable=False),
    Column("components", Text, nullable=False),
    Column("properties", Text, nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("oldest", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("account_id", "home", "name"),
)
# NULLs differ from each other in a unique constraint, and the company directory must be one.
Index(
    "uq_collection_company",
    collection.c.home,
    collection.c.name,
    unique=True,
    sqlite_where=text("account_id IS NULL"),
    postgresql_where=text("account_id IS NULL"),
)

object_ = Table(
    "object",
    metadata,
    Column("collection_id", Serial, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("uid", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("starts", BigInteger),
    Column("ends", BigInteger),
    Column("change", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    UniqueConstraint("collection_id", "uid"),
    Index(None, "collection_id", "change"),
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("collection_id", Serial, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("change", BigInteger, nullable=False),
    Index(None, "collection_id", "change"),
)

_OF_OBJECT = (["collection_id", "name"], ["object.collection_id", "object.name"])

occurrence = Table(
    "occurrence",
    metadata,
    Column("collection_id", Serial, primary_key=True),
    Column("reach", Integer, primary_key=True),
    Column("starts", BigInteger, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("ends", BigInteger, nullable=False),
    Column("detail", Text),
    ForeignKeyConstraint(*_OF_OBJECT, ondelete="CASCADE", onupdate="CASCADE"),
    Index(None, "collection_id", "name"),
    sqlite_with_rowid=False,  # a range of the key is then a run of neighbours
)

card_line = Table(
    "card_line",
    metadata,
    Column("collection_id", Serial, primary_key=True),
    Column("property", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("value", Text, nullable=False),
    ForeignKeyConstraint(*_OF_OBJECT, ondelete="CASCADE", onupdate="CASCADE"),
    Index(None, "collection_id", "name"),
    sqlite_with_rowid=False,
)

object_property = Table(
    "object_property",
    metadata,
    Column("collection_id", Serial, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("properties", Text, nullable=False),
    ForeignKeyConstraint(*_OF_OBJECT, ondelete="CASCADE", onupdate="CASCADE"),
    sqlite_with_rowid=False,
)

listing = Table(
    "listing",
    metadata,
    Column("account_id", Serial, ForeignKey("account.id"), primary_key=True),
    Column("place", Text, primary_key=True),
    Column("properties", Text, nullable=False),
)
