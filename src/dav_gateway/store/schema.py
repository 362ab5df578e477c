"""The tables, once for both engines. What a fresh database gets is written in `migrations`; a contract test compares.

Stored shapes only grow: a column or a stored value is never renamed nor given another meaning. Moments are whole
milliseconds. In `object` the octets stand last: SQLite stores columns in order and reads a row only as far as the last
column asked for, so a listing never touches the overflow pages of long objects.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

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

collection = Table(
    "collection",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("account_id", Serial, ForeignKey("account.id")),
    Column("home", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("incarnation", Text, nullable=False),
    Column("components", Text, nullable=False),
    Column("properties", Text, nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("oldest", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("account_id", "home", "name"),
)
# NULLs differ from each other in a unique constraint, and the company directory must be one.
Index(
    "uq_collection_company",
    collection.c.home,
    collection.c.name,
    unique=True,
    sqlite_where=text("account_id IS NULL"),
    postgresql_where=text("account_id IS NULL"),
)

object_ = Table(
    "object",
    metadata,
    Column("collection_id", Serial, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("uid", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("starts", BigInteger),
    Column("ends", BigInteger),
    Column("change", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    UniqueConstraint("collection_id", "uid"),
    Index(None, "collection_id", "change"),
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("collection_id", Serial, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("change", BigInteger, nullable=False),
    Index(None, "collection_id", "change"),
)

_OF_OBJECT = (["collection_id", "name"], ["object.collection_id", "object.name"])

occurrence = Table(
    "occurrence",
    metadata,
    Column("collection_id", Serial, primary_key=True),
    Column("reach", Integer, primary_key=True),
    Column("starts", BigInteger, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("ends", BigInteger, nullable=False),
    Column("detail", Text),
    ForeignKeyConstraint(*_OF_OBJECT, ondelete="CASCADE", onupdate="CASCADE"),
    Index(None, "collection_id", "name"),
    sqlite_with_rowid=False,  # a range of the key is then a run of neighbours
)

card_line = Table(
    "card_line",
    metadata,
    Column("collection_id", Serial, primary_key=True),
    Column("property", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("value", Text, nullable=False),
    ForeignKeyConstraint(*_OF_OBJECT, ondelete="CASCADE", onupdate="CASCADE"),
    Index(None, "collection_id", "name"),
    sqlite_with_rowid=False,
)

listing = Table(
    "listing",
    metadata,
    Column("account_id", Serial, ForeignKey("account.id"), primary_key=True),
    Column("place", Text, primary_key=True),
    Column("properties", Text, nullable=False),
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
