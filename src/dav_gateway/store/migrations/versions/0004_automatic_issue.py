"""Automatic issue, mail, API: login flows, one-time set-up links, the outbox, API keys.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table and index."""
    _login_flow()
    _setup_link()
    _outbox()
    _api_key()


def _login_flow() -> None:
    op.create_table(
        "login_flow",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("account_id", SERIAL),
        sa.Column("wish", sa.Text()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("collected_at", sa.BigInteger()),
        sa.Column("credential_id", sa.Text()),
        sa.Column("origin_prefix", sa.Text(), nullable=False),
        sa.Column("poll_digest", sa.Text(), nullable=False),
        sa.Column("login_digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_flow"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_login_flow_account_id"),
        sa.UniqueConstraint("poll_digest", name="uq_login_flow_poll_digest"),
        sa.UniqueConstraint("login_digest", name="uq_login_flow_login_digest"),
    )
    op.create_index("ix_login_flow_state_expires_at", "login_flow", ["state", "expires_at"])


def _setup_link() -> None:
    op.create_table(
        "setup_link",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("wishes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("redeemed_at", sa.BigInteger()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_setup_link"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_setup_link_account_id"),
        sa.UniqueConstraint("digest", name="uq_setup_link_digest"),
    )
    op.create_index("ix_setup_link_expires_at", "setup_link", ["expires_at"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Text()),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("failure", sa.Text()),
        sa.Column("once", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_outbox_account_id"),
        sa.UniqueConstraint("once", name="uq_outbox_once"),
    )
    op.create_index("ix_outbox_due_at", "outbox", ["due_at"])


def _api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("revoked_by", sa.Text()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("digest", name="uq_api_key_digest"),
    )
