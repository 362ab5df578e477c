"""Rows of `account`. Names and e-mail addresses are kept in lower case and compared in lower case."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError

from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.store.columns import dump_json, load_words
from dav_gateway.store.dialects import insert_or_nothing
from dav_gateway.store.errors import NameTaken
from dav_gateway.store.schema import account


class AccountChanges(TypedDict, total=False):
    """What `change` may be given; the name and the id of an account never change."""

    email: str
    display_name: str
    admin: bool
    active: bool
    language: str
    phones: Collection[str]
    title: str
    department: str
    password_verifier: str | None
    provisioned: bool


_PHONES = account.c.keys().index("phones")
_ALL = select(account).order_by(account.c.name)
_PAGE = _ALL.where(account.c.name > bindparam("after")).limit(bindparam("limit"))
_PAGE_ACTIVE = _PAGE.where(account.c.active)
_BY_NAME = select(account).where(account.c.name == bindparam("name"))
_BY_ID = select(account).where(account.c.id == bindparam("id"))
_BY_LOGIN = select(account).where(or_(account.c.name == bindparam("login"), account.c.email == bindparam("login")))
_LOCK = _BY_ID.with_for_update(key_share=True)
_ADD = insert_or_nothing(account, account.c)
_CHANGE = update(account).where(account.c.id == bindparam("account_id")).returning(account)


def from_row(row: Sequence[Any]) -> Account:
    """The Account of a row that holds the columns of `account` in the order of the table."""
    return _made(tuple(row))


@lru_cache(maxsize=2048)
def _made(row: tuple[Any, ...]) -> Account:
    values = list(row)
    values[_PHONES] = load_words(values[_PHONES])
    return Account(*values)


def add(
    c: Connection,
    *,
    name: str,
    email: str,
    display_name: str,
    now: Moment,
    admin: bool = False,
    active: bool = True,
    language: str = "en",
    phones: Collection[str] = (),
    title: str = "",
    department: str = "",
    password_verifier: str | None = None,
) -> Account:
    """Add an account. Raises NameTaken when another one has the name or the e-mail, in any case."""
    values = {
        "name": name.lower(),
        "email": email.lower(),
        "display_name": display_name,
        "admin": admin,
        "active": active,
        "language": language,
        "phones": dump_json(list(phones)),
        "title": title,
        "department": department,
        "password_verifier": password_verifier,
        "provisioned": False,
        "created_at": now,
    }
    row = c.execute(_ADD, values).first()
    if row is None:
        if by_name(c, name) is not None:
            raise NameTaken("name", name.lower())
        raise NameTaken("e-mail", email.lower())
    return from_row(row)


def by_name(c: Connection, name: str) -> Account | None:
    """The account of this name, in any case."""
    row = c.execute(_BY_NAME, {"name": name.lower()}).first()
    return None if row is None else from_row(row)


def by_id(c: Connection, account_id: int) -> Account | None:
    """The account with this internal id."""
    row = c.execute(_BY_ID, {"id": account_id}).first()
    return None if row is None else from_row(row)


def by_login(c: Connection, login: str) -> Account | None:
    """The account that a person means by `login`: its name or e-mail, in any case, spaces around it ignored; None for a
    text that can be neither."""
    text = login.strip().lower()
    if not text.isprintable():  # the character 0 is no text to PostgreSQL
        return None
    row = c.execute(_BY_LOGIN, {"login": text}).first()
    return None if row is None else from_row(row)


def every(c: Connection) -> list[Account]:
    """All accounts by name, inactive ones too."""
    return [from_row(row) for row in c.execute(_ALL)]


def page(c: Connection, after: str, limit: int, *, active: bool = False) -> list[Account]:
    """At most `limit` accounts by name, from the first one after the name `after`; `active`: only these."""
    statement = _PAGE_ACTIVE if active else _PAGE
    return [from_row(row) for row in c.execute(statement, {"after": after.lower(), "limit": limit})]


def lock(c: Connection, account_id: int) -> Account:
    """The account as it is now, held against change until the transaction ends. Raises NotFound.

    What counts or lists the credentials of an account and then acts on the number (issuing, deactivation) locks it
    first: on PostgreSQL two such transactions would otherwise not see each other.
    """
    row = c.execute(_LOCK, {"id": account_id}).first()
    if row is None:
        raise NotFound("no such account")
    return from_row(row)


def change(c: Connection, account_id: int, **fields: Unpack[AccountChanges]) -> Account:
    """Change the given fields. Raises NotFound, and NameTaken when another account has the e-mail.

    Whoever changes `active` does so inside `Database.change_credentials` with the account's credentials.
    """
    values: dict[str, object] = dict(fields)
    if "phones" in fields:
        values["phones"] = dump_json(list(fields["phones"]))
    if "email" in fields:
        values["email"] = fields["email"].lower()
    try:
        row = c.execute(_CHANGE.values(**values), {"account_id": account_id}).first()
    except IntegrityError as error:
        raise NameTaken("e-mail", str(values.get("email"))) from error
    if row is None:
        raise NotFound("no such account")
    return from_row(row)
