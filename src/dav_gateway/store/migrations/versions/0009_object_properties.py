"""Dead properties of objects: one row for each object that has any.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; no object has properties yet."""
    op.create_table(
        "object_property",
        sa.Column("collection_id", SERIAL, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "name", name="pk_object_property"),
        sa.ForeignKeyConstraint(
            ["collection_id", "name"],
            ["object.collection_id", "object.name"],
            name="fk_object_property_collection_id_name",
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
