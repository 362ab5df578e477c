"""The tables, once for both engines. What a fresh database gets is written in `migrations`; a contract test compares.

Here are accounts, credentials and the audit; `object_tables`, `cut_tables`, `page_tables` and `identity_tables` have
the others. Stored shapes only grow: a column or a stored value is never renamed nor given another meaning. Moments are
whole milliseconds.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table, Text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# Only INTEGER PRIMARY KEY is SQLite's row id, and only a row id numbers itself.
Serial = BigInteger().with_variant(Integer, "sqlite")

account = Table(
    "account",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("email", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("language", Text, nullable=False),
    Column("phones", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("password_verifier", Text),
    Column("provisioned", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

credential = Table(
    "credential",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Serial, ForeignKey("account.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("access", Text, nullable=False),
    Column("collections", Text),
    Column("networks", Text, nullable=False),
    Column("expires_at", BigInteger, index=True),
    Column("verifier", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("client_family", Text),
    Column("first_used_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("last_used_address", Text),
    Column("last_used_client", Text),
    Column("paused_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("revoked_by", Text),
    Column("revoked_why", Text),
    Column("last_refusal_at", BigInteger),
    Column("last_refusal_reason", Text),
    Column("replaces", Text),
    Column("last_refusal_hint", Text),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("account", Text),
    Column("credential_id", Text),
    Column("actor", Text),
    Column("address", Text),
    Column("client_family", Text),
    Column("request_id", Text),
    Column("detail", Text, nullable=False),
    Index(None, "account", "id"),
    Index(None, "credential_id", "id"),
)
