"""The tables behind signing in to the page: second factors, ceremonies, reset links, single sign-on.

As in `schema`, moments are milliseconds and stored shapes only grow. Secrets stand here sealed or as digests.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, Table, Text

from dav_gateway.store.schema import Serial, metadata

__all__ = ["ceremony", "oidc_identity", "passkey", "password_reset", "recovery_code", "second_factor"]

second_factor = Table(
    "second_factor",
    metadata,
    Column("account_id", Serial, ForeignKey("account.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("confirmed_at", BigInteger),
    Column("last_step", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("failed_at", BigInteger),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("account_id", Serial, ForeignKey("account.id"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Serial, ForeignKey("account.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", Text, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
)

ceremony = Table(
    "ceremony",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account_id", Serial, ForeignKey("account.id")),
    Column("detail", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "expires_at"),
)

password_reset = Table(
    "password_reset",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account_id", Serial, ForeignKey("account.id"), nullable=False, index=True),
    Column("made_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

oidc_identity = Table(
    "oidc_identity",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("account_id", Serial, ForeignKey("account.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
)
