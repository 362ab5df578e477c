"""Rows of `passkey`: public keys by credential id, the counter of each, and what the person calls it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

from dav_gateway.core.moment import Moment
from dav_gateway.store.columns import dump_json, load_words
from dav_gateway.store.dialects import insert_or_nothing
from dav_gateway.store.identity_tables import passkey


@dataclass(frozen=True, slots=True)
class Passkey:
    """One row of `passkey`. `id` is the credential id in base64url; the key is the COSE key as it came."""

    id: str
    account_id: int
    label: str
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backed_up: bool
    created_at: Moment
    last_used_at: Moment | None = None


_TRANSPORTS = passkey.c.keys().index("transports")
_ID = passkey.c.id == bindparam("passkey_id")
_OF_ACCOUNT = passkey.c.account_id == bindparam("account")
_GET = select(passkey).where(_ID)
_LIST = select(passkey).where(_OF_ACCOUNT).order_by(passkey.c.created_at, passkey.c.id)
_COUNT = select(func.count()).where(_OF_ACCOUNT)
_ADD = insert_or_nothing(passkey, [passkey.c.id])
# Most synced passkeys count nothing and say 0 for ever (WebAuthn section 6.1.1).
_USE = (
    update(passkey)
    .where(_ID, or_(passkey.c.sign_count < bindparam("count"), passkey.c.sign_count + bindparam("count") == 0))
    .values(sign_count=bindparam("count"), backed_up=bindparam("backup"), last_used_at=bindparam("at"))
)
_RENAME = update(passkey).where(_ID, _OF_ACCOUNT).values(label=bindparam("new_label"))
_REMOVE = delete(passkey).where(_ID, _OF_ACCOUNT)
_REMOVE_ALL = delete(passkey).where(_OF_ACCOUNT)


def add(c: Connection, new: Passkey) -> bool:
    """Add a passkey; False when its credential id is known, to this account or another."""
    values = {name: getattr(new, name) for name in Passkey.__slots__}
    return c.execute(_ADD, values | {"transports": dump_json(list(new.transports))}).first() is not None


def get(c: Connection, passkey_id: str) -> Passkey | None:
    """The passkey with this credential id, whoever's it is; None for a text that can be none."""
    if not passkey_id.isascii() or not passkey_id.isprintable():
        return None
    row = c.execute(_GET, {"passkey_id": passkey_id}).first()
    return None if row is None else _from_row(row)


def of_account(c: Connection, account_id: int) -> list[Passkey]:
    """The account's passkeys, oldest first."""
    return [_from_row(row) for row in c.execute(_LIST, {"account": account_id})]


def count(c: Connection, account_id: int) -> int:
    """How many the account has."""
    return int(c.execute(_COUNT, {"account": account_id}).scalar_one())


def use(c: Connection, passkey_id: str, sign_count: int, now: Moment, *, backed_up: bool) -> bool:
    """Note a use; False when the counter did not grow: two devices hold the same key, or the answer was replayed."""
    values = {"passkey_id": passkey_id, "count": sign_count, "backup": backed_up, "at": now}
    return c.execute(_USE, values).rowcount == 1


def rename(c: Connection, account_id: int, passkey_id: str, label: str) -> bool:
    """Give it another name; False when the account has no such passkey."""
    return c.execute(_RENAME, {"account": account_id, "passkey_id": passkey_id, "new_label": label}).rowcount == 1


def remove(c: Connection, account_id: int, passkey_ids: Collection[str] | None = None) -> int:
    """Delete these passkeys of the account, or all of them; how many there were."""
    if passkey_ids is None:
        return c.execute(_REMOVE_ALL, {"account": account_id}).rowcount
    return sum(c.execute(_REMOVE, {"account": account_id, "passkey_id": each}).rowcount for each in passkey_ids)


def _from_row(row: Sequence[Any]) -> Passkey:
    values = list(row)
    values[_TRANSPORTS] = load_words(values[_TRANSPORTS])
    return Passkey(*values)
