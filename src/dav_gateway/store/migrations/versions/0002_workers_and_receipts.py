"""The processes that serve, and the receipts of revocations.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "worker",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer()),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
    )
    op.create_table(
        "receipt",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("connections", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("acknowledgements", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
    )
    op.create_table(
        "receipt_credential",
        sa.Column("receipt_id", SERIAL, nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("first_refused_at", sa.BigInteger()),
        sa.Column("first_refused_client", sa.Text()),
        sa.PrimaryKeyConstraint("receipt_id", "credential_id", name="pk_receipt_credential"),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name="fk_receipt_credential_receipt_id_receipt"),
    )
    op.create_index(
        "ix_receipt_credential_credential_id_receipt_id", "receipt_credential", ["credential_id", "receipt_id"]
    )
