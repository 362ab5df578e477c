"""The tables of the page, and of those who come to it: sessions, forms, login flows, set-up links, mail, API keys.

As in `schema`, moments are milliseconds and stored shapes only grow. Secrets stand here as digests.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from dav_gateway.store.schema import Serial, metadata

__all__ = ["api_key", "form_use", "login_flow", "outbox", "setup_link", "web_session"]

web_session = Table(
    "web_session",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("account_id", Serial, ForeignKey("account.id"), nullable=False, index=True),
    Column("stage", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("sign_in", Text, nullable=False),
    Column("again", Text),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
)

form_use = Table(
    "form_use",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account_id", Serial, ForeignKey("account.id"), nullable=False),
    Column("credential_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)

login_flow = Table(
    "login_flow",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("state", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("account_id", Serial, ForeignKey("account.id")),
    Column("wish", Text),
    Column("decided_at", BigInteger),
    Column("collected_at", BigInteger),
    Column("credential_id", Text),
    Column("origin_prefix", Text, nullable=False),
    Column("poll_digest", Text, nullable=False, unique=True),
    Column("login_digest", Text, nullable=False, unique=True),
    Index(None, "state", "expires_at"),
)

setup_link = Table(
    "setup_link",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("account_id", Serial, ForeignKey("account.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("wishes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("redeemed_at", BigInteger),
    Column("digest", Text, nullable=False, unique=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("account_id", Serial, ForeignKey("account.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("attempts", BigInteger, nullable=False),
    Column("lease", Text),
    Column("sent_at", BigInteger),
    Column("failure", Text),
    Column("once", Text, unique=True),
    Index(None, "due_at"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", BigInteger),
    Column("revoked_by", Text),
    Column("digest", Text, nullable=False, unique=True),
)
