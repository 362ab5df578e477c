"""Sizes of collections, kept with every change, for quotas; dead properties of principals and homes.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column, count what is there, make the table."""
    op.add_column("collection", sa.Column("size", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE collection SET size ="
        " (SELECT COALESCE(SUM(object.size), 0) FROM object WHERE object.collection_id = collection.id)"
    )
    op.create_table(
        "listing",
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "place", name="pk_listing"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_listing_account_id"),
    )
