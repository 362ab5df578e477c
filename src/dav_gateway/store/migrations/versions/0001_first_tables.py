"""The first tables: accounts, credentials, collections with objects and tombstones, audit, cuts.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table and index."""
    _accounts()
    _collections()
    _journals()


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("phones", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("password_verifier", sa.Text()),
        sa.Column("provisioned", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("name", name="uq_account_name"),
        sa.UniqueConstraint("email", name="uq_account_email"),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("collections", sa.Text()),
        sa.Column("networks", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("client_family", sa.Text()),
        sa.Column("first_used_at", sa.BigInteger()),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.Column("last_used_address", sa.Text()),
        sa.Column("last_used_client", sa.Text()),
        sa.Column("paused_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("revoked_by", sa.Text()),
        sa.Column("revoked_why", sa.Text()),
        sa.Column("last_refusal_at", sa.BigInteger()),
        sa.Column("last_refusal_reason", sa.Text()),
        sa.Column("replaces", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_credential"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_credential_account_id"),
    )
    op.create_index("ix_credential_account_id", "credential", ["account_id"])
    op.create_index("ix_credential_expires_at", "credential", ["expires_at"])


def _collections() -> None:
    op.create_table(
        "collection",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("account_id", SERIAL),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("components", sa.Text(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("oldest", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collection"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_collection_account_id"),
        sa.UniqueConstraint("account_id", "home", "name", name="uq_collection_account_id_home_name"),
    )
    op.create_index(
        "uq_collection_company",
        "collection",
        ["home", "name"],
        unique=True,
        sqlite_where=sa.text("account_id IS NULL"),
        postgresql_where=sa.text("account_id IS NULL"),
    )
    op.create_table(
        "object",
        sa.Column("collection_id", SERIAL, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("starts", sa.BigInteger()),
        sa.Column("ends", sa.BigInteger()),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "name", name="pk_object"),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_object_collection_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("collection_id", "uid", name="uq_object_collection_id_uid"),
    )
    op.create_index("ix_object_collection_id_change", "object", ["collection_id", "change"])
    op.create_index("ix_object_collection_id_ends_starts", "object", ["collection_id", "ends", "starts"])
    op.create_table(
        "tombstone",
        sa.Column("collection_id", SERIAL, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "name", name="pk_tombstone"),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_tombstone_collection_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_tombstone_collection_id_change", "tombstone", ["collection_id", "change"])


def _journals() -> None:
    op.create_table(
        "audit",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("account", sa.Text()),
        sa.Column("credential_id", sa.Text()),
        sa.Column("actor", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("client_family", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_account_id", "audit", ["account", "id"])
    op.create_index("ix_audit_credential_id_id", "audit", ["credential_id", "id"])
    op.create_table(
        "cut",
        sa.Column("seq", SERIAL, nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_cut"),
        sqlite_autoincrement=True,
    )
