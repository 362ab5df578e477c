"""The tables of revocation: cuts, the workers that are told of them, and the receipts.

As in `schema`, moments are milliseconds and stored shapes only grow.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from dav_gateway.store.schema import Serial, metadata

__all__ = ["cut", "receipt", "receipt_credential", "worker"]

cut = Table(
    "cut",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("credential_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("process", Text, nullable=False),
    sqlite_autoincrement=True,  # a number once given to a reader never comes again
)

worker = Table(
    "worker",
    metadata,
    Column("id", Text, primary_key=True),
    Column("node", Text, nullable=False),
    Column("slot", Integer),
    Column("label", Text, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("joined_at", BigInteger, nullable=False),
)

receipt = Table(
    "receipt",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("decided_at", BigInteger, nullable=False),
    Column("done_at", BigInteger, nullable=False),
    Column("actor", Text),
    Column("connections", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("acknowledgements", Text, nullable=False),
)

receipt_credential = Table(
    "receipt_credential",
    metadata,
    Column("receipt_id", Serial, ForeignKey("receipt.id"), primary_key=True),
    Column("credential_id", Text, primary_key=True),
    Column("first_refused_at", BigInteger),
    Column("first_refused_client", Text),
    Index(None, "credential_id", "receipt_id"),
)
