"""The index of objects: when events take place, what cards are searched by. The first query that meets an object of
before looks at it and fills in what it keeps.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables, in which every object that is there is unknown."""
    op.create_table(
        "occurrence",
        sa.Column("collection_id", SERIAL, nullable=False),
        sa.Column("reach", sa.Integer(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("collection_id", "reach", "starts", "name", "part", name="pk_occurrence"),
        _of_object("occurrence"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "card_line",
        sa.Column("collection_id", SERIAL, nullable=False),
        sa.Column("property", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "property", "name", "part", name="pk_card_line"),
        _of_object("card_line"),
        sqlite_with_rowid=False,
    )
    for table in ("occurrence", "card_line"):
        op.create_index(f"ix_{table}_collection_id_name", table, ["collection_id", "name"])
    op.drop_index("ix_object_collection_id_ends_starts", "object")
    # 4 is the class of rows without an end, and both numbers are beyond any moment.
    op.execute(
        "INSERT INTO occurrence (collection_id, reach, starts, name, part, ends, detail)"
        " SELECT collection_id, 4, -4611686018427387904, name, 0, 4611686018427387904, '?'"
        " FROM object WHERE component <> 'VCARD'"
    )
    op.execute(
        "INSERT INTO card_line (collection_id, property, name, part, value)"
        " SELECT collection_id, '?', name, 0, '' FROM object WHERE component = 'VCARD'"
    )


def _of_object(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["collection_id", "name"],
        ["object.collection_id", "object.name"],
        name=f"fk_{table}_collection_id_name",
        ondelete="CASCADE",
        onupdate="CASCADE",
    )
